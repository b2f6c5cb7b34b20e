"""All that opens a wallet of the lab, and in which forms programs write such things.

From the words follow the seed (BIP 39), the master key and all others (BIP 32); the wallets of the
lab are of BIP 84, on a test chain.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.keys import encode_wif
from axon.primitives.network import REGTEST

KEYS: Final = 3
"""The private keys of so many first addresses of each kind are looked for."""

WORDS_IN_A_ROW: Final = 4
"""So many words of a mnemonic one behind another are no chance."""

BETWEEN_WORDS: Final = (" ", "\n", ",", ", ", "-", "_", '","', '", "', "', '")
"""What stands between them: in a text, a list, JSON, a value of Python."""

ACCOUNT: Final = (84 + HARDENED, 1 + HARDENED, HARDENED)
"""BIP 84, a test chain, the first account."""

_BASE64_SURE: Final = 40
"""Characters of a text in base 64 that do not depend on what follows the bytes, of 32 bytes."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that must not be found.

    Args:
        about: whose it is, and in which form.
        data: the bytes to look for.
    """

    about: str
    data: bytes


def wallet_secrets(words: str, owner: str) -> Iterator[Secret]:
    """What must be found nowhere of a wallet that was made of these words."""
    row = words.split()[:WORDS_IN_A_ROW]
    for between in BETWEEN_WORDS:
        yield Secret(f"words of {owner}", between.join(row).encode())
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)
    yield from _bytes_forms(f"the seed of {owner}", seed)
    master = ExtendedKey.from_seed(seed)
    account = master.descend(ACCOUNT)
    for found, about in ((master, "master key"), (account, "account's key")):
        text = found.encode(REGTEST)
        yield Secret(f"the {about} of {owner}, in base 58", text.encode())
        yield from key_secrets(f"the {about} of {owner}", found.key[1:])
    for change in (0, 1):
        for number in range(KEYS):
            key = account.descend((change, number)).key[1:]
            yield from key_secrets(f"private key {change}/{number} of {owner}", key)


def key_secrets(about: str, key: bytes) -> Iterator[Secret]:
    """A private key of 32 bytes in all forms."""
    yield from _bytes_forms(about, key)
    yield Secret(f"{about}, as WIF", encode_wif(key, REGTEST).encode())


def _bytes_forms(about: str, data: bytes) -> Iterator[Secret]:
    yield Secret(f"{about}, as it is", data)
    yield Secret(f"{about}, as hex", data.hex().encode())
    yield Secret(f"{about}, as hex", data.hex().upper().encode())
    yield Secret(f"{about}, in base 64", b64encode(data)[:_BASE64_SURE])
