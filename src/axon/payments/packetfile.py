"""A packet for wallets that never meet: as text to mail or keep, and as a series of QR codes.

The text is base64 between two lines that say what it is. The codes are shown one after the other,
in a circle, and read in whatever order the camera catches them; each tells how many there are and
which packet it is of. They use only characters of the alphanumeric mode of QR codes, which makes
them smaller. Both carry a checksum, so that damage on the way is called damage; it protects from
nothing else.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode, b64decode, b64encode
from typing import Final

from axon.errors import DecodeError
from axon.payments.packet import MAX_PACKET_BYTES, Packet
from axon.primitives.hashes import sha256d

BEGIN: Final = "-----BEGIN AXON PAYMENT-----"
END: Final = "-----END AXON PAYMENT-----"

MAX_TEXT: Final = 2 * MAX_PACKET_BYTES
"""Characters: base64 takes four for three bytes, and mail programs add their own."""

PART_BYTES: Final = 300
"""Of a packet in one code: some 500 characters, which a terminal shows and a telephone reads."""

MAX_PART_BYTES: Final = 2_600
"""As much as the largest code holds at its lowest error correction."""

MAX_PARTS: Final = 4_000
"""Of one packet; small parts of the largest packet are fewer."""

_LINE: Final = 64
_CHECK_SIZE: Final = 4
_PART: Final = re.compile(r"AXONPAY/([0-9]{1,4})-([0-9]{1,4})/([0-9A-F]{8})/([A-Z2-7]{1,4300})")
_QUOTED: Final = re.compile(r"^[>\s]+|\s+$")


def to_text(packet: Packet) -> str:
    """A packet as lines of text."""
    data = packet.encode()
    body = b64encode(data).decode()
    lines = [body[at : at + _LINE] for at in range(0, len(body), _LINE)]
    return "\n".join([BEGIN, f"Checksum: {_check(data)}", "", *lines, END, ""])


def from_text(text: str) -> Packet:
    """The packet in a text, whatever stands before and behind it, also where a mail quotes it.

    Raises:
        DecodeError: there is none, it is damaged, or cut short.
    """
    if len(text) > MAX_TEXT:
        raise DecodeError(f"a text of at most {MAX_TEXT} characters")
    lines = [_QUOTED.sub("", line) for line in text.splitlines()]
    if lines.count(BEGIN) != 1:
        raise DecodeError(f"one line {BEGIN}")
    lines = lines[lines.index(BEGIN) + 1 :]
    if END not in lines:
        raise DecodeError(f"a line {END}: the text is cut short")
    head, *body = lines[: lines.index(END)] or [""]
    if not head.startswith("Checksum: "):
        raise DecodeError("a checksum in the first line of a payment")
    try:
        data = b64decode("".join(body), validate=True)
    except ValueError:
        raise DecodeError("base64 in the lines of a payment: the text is damaged") from None
    if _check(data) != head.removeprefix("Checksum: "):
        raise DecodeError("a payment that fits its checksum: the text is damaged")
    return Packet.decode(data)


def to_parts(packet: Packet, part_bytes: int = PART_BYTES) -> list[str]:
    """A packet as texts of QR codes.

    Args:
        part_bytes: of the packet in each, 100 to `MAX_PART_BYTES`.
    """
    assert 100 <= part_bytes <= MAX_PART_BYTES, "a code holds no more, and there are not too many"
    data = packet.encode()
    pieces = [data[at : at + part_bytes] for at in range(0, len(data), part_bytes)]
    check, total = _check(data), len(pieces)
    return [
        f"AXONPAY/{number}-{total}/{check}/{b32encode(piece).decode().rstrip('=')}"
        for number, piece in enumerate(pieces, start=1)
    ]


class PartCollector:
    """Puts the parts of one packet together, in any order, as often as they come."""

    def __init__(self) -> None:
        self._pieces: dict[int, bytes] = {}
        self._series: tuple[int, str] | None = None  # How many parts, and their checksum.
        self._size = 0

    @property
    def total(self) -> int:
        """How many parts there are; 0 before the first."""
        return 0 if self._series is None else self._series[0]

    @property
    def missing(self) -> list[int]:
        """The numbers of those that have not come, from 1."""
        return [number for number in range(1, self.total + 1) if number not in self._pieces]

    def take(self, text: str) -> Packet | None:
        """One more part.

        Args:
            text: of a code that was read.

        Returns:
            The packet, once all parts are there.

        Raises:
            DecodeError: the text is no part, or of another packet, which leaves the others as they
                are; or all are there and do not fit together, and the collector begins again.
        """
        number, series, piece = _read_part(text)
        if self._series is None:
            self._series = series
        if series != self._series:
            raise DecodeError("a part of the same payment as the parts before")
        if number not in self._pieces:
            self._pieces[number] = piece
            self._size += len(piece)
        if self._size > MAX_PACKET_BYTES:
            self._begin_again()
            raise DecodeError(f"parts of at most {MAX_PACKET_BYTES} bytes together")
        if len(self._pieces) < self.total:
            return None
        data = b"".join([self._pieces[each] for each in range(1, self.total + 1)])
        self._begin_again()
        if _check(data) != series[1]:
            raise DecodeError("parts that fit their checksum: show them again")
        return Packet.decode(data)

    def _begin_again(self) -> None:
        self._pieces, self._series, self._size = {}, None, 0


def _read_part(text: str) -> tuple[int, tuple[int, str], bytes]:
    """Number, series and piece."""
    match = _PART.fullmatch(text.strip())
    if match is None:
        raise DecodeError("a part of a payment, which begins with AXONPAY/")
    number, total = int(match[1]), int(match[2])
    if not 1 <= number <= total <= MAX_PARTS:
        raise DecodeError(f"a part that is one of at most {MAX_PARTS}")
    letters = match[4]
    try:
        piece = b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raise DecodeError("base32 in a part of a payment") from None
    return number, (total, match[3]), piece


def _check(data: bytes) -> str:
    """8 hex digits by which damage is noticed."""
    return sha256d(data)[:_CHECK_SIZE].hex().upper()
