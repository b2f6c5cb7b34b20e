"""What wallets agree on beyond the link itself, by the features of `hello` (BIP 434's form)."""

from __future__ import annotations

from typing import Final

from axon.payments.linkmessages import Hello
from axon.wire.messages import Feature

PAYJOIN: Final = Feature("payjoin", b"\x01")
"""This side may offer or answer a payjoin; the byte is the version of BIP 78."""

CHAIN: Final = Feature("chain", b"\x01")
"""This side answers `gethdrs`, `getcf`, `getproof` and `getpartners`; the byte is the version."""


def serves_chain(partner: Hello) -> bool:
    """Whether a partner has said that he answers questions about the chain."""
    return CHAIN in partner.features


def knows_payjoin(partner: Hello) -> bool:
    """Whether a partner has said that he knows payjoin as it is known here."""
    return PAYJOIN in partner.features
