"""A packet of a payment from bytes to a verdict: decoded, its proofs, its fee, its scripts."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Final

from axon.host.lightwallet import check_scripts
from axon.mempool.policy import Policy
from axon.mining.template import coinbase, commitment_script
from axon.payments.packet import Confirmed, Packet, bare
from axon.payments.packetbuilder import make_packet
from axon.payments.proof import check_packet
from axon.payments.verdict import PaymentLevel, Wanted
from axon.primitives.hashes import Txid
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_branch, merkle_root
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.swarm.signer import Signer, Spendable
from bench.pace import Pace
from bench.table import Row
from bench.timing import timed

LIMIT_MS: Final = 10.0
IN_A_BLOCK: Final = 2_500
"""Transactions of a block, as on mainnet: a branch has 12 neighbours."""

_ROUNDS: Final = 200
_AMOUNT_SAT: Final = 1_000_000
_FEE_SAT: Final = 1_000
_SPACING_S: Final = 600


class _Chain:
    """Headers with one transaction of interest in each block, among others that nobody shows."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._headers = [REGTEST.genesis.header]

    @property
    def tip_height(self) -> int:
        """Of the newest header."""
        return len(self._headers) - 1

    def header_at(self, height: int) -> Header | None:
        """See `HeaderChainView`."""
        return self._headers[height] if height <= self.tip_height else None

    def take(self, transaction: Transaction) -> Confirmed:
        """A block with it; the proof."""
        height = self.tip_height + 1
        first = bare(coinbase(height, [TxOut(0, b"")], commitment_script([])))
        txids = [Txid(self._rng.randbytes(32)) for _ in range(IN_A_BLOCK)]
        position = self._rng.randrange(1, IN_A_BLOCK)
        txids[0], txids[position] = first.txid, transaction.txid
        before = self._headers[-1]
        time_s = before.time + _SPACING_S
        header = Header.build(4, before.hash, merkle_root(txids), time_s, before.bits, 0)
        self._headers.append(header)
        branches = merkle_branch(txids, position), merkle_branch(txids, 0)
        return Confirmed(
            bare(transaction), height, header.hash, position, branches[0], first, branches[1]
        )


def measure(rounds: int = _ROUNDS, coins: int = 250) -> Row:
    """The row."""
    payer, payee = Signer("bench"), Signer("payee")
    chain, policy, wanted = _Chain(1), Policy(), Wanted(payee.script, _AMOUNT_SAT // 2)
    parents = [_parent(payer, number) for number in range(coins)]
    proofs = [chain.take(parent) for parent in parents]
    one = _paying(payer, payee, parents[:1], proofs)
    many = _paying(payer, payee, parents, proofs)
    row: list[Transaction] = []
    for _ in range(24):
        row.append(_moved(payer, row[-1] if row else parents[0]))
    deep = _paying(payer, payee, row[-1:], proofs, row)

    def check(data: bytes) -> None:
        checked = check_packet(Packet.decode(data), wanted, chain, check_scripts, policy)
        assert checked.verdict.level is PaymentLevel.FUNDED, checked.verdict

    check(one)
    with Pace() as pace:
        found = median([timed(lambda: check(one)) for _ in range(rounds)]) * 1e3
    rest = max(1, rounds // 20)
    wide_ms = median([timed(lambda: check(many)) for _ in range(rest)]) * 1e3
    deep_ms = median([timed(lambda: check(deep)) for _ in range(rest)]) * 1e3
    return Row(
        "payment packet: from bytes to a verdict, one coin of one block",
        f"{found:.2f} ms median",
        pace.limit(LIMIT_MS, "ms"),
        found <= LIMIT_MS * pace.slowness,
        [
            f"{len(one):,} bytes; decoded, proved with its coinbase against a header of a block of "
            f"{IN_A_BLOCK:,}, put through a pool of its own, its script by the kernel. "
            f"{coins} coins of {coins} blocks ({len(many):,} bytes): {wide_ms:.0f} ms. "
            f"A row of 25 unconfirmed ones ({len(deep):,} bytes): {deep_ms:.1f} ms.",
        ],
    )


def _parent(payer: Signer, number: int) -> Transaction:
    """Pays the payer, and another; nobody looks at what it spends."""
    entry = TxIn(outpoint(Txid(number.to_bytes(32, "little")), 0), bytes(107))
    outputs = [TxOut(_AMOUNT_SAT, payer.script), TxOut(_AMOUNT_SAT, b"\x00\x14" + bytes(20))]
    return Transaction.build(2, [entry], outputs)


def _moved(payer: Signer, parent: Transaction) -> Transaction:
    coin = Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat)
    return payer.pay([coin], [TxOut(coin.amount_sat - _FEE_SAT, payer.script)])


def _paying(
    payer: Signer,
    payee: Signer,
    parents: Sequence[Transaction],
    proofs: Sequence[Confirmed],
    waiting: Sequence[Transaction] = (),
) -> bytes:
    coins = [
        Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat) for parent in parents
    ]
    change_sat = sum(coin.amount_sat for coin in coins) - _AMOUNT_SAT // 2 - 100 * _FEE_SAT
    outputs = [TxOut(_AMOUNT_SAT // 2, payee.script), TxOut(change_sat, payer.script)]
    return make_packet(payer.pay(coins, outputs), proofs, waiting).encode()
