"""Act 2: payments enter at different nodes, and all nodes say the same."""

from __future__ import annotations

from typing import Final

from axon.primitives.transaction import Transaction
from axon.swarm.people import coinbase_coin
from axon.swarm.stage import STAMP_TEXT, Stage, short

TITLE: Final = "Three nodes, one ledger"

STAMPS: Final = 40
"""Payments that the whole story may make."""

WAITING_BLOCKS: Final = 100
"""New coins may be spent when so many blocks have followed (consensus rule)."""


def play(stage: Stage) -> None:
    """A third node joins, new coins come of age, Alice and Carol pay at two nodes."""
    third = stage.new_nodes(1)[0]
    first, second, _ = nodes = stage.nodes
    stage.say("Node 3 calls nodes 1 and 2 and is told all blocks so far.")
    third.connect(first)
    third.connect(second)
    stage.until_one_tip(nodes)
    prepare(stage)
    for purse, amount in zip(stage.people, (50, 0, 50), strict=True):
        stage.until_confirmed(nodes, purse, amount)

    stage.say("Two signed payments now enter at two different nodes, one after the other.")
    payments = [
        stage.pay(first, stage.alice, stage.bob, 50),
        stage.pay(second, stage.carol, stage.alice, 30),
    ]
    stage.say(f"(Each takes a coin of {STAMP_TEXT} from the stamp box along: that is its fee.)")
    stage.say("Nodes tell each other. A payment that no block holds yet waits in a pool.")
    stage.until_waiting(nodes, payments)
    stage.say("Whom do we ask what Alice has? It does not matter: 50 - 50 + 30 = 30.")
    stage.until_total(nodes, stage.alice, 30)
    stage.say("(Two servers that share nothing said 100 and 90, in the system before this one.)")

    stage.say("Node 3 finds a block and puts both payments in. Now they are confirmed.")
    block = stage.mine(third)
    stage.until_one_tip(nodes, block)
    stage.until_waiting(nodes, ())
    for purse, amount in zip(stage.people, (30, 50, 20), strict=True):
        stage.until_confirmed(nodes, purse, amount)


def prepare(stage: Stage) -> None:
    """Let the new coins come of age, and cut the stamps with which fees are paid."""
    first = stage.nodes[0]
    block = stage.mine(first, stage.stamps.purse)
    stage.say(f"New coins must wait until {WAITING_BLOCKS} blocks have followed, so node 1 finds")
    stage.say(f"{WAITING_BLOCKS} more, for nobody in this story; and one to cut stamps for fees.")
    stage.mine(first, count=WAITING_BLOCKS)
    found = first.rpc("getblock", block, 2)["tx"][0]["hex"]
    cut = stage.stamps.cut(coinbase_coin(Transaction.decode(bytes.fromhex(found))), STAMPS)
    name = str(first.rpc("sendrawtransaction", cut.raw.hex()))
    tip = stage.mine(first)
    held = first.rpc("getblock", tip)["tx"]
    stage.check("stamps are cut, in the last block", short(name), short(held[-1]))
    stage.until_one_tip(stage.nodes, tip)
