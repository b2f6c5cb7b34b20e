"""Act 8: whichever node is the only one left, a running and a fresh wallet live by it."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.processes import NodeProcess
from axon.swarm.story.checks import agreed
from axon.swarm.story.runner import Stage, names, short, start_all, wallets_of

TITLE: Final = "Last survivor"

AT_FIRST: Final = (40, 35, 25)
"""What Alice, Bob and Carol have; Alice then has 1 less and Bob 1 more after each round."""


def play(stage: Stage) -> None:
    """For each node: kill all others; read, pay and see a confirmation through it alone."""
    nodes = list(stage.nodes)
    stage.say("Bob's computer burns. He has his 12 words on paper, and makes his wallet anew on an")
    stage.say("empty disk. It is told all four addresses and not which of them is alive.")
    stage.bob.leave()
    for place, survivor in enumerate(nodes):
        if place:
            _return(stage, nodes[place - 1])
        _alone(stage, survivor, place)


def _alone(stage: Stage, survivor: NodeProcess, rounds: int) -> None:
    alice, bob, _ = stage.people
    for node in stage.nodes:
        if node is not survivor:
            node.kill()
    stage.say(
        f"All nodes are killed but {survivor.name}. Bob's wallet begins with an empty disk, the"
    )
    stage.say("wallets of Alice and Carol are running.")
    stage.open_wallets({bob: stage.nodes})
    stage.check("who lives", survivor.name, names([n for n in stage.nodes if n.is_running]))
    stage.until_served_by(stage.people, [survivor])
    stage.until_wallets_at(stage.people, survivor.tip())
    stage.until_all_have([survivor], _after(rounds))

    payments = [stage.pay(alice, bob, 2), stage.pay(bob, alice, 1)]
    _until_all(stage, payments, "unconfirmed")
    stage.picture(f"{survivor.name} alone")
    block = stage.mine(survivor)
    stage.say(f"{survivor.name} finds a block: {short(block)}.".capitalize())
    _until_all(stage, payments, "confirmed")
    stage.until_all_have([survivor], _after(rounds + 1))


def _until_all(stage: Stage, payments: list[str], state: str) -> None:
    """The wallets of Alice and Bob call all these payments so."""
    pair = [stage.alice, stage.bob]
    stage.until(
        f"{len(payments)} payments, by {wallets_of(pair)}",
        state,
        lambda: agreed([person.state(name) for person in pair for name in payments]),
    )


def _after(rounds: int) -> tuple[int, int, int]:
    alice, bob, carol = AT_FIRST
    return alice - rounds, bob + rounds, carol


def _return(stage: Stage, survivor: NodeProcess) -> None:
    """The others start again with what is on their disks, and Bob's new computer burns, too."""
    others = [node for node in stage.nodes if node is not survivor]
    stage.bob.leave()
    stage.say(f"{names(others).capitalize()} start again, with what is on their disks, and call")
    stage.say(
        f"{survivor.name}; {wallets_of([stage.alice, stage.carol])} call them. Bob's new computer"
    )
    stage.say("burns, too.")
    start_all(others)
    for node in others:
        node.connect(survivor)
    stage.until_one_tip(stage.nodes)
    for person in (stage.alice, stage.carol):
        for node in others:
            person.wallet.connect(node)
