"""How the page of a verdict looks, beside what all pages share."""

from __future__ import annotations

from typing import Final

REPORT_STYLE: Final = """
:root { --open: #8a5a00; --badwash: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --open: #e3b341; --badwash: #3a1d1d; } }
a { color: inherit; } .open { color: var(--open); } .none { color: var(--soft); }
.banner { border: 2px solid currentColor; border-radius: 8px; padding: .6rem 1rem; }
.banner p { margin: .3rem 0; color: var(--ink); font-weight: normal; }
.banner strong { font-size: 1.35rem; overflow-wrap: anywhere; }
p, li, summary { overflow-wrap: anywhere; } td { overflow-wrap: break-word; max-width: 34rem; }
table:not(:has(thead)) td:last-child { overflow-wrap: anywhere; }
td.number, td.word, td:first-child { white-space: nowrap; }
h3, h4 { margin: 1rem 0 .2rem; } nav a { margin-right: .9rem; white-space: nowrap; }
article.witness { border-left: 4px solid var(--bad); padding: 0 0 0 1rem; margin: 1.2rem 0; }
pre { background: var(--band); padding: .5rem .7rem; border-radius: 6px;
  font: .82rem/1.4 ui-monospace, monospace; margin: .3rem 0; white-space: pre-wrap;
  overflow-wrap: anywhere; }
table { margin: .4rem 0; } .said { min-width: 14rem; }
.matrix td, .matrix th { white-space: nowrap; } .matrix td.bad { background: var(--badwash); }
.matrix th[scope=row] { position: sticky; left: 0; background: var(--paper); border-bottom: 0; }
.matrix small { color: var(--soft); font-weight: normal; }
details { border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
details > div { padding: .2rem 0 .8rem 1rem; }
figure.topology { max-width: 44rem; }
.topology .may { stroke: var(--dead); stroke-width: .7; opacity: .6; }
.topology .only { stroke: var(--ink); stroke-width: 1.6; } .head { fill: var(--ink); }
.topology .uses { stroke: var(--dead); stroke-width: 1; stroke-dasharray: 1 4; }
.topology circle { fill: var(--band); stroke: var(--ink); stroke-width: 1.3; }
.topology circle.node { stroke-width: 2; } .topology circle.culprit { fill: var(--bad); }
.topology circle.ring { fill: none; stroke: var(--bad); stroke-width: 2; }
.topology line.fails { stroke: var(--bad); stroke-width: 3; }
.topology text.name { fill: var(--ink); stroke: none; dominant-baseline: central; }
.topology circle.culprit + text.name { fill: var(--paper); font-weight: 700; }
.scenes { display: flex; flex-wrap: wrap; gap: .6rem; }
.scenes figure { flex: 1 1 15rem; max-width: 20rem; }
.scenes .linked { stroke: var(--ink); stroke-width: .8; opacity: .7; }
.scenes .new { stroke: var(--ink); stroke-width: 2.2; }
.scenes .lost { stroke: var(--dead); stroke-width: .9; stroke-dasharray: 3 4; }
.topology circle.harm { fill: none; stroke: var(--harm); stroke-width: 3; }
.key svg.line { display: inline-block; width: 26px; min-width: 0; height: 10px;
  margin-right: .35em; } .line .curve { stroke: var(--ink); stroke-width: 2; }
.line .curve.dashed { stroke-dasharray: 7 4; } .line .curve.dotted { stroke-dasharray: 2 3; }
.line .curve.harm { stroke: var(--harm); }
.topology text.fails { fill: var(--bad); font-weight: 700; }
"""
