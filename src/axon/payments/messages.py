"""What wallets say to each other: one frozen value per message, each in exactly one form of bytes.

Names and payloads travel in packets of BIP 324, the names in their long form. Unlike the messages
of nodes these leave no room behind them: whatever is not exactly one of them is a `DecodeError`,
and new things are agreed on by `hello` (BIP 434's features). Integers are little-endian, hashes 32
bytes in internal order; a *text* is printable ASCII behind its length as a compact size.

What begins and ends a link is in `linkmessages`, what is about blocks in `chainmessages`, what is
about other wallets in `partnermessages`. Which are questions says `ANSWERS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Final, Self, get_args

from axon.errors import DecodeError
from axon.payments.chainmessages import CF, GetCF, GetHdrs, GetProof, Hdrs, ProofMessage
from axon.payments.linkmessages import (
    MAX_REASON_SIZE,
    Auth,
    Bye,
    Hello,
    encode_text,
    printable,
    read_text,
)
from axon.payments.partnermessages import GetPartners, Partners
from axon.primitives.encoding import Reader
from axon.primitives.hashes import Txid

MAX_BULK_BYTES: Final = 400_000
"""Of a packet, or of a PSBT."""

MAX_PAYLOAD_BYTES: Final = MAX_BULK_BYTES + 2_000
"""Of a message: what stands around a packet or a PSBT takes little."""

MAX_URI_SIZE: Final = 8_000
"""Characters of an invoice in writing: more does not fit into QR codes by far."""
MAX_RECEIPT_BYTES: Final = 100_000
MAX_DETAIL_SIZE: Final = 400
MAX_QUERY_SIZE: Final = 1_000

HIGHEST_LEVEL: Final = 6

_VERDICT: Final = Struct("<32sBiH")


@dataclass(frozen=True, slots=True)
class GetInvoice:
    """`getinvoice`: asks for the invoice that the link is about, as it is now. No bytes."""

    command: ClassVar[str] = "getinvoice"

    def encode(self) -> bytes:
        """The payload: nothing."""
        return b""

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from an empty payload.

        Raises:
            DecodeError: it is not empty.
        """
        Reader(payload).finish()
        return cls()


@dataclass(frozen=True, slots=True)
class InvoiceMessage:
    """`invoice`: an invoice as its URI, which is the payload.

    Args:
        uri: 1 to 8,000 printable ASCII characters.
    """

    command: ClassVar[str] = "invoice"

    uri: str = field(repr=False)

    def encode(self) -> bytes:
        """The payload: the URI."""
        return self.uri.encode("ascii")

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """An invoice from a payload; not yet read.

        Raises:
            DecodeError: it is empty, too long, or not of printable ASCII characters.
        """
        if not 0 < len(payload) <= MAX_URI_SIZE:
            raise DecodeError(f"a URI of 1 to {MAX_URI_SIZE} characters")
        return cls(printable(payload.decode("latin-1"), 0))


@dataclass(frozen=True, slots=True)
class PaymentMessage:
    """`payment`: a payment with its proof; the payload is the packet.

    Args:
        packet: 1 to 400,000 bytes, as `payments/packet` encodes it.
    """

    command: ClassVar[str] = "payment"

    packet: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The payload: the packet."""
        return self.packet

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A packet from a payload; not yet read.

        Raises:
            DecodeError: it is empty or too long.
        """
        return cls(_bulk(payload, "a packet"))


@dataclass(frozen=True, slots=True)
class VerdictMessage:
    """`verdict`: what the payee holds of a payment. It may rise, and fall, and is told each time.

    Bytes: txid (32), level (1), height (4, signed), peers (2), reason (text), detail (text).

    Args:
        txid: of the payment.
        level: 0 (refused) to 6, see `docs/payments.md`.
        height: up to which it is known; -1 if it is about no height.
        peers: by how many of the payee's peers it is known.
        reason: a word or two; empty unless refused.
        detail: a sentence for a person, at most 400 characters.
    """

    command: ClassVar[str] = "verdict"

    txid: Txid
    level: int
    height: int = -1
    peers: int = 0
    reason: str = ""
    detail: str = ""

    def encode(self) -> bytes:
        """The payload."""
        head = _VERDICT.pack(self.txid, self.level, self.height, self.peers)
        return head + encode_text(self.reason) + encode_text(self.detail)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A verdict from exactly this payload.

        Raises:
            DecodeError: an unknown level, a height below -1, refused without a reason or a reason
                without refusal, or anything else.
        """
        reader = Reader(payload)
        txid, level, height, peers = _VERDICT.unpack(reader.take(_VERDICT.size))
        if level > HIGHEST_LEVEL:
            raise DecodeError(f"a level from 0 to {HIGHEST_LEVEL}", 32)
        if height < -1:
            raise DecodeError("a height", 33)
        reason = read_text(reader, MAX_REASON_SIZE)
        if bool(reason) is not (level == 0):
            raise DecodeError("a reason where it is refused, and only there", _VERDICT.size)
        detail = read_text(reader, MAX_DETAIL_SIZE)
        reader.finish()
        return cls(Txid(txid), level, height, peers, reason, detail)


@dataclass(frozen=True, slots=True)
class PayjoinOffer:
    """`pjoffer`: the original of a payjoin (BIP 78).

    Bytes: parameters (text), then the PSBT to the end.

    Args:
        parameters: what the sender allows, as in the query of BIP 78's URL; at most 1,000.
        psbt: 1 to 400,000 bytes.
    """

    command: ClassVar[str] = "pjoffer"

    parameters: str
    psbt: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The payload."""
        return encode_text(self.parameters) + self.psbt

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """An offer from a payload; neither part is read yet.

        Raises:
            DecodeError: a part is missing or too long.
        """
        reader = Reader(payload)
        parameters = read_text(reader, MAX_QUERY_SIZE)
        return cls(parameters, _bulk(reader.take(reader.remaining), "a PSBT"))


