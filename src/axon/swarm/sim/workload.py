"""What users do with a simulated network: they pay each other, and mine.

Alice, Bob and Carol hold the coins of a short history that every node has on its disk. Payments are
drawn at random and signed; each is handed to some node that runs, with the coins that this node
sees. So two users on two sides of a cut may spend the same coin.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import log
from typing import Final

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.machine import MINUTE, SECOND, Instant
from axon.mining.miner import mine
from axon.mining.template import next_template
from axon.node.commands import SendTransaction
from axon.node.full import FullNode
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.primitives.transaction import TxOut
from axon.swarm.signer import Signer, Spendable
from axon.swarm.sim.simulation import SimNetwork

PAYERS: Final = (Signer("Alice"), Signer("Bob"), Signer("Carol"))

HISTORY_BLOCKS: Final = 112
"""The coins of the first twelve are mature."""

MATURITY: Final = 100
"""Blocks between a coinbase and the block that spends it."""

BLOCK_SPACING: Final = 10 * MINUTE

_TRIES = 10_000
_FEE_MIN_SAT, _FEE_MAX_SAT = 1_000, 20_000
_DUST_SAT = 10_000
_KEPT = 60  # A tip for each of twenty nodes, times three users.


@lru_cache(maxsize=4)
def history(end: Instant, blocks: int = HISTORY_BLOCKS) -> tuple[bytes, ...]:
    """A chain whose last block was found ten minutes before `end`, paying everybody in turn."""
    tree = HeaderTree(REGTEST)
    tip, raws = tree.genesis, []
    for number in range(blocks):
        found = (end - (blocks - number) * BLOCK_SPACING) // SECOND
        script = PAYERS[number % len(PAYERS)].script
        block = mine(next_template(REGTEST, tip, (), found).build(script), _TRIES)
        assert block is not None, "on regtest every second hash will do"
        added = tree.add(block.header, end)
        assert isinstance(added, HeaderEntry), "the header keeps all rules"
        tip = added
        raws.append(block.raw)
    return tuple(raws)


def spendable(network: SimNetwork, number: int, signer: Signer) -> list[Spendable]:
    """The coins of a person that a node would let it spend in the next block, by txid."""
    machine = network.machine(number)
    return _unspent(machine, _mature(machine, signer))


def _mature(machine: FullNode, signer: Signer) -> list[Spendable]:
    """A person's coins that may be spent in the next block, as far as the chain says."""
    height, found = machine.active.height + 1, []
    for point, coin in machine.coins.items():
        if coin.script_pubkey != signer.script or coin.amount_sat <= 2 * _DUST_SAT:
            continue
        if not coin.coinbase or height - coin.height >= MATURITY:
            found.append(Spendable(point, coin.amount_sat))
    return found


def _unspent(machine: FullNode, coins: list[Spendable]) -> list[Spendable]:
    """Those that no transaction of the pool spends."""
    return [coin for coin in coins if machine.pool.spender(coin.outpoint) is None]


class Workload:
    """Payments and blocks at random moments, from a start to an end.

    Args:
        network: where.
        payment_interval_us: mean time between payments.
        block_interval_us: mean time between blocks.
        until: nothing begins after it.
        at: the nodes that are used, by number; None for all.
    """

    def __init__(
        self,
        network: SimNetwork,
        payment_interval_us: int,
        block_interval_us: int,
        until: Instant,
        at: frozenset[int] | None = None,
    ) -> None:
        self._network = network
        self._rng = network.simulation.random("workload")
        self._until = until
        self._at = at
        self.payments = 0
        self.blocks = 0
        self._mature: dict[tuple[BlockHash | None, int, str], list[Spendable]] = {}
        self._repeat(payment_interval_us, self._pay)
        self._repeat(block_interval_us, self._mine)

    def _repeat(self, mean_us: int, action: Callable[[], None]) -> None:
        """Do something again and again, at exponentially distributed distances."""
        simulation = self._network.simulation
        when = simulation.now + 1 + int(-log(1.0 - self._rng.random()) * mean_us)
        if when > self._until:
            return

        def due() -> None:
            action()
            self._repeat(mean_us, action)

        simulation.at(when, due)

    def _somewhere(self) -> int | None:
        running = [
            number for number in self._network.running() if self._at is None or number in self._at
        ]
        return running[int(self._rng.random() * len(running))] if running else None

    def _pay(self) -> None:
        number = self._somewhere()
        payer, payee = self._draw_person(), self._draw_person()
        if number is None:
            return
        coins = self._spendable(number, payer)
        if not coins:
            return
        coin = coins[int(self._rng.random() * len(coins))]
        fee_sat = _FEE_MIN_SAT + int(self._rng.random() * (_FEE_MAX_SAT - _FEE_MIN_SAT))
        left_sat = coin.amount_sat - fee_sat
        paid_sat = min(left_sat, _DUST_SAT + int(self._rng.random() * left_sat))
        outputs = [TxOut(paid_sat, payee.script)]
        if left_sat - paid_sat > _DUST_SAT:
            outputs.append(TxOut(left_sat - paid_sat, payer.script))
        self.payments += 1
        self._network.simulation.command(number, SendTransaction(payer.pay([coin], outputs)))

    def _spendable(self, number: int, payer: Signer) -> list[Spendable]:
        """As `spendable`, but looking through all coins only once for each tip."""
        machine = self._network.machine(number)
        key = machine.coins.best, machine.active.height, payer.owner
        mature = self._mature.get(key)
        if mature is None:
            if len(self._mature) >= _KEPT:
                self._mature.clear()
            mature = self._mature[key] = _mature(machine, payer)
        return _unspent(machine, mature)

    def _mine(self) -> None:
        number = self._somewhere()
        if number is not None:
            self.blocks += 1
            self._network.mine(number, self._draw_person().script)

    def _draw_person(self) -> Signer:
        return PAYERS[int(self._rng.random() * len(PAYERS))]
