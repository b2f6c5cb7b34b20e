"""A node in memory, for networks that the checks of the lab judge: real blocks, real coins.

It is honest. A test bends it in one place, by an attribute or by `bend`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from axon.errors import DecodeError
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.hashes import from_hex, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.script import is_unspendable
from axon.primitives.transaction import COIN, OutPoint, Transaction, TxOut, outpoint
from axon.rpc.client import Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.processes import TooLate
from axon.wire.messages.blocks import MerkleBlock
from tests.consensus.chains import GENESIS_SPOT, Spot, block_on, coinbase, committed, spot_of

TICK_S: Final = 0.1
"""The virtual time between two looks, and until a neighbour has what is told."""

Call = tuple[str, Sequence[object]]


class Neighbourhood(Protocol):
    """What a node needs of the network it is in."""

    def next_number(self) -> int:
        """A number that nobody had."""

    def tell(self, source: MemoryNode, item: Block | Transaction) -> None:
        """Let the neighbours of a node hear of something soon."""

    def wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> float:
        """Let time pass until something holds."""


@dataclass(frozen=True, slots=True)
class MemoryCoin:
    """An output that was not spent."""

    amount_sat: int
    script: bytes
    height: int
    is_coinbase: bool


class Answering:
    """Somebody who answers RPC: `getblock` is the method `getblock`.

    Args:
        name: as in the manifest.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_up = True
        self.bend: dict[str, Callable[[Any], Any]] = {}
        """What it makes of its own answer to a method, before it gives it."""

    def rpc(self, method: str, /, *args: object, **named: object) -> Any:
        """Call a method."""
        if not self.is_up:
            raise Unreachable(f"{self.name} is down")
        answer = getattr(self, method)(*args, **named)
        return self.bend.get(method, lambda same: same)(answer)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Several calls at once."""
        answers: list[Any] = []
        for method, args in calls:
            try:
                answers.append(self.rpc(method, *args))
            except RpcError as error:
                answers.append(error)
        return answers


class MemoryNode(Answering):
    """A full node.

    What may be bent: `is_deaf` (it hears of nothing), `is_mute` (it tells nothing), `is_stuck` (it
    keeps blocks and stays where it stands), `is_credulous` (it takes a block that creates too
    much), `block_delay_s`, `payment_delay_s`, `leaves_out_payments` (from its blocks), `start_s`,
    `on_start`, `banned`, `log`, `uses` (memory in kB, open files).
    """

    def __init__(self, name: str, run: Neighbourhood) -> None:
        super().__init__(name)
        self._run = run
        self.is_deaf = self.is_mute = self.is_stuck = self.is_credulous = False
        self.leaves_out_payments = False
        self.block_delay_s = self.payment_delay_s = TICK_S
        self.start_s = 1.0
        self.on_start: Callable[[MemoryNode], None] = lambda _node: None
        self.banned: list[str] = []
        self.uses = (50_000, 60)
        self.log: list[str] = []
        self.wipe()

    def wipe(self) -> None:
        """Forget everything."""
        self.blocks: dict[str, tuple[Block, int]] = {}
        self.stand_on([])
        self.pool: dict[str, Transaction] = {}

    # The chain.

    def stand_on(self, chain: Sequence[Block]) -> None:
        """Let these blocks be the chain, from height 1 on, and count its coins."""
        self.chain: list[Block] = []
        self.coins: dict[OutPoint, MemoryCoin] = {}
        for block in chain:
            self.connect(block)

    def connect(self, block: Block) -> None:
        """Let a block be the last one."""
        self.chain.append(block)
        height = len(self.chain)
        self.blocks[to_hex(block.hash)] = (block, height)
        for place, transaction in enumerate(block.transactions):
            for spent in transaction.prevouts if place else ():
                self.coins.pop(spent, None)
            for index, output in enumerate(transaction.outputs):
                if not is_unspendable(output.script_pubkey):
                    self.coins[outpoint(transaction.txid, index)] = MemoryCoin(
                        output.amount_sat, output.script_pubkey, height, place == 0
                    )

    @property
    def height(self) -> int:
        """Of the last block."""
        return len(self.chain)

    @property
    def spot(self) -> Spot:
        """Where its next block goes."""
        return spot_of(self.chain[-1], self.height) if self.chain else GENESIS_SPOT

    @property
    def work(self) -> int:
        """Of the chain, two hashes a block."""
        return 2 * (self.height + 1)

    def receive(self, item: Block | Transaction) -> bool:
        """Take something from somebody; whether it was new and good."""
        return self.receive_block(item) if isinstance(item, Block) else self.receive_payment(item)

    def receive_block(self, block: Block) -> bool:
        """Take a block from somebody; whether it was new and good."""
        name, before = to_hex(block.hash), to_hex(block.header.prev)
        height = self.blocks[before][1] + 1 if before in self.blocks else 1
        known = before in self.blocks or block.header.prev == GENESIS_SPOT.hash
        if name in self.blocks or not known:
            return False
        if before == to_hex(self.spot.hash) and self.creates_too_much(block):
            return False
        self.blocks[name] = (block, height)
        if height > self.height and not self.is_stuck:
            if before == to_hex(self.spot.hash):
                self.connect(block)
            else:
                self.stand_on(self.branch(name))
            spent = {each for item in block.transactions for each in item.prevouts}
            self.pool = {
                txid: item for txid, item in self.pool.items() if not spent & set(item.prevouts)
            }
        return True

    def creates_too_much(self, block: Block) -> bool:
        """Whether a block on top of the chain takes more than it may, and this is looked at."""
        base, *others = block.transactions
        spent_sat = sum(self.coins[each].amount_sat for item in others for each in item.prevouts)
        paid_sat = sum(out.amount_sat for item in others for out in item.outputs)
        allowed_sat = REGTEST.subsidy_sat(self.height + 1) + spent_sat - paid_sat
        return not self.is_credulous and sum(o.amount_sat for o in base.outputs) > allowed_sat

    def branch(self, name: str) -> list[Block]:
        """The blocks up to one, from height 1 on."""
        found: list[Block] = []
        while name in self.blocks:
            found.append(self.blocks[name][0])
            name = to_hex(found[-1].header.prev)
        return found[::-1]

    def receive_payment(self, payment: Transaction) -> bool:
        """Take a payment from somebody; whether it was new and can be made."""
        txid = to_hex(payment.txid)
        waiting = {spent for item in self.pool.values() for spent in item.prevouts}
        if txid in self.pool or not set(payment.prevouts) <= self.coins.keys() - waiting:
            return False
        self.pool[txid] = payment
        return True

    def find_block(self, script: bytes, extra_sat: int = 0) -> str:
        """Find a block that pays here, more than it may if `extra_sat` is not 0; its name."""
        payments = [] if self.leaves_out_payments else list(self.pool.values())
        fees_sat = sum(self.coins[each].amount_sat for p in payments for each in p.prevouts)
        fees_sat -= sum(output.amount_sat for p in payments for output in p.outputs)
        amount_sat = REGTEST.subsidy_sat(self.height + 1) + fees_sat + extra_sat
        tag = self._run.next_number()
        base = coinbase(self.height + 1, tag, outputs=[TxOut(amount_sat, script)])
        if payments:
            base = committed(base, payments)
        block = block_on(self.spot, payments, base=base)
        self.receive_block(block)
        self._run.tell(self, block)
        return to_hex(block.hash)

    def offer(self, payment: Transaction) -> None:
        """Take a payment and pass it on."""
        if not self.receive_payment(payment):
            raise RpcError(Code.VERIFY_REJECTED, "bad-txns-inputs-missingorspent")
        self._run.tell(self, payment)

    # The protocol of the checks.

    def has_block(self, name: str) -> bool:
        """Whether a block is in its active chain."""
        return int(self.rpc("getblockheader", name)["confirmations"]) > 0

    def log_lines(self) -> Iterator[str]:
        """The lines of its log so far."""
        return iter(self.log)

    def footprint(self) -> tuple[int, int]:
        """Its memory in kB, and its open files."""
        return self.uses

    def connected(self) -> AbstractContextManager[object]:
        """Nothing is to be kept."""
        return nullcontext()

    # RPC.

    def getblockcount(self) -> int:
        return self.height

    def getbestblockhash(self) -> str:
        return to_hex(self.spot.hash)

    def getblockchaininfo(self) -> dict[str, Any]:
        return {"chainwork": f"{self.work:064x}"}

    def getblockheader(self, name: str) -> dict[str, Any]:
        if name not in self.blocks:
            return {"confirmations": -1}
        block, height = self.blocks[name]
        stands = height <= self.height and self.chain[height - 1] == block
        return {
            "height": height,
            "previousblockhash": to_hex(block.header.prev),
            "confirmations": self.height - height + 1 if stands else -1,
        }

    def getblock(self, name: str, _verbosity: int) -> str:
        return self.blocks[name][0].raw.hex()

    def getchaintips(self) -> list[dict[str, Any]]:
        parents = {to_hex(block.header.prev) for block, _ in self.blocks.values()}
        tips = [{"height": self.height, "status": "active"}]
        tips += [
            {"height": height, "status": "valid-headers"}
            for name, (_, height) in self.blocks.items()
            if name not in parents and name != self.getbestblockhash()
        ]
        return tips

    def gettxoutsetinfo(self) -> dict[str, Any]:
        listed = sorted((place, str(coin)) for place, coin in self.coins.items())
        return {
            "bestblock": self.getbestblockhash(),
            "height": self.height,
            "txouts": len(self.coins),
            "total_amount": Decimal(sum(coin.amount_sat for coin in self.coins.values())) / COIN,
            "hash_serialized_3": hashlib.sha256(repr(listed).encode()).hexdigest(),
        }

    def scantxoutset(self, _action: str, needles: Sequence[Any]) -> dict[str, Any]:
        texts = [each if isinstance(each, str) else each["desc"] for each in needles]
        wanted = {decode_address(text[len("addr(") : -1], REGTEST) for text in texts}
        found = [
            {
                "txid": to_hex(place[:32]),
                "vout": int.from_bytes(place[32:], "little"),
                "amount": Decimal(coin.amount_sat) / COIN,
                "height": coin.height,
                "coinbase": coin.is_coinbase,
                "scriptPubKey": coin.script.hex(),
            }
            for place, coin in self.coins.items()
            if coin.script in wanted
        ]
        held_sat = [coin.amount_sat for coin in self.coins.values() if coin.script in wanted]
        return {
            "bestblock": self.getbestblockhash(),
            "height": self.height,
            "unspents": found,
            "total_amount": Decimal(sum(held_sat)) / COIN,
        }

    def gettxout(self, txid: str, index: int, with_pool: bool) -> dict[str, Any] | None:
        place = OutPoint(from_hex(txid) + index.to_bytes(4, "little"))
        waiting = {spent for item in self.pool.values() for spent in item.prevouts}
        if place not in self.coins or (with_pool and place in waiting):
            return None
        return {"value": Decimal(self.coins[place].amount_sat) / COIN}

    def getmempoolinfo(self) -> dict[str, Any]:
        return {"usage": 1000 * len(self.pool), "maxmempool": 300_000_000}

    def getpeerinfo(self) -> list[dict[str, Any]]:
        return []

    def getaddrmaninfo(self) -> dict[str, Any]:
        return {"all_networks": {"total": 3}}

    def getorphantxs(self, _verbosity: int) -> list[dict[str, Any]]:
        return []

    def getmempoolentry(self, txid: str) -> dict[str, Any]:
        if txid not in self.pool:
            raise RpcError(Code.NOT_FOUND, "Transaction not in mempool")
        return {}

    def sendrawtransaction(self, raw: str) -> str:
        payment = Transaction.decode(bytes.fromhex(raw))
        self.offer(payment)
        return to_hex(payment.txid)

    def generatetoaddress(self, count: int, address: str) -> list[str]:
        return [self.find_block(decode_address(address, REGTEST)) for _ in range(count)]

    def waitforblockheight(self, height: int, limit_ms: int) -> None:
        try:
            self._run.wait(lambda: self.height >= height, limit_ms / 1000, "a height")
        except TooLate:
            return

    def verifytxoutproof(self, proof: str) -> list[str]:
        try:
            found = MerkleBlock.decode(bytes.fromhex(proof))
            root, matches = found.tree.extract()
        except DecodeError:
            raise RpcError(Code.NOT_FOUND, "Block not found in chain") from None
        if self.getblockheader(to_hex(found.header.hash))["confirmations"] < 1:
            raise RpcError(Code.NOT_FOUND, "Block not found in chain")
        return [to_hex(txid) for _, txid in matches] if root == found.header.merkle_root else []

    def listbanned(self) -> list[dict[str, Any]]:
        return [{"address": f"{host}/32"} for host in self.banned]
