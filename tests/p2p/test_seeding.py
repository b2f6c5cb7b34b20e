"""Where the first addresses come from, in which order, and when not at all."""

from __future__ import annotations

from random import Random

from axon.machine import DAY, SECOND, Endpoint
from axon.p2p.addrman import AddrMan
from axon.p2p.requests import ResolveRequest
from axon.p2p.seeding import (
    FEW_DELAY,
    FIXED_DELAY,
    MANY_DELAY,
    SEED_NODE_DELAY,
    SEEDS_AT_ONCE,
    Seeding,
)
from axon.primitives.netaddress import NetAddress
from axon.wire.messages import Services
from tests.p2p.examples import NOW, endpoint, ip, spread, told

SEEDS = tuple(f"seed{number}.example" for number in range(5))


def table(known: int = 0) -> AddrMan:
    addrman = AddrMan(Random(1))
    for number in range(known):
        addrman.add([told(spread(number))], spread(number), NOW)
    return addrman


def seeding(
    addrman: AddrMan,
    seed_nodes: tuple[Endpoint, ...] = (),
    dns_seeds: tuple[str, ...] = (),
    as_nodes: bool = False,
    fixed_seeds: tuple[NetAddress, ...] = (),
    force_dns: bool = False,
    has_targets: bool = False,
    needs: int = 0,
) -> Seeding:
    return Seeding(
        addrman,
        seed_nodes,
        dns_seeds,
        as_nodes,
        fixed_seeds,
        force_dns,
        has_targets,
        8333,
        needs,
        Random(2),
        NOW,
    )


def hosts(requests: list[ResolveRequest]) -> list[str]:
    return sorted(request.host for request in requests)


def test_a_bare_table_asks_all_dns_seeds_at_once() -> None:
    seeds = seeding(table(), dns_seeds=SEEDS)
    assert seeds.deadline() == NOW
    requests = seeds.tick(NOW, 0)
    assert hosts(requests) == [f"x9.{name}" for name in SEEDS]
    assert {request.port for request in requests} == {8333}
    assert seeds.deadline() is None


def test_what_is_needed_is_asked_of_the_seed_and_believed_of_its_nodes() -> None:
    addrman = table()
    seeds = seeding(addrman, dns_seeds=SEEDS[:1], needs=int(Services.COMPACT_FILTERS))
    (request,) = seeds.tick(NOW, 0)
    assert request.host == f"x49.{SEEDS[0]}"
    seeds.resolved(request.host, [spread(1)], NOW)
    record = addrman.record(spread(1))
    assert record is not None
    assert record.services == 0x849


def test_their_order_is_drawn() -> None:
    requests = seeding(table(), dns_seeds=SEEDS).tick(NOW, 0)
    assert [request.host for request in requests] != [f"x9.{name}" for name in SEEDS]


def test_who_knows_addresses_waits_and_asks_three() -> None:
    seeds = seeding(table(5), dns_seeds=SEEDS)
    assert seeds.tick(NOW, 0) == []
    assert seeds.deadline() == NOW + FEW_DELAY
    assert len(seeds.tick(NOW + FEW_DELAY, 1)) == 3
    assert len(seeds.tick(NOW + 2 * FEW_DELAY, 0)) == 2
    assert seeds.deadline() is None


def test_who_knows_many_waits_longer() -> None:
    assert seeding(table(1100), dns_seeds=SEEDS).deadline() == NOW + MANY_DELAY


def test_with_two_peers_no_seed_is_asked() -> None:
    seeds = seeding(table(5), dns_seeds=SEEDS)
    assert seeds.tick(NOW + FEW_DELAY, 2) == []
    assert seeds.deadline() is None


def test_dns_can_be_forced() -> None:
    assert len(seeding(table(5), dns_seeds=SEEDS, force_dns=True).tick(NOW, 8)) == 5


