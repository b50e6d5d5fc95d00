"""Versions of images in Dockerfiles, and in YAML: Kubernetes manifests, Kustomize, values of Helm, Compose."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from steersman.domain.errors import ToolError
from steersman.toolsets.forge.pins.span import Span, image_name, image_span

_FROM = re.compile(r"^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?(?P<image>[^\s#]+)", re.IGNORECASE | re.MULTILINE)
_COPY = re.compile(r"^[ \t]*(?:COPY|ADD)\b[^\n]*?--from=(?P<image>[^\s#]+)", re.IGNORECASE | re.MULTILINE)
_STAGE = re.compile(r"^[ \t]*FROM[ \t][^\n]*?[ \t]AS[ \t]+(?P<name>\S+)", re.IGNORECASE | re.MULTILINE)


def in_dockerfile(text: str, package: str) -> list[Span]:
    """Where a Dockerfile begins at, or copies from, an image. Raises ToolError for a tag behind a build argument."""
    stages = {match["name"].lower() for match in _STAGE.finditer(text)}
    found: list[Span] = []
    for pattern in (_FROM, _COPY):
        for match in pattern.finditer(text):
            reference = match["image"]
            if reference.lower() in stages or image_name(reference)[0] != package:
                continue
            if "$" in reference:
                raise ToolError(f"{reference!r} takes its version from a build argument; change the argument by hand")
            found.append(image_span(reference, match.start("image")))
    return found


def in_manifest(text: str, package: str) -> list[Span]:
    """Where YAML names an image: `image: name:tag`, Kustomize's `newTag`, or `repository` and `tag` side by side.

    Raises ToolError for what is no YAML, such as a template of Helm.
    """
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as e:
        said = " ".join(str(e).split())[:160]
        raise ToolError(f"the file is no plain YAML ({said}); templates are changed by hand") from e
    seen: set[int] = set()
    return [span for document in documents if document for span in _in_node(document, text, package, seen=seen)]


def _in_node(node: yaml.Node, text: str, package: str, *, seen: set[int]) -> Iterator[Span]:
    if id(node) in seen:
        return  # an alias: written once
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _in_node(item, text, package, seen=seen)
    elif isinstance(node, yaml.MappingNode):
        fields = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        yield from _in_fields(fields, text, package)
        for _, value in node.value:
            yield from _in_node(value, text, package, seen=seen)


def _in_fields(fields: dict[str, yaml.Node], text: str, package: str) -> Iterator[Span]:
    image = fields.get("image")
    if isinstance(image, yaml.ScalarNode) and image_name(image.value)[0] == package:
        yield image_span(image.value, _inside(image, text))
    for name, version in (("name", "newTag"), ("repository", "tag")):
        named, tag = fields.get(name), fields.get(version)
        if isinstance(named, yaml.ScalarNode) and isinstance(tag, yaml.ScalarNode) and named.value == package:
            start = _inside(tag, text)
            yield Span(start, start + len(tag.value), tag.value)


def _inside(node: yaml.ScalarNode, text: str) -> int:
    """Where the value begins, behind a quotation mark if there is one."""
    start: int = node.start_mark.index
    written = text[start : node.end_mark.index]
    place = written.find(node.value)
    if place < 0 or node.style in ("|", ">"):
        raise ToolError(f"{node.value!r} is written with escapes or over several lines; change it by hand")
    return start + place
