"""Small chains for the tests of this room: headers with real proof of work, blocks without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

from axon.chain.coins import Coin, Coins
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.primitives.block import WITNESS_MAGIC, Block
from axon.primitives.hashes import ZERO_HASH, BlockHash, Txid, sha256d
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.network import MAINNET, REGTEST, TESTNET3, TESTNET4, Network
from axon.primitives.target import meets_target
from axon.primitives.transaction import (
    COIN,
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from axon.primitives.verdict import Rejected

FAR_FUTURE: Final = 4_000_000_000_000_000
"""A `now` that no 32-bit header time is ahead of by chance, in microseconds."""


def _easy(network: Network) -> Network:
    """The rules of a network, at targets that take two hashes."""
    return replace(network, pow_limit=REGTEST.pow_limit, genesis=REGTEST.genesis)


EASY_MAINNET: Final = replace(_easy(MAINNET), bip34_height=2, bip66_height=4, bip65_height=6)
EASY_TESTNET3: Final = replace(_easy(TESTNET3), bip34_height=2, bip66_height=2, bip65_height=2)
EASY_TESTNET4: Final = _easy(TESTNET4)


def mine(
    parent: HeaderEntry | Header, time: int, bits: int, *, version: int = 4, salt: int = 0
) -> Header:
    """A header on top of `parent` that proves its work; another one for another salt."""
    root = salt.to_bytes(32, "big")
    for nonce in count():
        header = Header.build(version, parent.hash, root, time, bits, nonce)
        if meets_target(header.hash, bits):
            return header
    raise AssertionError("every target here is met sooner or later")


def grow(
    tree: HeaderTree, parent: HeaderEntry, length: int, *, spacing: int = 600, salt: int = 0
) -> HeaderEntry:
    """Add valid headers to a tree, `spacing` seconds from one to the next; the last of them."""
    for _ in range(length):
        time = parent.time + spacing
        header = mine(parent, time, tree.next_bits(parent, time), salt=salt)
        added = tree.add(header, FAR_FUTURE)
        assert isinstance(added, HeaderEntry), added
        parent = added
    return parent


def accepted(added: HeaderEntry | Rejected) -> HeaderEntry:
    """The entry of a header that must have been accepted."""
    assert isinstance(added, HeaderEntry), added
    return added


def headers_of(path: Path) -> list[Header]:
    """The headers of a file that holds nothing else."""
    data = path.read_bytes()
    return [Header(data[at : at + 80]) for at in range(0, len(data), 80)]


def coinbase(height: int, *outputs: TxOut, tag: bytes = b"") -> Transaction:
    """A coinbase transaction; the same height and tag give the same txid."""
    script = b"\x04" + height.to_bytes(4, "little") + tag
    return Transaction.build(1, [TxIn(NULL_OUTPOINT, script)], outputs)


def spending(prevouts: Sequence[OutPoint], outputs: Sequence[TxOut]) -> Transaction:
    """A transaction that spends these outpoints, with a witness."""
    return Transaction.build(
        2, [TxIn(point, b"", 0, (b"signature",)) for point in prevouts], outputs
    )


def block_on(prev: BlockHash, *transactions: Transaction, nonce: int = 0) -> Block:
    """A block without proof of work."""
    root = merkle_root([transaction.txid for transaction in transactions])
    return Block.build(Header.build(4, prev, root, 0, 0x207FFFFF, nonce), transactions)


def paying_block(fee_sat: int = 1_000, payments: int = 2) -> Block:
    """A block with a commitment to its witnesses (BIP 141), behind block 1 of `PLAIN`.

    Each payment spends a coin of one bitcoin, and the coinbase takes the fees.
    """
    paid = [
        spending([outpoint(made_up_txid(number), 0)], [TxOut(COIN - fee_sat, PAYEE)])
        for number in range(payments)
    ]
    root = merkle_root([ZERO_HASH, *(item.wtxid for item in paid)])
    reward = TxOut(REGTEST.subsidy_sat(2) + payments * fee_sat, b"\x51")
    commitment = TxOut(0, WITNESS_MAGIC + sha256d(root + ZERO_HASH))
    first = TxIn(NULL_OUTPOINT, b"\x01\x02", witness=(ZERO_HASH,))
    return block_on(PLAIN.hash, Transaction.build(1, [first], [reward, commitment]), *paid)


def made_up_txid(number: int) -> Txid:
    """A txid that no transaction here has."""
    return Txid(sha256d(b"made up" + number.to_bytes(4, "little")))


PAYEE: Final = b"\x00\x14" + b"\x02" * 20
PLAIN: Final = block_on(REGTEST.genesis.hash, coinbase(1, TxOut(REGTEST.subsidy_sat(1), b"\x51")))
"""A block without witnesses."""


def first_blocks(folder: Path) -> Iterator[Block]:
    """The blocks of the main chain from block 1 on that the file holds."""
    data, offset = (folder / "blocks-1-256.dat").read_bytes(), 0
    while offset < len(data):
        size = int.from_bytes(data[offset + 4 : offset + 8], "little")
        yield Block.decode(data[offset + 8 : offset + 8 + size])
        offset += 8 + size


def any_coin(height: int = 1) -> Coin:
    """A coin nobody looks at closely."""
    return Coin(height, False, 1_000, b"\x00\x14" + bytes(20))


def coins_at(coins: Coins, points: Sequence[OutPoint]) -> list[Coin | None]:
    """The coins at some outpoints, as of the block at which the coins are."""
    assert coins.best is not None
    found = coins.read(points, coins.best)
    assert found is not None, "nothing moves the coins meanwhile"
    return [found[point] for point in points]


def coin_at(coins: Coins, point: OutPoint) -> Coin | None:
    """The coin at one outpoint."""
    return coins_at(coins, [point])[0]
