"""Act 1: two nodes, each server and client, and one connection between them."""

from __future__ import annotations

from typing import Any, Final

from axon.swarm.checks import agreed
from axon.swarm.processes import NodeProcess
from axon.swarm.stage import Stage, names

TITLE: Final = "Two neurons"


def play(stage: Stage) -> None:
    """Two nodes start, one dials the other, each finds a block, both have both."""
    stage.say("A node is a program that listens like a server and calls like a client.")
    first, second = pair = stage.new_nodes(2)
    stage.say("(The nodes of this story are told to trust each other, so they pass payments on")
    stage.say("at once. To others they tell them at random moments: that hides who paid.)")
    stage.say("Node 1 calls node 2. From now on both may speak at any time.")
    first.connect(second)
    stage.check(f"connections, at {names(pair)}", "1", _counts(pair))
    stage.check("who called whom", "1 called, 2 was called", f"1 {_role(first)}, 2 {_role(second)}")
    before = _ids(pair)
    stage.say("The ledger is a chain of blocks. Their names are long; here we show their ends.")
    stage.say("Node 1 finds a block. It has 50 new coins, for Alice.")
    stage.mine(first, stage.alice)
    stage.until_one_tip(pair)
    stage.say("Node 2 finds the next one. It has 50 new coins, for Carol.")
    tip = stage.mine(second, stage.carol)
    stage.until_one_tip(pair, tip)
    stage.check(
        "got a whole block over that connection",
        names(pair),
        names([node for node in pair if _got_block(node)]),
    )
    stage.check("still the same, only connection", before, _ids(pair))


def _peer(node: NodeProcess) -> dict[str, Any]:
    return node.peers()[0]


def _counts(nodes: list[NodeProcess]) -> str:
    return agreed([str(len(node.peers())) for node in nodes])


def _ids(nodes: list[NodeProcess]) -> str:
    return ", ".join(f"no. {peer['id']}" for node in nodes for peer in node.peers())


def _role(node: NodeProcess) -> str:
    return "was called" if _peer(node)["inbound"] else "called"


def _got_block(node: NodeProcess) -> bool:
    return int(_peer(node)["bytesrecv_per_msg"].get("block", 0)) > 0
