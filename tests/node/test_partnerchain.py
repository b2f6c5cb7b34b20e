"""A wallet serves a wallet: headers and filters, checked as if a node had sent them."""

from __future__ import annotations

import pytest

from axon.machine import SECOND, Instant, PeerId
from axon.node import earlyfilters, heldfilters, partnerchain
from axon.node.partners import (
    FilterRange,
    GiveFilters,
    GiveHeaders,
    HeadersHeard,
    HearFilters,
    HearHeaders,
    JoinPartner,
    LeavePartner,
    WantFilters,
)
from axon.p2p.filterdownload import FilterDownload
from axon.p2p.filtersync import FilterSync
from axon.primitives.hashes import BlockHash, filter_header, sha256d
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.swarm.sim.lightdisk import LightDisk
from axon.wire.messages import GetHeaders
from axon.wire.messages.headers import NO_STOP
from tests.node.lightnetwork import OTHER_HOME, Light, light, network
from tests.node.lightrig import HEADERS
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import ALICE, BOB, CAROL
from tests.p2p.chains import mine_headers


def put(client: Light, command: object) -> object:
    asked = client.net.simulation.command(client.number, command)
    client.until(lambda: asked.done)
    return asked.value


def bob_and_carol(seed: int, *, keep: bool = True) -> tuple[Light, Light]:
    """Bob, in sync with a node; Carol, who knows nobody and nothing."""
    net = network(seed, 1)
    wallet = NaiveWallet([BOB.script], disk=LightDisk(keep_filters=keep))
    bob = light(net, wallet, (0,))
    bob.until(bob.synced)
    carol = light(net, NaiveWallet([ALICE.script]), (), home=OTHER_HOME)
    net.run(SECOND)
    return bob, carol


def learn_headers(carol: Light, bob: Light) -> None:
    """Carol asks Bob until he has no more."""
    question = put(carol, JoinPartner(7))
    while question is not None:
        assert isinstance(question, GetHeaders)
        headers = put(bob, GiveHeaders(question.locator, question.stop))
        assert isinstance(headers, tuple)
        heard = put(carol, HearHeaders(7, headers))
        assert isinstance(heard, HeadersHeard)
        assert not heard.fault
        question = heard.question


def test_a_wallet_that_knows_nobody_learns_all_headers_of_another() -> None:
    bob, carol = bob_and_carol(40)
    learn_headers(carol, bob)
    assert carol.node.headers.best.hash == bob.node.headers.best.hash
    carol.net.run(SECOND)
    assert len(carol.wallet.disk.headers) == 112, "they are kept"


def test_headers_are_given_from_the_last_common_block_to_the_one_named() -> None:
    bob, _ = bob_and_carol(41)
    names = [header.hash for header in HEADERS]
    assert put(bob, GiveHeaders((BlockHash(bytes(32)), names[99], names[9]))) == HEADERS[100:]
    assert put(bob, GiveHeaders((names[9],), names[19])) == HEADERS[10:20]
    assert put(bob, GiveHeaders((), NO_STOP)) == HEADERS
    assert put(bob, GiveHeaders((names[-1],))) == ()


def without_work() -> Header:
    """A header on the genesis block that proves nothing."""
    for nonce in range(1_000):
        header = Header.build(4, REGTEST.genesis.hash, bytes(32), 1_600_000_000, 0x207FFFFF, nonce)
        if header.hash[31] >= 0x80:
            return header
    raise AssertionError("every second one proves nothing")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ((HEADERS[0], HEADERS[2]), "builds on the one before"),
        ((without_work(),), "invalid headers"),
        (HEADERS[:1] * 2_001, "at most 2000"),
    ],
)
def test_what_no_node_may_send_no_wallet_may(headers: tuple[Header, ...], why: str) -> None:
    _, carol = bob_and_carol(42)
    put(carol, JoinPartner(7))
    heard = put(carol, HearHeaders(7, headers))
    assert isinstance(heard, HeadersHeard)
    assert why in heard.fault
    assert carol.node.headers.best.height == 0
    assert put(carol, HearHeaders(7, HEADERS)) == HeadersHeard(0), "it is heard no more"


def test_a_chain_of_too_little_work_is_not_kept() -> None:
    bob, _ = bob_and_carol(43)
    put(bob, JoinPartner(1))
    easy = tuple(mine_headers(REGTEST.genesis.header, 3))
    known = len(bob.node.headers)
    bob.node._partners._chain.minimum_chainwork = 10_000
    heard = put(bob, HearHeaders(1, easy))
    assert isinstance(heard, HeadersHeard)
    assert heard.new == 0
    assert len(bob.node.headers) == known


