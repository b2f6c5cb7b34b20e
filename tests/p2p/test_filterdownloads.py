"""Two readers of filters: the scan has the right of way, and a search gets what is left."""

from __future__ import annotations

from random import Random

import pytest

from axon.machine import SECOND, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.faults import PeerViolation
from axon.p2p.filterclaims import FilterClaims
from axon.p2p.filterdownload import BATCH, FilterOfBlock
from axon.p2p.filterdownloads import FilterDownloads
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filterpeer import PATIENCE, SILENCE
from axon.primitives.hashes import ZERO_HASH, BlockHash, filter_header, sha256d
from axon.wire.messages import CFilter, GetCFilters
from axon.wire.messages.filters import BASIC_FILTER
from tests.p2p.filterworld import CHAIN, World, true_filter

NOW = 1_700_000_000 * SECOND
ALICE = PeerId(0)
HEIGHT = 1_000


def name(height: int) -> BlockHash:
    return BlockHash(height.to_bytes(32, "little"))


def started(scan: int | None, search: int | None) -> FilterDownloads:
    """With the filter headers of a chain on which one peer agrees."""
    chain, header, headers = FilterHeaderChain(), ZERO_HASH, list[bytes]()
    for height in range(HEIGHT + 1):
        header = filter_header(sha256d(true_filter(name(height))), header)
        headers.append(header)
    chain.append([name(height) for height in range(HEIGHT + 1)], headers)
    downloads, claims = FilterDownloads(chain, Random(1)), FilterClaims(-1)
    claims.agreed = HEIGHT
    downloads.opened(ALICE, claims)
    downloads.scan.scan_from(scan)
    downloads.search.scan_from(search)
    return downloads


def asked(actions: list[Action]) -> list[int]:
    """Where the requests begin."""
    found: list[int] = []
    for action in actions:
        assert isinstance(action, Send)
        assert isinstance(action.message, GetCFilters)
        found.append(action.message.start_height)
    return found


def give(downloads: FilterDownloads, *heights: int) -> None:
    for height in heights:
        data = true_filter(name(height))
        downloads.received(ALICE, CFilter(BASIC_FILTER, name(height), data), NOW)


def test_nothing_is_asked_for_a_search_while_the_scan_lacks_filters() -> None:
    downloads = started(HEIGHT - 1, 0)
    assert asked(downloads.update(NOW)) == [HEIGHT - 1]
    assert downloads.update(NOW) == []
    give(downloads, HEIGHT - 1, HEIGHT)
    assert asked(downloads.update(NOW)) == [0, BATCH]


def test_nothing_is_asked_for_a_search_before_the_scan_has_begun() -> None:
    assert started(None, 0).update(NOW) == []


def test_one_filter_may_serve_both() -> None:
    downloads = started(HEIGHT - 1, HEIGHT - 1)
    downloads.update(NOW)
    give(downloads, HEIGHT - 1, HEIGHT)
    downloads.update(NOW)
    give(downloads, HEIGHT - 1, HEIGHT)
    expected = [FilterOfBlock(at, name(at), true_filter(name(at))) for at in (HEIGHT - 1, HEIGHT)]
    assert downloads.scan.take(9, HEIGHT) == expected
    assert downloads.search.take(9, HEIGHT) == expected


def test_who_sends_to_one_reader_is_not_late_for_the_other() -> None:
    downloads = started(HEIGHT + 1, 0)
    downloads.update(NOW)
    downloads.scan.scan_from(HEIGHT)
    downloads.update(NOW)
    late = NOW + SILENCE - 1
    data = true_filter(name(0))
    downloads.received(ALICE, CFilter(BASIC_FILTER, name(0), data), late)
    assert downloads.tick(NOW + SILENCE) == []
    assert min(downloads.deadlines()) >= late + PATIENCE
    assert any(isinstance(each, DisconnectPeer) for each in downloads.tick(late + SILENCE))


def test_a_filter_that_fits_no_header_is_a_lie_to_either() -> None:
    downloads = started(HEIGHT + 1, 0)
    downloads.update(NOW)
    with pytest.raises(PeerViolation):
        downloads.received(ALICE, CFilter(BASIC_FILTER, name(0), b"a lie"), NOW)


def test_what_nobody_asked_for_is_ignored() -> None:
    downloads = started(HEIGHT + 1, None)
    assert not downloads.received(ALICE, CFilter(BASIC_FILTER, name(5), b"a lie"), NOW)


def test_a_search_runs_beside_a_scan_among_peers() -> None:
    world = World(1, CHAIN, start=len(CHAIN) + 1)
    for number in range(3):
        world.join(number, world.server(CHAIN))
    world.sync.search_from(7)
    world.run(5)
    found: list[FilterOfBlock] = []
    while taken := world.sync.take_searched(50):
        found += taken
        world.perform(world.sync.update(world.now))
        world.run(1)
    assert [each.height for each in found] == list(range(7, len(CHAIN) + 1))
    assert all(each.filter == true_filter(each.block_hash) for each in found)
    assert world.sync.agreeing(len(CHAIN)) == 3
    assert world.sync.take_cut() is None
