"""The wallet's facts in memory, and the one way to change them.

A change is written to the store first, then absorbed record by record; loading absorbs all records
in the same way, so a wallet that was closed and opened again is the same by construction. Coins of
ours are not records: they follow from the transactions and the watched scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from axon.chain.store import Store
from axon.errors import DecodeError
from axon.primitives.hashes import Txid
from axon.primitives.network import Network
from axon.primitives.transaction import OutPoint, Transaction, TxOut, outpoint
from axon.wallet import records
from axon.wallet.records import Changes, Confirmation, Mark, Seen
from axon.wallet.scripts import Place, Scripts


@dataclass(frozen=True, slots=True)
class Owned:
    """An output that is or was ours.

    Args:
        output: amount and script.
        place: which of our scripts.
    """

    output: TxOut
    place: Place


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class WalletLedger:
    """What is known of our transactions.

    Args:
        store: where the records are; those that are there are absorbed.
        book: the watched scripts; it grows with what is absorbed.
        network: with whose genesis block the scan begins.

    Raises:
        DamageError: a record cannot be read, or what it is about is missing.
    """

    def __init__(self, store: Store, book: Scripts, network: Network) -> None:
        self._store = store
        self.book = book
        self.network = network
        self.scanned: Mark | None = None  # All blocks up to it were looked through.
        # Up to which height blocks were not searched for scripts from an index on.
        self.unsearched: dict[tuple[int, int], int] = {}
        self.transactions: dict[Txid, Transaction] = {}
        self.confirmed: dict[Txid, Confirmation] = {}
        self.seen: dict[Txid, Seen] = {}
        self.owned: dict[OutPoint, Owned] = {}
        self.frozen: dict[OutPoint, bytes] = {}
        self.labels: dict[bytes, str] = {}
        self.pays_all_to: dict[Txid, bytes] = {}  # Payments of all that was left, and whose script.
        self.deliveries: dict[Txid, bytes] = {}  # Of payments of ours: how far they came.
        self.sources: dict[Txid, str] = {}  # Who sent incoming ones in this run.
        self.version = 0  # Goes up with every change, for whoever keeps what follows from it.
        self._spenders: dict[OutPoint, list[Txid]] = {}
        self._foreign: dict[bytes, list[OutPoint]] = {}  # Outputs by scripts not watched (yet).
        for key, value in store.items(b""):
            self._absorb(key, value)
        if not self.transactions.keys() >= self.confirmed.keys() | self.seen.keys():
            raise records.damaged()
        self._tip = self._highest()

    def commit(self, changes: Changes) -> None:
        """Write changes, all or none, then know them.

        Raises:
            StorageError: the disk refused; nothing is known that was not written.
        """
        if not changes:
            return
        self._store.write(changes)
        for key, value in changes.items():
            self._absorb(key, value)
        self._tip = self._highest()
        self.version += 1

    def stored(self, key: bytes) -> bytes | None:
        """A record that is not kept in memory, such as a proof."""
        return self._store.get(key)

    def stored_items(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The records whose key begins so, by key."""
        return self._store.items(prefix)

    def meet(self, network: Network) -> bool:
        """Take a network as it was made to order, by the operator; False if it is another one."""
        if network.name != self.network.name:
            return False
        self.network = network
        return True

    # What follows from the facts.

    @property
    def tip(self) -> Mark:
        """The highest block that anything is known of."""
        return self._tip

    def _highest(self) -> Mark:
        tip = self.scanned or Mark(0, self.network.genesis.hash)
        for confirmation in self.confirmed.values():
            if confirmation.height > tip.height:
                tip = Mark(confirmation.height, confirmation.hash)
        return tip

    def conflicts(self, transaction: Transaction) -> list[Txid]:
        """Other transactions of ours that spend an output which this one spends."""
        found: dict[Txid, None] = {}
        for prevout in transaction.prevouts:
            found.update(dict.fromkeys(self._spenders.get(prevout, ())))
        found.pop(transaction.txid, None)
        return list(found)

    def watches(self, point: bytes) -> bool:
        """Whether it matters who spends an output: it is ours, or a transaction of ours does."""
        return point in self.owned or bool(self._spenders.get(OutPoint(point)))

    def spends_ours(self, transaction: Transaction) -> bool:
        """Whether it spends an output that was ours."""
        return any(prevout in self.owned for prevout in transaction.prevouts)

    def concerns(self, transaction: Transaction) -> bool:
        """Whether it pays to us or spends from us."""
        return self.spends_ours(transaction) or any(
            self.book.find(output.script_pubkey) for output in transaction.outputs
        )

    def sent_sat(self, transaction: Transaction) -> int:
        """The sum of the outputs of ours that it spends, change of earlier payments included."""
        owned = filter(None, map(self.owned.get, transaction.prevouts))
        return sum(coin.output.amount_sat for coin in owned)

    def received_sat(self, transaction: Transaction) -> int:
        """The sum of its outputs to scripts of ours, its own change included."""
        return sum(
            output.amount_sat
            for output in transaction.outputs
            if self.book.find(output.script_pubkey)
        )

    def fee_sat(self, transaction: Transaction) -> int | None:
        """What its inputs hold more than its outputs; None if an input is not known here."""
        if transaction.is_coinbase:
            return None
        spent_sat = 0
        for prevout in transaction.prevouts:
            output = self.output(prevout)
            if output is None:
                return None
            spent_sat += output.amount_sat
        return spent_sat - sum(output.amount_sat for output in transaction.outputs)

    def output(self, point: OutPoint) -> TxOut | None:
        """An output of a transaction that is known here, ours or not."""
        parent = self.transactions.get(Txid(point[:32]))
        index = int.from_bytes(point[32:], "little")
        if parent is None or index >= len(parent.outputs):
            return None
        return parent.outputs[index]

    def confirmations(self, txid: Txid) -> int:
        """Blocks from its own to the tip, both counted; 0 while it is in none."""
        confirmation = self.confirmed.get(txid)
        return 0 if confirmation is None else self._tip.height - confirmation.height + 1

    def spenders(self, point: OutPoint) -> list[Txid]:
        """Transactions of ours that spend an output; no more than one of them can count."""
        return list(self._spenders.get(point, ()))

    def built_on(self, txids: Iterable[Txid]) -> list[Txid]:
        """These transactions, and all of ours that spend their outputs, directly or not."""
        found = dict.fromkeys(txids)
        queue = list(found)
        for txid in queue:
            for index in range(len(self.transactions[txid].outputs)):
                fresh = [item for item in self.spenders(outpoint(txid, index)) if item not in found]
                found.update(dict.fromkeys(fresh))
                queue += fresh
        return list(found)

    def seen_above_conflicts(self, transaction: Transaction, now_s: int) -> Seen:
        """When it was seen, said so that it counts and not those that spend the same.

        Of unconfirmed transactions that exclude each other BDK believes the one seen last, with
        whatever it builds on.
        """
        others = [txid for txid in self.built_on(self.conflicts(transaction)) if txid in self.seen]
        last_s = max([now_s, *(self.seen[txid].last_s + 1 for txid in others)])
        known = self.seen.get(transaction.txid)
        if known is None:
            return Seen(now_s, last_s)
        return Seen(known.first_s, max(last_s, known.last_s), known.mined)

    def seen_below_conflicts(self, transaction: Transaction, now_s: int) -> Seen:
        """When it was seen, said so that those count that spend the same, and not this one."""
        others = [self.seen[txid].last_s for txid in self.conflicts(transaction)]
        return Seen(now_s, max(min([now_s, *others]) - 1, 0))

    # Scripts.

    def use(self, script: bytes) -> bool:
        """A script that was paid counts as given out, and the window moves on behind it.

        Known at once, because the next output of the same block may pay into the wider window; to
        be written with `revealed_since`.

        Returns:
            Whether it is ours.
        """
        place = self.book.find(script)
        if place is None:
            return False
        if place.index >= self.book.revealed(place.keychain):
            self._reveal(place.keychain, place.index + 1)
        return True

    def revealed_counts(self) -> dict[int, int]:
        """How many scripts of each keychain are out now."""
        return {keychain: self.book.revealed(keychain) for keychain in self.book.keychains}

    def revealed_since(self, counts: Mapping[int, int]) -> Changes:
        """What to write of the scripts that came out since there were so many."""
        return {
            records.REVEALED + bytes((keychain,)): records.encode_u32(count)
            for keychain, count in self.revealed_counts().items()
            if count != counts[keychain]
        }

    # Absorbing.

    def _absorb(self, key: bytes, value: bytes | None) -> None:
        kind, name = key[:1], key[1:]
        if kind == records.TRANSACTION:
            self._absorb_transaction(records.txid_of(key), value)
        elif kind == records.CONFIRMATION:
            _put(self.confirmed, records.txid_of(key), value, records.decode_confirmation)
        elif kind == records.SEEN:
            _put(self.seen, records.txid_of(key), value, records.decode_seen)
        elif kind == records.FROZEN:
            _put(self.frozen, OutPoint(name), value, bytes)
        elif kind == records.DELIVERY:
            _put(self.deliveries, records.txid_of(key), value, bytes)
        elif kind == records.PAYS_ALL:
            _put(self.pays_all_to, records.txid_of(key), value, bytes)
        elif kind == records.LABEL:
            _put(self.labels, name, value, records.decode_text)
        elif kind == records.REVEALED and value is not None:
            self._reveal(records.keychain_of(key), records.decode_u32(value))
        elif key == records.GAP_KEY and value is not None:
            self.book.gap = records.decode_u32(value)
            for keychain in self.book.keychains:
                self._reveal(keychain, 0)
        elif kind == records.UNSEARCHED:
            place = records.keychain_of(key), records.decode_u32(key[2:])
            _put(self.unsearched, place, value, records.decode_u32)
        elif key == records.SCANNED_KEY:
            self.scanned = None if value is None else records.decode_mark(value)

    def _absorb_transaction(self, txid: Txid, value: bytes | None) -> None:
        old = self.transactions.pop(txid, None)
        if old is not None:
            self._unlink(old)
        if value is None:
            self.sources.pop(txid, None)
            return
        try:
            transaction = self.transactions[txid] = Transaction.decode(value)
        except DecodeError:
            raise records.damaged() from None
        if transaction.txid != txid:
            raise records.damaged()
        for prevout in transaction.prevouts:
            self._spenders.setdefault(prevout, []).append(txid)
        for index, output in enumerate(transaction.outputs):
            point, place = outpoint(txid, index), self.book.find(output.script_pubkey)
            if place is not None:
                self.owned[point] = Owned(output, place)
            else:
                self._foreign.setdefault(output.script_pubkey, []).append(point)

    def _unlink(self, transaction: Transaction) -> None:
        for prevout in transaction.prevouts:
            self._spenders[prevout].remove(transaction.txid)
        for index, output in enumerate(transaction.outputs):
            point = outpoint(transaction.txid, index)
            if self.owned.pop(point, None) is None:
                self._foreign[output.script_pubkey].remove(point)

    def _reveal(self, keychain: int, count: int) -> None:
        self._adopt(self.book.reveal(keychain, count))

    def _adopt(self, scripts: Iterable[bytes]) -> None:
        """Scripts are watched that were not before: outputs of known transactions may be ours."""
        for script in scripts:
            place = self.book.find(script)
            assert place is not None
            for point in self._foreign.pop(script, ()):
                output = self.output(point)
                assert output is not None
                self.owned[point] = Owned(output, place)


def _put(
    table: dict[_Key, _Value], key: _Key, value: bytes | None, decode: Callable[[bytes], _Value]
) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = decode(value)
