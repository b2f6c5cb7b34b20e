"""Elements as text: well-formed, and nothing that is told becomes markup."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from axon.swarm.markup import Markup, element, page, table, text, told

TOLD = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=40)


def test_an_element_has_attributes_and_children() -> None:
    circle = element("circle", cx=1.0, r=2.345, class_="node tip0", stroke_width=0.5)
    assert circle == '<circle cx="1" r="2.35" class="node tip0" stroke-width="0.5"></circle>'
    assert element("g", circle, circle) == f"<g>{circle}{circle}</g>"
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_numbers_are_short() -> None:
    assert element("g", x=-0.001, y=100.0, z=1e3) == '<g x="0" y="100" z="1000"></g>'


@given(TOLD, TOLD)
def test_whatever_is_told_is_told_back(told: str, value: str) -> None:
    read = ElementTree.fromstring(element("p", text(told), title=value))
    assert (read.text or "") == told
    assert read.get("title") == value


@given(TOLD)
def test_what_a_file_says_is_cut_and_shows_all_its_characters(said: str) -> None:
    shown = told(said, 10)
    assert len(ElementTree.fromstring(f"<p>{shown}</p>").text or "") == min(len(said), 10)


def test_what_would_turn_the_direction_or_hide_is_seen() -> None:
    assert told("a\u202eb\x00\ud800<") == "a\ufffdb\ufffd\ufffd&lt;"
    assert told("x" * 20, 5) == "xxxx\u2026"


def test_a_table_without_heads_has_none() -> None:
    row = element("tr", element("td", text("1")))
    assert "<thead>" in table(("a", ""), [row])
    assert "<thead>" not in table(("", ""), [row])


def test_a_page_names_its_language_and_its_title() -> None:
    whole = page(text("a < b"), ".x { color: red; }", [Markup("<p>c</p>")])
    assert whole.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>a &lt; b</title>" in whole
    assert ".x { color: red; }" in whole
