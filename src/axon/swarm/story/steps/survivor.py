"""Step 8: whichever node is the only one left, a running and a fresh wallet live by it."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.story.checks import agreed
from axon.swarm.story.runner import StoryRunner, names, short, start_all, wallets_of

TITLE: Final = "Last survivor"

AT_FIRST: Final = (40, 35, 25)
"""What Alice, Bob and Carol have; Alice then has 1 less and Bob 1 more after each round."""


def run(runner: StoryRunner) -> None:
    """For each node: kill all others; read, pay and see a confirmation through it alone."""
    nodes = list(runner.nodes)
    runner.say(
        "Bob's computer burns. He has his 12 words on paper, and makes his wallet anew on an"
    )
    runner.say("empty disk. It is told all four addresses and not which of them is alive.")
    runner.bob.leave()
    for place, survivor in enumerate(nodes):
        if place:
            _return(runner, nodes[place - 1])
        _alone(runner, survivor, place)


def _alone(runner: StoryRunner, survivor: NodeProcess, rounds: int) -> None:
    alice, bob, _ = runner.participants
    for node in runner.nodes:
        if node is not survivor:
            node.kill()
    runner.say(
        f"All nodes are killed but {survivor.name}. Bob's wallet begins with an empty disk, the"
    )
    runner.say("wallets of Alice and Carol are running.")
    runner.open_wallets({bob: runner.nodes})
    runner.check("who lives", survivor.name, names([n for n in runner.nodes if n.is_running]))
    runner.until_served_by(runner.participants, [survivor])
    runner.until_wallets_at(runner.participants, survivor.tip())
    runner.until_all_have([survivor], _after(rounds))

    payments = [runner.pay(alice, bob, 2), runner.pay(bob, alice, 1)]
    _until_all(runner, payments, "unconfirmed")
    runner.picture(f"{survivor.name} alone")
    block = runner.mine(survivor)
    runner.say(f"{survivor.name} finds a block: {short(block)}.".capitalize())
    _until_all(runner, payments, "confirmed")
    runner.until_all_have([survivor], _after(rounds + 1))


def _until_all(runner: StoryRunner, payments: list[str], state: str) -> None:
    """The wallets of Alice and Bob call all these payments so."""
    pair = [runner.alice, runner.bob]
    runner.until(
        f"{len(payments)} payments, by {wallets_of(pair)}",
        state,
        lambda: agreed([participant.state(name) for participant in pair for name in payments]),
    )


def _after(rounds: int) -> tuple[int, int, int]:
    alice, bob, carol = AT_FIRST
    return alice - rounds, bob + rounds, carol


def _return(runner: StoryRunner, survivor: NodeProcess) -> None:
    """The others start again with what is on their disks, and Bob's new computer burns, too."""
    others = [node for node in runner.nodes if node is not survivor]
    runner.bob.leave()
    runner.say(f"{names(others).capitalize()} start again, with what is on their disks, and call")
    runner.say(
        f"{survivor.name}; {wallets_of([runner.alice, runner.carol])} call them. Bob's new computer"
    )
    runner.say("burns, too.")
    start_all(others)
    for node in others:
        node.connect(survivor)
    runner.until_one_tip(runner.nodes)
    for participant in (runner.alice, runner.carol):
        for node in others:
            participant.wallet.connect(node)
