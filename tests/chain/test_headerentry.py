"""One header's place in the tree: ancestors, forks, work and median time."""

from __future__ import annotations

from statistics import median_high

from hypothesis import given
from hypothesis import strategies as st

from axon.chain.headerentry import HeaderEntry
from axon.chain.headertable import HeaderTable
from axon.primitives.header import Header
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.target import work
from tests.chain.chains import headers_of
from tests.data import mainnet_data


def _child(parent: HeaderEntry, time: int = 0, bits: int = 0x207FFFFF) -> HeaderEntry:
    header = Header.build(4, parent.hash, bytes(32), time, bits, parent.height)
    return parent.table.append(header.raw, header.hash, parent)


def _root(height: int = 0) -> HeaderEntry:
    return HeaderTable(REGTEST.genesis.header, height).root


@given(height=st.integers(0, 5_000), length=st.integers(0, 300), data=st.data())
def test_ancestor_is_found_at_every_height(height: int, length: int, data: st.DataObject) -> None:
    entries = [_root(height)]
    for _ in range(length):
        entries.append(_child(entries[-1]))
    start = data.draw(st.integers(0, length))
    wanted = data.draw(st.integers(height - 3, height + length + 3))
    inside = height <= wanted <= height + start
    assert entries[start].ancestor(wanted) is (entries[wanted - height] if inside else None)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_fork_is_where_two_chains_part(common: int, left: int, right: int) -> None:
    fork = _root()
    for _ in range(common):
        fork = _child(fork)
    a = b = fork
    for _ in range(left):
        a = _child(a, time=1)
    for _ in range(right):
        b = _child(b, time=2)
    assert a.fork_with(b) is fork
    assert b.fork_with(a) is fork


def test_entries_of_two_trees_have_no_fork() -> None:
    a, b = _root(), _root()
    for _ in range(10):
        a = _child(a)
    assert a.fork_with(b) is None
    assert b.fork_with(a) is None
    assert _root(5).fork_with(a) is None


@given(st.lists(st.sampled_from([0x207FFFFF, 0x201FFFFF, 0x1D00FFFF]), max_size=50))
def test_chainwork_is_the_sum_of_all_work(all_bits: list[int]) -> None:
    entry = _root()
    total = work(entry.bits)
    assert entry.chainwork == total
    for bits in all_bits:
        entry = _child(entry, bits=bits)
        total += work(bits)
        assert entry.chainwork == total
        assert entry.bits == entry.header.bits == bits


@given(st.lists(st.integers(0, 2**32 - 1), max_size=30))
def test_median_time_past_is_that_of_the_last_eleven(times: list[int]) -> None:
    entry = _root()
    known = [entry.time]
    for time in times:
        entry = _child(entry, time)
        known.append(time)
        assert entry.median_time_past() == median_high(known[-11:])


def test_fields_are_those_of_the_header() -> None:
    entry = HeaderTable(MAINNET.genesis.header).root
    assert entry.header == MAINNET.genesis.header
    assert (entry.hash, entry.height, entry.parent) == (MAINNET.genesis.hash, 0, None)
    assert entry.time == 1231006505
    assert entry.chainwork == 0x100010001
    assert repr(entry).startswith("HeaderEntry(0, 000000000019d668")


def test_chainwork_of_every_period_of_the_main_chain() -> None:
    folder = mainnet_data()
    lines = (folder / "chainwork.csv").read_text().split()[1:]
    chainwork = {int(height): int(total, 16) for height, total in (x.split(",") for x in lines)}
    data = (folder / "retarget-headers.bin").read_bytes()
    records = {
        int.from_bytes(data[at : at + 4], "little"): Header(data[at + 4 : at + 84])
        for at in range(0, len(data), 84)
    }
    assert len(records) == 827
    for height in range(2016, 832_608, 2016):
        before = HeaderTable(records[height - 1], height - 1, chainwork[height - 1]).root
        first = _child(before, bits=records[height].bits)
        assert first.chainwork == chainwork[height]
        last = height + 2015
        if last in chainwork:
            assert chainwork[last] == first.chainwork + 2015 * first.target_run.work


def test_hashes_link_the_real_headers() -> None:
    headers = headers_of(mainnet_data() / "headers-822528-830592.bin")
    entry = HeaderTable(headers[0], 822_528).root
    for header in headers[1:12]:
        assert header.prev == entry.hash
        entry = entry.table.append(header.raw, header.hash, entry)
    assert entry.height == 822_539
    assert entry.median_time_past() == sorted(header.time for header in headers[1:12])[5]


@given(
    st.lists(st.integers(-5_000, 6_000), max_size=60),
    st.integers(-2_000, 200_000),
    st.integers(0, 9),
)
def test_the_last_header_before_a_time_is_found_as_by_walking(
    steps: list[int], wanted: int, height: int
) -> None:
    """Times go back and forth as far as the rules let them."""
    tip = HeaderTable(REGTEST.genesis.header, height).root
    start = tip.time
    for step in steps:
        tip = _child(tip, max(tip.time + step, tip.median_time_past() + 1))
    entry: HeaderEntry | None = tip
    while entry is not None and entry.time >= start + wanted:
        entry = entry.parent
    assert tip.last_before(start + wanted) is entry
