"""The payments between wallets that a wallet keeps, in its own store beside its coins.

A stage is written before anybody is told of it, so whatever instant the process dies at, the next
run goes on from what the partner may know.
"""

from __future__ import annotations

from typing import Final

from axon.errors import WalletError
from axon.payments.deal import Deal, Role
from axon.wallet import records
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Changes

DEAL: Final = b"i"
"""Before the role, one byte, and the invoice's id, 32 bytes."""

NEXT_KEY: Final = b"m"
"""The index of the next invoice's key."""

MAX_OPEN: Final = 1_000
"""Invoices that may be open at a time: each that is told by a hint is looked for among them."""


class Book:
    """Deals by role and invoice.

    Args:
        ledger: of the wallet whose they are.

    Raises:
        DamageError: a record cannot be read.
    """

    def __init__(self, ledger: WalletLedger) -> None:
        self._ledger = ledger
        self._deals: dict[bytes, Deal] = {}
        for key, value in ledger.stored_items(DEAL):
            self._deals[key] = Deal.decode(value, ledger.network)

    def get(self, role: Role, invoice_id: bytes) -> Deal | None:
        """A deal; None if there is none."""
        return self._deals.get(_key(role, invoice_id))

    def deals(self, role: Role | None = None) -> list[Deal]:
        """All of them, or those of one role, the latest change first."""
        return _latest_first(
            [deal for deal in self._deals.values() if role is None or deal.role is role]
        )

    def matching(self, digits: str) -> list[Deal]:
        """Those whose invoice's id begins with these hex digits, the latest change first."""
        start = len(DEAL) + 1
        return _latest_first(
            [deal for key, deal in self._deals.items() if key[start:].hex().startswith(digits)]
        )

    def named(self, role: Role) -> list[tuple[bytes, Deal]]:
        """Those of one role with the ids of their invoices, which are not worked out anew."""
        prefix = DEAL + bytes((role,))
        start = len(prefix)
        return [(key[start:], deal) for key, deal in self._deals.items() if key.startswith(prefix)]

    def put(self, deal: Deal, changes: Changes | None = None) -> Deal:
        """Write a deal down, with other changes of the wallet that go with it; the same deal.

        Raises:
            StorageError: the disk refused, and nothing is changed.
        """
        key = _key(deal.role, deal.invoice.id)
        self._ledger.commit({**(changes or {}), key: deal.encode()})
        self._deals[key] = deal
        return deal

    def check_room(self, now_s: int) -> None:
        """See that one more invoice may be open.

        Raises:
            WalletError: too many are.
        """
        waiting = [
            deal
            for deal in self.deals(Role.PAYEE)
            if deal.is_open and not deal.invoice.is_expired(now_s)
        ]
        if len(waiting) >= MAX_OPEN:
            raise WalletError(
                f"{MAX_OPEN} invoices are open: wait until some are paid or have expired"
            )

    def next_index(self) -> int:
        """The index of the key of the next invoice."""
        found = self._ledger.stored(NEXT_KEY)
        return 0 if found is None else records.decode_u32(found)

    def issue(self, deal: Deal) -> Deal:
        """Write a new invoice down, whose key is that of `next_index`; the same deal.

        Raises:
            StorageError: the disk refused.
        """
        return self.put(deal, {NEXT_KEY: records.encode_u32(deal.key_index + 1)})


def _latest_first(deals: list[Deal]) -> list[Deal]:
    return sorted(deals, key=lambda deal: -deal.changed_s)


def _key(role: Role, invoice_id: bytes) -> bytes:
    return DEAL + bytes((role,)) + invoice_id
