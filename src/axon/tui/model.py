"""What the screens show, as values: read from the answers of a wallet, compared before drawing.

Everything here is a function of what the wallet said; nothing asks, waits or draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from axon.rpc.amounts import Number, parse_fixed_point
from axon.rpc.deliverytext import delivery_line

UNCONFIRMED: Final = "unconfirmed"
REPLACED: Final = "replaced"


@dataclass(frozen=True, slots=True)
class WalletInfo:
    """What a wallet is, which does not change while it is open.

    Args:
        chain: whose coins it holds: `main`, `signet`, ...
        signs: False if it only watches.
    """

    chain: str
    signs: bool


@dataclass(frozen=True, slots=True)
class ShownBalance:
    """What the wallet holds.

    Args:
        spendable_sat: what a payment can use now.
        pending_sat: promised by others, in no block yet.
        disputed_sat: the same, of which somebody was seen to spend the same once more.
        immature_sat: mined less than 100 blocks ago.
        frozen_sat: set aside by hand; a part of the others.
    """

    spendable_sat: int
    pending_sat: int
    disputed_sat: int
    immature_sat: int
    frozen_sat: int


@dataclass(frozen=True, slots=True)
class Sync:
    """How far the wallet has seen the chain; heights are -1 before the first block.

    Args:
        synced: all is seen that nodes have shown.
        headers: height of the best header.
        weighed: up to which header a chain is weighed before it is taken; -1 if none is.
        filter_headers: height of the last filter header.
        scanned: height up to which all blocks were looked through.
        peers: nodes whose handshake is complete.
        filter_peers: how many of them serve filters.
        agreed: how many of these agree with all filter headers known.
        disputed: height of a block whose filter nodes disagree about.
        asked: nodes that were reached.
        agree: how many of them have the same chain and filters.
        age_s: of the last block looked through, in seconds; None if it is not known.
        clock_behind: the clock of this machine is behind the nodes' blocks.
    """

    synced: bool
    headers: int
    weighed: int
    filter_headers: int
    scanned: int
    peers: int
    filter_peers: int
    agreed: int
    disputed: int | None
    asked: int
    agree: int
    age_s: int | None
    clock_behind: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """A transaction of the wallet.

    Args:
        txid: hex, as people read it.
        category: `send`, `receive`, `self`, `generate`, `immature` or `orphan`.
        state: `unconfirmed`, `confirmed` or `replaced`.
        amount_sat: what it adds to the balance, with its fee.
        fee_sat: of our own payments.
        confirmations: 1 in the latest block.
        height: of its block.
        time_s: of its block, or when it was first seen; seconds since 1970.
        label: its own, or the address's.
        addresses: whom it went to, or where it came to.
        disputed: somebody was seen to spend the same once more, or what it builds on, and no block
            has decided.
        delivery: of a payment of our own that waits for a block: as in `waitfordelivery`.
    """

    txid: str
    category: str
    state: str
    amount_sat: int
    fee_sat: int | None
    confirmations: int
    height: int | None
    time_s: int
    label: str
    addresses: tuple[str, ...]
    disputed: bool = False
    delivery: str = ""


@dataclass(frozen=True, slots=True)
class ShownCoin:
    """An unspent output.

    Args:
        place: `txid:vout`.
        safe: in a block, or made by this wallet.
        change: it came back from an own payment.
    """

    place: str
    address: str
    label: str
    amount_sat: int
    confirmations: int
    frozen: bool
    immature: bool
    safe: bool
    change: bool


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that serves the wallet.

    Args:
        number: of the connection.
        agent: its user agent; empty before the handshake is complete.
        height: the last header in common; -1 for none.
        filters: `agrees`, `open` (it is being asked) or `none` (it serves none).
        ping_ms: None before the first pong.
    """

    number: int
    address: str
    agent: str
    height: int
    filters: str
    ping_ms: float | None


@dataclass(frozen=True, slots=True)
class Partner:
    """Another wallet that gives this one headers and filters.

    Args:
        address: KEY@HOST:PORT.
        connected: there is a link to it.
        headers, filters: how many it has given.
    """

    address: str
    connected: bool
    headers: int
    filters: int

    @property
    def place(self) -> str:
        """Where it is, without its key."""
        return self.address.partition("@")[2]


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was given out.

    Args:
        index: its place among all that were given out, from 0.
        used: it was paid at least once.
    """

    address: str
    index: int
    used: bool
    label: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a recipient gets.

    Args:
        to: an address, or a script in hex where no address stands for it.
        ours: it is an address of this wallet.
    """

    to: str
    amount_sat: int
    ours: bool


