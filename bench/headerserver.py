"""A server of headers and nothing else: a long chain of regtest, made on the spot.

    python -m bench.headerserver COUNT

Prints its port and the hash of the last header, then serves one client until it leaves.
"""

from __future__ import annotations

import socket
import sys
import time
from hashlib import sha256
from struct import Struct
from typing import Final

from axon.primitives.encoding import compact_size
from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import REGTEST
from axon.wire.messages import GetHeaders, Services, Verack, Version
from axon.wire.messages.handshake import PROTOCOL_VERSION
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport

MESSAGE: Final = 2_000
SPACING_S: Final = 30
"""Between headers; a chain of 200,000 then began two months ago."""

_HEADER: Final = Struct("<I32s32sIII")
_BITS: Final = 0x207FFFFF
_HALF: Final = 0x80  # A hash whose last byte is below meets regtest's target.


def chain(count: int, now_s: int) -> list[bytes]:
    """So many headers on the genesis block, the last one found just now."""
    raws: list[bytes] = []
    pack = _HEADER.pack
    previous: bytes = REGTEST.genesis.hash
    for number in range(count):
        root, found, nonce = number.to_bytes(32, "little"), now_s - (count - number) * SPACING_S, 0
        while True:
            raw = pack(0x20000000, previous, root, found, _BITS, nonce)
            name = sha256(sha256(raw).digest()).digest()
            if name[31] < _HALF:
                break
            nonce += 1
        raws.append(raw)
        previous = name
    return raws


def serve(connection: socket.socket, raws: list[bytes]) -> None:
    """Answer every getheaders at once, from messages made beforehand."""
    transport = V1Transport(REGTEST.magic)
    place = {sha256(sha256(raw).digest()).digest(): at + 1 for at, raw in enumerate(raws)}
    place[REGTEST.genesis.hash] = 0
    entries = [raw + b"\x00" for raw in raws]
    services, now_s = int(Services.NETWORK | Services.WITNESS), int(time.time())
    version = Version(PROTOCOL_VERSION, services, now_s, UNSPECIFIED, 1, "/headers/", len(raws))
    for message in (version, Verack()):
        connection.sendall(transport.encode(message.command, message.encode()))
    while data := connection.recv(1 << 16):
        for frame in transport.received(data):
            if not isinstance(frame, Frame) or frame.command != GetHeaders.command:
                continue
            asked = decode_message(frame.command, frame.payload)
            assert isinstance(asked, GetHeaders)
            start = next((place[name] for name in asked.locator if name in place), 0)
            chosen = entries[start : start + MESSAGE]
            payload = compact_size(len(chosen)) + b"".join(chosen)
            connection.sendall(transport.encode("headers", payload))


def main(arguments: list[str]) -> int:
    """Serve one client."""
    raws = chain(int(arguments[0]), int(time.time()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        last = sha256(sha256(raws[-1]).digest()).hexdigest()
        sys.stdout.write(f"{listener.getsockname()[1]} {last}\n")
        sys.stdout.flush()
        connection, _ = listener.accept()
        with connection:
            serve(connection, raws)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
