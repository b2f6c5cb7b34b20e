"""The rates that docs/mainnet.md calculates with: real blocks, and unsigned ones for the kernel.

    python -m bench mainnet

Six whole blocks of mainnet (heights 830000 and 831328 to 831332) go through coins, filters and
background indexes, on disk; the coins that they spend are made up and lie in a store among others.
The kernel imports blocks whose scripts cost next to nothing, like those that it assumes valid.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from axon.chain.backgroundindex import BackgroundIndex, BlockPlace, IndexedBlock
from axon.chain.coins import Coin, Coins, encode_coin, script_of
from axon.chain.coinstatsindex import CoinStatsIndex
from axon.chain.filters import basic_filter, elements_of
from axon.chain.parts import BlockParts
from axon.chain.store import Store
from axon.chain.txindex import TxIndex
from axon.chain.txospenderindex import TxoSpenderIndex
from axon.consensus.kernel import default_threads
from axon.consensus.kernelmuhash import muhash
from axon.drivers.aio.stores import RocksStore
from axon.mining.template import coinbase
from axon.primitives.block import Block
from axon.primitives.hashes import sha256, sha256d
from axon.primitives.header import Header
from axon.primitives.network import MAINNET, REGTEST, TARGET_SPACING_S
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint
from axon.swarm.signer import Signer, Spendable
from bench.chain import PREPARING, BuiltChain, coinbase_of, mined
from bench.data import mainnet_data
from bench.syncing import import_apart
from bench.table import Row

LIMIT: Final = 25.0
"""Coins and filters may take so many times sha256d of 80 bytes for each input."""

OTHERS: Final = 300_000
"""Coins in the store beside those that are spent."""

UNSIGNED_BLOCKS: Final = 30
UNSIGNED_PAYMENTS: Final = 2_000

_ROUNDS: Final = 3
_MADE: Final = 50_000
_INDEXES: Final[dict[str, Callable[[Store], BackgroundIndex]]] = {
    TxIndex.name: TxIndex,
    TxoSpenderIndex.name: TxoSpenderIndex,
    CoinStatsIndex.name: lambda store: CoinStatsIndex(store, MAINNET, muhash()),
}
_ANYONE: Final = b"\x00\x20" + sha256(b"\x51")
_ENOUGH: Final = (b"\x51",)


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds and bytes for all six blocks together.

    Args:
        coins_s, filters_s: of each; reading a block counts for coins.
        indexes_s: of each background index, by name.
        filter_bytes: of the filters.
        index_bytes: on disk, of each background index.
        coin_bytes: on disk, of one coin.
    """

    coins_s: float
    filters_s: float
    indexes_s: dict[str, float]
    filter_bytes: int
    index_bytes: dict[str, int]
    coin_bytes: float


def measure() -> Row:
    """The row."""
    raws = [path.read_bytes() for path in sorted((mainnet_data() / "blocks").glob("*.bin"))]
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        found = _follow(raws, folder)
        unsigned = _unsigned_chain(folder / "unsigned.dat")
        imported = import_apart(unsigned, folder / "kernel" / "regtest", default_threads())
    blocks = [Block.decode(raw) for raw in raws]
    inputs = sum(len(item.prevouts) for block in blocks for item in block.transactions[1:])
    transactions = sum(len(block.transactions) for block in blocks)
    yardstick_us = min(_yardstick_us() for _ in range(_ROUNDS))
    each_us = (found.coins_s + found.filters_s) / inputs * 1e6
    kernel_us = imported.processor_s / unsigned.inputs * 1e6
    return Row(
        "coins and filters of real blocks, against sha256d of 80 bytes in Python",
        f"{each_us / yardstick_us:.1f} x  ({each_us:.1f} us an input)",
        f"<= {LIMIT:g} x",
        each_us <= LIMIT * yardstick_us,
        [
            f"{len(raws)} blocks of mainnet, {sum(map(len, raws)) / 1e6:.1f} MB, {transactions:,} "
            f"transactions, {inputs:,} inputs. Coins {found.coins_s / inputs * 1e6:.1f} us an "
            f"input, among {OTHERS:,} others in the store; filters "
            f"{found.filters_s / inputs * 1e6:.1f} us. One processor, in its own seconds.",
            *[
                f"{index}: {seconds / inputs * 1e6:.1f} us an input; "
                f"{found.index_bytes[index] / len(raws) / 1e3:.1f} kB a block on disk."
                for index, seconds in found.indexes_s.items()
            ],
            f"A filter has {found.filter_bytes / len(raws) / 1e3:.1f} kB, a coin takes "
            f"{found.coin_bytes:.0f} bytes on disk.",
            f"The kernel imports inputs without signatures in {kernel_us:.1f} us of processor time "
            f"each ({unsigned.inputs:,}; {imported.blocks_s:.1f} s by the clock). sha256d took "
            f"{yardstick_us:.2f} us.",
        ],
    )


def _yardstick_us() -> float:
    """Processor time of sha256d of 80 bytes."""
    data, begun = bytes(80), time.thread_time()
    for _ in range(100_000):
        sha256d(data)
    return (time.thread_time() - begun) * 10


# What follows the chain.


def _follow(raws: Sequence[bytes], folder: Path) -> Rates:
    raws = _linked(raws)
    rounds = [_follow_once(raws, folder / str(number)) for number in range(_ROUNDS)]
    least = min(rounds, key=lambda rates: rates.coins_s + rates.filters_s)
    indexes: dict[str, float] = {}
    sizes: dict[str, int] = {}
    spent = [_spent(Block.decode(raw)) for raw in raws]
    for index, make in _INDEXES.items():
        indexes[index] = _index(raws, spent, make, folder / index)
        sizes[index] = _size(folder / index)
    return Rates(
        least.coins_s, least.filters_s, indexes, least.filter_bytes, sizes, least.coin_bytes
    )


