"""What must come to hold in time once nothing new goes wrong: found out by blocks and payments.

L1 convergence, L2 propagation, L4 growth, L7 rejoin; `docs/invariants.md` tells each in plain
words, L3 is in `service`. These checks mine a few blocks, make a payment and raise a node for a
moment; they kill nobody. What a single death would do is read off the plan here, and tried in
`faulttrials`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Final

from axon.machine import SECOND, Instant
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun
from axon.swarm.lab.faucet import FaucetEmpty, knows, mine, pay
from axon.swarm.lab.manifest import ComponentKind
from axon.swarm.lab.plan import plan_joiner
from axon.swarm.lab.processes import NodeFailed, TooLate
from axon.swarm.lab.startup import Say, mean_of
from axon.swarm.lab.topology import splitters

CONVERGENCE_LIMIT_S: Final = 10.0
"""T_conv: from a new block to one last block everywhere."""

BLOCK_LIMIT_S: Final = 5.0
"""T_block: until a block is at every node."""

PAYMENT_LIMIT_S: Final = 60.0
"""T_tx: until a payment is; nodes hold it back at random for some seconds to hide who paid."""

JOIN_LIMIT_S: Final = 20.0
JOIN_BLOCKS_PER_S: Final = 50
"""T_ibd: a start and a first sync, at so many blocks a second at least."""

GROWTH_INTERVALS: Final = 10
"""L4: expected intervals within which a block must come."""


def sides(run: CheckedRun) -> list[list[CheckedNode]]:
    """The living nodes, by side of a partition; sides where nobody lives are left out."""
    alive = run.nodes()
    groups = run.manifest.sides or (tuple(node.name for node in alive),)
    parted = [[node for node in alive if node.name in side] for side in groups]
    return [side for side in parted if side]


# L1.


def convergence(run: CheckedRun) -> Finding:
    """L1: after a new block all nodes that are not cut off stand on one block."""
    worst = 0.0
    for side in sides(run):
        mine(side[0])
        try:
            worst = max(worst, until_one_tip(run, side))
        except TooLate:
            said = f"a block of {side[0].name} does not bring {names(side)} onto one block"
            limit_s = CONVERGENCE_LIMIT_S
            return Finding("L1", False, said, limit_s, limit_s, culprits=_apart(run, side))
    said = "a new block, and all nodes of each side stand on one"
    return Finding("L1", worst <= CONVERGENCE_LIMIT_S, said, worst, CONVERGENCE_LIMIT_S)


def _apart(run: CheckedRun, nodes: Sequence[CheckedNode]) -> tuple[str, ...]:
    """Those who do not stand where the first does."""
    tips = run.each(nodes, lambda node: node.rpc("getbestblockhash"))
    return tuple(node.name for node, tip in zip(nodes, tips, strict=True) if tip != tips[0])


def convergence_by_plan(run: CheckedRun) -> Finding:
    """L1 if one node were dead, read off the plan of who dials whom; nobody is harmed."""
    needed = splitters({item.name: item.dials for item in run.manifest.nodes})
    said = "whichever node dies, the others can still reach each other"
    if needed:
        said = f"by the plan ({run.manifest.topology}) the others reach each other only through "
        said += ", ".join(needed)
    return Finding(
        "L1-plan",
        not needed,
        said,
        len(needed),
        0,
        "nodes",
        tuple(needed),
    )


def until_one_tip(
    run: CheckedRun, nodes: Sequence[CheckedNode], limit_s: float = CONVERGENCE_LIMIT_S
) -> float:
    """Wait until all stand on one block; seconds that it took.

    Raises:
        TooLate: they do not.
    """
    return run.wait(
        lambda: len(set(run.each(nodes, lambda node: node.rpc("getbestblockhash")))) == 1,
        limit_s,
        "all on one block",
    )


# L2.


def propagation(run: CheckedRun) -> Finding:
    """L2: a block and a payment reach every node of their side, each within its time."""
    blocks: dict[str, float] = {}
    payments: dict[str, float] = {}
    for side in sides(run):
        blocks |= _block_times(run, side)
        try:
            payments |= _payment_times(run, side)
        except FaucetEmpty as error:
            return Finding("L2", None, str(error), max(blocks.values()), BLOCK_LIMIT_S)
    if not blocks:
        return Finding("L2", None, "no node answers", tried=0)
    late = [
        name
        for name, block_s in blocks.items()
        if block_s > BLOCK_LIMIT_S or payments[name] > PAYMENT_LIMIT_S
    ]
    said = f"a block: {_spread(blocks.values())}; a payment: {_spread(payments.values())} "
    said += f"(limit {PAYMENT_LIMIT_S:g} s)"
    return Finding(
        "L2",
        not late,
        said,
        max(blocks.values()),
        BLOCK_LIMIT_S,
        culprits=tuple(late),
        tried=len(blocks),
    )


def _block_times(run: CheckedRun, side: Sequence[CheckedNode]) -> dict[str, float]:
    """Have the first node find a block; seconds until each node has it, by node."""
    begin = run.now()
    name = mine(side[0])[0]
    height = int(side[0].rpc("getblockheader", name)["height"])
    times = run.each(side, lambda node: _got_block(run, node, name, height, begin))
    return {node.name: seconds for node, seconds in zip(side, times, strict=True)}


def _payment_times(run: CheckedRun, side: Sequence[CheckedNode]) -> dict[str, float]:
    """Make a payment at the first node, which is then mined; seconds until each node knows it.

    Raises:
        FaucetEmpty: there is nothing to pay with.
    """
    begin = run.now()
    name = pay(side[0])
    times = run.each(side, lambda node: _got_payment(run, node, name, begin))
    mine(side[0])
    return {node.name: seconds for node, seconds in zip(side, times, strict=True)}


def _got_block(run: CheckedRun, node: CheckedNode, name: str, height: int, begin: Instant) -> float:
    """Seconds until a node has a block; more than the limit if it does not get it."""
    limit_ms = int(BLOCK_LIMIT_S * 1_000)
    node.rpc("waitforblockheight", height, limit_ms)
    took_s = (run.now() - begin) / SECOND
    if node.has_block(name):
        return took_s
    try:  # It stands as high on another branch, or is late.
        return took_s + run.wait(lambda: node.has_block(name), BLOCK_LIMIT_S, name)
    except TooLate:
        return took_s + BLOCK_LIMIT_S


def _got_payment(run: CheckedRun, node: CheckedNode, name: str, begin: Instant) -> float:
    try:
        run.wait(lambda: knows(node, name), PAYMENT_LIMIT_S, name)
    except TooLate:
        return PAYMENT_LIMIT_S * 2
    return (run.now() - begin) / SECOND


def _spread(times_s: Iterable[float]) -> str:
    ordered = sorted(times_s)
    parts = [
        f"{percent} % {ordered[max(0, -(-len(ordered) * percent // 100) - 1)]:.2f}"
        for percent in (50, 90, 99, 100)
    ]
    return f"{', '.join(parts)} s"


# L4.


def growth(run: CheckedRun, say: Say) -> Finding:
    """L4: where a miner lives, a block comes within ten expected intervals."""
    worst, limit_s, tried = 0.0, 0.0, 0
    for side in sides(run):
        mining = _mining_in(run, side)
        if not mining:
            continue
        tried += 1
        limit_s = GROWTH_INTERVALS * mean_of(run.manifest) / len(mining)
        say(f"L4: waiting for a miner's block, {limit_s:.0f} s at most")
        try:
            worst = max(worst, _until_higher(run, side[-1], limit_s))
        except TooLate:
            said = f"no block came to {side[-1].name}, though {' and '.join(mining)} mined"
            return Finding("L4", False, said, limit_s, limit_s, culprits=tuple(mining))
    if not tried:
        return Finding("L4", True, "no miner lives, so no growth is due", tried=0)
    came = worst <= limit_s
    return Finding("L4", came, "a miner's block came", worst, limit_s, tried=tried)


def _mining_in(run: CheckedRun, side: Sequence[CheckedNode]) -> list[str]:
    """The living miners whose nodes are on this side."""
    near = [node.name for node in side]
    return [
        item.name
        for item in run.manifest.of_kind(ComponentKind.MINER)
        if item.node in near and run.is_running(item.name)
    ]


def _until_higher(run: CheckedRun, node: CheckedNode, limit_s: float) -> float:
    height = node.rpc("getblockcount")
    return run.wait(lambda: node.rpc("getblockcount") > height, limit_s, "growth")


# L7.


def rejoin(run: CheckedRun, say: Say) -> Finding:
    """L7: a new node reaches the last block from any single node, and then serves another."""
    worst, limit_s, tried = 0.0, JOIN_LIMIT_S, 0
    for node in run.nodes():
        height = int(node.rpc("getblockcount"))
        limit_s = max(limit_s, JOIN_LIMIT_S + height / JOIN_BLOCKS_PER_S)
        say(f"L7: a new node that knows only {node.name}")
        try:
            worst = max(worst, _join(run, node, limit_s))
        except NodeFailed as failure:
            said = (
                f"a new node that knows only {node.name} does not reach its last block: {failure}"
            )
            return Finding("L7", False, said, limit_s, limit_s, culprits=(node.name,))
        tried += 1
    if not tried:
        return Finding("L7", None, "no node answers", tried=0)
    said = f"a new node caught up from each of {counted(tried, 'node')}, another from the new one"
    return Finding("L7", worst <= limit_s, said, worst, limit_s, tried=tried)


def _join(run: CheckedRun, node: CheckedNode, limit_s: float) -> float:
    """Have a new node sync from one node, and one more from the new one; the longer time of both.

    In seconds, a start and a first sync each.
    """
    source, worst = node, 0.0
    with ExitStack() as ends:
        for number in (1, 2):
            begin = run.now()
            item = plan_joiner(run.manifest, number, (source.name,))
            run.add(item)
            ends.callback(run.remove, item.name)
            run.start([item.name])
            fresh = run.node(item.name)
            ends.enter_context(fresh.connected())
            _until_has(run, fresh, str(source.rpc("getbestblockhash")), limit_s)
            worst = max(worst, (run.now() - begin) / SECOND)
            source = fresh
    return worst


def _until_has(run: CheckedRun, node: CheckedNode, name: str, limit_s: float) -> None:
    run.wait(lambda: node.has_block(name), limit_s, f"{node.name} has {name}")


def names(nodes: Sequence[CheckedNode]) -> str:
    """Nodes in words."""
    return ", ".join(node.name for node in nodes)
