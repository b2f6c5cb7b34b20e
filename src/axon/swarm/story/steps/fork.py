"""Act 6: a cut, two blocks at once, and one ledger again when the cut heals; wallets follow."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.processes import NodeProcess
from axon.swarm.story.checks import agreed
from axon.swarm.story.runner import Stage, ledger, names, short

TITLE: Final = "Two blocks at once"


def play(stage: Stage) -> None:
    """Two halves find a block each; one loses, and its payment comes back and is confirmed."""
    alice, bob, carol = stage.people
    nodes = list(stage.nodes)
    first, second, third, fourth = nodes
    left, right = [first, second], [third, fourth]
    common = first.tip()
    stage.say(f"The network breaks in two: {names(left)} with the wallets of Alice and Carol here,")
    stage.say(f"{names(right)} with Bob's wallet there.")
    for node in left:
        for other in right:
            node.disconnect(other)
    stage.check("connections across the break", "0", str(_across(left, right)))

    stage.say("Both halves find the next block at once, neither knows of the other's.")
    payment = stage.pay(bob, alice, 7)
    stage.until_waiting(right, [payment])
    lost = stage.mine(third)
    kept = stage.mine(first)
    stage.until_one_tip(right, lost)
    stage.until_one_tip(left, kept)
    stage.until_wallets_at([bob], lost)
    stage.until_wallets_at([alice, carol], kept)
    stage.check("the ledger has split: two blocks after one", "2", _followers(nodes, common))
    stage.check(
        "Bob has, confirmed, at one side and the other",
        "40, 33",
        ", ".join(agreed([ledger(node, [bob]) for node in half]) for half in (left, right)),
    )
    stage.until_state([bob], payment, "confirmed")
    stage.until_state([alice], payment, "unknown")
    stage.picture("the ledger has split")

    stage.say("The left half finds one more: more work went into its chain.")
    tip = stage.mine(second)
    stage.until_one_tip(left, tip)
    stage.say(f"The break heals: {third.name} calls {first.name}. The chain with more work wins,")
    stage.say("and Bob's wallet follows: what it called confirmed is so no more.")
    third.connect(first)
    stage.until_one_tip(nodes, tip)
    stage.check(
        f"the lost block, a side branch of 1, at {names(right)}",
        "1",
        agreed([_branch(node, lost) for node in right]),
    )
    stage.until_wallets_at(stage.people, tip)
    stage.say("The lost block's payment is not lost: it waits again, everywhere.")
    stage.until_waiting(nodes, [payment])
    stage.until_state([bob, alice], payment, "unconfirmed")
    stage.say(f"{second.name} finds a block.".capitalize())
    block = stage.mine(second)
    stage.until_one_tip(nodes, block)
    stage.until_waiting(nodes, ())
    stage.until_state([bob, alice], payment, "confirmed")
    stage.until_all_have(nodes, (37, 33, 30))


def _across(left: list[NodeProcess], right: list[NodeProcess]) -> int:
    return sum(len(node.links_to(other)) for node in left for other in right)


def _followers(nodes: list[NodeProcess], parent: str) -> str:
    """How many different blocks of these nodes follow one block."""
    tips = {node.tip(): node for node in nodes}
    behind = [tip for tip, node in tips.items() if _parent(node, tip) == parent]
    return str(len(behind))


def _parent(node: NodeProcess, block: str) -> str:
    return str(node.rpc("getblockheader", block)["previousblockhash"])


def _branch(node: NodeProcess, block: str) -> str:
    """How long a side branch is that ends in a block."""
    for tip in node.rpc("getchaintips"):
        if tip["hash"] == block:
            return str(tip["branchlen"])
    return f"{short(block)} is unknown"
