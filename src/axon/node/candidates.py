"""Whoever has dialled us, as he is compared with others when a seat is wanted."""

from __future__ import annotations

from axon.node.session import Session
from axon.p2p.banlist import BanList
from axon.p2p.eviction import InboundCandidate
from axon.p2p.handshake import has_desirable_services
from axon.primitives.netaddress import AddressNetwork


def candidate(session: Session, bans: BanList) -> InboundCandidate:
    """What eviction goes by.

    Args:
        session: his.
        bans: who is discouraged goes first.
    """
    theirs, keepalive, address = session.handshake.theirs, session.keepalive, session.address
    return InboundCandidate(
        peer=session.peer,
        connected_at=session.opened_at,
        min_ping_us=None if keepalive is None else keepalive.min_latency_us,
        last_block_at=session.last_block_at,
        last_transaction_at=session.last_transaction_at,
        keyed_netgroup=session.keyed_netgroup,
        network=session.through or AddressNetwork.IPV4,
        relevant_services=theirs is not None
        and has_desirable_services(theirs.services, near_tip=True),
        relays_transactions=session.relays,
        has_bloom_filter=session.has_bloom_filter,
        is_local=address is not None and address.is_local(),
        prefer_evict=address is not None and bans.is_discouraged(address),
        noban=session.may("noban"),
    )
