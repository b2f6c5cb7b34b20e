"""What a receiver of payjoins remembers, in the wallet's own store.

Who asks often with ever other payments learns coin after coin of a wallet, if it lets him (BIP 78:
probing). So four things are written down before an answer is told, all or none:

    jo outpoint -> digest               which offer spent a coin first
    js sha256(script) -> digest         which offer an address was joined for
    ja digest -> answer                 so that the same offer gets the same answer, byte for byte
    jc outpoint -> until_s u64, txid    a coin of ours that was shown, and for which original

A digest is an offer's. An answer is 01, outpoint (36 bytes), PSBT; or 00, one byte for BIP 78's
word by its place in `Trouble`, and the reason as UTF-8. Numbers are little-endian. One address is
joined once and so has one answer: strangers cannot fill the store with more than was invoiced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.payments.payjoin import Declined, Offer, Proposal, Trouble
from axon.primitives.hashes import Txid, sha256
from axon.primitives.transaction import OutPoint, Transaction
from axon.wallet import records
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Changes

_SPENT: Final = records.PAYJOIN + b"o"
_SCRIPT: Final = records.PAYJOIN + b"s"
_ANSWER: Final = records.PAYJOIN + b"a"
_SHOWN: Final = records.PAYJOIN + b"c"

_OUTPOINT_SIZE: Final = 36
_TROUBLES: Final = tuple(Trouble)


@dataclass(frozen=True, slots=True)
class Shown:
    """A coin of ours that an answer showed to somebody.

    Args:
        until_s: so long no other payment gets it, seconds since 1970.
        original: the payment for which it was shown.
    """

    until_s: int
    original: Txid


def given(ledger: WalletLedger, offer: Offer, original: Transaction) -> Proposal | Declined | None:
    """What this very offer was answered; None if it is new.

    Raises:
        DamageError: the record cannot be read.
    """
    value = ledger.stored(_ANSWER + offer.digest)
    return None if value is None else _decode(value, original)


def seen_before(ledger: WalletLedger, original: Transaction) -> bool:
    """Whether an input was in another offer, or is spent by a payment that is known here."""
    return any(
        ledger.stored(_SPENT + prevout) is not None or ledger.spenders(prevout)
        for prevout in original.prevouts
    )


def joined_before(ledger: WalletLedger, script: bytes) -> bool:
    """Whether another offer was answered for this script."""
    return ledger.stored(_SCRIPT + sha256(script)) is not None


def shown(ledger: WalletLedger, coin: OutPoint) -> Shown | None:
    """For whom a coin was shown last; None if nobody has seen it.

    Raises:
        DamageError: the record cannot be read.
    """
    value = ledger.stored(_SHOWN + coin)
    if value is None:
        return None
    if len(value) != 40:
        raise records.damaged()
    return Shown(records.decode_u64(value[:8]), Txid(value[8:]))


def is_held(ledger: WalletLedger, coin: OutPoint, now_s: int) -> bool:
    """Whether a coin may still be spent by the joined payment for which it was shown.

    It no longer is when its time is over, or when a block has the original: until then the sender,
    who may have signed the joined payment and lost his link, may settle that one.
    """
    found = shown(ledger, coin)
    return found is not None and now_s < found.until_s and found.original not in ledger.confirmed


def remember(
    ledger: WalletLedger,
    offer: Offer,
    original: Transaction,
    script: bytes,
    answer: Proposal | Declined,
    until_s: int,
) -> None:
    """Write an answer down, before it is told.

    Args:
        script: that the original pays.
        until_s: so long the coins of the answer are held.

    Raises:
        StorageError: the disk refused: do not tell it.
    """
    changes: Changes = {_ANSWER + offer.digest: _encode(answer)}
    changes |= {_SPENT + prevout: offer.digest for prevout in original.prevouts}
    changes[_SCRIPT + sha256(script)] = offer.digest
    if isinstance(answer, Proposal):
        held = records.encode_u64(until_s) + original.txid
        changes |= {_SHOWN + coin: held for coin in answer.coins}
    ledger.commit(changes)


def _encode(answer: Proposal | Declined) -> bytes:
    if isinstance(answer, Declined):
        return bytes((0, _TROUBLES.index(answer.trouble))) + answer.reason.encode()
    (coin,) = answer.coins
    return b"\x01" + coin + answer.psbt


def _decode(value: bytes, original: Transaction) -> Proposal | Declined:
    if value[:1] == b"\x01" and len(value) > 1 + _OUTPOINT_SIZE:
        coin = OutPoint(value[1 : 1 + _OUTPOINT_SIZE])
        return Proposal(value[1 + _OUTPOINT_SIZE :], (coin,), original)
    if value[:1] != b"\x00" or len(value) < 2 or value[1] >= len(_TROUBLES):
        raise records.damaged()
    return Declined(_TROUBLES[value[1]], records.decode_text(value[2:]))
