"""S5, bounded history change: while it is looked at no node takes back more than a few blocks.

Two miners may find blocks at one moment, and one more each: two blocks leave a chain where nothing
is wrong. No check heals a partition, so nothing else may take blocks back while checks are made.
"""

from __future__ import annotations

from typing import Any, Final

from axon.rpc.errors import Code, RpcError
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun
from axon.swarm.lab.liveness import sides
from axon.swarm.lab.safety import Baseline

DEPTH_LIMIT: Final = 2
"""Blocks that a node may take back, and in which two nodes that are not cut off may differ."""


def bounded_history(run: CheckedRun, before: Baseline) -> Finding:
    """S5: all stand on what they stood on before, but for two blocks; nor do two differ in more.

    Args:
        before: the network when the checks began.
    """
    nodes = [node for node in run.nodes() if node.name in before.tips]
    if not nodes:
        return Finding("S5", None, "no node that answered at first answers now", tried=0)
    lost = {node.name: _depth(node, before.tips[node.name], node) for node in nodes}
    apart: dict[str, int] = {}
    for side in sides(run):
        for node in side[1:]:
            apart[node.name] = _depth(node, str(node.rpc("getbestblockhash")), side[0])
    worst = max([*lost.values(), *apart.values()])
    if worst <= DEPTH_LIMIT:
        said = f"of {counted(len(nodes), 'node')} none took back more than {max(lost.values())}"
        said += f" blocks, and no two differ in more than {max(apart.values(), default=0)}"
        return Finding("S5", True, said, worst, DEPTH_LIMIT, "blocks", tried=len(nodes))
    wrong = {name: depth for name, depth in lost.items() if depth > DEPTH_LIMIT}
    said = "; ".join(
        f"{name} has taken back {_told(depth)} blocks" for name, depth in wrong.items()
    )
    if not wrong:
        wrong = {name: depth for name, depth in apart.items() if depth > DEPTH_LIMIT}
        said = "; ".join(
            f"{name} stands on {_told(depth)} blocks that others do not have"
            for name, depth in wrong.items()
        )
    return Finding("S5", False, said, worst, DEPTH_LIMIT, "blocks", tuple(wrong))


def _told(depth: int) -> str:
    return f"more than {DEPTH_LIMIT}" if depth > DEPTH_LIMIT else str(depth)


def _depth(source: CheckedNode, tip: str, other: CheckedNode) -> int:
    """How many blocks from a tip down, as one node knows them, are not in the chain of another.

    It stops where there are more than allowed.
    """
    depth, name = 0, tip
    while depth <= DEPTH_LIMIT and not _has(other, name):
        depth += 1
        header = _header(source, name)
        if header is None:
            return DEPTH_LIMIT + 1  # It has forgotten the block on which it stood.
        name = str(header["previousblockhash"])
    return depth


def _has(node: CheckedNode, name: str) -> bool:
    header = _header(node, name)
    return header is not None and int(header["confirmations"]) > 0


def _header(node: CheckedNode, name: str) -> dict[str, Any] | None:
    """What a node says of a block; None if it does not know it."""
    try:
        found: dict[str, Any] = node.rpc("getblockheader", name)
    except RpcError as error:
        if error.code != Code.NOT_FOUND:
            raise
        return None
    return found
