"""The facts of a wallet of many descriptors: those of every wallet, its descriptors, and notes.

Of each transaction is noted when the wallet met it and what people said of it (`TransactionNote`),
and in which order they came, for that is the order in which they are listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from axon.chain.store import Store
from axon.primitives.hashes import Txid
from axon.primitives.network import Network
from axon.primitives.transaction import Transaction
from axon.wallet import records
from axon.wallet.descriptorbook import DescriptorBook, HeldDescriptor
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Changes


@dataclass(frozen=True, slots=True)
class TransactionNote:
    """What is noted of a transaction.

    Args:
        order: of those that came before it there are so many.
        received_s: when the wallet met it.
        time_s: the same, or the time of its block where that tells more.
        comment, to: what somebody said who sent it, of it and of who is paid.
        replaces, replaced_by: the txid in hex of what it took the place of, and the reverse.
        abandoned: it is not waited for any more.
    """

    order: int
    received_s: int
    time_s: int
    comment: str = ""
    to: str = ""
    replaces: str = ""
    replaced_by: str = ""
    abandoned: bool = False

    def encode(self) -> bytes:
        """As JSON, in UTF-8."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> TransactionNote:
        """From what `encode` wrote.

        Raises:
            DamageError: it is nothing of that kind.
        """
        try:
            return cls(**json.loads(value))
        except (ValueError, TypeError):
            raise records.damaged() from None


class DescriptorLedger(WalletLedger):
    """The facts in memory, and the one way to change them; see `WalletLedger`.

    Args:
        store: where the records are.
        network: whose coins it holds.

    Raises:
        DamageError: a record cannot be read.
    """

    book: DescriptorBook

    def __init__(self, store: Store, network: Network) -> None:
        self.notes: dict[Txid, TransactionNote] = {}
        self._orders = 0
        super().__init__(store, DescriptorBook(network), network)

    def noted(
        self, transaction: Transaction, now_s: int, block_time_s: int | None = None
    ) -> Changes:
        """What to write of a transaction that is met; nothing if it was met before.

        Args:
            now_s: seconds since 1970.
            block_time_s: of the block that holds it.
        """
        if transaction.txid in self.notes:
            return {}
        time_s = now_s
        if block_time_s is not None:
            latest_s = max(
                (note.time_s for note in self.notes.values() if note.time_s <= now_s + 300),
                default=0,
            )
            time_s = max(min(block_time_s, now_s), min(latest_s, now_s))
        note = TransactionNote(self._orders, now_s, time_s)
        return {records.NOTE + transaction.txid: note.encode()}

    def note_all(self) -> None:
        """Whoever was killed between a block and its notes makes them now."""
        missing = [
            txid
            for txid, item in self.transactions.items()
            if txid not in self.notes and self.concerns(item)
        ]
        missing.sort(
            key=lambda txid: (
                (self.confirmed[txid].height, self.confirmed[txid].position)
                if txid in self.confirmed
                else (1 << 32, 0)
            )
        )
        for txid in missing:
            confirmed, seen = self.confirmed.get(txid), self.seen.get(txid)
            time_s = confirmed.time_s if confirmed else seen.first_s if seen else 0
            self.commit(self.noted(self.transactions[txid], time_s))

    def renoted(self, txid: Txid, **fields: object) -> Changes:
        """What to write where something else is noted of a transaction that is known."""
        return {records.NOTE + txid: replace(self.notes[txid], **fields).encode()}  # type: ignore[arg-type]

    def revealed_since(self, counts: Mapping[int, int]) -> Changes:
        """What to write of the descriptors whose scripts came out since there were so many."""
        return {
            records.many_key(records.HELD, keychain): self.book.held(keychain).encode()
            for keychain, count in self.revealed_counts().items()
            if count != counts[keychain]
        }

    def _absorb(self, key: bytes, value: bytes | None) -> None:
        kind = key[:1]
        if kind == records.HELD and value is not None:
            self._adopt(self.book.hold(records.many_of(key), HeldDescriptor.decode(value)))
        elif kind == records.NOTE:
            txid = records.txid_of(key)
            if value is None:
                self.notes.pop(txid, None)
            else:
                note = self.notes[txid] = TransactionNote.decode(value)
                self._orders = max(self._orders, note.order + 1)
        else:
            super()._absorb(key, value)
