"""A network of a blueprint in virtual time, before it is harmed: what a trial begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.drivers.sim.driver import START
from axon.errors import ConfigError
from axon.machine import MINUTE, SECOND
from axon.node.commands import SendTransaction
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.blueprint import Blueprint
from axon.swarm.sim.trialnetwork import TrialNetwork
from axon.swarm.sim.workload import HISTORY_BLOCKS, PAYERS, history, spendable

BOOT: Final = 2 * MINUTE
"""For all to find each other."""

FUNDING: Final = 10 * MINUTE
"""At most until each wallet sees its first coins."""

LOOK: Final = SECOND // 4
"""So often it is looked whether something has come about. To look after each event took a quarter
of the time of a trial, and what is measured may take minutes."""

FEE_SAT: Final = 2_000
"""Of each payment."""

_DROPPED_BLOCKS: Final = 12
"""So many blocks more than some nodes keep are in the chain from the start."""

_COIN_SAT: Final = 10_000_000


class Stage:
    """A network of a blueprint, ready to be harmed: wallets have coins, and all are on one block.

    A trial uses it up. Equal arguments make equal stages.

    Args:
        blueprint: what to raise.
        seed: of all chance.

    Raises:
        ConfigError: Bitcoin Core's program is in it.
    """

    def __init__(self, blueprint: Blueprint, seed: int) -> None:
        if blueprint.is_mixed:
            raise ConfigError("a bitcoind runs in no simulation; --backend netns raises it")
        self.blueprint = blueprint
        kept = max(node.keeps_blocks for node in blueprint.nodes)
        past = max(HISTORY_BLOCKS, kept + _DROPPED_BLOCKS)
        self.net = TrialNetwork(blueprint, seed, history(START, past))
        self.simulation = self.net.simulation
        self.simulation.run(self.net.now + BOOT)
        newcomers = [blueprint.newcomer_wallet] if blueprint.newcomer_wallet else []
        owners = [wallet.name for wallet in (*blueprint.wallets, *newcomers)]
        # Whoever pays directly has a payment more to make.
        scripts = [self.net.script_of(name) for name in (*owners, *self._payers)]
        self.pay(scripts, _COIN_SAT)
        self.is_ready = self.simulation.run_until(
            lambda: all(map(self._has_coins, self.net.devices)),
            self.net.now + FUNDING,
            every_us=LOOK,
        )

    @property
    def _payers(self) -> list[str]:
        """The wallets that pay directly."""
        plans = self.blueprint.wallets if self.blueprint.payees else ()
        return [plan.name for plan in plans]

    def _has_coins(self, name: str) -> bool:
        confirmed = self.net.devices[name].wallet.ledger.confirmed
        return bool(confirmed) and self.net.light(name).is_synced

    def pay(
        self, scripts: Sequence[bytes], amount_sat: int, spared: tuple[str, ...] = ()
    ) -> Transaction | None:
        """Somebody pays, through the first node that answers; None if nobody can.

        Args:
            scripts: who is paid.
            amount_sat: to each.
            spared: nodes that are not asked.
        """
        net = self.net
        names = [plan.name for plan in self.blueprint.nodes if plan.name not in spared]
        node = next(filter(net.answers, names), None)
        payer = PAYERS[0]
        coins = [] if node is None else spendable(net.net, net.number(node), payer)
        if node is None or not coins:
            return None
        coin = max(coins, key=lambda each: (each.amount_sat, each.outpoint))
        outputs = [TxOut(amount_sat, script) for script in scripts]
        change_sat = coin.amount_sat - len(outputs) * amount_sat - FEE_SAT * max(1, len(outputs))
        payment = payer.pay([coin], [*outputs, TxOut(change_sat, payer.script)])
        self.simulation.ask(net.number(node), SendTransaction(payment))
        return payment
