"""Signed payments into the pool, against the kernel verifying nothing but their scripts."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from axon.chain.coins import Coins
from axon.consensus.scripts import verify_scripts
from axon.drivers.aio.stores import RocksStore
from axon.machine import SECOND
from axon.mempool.acceptance import coins_to_find
from axon.mempool.locks import TipContext
from axon.mempool.outcome import Admitted, Prepared
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.mining.template import coinbase, commitment_script
from axon.primitives.block import Block
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.primitives.verdict import Accepted
from axon.swarm.signer import Signer, Spendable
from bench.table import Row
from bench.timing import alternate, timed

LIMIT: Final = 3.0
PAYMENTS: Final = 2_000
COINS_PER_FUNDING: Final = 500

_ROUNDS: Final = 7
_AMOUNT_SAT: Final = 1_000_000
_FEE_SAT: Final = 500
_TIP_HEIGHT: Final = 200


def measure(payments: int = PAYMENTS, rounds: int = _ROUNDS) -> Row:
    """The row."""
    signer = Signer("bench")
    mint = _mint(signer, payments)
    funding = _funding(signer, mint, payments)
    coins = [
        Spendable(outpoint(item.txid, index), _AMOUNT_SAT)
        for item in funding
        for index in range(COINS_PER_FUNDING)
    ][:payments]
    half = (_AMOUNT_SAT - _FEE_SAT) // 2
    outputs = [TxOut(half, signer.script), TxOut(half, signer.script)]
    raws = [signer.pay([coin], outputs).raw for coin in coins]
    spent = [TxOut(_AMOUNT_SAT, signer.script)]
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as folder:
        store = RocksStore(Path(folder) / "coins")
        view = Coins(store)
        _fill(view, mint, funding)
        compared = alternate(lambda: _accept(raws, view), lambda: _verify(raws, spent), rounds)
        store.close()
    each, bare = compared.ours_s / payments, compared.theirs_s / payments
    return Row(
        "mempool: signed 1-in-2-out payments accepted, against the kernel verifying their scripts",
        f"{compared.ratio:.2f} x  ({each * 1e6:.0f} us / {bare * 1e6:.0f} us each)",
        f"<= {LIMIT:g} x",
        compared.ratio <= LIMIT,
        [
            f"{payments:,} witness key hash payments of coins in RocksDB; from bytes to an entry "
            "in the pool: decoding, consensus and policy checks, coin look-ups, scripts by the "
            f"kernel, clusters; {1 / each:,.0f} a second on one thread. Against the same script "
            "verification of the same transactions, decoded before, and nothing else. Neither "
            "side has a signature cache.",
        ],
    )


def _accept(raws: Sequence[bytes], view: Coins) -> float:
    pool = Mempool(Policy())
    now = int(time.time()) * SECOND
    assert view.best is not None
    tip = TipContext(_TIP_HEIGHT, 0, view.best, lambda height: height)

    def work() -> None:
        for raw in raws:
            transaction = Transaction.decode(raw)
            coins = view.read(coins_to_find(pool, (transaction,)), tip.hash)
            assert coins is not None, "nothing moves the coins"
            prepared = pool.prepare(transaction, coins, tip, now)
            assert isinstance(prepared, Prepared), prepared
            verdict = verify_scripts(prepared.transaction, prepared.spent)
            assert isinstance(verdict, Accepted), verdict
            admitted = pool.admit(prepared, {}, tip, now)
            assert isinstance(admitted, Admitted), admitted

    seconds = timed(work)
    assert len(pool) == len(raws)
    return seconds


def _verify(raws: Sequence[bytes], spent: Sequence[TxOut]) -> float:
    decoded = [Transaction.decode(raw) for raw in raws]
    for transaction in decoded:
        assert transaction.inputs

    def work() -> None:
        for transaction in decoded:
            assert isinstance(verify_scripts(transaction, spent), Accepted)

    return timed(work)


def _mint(signer: Signer, payments: int) -> Transaction:
    """A coinbase with an output for each funding."""
    outputs = [TxOut(_AMOUNT_SAT * COINS_PER_FUNDING, signer.script)] * _fundings(payments)
    return coinbase(1, outputs, commitment_script([]))


def _funding(signer: Signer, mint: Transaction, payments: int) -> list[Transaction]:
    """The transactions that make the coins which payments spend; nobody looks at their scripts."""
    outputs = [TxOut(_AMOUNT_SAT, signer.script)] * COINS_PER_FUNDING
    return [
        Transaction.build(2, [TxIn(outpoint(mint.txid, index))], outputs)
        for index in range(_fundings(payments))
    ]


def _fundings(payments: int) -> int:
    return -(-payments // COINS_PER_FUNDING)


def _fill(coins: Coins, mint: Transaction, funding: Sequence[Transaction]) -> None:
    """Connect two blocks: the coinbase, then what splits it."""
    header = REGTEST.genesis.header
    coins.connect(REGTEST.genesis, header.hash, 0)
    bodies = [mint], [coinbase(2, [TxOut(0, b"")], commitment_script(funding)), *funding]
    for height, body in enumerate(bodies, start=1):
        header = Header.build(4, header.hash, bytes(32), height, 0, 0)
        coins.connect(Block.build(header, body), header.hash, height)
