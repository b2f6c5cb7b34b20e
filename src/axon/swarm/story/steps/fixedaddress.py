"""Act 7: a wallet that knows one node is out when that node dies; one that knows more pays on."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.processes import NodeProcess
from axon.swarm.story.runner import Stage, names, wallets_of

TITLE: Final = "The fixed address"

LIMIT_S: Final = 1.0
"""Within so long after a node's death a wallet that knows others has its payment brought out."""


def play(stage: Stage) -> None:
    """Node 2 dies: Carol's wallet knows no other, Alice's and Bob's do."""
    alice, bob, carol = stage.people
    nodes = list(stage.nodes)
    first, second, third, fourth = nodes
    others = [first, third, fourth]
    stage.say("So far each wallet knows one node by its fixed address. That is a stop-gap. Alice's")
    stage.say("and Bob's wallets are told of the other nodes, too; Carol's is not.")
    for person in (alice, bob):
        for node in nodes:
            if not person.wallet.is_linked_to(node):
                person.wallet.keep(node)
    stage.until_served_by([alice, bob], nodes)
    stage.until_served_by([carol], [second])

    signed = alice.sign(bob.address(), 2)
    stage.say("Node 2 is killed. Alice pays Bob 2 in that moment.")
    killed_at = stage.elapsed_s()
    second.kill()
    payment = alice.send(signed)
    alice.wait_taken(payment)
    took_s = stage.elapsed_s() - killed_at
    stage.say(f"Another node had her payment after {took_s:.2f} s.")
    stage.check(
        f"her payment was taken within {LIMIT_S:g} s", "yes", "yes" if took_s <= LIMIT_S else "no"
    )
    stage.until_served_by([carol], [])
    stage.until_served_by([alice, bob], others)
    stage.until_waiting(others, [payment])
    unsent = stage.hand_out(carol, alice, 5)
    block = stage.mine(third)
    stage.until_one_tip(others, block)
    stage.until_wallets_at([alice, bob], block)
    stage.until_state([alice, bob], payment, "confirmed")
    stage.check(
        f"blocks missed, by {wallets_of([carol])}", "1", _missed(third, carol.wallet.height())
    )
    stage.check("nodes that took Carol's payment", "0", str(carol.takers(unsent)))
    stage.until_state([alice], unsent, "unknown")
    stage.picture("node 2 is dead: Carol is cut off, Alice and Bob are served")

    stage.say("Carol's wallet is told of the other nodes, and her payment goes out at once.")
    for node in others:
        carol.wallet.keep(node)
    carol.wait_taken(unsent)
    stage.until_served_by([carol], others)
    stage.until_waiting(others, [unsent])
    stage.until_state([carol, alice], unsent, "unconfirmed")
    block = stage.mine(first)
    stage.until_state([carol, alice], unsent, "confirmed")
    stage.until_all_have(others, (40, 35, 25))
    stage.say(f"Node 2 is started again and calls {names([first, third])}; the wallets call it.")
    second.start()
    second.connect(first)
    second.connect(third)
    stage.until_one_tip(nodes, block)
    for person in stage.people:
        person.wallet.connect(second)
    stage.until_served_by(stage.people, nodes)


def _missed(node: NodeProcess, height: int) -> str:
    return str(node.height() - height)