@dataclass(frozen=True, slots=True)
class PayjoinAnswer:
    """`pjanswer`: the proposal of a payjoin, or why there is none (BIP 78).

    Bytes: error (text), message (text), then the PSBT to the end.

    Args:
        error: one of BIP 78's words; empty with a proposal.
        message: a sentence for the sender's log; empty with a proposal.
        psbt: at most 400,000 bytes; empty with an error, and only then.
    """

    command: ClassVar[str] = "pjanswer"

    error: str = ""
    message: str = ""
    psbt: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """The payload."""
        return encode_text(self.error) + encode_text(self.message) + self.psbt

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """An answer from a payload; the PSBT is not read yet.

        Raises:
            DecodeError: it has both an error and a PSBT, or neither; or anything else.
        """
        reader = Reader(payload)
        error = read_text(reader, MAX_REASON_SIZE)
        message = read_text(reader, MAX_DETAIL_SIZE)
        if error:
            reader.finish()
            return cls(error, message)
        if message:
            raise DecodeError("no message without an error", 1)
        return cls(psbt=_bulk(reader.take(reader.remaining), "a PSBT"))


@dataclass(frozen=True, slots=True)
class ReceiptMessage:
    """`receipt`: a receipt as text, which is the payload.

    Args:
        text: UTF-8, 1 to 100,000 bytes, as `payments/receipt` writes it.
    """

    command: ClassVar[str] = "receipt"

    text: str = field(repr=False)

    def encode(self) -> bytes:
        """The payload: the text."""
        return self.text.encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A receipt from a payload; not yet read.

        Raises:
            DecodeError: it is empty, too long, or no UTF-8.
        """
        if not 0 < len(payload) <= MAX_RECEIPT_BYTES:
            raise DecodeError(f"a receipt of 1 to {MAX_RECEIPT_BYTES} bytes")
        try:
            return cls(payload.decode())
        except UnicodeDecodeError as error:
            raise DecodeError("UTF-8", error.start) from None


def _bulk(data: bytes, what: str) -> bytes:
    if not 0 < len(data) <= MAX_BULK_BYTES:
        raise DecodeError(f"{what} of 1 to {MAX_BULK_BYTES} bytes")
    return data


LinkMessage = (
    Hello
    | Auth
    | GetInvoice
    | InvoiceMessage
    | PaymentMessage
    | VerdictMessage
    | PayjoinOffer
    | PayjoinAnswer
    | ReceiptMessage
    | GetProof
    | ProofMessage
    | GetHdrs
    | Hdrs
    | GetCF
    | CF
    | GetPartners
    | Partners
    | Bye
)
"""Any message between wallets."""

ANSWERS: Final[dict[str, str]] = {
    GetInvoice.command: InvoiceMessage.command,
    PaymentMessage.command: VerdictMessage.command,
    PayjoinOffer.command: PayjoinAnswer.command,
    GetProof.command: ProofMessage.command,
    GetHdrs.command: Hdrs.command,
    GetCF.command: CF.command,
    GetPartners.command: Partners.command,
}
"""The messages that are questions, by name, and what answers each."""

_MESSAGES: Final[dict[str, type[LinkMessage]]] = {
    kind.command: kind for kind in get_args(LinkMessage)
}


def decode_link_message(command: str, payload: bytes) -> LinkMessage:
    """The message in a frame.

    Raises:
        DecodeError: there is none of this name, or the payload is not exactly one.
    """
    kind = _MESSAGES.get(command)
    if kind is None:
        raise DecodeError("a message between wallets")
    return kind.decode(payload)
