"""What is known of a payment before it is in a block: levels, and a verdict in words.

A level says what was shown, never what is likely. A later fact may lower it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from axon.primitives.transaction import OutPoint


class PaymentLevel(IntEnum):
    """What holds of a payment; each level includes those below."""

    REFUSED = 0
    """It is not what was asked for, or cannot be."""
    WELL_FORMED = 1
    """It pays the script and the amount, with a fee, in a form that nodes relay, at once."""
    SIGNED = 2
    """Each input satisfies the script of the output that it names."""
    FUNDED = 3
    """Each output that it names is in a block of the payee's best chain, and mature."""
    UNSPENT = 4
    """No block up to a height has spent one of them."""
    UNOPPOSED = 5
    """No peer has shown a transaction that spends one of them."""
    MINED = 6
    """It is in a block of the payee's best chain."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a payee asks for.

    Args:
        script_pubkey: of the invoice's address.
        amount_sat: at least so much; 0 for any amount.
    """

    script_pubkey: bytes
    amount_sat: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a payment, as of when, and from how many.

    Args:
        level: what holds.
        reason: the name of a refusal, for programs and logs; Bitcoin Core's own where it has one.
            Empty unless it is refused.
        detail: the same in one sentence for a person, without its stop; of a payment that is not
            refused, what peers show against it.
        height: of the payee's chain, up to which the level is known to hold.
        peers: so many said the same; 0 where nobody had to be asked.
    """

    level: PaymentLevel
    reason: str = ""
    detail: str = ""
    height: int = 0
    peers: int = 0


@dataclass(frozen=True, slots=True)
class CoinClaim:
    """A confirmed coin that a payment, or an unconfirmed ancestor of it, spends.

    Args:
        outpoint: its name.
        script_pubkey: of the output: what to look for in filters (BIP 158).
        amount_sat: of the output.
        height: of the block that made it. Whether a later block has spent it, or this one, is to be
            looked up.
    """

    outpoint: OutPoint
    script_pubkey: bytes
    amount_sat: int
    height: int


@dataclass(frozen=True, slots=True)
class VerdictText:
    """A verdict for a person.

    Args:
        headline: one sentence.
        proved: what was shown, one sentence each.
        unproved: what was not, and what that means.
    """

    headline: str
    proved: tuple[str, ...]
    unproved: tuple[str, ...]


def verdict_text(verdict: Verdict) -> VerdictText:
    """What a verdict means, as of when, by how many, and what it does not mean.

    It is read by both: whose chain, address and peers are meant is said by naming the payee.
    """
    level = verdict.level
    if level is PaymentLevel.REFUSED:
        return VerdictText(f"Refused: {verdict.detail or verdict.reason}.", (), ())
    if level is PaymentLevel.MINED:
        return VerdictText(_HEADLINES[level], (_in_block(verdict),), _unproved(verdict))
    proved = [text for reached, text in _proved(verdict) if reached <= level]
    headline = f"Beware: {verdict.detail}." if verdict.detail else _HEADLINES[level]
    return VerdictText(headline, tuple(proved), _unproved(verdict))


_HEADLINES = {
    PaymentLevel.WELL_FORMED: "The payment is well formed; nobody has shown that it is worth"
    " anything.",
    PaymentLevel.SIGNED: "The payment is signed; that the coins exist is not shown.",
    PaymentLevel.FUNDED: "The payment spends coins that exist; they may have been spent since.",
    PaymentLevel.UNSPENT: "The payment spends coins that no block has spent.",
    PaymentLevel.UNOPPOSED: "The payment stands alone: no block and no peer shows another use of"
    " its coins.",
    PaymentLevel.MINED: "The payment is in a block.",
}


def _proved(verdict: Verdict) -> list[tuple[PaymentLevel, str]]:
    """What each level adds."""
    height, peers = verdict.height, _peers(verdict.peers)
    return [
        (
            PaymentLevel.WELL_FORMED,
            "it pays the payee what is asked for, with a fee, and a block may have it at once",
        ),
        (PaymentLevel.SIGNED, "the owners of the coins it names have signed it"),
        (
            PaymentLevel.FUNDED,
            f"these coins are in blocks of the chain that the payee knows, up to block {height}",
        ),
        (PaymentLevel.UNSPENT, f"no block up to {height} has spent them, as {peers} told"),
        (PaymentLevel.UNOPPOSED, f"no transaction that spends them otherwise was shown by {peers}"),
    ]


def _in_block(verdict: Verdict) -> str:
    return f"a block of the chain up to {verdict.height} has it"


def _peers(count: int) -> str:
    """Who says so; where nobody is in reach it rests on what was agreed before."""
    if not count:
        return "peers that are gone now"
    return "1 peer" if count == 1 else f"{count} peers"


def _unproved(verdict: Verdict) -> tuple[str, ...]:
    level, height = verdict.level, verdict.height
    if level is PaymentLevel.MINED:
        return ("a chain with more work may still leave that block out: later blocks bury it",)
    missing: list[str] = []
    if level < PaymentLevel.SIGNED:
        missing.append("whether the owners of the coins agree")
    if level < PaymentLevel.FUNDED:
        missing.append("whether the coins it names exist")
    if level < PaymentLevel.UNSPENT:
        missing.append("whether a block has spent them since")
    if level < PaymentLevel.UNOPPOSED and not verdict.detail:
        missing.append("whether another transaction that spends them is on its way")
    missing.append(
        f"nothing behind block {height} is known: until a block has it the payer can take it back"
    )
    return tuple(missing)
