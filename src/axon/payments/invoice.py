"""The invoice: what a payee asks for, signed, and where he can be reached (BIP 321, BIP 340).

An invoice is a payment URI that any wallet can pay on chain. One parameter more, `axon`, holds what
wallets need that pay each other directly: a key of the payee for this invoice alone, when it was
made and when it expires, endpoints to dial, and a signature by that key over all of it, address,
amount and texts included. So none of it can be changed without notice. Whose key it is the
signature does not say: who can put another invoice in the place of the whole one is noticed by the
person alone who asked for it.

The same key proves on a link that its other side is the payee, before the payer says anything.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from axon.errors import DecodeError
from axon.machine import Endpoint
from axon.payments.terms import MAX_LIFETIME_S, BadInvoice, Terms
from axon.primitives.encoding import Reader, compact_size, var_bytes
from axon.primitives.keys import (
    SCHNORR_SIZE,
    X_ONLY_SIZE,
    sign_schnorr,
    tagged_hash,
    verify_schnorr,
    x_only_key,
)
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.network import NETWORKS, Network
from axon.primitives.transaction import Transaction
from axon.wallet.payment import address_script
from axon.wallet.paymenturi import (
    PaymentUri,
    format_payment_uri,
    parse_payment_uri,
)

VERSION: Final = 1
"""Of what the parameter holds. Another one cannot be checked, so it is not paid directly."""

TAG: Final = "axon/invoice"
"""Of the hash that names an invoice and is signed (BIP 340)."""

LINK_PREFIX: Final = b"axon wallet link"

MAX_ENDPOINTS: Final = 4
"""One for each network and one to spare; more would make the QR code hard to read."""

CLOCK_TOLERANCE_S: Final = 7_200
"""So far may the clock of a payee be ahead of ours, as that of a block may be."""

MAX_INVOICE_SIZE: Final = 2_953
"""Bytes that the largest QR code holds; an invoice of usual texts has some 350."""

_NETWORKS: Final = (AddressNetwork.IPV4, AddressNetwork.IPV6, AddressNetwork.TORV3)
_SECONDS_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a payee asks for.

    Args:
        network: on which it is paid.
        address: to which, as it stands in the URI.
        script_pubkey: the script of that address.
        amount_sat: how much; None where the payer decides.
        label: who is paid, one line as `wallet/paymenturi` cleans it; empty if it is not said.
        message: what for, likewise.
        created_s, expires_s: seconds since 1970, 32 bits; from the second on it is not paid.
        endpoints: where the payee listens, the best first: IPv4, IPv6, onion; without names.
        public_key: 32 bytes, x-only, of this invoice alone.
        signature: 64 bytes by that key over `id`.
    """

    network: Network
    address: str
    script_pubkey: bytes
    amount_sat: int | None
    label: str
    message: str
    created_s: int
    expires_s: int
    endpoints: tuple[Endpoint, ...]
    public_key: bytes
    signature: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """32 bytes that name the invoice: the tagged hash that is signed.

        Over: the version, one byte; the hash of block 0, 32 bytes in internal order; the script
        behind its length; the amount, 64 bits little-endian behind a byte 1, or a byte 0; label
        and message in UTF-8, each behind its length; then key, times and endpoints as `to_uri`
        writes them.
        """
        return tagged_hash(TAG, self._signed())

    @property
    def is_signed(self) -> bool:
        """Whether its key signed it as it is."""
        return verify_schnorr(self.public_key, self.id, self.signature)

    def is_paid_by(self, transaction: Transaction) -> bool:
        """Whether a transaction pays what is asked for, to the address of the invoice."""
        paid_sat = self.paid_sat(transaction)
        return paid_sat > 0 and paid_sat >= (self.amount_sat or 0)

    def paid_sat(self, transaction: Transaction) -> int:
        """How much a transaction pays to the address of the invoice."""
        return sum(
            output.amount_sat
            for output in transaction.outputs
            if output.script_pubkey == self.script_pubkey
        )

    def _signed(self) -> bytes:
        amount = (
            b"\x00" if self.amount_sat is None else b"\x01" + self.amount_sat.to_bytes(8, "little")
        )
        return b"".join(
            (
                bytes((VERSION,)),
                self.network.genesis.hash,
                var_bytes(self.script_pubkey),
                amount,
                var_bytes(self.label.encode()),
                var_bytes(self.message.encode()),
                self._terms(),
            )
        )

    def _terms(self) -> bytes:
        """Key, time of making, lifetime, endpoints behind their count (BIP 155)."""
        dialled = [
            NetAddress.from_text(each.host, each.port).encode_v2() for each in self.endpoints
        ]
        return b"".join(
            (
                self.public_key,
                self.created_s.to_bytes(4, "little"),
                (self.expires_s - self.created_s).to_bytes(4, "little"),
                compact_size(len(dialled)),
                *dialled,
            )
        )

    def to_uri(self) -> str:
        """The payment URI; the parameter `axon` is base64 for URIs (RFC 4648) without padding.

        In it: the version, one byte; the key, 32; the time of making and the seconds until it
        expires, 32 bits each, little-endian; endpoints behind their count, each as in `addrv2`:
        network, length, host, port in 16 bits big-endian; the signature, 64 bytes.
        """
        packed = bytes((VERSION,)) + self._terms() + self.signature
        text = urlsafe_b64encode(packed).decode().rstrip("=")
        return format_payment_uri(
            PaymentUri(self.address, self.amount_sat, self.label, self.message, text)
        )

    def is_expired(self, now_s: int) -> bool:
        """Whether it is too late to pay it."""
        return now_s >= self.expires_s


