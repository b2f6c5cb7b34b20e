"""A colour for each last block: no two at one time have the same."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from axon.swarm.dash.tipcolours import COLOURS, TipColours


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=COLOURS), max_size=30))
def test_blocks_keep_their_colours_and_share_none(moments: list[list[str]]) -> None:
    colours, before = TipColours(), dict[str, int]()
    for tips in moments:
        now = colours.assign(tips)
        assert set(now) == set(tips)
        assert len(set(now.values())) == len(now)
        assert all(now[tip] == before[tip] for tip in now if tip in before)
        before = now


def test_the_next_block_has_another_colour_though_the_last_one_is_gone() -> None:
    colours = TipColours()
    seen = [colours.assign([tip])[tip] for tip in "abcdef"]
    assert all(one != other for one, other in pairwise(seen))


def test_more_blocks_than_colours_leave_some_without() -> None:
    found = TipColours().assign("abcdefgh")
    assert list(found) == list("abcdefgh"[:COLOURS])