def test_what_a_seed_answers_is_kept_as_days_old_and_bounded() -> None:
    addrman = table()
    seeds = seeding(addrman, dns_seeds=SEEDS[:1])
    seeds.tick(NOW, 0)
    seeds.resolved("x9.seed0.example", [spread(number) for number in range(100)], NOW)
    assert len(addrman) == 32
    for place in addrman.places(tried=False):
        assert 3 * DAY <= NOW - place.record.time_s * SECOND <= 7 * DAY + SECOND
        assert place.record.services == 0x809


def test_an_answer_nobody_asked_for_is_not_kept() -> None:
    addrman = table()
    seeds = seeding(addrman, dns_seeds=SEEDS[:1])
    seeds.resolved("x9.seed0.example", [spread(1)], NOW)
    seeds.tick(NOW, 0)
    seeds.resolved("evil.example", [spread(1)], NOW)
    assert len(addrman) == 0


def test_a_seed_without_an_answer_is_asked_as_a_node() -> None:
    seeds = seeding(table(), dns_seeds=SEEDS[:1])
    seeds.tick(NOW, 0)
    seeds.resolved("x9.seed0.example", [], NOW)
    assert seeds.to_fetch == [Endpoint("seed0.example", 8333)]


def test_seed_nodes_are_asked_at_once_by_who_knows_nobody() -> None:
    node = endpoint("10.0.0.1")
    bare = seeding(table(), seed_nodes=(node,))
    bare.tick(NOW, 0)
    assert bare.to_fetch == [node]


def test_seed_nodes_are_asked_later_by_who_found_no_peers() -> None:
    node = endpoint("10.0.0.1")
    for peers, asked in ((0, [node]), (2, [])):
        seeds = seeding(table(5), seed_nodes=(node,))
        seeds.tick(NOW + SEED_NODE_DELAY - 1, peers)
        assert seeds.to_fetch == []
        seeds.tick(NOW + SEED_NODE_DELAY, peers)
        assert seeds.to_fetch == asked
        assert seeds.deadline() is None


def test_fixed_seeds_come_after_a_minute_with_nothing() -> None:
    addrman = table()
    seeds = seeding(addrman, dns_seeds=SEEDS, fixed_seeds=(ip("1.2.3.4"),))
    seeds.tick(NOW + FIXED_DELAY - 1, 0)
    assert len(addrman) == 0
    seeds.tick(NOW + FIXED_DELAY, 0)
    record = addrman.record(ip("1.2.3.4"))
    assert record is not None
    assert NOW - record.time_s * SECOND >= 7 * DAY


def test_fixed_seeds_stay_unused_where_addresses_are_known() -> None:
    addrman = table(1)
    seeding(addrman, dns_seeds=SEEDS, fixed_seeds=(ip("1.2.3.4"),)).tick(NOW + FIXED_DELAY, 0)
    assert ip("1.2.3.4") not in addrman


def test_with_no_other_source_they_come_at_once_unless_the_operator_named_peers() -> None:
    addrman = table()
    seeding(addrman, fixed_seeds=(ip("1.2.3.4"),)).tick(NOW, 0)
    assert len(addrman) == 1
    addrman = table()
    seeding(addrman, fixed_seeds=(ip("1.2.3.4"),), has_targets=True).tick(NOW, 0)
    assert len(addrman) == 0


def test_where_a_proxy_looks_names_up_seeds_are_dialled_for_addresses() -> None:
    made = seeding(table(), dns_seeds=SEEDS, as_nodes=True)
    assert made.tick(NOW, 0) == []  # Nobody else learns their names.
    assert {endpoint.host for endpoint in made.to_fetch} == set(SEEDS)
    assert made.deadline() is None
    few = seeding(table(5), dns_seeds=SEEDS, as_nodes=True)
    assert (few.tick(NOW, 0), few.to_fetch) == ([], [])
    few.tick(NOW + FEW_DELAY, 0)
    assert len(few.to_fetch) == SEEDS_AT_ONCE
