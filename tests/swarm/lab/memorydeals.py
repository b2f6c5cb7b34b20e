"""Direct payments of wallets in memory: an invoice is a name, and a payment is handed over at once.

What is paid to an invoice is at an address of its own, and is not paid on with.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any, Protocol

from axon.payments.verdict import PaymentLevel
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction
from axon.rpc.amounts import Amount
from axon.rpc.errors import RpcError
from axon.swarm.signer import Signer
from tests.swarm.lab.memorynode import MemoryNode


class Owner(Protocol):
    """The wallet whose payments these are."""

    name: str
    chain: list[Block]

    def find_node(self) -> MemoryNode | None:
        """The node that it asks."""

    def find_partner(self, name: str) -> MemoryDeals:
        """Another wallet's."""


class MemoryDeals:
    """The payments of one wallet.

    What may be bent: `refuses` (it takes no payment), `keeps_quiet` (what it accepts it gives no
    node).
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.refuses = self.keeps_quiet = False
        self.told: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, Transaction] = {}

    def issue(self, amount: Amount) -> dict[str, Any]:
        """An invoice."""
        name = f"{self._owner.name} {len(self.told)}"
        address = Signer(name).address()
        self.told[name] = _told(name, "payee", "issued", address, amount)
        return {"id": name, "uri": name, "address": address}

    def pay(self, name: str, payment: Transaction) -> dict[str, Any]:
        """Hand a payment over."""
        payee = self._owner.find_partner(name.partition(" ")[0])
        theirs = payee.told[name]
        deal = self.told[name] = theirs | {"role": "payer"}
        for each, deals in ((deal, self), (theirs, payee)):
            deals.payments[name] = payment
            taken = {"stage": "accepted", "level": PaymentLevel.UNSPENT, "receipt": True}
            refused = {"stage": "refused", "reason": "it does not like it"}
            each |= {"txid": to_hex(payment.txid), **(refused if payee.refuses else taken)}
        return deal

    def follow(self) -> None:
        """Give nodes what they lack, and see what blocks say."""
        node = self._owner.find_node()
        for name, payment in self.payments.items():
            told = self.told[name]
            if told["stage"] == "accepted" and node is not None and not self.keeps_quiet:
                with suppress(RpcError):  # It has it, from the other side or in a block.
                    node.offer(payment)
            if any(payment in block.transactions for block in self._owner.chain):
                told |= {"stage": "settled", "level": PaymentLevel.MINED}

    def listed(self, name: str | None) -> list[dict[str, Any]]:
        """All payments, or one."""
        return [dict(told) for each, told in self.told.items() if name in (None, each)]


def _told(name: str, role: str, stage: str, address: str, amount: Amount) -> dict[str, Any]:
    assert decode_address(address, REGTEST), "a test pays to good ones"
    return {
        "id": name,
        "role": role,
        "stage": stage,
        "reason": "",
        "address": address,
        "amount": Decimal(amount.sat) / COIN,
        "txid": None,
        "joined": False,
        "level": None,
        "shown": None,
        "receipt": False,
    }
