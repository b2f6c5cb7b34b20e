"""What goes wrong around wallets that pay each other: kills, cuts, clocks, lost blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.drivers.sim.network import Cut
from axon.machine import SECOND
from axon.mining.miner import mine
from axon.mining.template import next_template
from axon.node.commands import SubmitBlock
from axon.payments.desk import OpenDesk
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.swarm.sim.simulation import SimNetwork
from axon.swarm.sim.workload import PAYERS
from tests.swarm.sim.payingwallet import MOST_OFF, PayingWallet
from tests.wallet.scene import PASSPHRASE

MOST_REPLACED: Final = 2
"""So many of the last blocks at most are left for others."""

_TRIES: Final = 10_000


class Faults:
    """Breaks things, and mends them.

    Args:
        network: the full nodes; node 0 comes back in the end, others that ended do not.
        wallets: all of them.
        mortal: nodes that end some time.
        rng: all chance comes from here.
        unsteady: clocks jump, and the chain changes.

    Attributes:
        deaths: how often a wallet's program was killed.
    """

    def __init__(
        self,
        network: SimNetwork,
        wallets: Sequence[PayingWallet],
        mortal: Sequence[int],
        rng: Random,
        *,
        unsteady: bool,
    ) -> None:
        self.network = network
        self.wallets = wallets
        self.mortal = mortal
        self.deaths = 0
        self._rng = rng
        self._unsteady = unsteady
        self._cuts: list[Cut] = []

    def drawn(self) -> list[Callable[[], None]]:
        """Those of one run, which may happen in any order."""
        rng, wallets = self._rng, self.wallets
        likely = rng.random()
        faults: list[Callable[[], None]] = []
        for wallet in wallets:
            for fault in (self._kill, self._kill_at_write, self._kill_at_write, self.cut_off):
                if rng.random() < likely * 0.5:
                    faults.append(partial(fault, wallet))
            if rng.random() < likely * 0.5:
                faults.append(partial(self._sever, wallet, rng.choice(wallets)))
        for number in self.mortal:
            faults.append(partial(self._end_node, number))
        if rng.random() < 0.4:
            faults.append(partial(self._end_node, 0))
        if rng.random() < 0.3:
            faults.append(self._cut_all)
        if rng.random() < 0.3:
            faults.append(self._halve)
        if self._unsteady and rng.random() < 0.4:
            faults += [partial(self._jump, each) for each in wallets if rng.random() < 0.5]
        if self._unsteady and rng.random() < 0.6:
            faults += [self.reorganise] * rng.randrange(1, 4)
        return faults

    def _jump(self, wallet: PayingWallet) -> None:
        """Its clock jumps ahead and stays so; one that is set back only slows down (`Clock`)."""
        ahead = MOST_OFF - wallet.clock_offset_us
        wallet.clock_offset_us += int(self._rng.random() * ahead)
        self.network.simulation.set_clock(wallet.number, wallet.clock_offset_us)

    def reorganise(self) -> None:
        """Node 0 hears of a longer chain without the last blocks, which holds no payments."""
        rng, network, simulation = self._rng, self.network, self.network.simulation
        if not simulation.is_running(0):
            return
        machine = network.machine(0)
        depth = rng.randrange(1, 1 + MOST_REPLACED)
        branch = HeaderTree(REGTEST)  # Of its own: nobody is to know it yet.
        branch.load([_raw_headers(machine.active, machine.active.height - depth)])
        parent = branch.best
        now_s, when = simulation.clock(0) // SECOND, simulation.now
        reward = PAYERS[2].script
        for _ in range(depth + 1):
            template = next_template(REGTEST, parent, (), now_s)
            block = mine(template.build(reward, rng.getrandbits(32).to_bytes(4, "big")), _TRIES)
            assert block is not None, "on regtest every second hash will do"
            added = branch.add(block.header, 2**32 * SECOND)
            assert isinstance(added, HeaderEntry), "a template keeps all rules"
            parent = added
            when += SECOND // 10  # A block whose parent is not there yet is refused.
            simulation.at(when, partial(self._submit, block))

    def _submit(self, block: Block) -> None:
        if self.network.simulation.is_running(0):
            self.network.simulation.command(0, SubmitBlock(block))

    def _end_node(self, number: int) -> None:
        self.network.crash(number, lose=False, silent=self._rng.random() < 0.5)

    def _kill(self, wallet: PayingWallet) -> None:
        simulation = self.network.simulation
        if simulation.is_running(wallet.number):
            simulation.crash(wallet.number, silent=self._rng.random() < 0.3)
            self.revive_later(wallet)

    def _kill_at_write(self, wallet: PayingWallet) -> None:
        """It dies at one of the next writes, soon if there is much to write."""
        wallet.store.writes_left = 1 + self._rng.randrange(12)
        wallet.store.dies_after = self._rng.random() < 0.5

    def revive_later(self, wallet: PayingWallet) -> None:
        """It has died, and starts again after a while."""
        self.deaths += 1
        simulation = self.network.simulation
        wait = int(self._rng.choice((0.1, 1, 40, 120)) * SECOND)
        simulation.at(simulation.now + wait, partial(self._revive, wallet))

    def _revive(self, wallet: PayingWallet) -> None:
        simulation = self.network.simulation
        if not simulation.is_running(wallet.number):
            simulation.restart(wallet.number)
            simulation.command(wallet.number, OpenDesk(PASSPHRASE))

    def cut_off(self, wallet: PayingWallet) -> None:
        """It reaches no node, and no node it."""
        nodes, one = self._nodes(), frozenset({wallet.number})
        self._cut(one, nodes)

    def _cut_all(self) -> None:
        self._cut(frozenset(each.number for each in self.wallets), self._nodes())

    def _halve(self) -> None:
        """Half of all wallets do not reach the other half."""
        numbers = [each.number for each in self.wallets]
        self._rng.shuffle(numbers)
        half = len(numbers) // 2
        self._cut(frozenset(numbers[:half]), frozenset(numbers[half:]))

    def _cut(self, ones: frozenset[int], others: frozenset[int]) -> None:
        drops = self._rng.random() < 0.5
        for cut in (Cut(ones, others, drops), Cut(others, ones, drops)):
            self._cuts.append(cut)
            self.network.simulation.cut(cut)

    def _sever(self, wallet: PayingWallet, other: PayingWallet) -> None:
        if wallet is not other:
            self.network.simulation.sever(wallet.number, other.number)

    def heal(self) -> None:
        """Node 0 is back, and everybody reaches everybody; liars lie on, the dead stay dead."""
        simulation = self.network.simulation
        for cut in self._cuts:
            simulation.mend(cut)
        if not simulation.is_running(0):
            self.network.restart(0)
        for wallet in self.wallets:
            wallet.store.writes_left = None
            self._revive(wallet)

    def _nodes(self) -> frozenset[int]:
        return frozenset(node.number for node in self.network.nodes)


def _raw_headers(active: ActiveChain, height: int) -> bytes:
    """The headers of the active chain after the first up to a height."""
    entries = [active.at(each) for each in range(1, height + 1)]
    return b"".join([entry.raw for entry in entries if entry is not None])
