"""What a page says first: what was claimed, on what, how long it may take, and of what there is."""

from __future__ import annotations

from typing import Final

from axon.swarm.blueprint import ComponentClass
from axon.swarm.invariants import TITLES, Finding, counted
from axon.swarm.markup import Markup, element, table, text, told
from axon.swarm.spof.candidates import Mode
from axon.swarm.spof.reporttrial import MAX_NAME, MODE_WORDS, number, row
from axon.swarm.spof.savedfields import SIM
from axon.swarm.spof.savedverdict import SavedVerdict

_MAX_NAMES: Final = 400
"""Characters of names in one row."""

_WHERE: Final = {
    SIM: "in virtual time: the real code of nodes and wallets, with links, disks and clocks that "
    "are simulated",
    "proc": "as processes of one machine, on loopback addresses",
    "netns": "as processes of one machine, each in a network namespace",
}

CLAIM: Final = (
    "Whichever single component of this network is harmed in one of the ways below, all clients "
    "that live are served in time, blocks are found, all nodes that live come to agree on one "
    "last block, and a node and a wallet that come new with an empty disk are served too."
)


def claim_section(verdict: SavedVerdict) -> list[Markup]:
    """The claim sheet."""
    plan = verdict.blueprint
    foreign = f" ({plan.bitcoinds} bitcoind)" if plan.is_mixed else ""
    parts = [
        f"{counted(len(plan.nodes), 'node')}{foreign}",
        counted(len(plan.wallets), "wallet"),
        counted(len(plan.miners), "miner"),
    ]
    unsaid = "the file does not say"
    sizes = sorted({len(each.candidate.targets) for each in verdict.records})
    rows = [
        ("network", f"{plan.name:.{MAX_NAME}}: {', '.join(parts)}"),
        ("carried out", _WHERE[verdict.backend]),
        ("harmed at once", ", ".join(map(str, sizes)) or "nothing was harmed"),
        ("workload", _workload(verdict)),
        ("seed", str(verdict.seed)),
        ("version", verdict.version or unsaid),
        ("commit", verdict.commit or unsaid),
        ("machine", verdict.machine or unsaid),
    ]
    used = [mode for mode in Mode if any(each.candidate.mode is mode for each in verdict.records)]
    return [
        element("p", element("strong", text(CLAIM))),
        table(("", ""), [row(*each) for each in rows]),
        element("h3", text("Harms")),
        table(("harm", "what it does"), [row(mode, MODE_WORDS[mode]) for mode in used]),
        element("h3", text("What must hold, and how long it may take")),
        _deadlines(verdict),
    ]


def _workload(verdict: SavedVerdict) -> str:
    """Who asks what, as the trials tell it."""
    asked = dict.fromkeys(
        (each.what, each.client)
        for record in verdict.records
        for report in record.reports.values()
        for each in report.operations
    )
    found: dict[str, list[str]] = {}
    for what, client in asked:
        found.setdefault(what, []).append(client)
    said = "; ".join(f"{what}: {', '.join(clients[:20])}" for what, clients in found.items())
    return said or "no client asked anything"


def _deadlines(verdict: SavedVerdict) -> Markup:
    findings = [
        finding
        for record in verdict.records
        for report in record.reports.values()
        for finding in report.findings
    ]
    rows = []
    for name in TITLES:
        found = [each for each in findings if each.name == name]
        if found:
            rows.append(_deadline(name, found))
    return table(("invariant", "", "deadline", "worst where it held", "looked at", "failed"), rows)


def _deadline(name: str, found: list[Finding]) -> Markup:
    unit = found[0].unit
    deadline = max((each.deadline for each in found if each.deadline is not None), default=None)
    worst = max(
        (each.worst for each in found if each.holds and each.worst is not None), default=None
    )
    failed = sum(each.holds is False for each in found)
    mood = "bad" if failed else "good"
    return element(
        "tr",
        element("td", text(name)),
        element("td", text(TITLES[name])),
        element("td", told(number(deadline, unit)), class_="number"),
        element("td", told(number(worst, unit)), class_="number"),
        element("td", text(f"{len(found):,}"), class_="number"),
        element("td", element("span", text(f"{failed:,}"), class_=mood), class_="number"),
    )


def inventory_section(verdict: SavedVerdict) -> Markup:
    """Components by kind."""
    kinds = dict(verdict.blueprint.components())
    kinds |= dict.fromkeys(verdict.blueprint.all_links(), ComponentClass.LINK)
    singles = [each for each in verdict.records if len(each.candidate.targets) == 1]
    tried = {each.candidate.targets[0] for each in singles}
    rows = []
    for kind in ComponentClass:
        names = [name for name, found in kinds.items() if found is kind]
        if names:
            harmed = sum(name in tried for name in names)
            shown = f"{harmed:,} of {len(names):,}"
            rows.append(row(kind, f"{len(names):,}", shown, ", ".join(names), most=_MAX_NAMES))
    how = (
        "From the plan of the network, from which it was raised. Links are all pairs of nodes of "
        "which one may dial the other. What is not in this table was not looked at."
    )
    heads = ("kind", "there are", "harmed by itself", "names")
    return element("div", table(heads, rows), element("p", text(how), class_="about"))