def _follow_once(raws: Sequence[bytes], folder: Path) -> Rates:
    store = RocksStore(folder)
    random = Random(1)
    strangers = {b"c" + random.randbytes(36): _stranger(random) for _ in range(OTHERS)}
    store.write(strangers)
    for raw in raws:
        block = Block.decode(raw)
        points = [point for item in block.transactions[1:] for point in item.prevouts]
        store.write({b"c" + point: _stranger(random) for point in points})
    coins = Coins(store)
    for height, block in enumerate(_before()):
        coins.connect(block, block.hash, height)
    coins.hold()
    coins_s = filters_s = 0.0
    filter_bytes = 0
    for height, raw in enumerate(raws, 2):
        block_hash = Header(raw[:80]).hash
        begun = time.thread_time()
        parts = BlockParts.read(raw)
        spent = coins.connect_parts(parts, block_hash, height)
        if raw is raws[-1]:
            coins.release()
        between = time.thread_time()
        scripts = [script_of(value) for values in spent for value in values]
        filter_bytes += len(basic_filter(block_hash, elements_of(parts, scripts)))
        filters_s += time.thread_time() - between
        coins_s += between - begun
    store.close()
    return Rates(coins_s, filters_s, {}, filter_bytes, {}, _size(folder) / OTHERS)


def _index(
    raws: Sequence[bytes],
    spent: Sequence[list[list[Coin]]],
    make: Callable[[Store], BackgroundIndex],
    folder: Path,
) -> float:
    """Processor seconds of one background index over all blocks."""
    store = RocksStore(folder)
    index = make(store)
    for height, block in enumerate(_before()):
        index.connect(IndexedBlock(block, block.hash, height, [[]], BlockPlace(0, 8)))
    begun = time.thread_time()
    for height, (raw, coins) in enumerate(zip(raws, spent, strict=True), 2):
        block = Block.decode(raw)
        index.connect(IndexedBlock(block, block.hash, height, coins, BlockPlace(0, 8)))
    seconds = time.thread_time() - begun
    store.close()
    return seconds


def _before() -> tuple[Block, Block]:
    """Two blocks before them, which make as many coins as they spend."""
    genesis = MAINNET.genesis
    made = coinbase(1, [TxOut(0, bytes(22))] * _MADE, b"\x6a")
    return genesis, Block.build(Header.build(1, genesis.hash, bytes(32), 0, 0, 0), [made])


def _linked(raws: Sequence[bytes]) -> list[bytes]:
    """The same blocks as if each came behind the one before; nobody looks at their work."""
    linked, prev = [], _before()[-1].hash
    for raw in raws:
        linked.append(raw[:4] + prev + raw[36:])
        prev = Header(linked[-1][:80]).hash
    return linked


def _stranger(random: Random) -> bytes:
    """A coin as it is stored; most pay to a witness key hash."""
    script = b"\x00\x14" + random.randbytes(20)
    return encode_coin(Coin(random.randrange(800_000), False, random.randrange(10**9), script))


def _spent(block: Block) -> list[list[Coin]]:
    """What a block spends, made up; together worth what it makes."""
    script = b"\x00\x14" + Random(2).randbytes(20)
    rest = sum(out.amount_sat for item in block.transactions[1:] for out in item.outputs)
    spent: list[list[Coin]] = [[]]
    for transaction in block.transactions[1:]:
        spent.append([])
        for _ in transaction.prevouts:
            spent[-1].append(Coin(1, False, rest, script))
            rest = 0
    return spent


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix == ".sst")


# What the kernel does where it checks no signatures.


def _unsigned_chain(path: Path) -> BuiltChain:
    """Blocks of payments with two inputs and two outputs that anybody could have made."""
    signer = Signer("bench")
    amount = REGTEST.subsidy_sat(1)
    width = 2 * UNSIGNED_PAYMENTS
    each = amount // width - 100
    funding = [Spendable(outpoint(coinbase_of(1, []).txid, 0), amount)]
    split = signer.pay(funding, [TxOut(each, _ANYONE)] * width)
    coins = [outpoint(split.txid, index) for index in range(width)]
    last, height = REGTEST.genesis.header, PREPARING + UNSIGNED_BLOCKS
    start = int(time.time()) - height * TARGET_SPACING_S
    with path.open("wb") as file:
        for number in range(1, height + 1):
            payments: list[Transaction] = []
            if number == PREPARING:
                payments = [split]
            elif number > PREPARING:
                payments = _payments(coins, each)
                coins = [outpoint(item.txid, at) for item in payments for at in (0, 1)]
            block = mined(number, last, payments, start + number * TARGET_SPACING_S)
            file.write(REGTEST.magic + len(block.raw).to_bytes(4, "little") + block.raw)
            last = block.header
    inputs = UNSIGNED_BLOCKS * width
    return BuiltChain(path, height, last.hash[::-1].hex(), path.stat().st_size, inputs)


def _payments(coins: Sequence[OutPoint], each: int) -> list[Transaction]:
    outputs = [TxOut(each, _ANYONE)] * 2
    pairs = zip(coins[::2], coins[1::2], strict=True)
    return [
        Transaction.build(2, [TxIn(one, witness=_ENOUGH), TxIn(other, witness=_ENOUGH)], outputs)
        for one, other in pairs
    ]
