"""Elements of HTML and SVG as text.

`Markup` goes onto a page as it is; what is told becomes markup only by `text`, which escapes it.
"""

from __future__ import annotations

from html import escape
from typing import Final, NewType

Markup = NewType("Markup", str)

_VOID: Final = frozenset(("meta", "br"))
"""Elements of HTML that have no end tag."""


def text(told: str) -> Markup:
    """What is told, as markup."""
    return Markup(escape(told))


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


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return value
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown
