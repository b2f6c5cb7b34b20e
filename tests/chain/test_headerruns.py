"""Headers in a row: the fast path must refuse what the slow one refuses, wherever it stands."""

from __future__ import annotations

from itertools import count

import pytest

from axon.chain.headerentry import HeaderEntry
from axon.chain.headertree import HeaderTree
from axon.chain.rules import MAX_FUTURE_S, HeaderRules
from axon.machine import SECOND
from axon.primitives.header import Header
from axon.primitives.network import MAINNET
from axon.primitives.target import meets_target
from tests.chain.chains import EASY_MAINNET, EASY_TESTNET3, FAR_FUTURE, grow, mine

LIMIT = 0x207FFFFF
HARDER = 0x201FFFFF
LATEST_S = 1_500_000_000
NOW_US = (LATEST_S - MAX_FUTURE_S) * SECOND
FIRST_HEADER = (
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e"
    "1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"
)
"""Of the main chain, above its genesis block."""


def unproved(parent: HeaderEntry | Header, time: int, bits: int) -> Header:
    """A header that is right but for its work."""
    for nonce in count():
        header = Header.build(4, parent.hash, bytes(32), time, bits, nonce)
        if not meets_target(header.hash, bits):
            return header
    raise AssertionError("some hash misses every target")


def _run_with(parent: HeaderEntry, position: int, oddity: str) -> list[Header]:
    """Five plain headers of which one is not; its only flaw is the one named."""
    headers: list[Header] = []
    before: HeaderEntry | Header = parent
    for index in range(5):
        time = before.time + 600
        odd = oddity if index == position else ""
        if odd == "same time":
            time = before.time
        elif odd == "late":
            time = LATEST_S + 1
        if odd == "no work":
            header = unproved(before, time, LIMIT)
        else:
            origin = parent.header if odd == "prev" else before
            bits = HARDER if odd == "bits" else LIMIT
            header = mine(origin, time, bits, version=3 if odd == "version" else 4, salt=index)
        headers.append(header)
        before = header
    return headers


@pytest.mark.parametrize("position", [1, 2, 4])
@pytest.mark.parametrize(
    ("oddity", "reason"),
    [
        ("no work", "high-hash"),
        ("bits", "bad-diffbits"),
        ("version", "bad-version(0x00000003)"),
        ("prev", None),
        ("same time", None),
        ("late", "time-too-new"),
    ],
)
def test_a_run_ends_where_a_header_is_not_plain(
    oddity: str, reason: str | None, position: int
) -> None:
    tree = HeaderTree(EASY_MAINNET)
    tip = grow(tree, tree.genesis, 12)
    headers = _run_with(tip, position, oddity)
    assert HeaderRules(EASY_MAINNET).count_plain(headers, 0, tip, NOW_US) == position
    verdict = tree.add_chain(headers, NOW_US)
    if reason is not None:
        assert verdict.count == position
        assert verdict.rejected is not None
        assert verdict.rejected.reason == reason
        assert tree.get(headers[position].hash) is None


def test_a_run_of_plain_headers_is_counted_whole() -> None:
    tree = HeaderTree(EASY_MAINNET)
    tip = grow(tree, tree.genesis, 12)
    headers = _run_with(tip, 9, "")
    rules = HeaderRules(EASY_MAINNET)
    assert rules.count_plain(headers, 0, tip, NOW_US) == 5
    tree.add_chain(headers, NOW_US)
    second = tree.get(headers[1].hash)
    assert second is not None
    assert rules.count_plain(headers, 2, second, NOW_US) == 3
    edge = mine(tip, LATEST_S, LIMIT)
    assert rules.count_plain([edge], 0, tip, NOW_US) == 1
    assert rules.count_plain([edge], 0, tip, NOW_US - 1) == 0


def test_a_run_ends_before_the_target_is_adjusted() -> None:
    tree = HeaderTree(EASY_MAINNET)
    tip = grow(tree, tree.genesis, 2_010, spacing=1)
    headers: list[Header] = []
    before: HeaderEntry | Header = tip
    for _ in range(8):
        before = mine(before, before.time + 1, LIMIT)
        headers.append(before)
    assert HeaderRules(EASY_MAINNET).count_plain(headers, 0, tip, FAR_FUTURE) == 5
    verdict = tree.add_chain(headers, FAR_FUTURE)  # Mined far too fast for the old target.
    assert verdict.last is not None
    assert verdict.last.height == 2_015
    assert verdict.rejected is not None
    assert verdict.rejected.reason == "bad-diffbits"


def test_headers_of_the_main_chain_without_work_are_refused() -> None:
    genesis = MAINNET.genesis.header
    first = Header(bytes.fromhex(FIRST_HEADER))
    headers = [first]
    for _ in range(5):
        before = headers[-1]
        headers.append(Header.build(4, before.hash, bytes(32), before.time + 600, genesis.bits, 0))
    tree = HeaderTree(MAINNET)
    verdict = tree.add_chain(headers, FAR_FUTURE)
    assert (len(tree), verdict.new) == (2, 1)
    assert verdict.rejected is not None
    assert verdict.rejected.reason == "high-hash"
    rules = HeaderRules(MAINNET)
    assert verdict.last is not None
    assert rules.count_plain(headers, 1, verdict.last, FAR_FUTURE) == 0


def test_nothing_is_plain_where_targets_vary() -> None:
    tree = HeaderTree(EASY_TESTNET3)
    header = mine(tree.genesis, tree.genesis.time + 600, LIMIT)
    assert HeaderRules(EASY_TESTNET3).count_plain([header], 0, tree.genesis, FAR_FUTURE) == 0
