"""What one peer says of the filter headers: where it differs, and what it cannot take back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.p2p.faults import PeerViolation
from axon.p2p.filterclaims import FilterClaims
from axon.p2p.filterheaders import FilterHeaderChain
from axon.primitives.hashes import ZERO_HASH, BlockHash, sha256d
from axon.wire.messages import GetCFCheckpt, GetCFHeaders, GetCFilters
from axon.wire.messages.filters import CFCHECKPT_INTERVAL, MAX_CFHEADERS


class Story:
    """All filters and filter headers of a pretend chain; from one height on they may be others."""

    def __init__(self, length: int, differs: int | None = None) -> None:
        self.hashes: list[bytes] = []
        self.headers: list[bytes] = []
        header = ZERO_HASH
        for height in range(length):
            self.hashes.append(sha256d(b"%d %d" % (height, height == differs)))
            header = sha256d(self.hashes[-1] + header)
            self.headers.append(header)

    def chain(self, length: int) -> FilterHeaderChain:
        chain = FilterHeaderChain()
        blocks = [BlockHash(height.to_bytes(32, "big")) for height in range(length)]
        chain.append(blocks, self.headers[:length])
        return chain

    def tell(
        self, claims: FilterClaims, chain: FilterHeaderChain, start: int, stop: int
    ) -> list[bytes]:
        """Have a peer say its filter headers of a range."""
        previous = self.headers[start - 1] if start else ZERO_HASH
        return claims.weigh_headers(chain, start, previous, self.hashes[start : stop + 1])

    def checkpoints(self, stop: int) -> list[bytes]:
        return self.headers[CFCHECKPT_INTERVAL : stop + 1 : CFCHECKPT_INTERVAL]


LENGTH = 9001
TRUTH = Story(LENGTH)


@settings(max_examples=40)
@given(st.integers(0, LENGTH - 1))
def test_the_first_difference_is_found_with_three_questions(differs: int) -> None:
    liar, chain, claims = Story(LENGTH, differs), TRUTH.chain(LENGTH), FilterClaims(-1)
    assert liar.tell(claims, chain, LENGTH - 1, LENGTH - 1) == []
    asked = 1
    while not isinstance(question := claims.question(chain), GetCFilters):
        asked += 1
        stop = claims.differs
        assert stop is not None
        if isinstance(question, GetCFCheckpt):
            claims.weigh_checkpoints(chain, liar.checkpoints(stop))
        else:
            assert isinstance(question, GetCFHeaders)
            assert stop - question.start_height < MAX_CFHEADERS
            liar.tell(claims, chain, question.start_height, stop)
    assert asked <= 3
    assert (claims.agreed, claims.differs) == (differs - 1, differs)
    assert question.stop_hash == chain.block_hash(differs)
    with pytest.raises(PeerViolation):
        claims.prove(b"another")
    claims.prove(b"%d 1" % differs)
    assert claims.question(chain) is None
    assert claims.stands_against(differs)
    assert not claims.stands_against(differs + 1)


def test_who_agrees_at_the_end_agrees_everywhere() -> None:
    chain, claims = TRUTH.chain(3000), FilterClaims(-1)
    assert TRUTH.tell(claims, chain, 2999, 2999) == []
    assert claims.agreed == 2999
    assert claims.question(chain) is None


def test_what_lies_beyond_our_chain_is_news() -> None:
    chain, claims = TRUTH.chain(500), FilterClaims(-1)
    assert TRUTH.tell(claims, chain, 500, 600) == TRUTH.headers[500:601]
    assert TRUTH.tell(claims, chain, 400, 510) == TRUTH.headers[500:511]
    assert claims.agreed == 499
    assert TRUTH.tell(claims, chain, 502, 600) == []  # Our chain was cut in between.


def test_no_news_from_who_differs_below() -> None:
    chain, claims = TRUTH.chain(500), FilterClaims(-1)
    assert Story(700, 499).tell(claims, chain, 490, 600) == []
    assert (claims.agreed, claims.differs) == (498, 499)
    claims = FilterClaims(-1)
    assert Story(700, 300).tell(claims, chain, 500, 600) == []
    assert (claims.agreed, claims.differs) == (-1, 499)


def test_nobody_differs_before_the_start() -> None:
    chain, claims = TRUTH.chain(10), FilterClaims(-1)
    with pytest.raises(PeerViolation):
        claims.weigh_headers(chain, 0, bytes([1]) * 32, TRUTH.hashes[:5])


def test_nobody_takes_back_that_it_agrees() -> None:
    chain, claims = TRUTH.chain(3000), FilterClaims(-1)
    TRUTH.tell(claims, chain, 2000, 2000)
    Story(3000, 1500).tell(claims, chain, 2500, 2999)
    with pytest.raises(PeerViolation):
        Story(3000, 1500).tell(claims, chain, 1400, 2000)


def test_nobody_takes_back_that_it_differs() -> None:
    chain, claims = TRUTH.chain(3000), FilterClaims(-1)
    Story(3000, 1500).tell(claims, chain, 2000, 2000)
    with pytest.raises(PeerViolation):
        TRUTH.tell(claims, chain, 2500, 2500)
    with pytest.raises(PeerViolation):
        claims.weigh_checkpoints(chain, TRUTH.checkpoints(2999))


def test_checkpoints_ahead_are_compared_as_our_chain_grows() -> None:
    claims = FilterClaims(-1)
    claims.weigh_checkpoints(TRUTH.chain(1500), Story(5000, 2700).checkpoints(4999))
    assert (claims.agreed, claims.has_checkpoints) == (1000, True)
    claims.grown(TRUTH.chain(2500))
    assert (claims.agreed, claims.differs) == (2000, None)
    claims.grown(TRUTH.chain(4500))
    assert (claims.agreed, claims.differs, claims.has_checkpoints) == (2000, 3000, False)


def test_who_gives_filter_headers_must_keep_to_its_checkpoints() -> None:
    chain, claims = TRUTH.chain(900), FilterClaims(-1)
    claims.weigh_checkpoints(chain, Story(2000, 950).checkpoints(1999))
    with pytest.raises(PeerViolation):
        TRUTH.tell(claims, chain, 900, 1999)


def test_a_difference_found_otherwise_leaves_no_checkpoints() -> None:
    claims = FilterClaims(-1)
    claims.weigh_checkpoints(TRUTH.chain(1500), TRUTH.checkpoints(4999))
    Story(1500, 1200).tell(claims, TRUTH.chain(1500), 1400, 1499)
    claims.grown(TRUTH.chain(5000))  # Whoever made it grow is not to be blamed.
    assert (claims.agreed, claims.differs) == (1000, 1399)


def test_a_cut_undoes_what_was_above() -> None:
    chain, claims = TRUTH.chain(3000), FilterClaims(-1)
    Story(3000, 1500).tell(claims, chain, 1400, 2000)
    claims.cut(1500)
    assert (claims.agreed, claims.differs) == (1499, 1500)
    claims.cut(1499)
    assert (claims.agreed, claims.differs, claims.claim) == (1499, None, None)
    claims.cut(3)
    assert claims.agreed == 3
