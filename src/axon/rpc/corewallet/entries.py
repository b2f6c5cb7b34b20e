"""What is listed of a transaction of a wallet: an entry for each output that matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Amount, Json
from axon.rpc.corewallet.scripts import parents, with_address

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

_FINAL_SEQUENCES: Final = 0xFFFF_FFFE
"""From this sequence on an input does not say that it may be replaced (BIP 125)."""

_ANY_DEPTH: Final = -(1 << 60)


@dataclass(frozen=True, slots=True)
class Listing:
    """Which entries are wanted.

    Args:
        label: only payments to addresses with this label; None for all.
        min_depth: what was received counts with so many confirmations only.
        long: with all that is said of the transaction.
        change: with what came back from payments of our own.
    """

    label: str | None = None
    min_depth: int = 0
    long: bool = True
    change: bool = False


def entries_of(desk: DescriptorDesk, txid: Txid, wanted: Listing) -> list[Json]:
    """The entries of one transaction: what was sent, then what was received."""
    wallet = desk.wallet
    ledger, holdings = wallet.ledger, wallet.holdings
    item = ledger.transactions[txid]
    sent_sat = ledger.sent_sat(item)
    fee_sat = sent_sat - sum(output.amount_sat for output in item.outputs) if sent_sat else 0
    rest = description(desk, txid) if wanted.long else {}
    abandoned = ledger.notes[txid].abandoned
    found: list[Json] = []
    shown = [
        (place, output)
        for place, output in enumerate(item.outputs)
        if wanted.change or not sent_sat or not holdings.is_change(output.script_pubkey)
    ]
    if sent_sat and wanted.label is None:
        for place, output in shown:
            label = holdings.book_label(output.script_pubkey)
            found.append(
                {
                    **with_address(output.script_pubkey, wallet.network),
                    "category": "send",
                    "amount": Amount(-output.amount_sat),
                    **({} if label is None else {"label": label}),
                    "vout": place,
                    "fee": Amount(-fee_sat),
                    **rest,
                    "abandoned": abandoned,
                }
            )
    depth = holdings.depth(txid)
    if depth < wanted.min_depth:
        # As in Core nothing that a block excludes was received; it still was sent.
        return found
    for place, output in shown:
        if ledger.book.find(output.script_pubkey) is None:
            continue
        label = holdings.book_label(output.script_pubkey)
        if wanted.label is not None and (label or "") != wanted.label:
            continue
        found.append(
            {
                **with_address(output.script_pubkey, wallet.network),
                "parent_descs": parents(desk, output.script_pubkey),
                "category": _category(desk, item, depth),
                "amount": Amount(output.amount_sat),
                **({} if label is None else {"label": label}),
                "vout": place,
                "abandoned": abandoned,
                **rest,
            }
        )
    return found


def any_depth(wanted: Listing) -> Listing:
    """The same, also of what a block excludes."""
    return Listing(wanted.label, _ANY_DEPTH, wanted.long, wanted.change)


def _category(desk: DescriptorDesk, item: Transaction, depth: int) -> str:
    if not item.is_coinbase:
        return "receive"
    if depth < 1:
        return "orphan"
    return "immature" if desk.wallet.holdings.is_immature(item.txid) else "generate"


def description(desk: DescriptorDesk, txid: Txid) -> dict[str, Json]:
    """What is said of a transaction as a whole."""
    ledger, holdings = desk.wallet.ledger, desk.wallet.holdings
    item, note, depth = ledger.transactions[txid], ledger.notes[txid], holdings.depth(txid)
    shown: dict[str, Json] = {"confirmations": depth}
    if item.is_coinbase:
        shown["generated"] = True
    confirmed = ledger.confirmed.get(txid)
    if confirmed is not None:
        shown["blockhash"] = to_hex(confirmed.hash)
        shown["blockheight"] = confirmed.height
        shown["blockindex"] = confirmed.position
        shown["blocktime"] = confirmed.time_s
    else:
        shown["trusted"] = holdings.is_trusted(txid)
    shown["txid"] = to_hex(txid)
    shown["wtxid"] = to_hex(item.wtxid)
    shown["walletconflicts"] = sorted(map(to_hex, holdings.own_conflicts(txid)))
    shown["mempoolconflicts"] = sorted(map(to_hex, holdings.pool_conflicts(txid)))
    shown["time"], shown["timereceived"] = note.time_s, note.received_s
    shown["bip125-replaceable"] = _replaceable(desk, item, depth)
    said = {
        "comment": note.comment,
        "replaced_by_txid": note.replaced_by,
        "replaces_txid": note.replaces,
        "to": note.to,
    }
    return shown | {name: text for name, text in said.items() if text}


def signals(transaction: Transaction) -> bool:
    """Whether a transaction says that it may be replaced (BIP 125)."""
    return any(item.sequence < _FINAL_SEQUENCES for item in transaction.inputs)


def _replaceable(desk: DescriptorDesk, item: Transaction, depth: int) -> str:
    if depth > 0 or item.is_coinbase:
        return "no"
    if signals(item):
        return "yes"
    return "no" if desk.wallet.holdings.in_pool(item.txid) else "unknown"


def in_order(desk: DescriptorDesk) -> Sequence[Txid]:
    """All transactions, in the order in which the wallet met them."""
    notes = desk.wallet.ledger.notes
    return sorted(notes, key=lambda txid: notes[txid].order)
