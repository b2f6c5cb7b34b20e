"""The first blocks of the main chain, and a peer of their time that serves them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Final, Self

from axon.errors import DecodeError
from axon.machine import Endpoint
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import MAINNET
from axon.wire.messages import (
    BlockMessage,
    GetData,
    GetHeaders,
    Headers,
    Message,
    NotFound,
    Ping,
    Pong,
    Services,
    Unknown,
    Verack,
    Version,
)
from axon.wire.messages.handshake import PROTOCOL_VERSION
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport
from tests.data import mainnet_data

POLL_S: Final = 0.1
"""How often a thread that waits looks whether it should end."""


def first_blocks() -> list[Block]:
    """Blocks 1 to 255 of the main chain."""
    data = (mainnet_data() / "blocks-1-256.dat").read_bytes()
    blocks: list[Block] = []
    at = 0
    while at < len(data):
        assert data[at : at + 4] == MAINNET.magic
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        blocks.append(Block.decode(data[at + 8 : at + 8 + size]))
        at += 8 + size
    return blocks


class BlockPeer:
    """A peer on the main chain that holds some of its first blocks, in threads of its own.

    It shakes hands, tells its headers, hands out its blocks and answers pings; nothing else.

    Args:
        blocks: from height 1 on, each on the one before.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        self._by_hash = {block.hash: block for block in blocks}
        self._heights = {block.hash: height for height, block in enumerate(blocks, start=1)}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(POLL_S)
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self.endpoint = Endpoint("127.0.0.1", self._listener.getsockname()[1])
        self.served = 0
        """How many blocks it has handed out."""
        self.user_agents: list[str] = []
        """Who has shaken hands with it."""

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                link, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._serve, args=(link,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, link: socket.socket) -> None:
        transport = V1Transport(MAINNET.magic)
        link.settimeout(POLL_S)
        with link:
            while not self._ending.is_set():
                try:
                    data = link.recv(1 << 16)
                except TimeoutError:
                    continue
                except ConnectionError:
                    return
                if not data:
                    return
                try:
                    frames = transport.received(data)
                except DecodeError:
                    return  # A key: it is dialled again without.
                for frame in frames:
                    assert isinstance(frame, Frame)
                    for answer in self._answer(decode_message(frame.command, frame.payload)):
                        link.sendall(transport.encode(answer.command, answer.encode()))

    def _answer(self, message: Message | Unknown) -> list[Message]:
        match message:
            case Version(user_agent=name):
                self.user_agents.append(name)
                return [self._greeting(message.time), Verack()]
            case Ping(nonce):
                return [Pong(nonce)]
            case GetHeaders(locator):
                known = (self._heights[item] for item in locator if item in self._heights)
                start = next(known, 0)
                return [Headers(tuple(block.header for block in self._blocks[start:]))]
            case GetData(items):
                return [self._block(item.hash) or NotFound((item,)) for item in items]
        return []

    def _greeting(self, time: int) -> Version:
        services = Services.NETWORK | Services.WITNESS
        height = len(self._blocks)
        return Version(PROTOCOL_VERSION, services, time, UNSPECIFIED, 1, "/early/", height)

    def _block(self, block_hash: bytes) -> BlockMessage | None:
        block = self._by_hash.get(BlockHash(block_hash))
        if block is None:
            return None
        self.served += 1
        return BlockMessage(block.raw)
