"""Payment URIs (BIP 21, and BIP 321 which extends it): `bitcoin:ADDRESS?amount=0.01&label=Shop`.

Where an address is expected, a URI may stand: a QR code holds one. What a parameter means that is
not known here, nobody need know to pay, unless its name begins with `req-`: then who made the URI
says that a payment without it would be wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from axon.primitives.network import NETWORKS, Network
from axon.primitives.transaction import COIN, MAX_MONEY_SAT
from axon.wallet.amounts import format_amount
from axon.wallet.errors import BadAddress, BadAmount

SCHEME: Final = "bitcoin:"

MAX_URI_SIZE: Final = 4_000
"""Characters; with an invoice for other networks in it a URI has some 1,500."""

_MAX_TEXT: Final = 255
"""Characters of a label or message that are kept, as of a label (BIP 329)."""

_AMOUNT: Final = re.compile(r"([0-9]{0,8})(?:\.([0-9]{0,20}))?", re.ASCII)
_DECIMALS: Final = 8

INVOICE: Final = "axon"
"""The parameter that makes a payment URI an invoice (`payments/invoice`); others ignore it."""

PAYJOIN: Final = "pj"
PAYJOIN_SUBSTITUTION: Final = "pjos"
"""Where a payjoin may be asked for, and `0` if it must leave what is paid as it is (BIP 78)."""

_ONCE: Final = ("amount", "label", "message", "pop", INVOICE, PAYJOIN, PAYJOIN_SUBSTITUTION)
_PREFIXES: Final = tuple(dict.fromkeys(network.bech32_hrp for network in NETWORKS.values()))


@dataclass(frozen=True, slots=True)
class PaymentUri:
    """What a payment URI asks for; an address alone is one that asks for nothing more.

    Args:
        address: who is paid, not checked yet.
        amount_sat: how much; None where the payer decides.
        label: who that is, one line; empty if it is not said.
        message: what the payment is for, likewise.
        invoice: what `payments/invoice` reads, as it stands there; empty where there is none.
        payjoin: what `payments/payjoinurl` reads, likewise.
        fixed_output: a payjoin must leave what is paid as it is.
    """

    address: str
    amount_sat: int | None = None
    label: str = ""
    message: str = ""
    invoice: str = field(default="", repr=False)
    payjoin: str = ""
    fixed_output: bool = False

    @property
    def note(self) -> str:
        """Who is paid and for what, as one text; empty if nothing is said."""
        return ": ".join(filter(None, (self.label, self.message)))[:_MAX_TEXT]


def is_payment_uri(text: str) -> bool:
    """Whether a text is meant as a payment URI; its scheme may be in any case."""
    return text.strip()[: len(SCHEME)].lower() == SCHEME


def parse_payment_uri(text: str, network: Network | None = None) -> PaymentUri:
    """What a text asks for that stands where an address is expected.

    Args:
        text: a payment URI, or an address alone.
        network: whose address is taken, where a URI has those of several networks; None for the
            first of them in our own order.

    Raises:
        BadAddress: a URI without an address, with a requirement that is not known here, or that is
            not well formed.
        BadAmount: its amount is none.
    """
    text = text.strip()
    if not is_payment_uri(text):
        return PaymentUri(text)
    if len(text) > MAX_URI_SIZE:
        raise BadAddress(f"expected a payment URI of at most {MAX_URI_SIZE} characters")
    body, _, query = text[len(SCHEME) :].partition("?")
    given = _parameters(query)
    wanted = _PREFIXES if network is None else (network.bech32_hrp, *_PREFIXES)
    address = _decoded("address", body) or next((given[p] for p in wanted if p in given), "")
    if not address:
        raise BadAddress(
            "this payment URI names no Bitcoin address, so it can be paid on another network only:"
            " ask for one with an address"
        )
    amount = given.get("amount")
    return PaymentUri(
        address,
        None if amount is None else _amount_sat(amount),
        one_line(given.get("label", "")),
        one_line(given.get("message", "")),
        given.get(INVOICE, ""),
        given.get(PAYJOIN, ""),
        given.get(PAYJOIN_SUBSTITUTION) == "0",
    )


def format_payment_uri(uri: PaymentUri) -> str:
    """The text of a payment URI that any wallet reads (BIP 321).

    An amount is in bitcoin without needless zeros; whatever is not plain in a URI is written in
    percent signs.
    """
    given: dict[str, str] = {}
    if uri.amount_sat is not None:
        whole, rest = divmod(uri.amount_sat, COIN)
        given["amount"] = f"{whole}.{rest:0{_DECIMALS}d}".rstrip("0").rstrip(".")
    given |= {"label": uri.label, "message": uri.message, INVOICE: uri.invoice}
    given |= {PAYJOIN: uri.payjoin, PAYJOIN_SUBSTITUTION: "0" if uri.fixed_output else ""}
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in given.items() if text)
    return f"{SCHEME}{uri.address}{'?' if query else ''}{query}"


def check_amount(uri: PaymentUri, named_sat: int | None) -> None:
    """See that what is paid is what a URI asks for.

    Args:
        named_sat: what the payer named besides; None for all there is.

    Raises:
        BadAmount: the URI asks for another amount.
    """
    if uri.amount_sat is not None and named_sat != uri.amount_sat:
        named = "all" if named_sat is None else format_amount(named_sat)
        raise BadAmount(
            f"the payment URI asks for {format_amount(uri.amount_sat)}, not for {named}: leave the"
            " amount out, or pay the address alone"
        )


def _parameters(query: str) -> dict[str, str]:
    """The parameters by name, in lower case (BIP 321: names are in any case)."""
    found: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = name.lower()
        if name in _ONCE and name in found:
            raise BadAddress(f"this payment URI has two values for {name}: ask for another one")
        if name.startswith("req-"):
            raise BadAddress(
                f"this payment URI requires {name[:40]!r}, which axon does not know: ask for one"
                " without it"
            )
        if name in _PREFIXES and not value.lower().startswith(f"{name}1"):
            raise BadAddress(
                f"this payment URI has under {name} what is no address of that kind: ask for"
                " another one"
            )
        if name in _ONCE or name in _PREFIXES:
            found.setdefault(name, _decoded(name, value))
    return found


def _decoded(name: str, text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:  # A lone surrogate, or bytes that are no UTF-8.
        raise BadAddress(f"the {name} of this payment URI is no UTF-8 text") from None


def _amount_sat(text: str) -> int:
    """Satoshi of an amount in bitcoin, without a unit; no comma, and a point for the fraction."""
    match = _AMOUNT.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise BadAmount(
            f"expected the amount of a payment URI in bitcoin, such as 0.01, not {text[:40]!r}"
        )
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > _DECIMALS:
        raise BadAmount(f"the amount of this payment URI is finer than one satoshi: {text[:40]}")
    sat = int(match[1] or "0") * COIN + int(fraction.ljust(_DECIMALS, "0"))
    if sat > MAX_MONEY_SAT:
        raise BadAmount(f"the amount of this payment URI is more than there will ever be: {text}")
    return sat


def one_line(text: str) -> str:
    """Without what would break a line or move a terminal's cursor: a stranger wrote it."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())[:_MAX_TEXT]
