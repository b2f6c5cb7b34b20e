"""Which connection ends when there is one too many.

An attacker can open connections for nothing, so an inbound connection is judged by what is costly
to fake: a place in the network, a short ping, news of blocks and transactions, a long life. The
best by each measure are protected, and of the rest the crowd from one netgroup gives up its
youngest. The figures are Bitcoin Core's.

Outbound connections beyond the number wanted (opened because the tip seemed stale, or to look
around for a while) are judged by the blocks they brought.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from axon.machine import SECOND, Instant, PeerId
from axon.primitives.netaddress import AddressNetwork

PROTECTED_BY_NETGROUP = 4
PROTECTED_BY_PING = 8
PROTECTED_BY_TRANSACTIONS = 4
PROTECTED_BLOCK_RELAYS = 8
PROTECTED_BY_BLOCKS = 4

MINIMUM_TRIAL = 30 * SECOND
"""How long an extra outbound peer has at least to show what it knows."""

DISADVANTAGED = (AddressNetwork.CJDNS, AddressNetwork.I2P, None, AddressNetwork.TORV3)
"""Networks whose peers lose by ping time; None stands for this machine itself."""


@dataclass(frozen=True, slots=True)
class InboundCandidate:
    """What speaks for and against an inbound peer.

    Args:
        connected_at: when it was opened.
        min_ping_us: its shortest ping, None before the first.
        last_block_at: when it last brought us a block that was new; 0 for never.
        last_transaction_at: when it last brought a transaction that entered the pool; 0 for never.
        keyed_netgroup: its netgroup under a secret key, so that nobody can aim at a protected one.
        network: what kind of address it has.
        relevant_services: it serves blocks with witnesses.
        relays_transactions: it asked for transactions in its version message.
        has_bloom_filter: it set a bloom filter.
        is_local: it comes from this machine.
        prefer_evict: its address is discouraged.
        noban: the operator protects it.
    """

    peer: PeerId
    connected_at: Instant
    min_ping_us: int | None
    last_block_at: Instant
    last_transaction_at: Instant
    keyed_netgroup: int
    network: AddressNetwork
    relevant_services: bool
    relays_transactions: bool
    has_bloom_filter: bool = False
    is_local: bool = False
    prefer_evict: bool = False
    noban: bool = False


def choose_inbound(candidates: Sequence[InboundCandidate]) -> PeerId | None:
    """The inbound peer to give up for a new one, or None if each is worth more than a stranger."""
    rest = [candidate for candidate in candidates if not candidate.noban]
    rest = _protect(rest, lambda c: (c.keyed_netgroup,), PROTECTED_BY_NETGROUP)
    rest = _protect(rest, _by_ping, PROTECTED_BY_PING)
    rest = _protect(rest, _by_transactions, PROTECTED_BY_TRANSACTIONS)
    rest = _protect(
        rest,
        lambda c: (not c.relays_transactions, *_by_blocks(c)),
        PROTECTED_BLOCK_RELAYS,
        lambda c: not c.relays_transactions and c.relevant_services,
    )
    rest = _protect(rest, _by_blocks, PROTECTED_BY_BLOCKS)
    rest = _protect_by_age(rest)
    if not rest:
        return None
    rest = [candidate for candidate in rest if candidate.prefer_evict] or rest
    groups: dict[int, list[InboundCandidate]] = {}
    for candidate in sorted(rest, key=_youngest_first):
        groups.setdefault(candidate.keyed_netgroup, []).append(candidate)
    crowd = max(groups.values(), key=lambda group: (len(group), group[0].connected_at))
    return crowd[0].peer


def _by_ping(candidate: InboundCandidate) -> tuple[bool, int]:
    ping = candidate.min_ping_us
    return (ping is not None, -(ping or 0))


def _by_transactions(candidate: InboundCandidate) -> tuple[int, bool, bool, int]:
    return (
        candidate.last_transaction_at,
        candidate.relays_transactions,
        not candidate.has_bloom_filter,
        -candidate.connected_at,
    )


def _by_blocks(candidate: InboundCandidate) -> tuple[int, bool, int]:
    return (candidate.last_block_at, candidate.relevant_services, -candidate.connected_at)


def _youngest_first(candidate: InboundCandidate) -> tuple[int, int]:
    return (-candidate.connected_at, -candidate.peer)


def _protect(
    candidates: list[InboundCandidate],
    merit: Callable[[InboundCandidate], tuple[int, ...]],
    count: int,
    only: Callable[[InboundCandidate], bool] = lambda _: True,
) -> list[InboundCandidate]:
    """All but the `count` of highest merit; among these, only those that `only` speaks for."""
    ranked = sorted(candidates, key=merit)
    edge = max(0, len(ranked) - count)
    return ranked[:edge] + [candidate for candidate in ranked[edge:] if not only(candidate)]


def _protect_by_age(candidates: list[InboundCandidate]) -> list[InboundCandidate]:
    """Without the longest connected half, of which up to half are from disadvantaged networks."""
    wanted = len(candidates) // 2
    rest = candidates
    counts = [
        (sum(_is_of(candidate, network) for candidate in rest), place, network)
        for place, network in enumerate(DISADVANTAGED)
    ]
    # Whoever has fewer comes first; what a small network leaves over, the larger ones share.
    open_networks = [
        (count, network) for count, _, network in sorted(counts, key=lambda c: c[:2]) if count
    ]
    reserved = wanted // 2
    while reserved > 0 and open_networks:
        share = max(reserved // len(open_networks), 1)
        still_open = []
        for count, network in open_networks:
            before = len(rest)
            rest = _protect_oldest_of(rest, network, min(share, reserved))
            taken = before - len(rest)
            reserved -= taken
            if 0 < taken < count:
                still_open.append((count - taken, network))
        open_networks = still_open
    protected = len(candidates) - len(rest)
    return _protect(rest, lambda c: (-c.connected_at, -c.peer), wanted - protected)


def _is_of(candidate: InboundCandidate, network: AddressNetwork | None) -> bool:
    return candidate.is_local if network is None else candidate.network is network


def _protect_oldest_of(
    candidates: list[InboundCandidate], network: AddressNetwork | None, count: int
) -> list[InboundCandidate]:
    return _protect(
        candidates,
        lambda c: (_is_of(c, network), -c.connected_at, -c.peer),
        count,
        lambda c: _is_of(c, network),
    )


@dataclass(frozen=True, slots=True)
class OutboundCandidate:
    """What an outbound peer has done for us.

    Args:
        connected_at: when it was opened.
        last_announcement_at: when it last announced a block that was new to us; 0 for never.
        last_block_at: when it last brought us a block that was new; 0 for never.
        blocks_in_flight: how many blocks it owes us.
        protected: it has shown a chain with as much work as ours.
    """

    peer: PeerId
    connected_at: Instant
    last_announcement_at: Instant
    last_block_at: Instant
    blocks_in_flight: int
    protected: bool = False


def choose_extra_full_relay(
    candidates: Sequence[OutboundCandidate], wanted: int, now: Instant
) -> PeerId | None:
    """The full relay peer to give up if there are more than wanted: that with the oldest news."""
    if len(candidates) <= wanted:
        return None
    open_to_judgement = [candidate for candidate in candidates if not candidate.protected]
    if not open_to_judgement:
        return None
    worst = min(open_to_judgement, key=lambda c: (c.last_announcement_at, -c.peer))
    return worst.peer if _had_its_trial(worst, now) else None


def choose_extra_block_relay(
    candidates: Sequence[OutboundCandidate], wanted: int, now: Instant
) -> PeerId | None:
    """The block relay peer to give up if there are more than wanted.

    The youngest, unless it brought a block later than the second youngest did: then that one.
    """
    if len(candidates) <= wanted:
        return None
    ordered = sorted(candidates, key=lambda c: c.peer)
    choice = ordered[-1]
    if len(ordered) > 1 and choice.last_block_at > ordered[-2].last_block_at:
        choice = ordered[-2]
    return choice.peer if _had_its_trial(choice, now) else None


def _had_its_trial(candidate: OutboundCandidate, now: Instant) -> bool:
    return now - candidate.connected_at >= MINIMUM_TRIAL and not candidate.blocks_in_flight
