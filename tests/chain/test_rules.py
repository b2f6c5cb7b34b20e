"""Header rules: real retargets, each reason of refusal at its edge, the test chains' exceptions."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.chain.headerentry import HeaderEntry
from axon.chain.headertable import HeaderTable
from axon.chain.headertree import HeaderTree
from axon.chain.rules import MAX_FUTURE_S, MAX_TIMEWARP_S, HeaderRules
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import MAINNET, REGTEST, SIGNET, TESTNET3, Network
from axon.primitives.target import meets_target, target_to_bits, work
from axon.primitives.verdict import Rejected
from tests.chain.chains import (
    EASY_MAINNET,
    EASY_TESTNET3,
    EASY_TESTNET4,
    FAR_FUTURE,
    accepted,
    grow,
    headers_of,
    mine,
)
from tests.data import mainnet_data

ZERO = BlockHash(bytes(32))
LIMIT = 0x207FFFFF
HARDER = 0x201FFFFF  # After a period that took a quarter of its time or less.


@cache
def _period(network: Network, last_time: int = 3_000) -> tuple[HeaderTree, HeaderEntry]:
    """A whole first period in 2,015 s, up to its last header, which lies `last_time` behind it."""
    tree = HeaderTree(network)
    before = grow(tree, tree.genesis, 2014, spacing=1)
    time = tree.genesis.time + last_time
    return tree, accepted(tree.add(mine(before, time, tree.next_bits(before, time)), FAR_FUTURE))


def _refused(tree: HeaderTree, header: Header, now: int = FAR_FUTURE) -> str:
    added = tree.add(header, now)
    assert isinstance(added, Rejected), added
    assert tree.get(header.hash) is None
    return added.reason


def test_all_retargets_of_the_main_chain() -> None:
    data = (mainnet_data() / "retarget-headers.bin").read_bytes()
    records = {
        int.from_bytes(data[at : at + 4], "little"): Header(data[at + 4 : at + 84])
        for at in range(0, len(data), 84)
    }
    rules = HeaderRules(MAINNET)
    for height in range(2016, 832_609, 2016):
        entry = HeaderTable(records[height - 2016], height - 2016).root
        for _ in range(2014):  # What lies between does not matter.
            entry = entry.table.append(entry.raw, entry.hash, entry)
        last = records[height - 1]
        entry = entry.table.append(last.raw, last.hash, entry)
        assert rules.next_bits(entry, 0) == records[height].bits


def test_real_headers_over_four_retargets_are_accepted() -> None:
    headers = headers_of(mainnet_data() / "headers-822528-830592.bin")
    tree = HeaderTree(MAINNET, HeaderTable(headers[0], 822_528, 1 << 90))
    verdict = tree.add_chain(headers[1:], FAR_FUTURE)
    assert (verdict.new, verdict.rejected) == (8_064, None)
    assert tree.best.height == 830_592
    assert tree.best.header == headers[-1]


def test_real_stale_header_is_kept_beside_the_best_chain() -> None:
    folder = mainnet_data()
    headers = headers_of(folder / "headers-822528-830592.bin")
    tree = HeaderTree(MAINNET, HeaderTable(headers[0], 822_528, 1 << 90))
    tree.add_chain(headers[1:], FAR_FUTURE)
    (stale,) = headers_of(folder / "stale-header-823226.bin")
    entry = accepted(tree.add(stale, FAR_FUTURE))
    assert entry.height == 823_226
    assert tree.best.header == headers[-1]
    assert tree.tips() == [tree.best, entry]
    assert tree.fork(entry, tree.best).height == 823_225


def test_hash_above_the_target() -> None:
    tree = HeaderTree(REGTEST)
    good = mine(tree.genesis, tree.genesis.time + 1, LIMIT)
    raw = bytearray(good.raw)
    while int.from_bytes(Header(bytes(raw)).hash, "little") < REGTEST.pow_limit:
        raw[76] = (raw[76] + 1) % 256
    assert _refused(tree, Header(bytes(raw))) == "high-hash"


@pytest.mark.parametrize("bits", [0, 0x04923456, 0xFF123456, 0x2100FFFF])
def test_target_that_is_none(bits: int) -> None:
    tree = HeaderTree(REGTEST)
    header = Header.build(4, tree.genesis.hash, bytes(32), tree.genesis.time + 1, bits, 0)
    assert _refused(tree, header) == "high-hash"


def test_work_is_judged_before_the_parent_is_looked_for() -> None:
    tree = HeaderTree(MAINNET)
    stranger = Header.build(4, MAINNET.genesis.hash, bytes(32), 0, 0x1D00FFFF, 0)
    assert _refused(tree, Header(stranger.raw[:4] + bytes(32) + stranger.raw[36:])) == "high-hash"
    easy = HeaderTree(REGTEST)
    orphan = mine(Header(bytes(80)), 1, LIMIT)
    assert _refused(easy, orphan) == "prev-blk-not-found"


def test_wrong_target() -> None:
    tree = HeaderTree(EASY_MAINNET)
    header = mine(tree.genesis, tree.genesis.time + 1, HARDER)
    assert _refused(tree, header) == "bad-diffbits"


def test_target_follows_the_time_a_period_took() -> None:
    tree, last = _period(EASY_MAINNET)
    assert tree.next_bits(last, 0) == HARDER
    assert _refused(tree, mine(last, last.time + 1, LIMIT)) == "bad-diffbits"
    first = accepted(tree.add(mine(last, last.time + 1, HARDER), FAR_FUTURE))
    assert first.chainwork == 2016 * work(LIMIT) + work(HARDER)
    assert tree.next_bits(first, 0) == HARDER


def test_target_never_gets_easier_than_the_limit() -> None:
    slow = HeaderTree(EASY_MAINNET)
    last = grow(slow, slow.genesis, 2015, spacing=700)
    assert slow.next_bits(last, 0) == LIMIT


@pytest.mark.parametrize(
    ("took", "expected"),
    [(1, 0x1C7FFF80), (302_400, 0x1C7FFF80), (604_800, 0x1D00FFFF), (10**8, 0x1D07FFF8)],
)
def test_target_changes_by_four_at_most(took: int, expected: int) -> None:
    network = replace(MAINNET, pow_limit=(1 << 240) - 1)
    entry = HeaderTable(Header.build(1, ZERO, bytes(32), 1_000, 0x1D01FFFE, 0)).root
    for _ in range(2015):
        raw = Header.build(1, entry.hash, bytes(32), 1_000 + took, 0x1D01FFFE, 0).raw
        entry = entry.table.append(raw, entry.hash, entry)
    assert HeaderRules(network).next_bits(entry, 0) == expected


def test_regtest_never_retargets() -> None:
    tree, last = _period(REGTEST)
    assert tree.next_bits(last, last.time + 1) == LIMIT
    assert tree.next_bits(last, last.time + 10_000) == LIMIT


def test_signet_obeys_the_rules_of_the_main_chain() -> None:
    tree = HeaderTree(SIGNET)
    genesis = tree.genesis
    assert tree.next_bits(genesis, genesis.time + 100_000) == genesis.bits == 0x1E0377AE


def test_time_at_the_median_is_too_old() -> None:
    tree = HeaderTree(REGTEST)
    tip = grow(tree, tree.genesis, 20, spacing=10)
    median = tip.median_time_past()
    assert median == tip.time - 50
    assert _refused(tree, mine(tip, median, LIMIT)) == "time-too-old"
    accepted(tree.add(mine(tip, median + 1, LIMIT), FAR_FUTURE))


@settings(max_examples=60)
@given(st.lists(st.integers(-40, 40), max_size=40))
def test_too_old_is_what_the_median_says(steps: list[int]) -> None:
    tree = HeaderTree(REGTEST)
    tip, times = tree.genesis, [tree.genesis.time]
    for salt, step in enumerate(steps):
        time = times[-1] + step
        median = sorted(times[-11:])[len(times[-11:]) // 2]
        added = tree.add(mine(tip, time, LIMIT, salt=salt), FAR_FUTURE)
        if time <= median:
            assert added == Rejected("time-too-old", "block's timestamp is too early")
        else:
            tip = accepted(added)
            times.append(time)


def test_median_is_not_judged_where_it_is_unknown() -> None:
    table = HeaderTable(Header.build(4, REGTEST.genesis.hash, bytes(32), 5_000, LIMIT, 0), 2016)
    root, tree = table.root, HeaderTree(REGTEST, table)
    early = accepted(tree.add(mine(root, 4_000, LIMIT), FAR_FUTURE))
    tip = grow(tree, early, 9, spacing=500)
    assert tip.height == 2026
    assert _refused(tree, mine(tip, 4_000, LIMIT)) == "time-too-old"


def test_time_two_hours_ahead_is_the_last_allowed() -> None:
    tree = HeaderTree(REGTEST)
    seconds = tree.genesis.time + 1_000
    edge = mine(tree.genesis, seconds + MAX_FUTURE_S, LIMIT)
    ahead = mine(tree.genesis, seconds + MAX_FUTURE_S + 1, LIMIT)
    assert _refused(tree, edge, seconds * 1_000_000 - 1) == "time-too-new"
    assert _refused(tree, ahead, seconds * 1_000_000 + 999_999) == "time-too-new"
    accepted(tree.add(edge, seconds * 1_000_000))
    accepted(tree.add(ahead, (seconds + 1) * 1_000_000))


@pytest.mark.parametrize(
    ("height", "version", "reason"),
    [
        (1, -1, None),
        (2, 1, "bad-version(0x00000001)"),
        (2, -1, "bad-version(0xffffffff)"),
        (2, 2, None),
        (3, 2, None),
        (4, 2, "bad-version(0x00000002)"),
        (4, 3, None),
        (6, 3, "bad-version(0x00000003)"),
        (6, 4, None),
        (6, 0x20000000, None),
    ],
)
def test_versions_rise_with_the_height(height: int, version: int, reason: str | None) -> None:
    tree = HeaderTree(EASY_MAINNET)
    parent = grow(tree, tree.genesis, height - 1)
    header = mine(parent, parent.time + 600, LIMIT, version=version)
    added = tree.add(header, FAR_FUTURE)
    assert (added.reason if isinstance(added, Rejected) else None) == reason


def test_checks_come_in_the_order_of_bitcoin_core() -> None:
    tree = HeaderTree(EASY_MAINNET)
    tip = grow(tree, tree.genesis, 12)
    everything = {"time": 1, "bits": HARDER, "version": 0}
    now = 0
    reasons = []
    for name, right in [("bits", LIMIT), ("time", tip.time + 1), ("", 0)]:
        header = mine(tip, everything["time"], everything["bits"], version=everything["version"])
        reasons.append(_refused(tree, header, now))
        everything[name] = right
    header = mine(tip, tip.time + 1, LIMIT, version=0)
    reasons.append(_refused(tree, header))
    assert reasons == ["bad-diffbits", "time-too-old", "time-too-new", "bad-version(0x00000000)"]


def test_block_of_least_difficulty_after_twenty_minutes() -> None:
    tree, last = _period(EASY_TESTNET3)
    first = accepted(tree.add(mine(last, last.time + 1, HARDER), FAR_FUTURE))
    assert tree.next_bits(first, first.time + 1200) == HARDER
    assert tree.next_bits(first, first.time + 1201) == LIMIT
    easy = accepted(tree.add(mine(first, first.time + 1201, LIMIT), FAR_FUTURE))
    assert tree.next_bits(easy, easy.time + 1) == HARDER
    easier = accepted(tree.add(mine(easy, easy.time + 1201, LIMIT), FAR_FUTURE))
    assert tree.next_bits(easier, easier.time + 1) == HARDER
    assert _refused(tree, mine(easier, easier.time + 1, LIMIT)) == "bad-diffbits"
    regular = accepted(tree.add(mine(easier, easier.time + 1, HARDER), FAR_FUTURE))
    assert tree.next_bits(regular, regular.time + 1) == HARDER


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 2_000)), max_size=30),
    st.integers(1, 2_000),
)
def test_regular_target_is_found_as_by_walking(steps: list[tuple[bool, int]], ahead: int) -> None:
    network = replace(TESTNET3, no_retargeting=True)
    rules, limit = HeaderRules(network), target_to_bits(network.pow_limit)
    root = Header.build(4, REGTEST.genesis.hash, bytes(32), 0, 0x1C00FFFF, 0)
    chain = [HeaderTable(root, 2_000).root]  # So that the chain crosses the end of a period.
    for easy, spacing in steps:
        parent, bits = chain[-1], limit if easy else 0x1C00FFFF
        header = Header.build(4, parent.hash, bytes(32), parent.time + spacing, bits, 0)
        chain.append(parent.table.append(header.raw, header.hash, parent))
    tip = chain[-1]

    def naive() -> int:
        if (tip.height + 1) % 2016 == 0:
            return tip.bits
        if ahead > 1200:
            return limit
        entry = tip
        while entry.parent is not None and entry.height % 2016 != 0 and entry.bits == limit:
            entry = entry.parent
        return entry.bits

    assert rules.next_bits(tip, tip.time + ahead) == naive()


def test_bip94_retargets_from_the_first_header_of_the_period() -> None:
    # The last header of the period has the easiest target; it must not carry over.
    tree, last = _period(EASY_TESTNET4)
    second = accepted(tree.add(mine(last, last.time + 1, HARDER), FAR_FUTURE))
    before = grow(tree, second, 2014, spacing=1)
    late = before.time + 1201
    ends = accepted(tree.add(mine(before, late, LIMIT), FAR_FUTURE))
    assert ends.height == 4031
    assert tree.next_bits(ends, late + 1) == 0x2007FFFF
    assert HeaderRules(EASY_TESTNET3).next_bits(ends, late + 1) == HARDER


@pytest.mark.parametrize(("network", "held"), [(EASY_TESTNET4, True), (EASY_TESTNET3, False)])
def test_bip94_forbids_to_warp_time(network: Network, held: bool) -> None:
    tree, last = _period(network)
    assert last.time - MAX_TIMEWARP_S - 1 > last.median_time_past()
    warped = mine(last, last.time - MAX_TIMEWARP_S - 1, HARDER)
    if held:
        assert _refused(tree, warped) == "time-timewarp-attack"
    else:
        accepted(tree.add(warped, FAR_FUTURE))
    accepted(tree.add(mine(last, last.time - MAX_TIMEWARP_S, HARDER), FAR_FUTURE))


# Headers in a run: only the plainest are passed without `check`.


def _run() -> tuple[HeaderTree, list[Header]]:
    """Six plain headers on a tree that stops before the end of a period."""
    tree = HeaderTree(EASY_MAINNET)
    headers = [tree.genesis.header]
    for _ in range(6):
        headers.append(mine(headers[-1], headers[-1].time + 600, LIMIT))
    return tree, headers[1:]


def _plain(tree: HeaderTree, headers: list[Header], now: int = FAR_FUTURE, start: int = 0) -> int:
    return HeaderRules(EASY_MAINNET).count_plain(headers, start, tree.genesis, now)


def test_a_plain_run_is_counted_to_its_end() -> None:
    tree, headers = _run()
    assert _plain(tree, headers) == 6
    stranger = Header(bytes(80))
    assert _plain(tree, [stranger, stranger, *headers], start=2) == 6
    assert HeaderRules(EASY_TESTNET3).count_plain(headers, 0, tree.genesis, FAR_FUTURE) == 0


def test_a_run_ends_before_a_header_without_work() -> None:
    tree, headers = _run()
    good = headers[3]
    fields = (good.version, good.prev, good.merkle_root, good.time, good.bits)
    # The bits are right, so nothing but the hash tells.
    workless = next(
        header
        for header in (Header.build(*fields, nonce) for nonce in range(1_000))
        if not meets_target(header.hash, LIMIT)
    )
    assert _plain(tree, [*headers[:3], workless]) == 3
    verdict = tree.add_chain([*headers[:3], workless], FAR_FUTURE)
    assert verdict.new == 3
    assert verdict.rejected is not None
    assert verdict.rejected.reason == "high-hash"


@pytest.mark.parametrize(
    "change",
    [{"bits": HARDER}, {"version": 3}, {"time_step_s": 0}, {"time_step_s": -1}],
    ids=str,
)
def test_a_run_ends_before_a_header_that_is_not_plain(change: dict[str, int]) -> None:
    tree, headers = _run()
    parent = headers[2]
    odd = mine(
        parent,
        parent.time + change.get("time_step_s", 600),
        change.get("bits", LIMIT),
        version=change.get("version", 4),
    )
    assert _plain(tree, [*headers[:3], odd]) == 3


def test_a_run_ends_before_a_header_that_connects_to_another() -> None:
    tree, headers = _run()
    assert _plain(tree, [*headers[:3], headers[4]]) == 3
    assert _plain(tree, headers[1:]) == 0


def test_a_run_ends_at_the_last_time_allowed() -> None:
    tree, headers = _run()
    now = (headers[2].time - MAX_FUTURE_S) * 1_000_000
    assert _plain(tree, headers, now) == 3
    assert _plain(tree, headers, now - 1) == 2


def test_a_run_ends_with_its_period() -> None:
    tree, last = _period(EASY_MAINNET)
    parent = last.parent
    assert parent is not None
    rules = HeaderRules(EASY_MAINNET)
    after = mine(last, last.time + 1, LIMIT)  # Wrong: the target is another from here on.
    assert rules.count_plain([last.header, after], 0, parent, FAR_FUTURE) == 1
    right = mine(last, last.time + 1, HARDER)
    headers = [right, mine(right, right.time + 1, HARDER)]
    assert rules.count_plain(headers, 0, last, FAR_FUTURE) == 0
    first = accepted(tree.add(right, FAR_FUTURE))
    assert rules.count_plain(headers[1:], 0, first, FAR_FUTURE) == 1
