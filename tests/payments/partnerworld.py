"""Wallets that serve wallets, with nodes and without, in virtual time: real but for their disks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from axon.chain.store import MemoryStore
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
from axon.payments.linkfeatures import CHAIN
from axon.payments.linkport import LinkPort
from axon.payments.messages import LinkMessage
from axon.payments.partneraddress import PartnerAddress
from axon.payments.partnerevents import PartnerState, ServePartners
from axon.payments.partnernode import PartnerNode
from axon.payments.payee import PayeeDesk
from axon.payments.payer import PayerDesk
from axon.payments.walletnode import WalletNode
from axon.primitives.netaddress import TimedAddress
from axon.primitives.network import REGTEST
from axon.wallet.keys import AccountKind, Mnemonic, new_words
from axon.wallet.wallet import Wallet
from tests.node.lightnetwork import FILTERS, SimNetwork  # type: ignore[attr-defined]
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import BOB, FULL
from tests.payments.payscene import kernel
from tests.wallet.scene import new_wallet, source

LISTENS_AT = 9735

Lie = Callable[[LinkMessage], Sequence[LinkMessage]]


def _lies(port: LinkPort, lie: Lie) -> None:
    """Have a wallet say other things than it would."""
    says = port.reply

    def reply(task: int, now: Instant, *messages: LinkMessage, end: str | None = None) -> None:
        says(task, now, *[each for message in messages for each in lie(message)], end=end)

    port.reply = reply  # type: ignore[method-assign]


class ServingWallet:
    """A wallet and its program.

    Args:
        net: where it runs.
        index: among the wallets.
        contacts: nodes that it knows, by number.
        named: partners that a person named.
        finds: it dials others that it knows, too.
        keep: it keeps filters.
        lie: what it says in place of an answer; None for the truth.
    """

    def __init__(
        self,
        net: SimNetwork,
        index: int,
        *,
        contacts: Sequence[int] = (),
        named: Sequence[PartnerAddress] = (),
        finds: bool = False,
        keep: bool = True,
        lie: Lie | None = None,
    ) -> None:
        self.net = net
        self.facts: list[object] = []
        self.naive = NaiveWallet([BOB.script])
        self.disk = self.naive.disk = type(self.naive.disk)(keep_filters=keep)
        self.home = Endpoint(f"99.{index}.0.1", LISTENS_AT)
        self.named, self._finds, self._contacts = tuple(named), finds, contacts
        self.store = MemoryStore()
        words = new_words(f"wallet {index}".encode().ljust(16)[:16])
        new_wallet(self.store, source(AccountKind.BIP84, words))
        self._index, self._lie = index, lie
        self.number = net.simulation.add(
            self._boot,
            self.home,
            perform=self._perform,
            on_report=lambda fact, _: self.facts.append(fact),
        )

    def _boot(self, now: Instant) -> WalletNode:
        rng = self.net.simulation.random("serving wallet", self._index, now)
        self._desk = self._open(rng)
        addrman = AddrMan(rng, lab=True)
        for number in self._contacts:
            address = address_of(self.net.nodes[number].endpoint)
            assert address is not None
            addrman.add([TimedAddress(now // SECOND, FULL | FILTERS, address)], address, now)
        connections = ConnectionsConfig(
            port=REGTEST.port, max_connections=6, v2=False, lab=True, needs=FILTERS, impatient=True
        )
        headers, filter_headers = self.disk.load()
        spv = SpvNode(
            LinkSettings(network=REGTEST, connections=connections),
            headers=headers,
            filter_headers=filter_headers,
            start=ScanStart(*(self.naive.scanned or (None, None, 0))),
            addrman=addrman,
            bans=BanList(),
            rng=rng,
            now=now,
        )
        links = LinkNode(REGTEST, proves_link, rng, (CHAIN,))
        partners = PartnerNode(links, rng, named=self.named, finds=self._finds)
        if self._lie is not None:
            _lies(partners._port, self._lie)
        return WalletNode(spv, partners)

    def _open(self, rng: Random) -> Desk:
        wallet = Wallet.load(self.store)
        book = Book(wallet.ledger)

        def make_payee(words: Mnemonic, _joins: bool) -> PayeeDesk:
            return PayeeDesk(wallet, book, words, kernel, Policy(), rng)

        return Desk(wallet, book, PayerDesk(wallet, book, kernel), make_payee, kernel)

    def _perform(self, job: object) -> object:
        if isinstance(job, AtDesk):
            return self._desk.perform(job)
        return perform(self.naive, self.disk, job)

    @property
    def node(self) -> WalletNode:
        """Its machine."""
        machine = self.net.simulation.machine(self.number)
        assert isinstance(machine, WalletNode)
        return machine

    @property
    def spv(self) -> SpvNode:
        """Its light client."""
        return self.node.spv

    @property
    def height(self) -> int:
        """Of the best header that it knows."""
        return self.spv.headers.best.height

    def ask(self, command: object) -> object:
        """Its answer to a command."""
        return self.net.simulation.ask(self.number, command)

    def serve(self) -> PartnerAddress:
        """Have it serve wallets."""
        address = self.ask(ServePartners(self.home))
        assert isinstance(address, PartnerAddress)
        return address

    def partners(self) -> dict[PartnerAddress, PartnerState]:
        """The partners that it knows."""
        links = self.node._links
        assert isinstance(links, PartnerNode)
        return {state.address: state for state in links._states()}

    def partner(self, address: PartnerAddress) -> PartnerState:
        """What it knows of one of them."""
        unknown = PartnerState(address, False, False, 0, 0, 0)
        return self.partners().get(address, unknown)

    def until(self, condition: Callable[[], bool], within: Instant = MINUTE) -> None:
        """Let time pass until something holds."""
        simulation = self.net.simulation
        limit = simulation.now + within
        assert simulation.run_until(condition, limit), f"seed {simulation.seed}"
