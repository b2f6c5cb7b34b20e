"""Who goes when there is one too many: each protection holds, and nobody can buy them all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.machine import HOUR, SECOND, PeerId
from axon.p2p.eviction import (
    MINIMUM_TRIAL,
    InboundCandidate,
    OutboundCandidate,
    choose_extra_block_relay,
    choose_extra_full_relay,
    choose_inbound,
)
from axon.primitives.netaddress import AddressNetwork
from tests.p2p.examples import NOW


def candidate(number: int) -> InboundCandidate:
    """An ordinary peer; those of higher number are younger. No merit besides its age."""
    return InboundCandidate(
        peer=PeerId(number),
        connected_at=NOW + number * SECOND,
        min_ping_us=None,
        last_block_at=0,
        last_transaction_at=0,
        keyed_netgroup=number,
        network=AddressNetwork.IPV4,
        relevant_services=True,
        relays_transactions=True,
    )


def crowd(count: int) -> list[InboundCandidate]:
    return [candidate(number) for number in range(count)]


def rounds(candidates: list[InboundCandidate]) -> list[PeerId]:
    """Whom one newcomer after the other would push out, until all who are left are protected."""
    gone: list[PeerId] = []
    while (victim := choose_inbound(candidates)) is not None:
        gone.append(victim)
        candidates = [each for each in candidates if each.peer != victim]
    return gone


def test_nobody_goes_from_a_small_group() -> None:
    assert choose_inbound([]) is None
    assert choose_inbound(crowd(20)) is None


def test_somebody_goes_from_a_large_group() -> None:
    assert choose_inbound(crowd(40)) is not None


def test_the_operators_friends_never_go() -> None:
    assert rounds([replace(each, noban=True) for each in crowd(100)]) == []


@pytest.mark.parametrize(
    ("merit", "count"),
    [
        ({"keyed_netgroup": 1_000}, 4),
        ({"min_ping_us": 10}, 8),
        ({"last_transaction_at": NOW}, 4),
        ({"last_block_at": NOW, "relays_transactions": False}, 8),
        ({"last_block_at": NOW}, 4),
    ],
)
def test_each_merit_protects_so_many(merit: dict[str, int], count: int) -> None:
    # The best are the youngest of all, whom nothing else speaks for.
    others = [replace(each, min_ping_us=1_000) for each in crowd(100)]
    best = [replace(candidate(200 + number), **merit) for number in range(count)]  # type: ignore[arg-type]
    gone = rounds(others + best)
    assert gone
    assert not {each.peer for each in best} & set(gone)


def test_a_peer_without_a_ping_is_not_held_to_be_near() -> None:
    near = [replace(candidate(200 + number), min_ping_us=9_000) for number in range(8)]
    assert not {each.peer for each in near} & set(rounds(crowd(100) + near))


def test_the_oldest_half_stays() -> None:
    candidates = crowd(100)
    victim = choose_inbound(candidates)
    assert victim is not None
    assert victim > 40


def test_the_largest_netgroup_gives_its_youngest() -> None:
    from_one = [replace(candidate(50 + number), keyed_netgroup=3) for number in range(20)]
    assert choose_inbound(crowd(50) + from_one) == PeerId(69)


def test_the_discouraged_go_first() -> None:
    candidates = [replace(each, prefer_evict=each.peer == 70) for each in crowd(100)]
    assert choose_inbound(candidates) == PeerId(70)


@pytest.mark.parametrize(
    "mark",
    [
        {"network": AddressNetwork.TORV3},
        {"network": AddressNetwork.I2P},
        {"network": AddressNetwork.CJDNS},
        {"is_local": True},
    ],
)
def test_a_few_from_networks_with_long_pings_stay(mark: dict[str, AddressNetwork]) -> None:
    rare = [replace(candidate(200 + number), **mark) for number in range(5)]  # type: ignore[arg-type]
    gone = [replace(each, min_ping_us=1_000) for each in crowd(100)] + rare
    assert choose_inbound(gone) not in {each.peer for each in rare}


def test_rare_networks_share_what_is_reserved_for_them() -> None:
    networks = (AddressNetwork.TORV3, AddressNetwork.I2P, AddressNetwork.CJDNS)
    rare = [replace(candidate(200 + n), network=networks[n % 3]) for n in range(9)]
    ordinary = [replace(each, min_ping_us=1_000) for each in crowd(80)]
    assert choose_inbound(ordinary + rare) not in {each.peer for each in rare}


def candidates_of(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[list[InboundCandidate]]:
    one = st.builds(
        InboundCandidate,
        peer=numbers.map(PeerId),
        connected_at=st.integers(0, 50),
        min_ping_us=st.none() | st.integers(0, 50),
        last_block_at=st.integers(0, 3),
        last_transaction_at=st.integers(0, 3),
        keyed_netgroup=st.integers(0, 9),
        network=st.sampled_from(AddressNetwork),
        relevant_services=st.booleans(),
        relays_transactions=st.booleans(),
        has_bloom_filter=st.booleans(),
        is_local=st.booleans(),
        prefer_evict=st.booleans(),
        noban=st.booleans(),
    )
    return st.lists(one, max_size=90, unique_by=lambda c: c.peer)


@settings(max_examples=60)
@given(candidates_of(st.integers(0, 500)))
def test_whoever_is_exposed_in_any_group_somebody_goes(
    candidates: list[InboundCandidate],
) -> None:
    victim = choose_inbound(candidates)
    by_peer = {each.peer: each for each in candidates}
    assert victim is None or not by_peer[victim].noban
    # Twenty-eight at most are protected by merit, and half of the rest by age.
    exposed = sum(not each.noban for each in candidates) - 28
    assert (victim is not None) >= (exposed > 0)


def outbound(
    number: int, announced: int = 0, block: int = 0, in_flight: int = 0, protected: bool = False
) -> OutboundCandidate:
    return OutboundCandidate(PeerId(number), NOW, announced, block, in_flight, protected)


LATER = NOW + HOUR


def test_no_outbound_peer_goes_while_all_are_wanted() -> None:
    peers = [outbound(number) for number in range(8)]
    assert choose_extra_full_relay(peers, 8, LATER) is None
    assert choose_extra_block_relay(peers[:2], 2, LATER) is None


def test_the_full_relay_peer_with_the_oldest_news_goes() -> None:
    peers = [outbound(number, announced=NOW + number) for number in range(9)]
    assert choose_extra_full_relay(peers, 8, LATER) == PeerId(0)


def test_of_equal_full_relay_peers_the_youngest_goes() -> None:
    assert choose_extra_full_relay([outbound(n) for n in range(9)], 8, LATER) == PeerId(8)


def test_a_peer_that_proved_itself_or_owes_us_a_block_stays() -> None:
    proven = [outbound(0, protected=True), *(outbound(n, announced=NOW) for n in range(1, 9))]
    assert choose_extra_full_relay(proven, 8, LATER) == PeerId(8)
    owing = [outbound(n, announced=NOW) for n in range(8)] + [outbound(8, in_flight=1)]
    assert choose_extra_full_relay(owing, 8, LATER) is None
    assert choose_extra_full_relay([outbound(1, protected=True)], 0, LATER) is None


def test_a_new_peer_has_its_trial() -> None:
    peers = [outbound(number) for number in range(9)]
    assert choose_extra_full_relay(peers, 8, NOW + MINIMUM_TRIAL - 1) is None
    assert choose_extra_full_relay(peers, 8, NOW + MINIMUM_TRIAL) == PeerId(8)


def test_the_youngest_block_relay_peer_goes_unless_it_knows_more() -> None:
    peers = [outbound(0, block=NOW), outbound(1, block=NOW + 1), outbound(2, block=NOW + 1)]
    assert choose_extra_block_relay(peers, 2, LATER) == PeerId(2)
    peers[2] = outbound(2, block=NOW + 2)
    assert choose_extra_block_relay(peers, 2, LATER) == PeerId(1)
