"""A wallet in memory that answers as the methods do, for tests of the screens alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from axon.errors import AxonError
from axon.rpc.amounts import Amount, Json, decode_json, encode_json
from axon.rpc.errors import Code, RpcError
from axon.wallet.amounts import Unit, parse_amount

PASSPHRASE: Final = "a garden of forking paths"
BOB: Final = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk"
CAROL: Final = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
MINE: Final = "bcrt1qz8gw7yl9kdvxj8x5sqtzr8jnqvgqnp0l4wc5ev"
COIN: Final = 100_000_000
NOON: Final = 1_750_000_000


class Closed(AxonError):
    """The wallet has gone."""


def txid(number: int) -> str:
    """A txid as hex."""
    return f"{number:064x}"


def deal_of(number: int, role: str, amount: str | None, label: str) -> dict[str, Any]:
    """A payment from wallet to wallet that nobody has paid yet."""
    asked = "" if amount is None else f"amount={amount}&"
    return {
        "id": txid(900 + number),
        "role": role,
        "stage": "issued",
        "changed": NOON + number,
        "reason": "",
        "advice": "",
        "uri": f"bitcoin:{MINE}?{asked}axon={'A' * 200}{number}",
        "address": MINE,
        "amount": None if amount is None else Amount(parse_amount(amount, Unit.BTC)),
        "label": label,
        "message": "",
        "txid": None,
        "joined": False,
        "level": None,
        "shown": None,
        "receipt": False,
    }


SHOWN: Final = {
    "headline": "The payment spends coins that no block has spent.",
    "proved": [
        "the owners of the coins it names have signed it",
        "no block up to 112 has spent them, as 2 peers told",
    ],
    "unproved": [
        "nothing behind block 112 is known: until a block has it the payer can take it back"
    ],
}
"""What `listdeals` says of a payment whose coins were looked up."""


@dataclass(eq=False)
class Double:
    """Alice's wallet: 50 bitcoin from a block, two nodes, and payments that the tests add."""

    height: int = 112
    scanned: int = 112
    peers: int = 2
    filter_peers: int = 2
    disputed: int | None = None
    payments: list[dict[str, Any]] = field(default_factory=list)
    coins: list[dict[str, Any]] = field(default_factory=list)
    addresses: list[dict[str, Any]] = field(default_factory=list)
    spendable_sat: int = 50 * COIN
    delivery: str = "kept"
    refusals: list[dict[str, str]] = field(default_factory=list)
    has_ponged: bool = True
    is_closed: bool = False
    refusal: RpcError | None = None
    """Of the next draft, or new address."""
    deals: list[dict[str, Any]] = field(default_factory=list)
    listening: str = ""
    """Where other wallets reach it; empty until its words are open."""
    partners: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """The methods that were called and change something, in their order."""

    def __post_init__(self) -> None:
        self.add_payment(1, 50 * COIN, "receive", confirmations=3, label="from Carol")
        self.add_coin(1, 50 * COIN)

    async def ask(self, method: str, /, *args: object, **named: object) -> Json:
        """As `axon.tui.asking.Ask`."""
        await asyncio.sleep(0)
        if self.is_closed:
            raise Closed("the wallet was closed")
        answer = getattr(self, method)(*args, **named)
        return decode_json(encode_json(answer))

    def add_payment(
        self, number: int, sat: int, category: str, *, confirmations: int = 0, label: str = ""
    ) -> None:
        """A payment more, the latest."""
        entry = {
            "txid": txid(number),
            "category": category,
            "state": "unconfirmed",
            "amount": Amount(sat),
            "confirmations": 0,
            "time": NOON + 60 * number,
            "label": label,
            "addresses": [MINE if sat > 0 else BOB],
        }
        if sat < 0:
            entry["fee"] = Amount(141)
        self.payments.insert(0, entry)
        if confirmations:
            self.confirm(number, confirmations)

    def confirm(self, number: int, confirmations: int) -> None:
        """A payment has so many confirmations now."""
        entry = next(each for each in self.payments if each["txid"] == txid(number))
        entry |= {
            "state": "confirmed",
            "confirmations": confirmations,
            "blockheight": self.height - confirmations + 1,
            "blockhash": txid(self.height),
        }

    def add_coin(self, number: int, sat: int, **named: object) -> None:
        """A coin more."""
        coin = {
            "txid": txid(number), "vout": 0, "address": MINE, "label": "", "amount": Amount(sat),
            "confirmations": 3, "spendable": True, "frozen": False, "immature": False,
            "safe": True, "change": False,
        }  # fmt: skip
        self.coins.append(coin | named)

    # The methods.

    def getsyncinfo(self) -> Json:
        """How far it is."""
        return {
            "synced": bool(self.peers) and self.scanned == self.height,
            "scanned": self.scanned,
            "headers": self.height,
            "presynced_headers": -1,
            "filter_headers": self.height,
            "peers": self.peers,
            "filter_peers": self.filter_peers,
            "agreed": self.filter_peers,
            "disputed": self.disputed,
            "clock_behind": False,
            "asof": {
                "age": 125 if self.scanned >= 0 else None,
                "nodes_asked": self.peers,
                "nodes_agree": self.filter_peers,
            },
        }

    def getbalances(self) -> Json:
        """What it holds."""
        frozen = sum(each["amount"].sat for each in self.coins if each["frozen"])
        return {
            "mine": {
                "trusted": Amount(self.spendable_sat),
                "untrusted_pending": Amount(30 * COIN),
                "disputed": Amount(2 * COIN),
                "immature": Amount(0),
                "frozen": Amount(frozen),
            }
        }

    def listtransactions(self, count: int) -> Json:
        """The latest ones."""
        return self.payments[:count]

    def gettransaction(self, wanted: str) -> Json:
        """One of them."""
        entry = next(each for each in self.payments if each["txid"] == wanted)
        return {**entry, "hex": "00", **self._delivered(entry)}

    def gettxoutproof(self, wanted: str) -> Json:
        """Some bytes."""
        assert wanted
        return "00" * 290

    def listunspent(self) -> Json:
        """The coins."""
        return self.coins

    def lockunspent(self, unlock: bool, places: list[str]) -> Json:
        """Freeze them, or not."""
        self.calls.append("lockunspent")
        for coin in self.coins:
            if f"{coin['txid']}:{coin['vout']}" in places:
                coin["frozen"] = not unlock
        return True

    def listaddresses(self) -> Json:
        """Those that were given out."""
        return self.addresses

    def getnewaddress(self, label: str) -> Json:
        """One more."""
        self.calls.append("getnewaddress")
        if self.refusal is not None:
            raise self.refusal
        known = [MINE, CAROL, BOB]
        index = len(self.addresses)
        entry = {"address": known[index], "index": index, "change": False, "used": False}
        self.addresses.append({**entry, "label": label})
        return known[index]

    def getpeerinfo(self) -> Json:
        """The nodes."""
        ping = {"pingtime": 0.0012} if self.has_ponged else {}
        return [
            {
                "id": number,
                "addr": f"127.0.0.{number + 2}:18444",
                "subver": "/axon:0.1.0/",
                "synced_headers": self.height,
                "filters": "agrees" if number < self.filter_peers else "none",
                **ping,
            }
            for number in range(self.peers)
        ]

    def listpartners(self) -> Json:
        """Other wallets."""
        return self.partners

    def draftpayment(
        self,
        recipients: dict[str, str],
        *,
        fee_rate: float = 3.0,
        allow_high_fee: bool,
        invoice: str | None = None,
    ) -> Json:
        """What a payment would do."""
        if (invoice, "payer") in [(each["uri"], each["role"]) for each in self.deals]:
            raise RpcError(Code.WALLET, "this invoice is paid already")
        self.calls.append("draftpayment")
        if self.refusal is not None and not allow_high_fee:
            raise self.refusal
        [(address, amount)] = recipients.items()
        fee_sat = round(141 * fee_rate)
        sat = self.spendable_sat - fee_sat if amount == "all" else parse_amount(amount, Unit.BTC)
        made: dict[str, Json] = {
            "psbt": "cHNidP8=",
            "recipients": [
                {"address": address, "script": "00", "amount": Amount(sat), "ours": False}
            ],
            "amount": Amount(sat),
            "fee": Amount(fee_sat),
            "feerate": float(fee_rate),
            "vsize": 141,
            "change": Amount(self.spendable_sat - sat - fee_sat),
        }
        if fee_sat * 20 > sat:
            made["fee_question"] = f"The fee of {fee_sat} sat is more than 5 %"
        return made

    def draftbump(self, wanted: str, rate: float, *, reduce_payment: bool = False) -> Json:
        """The same payment for a higher fee."""
        self.calls.append("draftbump")
        assert wanted == txid(2)
        if rate < 2:
            raise RpcError(Code.PARAMETER, "a replacement pays at least 2.0 sat/vB here")
        if self.refusal is not None and not reduce_payment:
            raise self.refusal
        made = self.draftpayment({BOB: "20"}, fee_rate=rate, allow_high_fee=True)
        assert isinstance(made, dict)
        return made | {"replaces": wanted} | ({"reduced": Amount(450)} if reduce_payment else {})

    def setlabel(self, target: str, text: str) -> Json:
        """Name a payment."""
        self.calls.append("setlabel")
        next(each for each in self.payments if each["txid"] == target)["label"] = text

    def sendpayment(self, psbt: str, *, passphrase: str, allow_high_fee: bool) -> Json:
        """Sends what was drafted."""
        self.calls.append("sendpayment")
        assert psbt == "cHNidP8="
        assert not allow_high_fee or self.refusal is not None
        if passphrase != PASSPHRASE:
            raise RpcError(Code.PASSPHRASE_INCORRECT, "this is not the passphrase of this wallet")
        self.add_payment(2, -20 * COIN - 141, "send")
        return {"txid": txid(2), **self._delivered(self.payments[0])}

    def payjoinpayment(self, uri: str, psbt: str, passphrase: str, *, allow_high_fee: bool) -> Json:
        """The same, offered to its payee; he joins nothing where his place is called `closed`."""
        sent = self.sendpayment(psbt, passphrase=passphrase, allow_high_fee=allow_high_fee)
        self.calls.append("payjoinpayment")
        assert isinstance(sent, dict)
        joins = "closed" not in uri
        return {**sent, "joined": joins, "why": "" if joins else "the receiver is not reached"}

    def getpacket(self, wanted: str, form: str) -> Json:
        """A payment as text."""
        assert form == "text"
        return f"payment {wanted}"

    def getreceipt(self, wanted: str) -> Json:
        """A receipt, where there is one."""
        deal = next(each for each in self.deals if each["id"] == wanted)
        if not deal["receipt"]:
            raise RpcError(Code.NOT_FOUND, "there is no receipt for this invoice")
        return f"receipt {wanted}"

    def checkpacket(self, text: str) -> Json:
        """What a payment proves."""
        if text != "a payment":
            raise RpcError(Code.WALLET, "this is no whole payment")
        paid = Amount(COIN // 2)
        return {"level": 4, "asked": paid, "paid": paid, "shown": SHOWN}

    def takepacket(self, text: str) -> Json:
        """Take it for the latest invoice."""
        self.calls.append("takepacket")
        assert self.listening
        assert text == "a payment"
        self.deals[0] |= {"stage": "accepted", "shown": SHOWN, "txid": txid(3), "receipt": True}
        return self.deals[0]

    def takereceipt(self, text: str) -> Json:
        """Keep it for the latest payment."""
        assert text.startswith("-----BEGIN")
        self.calls.append("takereceipt")
        self.deals[0] |= {"receipt": True}
        return self.deals[0]

    def listdeals(self, wanted: str | None = None, count: int = 100) -> Json:
        """Payments from wallet to wallet."""
        return [each for each in self.deals if wanted in {None, each["id"]}][:count]

    def openpayments(self, passphrase: str, listen: str | None) -> Json:
        """Open the words, and listen."""
        self.calls.append("openpayments")
        if passphrase != PASSPHRASE:
            raise RpcError(Code.PASSPHRASE_INCORRECT, "this is not the passphrase of this wallet")
        self.listening = listen or "127.0.0.1:40001"
        return {"listening": self.listening}

    def createinvoice(self, amount: str | None, label: str) -> Json:
        """Ask for a payment."""
        self.calls.append("createinvoice")
        if self.refusal is not None:
            raise self.refusal
        deal = deal_of(len(self.deals), "payee", amount, label)
        self.deals.insert(0, deal)
        return {"id": deal["id"], "uri": deal["uri"], "address": MINE, "expires": NOON}

    def payinvoice(self, uri: str, psbt: str, passphrase: str, payjoin: bool) -> Json:
        """Pay another wallet."""
        self.calls.append("payinvoice")
        assert psbt == "cHNidP8="
        if passphrase != PASSPHRASE:
            raise RpcError(Code.PASSPHRASE_INCORRECT, "this is not the passphrase of this wallet")
        deal = deal_of(len(self.deals), "payer", "0.5", "Bob")
        deal |= {"stage": "offered", "txid": txid(2), "uri": uri, "joined": payjoin}
        self.deals.insert(0, deal)
        self.add_payment(2, -COIN // 2 - 141, "send")
        return deal

    def _delivered(self, entry: dict[str, Any]) -> dict[str, Json]:
        """What is known of a payment; two nodes have fetched it unless it is only kept."""
        waits = entry["state"] == "unconfirmed" and entry["category"] == "send"
        given = 0 if self.delivery == "kept" else 2
        spread: Json = {
            "offered": 2,
            "given": given,
            "echoed": int(self.delivery == "spreading"),
            "held": int(self.delivery == "accepted"),
            "refused": len(self.refusals),
        }
        return {
            "delivery": self.delivery if waits else "confirmed",
            "peers": self.peers,
            "spread": spread if waits else None,
            "refusals": [*self.refusals],
        }