def test_headers_that_build_on_nothing_known_are_asked_for_from_below() -> None:
    _, carol = bob_and_carol(44)
    put(carol, JoinPartner(7))
    put(carol, HearHeaders(7, ()))
    heard = put(carol, HearHeaders(7, HEADERS[50:]))
    assert isinstance(heard, HeadersHeard)
    assert heard.question is not None
    assert heard.question.locator == (REGTEST.genesis.hash,)


def carol_without_filters(bob: Light) -> Light:
    """Carol's wallet is new, her headers and filter headers are there, and no node is."""
    disk = LightDisk()
    disk.headers, disk.filter_headers = bob.wallet.disk.headers, bob.wallet.disk.filter_headers
    carol = light(
        bob.net,
        NaiveWallet([ALICE.script, CAROL.script], disk=disk),
        (),
        home=OTHER_HOME,
        alone=True,
    )
    carol.until(lambda: put(carol, WantFilters()) is not None)
    return carol


def test_filters_of_a_wallet_spare_those_of_nodes() -> None:
    bob, _ = bob_and_carol(45)
    carol = carol_without_filters(bob)
    tip = bob.node.headers.best.hash
    assert put(carol, WantFilters()) == (1, tip)
    given = put(bob, GiveFilters(1, tip))
    assert isinstance(given, FilterRange)
    assert (given.start_height, given.stop_hash, len(given.filters)) == (1, tip, 112)
    assert put(carol, HearFilters(given.start_height, given.filters)) == 112
    carol.net.run(SECOND)
    assert put(carol, WantFilters()) is None
    assert len(carol.wallet.disk.filters) == 112, "they are kept"


def test_a_filter_that_is_not_what_nodes_agreed_on_is_refused() -> None:
    bob, _ = bob_and_carol(46)
    carol = carol_without_filters(bob)
    given = put(bob, GiveFilters(1, bob.node.headers.best.hash))
    assert isinstance(given, FilterRange)
    forged = (*given.filters[:40], b"\x00", *given.filters[41:])
    assert put(carol, HearFilters(1, forged)) == 40
    assert put(carol, HearFilters(2, given.filters)) == 0, "they are those of other heights"
    assert put(carol, HearFilters(-5, given.filters)) == 0
    assert put(carol, HearFilters(1_000, given.filters)) == 0
    wanted = put(carol, WantFilters())
    assert isinstance(wanted, tuple)
    assert wanted[0] == 41


def test_filters_on_which_nodes_do_not_agree_yet_are_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bob, _ = bob_and_carol(51)
    carol = carol_without_filters(bob)
    given = put(bob, GiveFilters(1, bob.node.headers.best.hash))
    assert isinstance(given, FilterRange)
    monkeypatch.setattr(FilterSync, "trusted_height", 50)  # A block above is in dispute.
    assert put(carol, HearFilters(1, given.filters)) == 50


def carol_by_herself(seed: int, *, keep: bool) -> tuple[Light, Light]:
    """Bob, in sync; Carol, who is paid as he is, has his headers, and reaches no node yet."""
    net = network(seed, 1)
    bob = light(net, NaiveWallet([BOB.script], disk=LightDisk(keep_filters=True)), (0,))
    bob.until(bob.synced)
    wallet = NaiveWallet([BOB.script], disk=LightDisk(keep_filters=keep))
    carol = light(net, wallet, (0,), home=OTHER_HOME)
    net.simulation.bar(carol.number, barred=True)
    learn_headers(carol, bob)
    return bob, carol


