"""One wallet on regtest, connected to a node of the test and holding coins if it should."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from axon.errors import ConfigError
from axon.primitives.network import REGTEST
from axon.rpc.amounts import format_amount
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.processidentity import ProcessIdentity
from axon.swarm.lab.walletprocess import PASSPHRASE, WalletProcess
from axon.testing.guard import Guarded
from axon.testing.nodes import RegtestNode, log_added, temporary
from axon.wallet.paymenturi import parse_payment_uri

SEEN_LIMIT_S: Final = 30.0

PAID_LIMIT_S: Final = 20.0
"""For so long a payee is waited for."""


class RegtestWallet(Guarded, WalletProcess):
    """A wallet that runs for a test.

    Args:
        name: of the wallet.
        folder: its data directory.
        nodes: those that it is connected to.
    """

    def __init__(self, name: str, folder: Path, nodes: Iterable[NodeProcess]) -> None:
        super().__init__(name, folder)
        self._nodes = tuple(nodes)
        self._opened: ProcessIdentity | None = None  # The process whose words are open.

    @property
    def log(self) -> Path:
        """What it writes down as it goes."""
        return self.wallet_folder / "debug.log"

    def arguments(self, extra: Iterable[str] = ()) -> list[str]:
        """The command line."""
        connect = [f"-connect={each.door}" for each in self._nodes] or ["-offline"]
        return [*super().arguments(), "-lab", "-debug=net", *connect, *extra]

    def address(self) -> str:
        """A fresh address of its own."""
        return str(self.rpc("getnewaddress"))

    def balance(self) -> Decimal:
        """What it may spend, in bitcoin; its own unconfirmed change counts."""
        return Decimal(str(self.rpc("getbalances")["mine"]["trusted"]))

    def pay(self, address: str, amount: Decimal | str, feerate: float = 2.0) -> str:
        """Pay an address; the txid.

        Args:
            amount: in bitcoin.
            feerate: in sat/vB.
        """
        draft = self.rpc("draftpayment", {address: str(amount)}, {"fee_rate": feerate})
        return str(self.rpc("sendpayment", draft["psbt"], PASSPHRASE)["txid"])

    def invoice(
        self, amount: Decimal | str | None = None, label: str = "", message: str = ""
    ) -> str:
        """Ask another wallet for a payment, and listen for it; the URI to pay.

        Args:
            amount: in bitcoin; None where the payer decides.
            label: who is paid.
            message: what for.
        """
        if self._opened != self.identity:
            self.rpc("openpayments", PASSPHRASE)
            self._opened = self.identity
        asked = None if amount is None else str(amount)
        return str(self.rpc("createinvoice", asked, label, message)["uri"])

    def pay_invoice(
        self,
        uri: str,
        amount: Decimal | str | None = None,
        *,
        feerate: float = 2.0,
        payjoin: bool = True,
    ) -> dict[str, Any]:
        """Pay another wallet directly; how far it is, as `listdeals` says it.

        The payee must have seen the block of the coins that are spent (`wait_seen`).

        Args:
            uri: an invoice.
            amount: in bitcoin, where the invoice leaves it open.
            feerate: in sat/vB.
            payjoin: the payee may join it with a coin of its own.

        Raises:
            ConfigError: neither names an amount.
        """
        asked = parse_payment_uri(uri, REGTEST)
        if amount is None and asked.amount_sat is None:
            raise ConfigError("this invoice leaves the amount to the payer: name one, as in '0.5'")
        paid = str(amount) if asked.amount_sat is None else format_amount(asked.amount_sat)
        draft = self.rpc("draftpayment", {asked.address: paid}, {"fee_rate": feerate})
        chosen = {"wait": round(PAID_LIMIT_S * 1_000)}
        told = self.rpc("payinvoice", uri, draft["psbt"], PASSPHRASE, payjoin, chosen)
        assert isinstance(told, dict), "a deal is an object"
        return told

    def wait_deal(self, invoice: str, stage: str = "settled") -> dict[str, Any]:
        """Wait until a payment from wallet to wallet is at a stage; it, as `listdeals` says it.

        Args:
            invoice: its id, as `pay_invoice` tells it.
            stage: `accepted`, `settled`, `refused`, ...

        Raises:
            TooLate: it is not in time.
        """
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            found[:] = self.rpc("listdeals", invoice)
            return any(deal["stage"] == stage for deal in found)

        wait_until(is_there, SEEN_LIMIT_S, f"{self.name} has invoice {invoice[:16]} {stage}")
        return found[0]

    def wait_seen(self, height: int) -> None:
        """Wait until it has looked at all blocks up to a height.

        Raises:
            TooLate: it has not in time.
        """
        if height == 0:
            return  # The first block is known to all; nobody is asked for it.
        wait_until(
            lambda: self.scanned()[0] >= height, SEEN_LIMIT_S, f"{self.name} has seen {height}"
        )


def funding(nodes: Sequence[RegtestNode], funded: Decimal | str) -> Decimal:
    """What a new wallet is to hold, in bitcoin.

    Raises:
        ConfigError: it is no amount, or there is no node to pay it.
    """
    try:
        amount = Decimal(funded)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"funded={funded!r} is no amount of bitcoin, as in '2.5'")
    if amount and not nodes:
        raise ConfigError("a wallet is funded by its first node: name one")
    return amount


@contextmanager
def wallet(
    *nodes: RegtestNode,
    name: str = "wallet",
    funded: Decimal | str = "0",
    folder: Path | None = None,
) -> Iterator[RegtestWallet]:
    """A wallet on regtest, until the block is left.

    Args:
        nodes: those that it is connected to; the first one funds it.
        funded: bitcoin that it holds, confirmed, when the block is entered.
        folder: its data directory; None for one that is removed at the end.

    Raises:
        NodeFailed: it does not start.
        ConfigError: it is funded by no node, or with what is no amount.
        AxonError: the first node has no ripe coins.
    """
    amount = funding(nodes, funded)
    with (
        temporary(folder) as used,
        RegtestWallet(name, used / name, nodes) as made,
        log_added(made, made.log),
    ):
        made.create()
        made.start()
        if amount:
            nodes[0].fund(made.address(), amount)
            nodes[0].mine(1)
        if nodes:
            made.wait_seen(nodes[0].height())
        yield made
