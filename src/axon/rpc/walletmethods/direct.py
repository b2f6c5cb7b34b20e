"""Payments from wallet to wallet: invoices, and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from axon.errors import ConfigError, WalletError
from axon.machine import ANY_PORT, Endpoint, EndpointError
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.desk import FollowBlocks, IssueInvoice, ListDeals, OpenDesk, PayInvoice
from axon.payments.invoice import MAX_ENDPOINTS, Invoice, invoice_from_uri
from axon.payments.invoice import verify as verify_invoice
from axon.payments.partneraddress import DEFAULT_PORT
from axon.payments.payer import MAY_PAY_AGAIN
from axon.payments.terms import DAY_S, Terms
from axon.rpc.amounts import Json, amount_from
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.listenplace import read_listen_place
from axon.rpc.walletdaemon import WalletDaemon, refusal
from axon.rpc.walletmethods.dealjson import deal_json
from axon.rpc.walletmethods.named import parse_payment
from axon.rpc.walletmethods.payjoinplace import listen_for_payjoins, read_payjoin_place, uri_of
from axon.wallet.psbt import Psbt

NOBODY: Final = "none"
"""In place of an address: nobody is listened for."""

SHORTEST_NAME: Final = 8
"""So many digits of an invoice's id are enough to name it."""

LISTED: Final = 100
"""So many invoices and payments are listed where nobody says how many."""

ENDED: Final = frozenset(
    {DealStage.ACCEPTED, DealStage.SETTLED, DealStage.REFUSED, DealStage.EXPIRED}
)
"""Stages at which nobody waits for the partner any more."""


@method("payments", strict=True, nulls=True)
async def openpayments(
    daemon: WalletDaemon,
    passphrase: str,
    listen: str | None = None,
    *,
    payjoin: bool = True,
    payjoin_http: str | None = None,
    payjoin_url: str | None = None,
) -> Json:
    """Opens the wallet's words until it is closed, so that it can be paid by other wallets, and
    listens for them. May be called again, also with another address: invoices name them all.

    Args:
        passphrase: Opens the keys
        listen: The address and port to listen on, "onion" for an onion service that Tor makes, or
            "none" where payments come as files alone; left out: where it listens already, else
            this machine alone, any free port
        payjoin: False to join no payments with coins of this wallet; what the first call says holds
        payjoin_http: An address and port of this machine at which payjoins are offered over HTTP
            (BIP 78), for wallets that know no links; TLS or an onion service stands before it
        payjoin_url: How others reach that: it stands in invoices as pj=, with /pj/ and the
            invoice's id behind it; left out: http:// with that address, for this machine alone

    Returns:
        {                    (json object)
          "listening" : "str"  (string) Where other wallets reach this one; null for nowhere
        }
    """
    if listen is not None and listen != NOBODY:
        read_listen_place(listen)  # Before the words are opened, which stay open.
    if payjoin_http is not None:
        read_payjoin_place(payjoin_http, payjoin_url)
    await at_desk(daemon, OpenDesk(passphrase, payjoin))
    if payjoin_http is not None:
        await listen_for_payjoins(daemon, payjoin_http, payjoin_url)
    if listen == NOBODY:
        return {"listening": str(daemon.listening[0]) if daemon.listening else None}
    return {"listening": str(await listening_at(daemon, listen))}


async def listening_at(daemon: WalletDaemon, listen: str | None) -> Endpoint:
    """Listen where it is asked for, unless it is done already; from then on invoices name that
    first.

    Raises:
        RpcError: this is no place, or the system or Tor refuses.
    """
    try:
        return await _listening_at(daemon, listen)
    except ConfigError as error:
        raise RpcError(Code.MISC, str(error)) from None


async def _listening_at(daemon: WalletDaemon, listen: str | None) -> Endpoint:
    open_ones = daemon.listening
    if listen is None and open_ones:
        return open_ones[0]
    place = ANY_PORT if listen is None else read_listen_place(listen)
    if place is None:
        endpoint = await daemon.listen_onion()
    else:
        endpoint = place if place in open_ones else await daemon.listen(place)
    if endpoint in open_ones:
        open_ones.remove(endpoint)
    open_ones.insert(0, endpoint)
    return endpoint