def asked_of_nodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first heights of the filters that are asked of nodes from now on."""
    heights: list[int] = []
    asks = FilterDownload._ask

    def ask(self: FilterDownload, peer: PeerId, first: int, last: int, now: Instant) -> object:
        heights.append(first)
        return asks(self, peer, first, last, now)

    monkeypatch.setattr(FilterDownload, "_ask", ask)
    return heights


@pytest.mark.parametrize("keep", [True, False])
def test_filters_taken_ahead_spare_a_node_all_but_its_blocks(
    monkeypatch: pytest.MonkeyPatch, *, keep: bool
) -> None:
    bob, carol = carol_by_herself(52, keep=keep)
    tip = bob.node.headers.best.hash
    asked = asked_of_nodes(monkeypatch)
    assert put(carol, WantFilters()) == (1, tip)
    given = put(bob, GiveFilters(1, tip))
    assert isinstance(given, FilterRange)
    assert put(carol, HearFilters(1, given.filters)) == 112
    assert put(carol, WantFilters()) is None, "all are held"
    assert carol.wallet.scanned is None, "nothing was looked at: nobody has vouched for them"
    carol.net.simulation.bar(carol.number, barred=False)
    carol.until(carol.synced)
    assert carol.wallet.balance_sat == bob.wallet.balance_sat > 0
    assert not asked
    assert put(carol, WantFilters()) is None


def test_a_false_filter_taken_ahead_is_asked_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    bob, carol = carol_by_herself(53, keep=True)
    tip = bob.node.headers.best.hash
    asked = asked_of_nodes(monkeypatch)
    given = put(bob, GiveFilters(1, tip))
    assert isinstance(given, FilterRange)
    forged = (*given.filters[:40], b"\x00", *given.filters[41:])
    assert put(carol, HearFilters(1, forged)) == 112, "nobody can tell yet"
    carol.net.simulation.bar(carol.number, barred=False)
    carol.until(carol.synced)
    assert carol.wallet.balance_sat == bob.wallet.balance_sat > 0
    assert asked[0] == 41
    assert carol.wallet.disk.filters == bob.wallet.disk.filters, "the true one took its place"


def test_filters_ahead_take_no_more_than_their_room(monkeypatch: pytest.MonkeyPatch) -> None:
    bob, carol = carol_by_herself(54, keep=False)
    tip = bob.node.headers.best.hash
    given = put(bob, GiveFilters(1, tip))
    assert isinstance(given, FilterRange)
    room = sum(map(len, given.filters[:30]))
    monkeypatch.setattr(heldfilters, "MAX_HELD_BYTES", room)
    assert put(carol, HearFilters(1, given.filters)) == 30
    assert put(carol, WantFilters()) is None, "there is no more room"
    monkeypatch.setattr(heldfilters, "MAX_HELD_BYTES", 10 * room)
    monkeypatch.setattr(earlyfilters, "MAX_UNCHECKED_BYTES", room + 1)
    assert put(carol, HearFilters(31, given.filters[30:])) == 82
    assert put(carol, WantFilters()) is None, "nor of a liar's share"
    carol.net.simulation.bar(carol.number, barred=False)
    carol.until(carol.synced)
    assert carol.wallet.balance_sat == bob.wallet.balance_sat > 0


def test_who_repeats_known_headers_is_heard_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    bob, carol = bob_and_carol(55)
    monkeypatch.setattr(partnerchain, "MAX_HEADERS", len(HEADERS))
    put(carol, JoinPartner(7))
    faults = [put(carol, HearHeaders(7, HEADERS)) for _ in range(10)]
    said = [heard.fault for heard in faults if isinstance(heard, HeadersHeard)]
    assert said[:9] == [""] * 9, "a branch that has lost may be long"
    assert "does not go on" in said[9]
    assert bob.node.headers.best.hash == carol.node.headers.best.hash


def test_hashes_lead_to_the_filter_headers() -> None:
    bob, _ = bob_and_carol(47)
    tip = bob.node.headers.best.hash
    filters, hashes = put(bob, GiveFilters(60, tip)), put(bob, GiveFilters(60, tip, True))
    assert isinstance(filters, FilterRange)
    assert isinstance(hashes, FilterRange)
    assert hashes.hashes == tuple(map(sha256d, filters.filters))
    assert not hashes.filters
    header = hashes.previous_filter_header
    for each in hashes.hashes:
        header = filter_header(each, header)
    assert header == bob.node.filter_headers.at(112)


def test_as_much_is_given_as_fits_into_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partnerchain, "MAX_RANGE_BYTES", 500)
    bob, _ = bob_and_carol(48)
    given = put(bob, GiveFilters(1, bob.node.headers.best.hash))
    assert isinstance(given, FilterRange)
    assert 0 < sum(map(len, given.filters)) <= 500
    last = bob.node.headers.best.ancestor(len(given.filters))
    assert last is not None
    assert given.stop_hash == last.hash


def test_what_is_not_kept_or_not_in_the_chain_is_not_given() -> None:
    bob, _ = bob_and_carol(49, keep=False)
    tip = bob.node.headers.best.hash
    assert put(bob, GiveFilters(1, tip)) == FilterRange(1)
    assert put(bob, GiveFilters(1, BlockHash(bytes(32)))) == FilterRange(1)
    assert put(bob, GiveFilters(113, tip)) == FilterRange(113)


def test_partners_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partnerchain, "MAX_PARTNERS", 1)
    monkeypatch.setattr(partnerchain, "MAX_READS", 0)
    bob, carol = bob_and_carol(50)
    assert put(carol, JoinPartner(1)) is not None
    assert put(carol, JoinPartner(2)) is None
    assert put(carol, LeavePartner(1)) is True
    assert put(carol, LeavePartner(1)) is False
    assert put(carol, JoinPartner(2)) is not None
    assert put(bob, GiveFilters(1, bob.node.headers.best.hash)) == FilterRange(1)
    assert put(bob, HearFilters(1, (b"",))) == 0
