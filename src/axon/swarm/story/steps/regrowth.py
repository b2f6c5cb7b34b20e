"""Step 9: from the one node that is left all others regrow, with nothing on their disks."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.story.checks import agreed
from axon.swarm.story.participants import amount_sat, in_coins
from axon.swarm.story.runner import (
    WHOLE_REWARD,
    StoryRunner,
    connect_all,
    fingerprint,
    names,
    start_all,
)

TITLE: Final = "Regrowth"


def run(runner: StoryRunner) -> None:
    """The dead come back with empty disks and learn all from the survivor; all say the same."""
    nodes = list(runner.nodes)
    survivor = next(node for node in nodes if node.is_running)
    others = [node for node in nodes if node is not survivor]
    for node in others:
        node.wipe()
    start_all(others)
    runner.say(f"{names(others).capitalize()} start again with wiped disks. All call each other.")
    runner.check(
        f"blocks known at first, at {names(others)}",
        "0",
        agreed([str(node.height()) for node in others]),
    )
    connect_all(nodes)
    runner.until_one_tip(nodes, survivor.tip())
    runner.until_one_ledger(nodes, fingerprint(survivor))
    runner.say("The wallets call them, and read the same everywhere.")
    for participant in runner.participants:
        for node in others:
            participant.wallet.connect(node)
    runner.until_served_by(runner.participants, nodes)
    runner.until_wallets_at(runner.participants, survivor.tip())
    runner.until_all_have(nodes, (36, 39, 25))
    height = survivor.height()
    runner.say("Money was neither made nor lost: 50 coins a block, fees go to the miners.")
    runner.check(
        f"all coins of the {height} blocks, at {names(nodes)}",
        str(WHOLE_REWARD * height),
        agreed([_all_coins(node) for node in nodes]),
    )


def _all_coins(node: NodeProcess) -> str:
    return in_coins(amount_sat(node.rpc("gettxoutsetinfo", "none")["total_amount"]))