def sign(unsigned: Invoice, secret: bytes, entropy: bytes = bytes(32)) -> Invoice:
    """An invoice with the key of a secret and a signature by it.

    Args:
        unsigned: whose `public_key` and `signature` do not matter.
        secret: from `payments/invoicekeys`, for this invoice alone.
        entropy: 32 random bytes for the signature's nonce.

    Raises:
        BadInvoice: it could not be read back: a text that is cleaned, an address of another script,
            an amount that nobody has, times out of order, endpoints that are names.
        BadAddress: the address is none of its network.
    """
    _check_form(unsigned)
    keyed = replace(unsigned, public_key=x_only_key(secret))
    signed = replace(keyed, signature=sign_schnorr(secret, keyed.id, entropy))
    if len(signed.to_uri()) > MAX_INVOICE_SIZE:
        raise BadInvoice("this invoice is too long for a QR code: shorten its texts")
    return signed


def _check_form(invoice: Invoice) -> None:
    if address_script(invoice.address, invoice.network) != invoice.script_pubkey:
        raise BadInvoice("the address of an invoice must be that of its script")
    lifetime_s = invoice.expires_s - invoice.created_s
    Terms(invoice.amount_sat, invoice.label, invoice.message, lifetime_s).check()
    _check_times(invoice)
    if len(invoice.endpoints) > MAX_ENDPOINTS:
        raise BadInvoice(f"an invoice names at most {MAX_ENDPOINTS} endpoints")
    for each in invoice.endpoints:
        if not _is_endpoint(each):
            raise BadInvoice(f"{each} is no endpoint of an invoice: give an IP address or an onion")


def _is_endpoint(given: Endpoint) -> bool:
    """Whether it can be dialled as it is, and comes back the same."""
    try:
        address = NetAddress.from_text(given.host, given.port)
    except DecodeError:
        return False
    return _can_be_dialled(address) and _endpoint(address) == given


def _can_be_dialled(address: NetAddress) -> bool:
    """On one of our networks, with a port, and not the address that stands for all of them."""
    return address.network in _NETWORKS and address.port > 0 and any(address.host_bytes)


def _check_times(invoice: Invoice) -> None:
    lifetime_s = invoice.expires_s - invoice.created_s
    if not 0 < lifetime_s <= MAX_LIFETIME_S or not 0 <= invoice.created_s < 1 << _SECONDS_BITS:
        raise BadInvoice("an invoice expires after it was made, and within a year")


def invoice_from_uri(text: str, network: Network) -> Invoice | PaymentUri:
    """What a payment URI asks for: an invoice whose signature was checked, or a plain payment.

    When it expires is not looked at: see `verify`.

    Args:
        text: a payment URI, or an address alone.
        network: on which we pay.

    Raises:
        BadAddress, BadAmount: the URI is none that can be paid on this network.
        BadInvoice: it was changed, is one of another network, or none that is understood.
    """
    invoice = _read(text, network)
    if isinstance(invoice, Invoice):
        if not invoice.is_signed:
            raise BadInvoice(_why_unsigned(invoice))
        if invoice.amount_sat == 0:
            raise BadInvoice("this invoice asks for nothing: ask for another one")
    return invoice


def recorded_invoice(text: str, network: Network) -> Invoice:
    """An invoice from the wallet's own records.

    Its signature was checked, or made, before it was written down; a wallet with many of them would
    open later for checking it again.

    Args:
        text: what `to_uri` said.
        network: of the wallet.

    Raises:
        WalletError: the record is damaged.
    """
    invoice = _read(text, network)
    if not isinstance(invoice, Invoice):
        raise BadInvoice("the record of an invoice is damaged")
    return invoice


