"""What the methods are given, read; whatever does not fit is refused."""

from __future__ import annotations

from axon.electrum.errors import ElectrumError
from axon.errors import DecodeError
from axon.primitives.hashes import Txid, from_hex

MAX_SHOWN = 80


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, int | float | str | bool) else type(value).__name__
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def whole_number(value: object) -> int:
    """A number from 0 on, below 2**32.

    Raises:
        ElectrumError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32:
        return value
    raise ElectrumError(f"{_shown(value)} should be a non-negative integer")


def flag(value: object, name: str) -> bool:
    """A truth value.

    Raises:
        ElectrumError: it is none.
    """
    if isinstance(value, bool):
        return value
    raise ElectrumError(f'"{name}" must be a boolean')


def script_hash(value: object) -> bytes:
    """The SHA-256 of a script, from reversed hex.

    Raises:
        ElectrumError: it is none.
    """
    return _hash(value, "is not a valid script hash")


def transaction_id(value: object) -> Txid:
    """A txid.

    Raises:
        ElectrumError: it is none.
    """
    return Txid(_hash(value, "should be a transaction hash"))


def _hash(value: object, fault: str) -> bytes:
    try:
        return from_hex(value if isinstance(value, str) else "")
    except DecodeError:
        raise ElectrumError(f"{_shown(value)} {fault}") from None


def hex_text(value: object) -> str:
    """Bytes in hex, as they are handed on.

    Raises:
        ElectrumError: it is no text.
    """
    if isinstance(value, str):
        return value
    raise ElectrumError(f"{_shown(value)} should be a hex string")
