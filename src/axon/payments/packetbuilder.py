"""Makes the packet of a payment from what the payer's wallet keeps.

A wallet has every transaction that pays it, and with each that a block confirmed the Merkle proof
and the block's coinbase (`wallet/scan`). Nobody is asked for anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from axon.errors import DecodeError, WalletError
from axon.payments.packet import MAX_PACKET_BYTES, Confirmed, Packet, bare, lineage
from axon.primitives.encoding import Reader
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.header import HEADER_SIZE
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.transaction import Transaction, outpoint_txid
from axon.wallet import records
from axon.wallet.ledger import WalletLedger

_JOINED: Final = (
    "it builds on {txid}, which no block has yet and to which its payee added a coin that he alone"
    " can prove"
)


class CannotProve(WalletError):
    """The wallet lacks what a packet needs, or the packet would be larger than anybody reads."""


def build_packet(ledger: WalletLedger, transaction: Transaction) -> Packet:
    """The packet of a payment.

    Args:
        ledger: of the wallet that made it.
        transaction: signed; it need not be in the wallet yet.

    Raises:
        CannotProve: with what to do about it.
    """
    confirmed = {
        txid: known for txid, known in ledger.transactions.items() if txid in ledger.confirmed
    }
    waiting = {txid: known for txid, known in ledger.transactions.items() if txid not in confirmed}
    try:
        needed, order = lineage(transaction, confirmed, waiting)
    except DecodeError as error:
        joined = _joined_ancestor(transaction, waiting, ledger)
        why = f"expected {error}" if joined is None else _JOINED.format(txid=to_hex(joined))
        raise CannotProve(
            f"this payment cannot be proved from the wallet alone ({why}): wait until a block has"
            " what it spends, pay with other coins (--coin names them), or send it by the network"
            " (axon wallet send)"
        ) from error
    return _packet(transaction, [prove_confirmed(ledger, txid) for txid in needed], order)


def _joined_ancestor(
    transaction: Transaction, waiting: Mapping[Txid, Transaction], ledger: WalletLedger
) -> Txid | None:
    """An unconfirmed ancestor that spends coins of ours and of somebody else; None if none does."""
    unseen, met = [transaction], {transaction.txid}
    while unseen:
        for txid in map(outpoint_txid, unseen.pop().prevouts):
            parent = waiting.get(txid)
            if parent is None or txid in met:
                continue
            ours = [point in ledger.owned for point in parent.prevouts]
            if any(ours) and not all(ours):
                return txid
            met.add(txid)
            unseen.append(parent)
    return None


def make_packet(
    transaction: Transaction, proofs: Iterable[Confirmed], waiting: Iterable[Transaction] = ()
) -> Packet:
    """The packet of a payment from proofs in any order, of which it may need only some.

    Raises:
        DecodeError: something is missing, or it is too deep or too much.
    """
    confirmed = {item.transaction.txid: item for item in proofs}
    transactions = {txid: item.transaction for txid, item in confirmed.items()}
    needed, order = lineage(transaction, transactions, {item.txid: item for item in waiting})
    return Packet(transaction, _in_order([confirmed[txid] for txid in needed]), order)


def _packet(
    transaction: Transaction, proofs: Iterable[Confirmed], order: tuple[Transaction, ...]
) -> Packet:
    packet = Packet(transaction, _in_order(proofs), order)
    size = len(packet.encode())
    if size > MAX_PACKET_BYTES:
        raise CannotProve(
            f"the packet of this payment would have {size} bytes, {MAX_PACKET_BYTES} are read:"
            " pay with fewer coins, or send it by the network"
        )
    return packet


def _in_order(proofs: Iterable[Confirmed]) -> tuple[Confirmed, ...]:
    return tuple(sorted(proofs, key=lambda item: (item.height, item.position)))


def prove_confirmed(ledger: WalletLedger, txid: Txid) -> Confirmed:
    """The proof of a transaction that a block has, from the wallet's records.

    Raises:
        CannotProve: the wallet lacks a part of it.
    """
    place = ledger.confirmed[txid]
    proof = ledger.stored(records.PROOF + txid)
    first = ledger.stored(records.COINBASE + place.hash)
    if proof is None or first is None:
        raise CannotProve(
            f"this wallet found transaction {to_hex(txid)} before wallets kept the coinbase of its"
            " block, which a packet needs: axon wallet rescan looks through the blocks again"
        )
    try:
        coinbase = Transaction.decode(first)
        tree = PartialMerkleTree.decode(Reader(proof, HEADER_SIZE)).branches()
        (_, coinbase_branch), (position, branch) = tree[coinbase.txid], tree[txid]
    except (DecodeError, KeyError):
        raise records.damaged() from None
    return Confirmed(
        bare(ledger.transactions[txid]),
        place.height,
        place.hash,
        position,
        branch,
        coinbase,
        coinbase_branch,
    )
