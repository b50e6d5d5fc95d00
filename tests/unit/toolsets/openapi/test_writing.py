"""The examples of the OpenAPI specification's own table of styles, and what it leaves open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import InputError
from steersman.toolsets.openapi import writing
from steersman.toolsets.openapi.recipe import Parameter

ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}


def parameter(place: str, style: str, *, explode: bool = False, **more: object) -> Parameter:
    return Parameter.model_validate(
        {"argument": "color", "name": "color", "place": place, "style": style, "explode": explode, **more}
    )


PATHS = [
    ("simple", False, "blue", "blue"),
    ("simple", False, ARRAY, "blue,black,brown"),
    ("simple", False, OBJECT, "R,100,G,200,B,150"),
    ("simple", True, OBJECT, "R=100,G=200,B=150"),
    ("label", False, "blue", ".blue"),
    ("label", False, ARRAY, ".blue,black,brown"),
    ("label", True, ARRAY, ".blue.black.brown"),
    ("label", False, OBJECT, ".R,100,G,200,B,150"),
    ("label", True, OBJECT, ".R=100.G=200.B=150"),
    ("matrix", False, "blue", ";color=blue"),
    ("matrix", False, ARRAY, ";color=blue,black,brown"),
    ("matrix", True, ARRAY, ";color=blue;color=black;color=brown"),
    ("matrix", False, OBJECT, ";color=R,100,G,200,B,150"),
    ("matrix", True, OBJECT, ";R=100;G=200;B=150"),
    ("simple", False, "a b/c", "a%20b%2Fc"),
    ("simple", False, "한글", "%ED%95%9C%EA%B8%80"),
    ("simple", False, "{owner}", "%7Bowner%7D"),
]
QUERIES = [
    ("form", True, "", "color="),
    ("form", True, "blue", "color=blue"),
    ("form", False, ARRAY, "color=blue,black,brown"),
    ("form", True, ARRAY, "color=blue&color=black&color=brown"),
    ("form", False, OBJECT, "color=R,100,G,200,B,150"),
    ("form", True, OBJECT, "R=100&G=200&B=150"),
    ("spaceDelimited", False, ARRAY, "color=blue%20black%20brown"),
    ("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150"),
    ("pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown"),
    ("pipeDelimited", True, ARRAY, "color=blue&color=black&color=brown"),
    ("deepObject", True, OBJECT, "color[R]=100&color[G]=200&color[B]=150"),
    ("deepObject", True, {"a": {"b": [1, 2]}}, "color[a][b][]=1&color[a][b][]=2"),
    ("form", True, True, "color=true"),
    ("form", True, None, ""),
    ("form", True, "a&b=c#d", "color=a%26b%3Dc%23d"),
    ("form", False, ["a,b", "c"], "color=a%2Cb,c"),
]


@pytest.mark.parametrize(("style", "explode", "value", "written"), PATHS)
def test_paths_are_written_as_the_specification_shows(style: str, explode: bool, value: object, written: str) -> None:
    assert writing.in_path(parameter("path", style, explode=explode), value) == written


@pytest.mark.parametrize(("style", "explode", "value", "written"), QUERIES)
def test_queries_are_written_as_the_specification_shows(style: str, explode: bool, value: object, written: str) -> None:
    assert writing.query(writing.in_query(parameter("query", style, explode=explode), value)) == written


def test_headers_and_cookies() -> None:
    assert writing.in_header(parameter("header", "simple"), ARRAY) == "blue,black,brown"
    assert writing.in_header(parameter("header", "simple", explode=True), OBJECT) == "R=100,G=200,B=150"
    assert writing.in_cookie(parameter("cookie", "form"), ARRAY) == "color=blue,black,brown"
    assert writing.in_cookie(parameter("cookie", "form"), "a; admin=1") == "color=a%3B%20admin%3D1"


def test_content_is_sent_as_json_text() -> None:
    assert writing.query(writing.in_query(parameter("query", "form", as_json=True), {"a": [1]})) == (
        "color=%7B%22a%22%3A%20%5B1%5D%7D"
    )


@pytest.mark.parametrize(
    "value", ["", ".", "..", "a/../b", "../../etc", "a//b", "/", "a\\b", "a\x00b", "a\nb", [], [".."]]
)
def test_a_value_that_would_make_another_path_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="color"):
        writing.in_path(parameter("path", "simple"), value)


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\x00", "ä"])
def test_a_header_carries_no_line_breaks(value: str) -> None:
    with pytest.raises(InputError, match="header"):
        writing.in_header(parameter("header", "simple"), value)


@given(st.text(), st.booleans())
def test_a_text_never_becomes_a_second_pair(value: str, reserved: bool) -> None:
    written = writing.query(writing.in_query(parameter("query", "form", explode=True, reserved=reserved), value))
    assert written.startswith("color=")
    assert not set(written.removeprefix("color=")) & set("&=#+ ")


@given(st.text(min_size=1))
def test_a_text_in_a_path_stays_one_segment(value: str) -> None:
    try:
        written = writing.in_path(parameter("path", "simple"), value)
    except InputError:
        return
    assert not set(written) & set("/?#{} ")
    assert written not in (".", "..")
