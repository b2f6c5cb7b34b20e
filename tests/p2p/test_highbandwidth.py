"""Which peers may send us blocks unasked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.machine import PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.highbandwidth import MAX_HIGH_BANDWIDTH, HighBandwidth
from axon.wire.messages import SendCmpct


def world(outbound: str, *, blocks_only: bool = False) -> HighBandwidth:
    """Peers 0, 1, 2, ...: `o` for one that we dialled, `i` for one that dialled us."""
    part = HighBandwidth(blocks_only=blocks_only)
    for number, kind in enumerate(outbound):
        part.opened(PeerId(number), outbound=kind == "o")
        part.negotiated(PeerId(number))
    return part


def told(peer: int, announce: int) -> Action:
    """What a peer is told."""
    return Send(PeerId(peer), SendCmpct(announce))


def chosen(part: HighBandwidth, count: int) -> list[int]:
    """Who announces to us."""
    return [number for number in range(count) if part.is_chosen(PeerId(number))]


def test_who_brings_a_block_is_asked_to_announce_the_next_ones() -> None:
    part = world("oo")
    assert part.brought(PeerId(1)) == [told(1, 1)]
    assert part.brought(PeerId(1)) == [], "it does already"
    assert chosen(part, 2) == [1]


def test_the_one_that_brought_none_for_longest_goes() -> None:
    part = world("oooo")
    for number in (0, 1, 2, 0):
        part.brought(PeerId(number))
    assert part.brought(PeerId(3)) == [told(1, 0), told(3, 1)]
    assert chosen(part, 4) == [0, 2, 3]


def test_the_last_one_that_we_dialled_is_kept_when_strangers_come() -> None:
    part = world("oiiii")
    for number in (0, 1, 2):
        part.brought(PeerId(number))
    assert part.brought(PeerId(3)) == [told(1, 0), told(3, 1)]
    assert part.brought(PeerId(4)) == [told(2, 0), told(4, 1)]
    assert chosen(part, 5) == [0, 3, 4]


def test_one_that_we_dialled_may_take_the_place_of_another() -> None:
    part = world("oiio")
    for number in (0, 1, 2):
        part.brought(PeerId(number))
    assert part.brought(PeerId(3)) == [told(0, 0), told(3, 1)]


def test_only_who_knows_compact_blocks_is_asked() -> None:
    part = HighBandwidth(blocks_only=False)
    part.opened(PeerId(0), outbound=True)
    assert part.brought(PeerId(0)) == []
    part.negotiated(PeerId(0))
    assert part.brought(PeerId(0)) == [told(0, 1)]
    part.negotiated(PeerId(9))
    assert part.brought(PeerId(9)) == [], "nobody knows that one"


def test_without_a_pool_nobody_is_asked() -> None:
    part = world("oo", blocks_only=True)
    assert part.brought(PeerId(0)) == []


def test_who_goes_leaves_a_place() -> None:
    part = world("oooo")
    for number in (0, 1, 2):
        part.brought(PeerId(number))
    part.closed(PeerId(1))
    assert part.brought(PeerId(3)) == [told(3, 1)]
    assert chosen(part, 4) == [0, 2, 3]


@given(st.text("oi", min_size=1, max_size=9), st.lists(st.integers(0, 8), max_size=40))
def test_at_most_three_and_one_of_ours_if_there_was_one(kinds: str, brought: list[int]) -> None:
    part, agreed = world(kinds), dict.fromkeys(range(len(kinds)), 0)
    for number in brought:
        if number >= len(kinds):
            continue
        ours = any(kinds[each] == "o" for each in chosen(part, len(kinds)))
        for action in part.brought(PeerId(number)):
            assert isinstance(action, Send)
            assert isinstance(action.message, SendCmpct)
            agreed[action.peer] = action.message.announce
        now = chosen(part, len(kinds))
        assert number in now
        assert len(now) <= MAX_HIGH_BANDWIDTH
        assert [each for each, announce in agreed.items() if announce] == now
        assert not ours or any(kinds[each] == "o" for each in now)