@dataclass(frozen=True, slots=True)
class ShownDraft:
    """What a payment would do.

    Args:
        psbt: what is to be signed, base64.
        feerate_sat_vb: the fee for each virtual byte.
        fee_question: why the fee is unusually high; empty for a usual one.
        reduced_sat: by how much less the recipients get than of the payment that it replaces.
        child_of: the payment to this wallet that it pays for, as hex; empty for none.
    """

    psbt: str
    outputs: tuple[Output, ...]
    amount_sat: int
    fee_sat: int
    feerate_sat_vb: float
    vsize: int
    change_sat: int
    fee_question: str = ""
    reduced_sat: int = 0
    child_of: str = ""

    @property
    def total_sat(self) -> int:
        """What leaves the wallet: the amount and the fee."""
        return self.amount_sat + self.fee_sat


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """What is known of a payment on its way to a block.

    Args:
        word: as in `waitfordelivery`.
        line: the same in a sentence or two.
    """

    word: str
    line: str


def read_wallet_info(info: dict[str, Any]) -> WalletInfo:
    """From `getwalletinfo`."""
    return WalletInfo(chain=info["chain"], signs=info["private_keys_enabled"])


def read_balance(balances: dict[str, Any]) -> ShownBalance:
    """From `getbalances`."""
    mine = balances["mine"]
    return ShownBalance(
        spendable_sat=read_sat(mine["trusted"]),
        pending_sat=read_sat(mine["untrusted_pending"]),
        disputed_sat=read_sat(mine["disputed"]),
        immature_sat=read_sat(mine["immature"]),
        frozen_sat=read_sat(mine["frozen"]),
    )


def read_sync(info: dict[str, Any]) -> Sync:
    """From `getsyncinfo`."""
    return Sync(
        synced=info["synced"],
        headers=info["headers"],
        weighed=info["presynced_headers"],
        filter_headers=info["filter_headers"],
        scanned=info["scanned"],
        peers=info["peers"],
        filter_peers=info["filter_peers"],
        agreed=info["agreed"],
        disputed=info["disputed"],
        asked=info["asof"]["nodes_asked"],
        agree=info["asof"]["nodes_agree"],
        age_s=info["asof"]["age"],
        clock_behind=info["clock_behind"],
    )


def read_payment(entry: dict[str, Any]) -> Payment:
    """From one entry of `listtransactions`, or from `gettransaction`."""
    fee = entry.get("fee")
    return Payment(
        txid=entry["txid"],
        category=entry["category"],
        state=entry["state"],
        amount_sat=read_sat(entry["amount"]),
        fee_sat=None if fee is None else read_sat(fee),
        confirmations=entry["confirmations"],
        height=entry.get("blockheight"),
        time_s=entry["time"],
        label=entry["label"],
        addresses=tuple(entry["addresses"]),
        disputed=entry.get("disputed", False),
        delivery=entry.get("delivery", ""),
    )


def read_coin(coin: dict[str, Any]) -> ShownCoin:
    """From one entry of `listunspent`."""
    return ShownCoin(
        place=f"{coin['txid']}:{coin['vout']}",
        address=coin["address"],
        label=coin["label"],
        amount_sat=read_sat(coin["amount"]),
        confirmations=coin["confirmations"],
        frozen=coin["frozen"],
        immature=coin["immature"],
        safe=coin["safe"],
        change=coin["change"],
    )


def read_address(info: dict[str, Any]) -> Address:
    """From one entry of `listaddresses`."""
    return Address(
        address=info["address"], index=info["index"], used=info["used"], label=info["label"]
    )


def read_peer(info: dict[str, Any]) -> Peer:
    """From one entry of `getpeerinfo`."""
    ping_s = info.get("pingtime")
    return Peer(
        number=info["id"],
        address=info["addr"],
        agent=info["subver"],
        height=info["synced_headers"],
        filters=info["filters"],
        ping_ms=None if ping_s is None else float(ping_s) * 1_000,
    )


def read_partner(info: dict[str, Any]) -> Partner:
    """From one entry of `listpartners`."""
    return Partner(info["partner"], info["connected"], info["headers"], info["filters"])


def read_draft(draft: dict[str, Any]) -> ShownDraft:
    """From `draftpayment`."""
    return ShownDraft(
        psbt=draft["psbt"],
        outputs=tuple(
            Output(each["address"] or each["script"], read_sat(each["amount"]), each["ours"])
            for each in draft["recipients"]
        ),
        amount_sat=read_sat(draft["amount"]),
        fee_sat=read_sat(draft["fee"]),
        feerate_sat_vb=float(draft["feerate"]),
        vsize=draft["vsize"],
        change_sat=read_sat(draft["change"]),
        fee_question=draft.get("fee_question", ""),
        reduced_sat=read_sat(draft["reduced"]) if "reduced" in draft else 0,
        child_of=draft.get("child_of", ""),
    )


def read_delivery(entry: dict[str, Any]) -> ShownDelivery:
    """From `gettransaction`."""
    return ShownDelivery(entry["delivery"], delivery_line(entry))


def read_sat(amount: object) -> int:
    """A sum of money in satoshi; every one in an answer has 8 decimals."""
    assert isinstance(amount, Number), f"{amount!r} is no sum of money"
    sat = parse_fixed_point(amount.text)
    assert sat is not None, f"{amount.text} is no sum of money"
    return sat
