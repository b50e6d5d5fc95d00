"""What the operations of a registry take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact

ImageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,400}$")]
TagName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
DigestName = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class OfImage(Fact):
    """Arguments that name an image."""

    image: ImageName


class Waiting(OfImage):
    """Arguments of `watch_image`."""

    wait_s: float = Field(default=600.0, ge=0, le=3_600)
    """Longest time to wait until it is there."""


class ImageState(Fact):
    """Answer of `get_image` and `watch_image`."""

    exists: bool
    digest: str = ""
    platforms: tuple[str, ...] = ()
    revision: str = ""
    """The commit that it was built from, as its label or annotation says. Untrusted text."""
    base: str = ""
    """The image that it was built on, as it says itself. Untrusted text."""


class Repository(Fact):
    """Arguments of `tags`."""

    repository: ImageName


class TagList(Fact):
    """Answer of `tags`."""

    exists: bool
    tags: tuple[str, ...] = ()
    left_out: int = 0


class NewerTags(Fact):
    """Answer of `newer_tags`."""

    current: str
    patch: str
    """The newest of the same flavour with the same major and minor number; the current one when there is none."""
    minor: str
    """The newest of the same flavour with the same major number."""
    newer: tuple[str, ...] = ()
    """Newest first."""


class OfTag(Repository):
    """Arguments that name a tag."""

    tag: TagName


class NewTag(OfTag):
    """Arguments of `create_tag` and `set_tag`."""

    digest: DigestName


class TagState(Fact):
    """What `get_tag` observes."""

    exists: bool
    digest: str | None = None


class Done(Fact):
    """Answer of a write."""

    changed: bool
