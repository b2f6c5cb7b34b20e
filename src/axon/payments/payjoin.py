"""Payjoin (BIP 78): what sender and receiver say to each other, as values.

The sender shows a payment that is signed and could be sent as it is, the *original*. The receiver
adds a coin of his own, so that who pays whom can no longer be read off the inputs, and gives back
a *proposal*. The sender checks what was changed, and signs anew. Until a joined payment is in a
block the original stays good: both spend the same coins, so only one of them can ever count.

    payjoinsender      `make_offer`, `check_answer`, `sign_answer`
    payjoinreceiver    `answer`
    payjoinparameters  what a sender allows, as a query string
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from axon.errors import DecodeError
from axon.payments.payjoinparameters import Parameters
from axon.primitives.hashes import sha256
from axon.primitives.transaction import OutPoint, Transaction
from axon.wallet.errors import BadPsbt
from axon.wallet.psbt import Psbt, read_psbt

VERSION: Final = 1
"""Of the protocol; the only one there is."""

MAX_PSBT_BYTES: Final = 400_000
"""Of an original or a proposal: the weight of the largest transaction that nodes relay, and what a
message between wallets may have."""


class Trouble(StrEnum):
    """Why there is no payjoin, in the words of BIP 78."""

    UNAVAILABLE = "unavailable"
    NOT_ENOUGH_MONEY = "not-enough-money"
    VERSION_UNSUPPORTED = "version-unsupported"
    REJECTED = "original-psbt-rejected"


SHOWN: Final = {
    Trouble.UNAVAILABLE: "the receiver offers no payjoin now",
    Trouble.NOT_ENOUGH_MONEY: "the receiver cannot pay the fee of the larger payment",
    Trouble.VERSION_UNSUPPORTED: "the receiver knows other versions of payjoin only",
    Trouble.REJECTED: "the receiver does not take this payment as it is",
}
"""What a sender shows. What a receiver writes himself is for logs: it could be bait (BIP 78)."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The receiver joins nothing; the original is as good as before.

    Args:
        trouble: in the words of BIP 78.
        reason: one sentence, for logs.
    """

    trouble: Trouble
    reason: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a sender hands to the receiver.

    Args:
        psbt: the original, a PSBT of version 0 whose inputs are final.
        parameters: what the receiver may do with it.
    """

    psbt: bytes
    parameters: Parameters

    @property
    def digest(self) -> bytes:
        """32 bytes by which a receiver knows an offer again: SHA-256 of parameters and PSBT."""
        return sha256(self.parameters.encode().encode() + b"\x00" + self.psbt)

    def read(self) -> Psbt:
        """The original; `Psbt.transaction` can be sent as it is.

        Raises:
            BadPsbt: it is none, or too large.
        """
        return read_bounded(self.psbt)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a receiver gives back.

    Args:
        psbt: the proposal, in which his inputs are final and the sender's are bare.
        coins: the inputs that he added. A payment that spends one is the joined one.
        original: what is to be sent if the sender never sends the joined one.
    """

    psbt: bytes
    coins: tuple[OutPoint, ...]
    original: Transaction

    @property
    def base64(self) -> str:
        """The PSBT as HTTP carries it."""
        return b64encode(self.psbt).decode()


def read_bounded(data: bytes | str) -> Psbt:
    """A PSBT of the other side, as bytes, base64 or hex.

    Raises:
        BadPsbt: it is none, or larger than `MAX_PSBT_BYTES`.
    """
    limit = MAX_PSBT_BYTES if isinstance(data, bytes) else 2 * MAX_PSBT_BYTES
    if len(data) > limit:
        raise BadPsbt(f"expected a PSBT of at most {MAX_PSBT_BYTES:,} bytes")
    try:
        psbt = read_psbt(data)
    except DecodeError:
        raise BadPsbt("this PSBT is damaged: ask for it again") from None
    if len(psbt.raw) > MAX_PSBT_BYTES:
        raise BadPsbt(f"expected a PSBT of at most {MAX_PSBT_BYTES:,} bytes")
    return psbt
