"""What an invoice is to say, before it has an address and a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.errors import WalletError
from axon.machine import Endpoint
from axon.primitives.transaction import MAX_MONEY_SAT
from axon.wallet.paymenturi import one_line

MAX_LIFETIME_S: Final = 366 * 86_400
"""An address that is watched for longer than a year is no invoice any more."""

DAY_S: Final = 86_400


class BadInvoice(WalletError):
    """An invoice that is not made, or not paid: changed, expired, of another network, or none."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an invoice is to say.

    Args:
        amount_sat: how much; None where the payer decides.
        label, message: who is paid, and what for.
        lifetime_s: for so long it can be paid.
        endpoints: where we listen.
    """

    amount_sat: int | None
    label: str = ""
    message: str = ""
    lifetime_s: int = DAY_S
    endpoints: tuple[Endpoint, ...] = ()

    def check(self) -> None:
        """See that it can be asked for; no key is needed for that. Endpoints are not looked at.

        Raises:
            BadInvoice: an amount that nobody has, a text that is cleaned when it is read, or a
                lifetime of nothing or of more than a year.
        """
        if self.amount_sat is not None and not 0 < self.amount_sat <= MAX_MONEY_SAT:
            raise BadInvoice(f"{self.amount_sat} sat is no amount to ask for")
        for text in (self.label, self.message):
            if text != one_line(text):
                raise BadInvoice("a text of an invoice is one line of at most 255 characters")
        if not 0 < self.lifetime_s <= MAX_LIFETIME_S:
            raise BadInvoice("an invoice expires after it was made, and within a year")