def _read(text: str, network: Network) -> Invoice | PaymentUri:
    uri = parse_payment_uri(text, network)
    script = address_script(uri.address, network)
    return _decode(uri, script, network) if uri.invoice else uri


def _decode(uri: PaymentUri, script: bytes, network: Network) -> Invoice:
    try:
        packed = b64decode(uri.invoice + "=" * (-len(uri.invoice) % 4), b"-_", validate=True)
    except (Base64Error, ValueError):
        raise BadInvoice("this invoice is damaged: ask for it again") from None
    if urlsafe_b64encode(packed).decode().rstrip("=") != uri.invoice:
        raise BadInvoice("this invoice is damaged: ask for it again")
    if packed[:1] != bytes((VERSION,)):
        raise BadInvoice(
            "this invoice is one of another version of axon: pay its address alone, or update"
        )
    reader = Reader(packed, 1)
    try:
        key = reader.take(X_ONLY_SIZE)
        created_s, lifetime_s = reader.u32(), reader.u32()
        count = reader.compact_size(MAX_ENDPOINTS)
        endpoints = tuple([_endpoint(_dialled(reader)) for _ in range(count)])
        signature = reader.take(SCHNORR_SIZE)
        reader.finish()
    except DecodeError:
        raise BadInvoice("this invoice is damaged or cut short: ask for it again") from None
    invoice = Invoice(
        network,
        uri.address,
        script,
        uri.amount_sat,
        uri.label,
        uri.message,
        created_s,
        created_s + lifetime_s,
        endpoints,
        key,
        signature,
    )
    _check_times(invoice)
    return invoice


def _dialled(reader: Reader) -> NetAddress:
    address = NetAddress.decode_v2(reader)
    if address is None or not _can_be_dialled(address):
        raise DecodeError("an endpoint on IPv4, IPv6 or Tor", reader.offset)
    return address


def _endpoint(address: NetAddress) -> Endpoint:
    return Endpoint(address.to_text(), address.port)


def _why_unsigned(invoice: Invoice) -> str:
    """Some networks have the same addresses; whose invoice it is the signature tells."""
    for other in NETWORKS.values():
        if replace(invoice, network=other).is_signed:
            return f"this invoice is one of {other.name}, not of {invoice.network.name}"
    return (
        "the signature of this invoice does not fit: its address, amount, texts, times, endpoints"
        " or key were changed on the way; ask for it again"
    )


def verify(invoice: Invoice, now_s: int) -> None:
    """See that an invoice is what its payee signed and can be paid now.

    Args:
        now_s: seconds since 1970.

    Raises:
        BadInvoice: it was changed, has expired, or is made in the future.
    """
    if address_script(invoice.address, invoice.network) != invoice.script_pubkey:
        raise BadInvoice("the address of this invoice is not that of its script")
    if not invoice.is_signed:
        raise BadInvoice(_why_unsigned(invoice))
    if invoice.is_expired(now_s):
        ago_s = now_s - invoice.expires_s
        raise BadInvoice(f"this invoice expired {ago_s} s ago: ask for a new one")
    if invoice.created_s > now_s + CLOCK_TOLERANCE_S:
        raise BadInvoice(
            "this invoice was made in the future, by our clock: set the clock of this machine"
            " right, or ask for a new one"
        )


# The link: the payee proves that he has the invoice's key.


def link_digest(session_id: bytes, invoice_id: bytes) -> bytes:
    """What the payee signs on a link: SHA-256 of `axon wallet link`, session id, invoice id.

    Args:
        session_id: 32 bytes that only the two sides of an encrypted link know (BIP 324).
        invoice_id: 32 bytes, `Invoice.id`.
    """
    assert len(session_id) == len(invoice_id) == 32, "else two pairs could have one digest"
    return sha256(LINK_PREFIX + session_id + invoice_id).digest()


def prove_link(
    secret: bytes, session_id: bytes, invoice_id: bytes, entropy: bytes = bytes(32)
) -> bytes:
    """The 64 bytes by which a payee proves that this side of a link is his."""
    return sign_schnorr(secret, link_digest(session_id, invoice_id), entropy)


def proves_link(public_key: bytes, session_id: bytes, invoice_id: bytes, signature: bytes) -> bool:
    """Whether the other side of a link has the key of an invoice."""
    return verify_schnorr(public_key, link_digest(session_id, invoice_id), signature)
