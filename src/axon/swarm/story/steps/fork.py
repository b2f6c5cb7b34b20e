"""Step 6: a cut, two blocks at once, and one ledger again when the cut heals; wallets follow."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.story.checks import agreed
from axon.swarm.story.runner import StoryRunner, ledger, names, short

TITLE: Final = "Two blocks at once"


def run(runner: StoryRunner) -> None:
    """Two halves find a block each; one loses, and its payment comes back and is confirmed."""
    alice, bob, carol = runner.participants
    nodes = list(runner.nodes)
    first, second, third, fourth = nodes
    left, right = [first, second], [third, fourth]
    common = first.tip()
    runner.say(
        f"The network breaks in two: {names(left)} with the wallets of Alice and Carol here,"
    )
    runner.say(f"{names(right)} with Bob's wallet there.")
    for node in left:
        for other in right:
            node.disconnect(other)
    runner.check("connections across the break", "0", str(_across(left, right)))

    runner.say("Both halves find the next block at once, neither knows of the other's.")
    payment = runner.pay(bob, alice, 7)
    runner.until_waiting(right, [payment])
    lost = runner.mine(third)
    kept = runner.mine(first)
    runner.until_one_tip(right, lost)
    runner.until_one_tip(left, kept)
    runner.until_wallets_at([bob], lost)
    runner.until_wallets_at([alice, carol], kept)
    runner.check("the ledger has split: two blocks after one", "2", _followers(nodes, common))
    runner.check(
        "Bob has, confirmed, at one side and the other",
        "40, 33",
        ", ".join(agreed([ledger(node, [bob]) for node in half]) for half in (left, right)),
    )
    runner.until_state([bob], payment, "confirmed")
    runner.until_state([alice], payment, "unknown")
    runner.picture("the ledger has split")

    runner.say("The left half finds one more: more work went into its chain.")
    tip = runner.mine(second)
    runner.until_one_tip(left, tip)
    runner.say(f"The break heals: {third.name} calls {first.name}. The chain with more work wins,")
    runner.say("and Bob's wallet follows: what it called confirmed is so no more.")
    third.connect(first)
    runner.until_one_tip(nodes, tip)
    runner.check(
        f"the lost block, a side branch of 1, at {names(right)}",
        "1",
        agreed([_branch(node, lost) for node in right]),
    )
    runner.until_wallets_at(runner.participants, tip)
    runner.say("The lost block's payment is not lost: it waits again, everywhere.")
    runner.until_waiting(nodes, [payment])
    runner.until_state([bob, alice], payment, "unconfirmed")
    runner.say(f"{second.name} finds a block.".capitalize())
    block = runner.mine(second)
    runner.until_one_tip(nodes, block)
    runner.until_waiting(nodes, ())
    runner.until_state([bob, alice], payment, "confirmed")
    runner.until_all_have(nodes, (37, 33, 30))


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
