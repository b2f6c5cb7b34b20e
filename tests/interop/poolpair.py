"""An axon node and bitcoind with the same blocks, and transactions for the pools of both.

Coins are guarded by scripts that need no key, so that a transaction is what a test says and no byte
more. Whatever is asked is asked of both; what they answer differently is collected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from axon.primitives.address import encode_address
from axon.primitives.block import Block
from axon.primitives.hashes import Txid, hash160, sha256
from axon.primitives.network import REGTEST
from axon.primitives.script import push
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from tests.interop.foreign import BitcoindProcess

TRUE = b"\x51"
ANYONE = b"\x00\x20" + sha256(TRUE)
"""Pay to whoever shows a script that is true: the witness is that script."""

OLD_ANYONE = b"\xa9\x14" + hash160(TRUE) + b"\x87"
FINAL = 0xFFFF_FFFE
MINE = f"raw({ANYONE.hex()})"
FUND_FEE = 1_000_000

OWN_FIGURES = ("usage", "fullrbf", "bip125-replaceable", "time", "optimal")
"""What each of them has for itself, or axon shows always; large clusters with branches are not
always known to be in the best order here."""


@dataclass(frozen=True, slots=True)
class Coin:
    """An output, and what an input that spends it shows."""

    point: OutPoint
    amount_sat: int
    script: bytes = ANYONE
    script_sig: bytes = b""
    witness: tuple[bytes, ...] = (TRUE,)
    sequence: int = FINAL

    def shown(self) -> TxIn:
        """An input that spends it."""
        return TxIn(self.point, self.script_sig, self.sequence, self.witness)


def old_coin(coin: Coin, redeem: bytes, *pushes: bytes) -> Coin:
    """How a coin behind a script hash is spent."""
    shown = b"".join(map(push, pushes)) + push(redeem)
    return replace(coin, script_sig=shown, witness=())


def behind_hash(script: bytes) -> bytes:
    """The output that a script guards from behind its hash (BIP 141)."""
    return b"\x00\x20" + sha256(script)


def behind_old_hash(script: bytes) -> bytes:
    """The same by BIP 16."""
    return b"\xa9\x14" + hash160(script) + b"\x87"


def spend(
    coins: Sequence[Coin],
    *outputs: TxOut,
    fee: int = 1_000,
    change: bytes | None = ANYONE,
    version: int = 2,
    locktime: int = 0,
    vsize: int = 0,
) -> Transaction:
    """A transaction.

    Args:
        coins: what it spends.
        outputs: what it makes; the change comes before them.
        fee: what is left over.
        change: who gets the rest; None for nobody, then the fee is what it is.
        vsize: how large it becomes, by an output of data; 0 for as large as it is.
    """
    inputs = [coin.shown() for coin in coins]
    rest = sum(coin.amount_sat for coin in coins) - sum(out.amount_sat for out in outputs) - fee
    made = [*([] if change is None else [TxOut(rest, change)]), *outputs]
    bare = Transaction.build(version, inputs, made, locktime)
    if not vsize:
        return bare
    pad = vsize - bare.vsize - 20
    while True:
        data = TxOut(0, b"\x6a\x4e" + pad.to_bytes(4, "little") + bytes(pad))
        padded = Transaction.build(version, inputs, [*made, data], locktime)
        if padded.vsize == vsize:
            return padded
        pad += vsize - padded.vsize


def output_of(transaction: Transaction, index: int = 0) -> Coin:
    """One of its outputs, to be spent; it must be one for anyone."""
    made = transaction.outputs[index]
    return Coin(outpoint(transaction.txid, index), made.amount_sat, made.script_pubkey)


class PoolPair:
    """Both nodes."""

    def __init__(self, axon: NodeProcess, core: BitcoindProcess) -> None:
        self.axon, self.core = axon, core
        self.asked = 0
        self.different: list[str] = []
        self._coinbases: list[Coin] = []
        self.mine(101)

    # Blocks.

    def mine(self, count: int = 1) -> None:
        """Bitcoind mines what is in its pool; axon is given the blocks."""
        for block_hash in self.core.rpc("generatetodescriptor", count, MINE):
            self._follow(block_hash)

    def mine_with(self, *transactions: Transaction) -> None:
        """A block with these alone, standard or not."""
        raw = [each.raw.hex() for each in transactions]
        self._follow(self.core.rpc("generateblock", MINE, raw)["hash"])

    def _follow(self, block_hash: str) -> None:
        raw = self.core.rpc("getblock", block_hash, 0)
        assert self.axon.rpc("submitblock", raw) in (None, "duplicate")  # If they are connected.
        first = Block.decode(bytes.fromhex(raw)).transactions[0]
        self._coinbases.append(output_of(first))

    def coinbase(self) -> Coin:
        """A mature one, never given before."""
        return self._coinbases.pop(0)

    def young_coinbase(self, back: int) -> Coin:
        """The coinbase of the block so far below the tip."""
        return self._coinbases[-1 - back]

    def fund(self, *scripts: bytes, amount_sat: int = 1_000_000) -> list[Coin]:
        """Confirmed coins guarded by these scripts."""
        source = self.coinbase()
        outputs = [TxOut(amount_sat, script) for script in scripts]
        transaction = spend([source], *outputs, fee=FUND_FEE)
        self.mine_with(transaction)
        self.mine()  # What was mined above is mature in time.
        return [
            Coin(outpoint(transaction.txid, index), amount_sat, script)
            for index, script in enumerate(scripts, 1)
        ]

    def coins(self, count: int, amount_sat: int = 1_000_000) -> list[Coin]:
        """Confirmed coins for anyone."""
        return self.fund(*[ANYONE] * count, amount_sat=amount_sat)

    # Questions.

    def same(self, name: str, *args: object, note: str = "") -> Any:
        """What bitcoind answers; whether axon answers the same is remembered."""
        self.asked += 1
        core, axon = (_answer(rpc, name, *args) for rpc in (self.core.rpc, self.axon.rpc))
        if json.dumps(core) != json.dumps(axon):  # In the same order, too.
            shown = json.dumps(args)[:200]
            self.different.append(f"{note} {name} {shown}\n  core {core}\n  axon {axon}")
        return core

    def offer(self, transaction: Transaction, note: str = "") -> Any:
        """Test it with both."""
        return self.same("testmempoolaccept", [transaction.raw.hex()], note=note)[0]

    def send(self, transaction: Transaction, note: str = "", maxfeerate: object = 0) -> Any:
        """Test it with both, then send it to both."""
        self.offer(transaction, note)
        return self.same("sendrawtransaction", transaction.raw.hex(), maxfeerate, note=note)

    def package(self, *transactions: Transaction, note: str = "") -> Any:
        """Test them together with both, then submit them to both."""
        raw = [each.raw.hex() for each in transactions]
        self.same("testmempoolaccept", raw, note=note)
        return self.same("submitpackage", raw, note=note)

    def compare_pools(self, note: str = "") -> None:
        """What both say of their pools."""
        for args in ((), (True,), (False, True)):
            self.same("getrawmempool", *args, note=note)
        self.same("getmempoolinfo", note=note)
        self.same("getmempoolfeeratediagram", note=note)

    def settle(self) -> None:
        """Fail with all that was answered differently."""
        different, self.different = self.different, []
        assert not different, f"{len(different)} of {self.asked}\n" + "\n".join(different)


def _answer(rpc: Callable[..., Any], name: str, *args: object) -> Any:
    try:
        return _plain(json.loads(json.dumps(rpc(name, *args), default=float)))
    except RpcError as error:
        return [error.code, error.message]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name not in OWN_FIGURES}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def txid_hex(transaction: Transaction) -> str:
    """As calls name it."""
    return Txid(transaction.txid)[::-1].hex()


ADDRESS = encode_address(ANYONE, REGTEST)


class _Core(BitcoindProcess):
    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        super().__init__(folder)
        self._options = options

    def _command(self) -> list[str]:
        return [*super()._command(), *self._options]


@contextmanager
def pool_pair(folder: Path, *options: str) -> Iterator[PoolPair]:
    """Both nodes with the same options, until the end of the block; skips without bitcoind."""
    BitcoindProcess.require()
    with (
        _Core(folder / "core", options) as core,
        NodeProcess("axon", folder / "axon", options=("-connect=0", *options)).start() as axon,
    ):
        yield PoolPair(axon, core)


def settled(pair: PoolPair) -> None:
    """Have the pools equal, and mine what is in them, so that the next test finds none."""
    pair.compare_pools("afterwards")
    pair.mine()
    pair.compare_pools("mined")
    pair.settle()
