"""Act 1: one node and web pages that know its address; it dies, and nobody is served."""

from __future__ import annotations

from typing import Final

from axon.primitives.address import decode_address
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction
from axon.swarm.lab.processes import NodeProcess
from axon.swarm.story.participants import Person, coinbase_coin, cut_stamps
from axon.swarm.story.runner import STAMP_TEXT, Stage, names, short, wallets_of

TITLE: Final = "One cell"

WAITING_BLOCKS: Final = 100
"""New coins may be spent when so many blocks have followed (consensus rule)."""

STAMPS: Final = 12
"""Payments that each person can make; the story needs six of one at most."""

STAMP_BLOCK: Final = 3
"""The height of the block whose new coins become stamps."""

PATIENCE_S: Final = 1.0
"""How long a page that is opened anew is given to show something."""


def play(stage: Stage) -> None:
    """Three people read their money at the one node there is; it dies, and they cannot."""
    people = stage.people
    stage.say("There is one node. A node keeps the ledger: who has how much.")
    node = stage.new_nodes(1)[0]
    stage.say("Alice, Bob and Carol open a web page that shows their money. In the page stands the")
    stage.say("address of node 1, and it keeps nothing. (It is played by wallets with empty disks")
    stage.say("that know this one address.)")
    stage.open_wallets({person: [node] for person in people})
    stage.say("Node 1 finds blocks: 50 new coins for Alice, 50 for Carol, 50 for stamps. New coins")
    stage.say(f"must wait until {WAITING_BLOCKS} blocks have followed, so it finds these, too.")
    for address in (stage.alice.address(), stage.carol.address(), stage.cutter.address()):
        stage.mine(node, address)
    stage.mine(node, count=WAITING_BLOCKS)
    _hand_out_stamps(stage, node)
    stage.until_all_have([node], (50, 0, 50))
    tip = short(node.tip())
    stage.until_served_by(people, [node])
    stage.picture("all pages are served by node 1")

    stage.say("Node 1 is killed: at once, without a word (kill -9).")
    node.kill()
    stage.until_served_by(people, [])
    stage.say("What can be done without it? Alice pays Bob and opens her page anew.")
    payment = stage.hand_out(stage.alice, stage.bob, 10)
    stage.check("nodes that took Alice's payment", "0", str(stage.alice.takers(payment)))
    stage.picture("node 1 is dead, and nobody is served")
    stage.alice.leave()
    stage.open_wallets({stage.alice: [node]})
    _check_blind(stage, stage.alice)
    stage.say("One address, one node, and all is lost with it: a single point of failure.")
    for person in people:
        person.leave()
    stage.say("The pages are closed. Node 1 is started again; what was on its disk is still there.")
    node.start()
    stage.check(f"last block of the ledger, at {names([node])}", tip, short(node.tip()))


def _hand_out_stamps(stage: Stage, node: NodeProcess) -> None:
    """Make small coins, each the fee of one payment, and give some to everybody."""
    stage.say("Who pays must pay a fee to the miner, too. To keep all money in whole coins, each")
    stage.say(
        f"gets {STAMPS} stamps: small coins of {STAMP_TEXT}, one for each payment. They are in the"
    )
    stage.say("same wallet and are not counted here in what somebody has.")
    held = node.rpc("getblock", node.rpc("getblockhash", STAMP_BLOCK), 2)["tx"][0]["hex"]
    coin = coinbase_coin(Transaction.decode(bytes.fromhex(held)))
    payees = [decode_address(person.address("stamps"), REGTEST) for person in stage.people]
    cut = cut_stamps(stage.cutter, coin, payees, STAMPS)
    name = str(node.rpc("sendrawtransaction", cut.raw.hex()))
    tip = stage.mine(node)
    block = node.rpc("getblock", tip)["tx"]
    stage.check("stamps are cut, in the last block", short(name), short(block[-1]))
    stage.until_wallets_at(stage.people, tip)
    stage.check(
        f"stamps, in {wallets_of(stage.people)}",
        ", ".join([str(STAMPS)] * len(stage.people)),
        ", ".join(str(person.stamps()) for person in stage.people),
    )


def _check_blind(stage: Stage, person: Person) -> None:
    """A fresh page that knows only a dead node has nothing to show."""
    info = person.wallet.rpc("waitforsync", int(PATIENCE_S * 1_000))
    claim = f"what {person.name}'s new page finds out within {PATIENCE_S:g} s"
    seen = f"{info['target']} blocks, {person.holds()} coins"
    stage.check(claim, "0 blocks, 0 coins", seen)
