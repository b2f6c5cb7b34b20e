"""Labels on transactions, addresses and coins, and their exchange with other wallets (BIP 329).

A label is found by what it stands on as people write it: a txid in hex, an address, or a coin as
`txid:index`. The exchange format is lines of JSON; a frozen coin is one that is not `spendable`.
Files come from other programs: what of them is not ours, or cannot be read, is left out line by
line, and the rest is taken.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import decode_address
from axon.primitives.hashes import Txid, from_hex, to_hex
from axon.primitives.transaction import OutPoint, outpoint, outpoint_index, outpoint_txid
from axon.wallet import records
from axon.wallet.errors import BadLabel
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Changes

MAX_LABEL: Final = 255
"""Characters, as BIP 329 recommends."""

MAX_IMPORT_BYTES: Final = 32 << 20
"""Of a file of labels: some hundred thousand."""

MAX_LEFT_OUT: Final = 100
"""Lines of a file that are named with the reason why they were left out; all are counted."""

_FROZEN = b"\x01"

_AS_SPACE = frozenset("\t\n\v\f\r\u2028\u2029")
_DROPPED = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of characters: controls, halves of characters, ends of lines and paragraphs."""

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the writing direction of all that follows on a line, such as an amount; what is written
from right to left needs none of them."""

_KEY_WITH_ORIGIN = re.compile(r"(\[[^\[\]]*\])[^,(){}]*")


class LabelKind(StrEnum):
    """What a label stands on, in BIP 329's words."""

    TRANSACTION = "tx"
    ADDRESS = "addr"
    COIN = "output"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line of a file that was not taken.

    Args:
        line: its number, from 1.
        reason: why, in words.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Args:
        taken: lines whose label or freeze is now ours.
        skipped: lines that were left out.
        left_out: the first `MAX_LEFT_OUT` of these.
    """

    taken: int
    skipped: int
    left_out: tuple[LeftOut, ...] = ()


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


def labels_of(ledger: WalletLedger, kind: LabelKind) -> list[tuple[str, str]]:
    """What has a label of a kind, and the label."""
    begin = _name(kind, "")
    return [
        (name[len(begin) :].decode(), label)
        for name, label in ledger.labels.items()
        if name.startswith(begin)
    ]


def plain_label(text: str) -> str:
    """A label as it is kept: any text, on one line.

    Control characters are dropped, among them those that turn the writing direction of what
    follows; ends of lines and tabs become spaces. Marks within a word (ZWJ, RLM) stay.
    """
    spaced = [" " if sign in _AS_SPACE else sign for sign in text]
    return "".join(
        sign
        for sign in spaced
        if unicodedata.category(sign) not in _DROPPED and sign not in _TURNING
    ).strip()


def labelled(ledger: WalletLedger, kind: LabelKind, ref: str, text: str) -> Changes:
    """What to write for a new label, as `plain_label` gives it; an empty one removes it.

    Raises:
        BadLabel: it is too long, or what it stands on has no valid form.
    """
    text = plain_label(text)
    if len(text) > MAX_LABEL:
        raise BadLabel(f"a label has at most {MAX_LABEL} characters, not {len(text)}")
    name = _name(kind, _checked_ref(ledger, kind, ref))
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
    """What to write of lines that another wallet exported (BIP 329).

    Raises:
        BadLabel: it is too large for a file of labels.
    """
    if len(text) > MAX_IMPORT_BYTES:
        raise BadLabel(f"expected at most {MAX_IMPORT_BYTES >> 20} MiB of labels")
    changes: Changes = {}
    taken = skipped = 0
    left_out: list[LeftOut] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            changes |= _imported_line(ledger, line)
            taken += 1
        except BadLabel as error:
            skipped += 1
            if skipped <= MAX_LEFT_OUT:
                left_out.append(LeftOut(number, str(error)))
    return changes, Imported(taken, skipped, tuple(left_out))


def _imported_line(ledger: WalletLedger, line: str) -> Changes:
    """What to write for a line. Raises BadLabel where it is left out."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        raise BadLabel("expected a JSON object, as BIP 329 writes labels")
    kind, ref, label = entry.get("type"), entry.get("ref"), entry.get("label", "")
    if kind not in set(LabelKind):
        raise BadLabel(f"axon labels no {plain_label(str(kind))[:20]!r}")
    if not isinstance(ref, str) or not isinstance(label, str):
        raise BadLabel("expected texts for 'ref' and 'label'")
    if not isinstance(entry.get("spendable", True), bool):
        raise BadLabel("expected true or false for 'spendable'")
    if _is_of_another(ledger, entry.get("origin")):
        raise BadLabel("its origin is another wallet")
    changes: Changes = {}
    if label:
        changes |= labelled(ledger, LabelKind(kind), ref, plain_label(label)[:MAX_LABEL])
    if kind == LabelKind.COIN and isinstance(entry.get("spendable"), bool):
        changes |= frozen(parse_outpoint(ref), not entry["spendable"])
    if not changes:
        raise BadLabel("it has no label")
    return changes


def _is_of_another(ledger: WalletLedger, origin: object) -> bool:
    """Whether a line says that it belongs to another wallet, as far as both can be compared."""
    if not isinstance(origin, str):
        return False
    named = _origin_of(origin)
    own = {_origin_of(ledger.book.text(each)) for each in ledger.book.keychains}
    return bool(named[1]) and all(keys for _, keys in own) and named not in own


def _origin_of(descriptor: str) -> tuple[str, tuple[str, ...]]:
    """The functions and the origins of the keys of a descriptor, whole or shortened to these."""
    text = re.sub(r"['hH](?=[/\]])", "h", descriptor.partition("#")[0]).replace(" ", "")
    keys = tuple(sorted(found.lower() for found in _KEY_WITH_ORIGIN.findall(text)))
    return _KEY_WITH_ORIGIN.sub("", text), keys


def _name(kind: LabelKind, ref: str) -> bytes:
    return f"{kind}\0{ref}".encode("utf-8", "surrogatepass")


def _checked_ref(ledger: WalletLedger, kind: LabelKind, ref: str) -> str:
    """What a label stands on, written in its one form."""
    network = ledger.network
    if kind is LabelKind.COIN:
        point = parse_outpoint(ref)
        known = ledger.transactions.get(outpoint_txid(point))
        if known is not None and outpoint_index(point) >= len(known.outputs):
            raise BadLabel(
                f"{ref} is no coin: that transaction's last one is number {len(known.outputs) - 1}"
            )
        return outpoint_ref(point)
    try:
        if kind is LabelKind.TRANSACTION:
            return to_hex(from_hex(ref))
        decode_address(ref, network)
    except DecodeError as error:
        raise BadLabel(f"a label stands on a txid, an address or a coin: {error}") from None
    witness = ref.lower().startswith(f"{network.bech32_hrp}1")
    return ref.lower() if witness else ref
