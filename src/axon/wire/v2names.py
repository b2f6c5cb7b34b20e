"""How packets of the encrypted transport say which message they carry (BIP 324).

The first byte is the number of a name, or 0 and the name follows as in the first transport: 12
bytes, padded with zeros.
"""

from __future__ import annotations

from typing import Final

from axon.wire.transport import MAX_COMMAND_SIZE
from axon.wire.v1 import read_command

_BIP324: Final = (
    "addr block blocktxn cmpctblock feefilter filteradd filterclear filterload getblocks "
    "getblocktxn getdata getheaders headers inv mempool merkleblock notfound ping pong sendcmpct "
    "tx getcfilters cfilter getcfheaders cfheaders getcfcheckpt cfcheckpt addrv2"
).split()

SHORT_NAMES: Final[dict[int, str]] = {**dict(enumerate(_BIP324, start=1)), 37: "feature"}
"""Names that have a number: those of BIP 324, and `feature` (BIP 434)."""

_ENCODED: Final = {name: bytes((number,)) for number, name in SHORT_NAMES.items()}


def encode_name(command: str) -> bytes:
    """The name of a message, 1 or 13 bytes.

    Args:
        command: at most 12 ASCII characters.
    """
    short = _ENCODED.get(command)
    if short is not None:
        return short
    name = command.encode("ascii")
    assert len(name) <= MAX_COMMAND_SIZE, "a message has a name of at most 12 bytes"
    return b"\x00" + name.ljust(MAX_COMMAND_SIZE, b"\x00")


def decode_name(data: bytes, at: int) -> tuple[str, int] | None:
    """The name of a message and where its payload begins; None if there is none.

    Args:
        data: header byte and contents of a packet.
        at: where the contents begin.
    """
    if len(data) <= at:
        return None
    if data[at]:
        command = SHORT_NAMES.get(data[at])
        return None if command is None else (command, at + 1)
    end = at + 1 + MAX_COMMAND_SIZE
    if len(data) < end:
        return None
    command = read_command(data[at + 1 : end])
    return None if command is None else (command, end)
