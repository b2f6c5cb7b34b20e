"""The proof of a payment's block from its partner: taken once it leads to our own headers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from axon.payments.chainmessages import GetProof, ProofMessage
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.desk import AtDesk, FollowBlocks
from axon.payments.headerchain import BestHeaders
from axon.payments.invoice import Invoice
from axon.payments.linkevents import Heard, Side
from axon.payments.linkfeatures import CHAIN
from axon.payments.linkmessages import Hello
from axon.payments.packet import Confirmed
from axon.payments.partnerevents import FindProof
from axon.payments.receipt import verify
from axon.payments.step import DealStep, KeepWatching, ReachPayee, RestLink, Settle, Tell
from axon.primitives.block import Block
from axon.primitives.hashes import Txid
from tests.payments.dealscene import Town
from tests.payments.payscene import funding, kernel

ANSWERS = Hello(features=(CHAIN,))
MUTE = Hello()


class Scene:
    """Bob has accepted, a block has the payment, and Alice knows the header of that alone."""

    def __init__(self, *, joins: bool = True) -> None:
        self.town = Town()
        self.alice, self.bob, self.chain = self.town.alice, self.town.bob, self.town.chain
        self.invoice: Invoice = self.bob.issue()
        self.alice.pay(self.invoice, joins=joins)
        self.town.talk(self.invoice)
        payment = self.of_alice().payment
        assert payment is not None
        self.payment = payment
        self.block: Block = self.chain.mine(funding("others"), payment, funding("more"))

    def of_alice(self) -> Deal:
        """The payment as Alice has it."""
        return self.alice.deal(Role.PAYER, self.invoice)

    def bobs_proof(self) -> ProofMessage:
        """What he answers once he has seen the block."""
        self.bob.see(self.block)
        job = FindProof(Side.PAYEE, self.invoice.id, self.payment.txid)
        found = self.bob.desk.perform(AtDesk(job, self.chain.headers, self.bob.now_s))
        assert isinstance(found, bytes)
        return ProofMessage(self.payment.txid, found)

    def asks(self, partner: Hello = ANSWERS) -> DealStep:
        """Alice has heard of a header, and her link to Bob is open."""
        wants = self.alice.do(FollowBlocks(alone=True)).wants
        assert wants[-2:] == (RestLink(self.invoice.id), ReachPayee(self.invoice))
        return self.alice.hear(Side.PAYER, self.invoice, partner)


@pytest.mark.parametrize("joins", [True, False])
def test_a_payer_without_a_node_is_shown_the_block_by_the_payee(joins: bool) -> None:
    scene = Scene(joins=joins)
    assert scene.asks().messages == (GetProof(scene.payment.txid),)
    step = scene.alice.hear(Side.PAYER, scene.invoice, scene.bobs_proof())
    assert (step.wants, step.end) == ((RestLink(scene.invoice.id),), "done")
    deal = scene.of_alice()
    assert deal.stage is DealStage.SETTLED
    assert deal.receipt is not None
    assert deal.receipt.proof is not None
    assert verify(deal.receipt, kernel).is_valid
    assert deal.receipt.proof.height == scene.chain.height
    assert scene.alice.do(FollowBlocks(alone=True)).wants == (KeepWatching(frozenset()),)
    scene.alice.restart()
    assert scene.of_alice() == deal, "it is kept"
    scene.alice.see(scene.block)
    assert scene.of_alice() == deal, "and stays when the wallet reads the block itself"


def test_who_has_said_that_he_gives_no_proofs_is_not_asked() -> None:
    step = Scene().asks(MUTE)
    assert (step.messages, step.end) == ((), "done")


def test_a_wallet_that_reaches_nodes_asks_nobody() -> None:
    scene = Scene()
    assert scene.alice.do(FollowBlocks()).wants == (KeepWatching(frozenset()),)
    step = scene.alice.hear(Side.PAYER, scene.invoice, ANSWERS)
    assert (step.messages, step.end) == ((), "done")


def test_a_payee_asks_a_payer_who_comes_back() -> None:
    scene = Scene()
    scene.alice.see(scene.block)
    said = scene.bob.hear(Side.PAYEE, scene.invoice, ANSWERS).messages
    assert said == (GetProof(scene.payment.txid),)
    job = FindProof(Side.PAYER, scene.invoice.id, scene.payment.txid)
    found = scene.alice.desk.perform(AtDesk(job, scene.chain.headers, scene.alice.now_s))
    assert isinstance(found, bytes)
    told = ProofMessage(scene.payment.txid, found)
    assert scene.bob.hear(Side.PAYEE, scene.invoice, told) == DealStep()
    assert scene.bob.deal(Role.PAYEE, scene.invoice).stage is DealStage.SETTLED
    assert scene.bob.hear(Side.PAYEE, scene.invoice, ANSWERS).messages == ()


def other_transaction(scene: Scene, _item: Confirmed) -> bytes:
    return Confirmed.from_block(scene.block, scene.chain.height, 1).encode()


def other_branch(_scene: Scene, item: Confirmed) -> bytes:
    return replace(item, branch=(bytes(32), *item.branch[1:])).encode()


def other_place(_scene: Scene, item: Confirmed) -> bytes:
    return replace(item, position=3).encode()


def other_coinbase(_scene: Scene, item: Confirmed) -> bytes:
    branch = (*item.coinbase_branch[:-1], bytes(32))
    return replace(item, coinbase_branch=branch).encode()


def other_height(_scene: Scene, item: Confirmed) -> bytes:
    return replace(item, height=item.height - 1).encode()


def block_of_nobody(scene: Scene, _item: Confirmed) -> bytes:
    """A block with the payment, as if it were in the chain."""
    made = Town().chain.mine(scene.payment)
    return Confirmed.from_block(made, scene.chain.height, 1).encode()


def cut_short(_scene: Scene, item: Confirmed) -> bytes:
    return item.encode()[:-1]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (other_transaction, "of another transaction"),
        (other_branch, "does not hold: bad-branch"),
        (other_place, "does not hold: bad-branch"),
        (other_coinbase, "does not hold: bad-coinbase-branch"),
        (other_height, "does not hold: block-not-in-chain"),
        (block_of_nobody, "does not hold: block-not-in-chain"),
        (cut_short, "no proof: expected"),
    ],
)
def test_a_false_proof_ends_the_link_and_changes_nothing(
    spoil: Callable[[Scene, Confirmed], bytes], why: str
) -> None:
    scene = Scene(joins=False)
    scene.asks()
    item = Confirmed.decode(scene.bobs_proof().proof)
    before = scene.of_alice()
    false = ProofMessage(scene.payment.txid, spoil(scene, item))
    step = scene.alice.hear(Side.PAYER, scene.invoice, false)
    assert step.end is not None
    assert why in step.end
    assert scene.of_alice() == before


def test_what_is_no_news_changes_nothing() -> None:
    """No proof, one of a block whose header did not come yet, and one that nobody asked for."""
    scene = Scene()
    scene.asks()
    before, true = scene.of_alice(), scene.bobs_proof()
    parent = scene.chain.tree.best.parent
    assert parent is not None
    none, other = replace(true, proof=b""), replace(true, txid=Txid(bytes(32)))
    for told, chain in (
        (none, scene.chain.headers),
        (true, BestHeaders(parent)),
        (other, scene.chain.headers),
    ):
        heard = Heard(1, Side.PAYER, scene.invoice.id, told)
        step = scene.alice.desk.perform(AtDesk(heard, chain, scene.alice.now_s))
        assert step == DealStep(), "the link stays"
        assert scene.of_alice() == before


def test_a_payee_who_is_asked_before_he_has_read_the_block_tells_it_then() -> None:
    scene = Scene()
    scene.asks()
    job = FindProof(Side.PAYEE, scene.invoice.id, scene.payment.txid)
    early = scene.bob.desk.perform(AtDesk(job, scene.chain.headers, scene.bob.now_s))
    assert early == b""
    scene.bob.wallet.take_block(scene.block.hash, scene.chain.height, scene.block.raw)
    scene.bob.wallet.follow_chain(None, scene.chain.height, scene.block.hash)
    *_, told = scene.bob.do(FollowBlocks()).wants
    assert isinstance(told, Tell)
    assert told.invoice_id == scene.invoice.id
    (message,) = told.messages
    scene.alice.hear(Side.PAYER, scene.invoice, message)
    assert scene.of_alice().stage is DealStage.SETTLED
    assert scene.bob.do(FollowBlocks()).wants == (KeepWatching(frozenset()),), "once"


def test_a_block_that_leaves_the_chain_takes_its_proof_with_it() -> None:
    scene = Scene(joins=False)
    scene.asks()
    scene.alice.hear(Side.PAYER, scene.invoice, scene.bobs_proof())
    parent = scene.chain.tree.best.parent
    assert parent is not None
    left = AtDesk(FollowBlocks(), BestHeaders(parent), scene.alice.now_s)
    step = scene.alice.desk.perform(left)
    assert isinstance(step, DealStep)
    assert Settle(scene.payment) in step.wants
    deal = scene.of_alice()
    assert deal.stage is DealStage.ACCEPTED
    assert deal.receipt is not None
    assert deal.receipt.proof is None
