"""How every page of ours looks, be it served or written into a file."""

from __future__ import annotations

from typing import Final

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
