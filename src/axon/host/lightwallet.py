"""A wallet with its light client, put together and run for as long as it is needed.

    async with light_wallet(LightSettings(network, folder), "alice") as wallet:
        await wallet.wait_synced()
        print(await wallet.call("getbalances"))

<datadir>/<network>/light/           headers and peers, shared by all wallets
<datadir>/<network>/wallets/NAME/    wallet.sqlite, and what this one run needs
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.driver import Stopped
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import AxonError, ConfigError
from axon.host.lightclient import LightParts, RunningLight, assemble_parts, open_storage
from axon.host.lightstorage import LightStorage
from axon.host.onion import WalletOnion
from axon.host.payjoinport import PayjoinPort
from axon.host.reaching import with_addresses
from axon.host.running import Driven, RpcAccess
from axon.host.settings import LightSettings
from axon.host.walletcopies import OpenFile
from axon.machine import Endpoint
from axon.mempool.policy import Policy
from axon.node.scanflow import ScanStart
from axon.payments.book import Book
from axon.payments.deal import Deal, Role
from axon.payments.desk import Desk, ListDeals
from axon.payments.invoice import Invoice, invoice_from_uri
from axon.payments.partneraddress import DEFAULT_PORT, PartnerAddress
from axon.payments.payee import PayeeDesk
from axon.payments.payer import PayerDesk
from axon.payments.terms import DAY_S
from axon.primitives.network import NETWORKS
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Verdict
from axon.rpc.amounts import Json, format_amount, whole
from axon.rpc.dispatch import Registry
from axon.rpc.jsonrpc import call_params
from axon.rpc.listenplace import ONION
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods import WALLET_MODULES
from axon.wallet.keys import Mnemonic
from axon.wallet.wallet import Wallet

MAINTENANCE_INTERVAL_S: Final = 60.0
"""How often a wallet drops what was promised long ago and never came."""

PATIENCE_S: Final = 65.0
"""For so long a payee is waited for; the payment is settled without him after a minute."""

WALLET_FILE: Final = "wallet.sqlite"


class RunningWallet(RunningLight):
    """A wallet that is open, with its light client.

    Args:
        settings: how it meets its peers.
        parts: what runs.
        daemon: what its RPC methods are given.
        registry: those methods.
    """

    def __init__(
        self,
        settings: LightSettings,
        parts: LightParts,
        daemon: WalletDaemon,
        registry: Registry,
    ) -> None:
        super().__init__(settings, parts, daemon.wait_for)
        self.daemon = daemon
        self.registry = registry
        self.rpc: RpcAccess | None = None
        """Where its RPC server answers; None if it has none."""

    @property
    def name(self) -> str:
        """Its own."""
        return self.daemon.name

    async def call(self, method: str, /, *args: object, **named: object) -> Json:
        """Call one of the wallet's RPC methods right here.

        Raises:
            RpcError: it refuses.
        """
        return whole(await self.registry.execute(self.daemon, method, call_params(args, named)))

    # Payments from wallet to wallet.

    async def open_payments(
        self, passphrase: str, listen: Endpoint | None = None, *, onion: bool = False
    ) -> Endpoint:
        """Open the wallet's words until it is closed, and listen for wallets that pay it.

        Args:
            listen: where; None for where it does already, else any free port of this machine alone.
            onion: by an onion service instead, which Tor makes (`LightSettings.tor`).

        Returns:
            Where others reach it.

        Raises:
            RpcError: the passphrase is wrong, nobody can listen there, or Tor refuses.
        """
        where = ONION if onion else None if listen is None else str(listen)
        told = await self.call("openpayments", passphrase, where)
        return Endpoint.parse(told["listening"], DEFAULT_PORT)

    async def serve_wallets(self, listen: Endpoint | None = None) -> PartnerAddress:
        """Give other wallets headers, and filters that are kept, until it is closed.

        Args:
            listen: where; None for where it does already, else any free port of this machine alone.

        Returns:
            By which they find it; `LightSettings(partners=...)` takes it.

        Raises:
            RpcError: nobody can listen there.
        """
        where = None if listen is None else str(listen)
        told = await self.call("servewallets", where)
        return PartnerAddress.parse(told["partner"])

    async def create_invoice(
        self,
        amount_sat: int | None = None,
        *,
        label: str = "",
        message: str = "",
        lifetime_s: int = DAY_S,
        endpoints: Sequence[Endpoint] = (),
    ) -> Invoice:
        """Ask for a payment; its `to_uri()` is what the payer gets. `open_payments` comes first.

        Args:
            amount_sat: how much; None where the payer decides.
            label: who is paid.
            message: what for.
            lifetime_s: after so many seconds it is not paid any more.
            endpoints: where others reach this wallet; none for where it listens.

        Raises:
            RpcError: the words are not open, or these terms cannot be an invoice's.
        """
        amount = None if amount_sat is None else format_amount(amount_sat)
        reached = [str(each) for each in endpoints]
        made = await self.call(
            "createinvoice", amount, label, message, lifetime_s, {"endpoints": reached}
        )
        invoice = invoice_from_uri(made["uri"], self.settings.network)
        assert isinstance(invoice, Invoice), "its own can be read back"
        return invoice

    async def pay_invoice(
        self,
        uri: str,
        psbt: str,
        passphrase: str,
        *,
        payjoin: bool = True,
        timeout_s: float = PATIENCE_S,
    ) -> Deal:
        """Sign a payment, and hand it to who wrote the invoice.

        Args:
            uri: the invoice.
            psbt: pays it: from `call("draftpayment", ...)`, and looked at.
            payjoin: the payee may join it with a coin of his.
            timeout_s: for so long it is waited until it is accepted or refused; it goes on then.

        Returns:
            How far it is.

        Raises:
            RpcError: this invoice, this draft or this passphrase is not taken; nothing was sent.
        """
        chosen = {"wait": round(timeout_s * 1_000)}
        told = await self.call("payinvoice", uri, psbt, passphrase, payjoin, chosen)
        return next(
            deal
            for deal in await self.deals()
            if deal.role is Role.PAYER and deal.invoice.id.hex() == told["id"]
        )

    async def deals(self) -> tuple[Deal, ...]:
        """What was asked and paid from wallet to wallet, the latest change first."""
        found: tuple[Deal, ...] = await self.ask(ListDeals())
        return found

    async def receipt(self, invoice: Invoice) -> str:
        """What the payee has signed, as a text that can be kept, and checked without a network.

        Raises:
            RpcError: there is none.
        """
        return str(await self.call("getreceipt", invoice.id.hex()))


@asynccontextmanager
async def light_wallet(
    settings: LightSettings, name: str, *, clock: Clock | None = None
) -> AsyncIterator[RunningWallet]:
    """A wallet and its light client, until the block is left.

    If it fails later, whoever is in the block is interrupted (`CancelledError`), and the failure
    comes out of the block.

    Args:
        settings: how it meets its peers.
        name: of the wallet.
        clock: the time it is told; None for this machine's.

    Raises:
        ConfigError: there is no wallet of this name.
        StorageError: it is open elsewhere, damaged, or the disk refuses.
    """
    store = await asyncio.to_thread(_open_store, settings, name)
    try:
        wallet = await asyncio.to_thread(Wallet.load, store)
        if not wallet.ledger.meet(settings.network):
            raise ConfigError(
                f"wallet {name!r} is one of {wallet.network.name}, not {settings.network.name}"
            )
        wallet.check_scripts = check_scripts
        storage = await asyncio.to_thread(open_storage, settings)
        try:
            file = OpenFile(store, settings.wallet_folder(name) / WALLET_FILE)
            async with _running(settings, name, wallet, file, storage, clock) as running:
                yield running
        finally:
            await asyncio.to_thread(storage.close)
    finally:
        await asyncio.to_thread(store.close)


def find_wallet(settings: LightSettings, name: str) -> Path:
    """The file of a wallet.

    Raises:
        ConfigError: there is no wallet of this name; if another network has one, it is named.
    """
    path = settings.wallet_folder(name) / WALLET_FILE
    if path.exists():
        return path
    where = f"there is no wallet {name!r} on {settings.network.name}"
    datadir = settings.folder.parent if settings.network.folder else settings.folder
    elsewhere = [
        network.name
        for network in NETWORKS.values()
        if network.name != settings.network.name
        and (datadir / network.folder / "wallets" / name / WALLET_FILE).exists()
    ]
    if elsewhere:
        raise ConfigError(
            f"{where}, but there is one on {' and '.join(elsewhere)}: -chain={elsewhere[0]} opens"
            " it"
        )
    raise ConfigError(f"{where}; axon wallet list shows those there are")


def _open_store(settings: LightSettings, name: str) -> SqliteStore:
    return SqliteStore(find_wallet(settings, name))


@asynccontextmanager
async def _running(
    settings: LightSettings,
    name: str,
    wallet: Wallet,
    file: OpenFile,
    storage: LightStorage,
    clock: Clock | None,
) -> AsyncIterator[RunningWallet]:
    desk = _desk(wallet)
    unconfirmed = tuple(wallet.unconfirmed_own())
    parts = await assemble_parts(
        settings, storage, wallet, _start(wallet), unconfirmed, clock, desk
    )
    driver, folder = parts.driver, settings.wallet_folder(name)
    onion = WalletOnion(settings.tor, folder, DEFAULT_PORT, driver.listen)
    payjoins = PayjoinPort(driver.ask)
    daemon = WalletDaemon(
        node=parts.machine,
        name=name,
        folder=folder,
        file=file,
        clock=parts.clock,
        command=driver.ask,
        listen=driver.listen,
        listen_onion=onion.reach,
        listen_payjoin=payjoins.listen,
        routes=await with_addresses(settings.routes),
        deal_news=parts.deal_news,
        stop=parts.stream.end,
        traffic=lambda: (driver.received_bytes, driver.sent_bytes),
        started_at=parts.clock.now(),
    )
    parts.stream.hand_to(daemon.reported)
    try:
        running = Driven(driver, parts.save_now_and_then(), _maintain(daemon), onion.keep())
        async with running, payjoins:
            yield RunningWallet(settings, parts, daemon, Registry(WALLET_MODULES))
    except BaseException:
        daemon.interrupt()
        with suppress(AxonError):  # The first failure is the one to tell.
            await parts.save()
        raise
    daemon.interrupt()
    await parts.save()


def _desk(wallet: Wallet) -> Desk:
    book, rng = Book(wallet.ledger), SystemRandom()

    def make_payee(words: Mnemonic, joins: bool) -> PayeeDesk:
        return PayeeDesk(wallet, book, words, check_scripts, Policy(), rng, joins=joins)

    payer = PayerDesk(wallet, book, check_scripts)
    return Desk(wallet, book, payer, make_payee, check_scripts)


def check_scripts(
    transaction: Transaction, spent: Sequence[TxOut], /, *, relayed: bool = True
) -> Verdict:
    """Whether all inputs of a transaction satisfy what they spend; see `ScriptCheck`."""
    # The library takes memory, and few wallets are used on two devices.
    from axon.consensus.scripts import verify_scripts
    from axon.consensus.validator import ScriptFlags

    return verify_scripts(transaction, spent, ScriptFlags.STANDARD if relayed else ScriptFlags.ALL)


def _start(wallet: Wallet) -> ScanStart:
    mark = wallet.scanned
    if mark is None:
        return ScanStart(None, None, wallet.birthday_s)
    return ScanStart(mark.height, mark.hash)


@dataclass(frozen=True, slots=True)
class _ExpireUnconfirmed:
    now_s: int

    def run(self, wallet: Wallet) -> None:
        wallet.expire_unconfirmed(self.now_s)


async def _maintain(daemon: WalletDaemon) -> None:
    """What is done now and then while a wallet is open, in its lane."""
    with suppress(Stopped):
        while True:
            await daemon.ask(_ExpireUnconfirmed(daemon.now_s))
            await asyncio.sleep(MAINTENANCE_INTERVAL_S)
