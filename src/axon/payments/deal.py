"""One payment between two wallets, as each keeps it: what was asked, what came, how far it is.

    payee: issued -> linked -> offered -> checked -> [joined] -> accepted -> settled
    payer:           linked -> offered -> checked -> [joined] -> accepted -> settled
    either: -> refused | expired

`offered` means that the payment, signed and good by itself, has left the payer: from then on its
coins are spent, whatever becomes of the link. A payment that was joined takes the place of that
first one, which both keep until a block has one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final

from axon.errors import DamageError, DecodeError, WalletError
from axon.payments.invoice import Invoice, recorded_invoice
from axon.payments.packet import Packet
from axon.payments.receipt import Receipt
from axon.payments.refusals import what_next
from axon.payments.verdict import PaymentLevel, Verdict, VerdictText, verdict_text
from axon.primitives.encoding import Reader, compact_size, var_bytes
from axon.primitives.hashes import Txid
from axon.primitives.network import Network
from axon.primitives.transaction import Transaction


class Role(IntEnum):
    """Whose record it is."""

    PAYEE = 0
    PAYER = 1


class DealStage(StrEnum):
    """How far a payment is."""

    ISSUED = "issued"
    LINKED = "linked"
    OFFERED = "offered"
    CHECKED = "checked"
    JOINED = "joined"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    EXPIRED = "expired"
    REFUSED = "refused"


_FOLLOWING: Final[dict[DealStage, frozenset[DealStage]]] = {
    DealStage.ISSUED: frozenset(
        {DealStage.LINKED, DealStage.OFFERED, DealStage.SETTLED, DealStage.EXPIRED}
    ),
    DealStage.LINKED: frozenset(
        {DealStage.OFFERED, DealStage.SETTLED, DealStage.EXPIRED, DealStage.REFUSED}
    ),
    # A payee may send his receipt and no verdict before it.
    DealStage.OFFERED: frozenset(
        {DealStage.CHECKED, DealStage.ACCEPTED, DealStage.REFUSED, DealStage.SETTLED}
    ),
    DealStage.CHECKED: frozenset(
        {DealStage.JOINED, DealStage.ACCEPTED, DealStage.REFUSED, DealStage.SETTLED}
    ),
    DealStage.JOINED: frozenset({DealStage.ACCEPTED, DealStage.REFUSED, DealStage.SETTLED}),
    DealStage.ACCEPTED: frozenset({DealStage.SETTLED, DealStage.REFUSED}),
    # Blocks may leave the chain, an address may be paid late, a refused payer may come again, and a
    # payee who refused may give a receipt all the same.
    DealStage.SETTLED: frozenset({DealStage.ACCEPTED, DealStage.OFFERED, DealStage.ISSUED}),
    DealStage.EXPIRED: frozenset({DealStage.SETTLED}),
    DealStage.REFUSED: frozenset({DealStage.OFFERED, DealStage.ACCEPTED, DealStage.SETTLED}),
}

_STAGES: Final = tuple(DealStage)


@dataclass(frozen=True, slots=True)
class Deal:
    """What one side knows of a payment; a change makes a new one.

    Args:
        role: whose this is.
        invoice: what is asked for.
        stage: how far it is.
        changed_s: since when, seconds since 1970.
        reason: why it was refused, one sentence; else empty.
        key_index: of the invoice's key, for the payee.
        packet: the payment that is good by itself, with what proves its inputs; None before it.
        offer: the same as the PSBT that was sent to be joined; empty if none was.
        answer: the PSBT that came back, or that we sent back; empty if none was.
        joined: the joined payment, signed by both; None if there is none.
        verdict: the last that the payee gave.
        receipt: what the payee signed; None before it.
    """

    role: Role
    invoice: Invoice
    stage: DealStage
    changed_s: int
    reason: str = ""
    key_index: int = 0
    packet: Packet | None = None
    offer: bytes = b""
    answer: bytes = b""
    joined: Transaction | None = None
    verdict: Verdict | None = None
    receipt: Receipt | None = None

    @property
    def payment(self) -> Transaction | None:
        """The transaction that is to be settled: the joined one if there is one."""
        if self.joined is not None:
            return self.joined
        return None if self.packet is None else self.packet.transaction

    @property
    def txids(self) -> tuple[Txid, ...]:
        """By which a block settles it."""
        known = (self.joined, None if self.packet is None else self.packet.transaction)
        return tuple([each.txid for each in known if each is not None])

    @property
    def shown(self) -> VerdictText | None:
        """The verdict in words: what was shown of the payment, and what was not."""
        return None if self.verdict is None else verdict_text(self.verdict)

    @property
    def advice(self) -> str:
        """What we can do as a payer who is refused, one sentence without its stop; else empty."""
        if self.role is Role.PAYEE or self.stage is not DealStage.REFUSED:
            return ""
        return what_next("" if self.verdict is None else self.verdict.reason)

    @property
    def is_open(self) -> bool:
        """Whether something of it is still to come."""
        return self.stage not in {DealStage.SETTLED, DealStage.EXPIRED, DealStage.REFUSED}

    def offered(self, packet: Packet, now_s: int) -> Deal:
        """The same with a new payment; nothing is left of one that was refused before."""
        bare = replace(self, offer=b"", answer=b"", joined=None, verdict=None, receipt=None)
        return bare.moved(DealStage.OFFERED, now_s, packet=packet)

    def moved(self, stage: DealStage, now_s: int, **changes: object) -> Deal:
        """The same at another stage, or with more known at this one."""
        assert stage is self.stage or stage in _FOLLOWING[self.stage], f"{self.stage} -> {stage}"
        reason = changes.pop("reason", "") if stage is DealStage.REFUSED else ""
        return replace(self, stage=stage, changed_s=now_s, reason=reason, **changes)  # type: ignore[arg-type]

    # Kept.

    def encode(self) -> bytes:
        """Role, stage, time and index, then each further part behind its length."""
        head = bytes((self.role, _STAGES.index(self.stage)))
        head += self.changed_s.to_bytes(8, "little") + compact_size(self.key_index)
        parts = (
            self.invoice.to_uri().encode(),
            self.reason.encode(),
            b"" if self.packet is None else self.packet.encode(),
            self.offer,
            self.answer,
            b"" if self.joined is None else self.joined.raw,
            b"" if self.verdict is None else encode_verdict(self.verdict),
            b"" if self.receipt is None else self.receipt.encode().encode(),
        )
        return head + b"".join(map(var_bytes, parts))

    @classmethod
    def decode(cls, data: bytes, network: Network) -> Deal:
        """From `encode`.

        Raises:
            DamageError: it is not what was written.
        """
        try:
            return cls._decode(Reader(data), network)
        except (WalletError, ValueError, IndexError) as error:
            raise DamageError(f"a record of a direct payment is damaged ({error})") from None

    @classmethod
    def _decode(cls, reader: Reader, network: Network) -> Deal:
        role, stage = Role(reader.u8()), _STAGES[reader.u8()]
        changed_s, index = reader.u64(), reader.compact_size()
        uri, reason, packet, offer, answer, joined, verdict, receipt = (
            reader.var_bytes() for _ in range(8)
        )
        reader.finish()
        invoice = recorded_invoice(uri.decode(), network)
        return cls(
            role,
            invoice,
            stage,
            changed_s,
            reason.decode(),
            index,
            Packet.decode(packet) if packet else None,
            offer,
            answer,
            Transaction.decode(joined) if joined else None,
            decode_verdict(Reader(verdict)) if verdict else None,
            Receipt.recorded(receipt.decode(), invoice) if receipt else None,
        )


def encode_verdict(verdict: Verdict) -> bytes:
    """Level, height and number of peers, 1, 4 and 2 bytes, then reason and detail."""
    head = bytes((verdict.level,)) + verdict.height.to_bytes(4, "little")
    head += verdict.peers.to_bytes(2, "little")
    return head + var_bytes(verdict.reason.encode()) + var_bytes(verdict.detail.encode())


def decode_verdict(reader: Reader) -> Verdict:
    """From `encode_verdict`.

    Raises:
        DecodeError: it is none.
    """
    level, height, peers = reader.u8(), reader.u32(), reader.u16()
    reason, detail = reader.var_bytes(), reader.var_bytes()
    try:
        return Verdict(PaymentLevel(level), reason.decode(), detail.decode(), height, peers)
    except (ValueError, UnicodeDecodeError):
        raise DecodeError("a level of a verdict, and texts") from None
