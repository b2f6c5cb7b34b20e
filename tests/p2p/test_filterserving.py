"""Filters for light clients (BIP 157): what is answered, and who is shown the door."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from axon.chain.headerentry import HeaderEntry
from axon.machine import PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.faults import PeerFault
from axon.p2p.filterserving import FilterQuestion, FilterServing
from axon.primitives.hashes import ZERO_HASH, BlockHash, sha256d
from axon.primitives.network import REGTEST
from axon.wire.messages import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    Message,
)
from axon.wire.messages.filters import BASIC_FILTER, MAX_CFHEADERS, MAX_CFILTERS
from tests.p2p.chains import Ledger, mine_headers
from tests.p2p.filterworld import ask

GENESIS = REGTEST.genesis.header
CHAIN = mine_headers(GENESIS, 2100)
HASHES = [GENESIS.hash, *(header.hash for header in CHAIN)]
ALICE = PeerId(0)
UNKNOWN = BlockHash(bytes([9]) * 32)


class Index:
    """Pretend filters: each is the block's hash; filter headers are chained over them."""

    def __init__(self, known: int = len(HASHES)) -> None:
        self.chained: dict[BlockHash, bytes] = {}
        header = ZERO_HASH
        for block_hash in HASHES[:known]:
            header = sha256d(sha256d(block_hash) + header)
            self.chained[block_hash] = header

    def filters(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        return [item if item in self.chained else None for item in block_hashes]

    def filter_hashes(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        return [sha256d(item) if item in self.chained else None for item in block_hashes]

    def headers(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        return [self.chained.get(item) for item in block_hashes]


class Serving:
    """The serving side with an index that is read at once."""

    def __init__(self, index: Index | None) -> None:
        ledger = Ledger()
        ledger.connect(ledger.learn(CHAIN))
        self._serving = FilterServing(ledger.tree, ledger.active, index is not None)
        self._index = index or Index()

    def received(self, peer: PeerId, message: FilterQuestion) -> list[Action]:
        return ask(self._serving, self._index, peer, message)


def serving(index: Index | None) -> Serving:
    return Serving(index)


def messages(actions: list[Action]) -> list[Message]:
    return [action.message for action in actions if isinstance(action, Send)]


def test_filters_come_one_a_message() -> None:
    found = messages(serving(Index()).received(ALICE, GetCFilters(BASIC_FILTER, 5, HASHES[7])))
    assert found == [CFilter(BASIC_FILTER, HASHES[n], HASHES[n]) for n in (5, 6, 7)]


def test_a_thousand_filters_and_no_more() -> None:
    it = serving(Index())
    last = GetCFilters(BASIC_FILTER, 1, HASHES[MAX_CFILTERS])
    assert len(it.received(ALICE, last)) == MAX_CFILTERS
    with pytest.raises(PeerFault, match="more than"):
        it.received(ALICE, GetCFilters(BASIC_FILTER, 0, HASHES[MAX_CFILTERS]))


def test_filter_headers_can_be_chained_by_the_asker() -> None:
    index = Index()
    request = GetCFHeaders(BASIC_FILTER, 100, HASHES[2050])
    (answer,) = messages(serving(index).received(ALICE, request))
    assert isinstance(answer, CFHeaders)
    header = answer.previous_filter_header
    assert header == index.chained[HASHES[99]]
    for filter_hash in answer.filter_hashes:
        header = sha256d(filter_hash + header)
    assert header == index.chained[HASHES[2050]]
    assert len(answer.filter_hashes) == 1951


def test_filter_headers_from_the_root_begin_with_zeros() -> None:
    request = GetCFHeaders(BASIC_FILTER, 0, HASHES[1])
    (answer,) = messages(serving(Index()).received(ALICE, request))
    assert isinstance(answer, CFHeaders)
    assert answer.previous_filter_header == ZERO_HASH
    with pytest.raises(PeerFault, match="more than"):
        serving(Index()).received(ALICE, GetCFHeaders(BASIC_FILTER, 0, HASHES[MAX_CFHEADERS]))


def test_checkpoints_stand_at_each_thousandth_block() -> None:
    index = Index()
    (answer,) = messages(serving(index).received(ALICE, GetCFCheckpt(BASIC_FILTER, HASHES[2099])))
    expected = (index.chained[HASHES[1000]], index.chained[HASHES[2000]])
    assert answer == CFCheckpt(BASIC_FILTER, HASHES[2099], expected)
    (answer,) = messages(serving(index).received(ALICE, GetCFCheckpt(BASIC_FILTER, HASHES[999])))
    assert answer == CFCheckpt(BASIC_FILTER, HASHES[999], ())


@pytest.mark.parametrize(
    "message",
    [
        GetCFilters(1, 0, HASHES[1]),
        GetCFHeaders(255, 0, HASHES[1]),
        GetCFCheckpt(1, HASHES[1]),
        GetCFilters(BASIC_FILTER, 0, UNKNOWN),
        GetCFHeaders(BASIC_FILTER, 0, UNKNOWN),
        GetCFCheckpt(BASIC_FILTER, UNKNOWN),
        GetCFilters(BASIC_FILTER, 8, HASHES[7]),
        GetCFHeaders(BASIC_FILTER, 0xFFFF_FFFF, HASHES[7]),
    ],
)
def test_who_breaks_the_rules_is_disconnected(
    message: GetCFilters | GetCFHeaders | GetCFCheckpt,
) -> None:
    with pytest.raises(PeerFault):
        serving(Index()).received(ALICE, message)


def test_filters_that_are_not_offered_may_not_be_asked_for() -> None:
    with pytest.raises(PeerFault, match="not offered"):
        serving(None).received(ALICE, GetCFilters(BASIC_FILTER, 0, HASHES[1]))


def test_filters_are_answered_up_to_what_is_indexed_and_headers_all_or_not_at_all() -> None:
    it = serving(Index(known=1500))
    assert it.received(ALICE, GetCFilters(BASIC_FILTER, 1500, HASHES[1501])) == []
    known = it.received(ALICE, GetCFilters(BASIC_FILTER, 1498, HASHES[1502]))
    assert [message.block_hash for message in messages(known) if isinstance(message, CFilter)] == [
        HASHES[1498],
        HASHES[1499],
    ]
    assert it.received(ALICE, GetCFHeaders(BASIC_FILTER, 1499, HASHES[1500])) == []
    assert it.received(ALICE, GetCFHeaders(BASIC_FILTER, 1502, HASHES[1503])) == []
    assert it.received(ALICE, GetCFCheckpt(BASIC_FILTER, HASHES[2000])) == []


def test_checkpoints_of_a_branch_are_its_own() -> None:
    ledger = Ledger()
    ledger.connect(ledger.learn(CHAIN))
    branch = ledger.learn(mine_headers(CHAIN[1990], 20, salt=1))
    filters = FilterServing(ledger.tree, ledger.active, offered=True)
    request = filters.received(ALICE, GetCFCheckpt(BASIC_FILTER, branch[-1].hash))
    own = next(entry.hash for entry in branch if entry.height == 2000)
    assert request.blocks == (HASHES[1000], own)


def test_checkpoints_are_not_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On mainnet there are nine hundred, and a search is twenty steps."""
    ledger = Ledger()
    ledger.connect(ledger.learn(CHAIN))
    filters = FilterServing(ledger.tree, ledger.active, offered=True)

    def ancestor(entry: HeaderEntry, height: int) -> HeaderEntry:
        raise AssertionError(f"searched for {height} below {entry.height}")

    monkeypatch.setattr(HeaderEntry, "ancestor", ancestor)
    request = filters.received(ALICE, GetCFCheckpt(BASIC_FILTER, HASHES[2099]))
    assert request.blocks == (HASHES[1000], HASHES[2000])
