"""What a payment asks of a light client about its coins, and what the answer makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axon.node.spends import ClaimedCoin, SpendsUnknown, Spent, Unspent
from axon.payments.verdict import CoinClaim, PaymentLevel, Verdict
from axon.primitives.hashes import Txid, to_hex


@dataclass(frozen=True, slots=True)
class CoinsAsked:
    """An inner command to the light client looked coins up for this payment."""

    invoice_id: bytes
    txid: Txid


@dataclass(frozen=True, slots=True)
class PaymentWatched:
    """An inner command to the light client had this payment watched."""

    txid: Txid


Purpose = CoinsAsked | PaymentWatched | int
"""What a command to the light client was for; a number is the task of the links that asked."""


def claimed_coins(claims: Iterable[CoinClaim]) -> tuple[ClaimedCoin, ...]:
    """The coins of a payment, as a light client looks for them."""
    return tuple([ClaimedCoin(each.outpoint, each.script_pubkey, each.height) for each in claims])


def found_verdict(found: object, txid: Txid, height: int) -> Verdict:
    """What the light client found of a payment's coins, as a verdict.

    Args:
        found: `Unspent`, `Spent` or `SpendsUnknown`.
        txid: of the payment, which may be what spends them.
        height: of our headers.
    """
    match found:
        case Spent() if found.txid == txid:
            return Verdict(PaymentLevel.MINED, height=height)
        case Unspent():
            return Verdict(PaymentLevel.UNSPENT, height=found.height, peers=found.peers)
        case Spent():
            reason = (
                f"a coin of it was spent by transaction {to_hex(found.txid)} in block"
                f" {found.height}"
            )
            return Verdict(PaymentLevel.REFUSED, "coin-spent", reason, found.height)
        case SpendsUnknown(reason, for_good=True):
            told = f"whether its coins are spent cannot be looked up ({reason}): pay on chain"
            return Verdict(PaymentLevel.REFUSED, "coin-unknown", told, height)
    return Verdict(PaymentLevel.FUNDED, height=height)
