"""Whether coins are unspent since 10,000 blocks, against the wallet's own scan of these filters."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Final

from axon.chain.filters import basic_filter, filter_hash
from axon.chain.headertree import HeaderTree
from axon.host.scriptwatch import ScriptWatch
from axon.machine import (
    SECOND,
    Answer,
    Commanded,
    Completed,
    Delegate,
    Dial,
    Effect,
    Endpoint,
    Event,
    Opened,
    PeerId,
    Received,
    Transmit,
)
from axon.mining.template import coinbase, commitment_script
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spends import ClaimedCoin, FindSpends, Unspent
from axon.node.spv import SpvNode
from axon.node.walletjobs import perform
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.redial import Target
from axon.primitives.block import Block
from axon.primitives.hashes import ZERO_HASH, BlockHash, filter_header
from axon.primitives.header import Header
from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import REGTEST
from axon.primitives.transaction import TxOut, outpoint
from axon.wire.messages import (
    BlockMessage,
    CFHeaders,
    CFilter,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    Message,
    Ping,
    Pong,
    Services,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.messages.filters import BASIC_FILTER
from axon.wire.messages.handshake import PROTOCOL_VERSION
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport
from bench.chain import mined_with
from bench.table import Row

LIMIT: Final = 1.5
BLOCKS: Final = 10_000
ELEMENTS: Final = 1_000
"""Scripts of each block, a filter of 2.7 kB: so the work around the matching weighs more."""

SCRIPTS: Final = 10
PEERS: Final = 4
ROUNDS: Final = 3

_SPACING_S: Final = 30
_SERVICES: Final = int(Services.NETWORK | Services.WITNESS | Services.COMPACT_FILTERS)
_LOCAL: Final = Endpoint("10.0.0.1", REGTEST.port)


def measure(blocks: int = BLOCKS, elements: int = ELEMENTS, rounds: int = ROUNDS) -> Row:
    """The row."""
    data = FilterChain(blocks, elements)
    fresh = [_run(data, keep=False) for _ in range(rounds)]
    kept = [_run(data, keep=True) for _ in range(rounds)]
    ratio = median([search_s / scan_s for scan_s, search_s in fresh])
    scan_s, search_s = (median(each) for each in zip(*fresh, strict=True))
    kept_s = median([search_s for _, search_s in kept])
    return Row(
        f"unspentness of {SCRIPTS} coins since {blocks:,} blocks, against the wallet's own scan",
        f"{ratio:.2f} x  ({search_s:.2f} s / {scan_s:.2f} s)",
        f"<= {LIMIT:g} x",
        ratio <= LIMIT,
        [
            f"Filters of {elements:,} scripts, from {PEERS} peers that have them ready, in one "
            "process without sockets: asked for, checked against their filter headers, matched "
            f"with {SCRIPTS} scripts; the block that made the coins is read, and each that matches "
            "by chance. "
            f"{blocks / search_s:,.0f} blocks a second; {blocks / kept_s:,.0f} where the filters "
            "were kept. Headers and filter headers are there before. Processor seconds. "
            f"Median of {rounds}.",
        ],
    )


class FilterChain:
    """A chain of blocks with a coinbase each, and a filter for each that tells of many scripts.

    Args:
        blocks: how many.
        elements: scripts in each filter.
    """

    def __init__(self, blocks: int, elements: int) -> None:
        rng, start_s = Random(1), int(time.time()) - (blocks + 1) * _SPACING_S
        self.scripts = [b"\x00\x14" + rng.randbytes(20) for _ in range(SCRIPTS)]
        self.others = [b"\x00\x14" + rng.randbytes(20) for _ in range(SCRIPTS)]
        self.blocks: dict[bytes, bytes] = {}
        self.headers: list[Header] = []
        last = REGTEST.genesis.header
        for height in range(1, blocks + 1):
            paid = self.scripts if height == 1 else [b"\x51"]
            outputs = [TxOut(int(not place), script) for place, script in enumerate(paid)]
            reward = coinbase(height, outputs, commitment_script(()))
            block = mined_with([reward], last, start_s + height * _SPACING_S)
            self.blocks[block.hash] = block.raw
            last = block.header
            self.headers.append(last)
        made = Block.decode(self.blocks[self.headers[0].hash]).transactions[0].txid
        self.coins = tuple(
            [
                ClaimedCoin(outpoint(made, place), script, 1)
                for place, script in enumerate(self.scripts)
            ]
        )
        self.names = [REGTEST.genesis.hash, *[header.hash for header in self.headers]]
        self.heights = {name: height for height, name in enumerate(self.names)}
        self.filters = [basic_filter(name, [b"\x51"]) for name in self.names[:1]]
        self.filters.append(basic_filter(self.names[1], self.scripts))
        pool = [b"\x00\x14" + rng.randbytes(20) for _ in range(elements)]
        self.filters += [basic_filter(name, pool) for name in self.names[2:]]
        self.filter_headers: list[bytes] = []
        before = ZERO_HASH
        for each in self.filters:
            before = filter_header(filter_hash(each), before)
            self.filter_headers.append(before)
        form = V1Transport(REGTEST.magic)
        self.frames = [
            form.encode("cfilter", CFilter(BASIC_FILTER, name, each).encode())
            for name, each in zip(self.names, self.filters, strict=True)
        ]

    def answers(self, message: object) -> list[bytes | Message]:
        """What a full node says to a message: messages, or their bytes."""
        match message:
            case Ping(nonce):
                return [Pong(nonce)]
            case GetHeaders(locator=locator):
                start = next((self.heights[name] for name in locator if name in self.heights), 0)
                return [Headers(tuple(self.headers[start : start + 2_000]))]
            case GetCFHeaders(_, start, stop):
                end = self.heights[stop] + 1
                hashes = tuple([filter_hash(each) for each in self.filters[start:end]])
                before = self.filter_headers[start - 1] if start else ZERO_HASH
                return [CFHeaders(BASIC_FILTER, stop, before, hashes)]
            case GetCFilters(_, start, stop):
                return list(self.frames[start : self.heights[stop] + 1])
            case GetData(items):
                return [BlockMessage(self.blocks[item.hash]) for item in items]
        return []


@dataclass
class _Files:
    """Files of a light client, in memory."""

    keep: bool
    filters: dict[BlockHash, bytes]

    def keep_headers(self, headers: Sequence[Header]) -> None:
        """They are there before."""

    def keep_filter_headers(self, start_height: int, records: bytes) -> None:
        """They are there before."""

    def keep_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> None:
        """Keep filters, if they are to be kept."""
        if self.keep:
            self.filters.update(filters)

    def hold_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> int:
        """Nobody gives any ahead."""
        return 0 * len(filters)

    def read_filters(self, hashes: Sequence[BlockHash]) -> list[bytes | None]:
        """Filters that were kept."""
        return list(map(self.filters.get, hashes))

    take_filters = read_filters


class _Client:
    """A light client whose peers answer at once; time stands still while there is work."""

    def __init__(self, data: FilterChain, *, keep: bool) -> None:
        self._data, self._now = data, int(time.time()) * SECOND
        self._files = _Files(keep, {})
        self._wallet = ScriptWatch(REGTEST, data.others)
        self._ears: dict[PeerId, V1Transport] = {}
        self._form = V1Transport(REGTEST.magic)
        self._events: deque[Event] = deque()
        self._jobs: deque[Delegate] = deque()
        self.answer: object = None
        names = [Endpoint(f"10.9.9.{number}", REGTEST.port) for number in range(PEERS)]
        targets = tuple([Target(str(name), name, v2=False) for name in names])
        tree = HeaderTree(REGTEST)
        tree.add_chain(data.headers, self._now)
        known = FilterHeaderChain()
        known.append(data.names, data.filter_headers)
        self.node = SpvNode(
            LinkSettings(
                network=REGTEST,
                connections=ConnectionsConfig(port=REGTEST.port, connect=targets, v2=False),
            ),
            headers=tree,
            filter_headers=known,
            start=ScanStart(0, REGTEST.genesis.hash),
            addrman=AddrMan(Random(1)),
            bans=BanList(),
            rng=Random(1),
            now=self._now,
        )

    def ask(self, command: object) -> object:
        """What is answered to a command."""
        self.answer = None
        self._events.append(Commanded(1, command))
        self.run(until_answered=True)
        return self.answer

    def run(self, *, until_answered: bool = False) -> None:
        """Go on until the wallet has seen everything, or a command is answered."""
        while self.answer is None if until_answered else not self.node.is_synced:
            if self._events:
                self._perform(self.node.handle(self._events.popleft(), self._now))
            elif self._jobs:
                job = self._jobs.popleft()
                outcome = perform(self._wallet, self._files, job.job)
                self._perform(self.node.handle(Completed(job.task, outcome), self._now))
            else:
                due = self.node.deadline()
                assert due is not None, "something is to come"
                self._now = max(self._now + 1, due)
                self._perform(self.node.tick(self._now))

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Dial(ticket, endpoint):
                    self._meet(ticket, endpoint)
                case Transmit(peer, data):
                    for frame in self._ears[peer].received(data):
                        assert isinstance(frame, Frame)
                        message = decode_message(frame.command, frame.payload)
                        self._say(peer, *self._data.answers(message))
                case Delegate():
                    self._jobs.append(effect)
                case Answer(_, value):
                    self.answer = value

    def _meet(self, ticket: int, endpoint: Endpoint) -> None:
        peer = PeerId(len(self._ears))
        self._ears[peer] = V1Transport(REGTEST.magic)
        self._events.append(Opened(peer, endpoint, _LOCAL, ticket))
        height, now_s = len(self._data.headers), self._now // SECOND
        said = Version(PROTOCOL_VERSION, _SERVICES, now_s, UNSPECIFIED, peer + 9, "/b/", height)
        self._say(peer, said, WtxidRelay(), Verack())

    def _say(self, peer: PeerId, *messages: bytes | Message) -> None:
        for item in messages:
            if not isinstance(item, bytes):
                item = self._form.encode(item.command, item.encode())
            self._events.append(Received(peer, item))


def _run(data: FilterChain, *, keep: bool) -> tuple[float, float]:
    """Seconds of the wallet's scan, and of the search after it."""
    client = _Client(data, keep=keep)
    began = time.process_time()
    client.run()
    scanned = time.process_time()
    answer = client.ask(FindSpends(data.coins))
    ended = time.process_time()
    assert answer == Unspent(len(data.headers), data.names[-1], PEERS), str(answer)
    return scanned - began, ended - scanned
