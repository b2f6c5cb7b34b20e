"""Step 1: one node and web pages that know its address; it dies, and nobody is served."""

from __future__ import annotations

from typing import Final

from axon.primitives.address import decode_address
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.story.participants import Participant, coinbase_coin, make_fee_coins
from axon.swarm.story.runner import FEE_COIN_TEXT, StoryRunner, names, short, wallets_of

TITLE: Final = "One cell"

WAITING_BLOCKS: Final = 100
"""New coins may be spent when so many blocks have followed (consensus rule)."""

FEE_COINS: Final = 12
"""Payments that each participant can make; the story needs six of one at most."""

FEE_COIN_BLOCK: Final = 3
"""The height of the block whose new coins become stamps."""

PATIENCE_S: Final = 1.0
"""How long a page that is opened anew is given to show something."""


def run(runner: StoryRunner) -> None:
    """Three participants read their money at the one node there is; it dies, and they cannot."""
    participants = runner.participants
    runner.say("There is one node. A node keeps the ledger: who has how much.")
    node = runner.new_nodes(1)[0]
    runner.say(
        "Alice, Bob and Carol open a web page that shows their money. In the page stands the"
    )
    runner.say("address of node 1, and it keeps nothing. (It is played by wallets with empty disks")
    runner.say("that know this one address.)")
    runner.open_wallets({participant: [node] for participant in participants})
    runner.say(
        "Node 1 finds blocks: 50 new coins for Alice, 50 for Carol, 50 for stamps. New coins"
    )
    runner.say(f"must wait until {WAITING_BLOCKS} blocks have followed, so it finds these, too.")
    for address in (runner.alice.address(), runner.carol.address(), runner.fee_signer.address()):
        runner.mine(node, address)
    runner.mine(node, count=WAITING_BLOCKS)
    _give_fee_coins(runner, node)
    runner.until_all_have([node], (50, 0, 50))
    tip = short(node.tip())
    runner.until_served_by(participants, [node])
    runner.picture("all pages are served by node 1")

    runner.say("Node 1 is killed: at once, without a word (kill -9).")
    node.kill()
    runner.until_served_by(participants, [])
    runner.say("What can be done without it? Alice pays Bob and opens her page anew.")
    payment = runner.hand_out(runner.alice, runner.bob, 10)
    runner.check("nodes that took Alice's payment", "0", str(runner.alice.takers(payment)))
    runner.picture("node 1 is dead, and nobody is served")
    runner.alice.leave()
    runner.open_wallets({runner.alice: [node]})
    _check_blind(runner, runner.alice)
    runner.say("One address, one node, and all is lost with it: a single point of failure.")
    for participant in participants:
        participant.leave()
    runner.say(
        "The pages are closed. Node 1 is started again; what was on its disk is still there."
    )
    node.start()
    runner.check(f"last block of the ledger, at {names([node])}", tip, short(node.tip()))


def _give_fee_coins(runner: StoryRunner, node: NodeProcess) -> None:
    """Make small coins, each the fee of one payment, and give some to everybody."""
    runner.say("Who pays must pay a fee to the miner, too. To keep all money in whole coins, each")
    runner.say(
        f"gets {FEE_COINS} stamps: small coins of {FEE_COIN_TEXT}, one for each payment. They are"
        " in the"
    )
    runner.say("same wallet and are not counted here in what somebody has.")
    held = node.rpc("getblock", node.rpc("getblockhash", FEE_COIN_BLOCK), 2)["tx"][0]["hex"]
    coin = coinbase_coin(Transaction.decode(bytes.fromhex(held)))
    payees = [
        decode_address(participant.address("stamps"), REGTEST)
        for participant in runner.participants
    ]
    cut = make_fee_coins(runner.fee_signer, coin, payees, FEE_COINS)
    name = str(node.rpc("sendrawtransaction", cut.raw.hex()))
    tip = runner.mine(node)
    block = node.rpc("getblock", tip)["tx"]
    runner.check("stamps are cut, in the last block", short(name), short(block[-1]))
    runner.until_wallets_at(runner.participants, tip)
    runner.check(
        f"stamps, in {wallets_of(runner.participants)}",
        ", ".join([str(FEE_COINS)] * len(runner.participants)),
        ", ".join(str(participant.fee_coins()) for participant in runner.participants),
    )


def _check_blind(runner: StoryRunner, participant: Participant) -> None:
    """A fresh page that knows only a dead node has nothing to show."""
    info = participant.wallet.rpc("waitforsync", int(PATIENCE_S * 1_000))
    claim = f"what {participant.name}'s new page finds out within {PATIENCE_S:g} s"
    seen = f"{info['target']} blocks, {participant.holds()} coins"
    runner.check(claim, "0 blocks, 0 coins", seen)
