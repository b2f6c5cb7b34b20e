"""Which part of the node a message concerns."""

from __future__ import annotations

from axon.machine import Instant
from axon.node.blockflow import BlockFlow
from axon.node.facts import MessageIgnored
from axon.node.links import GREETING, Links
from axon.node.outbox import Outbox
from axon.node.replies import Replies
from axon.node.session import Session
from axon.node.txflow import TxFlow
from axon.p2p.filterserving import FilterServing
from axon.primitives.hashes import BlockHash
from axon.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    FeeFilter,
    GetAddr,
    GetBlocks,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvType,
    MempoolMessage,
    Message,
    NotFound,
    Ping,
    Pong,
    SendHeaders,
    Tx,
    Unknown,
)

_ADDRESSING = Ping | Pong | GetAddr | Addr | AddrV2


class Router:
    """Hands each message of a peer to the parts of a full node that it concerns."""

    def __init__(
        self,
        outbox: Outbox,
        links: Links,
        blocks: BlockFlow,
        transactions: TxFlow,
        replies: Replies,
        filters: FilterServing,
    ) -> None:
        self._outbox = outbox
        self._links = links
        self._blocks = blocks
        self._transactions = transactions
        self._replies = replies
        self._filters = filters

    def route(self, session: Session, message: Message | Unknown, now: Instant) -> None:
        """One message.

        Raises:
            PeerFault: the peer failed us with it.
            DecodeError: it is not what it claims to be.
        """
        if session.keepalive is None or isinstance(message, GREETING):
            if isinstance(message, SendHeaders) and session.keepalive is not None:
                self._blocks.announcer.prefers_headers(session.peer)
            self._links.greet(session, message, now)
            return
        peer = session.peer
        if not session.kind.is_lasting and not isinstance(message, _ADDRESSING):
            why = f"not spoken on a connection for {session.kind.value}"
            self._outbox.report(MessageIgnored(peer, message.command, why))
            return  # The parts behind know nothing of this peer.
        match message:
            case Inv():
                self._inventory(session, message, now)
            case Tx(transaction):
                self._transactions.received(session, transaction, now)
            case BlockMessage():
                self._blocks.received_block(session, message, now)
            case Headers():
                self._blocks.received_headers(session, message, now)
            case GetData() | GetHeaders() | GetBlocks():
                self._replies.received(peer, message, now)
            case Ping() | Pong():
                self._links.echo(session, message, now)
            case GetAddr() | Addr() | AddrV2():
                self._outbox.perform(self._links.gossip.received(peer, message, now))
            case GetCFilters() | GetCFHeaders() | GetCFCheckpt():
                self._outbox.perform(self._filters.received(peer, message))
            case FeeFilter():
                self._transactions.txrelay.received(peer, message, now)
            case MempoolMessage():
                permitted = session.may("mempool")
                self._transactions.txrelay.mempool(peer, permitted=permitted, now=now)
            case NotFound():
                self._transactions.notfound(peer, message)
                for item in message.items:
                    self._blocks.download.notfound(peer, BlockHash(item.hash), now)
            case Unknown(command):
                self._outbox.report(MessageIgnored(peer, command, "unknown message"))
            case _:
                self._outbox.report(MessageIgnored(peer, message.command, "nobody asked for it"))

    def _inventory(self, session: Session, message: Inv, now: Instant) -> None:
        """Blocks are learnt by their headers, so only the last one named matters."""
        blocks = [item for item in message.items if item.kind == InvType.BLOCK]
        for item in blocks[-1:]:
            self._outbox.perform(
                self._blocks.headersync.announced(session.peer, BlockHash(item.hash), now)
            )
        if len(blocks) < len(message.items):
            self._transactions.announced(session, message.items, now)
