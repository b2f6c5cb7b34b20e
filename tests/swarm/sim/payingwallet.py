"""A wallet that pays and is paid, as a program of the simulation: real but for its disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from axon.chain.store import MemoryStore
from axon.drivers.sim.driver import Simulation
from axon.errors import StorageError
from axon.machine import MINUTE, SECOND, Endpoint, Instant
from axon.mempool.policy import Policy
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spv import SpvNode
from axon.node.walletjobs import perform
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.requests import address_of
from axon.payments.book import Book
from axon.payments.desk import AtDesk, Desk
from axon.payments.invoice import proves_link
from axon.payments.link import LinkNode
from axon.payments.linkfeatures import PAYJOIN
from axon.payments.payee import PayeeDesk
from axon.payments.payer import PayerDesk
from axon.payments.walletnode import WalletNode
from axon.primitives.netaddress import TimedAddress
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction
from axon.swarm.sim.lightdisk import LightDisk
from axon.wallet.keys import AccountKind, Mnemonic, new_words
from axon.wallet.payment import Payee as Recipient
from axon.wallet.payment import draft
from axon.wallet.psbt import Psbt
from axon.wallet.signing import sign
from axon.wallet.wallet import Wallet
from axon.wire.messages import Services
from tests.payments.payscene import kernel
from tests.wallet.scene import PASSPHRASE, new_wallet, source

LISTENS_AT: Final = 12966
NODE_PEERS: Final = 6
MOST_OFF: Final = 55 * MINUTE
"""A clock is off by up to so much: of two wallets that are two hours apart one takes the invoices
of the other for ones of the future."""

DEEP: Final = 3
"""Confirmations from which on no reorganisation of the simulation takes a coin back."""

_NODE_SERVICES: Final = int(
    Services.NETWORK | Services.WITNESS | Services.NETWORK_LIMITED | Services.COMPACT_FILTERS
)


class MortalStore(MemoryStore):
    """A store whose program dies at a write, before or after it.

    Attributes:
        writes_left: until it dies; None for never.
        dies_after: the last write is done.
        is_armed: the program is at work; else nobody dies.
    """

    def __init__(self) -> None:
        super().__init__()
        self.writes_left: int | None = None
        self.dies_after = False
        self.is_armed = False

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """All changes; or none, or all and an end."""
        if self.writes_left is None or not self.is_armed:
            super().write(changes)
            return
        self.writes_left -= 1
        if self.writes_left > 0 or self.dies_after:
            super().write(changes)
        if self.writes_left <= 0:
            self.writes_left = None
            raise StorageError("killed at a write")


class PayingWallet:
    """A wallet and its program.

    Args:
        index: among the wallets.
        joins: it offers and answers payjoins.
        clock_offset_us: how far its clock is ahead; negative where it is behind.
        on_job: told after each job of its desk.
        on_death: told when it died at a write.
    """

    def __init__(
        self,
        index: int,
        *,
        joins: bool,
        clock_offset_us: int,
        on_job: Callable[[PayingWallet], None],
        on_death: Callable[[PayingWallet], None],
    ) -> None:
        self.index = index
        self.joins = joins
        self.clock_offset_us = clock_offset_us
        self.store = MortalStore()
        words = new_words(f"wallet {index}".encode().ljust(16)[:16])
        self.wallet = new_wallet(self.store, source(AccountKind.BIP84, words))
        self.disk = LightDisk()
        self.home = Endpoint(f"99.{1 + index}.0.1", LISTENS_AT)
        self.number = -1
        self._on_job = on_job
        self._on_death = on_death
        self._open(Random(index))

    def start(self, simulation: Simulation, nodes: tuple[Endpoint, ...]) -> None:
        """Begin to run.

        Args:
            nodes: whose addresses it is told.
        """

        def boot(now: Instant) -> WalletNode:
            rng = simulation.random("paying wallet", self.index, now)
            return self._boot(rng, nodes, now)

        self.number = simulation.add(
            boot, self.home, perform=self._perform, clock_offset_us=self.clock_offset_us
        )

    @property
    def spv(self) -> SpvNode:
        """Its light client."""
        return self.machine.spv

    def _boot(self, rng: Random, nodes: tuple[Endpoint, ...], now: Instant) -> WalletNode:
        self.wallet = Wallet.load(self.store)
        self._open(rng)
        addrman = AddrMan(rng, lab=True)
        for endpoint in nodes:
            address = address_of(endpoint)
            assert address is not None, "nodes have IPv4 addresses"
            addrman.add([TimedAddress(now // SECOND, _NODE_SERVICES, address)], address, now)
        headers, filter_headers = self.disk.load()
        mark, wallet = self.wallet.scanned, self.wallet
        connections = ConnectionsConfig(
            port=REGTEST.port,
            max_connections=NODE_PEERS,
            v2=False,
            lab=True,
            needs=int(Services.COMPACT_FILTERS),
            impatient=True,
        )
        spv = SpvNode(
            LinkSettings(network=REGTEST, connections=connections),
            headers=headers,
            filter_headers=filter_headers,
            start=(
                ScanStart(None, None, wallet.birthday_s)
                if mark is None
                else ScanStart(mark.height, mark.hash)
            ),
            unconfirmed=wallet.unconfirmed_own(),
            addrman=addrman,
            bans=BanList(),
            rng=rng,
            now=now,
        )
        features = (PAYJOIN,) if self.joins else ()
        self.machine = WalletNode(spv, LinkNode(REGTEST, proves_link, rng, features))
        return self.machine

    def _open(self, rng: Random) -> None:
        wallet = self.wallet
        wallet.check_scripts = kernel
        book = self.book = Book(wallet.ledger)

        def make_payee(words: Mnemonic, _joins: bool) -> PayeeDesk:
            return PayeeDesk(wallet, book, words, kernel, Policy(), rng, joins=self.joins)

        self._desk = Desk(wallet, book, PayerDesk(wallet, book, kernel), make_payee, kernel)

    def _perform(self, job: object) -> object:
        self.store.is_armed = True
        try:
            if not isinstance(job, AtDesk):
                return perform(self.wallet, self.disk, job)
            outcome = self._desk.perform(job)
        except StorageError:
            self._on_death(self)
            raise
        finally:
            self.store.is_armed = False
        self._on_job(self)
        return outcome

    # What its owner does.

    def draft(self, script: bytes, amount_sat: int, coin: OutPoint) -> Psbt:
        """An unsigned payment from one coin.

        BDK orders outputs by a chance of its own, so it is drafted until the payee's comes first.
        """
        recipient = Recipient(script, amount_sat)
        for _ in range(100):
            made = draft(self.wallet, [recipient], feerate_sat_kvb=5_000, coins=[coin])
            if made.psbt.transaction.outputs[0].script_pubkey == script:
                return made.psbt
        raise AssertionError("one of two orders comes up in a hundred drafts")

    def sign(self, psbt: Psbt) -> Transaction:
        """A draft, signed and told to nobody."""
        signed = sign(self.wallet, psbt, PASSPHRASE)
        assert isinstance(signed, Transaction), "it is the only signer"
        return signed

    def free_coins(self, least_sat: int, depth: int) -> list[OutPoint]:
        """Coins so deep in blocks that hold enough and that no payment uses, by name."""
        return sorted(
            coin.outpoint
            for coin in self.wallet.coins()
            if coin.spendable and coin.confirmations >= depth and coin.amount_sat >= least_sat
        )
