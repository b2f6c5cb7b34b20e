"""A peer that follows a script: it speaks the protocol over a real socket, and nothing more.

Not a node: it keeps no ledger and judges nothing. Whoever runs it decides what it says, true or
not; that is what it is for. A blocking socket and one transport of `wire` are all it has.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence
from typing import Final, Self, TypeVar

from axon.chain.deployments import BLOCK_VERSION
from axon.errors import AxonError
from axon.machine import Endpoint
from axon.mining.miner import mine
from axon.mining.template import coinbase, commitment_script
from axon.primitives.block import Block
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import Network
from axon.primitives.transaction import TxOut
from axon.wire.messages import (
    BlockMessage,
    GetData,
    GetHeaders,
    Headers,
    Message,
    Ping,
    Pong,
    Services,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.messages.handshake import PROTOCOL_VERSION
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport

ANSWER_LIMIT_S: Final = 20.0
"""How long a node may take to answer, or to disconnect."""

_READ_BYTES: Final = 1 << 16
_TRIES: Final = 10_000  # On regtest every second nonce will do.

M = TypeVar("M")


class ConnectionEnded(AxonError):
    """The node ended the connection."""


class NoReply(AxonError):
    """The node did not say in time what the script waits for."""


class ScriptPeer:
    """One connection to a node, with the handshake complete.

    Args:
        endpoint: where the node listens.
        network: whose protocol.
        name: as which the peer introduces itself.
        now_s: the time it gives in its `version`, seconds since 1970.

    Raises:
        ConnectionEnded, NoReply: the handshake did not complete.
        OSError: nobody listens.
    """

    def __init__(self, endpoint: Endpoint, network: Network, name: str, now_s: int) -> None:
        self._network = network
        self._transport = V1Transport(network.magic)
        self._inbox: deque[Message | Unknown] = deque()
        self._socket = socket.create_connection(
            (endpoint.host, endpoint.port), timeout=ANSWER_LIMIT_S
        )
        try:
            self._shake_hands(name, now_s)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _shake_hands(self, name: str, now_s: int) -> None:
        services = int(Services.NETWORK | Services.WITNESS)
        nonce = 1  # By it a node knows a connection to itself; this peer never listens.
        self.send(Version(PROTOCOL_VERSION, services, now_s, UNSPECIFIED, nonce, f"/{name}/", 0))
        self.expect(Version)
        self.send(WtxidRelay(), Verack())
        self.expect(Verack)

    def send(self, *messages: Message) -> None:
        """Say something."""
        data = [self._transport.encode(item.command, item.encode()) for item in messages]
        try:
            self._socket.sendall(b"".join(data))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ConnectionEnded("the node ended the connection") from error

    def next(self) -> Message | Unknown:
        """The next thing the node says; its pings are answered.

        Raises:
            ConnectionEnded: it says nothing more.
            NoReply: it is silent for too long.
        """
        while True:
            while not self._inbox:
                self._read()
            message = self._inbox.popleft()
            if not isinstance(message, Ping):
                return message
            self.send(Pong(message.nonce))

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except TimeoutError as error:
            raise NoReply(f"the node said nothing for {ANSWER_LIMIT_S:g} s") from error
        except ConnectionResetError as error:
            raise ConnectionEnded("the node reset the connection") from error
        if not data:
            raise ConnectionEnded("the node closed the connection")
        for frame in self._transport.received(data):
            if isinstance(frame, Frame):
                self._inbox.append(decode_message(frame.command, frame.payload))

    def expect(self, kind: type[M]) -> M:
        """The next message of one kind; what comes before it is passed over."""
        while True:
            message = self.next()
            if isinstance(message, kind):
                return message

    def headers(self) -> list[Header]:
        """All headers of the node's chain but the first, as it answers when asked for them."""
        self.send(GetHeaders((self._network.genesis.hash,)))
        return list(self.expect(Headers).headers)

    def offer(self, block: Block) -> None:
        """Announce a block by its header, and hand it over when the node asks for it."""
        self.send(Headers((block.header,)))
        while all(item.hash != block.hash for item in self.expect(GetData).items):
            pass
        self.send(BlockMessage(block.raw))

    def is_answered(self, nonce: int) -> bool:
        """Whether the node still answers a ping on this connection."""
        try:
            self.send(Ping(nonce))
            while self.expect(Pong).nonce != nonce:
                pass
        except ConnectionEnded:
            return False
        return True

    def is_disconnected(self) -> bool:
        """Whether the node ends the connection; waits for it."""
        try:
            while True:
                self.next()
        except ConnectionEnded:
            return True
        except NoReply:
            return False


def block_on(headers: Sequence[Header], script: bytes, amount_sat: int) -> Block:
    """A block with proof of work on a chain of headers, which pays its miner what he likes.

    Args:
        headers: from height 1 to the tip.
        script: the miner's.
        amount_sat: what he pays himself.
    """
    tip, height = headers[-1], len(headers) + 1
    first = coinbase(height, [TxOut(amount_sat, script)], commitment_script(()))
    root = merkle_root([first.txid])
    bare = Header.build(BLOCK_VERSION, tip.hash, root, tip.time + 1, tip.bits, 0)
    block = mine(Block.build(bare, [first]), _TRIES)
    assert block is not None, "on regtest every second nonce will do"
    return block
