"""Act 6: whichever node is the only one left, it serves, and all others regrow from it."""

from __future__ import annotations

from typing import Final

from axon.swarm.checks import agreed
from axon.swarm.people import amount_sat, in_coins
from axon.swarm.processes import NodeProcess
from axon.swarm.stage import WHOLE_REWARD, Stage, fingerprint, names, start_all

TITLE: Final = "Last survivor and regrowth"


def play(stage: Stage) -> None:
    """For each node: kill all others, pay and confirm there, regrow the others from it."""
    stage.say("Killed here means at once, without a word (kill -9). Wiped means an empty disk.")
    for survivor in list(stage.nodes):
        _alone(stage, survivor)
        _regrow(stage, survivor)
    stage.until_one_tip(stage.nodes)
    height = stage.nodes[0].height()
    stage.say("Money was neither made nor lost: 50 coins a block, fees go to the miners.")
    stage.check(
        f"all coins of the {height} blocks, at {names(stage.nodes)}",
        str(WHOLE_REWARD * height),
        agreed([_all_coins(node) for node in stage.nodes]),
    )


def _alone(stage: Stage, survivor: NodeProcess) -> None:
    others = [node for node in stage.nodes if node is not survivor]
    for node in others:
        node.kill()
    stage.say(f"All are killed but {survivor.name}.")
    running = [node.name for node in stage.nodes if node.is_running]
    stage.check("who is running", survivor.name, ", ".join(running))
    alice, bob = (stage.look(survivor).ledger_sat(purse) for purse in stage.people[:2])
    payment = stage.pay(survivor, stage.alice, stage.bob, 1)
    stage.until_waiting([survivor], [payment])
    stage.mine(survivor)
    one = amount_sat(1)
    stage.until(
        f"Alice and Bob have, confirmed, at {survivor.name} alone",
        f"{in_coins(alice - one)}, {in_coins(bob + one)}",
        lambda: f"{stage.ledger([survivor], stage.alice)}, {stage.ledger([survivor], stage.bob)}",
    )


def _regrow(stage: Stage, survivor: NodeProcess) -> None:
    others = [node for node in stage.nodes if node is not survivor]
    for node in others:
        node.wipe()
    start_all(others)
    stage.say(f"{names(others).capitalize()} start again with wiped disks and call it.")
    stage.check(
        f"blocks known at first, at {names(others)}",
        "0",
        agreed([str(node.height()) for node in others]),
    )
    for node in others:
        node.connect(survivor)
    stage.until_one_ledger(stage.nodes, fingerprint(survivor))


def _all_coins(node: NodeProcess) -> str:
    return in_coins(amount_sat(node.rpc("gettxoutsetinfo", "none")["total_amount"]))
