"""Files that people exchange where wallets do not meet: read and written for the screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileAccess:
    """What the screens may do with files; an `AxonError` says what is wrong with one.

    Args:
        read_invoice: what was typed, or the invoice in a file of that name, if there is one.
        read_payment: the text of a payment, or of a receipt, from a file of this name.
        save: writes a text into a new file of this name in the working folder.
    """

    read_invoice: Callable[[str], str]
    read_payment: Callable[[str], str]
    save: Callable[[str, str], None]
