"""The proof that a block has a payment, from the partner of it: for a wallet that reaches no node.

    a header comes, no node is there --> the payer dials the payee: getproof --> proof, checked
                                         (or an empty one, and the proof when he has the block)
    a payer comes whose payment has no proof yet --> the payee: getproof --> proof, checked

A partner is believed nothing: the proof leads to a header of our own best chain, by the transaction
and by the coinbase, as in a packet (`check_proof`). What is checked goes into the receipt, and the
payment is settled as long as that header is in the chain. The wallet's coins follow when it reads
the block itself.
"""

from __future__ import annotations

from dataclasses import replace

from axon.errors import DecodeError
from axon.payments.book import Book
from axon.payments.chainmessages import GetProof, ProofMessage
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.headerchain import HeaderChainView
from axon.payments.linkevents import Side
from axon.payments.linkfeatures import serves_chain
from axon.payments.linkmessages import Hello
from axon.payments.packet import Confirmed
from axon.payments.payeewords import payment_of, plain
from axon.payments.proof import check_proof, refuse_inner_nodes
from axon.payments.receipt import Receipt
from axon.payments.receiptproof import MinedProof
from axon.payments.step import DealStep, RestLink
from axon.payments.verdict import PaymentLevel, Verdict
from axon.primitives.merkle import PartialMerkleTree


def unproved(deal: Deal) -> Receipt | None:
    """The receipt that a proof is wanted for; None if it has one, or there is no receipt yet."""
    return deal.receipt if deal.stage is DealStage.ACCEPTED else None


def ask_proof(deal: Deal, partner: Hello) -> tuple[GetProof, ...]:
    """What to ask a partner who has said hello; nothing where no proof is wanted, or he has said
    that he gives none."""
    receipt = unproved(deal)
    return (GetProof(receipt.txid),) if receipt is not None and serves_chain(partner) else ()


def is_shown(deal: Deal, chain: HeaderChainView) -> bool:
    """Whether the proof of a payment leads to a header of our chain."""
    proof = None if deal.receipt is None else deal.receipt.proof
    if proof is None:
        return False
    header = chain.header_at(proof.height)
    return header is not None and header.raw == proof.header.raw


def take_proof(
    book: Book,
    side: Side,
    invoice_id: bytes,
    message: ProofMessage,
    chain: HeaderChainView,
    now_s: int,
) -> DealStep:
    """What a partner shows of a payment's block. An empty proof is no news, a false one ends the
    link.

    Args:
        side: ours.
        chain: our best chain; it must not move meanwhile.
        now_s: seconds since 1970.

    Raises:
        StorageError: the disk refused.
    """
    deal = book.get(Role.PAYER if side is Side.PAYER else Role.PAYEE, invoice_id)
    receipt = None if deal is None else unproved(deal)
    if deal is None or receipt is None or message.txid != receipt.txid:
        return DealStep()  # An answer that came late.
    if not message.proof:
        return DealStep()  # He says it when he has read the block, unless the link is gone.
    try:
        item = Confirmed.decode(message.proof)
    except DecodeError as error:
        return DealStep(end=plain(f"no proof: expected {error}"))
    if item.transaction.txid != receipt.txid:
        return DealStep(end="the proof is of another transaction")
    refused = refuse_inner_nodes((item.coinbase, item.transaction)) or check_proof(item, chain)
    if refused is not None and refused.reason == "block-above-tip":
        return DealStep()  # He knows that block before us: he is asked again when we do.
    if refused is not None:
        return DealStep(end=f"the proof does not hold: {refused.reason}")
    book.put(_settled(deal, receipt, item, chain, now_s))
    if side is Side.PAYEE:
        return DealStep()
    return DealStep(wants=(RestLink(invoice_id),), end="done")  # He was dialled for that alone.


def _settled(
    deal: Deal, receipt: Receipt, item: Confirmed, chain: HeaderChainView, now_s: int
) -> Deal:
    header, payment = chain.header_at(item.height), payment_of(deal)
    assert header is not None, "the proof was checked"
    assert payment.txid == receipt.txid, "one for another payment was let go before"
    paths = {0: item.coinbase_branch, item.position: item.branch}
    leaves = {0: item.coinbase.txid, item.position: item.transaction.txid}
    tree = PartialMerkleTree.from_branches(leaves, paths)
    proof = MinedProof(item.height, header.raw + tree.encode(), payment)
    verdict = Verdict(PaymentLevel.MINED, height=chain.tip_height)
    return deal.moved(
        DealStage.SETTLED, now_s, receipt=replace(receipt, proof=proof), verdict=verdict
    )
