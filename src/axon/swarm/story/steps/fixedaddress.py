"""Step 7: a wallet that knows one node is out when that node dies; one that knows more pays on."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.story.runner import StoryRunner, names, wallets_of

TITLE: Final = "The fixed address"

LIMIT_S: Final = 1.0
"""Within so long after a node's death a wallet that knows others has its payment brought out."""


def run(runner: StoryRunner) -> None:
    """Node 2 dies: Carol's wallet knows no other, Alice's and Bob's do."""
    alice, bob, carol = runner.participants
    nodes = list(runner.nodes)
    first, second, third, fourth = nodes
    others = [first, third, fourth]
    runner.say(
        "So far each wallet knows one node by its fixed address. That is a stop-gap. Alice's"
    )
    runner.say("and Bob's wallets are told of the other nodes, too; Carol's is not.")
    for participant in (alice, bob):
        for node in nodes:
            if not participant.wallet.is_linked_to(node):
                participant.wallet.keep(node)
    runner.until_served_by([alice, bob], nodes)
    runner.until_served_by([carol], [second])

    signed = alice.sign(bob.address(), 2)
    runner.say("Node 2 is killed. Alice pays Bob 2 in that moment.")
    killed_at = runner.elapsed_s()
    second.kill()
    payment = alice.send(signed)
    alice.wait_taken(payment)
    took_s = runner.elapsed_s() - killed_at
    runner.say(f"Another node had her payment after {took_s:.2f} s.")
    runner.check(
        f"her payment was taken within {LIMIT_S:g} s", "yes", "yes" if took_s <= LIMIT_S else "no"
    )
    runner.until_served_by([carol], [])
    runner.until_served_by([alice, bob], others)
    runner.until_waiting(others, [payment])
    unsent = runner.hand_out(carol, alice, 5)
    block = runner.mine(third)
    runner.until_one_tip(others, block)
    runner.until_wallets_at([alice, bob], block)
    runner.until_state([alice, bob], payment, "confirmed")
    runner.check(
        f"blocks missed, by {wallets_of([carol])}", "1", _missed(third, carol.wallet.height())
    )
    runner.check("nodes that took Carol's payment", "0", str(carol.takers(unsent)))
    runner.until_state([alice], unsent, "unknown")
    runner.picture("node 2 is dead: Carol is cut off, Alice and Bob are served")

    runner.say("Carol's wallet is told of the other nodes, and her payment goes out at once.")
    for node in others:
        carol.wallet.keep(node)
    carol.wait_taken(unsent)
    runner.until_served_by([carol], others)
    runner.until_waiting(others, [unsent])
    runner.until_state([carol, alice], unsent, "unconfirmed")
    block = runner.mine(first)
    runner.until_state([carol, alice], unsent, "confirmed")
    runner.until_all_have(others, (40, 35, 25))
    runner.say(f"Node 2 is started again and calls {names([first, third])}; the wallets call it.")
    second.start()
    second.connect(first)
    second.connect(third)
    runner.until_one_tip(nodes, block)
    for participant in runner.participants:
        participant.wallet.connect(second)
    runner.until_served_by(runner.participants, nodes)


def _missed(node: NodeProcess, height: int) -> str:
    return str(node.height() - height)
