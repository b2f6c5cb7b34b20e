"""What blocks decide of payments between wallets: settled, spent otherwise, or too late.

The wallet looks through blocks for its own sake; here is what follows from what it found. A payment
is settled by a block, whoever gave it to whom, and also when the address of an invoice was paid by
a wallet that knows nothing of all this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from axon.payments.book import Book
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.headerchain import HeaderChainView
from axon.payments.receipt import Receipt
from axon.payments.receiptproof import MinedProof
from axon.payments.shownproofs import is_shown
from axon.payments.step import KeepWatching, Settle, Want, WatchFor
from axon.payments.verdict import CoinClaim, PaymentLevel, Verdict
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction, outpoint, outpoint_txid
from axon.wallet.unconfirmed import record_sent
from axon.wallet.wallet import Wallet

_TO_BE_SENT: Final = (DealStage.OFFERED, DealStage.ACCEPTED)
"""Stages to which a payment comes whose block has left the chain, or whose join is spoilt."""


def follow_blocks(
    wallet: Wallet, book: Book, chain: HeaderChainView, now_s: int
) -> tuple[Want, ...]:
    """Write down what the wallet's blocks say of its deals.

    Args:
        chain: our best chain, for payments that are settled by a proof alone.
        now_s: seconds since 1970.

    Returns:
        What is settled once more, because its block has left the chain; and what is watched.

    Raises:
        StorageError: the disk refused.
    """
    paid_sat = _paid_by_script(wallet)
    wants: list[Want] = []
    for deal in book.deals():
        moved = _followed(wallet, deal, paid_sat, chain, now_s)
        if moved is deal:
            continue
        if deal.joined is not None and moved.joined is None:
            _take_back_up(wallet, moved, now_s)
        book.put(moved)
        if moved.stage in _TO_BE_SENT and moved.payment is not None:
            wants.append(Settle(moved.payment))
            if moved.role is Role.PAYEE:
                wants.append(watch_for(moved))
    watched = frozenset([name for name, deal in book.named(Role.PAYEE) if deal.is_open])
    return (KeepWatching(watched), *wants)


def _paid_by_script(wallet: Wallet) -> dict[bytes, int]:
    """What blocks have paid to each of our scripts, spent or not."""
    found: dict[bytes, int] = defaultdict(int)
    for point, owned in wallet.ledger.owned.items():
        if outpoint_txid(point) in wallet.ledger.confirmed:
            found[owned.output.script_pubkey] += owned.output.amount_sat
    return found


def _followed(
    wallet: Wallet,
    deal: Deal,
    paid_sat: Mapping[bytes, int],
    chain: HeaderChainView,
    now_s: int,
) -> Deal:
    confirmed = wallet.ledger.confirmed
    paying = [txid for txid in deal.txids if txid in confirmed and _pays(wallet, deal, txid)]
    mined = paying[0] if paying else _joined(wallet, deal)
    if deal.packet is None and deal.role is Role.PAYEE and mined is None:
        return _paid_plainly(deal, paid_sat.get(deal.invoice.script_pubkey, 0), now_s)
    if deal.stage is DealStage.SETTLED:
        has_left = deal.packet is not None and mined is None and not is_shown(deal, chain)
        return _unsettled(wallet, deal, now_s) if has_left else deal
    if mined is not None:
        return _settled(wallet, deal, mined, now_s)
    rival = _rival(wallet, deal)
    if rival is not None:
        return _outdone(deal, rival, wallet.ledger.confirmed[rival].height, now_s)
    if deal.is_open and deal.joined is not None and _spent_by(wallet, deal.joined) is not None:
        # A coin that the payee added went elsewhere. A receipt for this is worth nothing any more.
        return deal.moved(deal.stage, now_s, joined=None, receipt=None)
    return deal


def _take_back_up(wallet: Wallet, deal: Deal, now_s: int) -> None:
    """The joined payment cannot come any more: the first one counts again, for both."""
    assert deal.packet is not None, "it was joined"
    first = deal.packet.transaction
    if deal.role is Role.PAYER:
        record_sent(wallet.ledger, first, now_s)
    elif deal.stage is DealStage.ACCEPTED:
        wallet.take_unconfirmed(first, now_s, "a payer")


def _settled(wallet: Wallet, deal: Deal, txid: Txid, now_s: int) -> Deal:
    """A block has one of the two: that one was the payment."""
    is_first = deal.packet is None or deal.packet.transaction.txid == txid
    joined = None if is_first else wallet.ledger.transactions[txid]
    receipt = None  # One for the other of the two is worth nothing.
    if deal.receipt is not None and deal.receipt.txid == txid:
        receipt = proved(wallet, deal.receipt)
    verdict = Verdict(PaymentLevel.MINED, height=wallet.ledger.tip.height)
    return deal.moved(DealStage.SETTLED, now_s, joined=joined, receipt=receipt, verdict=verdict)


def proved(wallet: Wallet, receipt: Receipt) -> Receipt:
    """A receipt with the proof that a block has its transaction, which the wallet knows."""
    place, txid = wallet.ledger.confirmed[receipt.txid], receipt.txid
    proof = MinedProof(place.height, wallet.proof(txid), wallet.transaction(txid))
    return replace(receipt, proof=proof)


def _unsettled(wallet: Wallet, deal: Deal, now_s: int) -> Deal:
    """Its block has left the chain; where its coins are now was not looked up."""
    verdict = Verdict(PaymentLevel.SIGNED, height=wallet.ledger.tip.height)
    if deal.role is Role.PAYER and deal.receipt is None:  # No payee has ever accepted it.
        return deal.moved(DealStage.OFFERED, now_s, verdict=verdict)
    receipt = None if deal.receipt is None else replace(deal.receipt, proof=None)
    return deal.moved(DealStage.ACCEPTED, now_s, verdict=verdict, receipt=receipt)


def _rival(wallet: Wallet, deal: Deal) -> Txid | None:
    """What a block has in place of an open payment."""
    if not deal.is_open or deal.packet is None:
        return None
    return _spent_by(wallet, deal.packet.transaction)


def _spent_by(wallet: Wallet, transaction: Transaction) -> Txid | None:
    """What a block has that spends a coin of a transaction otherwise, as far as we know of it."""
    rivals = wallet.ledger.conflicts(transaction)
    return next((txid for txid in rivals if txid in wallet.ledger.confirmed), None)


def _pays(wallet: Wallet, deal: Deal, txid: Txid) -> bool:
    """Whether a payment is one of its invoice: a refused one may be that of another."""
    return deal.invoice.is_paid_by(wallet.ledger.transactions[txid])


def _joined(wallet: Wallet, deal: Deal) -> Txid | None:
    """A payment of the same invoice with the same coins, in a block, that never came here signed:
    the joined one, or the first."""
    if deal.packet is None:
        return None
    for txid in wallet.ledger.conflicts(deal.packet.transaction):
        if txid in wallet.ledger.confirmed and _pays(wallet, deal, txid):
            return txid
    return None


def watch_for(deal: Deal) -> WatchFor:
    """Have the network say when a block or a peer has something else in place of a payment."""
    packet, payment = deal.packet, deal.payment
    assert packet is not None, "it came"
    assert payment is not None, "it came"
    waiting = packet.unconfirmed
    spent = {point for item in (packet.transaction, *waiting) for point in item.prevouts}
    claims = [
        CoinClaim(point, output.script_pubkey, output.amount_sat, item.height)
        for item in packet.confirmed
        for index, output in enumerate(item.transaction.outputs)
        if (point := outpoint(item.transaction.txid, index)) in spent
    ]
    return WatchFor(deal.invoice.id, payment, tuple(claims), waiting)


def rule_out(book: Book, deal: Deal, rival: Txid, height: int, now_s: int) -> None:
    """A block that the wallet need not look at for itself has spent a coin of a payment to it.

    Raises:
        StorageError: the disk refused.
    """
    if deal.is_open and rival not in deal.txids:
        book.put(_outdone(deal, rival, height, now_s))


def _outdone(deal: Deal, rival: Txid, height: int, now_s: int) -> Deal:
    reason = f"a coin of it was spent by transaction {to_hex(rival)} in block {height}"
    verdict = Verdict(PaymentLevel.REFUSED, "coin-spent", reason, height)
    return deal.moved(DealStage.REFUSED, now_s, verdict=verdict, reason=reason)


def _paid_plainly(deal: Deal, paid_sat: int, now_s: int) -> Deal:
    """Its address may have been paid on chain, until that block leaves; else it expires."""
    invoice, is_settled = deal.invoice, deal.stage is DealStage.SETTLED
    if paid_sat and paid_sat >= (invoice.amount_sat or 0):
        return deal if is_settled else deal.moved(DealStage.SETTLED, now_s)
    if is_settled:
        return deal.moved(DealStage.ISSUED, now_s)
    if deal.is_open and invoice.is_expired(now_s):
        return deal.moved(DealStage.EXPIRED, now_s)
    return deal
