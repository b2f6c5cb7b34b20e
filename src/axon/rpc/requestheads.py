"""Request heads as small clients write them, rewritten as HTTP wants them (RFC 9112).

bitcoind's HTTP server (libevent) takes header lines that end with a bare line feed, requests of
HTTP/1.1 without a `Host`, fields folded over several lines or with a blank before the colon, and
the same length given twice. Clients in use rely on that; the parser behind us takes none of it. So
the head of each request is held until it is whole, then goes on as HTTP wants it. The body goes on
as it comes.

    head --its blank line--> body --`Content-Length` bytes--> head
    head --what is unusual--> raw, for the rest of the connection

Only `Content-Length` tells where the next head begins. Behind a head that says it in another way,
or that is no head at all, all goes on unchanged: the parser is the one to judge it.
"""

from __future__ import annotations

import re
from typing import Final

MAX_HEAD_BYTES: Final = 32 * 1024
"""A longer head is not rewritten, so no more than this is held; Core takes 8 kB."""

MAX_HEADS_AT_ONCE: Final = 50
"""Behind so many heads in one piece of bytes all goes on unchanged: a flood of them must not keep
the event loop, and no small client sends so many before it reads an answer."""

_END: Final = re.compile(rb"\n\r?\n")
_END_SIZE: Final = 3
_LENGTH: Final = re.compile(rb"[0-9]{1,12}")
_BLANK: Final = b" \t"
_LINE_BREAKS: Final = b"\r\n"
_OTHER_LENGTHS: Final = frozenset((b"transfer-encoding", b"upgrade"))
"""Fields after which the body does not end where `Content-Length` says."""


class RequestHeads:
    """The bytes of one connection, on their way to the parser."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._body_left = 0
        self.is_raw = False
        """Whether all that comes goes on unchanged; where requests end is not known."""

    @property
    def is_between(self) -> bool:
        """Whether no request has been begun that is not whole; False if that is not known."""
        return not (self.is_raw or self._held or self._body_left)

    def received(self, data: bytes) -> bytes:
        """Take in bytes, cut anywhere; what the parser gets now."""
        if self.is_raw:
            return data
        if self._body_left >= len(data) and not self._held:  # Long bodies are not copied.
            self._body_left -= len(data)
            return data
        given = bytearray()
        heads = 0
        while data and not self.is_raw:
            if self._body_left:
                given += data[: self._body_left]
                data, left = data[self._body_left :], self._body_left - len(data)
                self._body_left = max(0, left)
            else:
                head, data = self._take(data)
                given += head
                heads += 1
                self.is_raw = self.is_raw or heads >= MAX_HEADS_AT_ONCE
        return bytes(given + data)

    def _take(self, data: bytes) -> tuple[bytes, bytes]:
        """A head with what was held of it, empty while it is not whole; and the bytes behind it."""
        if not self._held:
            data = data.lstrip(_LINE_BREAKS)  # Some clients end a body with a line break of theirs.
            if not data[:1].isalpha():
                self.is_raw = bool(data)
                return b"", data
        looked_at = max(0, len(self._held) - _END_SIZE)
        self._held += data
        end = _END.search(self._held, looked_at)
        if end is not None and end.end() <= MAX_HEAD_BYTES:
            head, rest = bytes(self._held[: end.start()]), bytes(self._held[end.end() :])
            self._held.clear()
            return self._rewritten(head), rest
        if len(self._held) > MAX_HEAD_BYTES:
            self.is_raw = True
            head = bytes(self._held)
            self._held.clear()
            return head, b""
        return b"", b""

    def _rewritten(self, head: bytes) -> bytes:
        request, *lines = _unfolded(head)
        names: list[bytes] = []
        lengths: dict[bytes, None] = {}
        kept: list[bytes] = []
        for line in lines:
            name, colon, value = line.partition(b":")
            names.append(name.strip().lower())
            if names[-1] != b"content-length":
                kept.append(name.rstrip(_BLANK) + colon + value)
            elif (length := value.strip().removeprefix(b"+")) not in lengths:
                lengths[length] = None
                kept.append(name.rstrip(_BLANK) + colon + b" " + length)
        if not _OTHER_LENGTHS.isdisjoint(names) or len(lengths) > 1:
            self.is_raw = True
        elif lengths:
            (length,) = lengths
            self.is_raw = _LENGTH.fullmatch(length) is None
            self._body_left = 0 if self.is_raw else int(length)
        if b"host" not in names:
            kept.insert(0, b"Host: localhost")
        return b"\r\n".join((request, *kept, b"", b""))


def _unfolded(head: bytes) -> list[bytes]:
    """The lines of a head; one that begins with a blank goes on with the line before it."""
    lines: list[list[bytes]] = []
    for raw in head.split(b"\n"):
        line = raw.removesuffix(b"\r")
        if len(lines) > 1 and line[:1] in (b" ", b"\t"):
            lines[-1].append(line.strip(_BLANK))
        else:
            lines.append([line])
    return [b" ".join(parts) for parts in lines]
