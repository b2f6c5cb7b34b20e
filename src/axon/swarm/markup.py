"""Elements of HTML and SVG as text, and a page of them that needs nothing else.

`Markup` goes onto a page as it is; what is told becomes markup only by `text`, which escapes it, or
`told`, which also makes what a stranger's file says fit to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NewType

from axon.dash.basestyle import BASE_STYLE

Markup = NewType("Markup", str)

_VOID: Final = frozenset(("meta", "br"))
"""Elements of HTML that have no end tag."""

MAX_TOLD: Final = 600
"""Characters of what a file says in one place."""

_UNREADABLE: Final = "\ufffd"


def text(told: str) -> Markup:
    """What is told, as markup."""
    return Markup(escape(told))


def told(said: str, most: int = MAX_TOLD) -> Markup:
    """What a file says, as markup: no more than so many characters, and only such as are seen.

    Others could turn the direction of what follows, or hide it.
    """
    cut = said if len(said) <= most else f"{said[: most - 1]}\u2026"
    return text("".join(each if each.isprintable() else _UNREADABLE for each in cut))


def element(name: str, /, *children: Markup, **attributes: str | float) -> Markup:
    """One element.

    Args:
        children: what is between its tags.
        attributes: numbers with two decimals at most; `class_` stands for `class`, `stroke_width`
            for `stroke-width`.
    """
    start = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Markup(f"<{name}{start}>")
    return Markup(f"<{name}{start}>{''.join(children)}</{name}>")


def joined(parts: list[Markup]) -> Markup:
    """One after the other, each on its own line."""
    return Markup("\n".join(parts))


def table(heads: Sequence[str], rows: list[Markup]) -> Markup:
    """A table that is moved sideways in its own box where it is wider than the page.

    Args:
        heads: of its columns; none is shown where all are empty.
        rows: elements `tr`.
    """
    head = element("thead", element("tr", *[element("th", text(said)) for said in heads]))
    whole = element("table", *[head] * any(heads), element("tbody", joined(rows)))
    return element("div", whole, class_="scroll")


def page(title: Markup, style: str, sections: list[Markup]) -> str:
    """A whole page: no script, and nothing that a browser would have to fetch.

    Args:
        title: of the window.
        style: CSS of this kind of page, after what all share.
        sections: of its body.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(BASE_STYLE + style)),
    )
    body = element("body", joined(sections))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return value
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown
