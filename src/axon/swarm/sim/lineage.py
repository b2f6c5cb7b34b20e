"""What an operation hung on: who gave whom the bytes with which it came about.

From the harm on it is written down from whom each program had each block, transaction, header and
filter first. The way of a block leads from whoever has it back to the node at which it was found,
and to the miner; that of a payment from this node back to whoever made it. All components on these
ways, and what they are on or use, are the support of the operation (`spof/guide`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final

from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Wtxid, sha256d
from axon.primitives.header import HEADER_SIZE
from axon.swarm.blueprint import ComponentClass
from axon.swarm.sim.trialnetwork import TrialNetwork
from axon.swarm.trialreport import Support
from axon.wire.messages import Headers
from axon.wire.v1 import HEADER_SIZE as FRAME_HEADER_SIZE

_COMMAND_AT: Final = slice(4, 16)
"""Where a frame's name stands (the first transport: programs of a trial speak no other)."""

_FILTER_HASH_AT: Final = slice(1, 33)
"""In a `cfilter`, behind the kind of filter (BIP 157)."""


class _Kind(Enum):
    """What is handed on."""

    BLOCK = "block"
    HEADER = "header"
    FILTER = "filter"
    TRANSACTION = "transaction"


_Item = tuple[_Kind, bytes]


class _Ways:
    """The programs on some ways, and the steps between them, by name."""

    def __init__(self) -> None:
        self.programs: dict[str, None] = {}
        self.steps: dict[tuple[str, str], None] = {}


class Lineage:
    """Who gave what to whom first, in a network, from now on.

    Args:
        net: the network; whoever watched it before is replaced.
    """

    def __init__(self, net: TrialNetwork) -> None:
        self._net = net
        self._first: dict[tuple[int, _Item], int] = {}  # By whom and what it was had: from whom.
        self._found: dict[BlockHash, tuple[str, list[str]]] = {}  # By whom, and handed to whom.
        blueprint = net.blueprint
        self._known = frozenset((*blueprint.components(), *blueprint.all_links()))
        net.simulation.on_received = self._received
        net.miners.on_found = self._has_found

    def _received(self, source: int, target: int, data: bytes) -> None:
        for item in _items(data):
            self._first.setdefault((target, item), source)

    def _has_found(self, miner: str, nodes: Sequence[str], block: Block) -> None:
        self._found[block.hash] = miner, list(nodes)

    # What things hung on.

    def of_news(self, client: str, tip: BlockHash) -> frozenset[str] | None:
        """Of a client's being in sync with a block; None if that was found before."""
        return self._components(client, self._ways_to(client, tip), tip)

    def of_payment(self, client: str, payment: Wtxid, block: BlockHash) -> frozenset[str] | None:
        """Of a payment's being seen in a block by a client; None if that was found before."""
        ways = self._ways_to(client, block)
        if block in self._found:
            asked = self._found[block][1][0]  # The node that knew what to mine.
            self._walk(ways, self._net.number(asked), (_Kind.TRANSACTION, payment))
        return self._components(client, ways, block)

    def of_start(self, client: str, tip: BlockHash) -> frozenset[str]:
        """Of a newcomer's having all: whoever gave it anything, and the way of the last block."""
        ways, number = _Ways(), self._net.number(client)
        givers = [source for (target, _), source in self._first.items() if target == number]
        for giver in dict.fromkeys(givers):
            self._step(ways, giver, number)
            self._walk(ways, giver, (_Kind.BLOCK, tip))
        found = self._components(client, ways, tip) or self._hung_on(client, ways, ())
        return found | self._seeds_of(client)

    def of_growth(self) -> Iterator[Support]:
        """What the first block that was found hung on."""
        for block in list(self._found)[:1]:
            yield Support("chain", "grow", self._components("", _Ways(), block) or frozenset())

    def of_following(self, nodes: Sequence[str]) -> Iterator[Support]:
        """How each node had each block: what is between it and a node that was handed it."""
        for block, (_, handed) in self._found.items():
            for node in nodes:
                ways = _Ways()
                end = self._walk(ways, self._net.number(node), (_Kind.BLOCK, block))
                if end in handed and end != node:
                    between = self._hung_on(node, ways, ())
                    yield Support(node, f"follow {end}", between - {end})

    def _ways_to(self, client: str, block: BlockHash) -> _Ways:
        """Who gave a client what makes up a block for it, and the ways of the block to these."""
        ways, number = _Ways(), self._net.number(client)
        for kind in (_Kind.BLOCK, _Kind.HEADER, _Kind.FILTER):
            source = self._first.get((number, (kind, block)))
            if source is not None:
                self._step(ways, source, number)
                self._walk(ways, source, (_Kind.BLOCK, block))
        return ways

    def _walk(self, ways: _Ways, number: int, item: _Item) -> str:
        """Back to whoever had it from nobody, and who that is."""
        ways.programs[self._net.name(number)] = None
        met = {number}
        while (source := self._first.get((number, item))) is not None and source not in met:
            self._step(ways, source, number)
            met.add(source)
            number = source
        return self._net.name(number)

    def _step(self, ways: _Ways, source: int, target: int) -> None:
        one, other = sorted((source, target))
        ways.programs[self._net.name(source)] = None
        ways.steps[self._net.name(one), self._net.name(other)] = None

    def _components(self, client: str, ways: _Ways, block: BlockHash) -> frozenset[str] | None:
        """Those on the ways, with the miner of a block and whom it asked; None if it is unknown."""
        if block not in self._found:
            return None
        miner, handed = self._found[block]
        return self._hung_on(client, ways, (miner, handed[0]))

    def _hung_on(self, client: str, ways: _Ways, further: Sequence[str]) -> frozenset[str]:
        """All on the ways, and what they are on or use; but for the client: nothing is asked of
        it where it is harmed itself."""
        blueprint = self._net.blueprint
        found = dict.fromkeys((*ways.programs, *further))
        for each in blueprint.shared:
            if each.kind is not ComponentClass.CLOCK and not found.keys().isdisjoint(each.members):
                found[each.name] = None
        for one, other in ways.steps:
            found[f"{one}-{other}"] = None
            for uplink in blueprint.uplinks:
                near, far = uplink.sides
                if (one in near and other in far) or (one in far and other in near):
                    found[uplink.name] = None
        return frozenset(name for name in found if name in self._known and name != client)

    def _seeds_of(self, client: str) -> frozenset[str]:
        newcomers = self._net.blueprint.newcomer_node, self._net.blueprint.newcomer_wallet
        return frozenset(
            seed for each in newcomers if each and each.name == client for seed in each.seeds
        )


def _items(data: bytes) -> Iterator[_Item]:
    """What a message hands over."""
    match data[_COMMAND_AT].rstrip(b"\0"):
        case b"block" | b"cmpctblock":
            yield _Kind.BLOCK, sha256d(data[FRAME_HEADER_SIZE:][:HEADER_SIZE])
        case b"tx":
            yield _Kind.TRANSACTION, sha256d(data[FRAME_HEADER_SIZE:])
        case b"cfilter":
            yield _Kind.FILTER, data[FRAME_HEADER_SIZE:][_FILTER_HASH_AT]
        case b"headers":
            for header in Headers.decode(data[FRAME_HEADER_SIZE:]).headers:
                yield _Kind.HEADER, header.hash
