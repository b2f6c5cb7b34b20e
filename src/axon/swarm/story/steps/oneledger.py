"""Step 3: payments enter at different nodes, and all nodes and wallets say the same."""

from __future__ import annotations

from typing import Final

from axon.swarm.story.runner import StoryRunner

TITLE: Final = "Three nodes, one ledger"


def run(runner: StoryRunner) -> None:
    """A third node and a third wallet join, Alice and Carol pay at two nodes."""
    alice, bob, carol = participants = runner.participants
    third = runner.new_nodes(1)[0]
    first, second, _ = nodes = list(runner.nodes)
    runner.say("Node 3 calls nodes 1 and 2 and is told all blocks so far. Bob's wallet calls it.")
    third.connect(first)
    third.connect(second)
    runner.until_one_tip(nodes)
    runner.open_wallets({bob: [third]})
    runner.until_served_by([bob], [third])
    runner.until_all_have(nodes, (50, 0, 50))

    runner.say("Two payments now enter at two different nodes, one after the other: Alice's wallet")
    runner.say("hands hers to node 1, Carol's wallet hands hers to node 2.")
    payments = [runner.pay(alice, bob, 50), runner.pay(carol, alice, 30)]
    runner.say("Nodes tell each other. A payment that no block holds yet waits in a pool.")
    runner.until_waiting(nodes, payments)
    runner.say("Whom do we ask what Alice has? It does not matter: 50 - 50 + 30 = 30.")
    for participant, amount in zip(participants, (30, 50, 20), strict=True):
        runner.until_total(nodes, participant, amount)
    runner.until_state([alice, bob], payments[0], "unconfirmed")
    runner.until_state([carol, alice], payments[1], "unconfirmed")
    runner.say("(Two servers that share nothing said 100 and 90, in the system before this one.)")

    runner.say("Node 3 finds a block and puts both payments in. Now they are confirmed.")
    block = runner.mine(third)
    runner.until_one_tip(nodes, block)
    runner.until_waiting(nodes, ())
    runner.until_all_have(nodes, (30, 50, 20))
    runner.until_state([alice, bob], payments[0], "confirmed")
    runner.until_state([carol, alice], payments[1], "confirmed")
