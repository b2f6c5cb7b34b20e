"""The chain that is synced: blocks full of signed payments, built once and kept.

    1..100      empty, so that the first coinbase may be spent
    101         splits it into as many coins as a block has inputs
    102..       `blocks` blocks, each spending all those coins and making as many new ones

A payment has two inputs and two outputs, all pay to witness key hash, each input with its own ECDSA
signature. Signing takes nearly all of the time, so payments are kept in `.cache/bench`; they do not
depend on headers, which are made anew for each run and reach up to the present.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.chain.deployments import BLOCK_VERSION
from axon.mining.miner import find_nonce
from axon.mining.template import coinbase, commitment_script
from axon.primitives.block import Block
from axon.primitives.encoding import Reader, var_bytes
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.network import REGTEST, TARGET_SPACING_S
from axon.primitives.script import OP_RETURN
from axon.primitives.transaction import Transaction, TxOut, outpoint, scan_transaction
from axon.swarm.signer import Signer, Spendable

CACHE: Final = Path(__file__).parent.parent / ".cache" / "bench"
"""What took long to make; git does not see it."""

PREPARING: Final = 101
"""Blocks before the first full one."""

INPUTS: Final = 1_000
"""Signed inputs of a full block."""

_PAIRS = INPUTS // 2
_FEE_SAT = 300  # Above one satoshi per virtual byte.
_CHUNKS = 4  # Independent runs of payments, for as many processes.
_TRIES = 10_000


@dataclass(frozen=True, slots=True)
class BuiltChain:
    """A chain as a file of blocks, like the kernel's own.

    Args:
        path: magic, size in 32 bits little-endian, block; and again.
        height: of the last block.
        tip_hex: its hash as people read it.
        size_bytes: of the file.
        inputs: signed ones in all.
    """

    path: Path
    height: int
    tip_hex: str
    size_bytes: int
    inputs: int


def build_chain(
    blocks: int, preparing: int = PREPARING, version: int = BLOCK_VERSION
) -> BuiltChain:
    """The chain with so many full blocks, its last block of this minute.

    Args:
        preparing: blocks before the first full one, at least `PREPARING`.
        version: of all blocks.
    """
    payments = _all_payments(blocks)
    path = CACHE / f"chain-{blocks}-{preparing}.dat"
    last = REGTEST.genesis.header
    height = blocks + preparing
    start = int(time.time()) - height * TARGET_SPACING_S
    with path.open("wb") as file:
        for number in range(1, height + 1):
            transactions = _content(number - preparing, payments)
            at = start + number * TARGET_SPACING_S
            block = mined(number, last, transactions, at, version)
            file.write(REGTEST.magic + len(block.raw).to_bytes(4, "little") + block.raw)
            last = block.header
    inputs = blocks * INPUTS + 1
    return BuiltChain(path, height, last.hash[::-1].hex(), path.stat().st_size, inputs)


def read_blocks(path: Path) -> Iterator[bytes]:
    """The blocks of such a file, one by one."""
    with path.open("rb") as file:
        while prefix := file.read(8):
            yield file.read(int.from_bytes(prefix[4:], "little"))


# Payments.


def _split() -> Transaction:
    """The first coinbase, split into the coins that full blocks move."""
    signer = Signer("bench")
    funding = coinbase_of(1, []).txid
    amount = REGTEST.subsidy_sat(1)
    each = amount // INPUTS - 100  # The rest is the fee.
    coins = [Spendable(outpoint(funding, 0), amount)]
    return signer.pay(coins, [TxOut(each, signer.script)] * INPUTS)


def _run_of_payments(task: tuple[int, int]) -> list[bytes]:
    """One process's share: for each block, its payments one behind the other."""
    chunk, blocks = task
    signer, split = Signer("bench"), _split()
    amount = split.outputs[0].amount_sat
    share = range(chunk * INPUTS // _CHUNKS, (chunk + 1) * INPUTS // _CHUNKS)
    coins = [Spendable(outpoint(split.txid, index), amount) for index in share]
    run: list[bytes] = []
    for _ in range(blocks):
        amount -= _FEE_SAT // 2
        outputs = [TxOut(amount, signer.script)] * 2
        paid = [signer.pay(coins[at : at + 2], outputs) for at in range(0, len(coins), 2)]
        run.append(b"".join([item.raw for item in paid]))
        coins = [Spendable(outpoint(item.txid, index), amount) for item in paid for index in (0, 1)]
    return run


def _all_payments(blocks: int) -> list[bytes]:
    """The payments of each full block, from the cache if they are there."""
    kept = CACHE / f"signed-{blocks}.dat"
    if kept.exists():
        reader = Reader(kept.read_bytes())
        return [reader.var_bytes(reader.remaining) for _ in range(blocks)]
    CACHE.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        runs = pool.map(_run_of_payments, [(chunk, blocks) for chunk in range(_CHUNKS)], 1)
    together = [b"".join(parts) for parts in zip(*runs, strict=True)]
    written = kept.with_suffix(".part")
    with written.open("wb") as file:
        for payments in together:
            file.write(var_bytes(payments))
    written.rename(kept)
    return together


# Blocks.


def _content(number: int, payments: Sequence[bytes]) -> list[Transaction]:
    """What a block holds beside its coinbase; the first full one is number 1."""
    if number < 0:
        return []
    if number == 0:
        return [_split()]
    data, offset = payments[number - 1], 0
    transactions: list[Transaction] = []
    for _ in range(_PAIRS):
        transaction, offset = scan_transaction(data, offset)
        transactions.append(transaction)
    return transactions


def coinbase_of(number: int, transactions: Sequence[Transaction]) -> Transaction:
    """The coinbase of a height over these transactions; it pays the bench's signer."""
    reward = TxOut(REGTEST.subsidy_sat(number), Signer("bench").script)  # Fees are let go.
    if not transactions:  # Valid for those, too, to whom segwit is not active yet.
        return coinbase(number, [reward], bytes([OP_RETURN]), segwit=False)
    return coinbase(number, [reward], commitment_script(transactions))


def mined(
    number: int,
    last: Header,
    transactions: list[Transaction],
    at: int,
    version: int = BLOCK_VERSION,
) -> Block:
    """A block with proof of work on another one, found at a time in seconds since 1970."""
    return mined_with([coinbase_of(number, transactions), *transactions], last, at, version)


def mined_with(
    whole: list[Transaction], last: Header, at: int, version: int = BLOCK_VERSION
) -> Block:
    """The same of these transactions, the coinbase first."""
    root = merkle_root([item.txid for item in whole])
    bits = REGTEST.genesis.header.bits
    header = Header.build(version, last.hash, root, at, bits, 0)
    found = find_nonce(header, _TRIES)
    assert found is not None, "on regtest every second hash will do"
    return Block.build(found, whole)
