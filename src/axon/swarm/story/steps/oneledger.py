"""Act 3: payments enter at different nodes, and all nodes and wallets say the same."""

from __future__ import annotations

from typing import Final

from axon.swarm.story.runner import Stage

TITLE: Final = "Three nodes, one ledger"


def play(stage: Stage) -> None:
    """A third node and a third wallet join, Alice and Carol pay at two nodes."""
    alice, bob, carol = people = stage.people
    third = stage.new_nodes(1)[0]
    first, second, _ = nodes = list(stage.nodes)
    stage.say("Node 3 calls nodes 1 and 2 and is told all blocks so far. Bob's wallet calls it.")
    third.connect(first)
    third.connect(second)
    stage.until_one_tip(nodes)
    stage.open_wallets({bob: [third]})
    stage.until_served_by([bob], [third])
    stage.until_all_have(nodes, (50, 0, 50))

    stage.say("Two payments now enter at two different nodes, one after the other: Alice's wallet")
    stage.say("hands hers to node 1, Carol's wallet hands hers to node 2.")
    payments = [stage.pay(alice, bob, 50), stage.pay(carol, alice, 30)]
    stage.say("Nodes tell each other. A payment that no block holds yet waits in a pool.")
    stage.until_waiting(nodes, payments)
    stage.say("Whom do we ask what Alice has? It does not matter: 50 - 50 + 30 = 30.")
    for person, amount in zip(people, (30, 50, 20), strict=True):
        stage.until_total(nodes, person, amount)
    stage.until_state([alice, bob], payments[0], "unconfirmed")
    stage.until_state([carol, alice], payments[1], "unconfirmed")
    stage.say("(Two servers that share nothing said 100 and 90, in the system before this one.)")

    stage.say("Node 3 finds a block and puts both payments in. Now they are confirmed.")
    block = stage.mine(third)
    stage.until_one_tip(nodes, block)
    stage.until_waiting(nodes, ())
    stage.until_all_have(nodes, (30, 50, 20))
    stage.until_state([alice, bob], payments[0], "confirmed")
    stage.until_state([carol, alice], payments[1], "confirmed")
