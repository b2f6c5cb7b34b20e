"""A peer that speaks five messages by hand: python examples/five_messages.py HOST PORT

version, verack, ping, pong and getheaders, on regtest; prints what comes back.
"""

import socket
import sys
import time

from axon import REGTEST
from axon.primitives.hashes import BlockHash
from axon.primitives.netaddress import UNSPECIFIED
from axon.wire.messages import GetHeaders, Headers, Ping, Pong, Verack, Version
from axon.wire.registry import decode_message
from axon.wire.transport import Corrupt
from axon.wire.v1 import V1Transport


def main(host: str, port: int) -> None:
    wire = V1Transport(REGTEST.magic)
    hello = Version(70016, 0, int(time.time()), UNSPECIFIED, 1, "/by-hand:1/", 0)
    said = (Verack(), Ping(21), GetHeaders((REGTEST.genesis.hash,), BlockHash(bytes(32))))
    with socket.create_connection((host, port)) as peer:
        peer.sendall(wire.encode("version", hello.encode()))
        while True:
            for frame in wire.received(peer.recv(65_536)):
                assert not isinstance(frame, Corrupt), frame
                received = decode_message(frame.command, frame.payload)
                print(received.command)
                match received:
                    case Verack():
                        peer.sendall(b"".join(wire.encode(m.command, m.encode()) for m in said))
                    case Ping(nonce):
                        peer.sendall(wire.encode("pong", Pong(nonce).encode()))
                    case Headers():
                        return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