@method("payments", strict=True, nulls=True)
async def createinvoice(
    daemon: WalletDaemon,
    amount: Json = None,
    label: str = "",
    message: str = "",
    expires_in: int = DAY_S,
    *,
    endpoints: list[str] | None = None,
) -> Json:
    """Makes an invoice that any wallet can pay on chain, and wallets that know how directly.

    Args:
        amount: How much in BTC; left out where the payer decides
        label: Who is paid
        message: What for
        expires_in: Seconds
        endpoints: Where others reach this wallet; left out: where it listens

    Returns:
        {                     (json object)
          "id" : "hex",         (string) Names the invoice
          "uri" : "str",        (string) What the payer gets
          "address" : "str",    (string) Where it can be paid on chain
          "expires" : n         (numeric) Seconds since 1970
        }
    """
    amount_sat = None if amount is None else amount_from(amount).sat
    try:
        reached = [Endpoint.parse(each, DEFAULT_PORT) for each in endpoints or ()]
    except EndpointError as error:
        raise RpcError(Code.PARAMETER, str(error)) from None
    reached = reached or daemon.listening[:MAX_ENDPOINTS]
    terms = Terms(amount_sat, label, message, expires_in, tuple(reached))
    invoice = await at_desk(daemon, IssueInvoice(terms))
    assert isinstance(invoice, Invoice), "what is not refused is made"
    return {
        "id": invoice.id.hex(),
        "uri": uri_of(daemon, invoice),
        "address": invoice.address,
        "expires": invoice.expires_s,
    }


@method("payments", strict=True, nulls=True)
async def payinvoice(
    daemon: WalletDaemon,
    uri: str,
    psbt: str,
    passphrase: str,
    payjoin: bool = True,
    *,
    wait: int = 0,
    dial: bool = True,
) -> Json:
    """Signs a payment, and hands it to who wrote the invoice; without him it is settled as it is.

    Args:
        uri: The invoice
        psbt: A draft that pays it, in base64 or hex
        passphrase: Opens the keys, for this call only
        payjoin: Let the payee join it with a coin of his
        wait: Wait so many milliseconds at most until it is accepted or refused
        dial: False to dial nobody: the payment goes to the network at once, and its packet
            (getpacket) to the payee by other ways

    Returns:
        {...}    (json object) As in listdeals
    """
    invoice = await payable_invoice(daemon, uri)
    draft = parse_payment(psbt)
    if not isinstance(draft, Psbt):
        raise RpcError(Code.PARAMETER, "expected a draft, not a finished transaction")
    await at_desk(daemon, PayInvoice(invoice, draft, passphrase, payjoin, dial))
    deal = await wait_for_deal(
        daemon, Role.PAYER, invoice.id, wait, lambda deal: deal.stage in ENDED
    )
    return deal_json(daemon, deal)


async def payable_invoice(daemon: WalletDaemon, uri: str) -> Invoice:
    """An invoice that can still be paid by this wallet.

    Raises:
        RpcError: it is none, has expired, or was paid.
    """
    try:
        invoice = invoice_from_uri(uri, daemon.node.settings.network)
        if isinstance(invoice, Invoice):
            verify_invoice(invoice, daemon.now_s)
    except WalletError as error:
        raise refusal(error) from error
    if not isinstance(invoice, Invoice):
        raise RpcError(Code.PARAMETER, "this URI can be paid on chain only: it is no invoice")
    for deal in await find_deals(daemon, invoice.id.hex()):
        if deal.role is Role.PAYER and deal.stage not in MAY_PAY_AGAIN:
            raise RpcError(
                Code.WALLET,
                f"this invoice is paid already, and that payment is {deal.stage}: axon wallet"
                f" payments {daemon.name} {deal.invoice.id.hex()[:16]} tells more",
            )
    return invoice


