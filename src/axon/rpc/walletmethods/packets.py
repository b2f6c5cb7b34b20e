"""Payments as files and codes, between wallets that never meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from axon.errors import DecodeError, WalletError
from axon.node.blockreads import ExamineBlock
from axon.payments.beef import Beef, completed, encode_beef, missing_proofs
from axon.payments.byfile import (
    CheckPacket,
    FileChecked,
    PaymentFile,
    TakePacket,
    TakeReceipt,
    read_payment,
    refuse_unpayable,
)
from axon.payments.coinsfound import claimed_coins, found_verdict
from axon.payments.deal import Role
from axon.payments.packet import Confirmed, Packet
from axon.payments.packetbuilder import CannotProve, build_packet
from axon.payments.packetfile import to_parts, to_text
from axon.payments.receipt import Receipt
from axon.payments.verdict import PaymentLevel
from axon.primitives.hashes import Txid, from_hex, to_hex
from axon.rpc.amounts import Amount, Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon, refusal
from axon.rpc.walletmethods.dealjson import deal_json, shown_json
from axon.rpc.walletmethods.direct import (
    ENDED,
    at_desk,
    find_deals,
    wait_for_deal,
)
from axon.wallet.wallet import Wallet

MAX_BEEF_BLOCKS: Final = 25
"""So many blocks are read for one BEEF, of up to 4 MB each."""

BLOCKS_LIMIT_S: Final = 60.0
"""For so long they are waited for."""

_FORMS: Final[dict[str, Callable[[Packet], Json]]] = {
    "text": to_text,
    "codes": lambda packet: list(to_parts(packet)),
    "beef": lambda packet: encode_beef(packet).hex(),
}


@method("payments")
async def getpacket(daemon: WalletDaemon, payment: str, form: str = "text") -> Json:
    """A payment of this wallet with what proves its inputs, for a wallet that is not met online.

    Args:
        payment: The id of the invoice that it pays, or its first digits, 8 at least; or its txid
        form: text (to mail or keep), codes (the texts of QR codes, to be shown in a circle) or beef
            (BRC-62 in hex, which proves less)

    Returns:
        "str"    (string) The packet; an array of strings for codes
    """
    if form not in _FORMS:
        raise RpcError(Code.PARAMETER, "expected text, codes or beef")
    return _FORMS[form](await _packet_of(daemon, payment))


async def _packet_of(daemon: WalletDaemon, name: str) -> Packet:
    for deal in await find_deals(daemon, name):
        if deal.joined is not None:
            raise refusal(
                CannotProve("this payment was joined: the payee has it, and the proof of his coin")
            )
        if deal.packet is not None:
            return deal.packet
    try:
        txid = Txid(from_hex(name))
    except ValueError:
        raise RpcError(Code.NOT_FOUND, "no payment of this wallet has this name") from None
    return await daemon.ask(_BuildPacket(txid))


@dataclass(frozen=True, slots=True)
class _BuildPacket:
    txid: Txid

    def run(self, wallet: Wallet) -> Packet:
        return build_packet(wallet.ledger, wallet.transaction(self.txid))


@method("payments", waits=True)
async def checkpacket(daemon: WalletDaemon, packet: str, wait: int = 0) -> Json:
    """Says what a payment proves that came as a file. Nothing is written down, no key is needed.

    Args:
        packet: Its text, the texts of its codes, or BEEF in hex
        wait: Look so many milliseconds at most through the blocks since its coins were made, and
            say what is known then; the search goes on, and another call waits for it. 0: to its end

    Returns:
        {                    (json object)
          "id" : "hex",        (string) The invoice that it pays
          "stage" : "str",     (string) How far that is, as in listdeals
          "txid" : "hex",      (string) The payment
          "asked" : n,         (numeric) What the invoice asks for in BTC; null for any amount
          "paid" : n,          (numeric) What its address gets
          "fee" : n,           (numeric) Of the payment; 0 if it is refused
          "level" : n,         (numeric) What is known of it, 0 (refused) to 6 (in a block)
          "height" : n,        (numeric) As of which block of this wallet's chain
          "searched" : n,      (numeric) Up to which block spends of its coins were looked for so
                               far; null once that is done
          "peers" : n,         (numeric) How many nodes say so; 0 where none had to be asked
          "reason" : "str",    (string) The name of a refusal; else empty
          "shown" : {...}      (json object) The same in words, as in listdeals
        }
    """
    try:
        payment = read_payment(packet)
    except WalletError as error:
        raise refusal(error) from None
    payment, found = await _checked(daemon, payment)
    checked, verdict, searched = found.checked, found.checked.verdict, None
    if verdict.level is PaymentLevel.FUNDED and checked.claims:
        coins = claimed_coins(checked.claims)
        spends = await daemon.find_spends(coins, wait / 1_000 if wait else None)
        if spends is None:
            searched = daemon.searched_to(coin.outpoint for coin in coins) or 0
        else:
            verdict = found_verdict(spends, payment.transaction.txid, verdict.height)
    asked_sat = found.invoice.amount_sat
    return {
        "id": found.invoice.id.hex(),
        "stage": found.stage.value,
        "txid": to_hex(payment.transaction.txid),
        "asked": None if asked_sat is None else Amount(asked_sat),
        "paid": Amount(found.paid_sat),
        "fee": Amount(checked.fee_sat),
        "level": int(verdict.level),
        "height": verdict.height,
        "searched": searched,
        "peers": verdict.peers,
        "reason": verdict.reason,
        "shown": shown_json(verdict),
    }


async def _checked(daemon: WalletDaemon, payment: PaymentFile) -> tuple[PaymentFile, FileChecked]:
    """A payment and what it proves; BEEF with the proofs that it lacks, if nodes give its blocks.

    Raises:
        RpcError: it pays no invoice of this wallet.
    """
    found = await at_desk(daemon, CheckPacket(payment))
    assert isinstance(found, FileChecked), "what is not refused was checked"
    if isinstance(payment, Beef) and found.checked.verdict.level is not PaymentLevel.REFUSED:
        whole = await _completed(daemon, payment)
        if whole is not None:
            return await _checked(daemon, whole)
    return payment, found


async def _completed(daemon: WalletDaemon, beef: Beef) -> Packet | None:
    """A BEEF whose paths lead to our headers, as a packet; None if nodes do not give its blocks."""
    missing = missing_proofs(beef)
    if len(missing) > MAX_BEEF_BLOCKS or not daemon.node.sessions:
        return None
    proofs: list[Confirmed] = []
    with suppress(TimeoutError, DecodeError):
        async with asyncio.timeout(BLOCKS_LIMIT_S):
            for height, look in missing.items():
                proofs += await daemon.command(ExamineBlock(height, look)) or ()
        return completed(beef, proofs)
    return None


@method("payments", waits=True)
async def takepacket(daemon: WalletDaemon, packet: str, wait: int = 0) -> Json:
    """Takes a payment that came as a file for the invoice that it pays: it is checked, accepted,
    handed to the network, and a receipt is signed. The words must be open (openpayments).

    Args:
        packet: Its text, the texts of its codes, or BEEF in hex, for which nodes give the blocks
            that prove its coins
        wait: Wait so many milliseconds at most until it is accepted or refused

    Returns:
        {...}    (json object) As in listdeals
    """
    try:
        payment, found = await _checked(daemon, read_payment(packet))
        await at_desk(daemon, TakePacket(refuse_unpayable(payment)))
    except WalletError as error:
        raise refusal(error) from None
    invoice_id = found.invoice.id
    deal = await wait_for_deal(
        daemon, Role.PAYEE, invoice_id, wait, lambda deal: deal.stage in ENDED
    )
    return deal_json(daemon, deal)


@method("payments")
async def takereceipt(daemon: WalletDaemon, receipt: str) -> Json:
    """Keeps the receipt of a payment of this wallet, which its payee gave by other ways.

    Args:
        receipt: Its text

    Returns:
        {...}    (json object) As in listdeals
    """
    await at_desk(daemon, TakeReceipt(receipt))
    invoice_id = Receipt.decode(receipt).invoice.id
    deal = await wait_for_deal(daemon, Role.PAYER, invoice_id, 0, lambda _: True)
    return deal_json(daemon, deal)
