"""Which version of the protocol a client and this server speak with each other."""

from __future__ import annotations

import re
from typing import Final

from axon.electrum.errors import ElectrumError

ProtocolVersion = tuple[int, ...]
"""`1.4.2` is (1, 4, 2)."""

PROTOCOL_MIN: Final[ProtocolVersion] = (1, 4)
PROTOCOL_MAX: Final[ProtocolVersion] = (1, 6)

_VERSION: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}")


def version_text(version: ProtocolVersion) -> str:
    """As it is written."""
    return ".".join(map(str, version))


def negotiate(asked: object) -> ProtocolVersion:
    """The highest version that both speak.

    Args:
        asked: one version as text, or a list of the lowest and the highest; None for our lowest.

    Raises:
        ElectrumError: there is none, and the connection ends.
    """
    pair = asked if isinstance(asked, list) and len(asked) == 2 else [asked, asked]
    lowest, highest = map(_parse, [version_text(PROTOCOL_MIN)] * 2 if asked is None else pair)
    if lowest is not None and highest is not None:
        version = min(highest, PROTOCOL_MAX)
        if version >= max(lowest, PROTOCOL_MIN):
            return version
    shown = repr(asked)[:100]
    raise ElectrumError(f"unsupported protocol version: {shown}", ends=True)


def _parse(text: object) -> ProtocolVersion | None:
    if not isinstance(text, str) or not _VERSION.fullmatch(text):
        return None
    return tuple(map(int, text.split(".")))
