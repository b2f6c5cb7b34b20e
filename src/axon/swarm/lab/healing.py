"""L6, healing: after many nodes have crashed at once all are linked again as well as before.

Every second node is killed in one moment and started again. Then each must have the links that it
should have, and the nodes must hang together as well as they did: so many would have to go to part
the rest, up to eight, which is as many as a node dials for all purposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.swarm.audit.linkgraph import LinkGraph, weakest_cut
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedRun
from axon.swarm.lab.faulttrials import regrowth_limit_s
from axon.swarm.lab.nodeprocess import NodeView
from axon.swarm.lab.processes import NodeFailed, TooLate
from axon.swarm.lab.startup import Say

KAPPA: Final = 8
"""More disjoint ways between two nodes are not asked for."""


def healing(run: CheckedRun, say: Say) -> Finding:
    """L6: every second node is killed, and all have their links again in time."""
    names = [node.name for node in run.nodes()]
    if not names:
        return Finding("L6", None, "no node answers", tried=0)
    before = {item.name: len(item.linked) for item in run.views()}
    ways = connectivity(run.views())
    crashed = names[::2]
    say(f"L6: {', '.join(crashed)} are killed at once")
    run.kill(crashed)
    limit_s = regrowth_limit_s(run)
    try:
        run.start(crashed)
        took_s = run.settle(limit_s)
    except (NodeFailed, TooLate) as failure:
        lonely = _lonely(run.views(), before) or tuple(crashed)
        return Finding("L6", False, f"the nodes do not come together: {failure}", culprits=lonely)
    wanted = min(KAPPA, len(names) - 1, ways)
    found = connectivity(run.views())
    if found < wanted:
        said = f"{counted(found, 'node')} could part the others afterwards, {ways} before"
        return Finding("L6", False, said, culprits=_lonely(run.views(), before))
    said = f"{counted(len(crashed), 'node')} killed at once found their links again; "
    said += f"it would take {counted(found, 'node')} to part the others, before it took {ways}"
    return Finding("L6", True, said, took_s, limit_s, tried=len(crashed))


def connectivity(seen: Sequence[NodeView]) -> int:
    """How many nodes have to go until the others are in parts; all but one if none of them can."""
    names = [item.name for item in seen if item.answers]
    links = [(item.name, other) for item in seen for other in item.linked if other in names]
    cut = weakest_cut(LinkGraph(links, names))
    return max(0, len(names) - 1) if cut is None else len(cut)


def _lonely(seen: Sequence[NodeView], before: dict[str, int]) -> tuple[str, ...]:
    """The nodes with the fewest links, if they have fewer than they had and than are asked for."""
    lacking = {
        item.name: len(item.linked)
        for item in seen
        if len(item.linked) < min(KAPPA, before.get(item.name, 0))
    }
    fewest = min(lacking.values(), default=0)
    return tuple(name for name, links in lacking.items() if links == fewest)
