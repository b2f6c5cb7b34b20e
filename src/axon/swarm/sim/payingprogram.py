"""A wallet that pays and is paid directly, as a program of the simulation."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from axon.chain.store import MemoryStore
from axon.drivers.sim.driver import Simulation
from axon.host.lightwallet import check_scripts
from axon.machine import Endpoint, Instant
from axon.mempool.policy import Policy
from axon.node.walletjobs import perform
from axon.payments.book import Book
from axon.payments.desk import AtDesk, Desk, OpenDesk
from axon.payments.invoice import proves_link
from axon.payments.link import LinkNode
from axon.payments.linkfeatures import PAYJOIN
from axon.payments.payee import PayeeDesk
from axon.payments.payer import PayerDesk
from axon.payments.walletnode import WalletNode
from axon.primitives.hashes import sha256
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction
from axon.swarm.sim.lightprogram import Device, Ways, boot_light
from axon.wallet.keys import ENTROPY_SIZE, AccountKind, Mnemonic, from_words, new_words
from axon.wallet.payment import Payee, draft
from axon.wallet.psbt import Psbt
from axon.wallet.seal import NONCE_SIZE, SALT_SIZE
from axon.wallet.signing import sign
from axon.wallet.wallet import Wallet

PASSPHRASE: Final = "of a wallet in virtual time"
FEERATE_SAT_KVB: Final = 5_000

_CHEAP_LOG_N: Final = 1
"""Cost of a seal that nobody keeps."""

_TRIES: Final = 100


class PayingDevice(Device):
    """The program and the keys of somebody who pays and is paid directly.

    Args:
        name: of the wallet, from which its words follow.

    Attributes:
        home: where others reach it.
        book: its payments.
    """

    def __init__(self, name: str) -> None:
        words = new_words(sha256(f"wallet {name}".encode())[:ENTROPY_SIZE])
        salt, nonce = bytes(SALT_SIZE), bytes(NONCE_SIZE)
        source = from_words(
            words, REGTEST, AccountKind.BIP84, PASSPHRASE, salt, nonce, log_n=_CHEAP_LOG_N
        )
        super().__init__(Wallet.create(MemoryStore(), REGTEST, source, birthday_s=0))
        self.wallet.check_scripts = check_scripts
        self.home = Endpoint("0.0.0.0", 0)
        self.book = Book(self.wallet.ledger)
        self._desk: Desk

    @property
    def script(self) -> bytes:
        """Where it is paid."""
        return self.wallet.watched_scripts()[0]

    def start(
        self,
        simulation: Simulation,
        home: Endpoint,
        ways: Ways,
        *,
        listens: bool,
        on_report: Callable[[object, Instant], None],
    ) -> None:
        """Begin to run.

        Args:
            home: where it listens, if it does, and dials from.
            listens: others may dial it.
            on_report: is told every fact.
        """

        def boot(now: Instant) -> WalletNode:
            rng = simulation.random(f"paying wallet at {home.host}", now)
            self._open(rng)
            light = boot_light(self, ways, rng, now)
            return WalletNode(light, LinkNode(REGTEST, proves_link, rng, (PAYJOIN,)))

        self.home = home
        self.number = simulation.add(
            boot, home, perform=self._perform, on_report=on_report, listens=listens
        )
        self.open_words(simulation)

    def open_words(self, simulation: Simulation) -> None:
        """Have its owner open the words, after each start."""
        simulation.command(self.number, OpenDesk(PASSPHRASE))

    def _open(self, rng: Random) -> None:
        wallet, book = self.wallet, self.book

        def make_payee(words: Mnemonic, _joins: bool) -> PayeeDesk:
            return PayeeDesk(wallet, book, words, check_scripts, Policy(), rng)

        payer = PayerDesk(wallet, book, check_scripts)
        self._desk = Desk(wallet, book, payer, make_payee, check_scripts)

    def _perform(self, job: object) -> object:
        if isinstance(job, AtDesk):
            return self._desk.perform(job)
        return perform(self.wallet, self.disk, job)

    # What its owner does.

    def coins(self, least_sat: int) -> list[OutPoint]:
        """Coins in blocks that hold enough and that no payment uses, by name."""
        return sorted(
            coin.outpoint
            for coin in self.wallet.coins()
            if coin.spendable and coin.confirmations and coin.amount_sat >= least_sat
        )

    def draft(self, script: bytes, amount_sat: int, coin: OutPoint) -> Psbt:
        """An unsigned payment from one coin.

        The library orders outputs by a chance of its own, so it is asked until the payee's comes
        first: equal runs make equal payments.
        """
        for _ in range(_TRIES):
            made = draft(
                self.wallet,
                [Payee(script, amount_sat)],
                feerate_sat_kvb=FEERATE_SAT_KVB,
                coins=[coin],
            )
            if made.psbt.transaction.outputs[0].script_pubkey == script:
                return made.psbt
        raise AssertionError("one of two orders comes up in a hundred drafts")

    def sign(self, psbt: Psbt) -> Transaction:
        """A draft, signed and told to nobody."""
        signed = sign(self.wallet, psbt, PASSPHRASE)
        assert isinstance(signed, Transaction), "it is the only signer"
        return signed
