"""What a link between wallets derives from what both ends know.

Each is a SHA-256 in a domain of its own, so that none of them can stand for another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.primitives.hashes import sha256
from axon.primitives.network import Network

MAGIC_SIZE: Final = 4

ProvesLink = Callable[[bytes, bytes, bytes, bytes], bool]
"""Public key (32 bytes, x-only), session id, invoice id, signature: whether the owner of the key
signed that this connection is about this invoice. `payments/invoice` has it."""


def wallet_magic(network: Network) -> bytes:
    """The 4 bytes that stand for a network where wallets talk, in place of its magic.

    They go into the keys of the encryption (BIP 324), so a node and a wallet never agree on any.
    """
    return sha256(b"axon wallet magic" + network.magic)[:MAGIC_SIZE]


def invoice_hint(session_id: bytes, invoice_id: bytes) -> bytes:
    """By which the payee finds the invoice that a payer comes for, 32 bytes.

    Who does not know the invoice learns nothing from it; and on another connection it means
    nothing, so whoever sits in between cannot hand it on.

    Args:
        session_id: of the connection, 32 bytes.
        invoice_id: 32 bytes.
    """
    return sha256(b"axon wallet hint" + session_id + invoice_id)
