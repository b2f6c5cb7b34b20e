"""Act 9: from the one node that is left all others regrow, with nothing on their disks."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.processes import NodeProcess
from axon.swarm.story.checks import agreed
from axon.swarm.story.participants import amount_sat, in_coins
from axon.swarm.story.runner import (
    WHOLE_REWARD,
    Stage,
    connect_all,
    fingerprint,
    names,
    start_all,
)

TITLE: Final = "Regrowth"


def play(stage: Stage) -> None:
    """The dead come back with empty disks and learn all from the survivor; all say the same."""
    nodes = list(stage.nodes)
    survivor = next(node for node in nodes if node.is_running)
    others = [node for node in nodes if node is not survivor]
    for node in others:
        node.wipe()
    start_all(others)
    stage.say(f"{names(others).capitalize()} start again with wiped disks. All call each other.")
    stage.check(
        f"blocks known at first, at {names(others)}",
        "0",
        agreed([str(node.height()) for node in others]),
    )
    connect_all(nodes)
    stage.until_one_tip(nodes, survivor.tip())
    stage.until_one_ledger(nodes, fingerprint(survivor))
    stage.say("The wallets call them, and read the same everywhere.")
    for person in stage.people:
        for node in others:
            person.wallet.connect(node)
    stage.until_served_by(stage.people, nodes)
    stage.until_wallets_at(stage.people, survivor.tip())
    stage.until_all_have(nodes, (36, 39, 25))
    height = survivor.height()
    stage.say("Money was neither made nor lost: 50 coins a block, fees go to the miners.")
    stage.check(
        f"all coins of the {height} blocks, at {names(nodes)}",
        str(WHOLE_REWARD * height),
        agreed([_all_coins(node) for node in nodes]),
    )


def _all_coins(node: NodeProcess) -> str:
    return in_coins(amount_sat(node.rpc("gettxoutsetinfo", "none")["total_amount"]))
