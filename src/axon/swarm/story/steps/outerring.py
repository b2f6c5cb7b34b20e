"""Step 10: no node lives; wallets pay each other, a node that returns settles it, a cheat fails."""

from __future__ import annotations

from typing import Final

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.walletprocess import PASSPHRASE
from axon.swarm.story.checks import agreed
from axon.swarm.story.directpayments import (
    HandedInvoice,
    ask_payment,
    deal,
    draft,
    hand_over,
    known,
    receipt,
    refusal,
    stage,
    verified,
)
from axon.swarm.story.participants import choose
from axon.swarm.story.runner import StoryRunner, short, wallets_of

TITLE: Final = "The outer ring"

PRICE: Final = 3
"""Coins that Alice pays Bob."""

LENT: Final = 6
RETURNED: Final = 5
"""Coins that Mallory gets of Carol, and gives back."""


def run(runner: StoryRunner) -> None:
    """Alice pays Bob while all nodes are dead, and Mallory pays him with a coin that is spent."""
    alice, bob, carol = runner.participants
    second = runner.nodes[1]
    _invite(runner)
    runner.say("All nodes are killed. What is left are wallets, a ring around what was there.")
    height = second.height()
    for node in runner.nodes:
        node.kill()
    runner.until_served_by(runner.participants, [])
    asked = _meet(runner, height)
    block, spender = _return(runner, second, asked)
    _check_receipts(runner, asked, block)
    _cheat(runner, second.height(), spender)
    carol.wallet.connect(second)
    runner.until_confirmed([second], {alice: 33, bob: 42, carol: 24})


def _invite(runner: StoryRunner) -> None:
    first, mallory = runner.nodes[0], runner.mallory
    runner.say(f"Mallory comes, with a wallet that knows {first.name} and no other.")
    runner.open_wallets({mallory: [first]})
    runner.pay(runner.carol, mallory, LENT)
    block = runner.mine(first)
    runner.until_one_tip(runner.nodes, block)
    runner.until_wallets_at([*runner.participants, mallory], block)


def _meet(runner: StoryRunner, height: int) -> HandedInvoice:
    """Alice's wallet dials Bob's, which checks the payment by what it knows."""
    alice, bob, _ = runner.participants
    asked = ask_payment(bob, PRICE, "a bicycle")
    runner.say(
        f"Bob's wallet listens at {asked.endpoint}, and he hands Alice an invoice of {PRICE}."
    )
    runner.say("Her wallet calls his, which proves that it wrote the invoice. Then hers hands over")
    runner.say(
        "the payment, with proofs that its coins are in blocks. (Wallets would join a coin of"
    )
    runner.say("Bob's with it, to hide who paid whom; not here, where all money stays whole.)")
    coins = choose(alice.name, alice.coins(), PRICE)
    hand_over(alice, asked, draft(alice, asked.address, PRICE, coins))
    runner.until(
        "how much of it Bob's wallet was shown",
        f"funded, up to block {height}",
        lambda: known(deal(bob, asked)),
    )
    runner.picture("no node lives: Alice pays Bob", [(alice, bob)])
    told = deal(bob, asked)
    runner.say(f'It tells him so: "{told["shown"]["headline"]}"')
    runner.say("It has looked for a node that knows more, for 10 s after the last one died.")
    _until_both(runner, asked, "accepted")
    payment = str(told["txid"])
    runner.say("Both keep it, and Alice has a receipt that Bob's wallet signed.")
    runner.check("nodes that took the payment", "0", str(alice.takers(payment)))
    runner.until_state([alice, bob], payment, "unconfirmed")
    runner.check("Alice, Bob have, by wallet", "33, 42", f"{alice.holds()}, {bob.holds()}")
    runner.check(
        "what her receipt proves",
        "valid, in no block",
        verified(receipt(alice, asked), runner.folder / "nothing"),
    )
    return asked


def _return(runner: StoryRunner, node: NodeProcess, asked: HandedInvoice) -> tuple[str, str]:
    """A node comes back, is given both payments, and finds a block.

    Returns:
        The block, and Mallory's payment in it.
    """
    alice, bob, carol = runner.participants
    mallory = runner.mallory
    alice.wallet.stop()
    runner.say(
        f"Alice switches her wallet off. {node.name.capitalize()} returns, and Bob's wallet hands"
    )
    runner.say("it the payment: whoever of the two meets a node first can.")
    node.start()
    bob.wallet.connect(node)
    runner.until_waiting([node], [str(deal(bob, asked)["txid"])])
    runner.say(f"Mallory signs a payment that gives Carol {RETURNED} back, and has it carried to")
    runner.say(f"{node.name} by hand. Mallory's own wallet hears nothing of that, nor of the block")
    runner.say(f"that {node.name} finds now.")
    drafted = draft(mallory, carol.address(), RETURNED, mallory.coins())
    signed = mallory.wallet.rpc("signpsbt", drafted, PASSPHRASE)["hex"]
    spender = str(node.rpc("sendrawtransaction", signed))
    block = runner.mine(node)
    runner.until_wallets_at([bob], block)
    runner.say("Alice switches her wallet on again.")
    alice.wallet.start(f"-connect={node.door}")
    runner.until_served_by([alice], [node])
    _until_both(runner, asked, "settled")
    return block, spender


def _check_receipts(runner: StoryRunner, asked: HandedInvoice, block: str) -> None:
    nothing = runner.folder / "nothing"
    runner.say("Each has put the proof that the block holds it into the receipt. It is a text that")
    runner.say("anybody can check, with no network and no wallet: axon wallet receipt verify.")
    kept = [receipt(owner, asked) for owner in (runner.alice, runner.bob)]
    runner.check(
        "what the receipts of Alice and Bob prove",
        f"valid, in block {short(block)}",
        agreed([verified(text, nothing) for text in kept]),
    )
    more = kept[0].replace(f"Received: {PRICE}.", f"Received: {PRICE}0.")
    runner.check(f"the same, with {PRICE}0 for {PRICE}", "not valid", verified(more, nothing))


def _cheat(runner: StoryRunner, height: int, spender: str) -> None:
    """Mallory pays with a coin that a block has spent since."""
    bob, mallory = runner.bob, runner.mallory
    runner.say(
        f"Now Mallory owes Bob {RETURNED}. In Mallory's wallet the {LENT} coins are still there."
    )
    runner.check("Mallory has, by wallet", str(LENT), mallory.holds())
    asked = ask_payment(bob, RETURNED, "a lamp")
    hand_over(mallory, asked, draft(mallory, asked.address, RETURNED, mallory.coins()))
    runner.until(
        f"Mallory's payment, by {wallets_of([bob, mallory])}",
        f"refused: spent in block {height} by {short(spender)}",
        lambda: agreed([refusal(deal(each, asked)) for each in (bob, mallory)]),
    )
    runner.picture("Bob's wallet refuses Mallory's payment", [(mallory, bob)])


def _until_both(runner: StoryRunner, asked: HandedInvoice, wanted: str) -> None:
    pair = (runner.alice, runner.bob)
    runner.until(
        f"the payment, by {wallets_of(pair)}",
        wanted,
        lambda: agreed([stage(each, asked) for each in pair]),
    )