@method("payments")
async def listdeals(
    daemon: WalletDaemon, invoice: str | None = None, count: int = LISTED, skip: int = 0
) -> Json:
    """What was asked of others and by others, the latest change first.

    Args:
        invoice: The id of one invoice, or its first digits, 8 at least
        count: How many to return
        skip: How many to leave out before

    Returns:
        [                        (json array)
          {                        (json object)
            "id" : "hex",            (string) The invoice's
            "role" : "str",          (string) payee or payer
            "stage" : "str",         (string) issued, linked, offered, checked, joined, accepted,
                                     settled, expired or refused
            "changed" : n,           (numeric) Since when, seconds since 1970
            "reason" : "str",        (string) Why it was refused; else empty
            "advice" : "str",        (string) What its payer can do about that; else empty
            "uri" : "str",           (string) The invoice
            "address" : "str",       (string) Where it is paid
            "amount" : n,            (numeric) What it asks for; null for any amount
            "label" : "str",         (string) Who is paid, by his own word
            "message" : "str",       (string) What for
            "txid" : "hex",          (string) The payment; null before it
            "joined" : bool,         (boolean) Whether it is a payjoin
            "level" : n,             (numeric) What is known of it, 0 to 6; null before it
            "height" : n,            (numeric) Up to which block that is known; null before it
            "searched" : n,          (numeric) Up to which block spends of its coins were looked
                                     for so far; null where none are, or a thousand are to come
            "peers" : n,             (numeric) How many nodes say so; null before it
            "shown" : {              (json object) The same in words; null before it
              "headline" : "str",      (string) In one sentence
              "proved" : [...],        (json array) What was shown
              "unproved" : [...]       (json array) What was not
            },
            "receipt" : bool         (boolean) Whether there is one
          }, ...
        ]
    """
    if count < 0 or skip < 0:
        raise RpcError(Code.PARAMETER, "Negative count" if count < 0 else "Negative skip")
    return [deal_json(daemon, deal) for deal in await find_deals(daemon, invoice, skip, count)]


@method("payments")
async def waitfordeal(daemon: WalletDaemon, invoice: str, stage: str, timeout: int = 0) -> Json:
    """Waits until what was asked for has come to a stage, or has ended.

    Args:
        invoice: The id of an invoice of this wallet
        stage: As in listdeals
        timeout: So many milliseconds at most; 0 for as long as it takes

    Returns:
        {...}    (json object) As in listdeals
    """
    try:
        wanted, name = DealStage(stage), bytes.fromhex(invoice)
    except ValueError:
        raise RpcError(Code.PARAMETER, "expected the id of an invoice, and a stage") from None
    wait_ms = timeout or None
    ended = ENDED - {DealStage.ACCEPTED} if wanted is DealStage.SETTLED else ENDED
    deal = await wait_for_deal(
        daemon, Role.PAYEE, name, wait_ms, lambda deal: deal.stage is wanted or deal.stage in ended
    )
    return deal_json(daemon, deal)


@method("payments")
async def getreceipt(daemon: WalletDaemon, invoice: str) -> Json:
    """The receipt of a payment, as a text that can be kept and checked without a network.

    Args:
        invoice: The id of the invoice, or its first digits, 8 at least

    Returns:
        "str"    (string) The receipt
    """
    for deal in await find_deals(daemon, invoice):
        if deal.receipt is not None:
            return deal.receipt.encode()
    raise RpcError(Code.NOT_FOUND, "there is no receipt for this invoice")


async def at_desk(daemon: WalletDaemon, command: object) -> object:
    """What the wallet's desk answers.

    Raises:
        RpcError: it refuses.
    """
    answer = await daemon.command(command)
    if isinstance(answer, WalletError):
        raise refusal(answer) from answer
    return answer


async def find_deals(
    daemon: WalletDaemon, name: str | None = None, skip: int = 0, count: int | None = None
) -> tuple[Deal, ...]:
    """Deals by the id of their invoice or its first digits; by no name all of them."""
    if name is not None and len(name) < SHORTEST_NAME:
        return ()
    found = await daemon.command(ListDeals((name or "").lower(), skip, count))
    assert isinstance(found, tuple), "a desk lists its deals"
    return found


async def wait_for_deal(
    daemon: WalletDaemon,
    role: Role,
    invoice_id: bytes,
    wait_ms: int | None,
    holds: Callable[[Deal], bool],
) -> Deal:
    """A deal once something holds of it, or as it is when the time is over.

    Raises:
        RpcError: there is none.
    """
    loop = asyncio.get_running_loop()
    until = None if wait_ms is None else loop.time() + wait_ms / 1_000
    while True:
        known = daemon.deal_news.count
        deals = [each for each in await find_deals(daemon, invoice_id.hex()) if each.role is role]
        if not deals:
            raise RpcError(Code.NOT_FOUND, "there is no such invoice in this wallet")
        (deal,) = deals
        left_s = None if until is None else until - loop.time()
        if holds(deal) or (left_s is not None and left_s <= 0):
            return deal
        if deal.packet is None and deal.is_open:
            expires_s = float(deal.invoice.expires_s - daemon.now_s)
            if expires_s <= 0:
                await daemon.command(FollowBlocks())  # No block need come for it to expire.
                continue
            left_s = expires_s if left_s is None else min(left_s, expires_s)
        await daemon.deal_news.wait(known, left_s)
