"""What one node says of itself and of its peers, from the answers to a few read-only calls.

The calls are bitcoind's, of any version since 0.17: what an older one does not say stays None and
is told as not seen, never taken for a good answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.errors import DecodeError
from axon.machine import Endpoint
from axon.primitives.netaddress import NetAddress
from axon.swarm.audit.jsonfields import JsonObject, ReadingError, objects
from axon.wire.messages import Services

MAX_PEERS: Final = 10_000
"""More connections than any node holds."""
MAX_BOOK: Final = 100_000
"""An address book of bitcoind holds at most 81,920 places."""
MAX_LISTED: Final = 1_000
"""Own addresses, networks, added nodes, indexes: lists that an operator writes by hand."""
MAX_USER_AGENT_SIZE: Final = 256
MAX_ADDRESS_SIZE: Final = 300
"""Characters of an address with its port; a name in the DNS has at most 253."""
MAX_NAME_SIZE: Final = 80
"""Characters of what the program itself names: chains, networks, types of connection."""

BOOK_SIZE: Final = 2_500
"""Addresses that are asked for: what every version gives at once."""

CALLS: Final[Mapping[str, tuple[object, ...]]] = {
    "getpeerinfo": (),
    "getnetworkinfo": (),
    "getblockchaininfo": (),
    "getindexinfo": (),
    "getnodeaddresses": (BOOK_SIZE,),
    "getaddednodeinfo": (),
    "getmininginfo": (),
}
"""What is asked, with the parameters; none of them changes anything."""

NEEDED: Final = ("getpeerinfo", "getnetworkinfo")
"""Without these a node cannot be judged."""

_PASSING: Final = frozenset(("feeler", "addr-fetch", "private-broadcast"))
"""Types of connection that end by themselves within moments."""

_FULL_NODE: Final = Services.NETWORK | Services.NETWORK_LIMITED
_FILTER_INDEX: Final = "basic block filter index"


@dataclass(frozen=True, slots=True)
class PeerReading:
    """One connection of a node.

    Args:
        remote: the other end, as the node calls it; the host may be a name, the port 0.
        local: the node's own end; None if it is not told.
        told: the address under which the peer sees the node; None if it is not told.
        inbound: the peer has dialled.
        manual: the operator named it (`-connect`, `-addnode`).
        services: bits, see `Services`.
        relays: it wants transactions announced.
    """

    remote: Endpoint
    local: Endpoint | None
    told: Endpoint | None
    inbound: bool
    manual: bool
    services: int
    relays: bool

    @property
    def is_full_node(self) -> bool:
        """Whether it offers blocks, be it the last ones only."""
        return bool(self.services & _FULL_NODE)


@dataclass(frozen=True, slots=True)
class NodeReading:
    """One node, as far as it tells.

    Args:
        name: what the person calls it.
        peers: its connections, those left out that end within moments.
        own: the addresses under which it makes itself known.
        user_agent: its program and version.
        services: what it offers; bits, see `Services`.
        relays: it takes and passes on transactions (not `-blocksonly`).
        proxies: for each network that it reaches, by name, the proxy it takes; empty for none.
        chain: `main`, `regtest`, ...; None if not told.
        pruned: it holds the last blocks only; None if not told.
        filters_ready: its filter index is built up; None if not told, or without one.
        book: addresses that it knows, a sample of `BOOK_SIZE`; None if not told.
        added: what `-addnode` names; None if not told.
        made_templates: it has assembled a block since its start; None if not told.
        missing: calls that it did not answer.
    """

    name: str
    peers: tuple[PeerReading, ...]
    own: tuple[Endpoint, ...]
    user_agent: str
    services: int
    relays: bool
    proxies: Mapping[str, str]
    chain: str | None
    pruned: bool | None
    filters_ready: bool | None
    book: tuple[Endpoint, ...] | None
    added: tuple[Endpoint, ...] | None
    made_templates: bool | None
    missing: tuple[str, ...]

    @property
    def outbound(self) -> tuple[PeerReading, ...]:
        """The peers that it has dialled."""
        return tuple(peer for peer in self.peers if not peer.inbound)

    @property
    def inbound(self) -> tuple[PeerReading, ...]:
        """The peers that have dialled it."""
        return tuple(peer for peer in self.peers if peer.inbound)

    @property
    def serves_filters(self) -> bool:
        """Whether it serves compact filters (BIP 157), all of them."""
        return bool(self.services & Services.COMPACT_FILTERS) and self.filters_ready is not False

    @property
    def serves_all_blocks(self) -> bool:
        """Whether it serves old blocks, too."""
        return bool(self.services & Services.NETWORK) and not self.pruned


def read_node(name: str, answers: Mapping[str, object]) -> NodeReading:
    """What a node's answers say.

    Args:
        name: what the person calls it.
        answers: by call, as JSON gives them; calls that it does not know are left out.

    Raises:
        ReadingError: an answer that is needed is not there, or one is not what it should be.
    """
    for call in NEEDED:
        if answers.get(call) is None:
            raise ReadingError(f"{name}: {call}", "its answer", None)
    network = JsonObject(answers["getnetworkinfo"], f"{name}: getnetworkinfo")
    proxies = _proxies(network)
    chain, pruned = _chain(name, answers.get("getblockchaininfo"))
    peers = objects(answers["getpeerinfo"], f"{name}: getpeerinfo", MAX_PEERS)
    return NodeReading(
        name=name,
        peers=tuple(found for peer in peers if (found := _peer(peer)) is not None),
        own=_listed(network),
        user_agent=network.text("subversion", MAX_USER_AGENT_SIZE),
        services=network.bits("localservices"),
        relays=network.flag("localrelay", True),
        proxies=proxies,
        chain=chain,
        pruned=pruned,
        filters_ready=_filters_ready(name, answers.get("getindexinfo")),
        book=_book(name, answers.get("getnodeaddresses")),
        added=_added(name, answers.get("getaddednodeinfo")),
        made_templates=_made_templates(name, answers.get("getmininginfo")),
        missing=tuple(call for call in CALLS if answers.get(call) is None),
    )


def read_end(text: str, where: str) -> Endpoint:
    """A host and port as bitcoind writes them, the host in its one usual form.

    Args:
        where: node and field, for the error.

    Raises:
        ReadingError: it is none.
    """
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    port = port.removeprefix(":") or "0"
    if not host or not (port.isascii() and port.isdecimal() and int(port) < 1 << 16):
        raise ReadingError(where, "an address as HOST:PORT", text)
    return Endpoint(_usual(host), int(port))


def _usual(host: str) -> str:
    try:
        return NetAddress.from_text(host, 0).to_text()
    except DecodeError:
        return host.lower()  # A name that the operator wrote, or one of a network to come.


def _end(fields: JsonObject, name: str) -> Endpoint | None:
    text = fields.text(name, MAX_ADDRESS_SIZE, "")
    return read_end(text, f"{fields.where}.{name}") if text else None


def _peer(peer: JsonObject) -> PeerReading | None:
    kind = peer.text("connection_type", MAX_NAME_SIZE, "")
    if kind in _PASSING:
        return None
    remote = read_end(peer.text("addr", MAX_ADDRESS_SIZE), f"{peer.where}.addr")
    return PeerReading(
        remote=remote,
        local=_end(peer, "addrbind"),
        told=_end(peer, "addrlocal"),
        inbound=peer.flag("inbound"),
        manual=kind == "manual" or peer.flag("addnode", False),  # The latter before 0.21.
        services=peer.bits("services", "0"),
        relays=peer.flag("relaytxes", True),
    )


def _proxies(network: JsonObject) -> dict[str, str]:
    return {
        each.text("name", MAX_NAME_SIZE): each.text("proxy", MAX_ADDRESS_SIZE, "")
        for each in network.objects("networks", MAX_LISTED)
        if each.flag("reachable", True)
    }


def _listed(network: JsonObject) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(_usual(each.text("address", MAX_ADDRESS_SIZE)), each.number("port", 65_535))
        for each in network.objects("localaddresses", MAX_LISTED)
    )


def _chain(name: str, answer: object) -> tuple[str | None, bool | None]:
    if answer is None:
        return None, None
    fields = JsonObject(answer, f"{name}: getblockchaininfo")
    pruned = fields.flag("pruned") if "pruned" in fields else None
    return fields.text("chain", MAX_NAME_SIZE), pruned


def _filters_ready(name: str, answer: object) -> bool | None:
    if answer is None:
        return None
    indexes = JsonObject(answer, f"{name}: getindexinfo")
    if _FILTER_INDEX not in indexes:
        return None
    return indexes.inner(_FILTER_INDEX).flag("synced")


def _book(name: str, answer: object) -> tuple[Endpoint, ...] | None:
    if answer is None:
        return None
    return tuple(
        Endpoint(_usual(each.text("address", MAX_ADDRESS_SIZE)), each.number("port", 65_535))
        for each in objects(answer, f"{name}: getnodeaddresses", MAX_BOOK)
    )


def _added(name: str, answer: object) -> tuple[Endpoint, ...] | None:
    if answer is None:
        return None
    entries = objects(answer, f"{name}: getaddednodeinfo", MAX_LISTED)
    return tuple(
        read_end(each.text("addednode", MAX_ADDRESS_SIZE), f"{each.where}.addednode")
        for each in entries
    )


def _made_templates(name: str, answer: object) -> bool | None:
    if answer is None:
        return None
    return "currentblockweight" in JsonObject(answer, f"{name}: getmininginfo")
