"""A wallet in memory, for networks that the checks of the lab judge: real payments and proofs.

It is honest. A test bends it in one place, by an attribute or by `bend`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, OutPoint, Transaction, TxOut, outpoint
from axon.rpc.amounts import Amount
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.faucet import FEE_SAT
from axon.swarm.lab.manifest import Component
from axon.swarm.signer import Signer, Spendable
from axon.wire.messages.blocks import MerkleBlock
from tests.swarm.lab.memorydeals import MemoryDeals
from tests.swarm.lab.memorynode import Answering, MemoryNode


class Known(Protocol):
    """What a wallet needs of the network it is in."""

    deserters: set[str]

    def nodes(self) -> Sequence[MemoryNode]:
        """The nodes that live."""

    def wallet(self, name: str) -> MemoryWallet:
        """A wallet."""


class MemoryWallet(Answering):
    """A wallet with one key, which asks the last of the living nodes that it knows.

    What may be bent: `is_blind` (it looks at no new block), `keeps_payments` (offers them nobody).
    """

    def __init__(self, item: Component, run: Known) -> None:
        super().__init__(item.name)
        self._run = run
        self._entries = item.entries
        self._signer = Signer(item.name)
        self.is_blind = self.keeps_payments = False
        self.chain: list[Block] = []
        self.given: dict[str, int] = {}
        self.direct = MemoryDeals(self)

    def rpc(self, method: str, /, *args: object, **named: object) -> Any:
        """Look through what came, then answer."""
        node = self.find_node()
        if node is not None and not self.is_blind:
            self.chain = list(node.chain)
        self.direct.follow()
        return super().rpc(method, *args, **named)

    def find_node(self) -> MemoryNode | None:
        """The node that it asks."""
        deserters = self._run.deserters
        known = [node for node in self._run.nodes() if node.name in self._entries]
        alive = [node for node in known if node.name not in deserters]
        return alive[-1] if alive else None

    def scanned(self) -> tuple[int, str]:
        """The last block up to which it has looked."""
        last = self.rpc("getbalances")["lastprocessedblock"]
        return (-1, "") if last is None else (last["height"], last["hash"])

    def _coins(self) -> dict[OutPoint, int]:
        found: dict[OutPoint, int] = {}
        for block in self.chain:
            for payment in block.transactions:
                for spent in payment.prevouts:
                    found.pop(spent, None)
                found |= self._received(payment)
        return found

    def _received(self, payment: Transaction) -> dict[OutPoint, int]:
        return {
            outpoint(payment.txid, index): output.amount_sat
            for index, output in enumerate(payment.outputs)
            if output.script_pubkey == self._signer.script
        }

    def find_partner(self, name: str) -> MemoryDeals:
        """The direct payments of another wallet."""
        return self._run.wallet(name).direct

    # RPC.

    def getnewaddress(self) -> str:
        return self._signer.address()

    def getbalance(self) -> Decimal:
        return Decimal(sum(self._coins().values())) / COIN

    def getbalances(self) -> dict[str, Any]:
        if not self.chain:
            return {"lastprocessedblock": None}
        last = {"height": len(self.chain), "hash": to_hex(self.chain[-1].hash)}
        return {"lastprocessedblock": last}

    def getblockhash(self, height: int) -> str:
        return to_hex(self.chain[height - 1].hash)

    def listtransactions(self, _count: int) -> list[dict[str, Any]]:
        found = []
        coins: dict[OutPoint, int] = {}
        for height, block in enumerate(self.chain, start=1):
            for payment in block.transactions:
                received = self._received(payment)
                spent = [coins.pop(each) for each in payment.prevouts if each in coins]
                coins |= received
                if received or spent:
                    found.append(
                        {
                            "txid": to_hex(payment.txid),
                            "state": "confirmed",
                            "category": "send" if spent else "receive",
                            "addresses": [out.script_pubkey.hex() for out in payment.outputs],
                            "fee": Decimal(FEE_SAT) / COIN,
                            "amount": Decimal(sum(received.values()) - sum(spent)) / COIN,
                            "confirmations": len(self.chain) - height + 1,
                            "blockhash": to_hex(block.hash),
                        }
                    )
        return found

    def listdescriptors(self) -> dict[str, Any]:
        return {"descriptors": [{"desc": f"addr({self._signer.address()})"}]}

    def listaddresses(self, change: bool) -> list[str]:
        return [] if change else [self._signer.address()]

    def gettxoutproof(self, txid: str) -> str:
        for block in self.chain:
            flags = [to_hex(item.txid) == txid for item in block.transactions]
            if any(flags):
                tree = PartialMerkleTree.build([item.txid for item in block.transactions], flags)
                return MerkleBlock(block.header, tree).encode().hex()
        raise RpcError(Code.NOT_FOUND, "not in a block")

    def draftpayment(self, wanted: dict[str, Decimal | Amount]) -> dict[str, Any]:
        ((address, amount),) = wanted.items()
        coin, held_sat = next(iter(self._coins().items()))
        amount_sat = amount.sat if isinstance(amount, Amount) else int(amount * COIN)
        outputs = [
            TxOut(amount_sat, decode_address(address, REGTEST)),
            TxOut(held_sat - amount_sat - FEE_SAT, self._signer.script),
        ]
        payment = self._signer.pay([Spendable(coin, held_sat)], outputs)
        return {"psbt": payment.raw.hex(), "fee": Decimal(FEE_SAT) / COIN}

    def sendpayment(self, psbt: str, _passphrase: str) -> dict[str, Any]:
        payment = Transaction.decode(bytes.fromhex(psbt))
        node, txid = self.find_node(), to_hex(payment.txid)
        self.given[txid] = 0
        if node is not None and not self.keeps_payments:
            node.offer(payment)
            self.given[txid] = 1
        return {"txid": txid}

    def createinvoice(self, amount: Amount) -> dict[str, Any]:
        return self.direct.issue(amount)

    def payinvoice(self, uri: str, psbt: str, *_: object) -> dict[str, Any]:
        return self.direct.pay(uri, Transaction.decode(bytes.fromhex(psbt)))

    def listdeals(self, name: str | None = None, count: int = 100, skip: int = 0) -> Any:
        return self.direct.listed(name)[skip : skip + count]

    def gettransaction(self, txid: str) -> dict[str, Any]:
        listed = {item["txid"]: item["confirmations"] for item in self.listtransactions(0)}
        mined = [payment for block in self.chain for payment in block.transactions]
        raws = {to_hex(p.txid): p.raw.hex() for p in (*mined, *self.direct.payments.values())}
        spread = {"given": self.given.get(txid, 0)}
        return {"confirmations": listed.get(txid, 0), "spread": spread, "hex": raws.get(txid, "")}

    def listunspent(self) -> list[dict[str, Any]]:
        return [
            {
                "txid": to_hex(place[:32]),
                "vout": int.from_bytes(place[32:], "little"),
                "amount": Decimal(amount_sat) / COIN,
                "confirmations": 1,
            }
            for place, amount_sat in self._coins().items()
        ]
