"""Elements as text: well-formed, and nothing that is told becomes markup."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from axon.swarm.story.svg import element, text

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
