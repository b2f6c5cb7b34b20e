"""What a broken promise looks like in a block: scripts by which filters show it.

A basic filter (BIP 158) has the scripts of the outputs that a block spends. Whoever takes back a
payment that he promised us spends the same outputs once more, and need not pay anybody here. So
the scripts behind the inputs of promised payments are looked for, too. Most inputs tell theirs:

    P2WPKH: its key     P2WSH: its script     P2SH: its script     P2PKH: its key

A taproot or bare-key input does not: then blocks are looked through whatever their filters say, so
many for each promise. Where a rival was seen, its outputs are looked for as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from axon.errors import DecodeError
from axon.primitives.hashes import BlockHash, Txid, hash160, sha256
from axon.primitives.script import ops, push
from axon.primitives.transaction import Transaction, TxIn
from axon.wallet import scan
from axon.wallet.ledger import WalletLedger

MAX_SCRIPTS: Final = 2_000
"""Looked for beside our own; strangers can promise as many inputs as they like. Each promise gets
one before any gets a second."""

MAX_WHOLE: Final = 144
"""Blocks that a light client fetches for a promise whose inputs do not tell what they spend, in one
run: a day's, 300 MB at most. Strangers can make such promises without end."""

_KEY_SIZES: Final = (33, 65)
_DER_SIZES: Final = range(9, 74)
_TAPROOT_VERSIONS: Final = range(0x40, 0x100)
_ANNEX: Final = b"\x50"


def prevout_scripts(spent: TxIn) -> tuple[bytes, ...]:
    """The script that an input spends, as far as the input tells it: one, or a few candidates."""
    if spent.script_sig:
        try:
            pushed = [data for _, data in ops(spent.script_sig)]
        except DecodeError:
            return ()
        last = pushed[-1] if pushed else None
        if not last:
            return ()
        hashed = push(hash160(last))
        paid_to_script = b"\xa9" + hashed + b"\x87"
        if len(last) in _KEY_SIZES:
            return (paid_to_script, b"\x76\xa9" + hashed + b"\x88\xac")
        return (paid_to_script,)
    witness = spent.witness
    if len(witness) == 2 and len(witness[1]) == _KEY_SIZES[0]:
        return (b"\x00" + push(hash160(witness[1])), b"\x00" + push(sha256(witness[1])))
    if witness and witness[-1]:
        return (b"\x00" + push(sha256(witness[-1])),)
    return ()


def tells_its_script(spent: TxIn) -> bool:
    """Whether what an input spends is among `prevout_scripts` for certain.

    Not where it may be a taproot output, a bare key or bare keys.
    """
    if spent.script_sig:
        try:
            pushed = [data for _, data in ops(spent.script_sig)]
        except DecodeError:
            return False
        end = (pushed[-1] if pushed else None) or b""
        is_signature = end[:1] == b"\x30" and len(end) in _DER_SIZES
        return bool(end) and not is_signature
    witness = spent.witness
    if len(witness) < 2 or not witness[-1]:
        return False
    last = witness[-1]
    is_control = len(last) % 32 == 1 and last[0] & 0xFE in _TAPROOT_VERSIONS
    is_key = len(witness) == 2 and len(last) == _KEY_SIZES[0] and last[:1] in (b"\x02", b"\x03")
    return is_key or not (is_control or last[:1] == _ANNEX)


class PromiseWatch:
    """Tells blocks that may concern a wallet from others, also those that break a promise to it.

    Args:
        ledger: of the wallet.
    """

    def __init__(self, ledger: WalletLedger) -> None:
        self._ledger = ledger
        self._version = -1
        self._scripts: list[bytes] = []
        self._untold: dict[Txid, int] = {}  # For how many blocks it was waited for.

    def match(
        self, filters: Sequence[tuple[BlockHash, bytes]], watched: Sequence[bytes]
    ) -> tuple[bool, ...]:
        """For each block whether it is to be looked through.

        Args:
            filters: hash and basic filter of each, in their order.
            watched: the wallet's own scripts.
        """
        if self._version != self._ledger.version:
            self._version = self._ledger.version
            self._scripts = promised_scripts(self._ledger)
            untold = _untold(self._ledger)
            self._untold = {txid: self._untold.get(txid, 0) for txid in untold}
        matched = scan.match_filters(filters, [*watched, *self._scripts])
        whole = max([MAX_WHOLE - count for count in self._untold.values()], default=0)
        for txid in self._untold:
            self._untold[txid] += len(filters)
        return tuple([matches or place < whole for place, matches in enumerate(matched)])


def _untold(ledger: WalletLedger) -> list[Txid]:
    """Promises to us that a block may break without any script that is known."""
    return [
        transaction.txid
        for transaction in _awaited(ledger)
        if ledger.concerns(transaction) and not all(map(tells_its_script, transaction.inputs))
    ]


def _awaited(ledger: WalletLedger) -> Iterator[Transaction]:
    """What others have made and no block has, or excludes."""
    for txid in ledger.seen:
        transaction = ledger.transactions.get(txid)
        if txid in ledger.confirmed or transaction is None or ledger.spends_ours(transaction):
            continue
        if any(rival in ledger.confirmed for rival in ledger.conflicts(transaction)):
            continue  # A block has decided.
        yield transaction


def promised_scripts(ledger: WalletLedger) -> list[bytes]:
    """Scripts that a block has in its filter if it breaks a promise made to us.

    At most `MAX_SCRIPTS`.
    """
    each: list[list[bytes]] = []
    for transaction in _awaited(ledger):
        scripts = [script for spent in transaction.inputs for script in prevout_scripts(spent)]
        if not ledger.concerns(transaction):
            scripts += [output.script_pubkey for output in transaction.outputs]
        each.append(scripts[:MAX_SCRIPTS])
    found: dict[bytes, None] = {}
    for row in zip_longest(*each):
        for script in row:
            if script and len(found) < MAX_SCRIPTS:
                found[script] = None
        if len(found) >= MAX_SCRIPTS:
            break
    return list(found)
