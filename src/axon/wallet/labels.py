"""Labels on transactions, addresses and coins, and their exchange with other wallets (BIP 329).

A label is found by what it stands on as people write it: a txid in hex, an address, or a coin as
`txid:index`. The exchange format is lines of JSON; a frozen coin is one that is not `spendable`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import decode_address
from axon.primitives.hashes import Txid, from_hex, to_hex
from axon.primitives.network import Network
from axon.primitives.transaction import OutPoint, outpoint, outpoint_index, outpoint_txid
from axon.wallet import records
from axon.wallet.errors import BadLabel
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Changes

MAX_LABEL: Final = 255
"""Characters, as BIP 329 recommends."""

MAX_IMPORT_BYTES: Final = 32 << 20
"""Of a file of labels: some hundred thousand."""

_FROZEN = b"\x01"


class LabelKind(StrEnum):
    """What a label stands on, in BIP 329's words."""

    TRANSACTION = "tx"
    ADDRESS = "addr"
    COIN = "output"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Args:
        taken: labels and freezes that are now ours.
        skipped: lines about things that axon does not label, such as keys.
    """

    taken: int
    skipped: int


def outpoint_ref(point: OutPoint) -> str:
    """A coin as people write it: `txid:index`."""
    return f"{to_hex(outpoint_txid(point))}:{outpoint_index(point)}"


def parse_outpoint(text: str) -> OutPoint:
    """A coin from `txid:index`.

    Raises:
        BadLabel: it has another form.
    """
    txid_hex, _, index = text.partition(":")
    try:
        txid = Txid(from_hex(txid_hex))
    except DecodeError:
        txid = None
    if txid is None or not (index.isascii() and index.isdigit() and len(index) <= 6):
        raise BadLabel(f"expected a coin as txid:index, not {text[:80]!r}")
    return outpoint(txid, int(index))


def label_of(ledger: WalletLedger, kind: LabelKind, ref: str) -> str:
    """The label, empty if there is none."""
    return ledger.labels.get(_name(kind, ref), "")


def labelled(ledger: WalletLedger, kind: LabelKind, ref: str, text: str) -> Changes:
    """What to write for a new label; an empty one removes it.

    Raises:
        BadLabel: it is too long, of several lines, or what it stands on has no valid form.
    """
    if len(text) > MAX_LABEL:
        raise BadLabel(f"a label has at most {MAX_LABEL} characters, not {len(text)}")
    if not text.isprintable():
        raise BadLabel("a label is one line of printable text")
    name = _name(kind, _checked_ref(ledger.network, kind, ref))
    return {records.LABEL + name: text.encode() or None}


def frozen(point: OutPoint, yes: bool) -> Changes:
    """What to write to set a coin aside, or to free it."""
    return {records.FROZEN + point: _FROZEN if yes else None}


def export_labels(ledger: WalletLedger) -> str:
    """All labels and frozen coins as lines of JSON (BIP 329)."""
    lines: list[dict[str, object]] = []
    coins = {outpoint_ref(point): point for point in ledger.frozen}
    for name in sorted(ledger.labels):
        kind, _, ref = name.decode().partition("\0")
        line: dict[str, object] = {"type": kind, "ref": ref, "label": ledger.labels[name]}
        if kind == LabelKind.COIN:
            line["spendable"] = coins.pop(ref, None) is None
        lines.append(line)
    lines += [{"type": "output", "ref": ref, "spendable": False} for ref in sorted(coins)]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def imported_labels(ledger: WalletLedger, text: str) -> tuple[Changes, Imported]:
    """What to write of lines that another wallet exported.

    Raises:
        BadLabel: a line is no JSON object, or what it stands on has no valid form; the line is
            named, and nothing of the file is taken.
    """
    if len(text) > MAX_IMPORT_BYTES:
        raise BadLabel(f"expected at most {MAX_IMPORT_BYTES >> 20} MiB of labels")
    changes: Changes = {}
    taken = skipped = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        found = _imported_line(ledger, line, number)
        changes |= found
        taken, skipped = (taken + 1, skipped) if found else (taken, skipped + 1)
    return changes, Imported(taken, skipped)


def _imported_line(ledger: WalletLedger, line: str, number: int) -> Changes:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        raise BadLabel(f"line {number} is no JSON object: expected labels as BIP 329 writes them")
    kind, ref, label = entry.get("type"), entry.get("ref"), entry.get("label", "")
    if kind not in set(LabelKind) or not isinstance(ref, str) or not isinstance(label, str):
        return {}
    changes: Changes = {}
    try:
        if label:
            changes |= labelled(ledger, LabelKind(kind), ref, label[:MAX_LABEL])
        if kind == LabelKind.COIN and isinstance(entry.get("spendable"), bool):
            changes |= frozen(parse_outpoint(ref), not entry["spendable"])
    except BadLabel as error:
        raise BadLabel(f"line {number}: {error}") from None
    return changes


def _name(kind: LabelKind, ref: str) -> bytes:
    return f"{kind}\0{ref}".encode("utf-8", "surrogatepass")


def _checked_ref(network: Network, kind: LabelKind, ref: str) -> str:
    """What a label stands on, written in its one form."""
    if kind is LabelKind.COIN:
        return outpoint_ref(parse_outpoint(ref))
    try:
        if kind is LabelKind.TRANSACTION:
            return to_hex(from_hex(ref))
        decode_address(ref, network)
    except DecodeError as error:
        raise BadLabel(f"a label stands on a txid, an address or a coin: {error}") from None
    witness = ref.lower().startswith(f"{network.bech32_hrp}1")
    return ref.lower() if witness else ref
