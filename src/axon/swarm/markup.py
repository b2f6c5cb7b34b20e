"""Elements of HTML and SVG as text, and a page of them that needs nothing else.

`Markup` goes onto a page as it is; what is told becomes markup only by `text`, which escapes it, or
`told`, which also makes what a stranger's file says fit to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NewType

Markup = NewType("Markup", str)

_VOID: Final = frozenset(("meta", "br"))
"""Elements of HTML that have no end tag."""

MAX_TOLD: Final = 600
"""Characters of what a file says in one place."""

_UNREADABLE: Final = "\ufffd"

BASE_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2128; --soft: #57606a; --line: #d0d7de;
  --band: #f3f5f8; --good: #1a7f37; --bad: #c62828; --dead: #8c959f; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181d; --ink: #e3e7ec; --soft: #9aa4af;
  --line: #343b44; --band: #1d2229; --good: #4ac26b; --bad: #ff7b72; --dead: #6e7781; } }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { margin-bottom: 0; } h2 { margin: 2.5rem 0 .5rem; }
h2 small, .about, figcaption { color: var(--soft); font-weight: normal; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: bold; }
figure { margin: 0; padding: .5rem; border: 1px solid var(--line); border-radius: 8px;
  box-sizing: border-box; }
svg { display: block; width: 100%; height: auto; } figcaption { font-size: .82rem; }
svg text { font: 11px system-ui, sans-serif; text-anchor: middle; fill: var(--soft);
  paint-order: stroke; stroke: var(--paper); stroke-width: 3; stroke-linejoin: round; }
details { margin-top: .6rem; } summary { cursor: pointer; color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; }
td, th { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top; }
th { border-bottom: 1px solid var(--line); } td.number { text-align: right; }
"""
"""What all pages share. It follows the reader's choice of light or dark; green is what holds, red
what does not, and nothing else is either."""


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
