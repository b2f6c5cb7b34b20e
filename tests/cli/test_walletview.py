"""What people see of a wallet."""

from __future__ import annotations

import io
from typing import Any

import pytest

from axon.cli.walletview import (
    SyncProgress,
    aligned,
    as_of_line,
    btc,
    clock_line,
    draft_lines,
    qr_lines,
    sync_line,
    time_text,
)
from axon.rpc.amounts import Amount, Number, decode_json, encode_json

INFO: dict[str, Any] = {
    "peers": 2,
    "target": 1_000,
    "scanned": 250,
    "filter_headers": 1_000,
    "presynced_headers": -1,
    "missed": [],
}


def test_columns_stand_under_each_other() -> None:
    rows = [("a", "1", "x"), ("bbb", "22", "")]
    assert aligned(rows, right=(1,)) == ["a     1  x", "bbb  22"]
    assert aligned(rows, indent=2) == ["  a    1   x", "  bbb  22"]
    assert aligned([]) == []


@pytest.mark.parametrize(
    ("sat", "shown"), [(1, "+0.00000001 BTC"), (-250_000_000, "-2.50000000 BTC")]
)
def test_money_is_exact(sat: int, shown: str) -> None:
    amount = decode_json(encode_json(Amount(sat)))
    assert btc(amount, signed=True) == shown
    assert btc(amount) == shown.removeprefix("+")


def test_no_time_is_no_date() -> None:
    assert time_text(0) == ""
    assert len(time_text(1_700_000_000)) == len("2023-11-14 22:13")


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "as of block 1,000, 2 hours old; 2 of 3 nodes agree"),
        ({"synced": False}, "as of block 1,000, 2 hours old; not in sync; 2 of 3 nodes agree"),
        ({"age": 59}, "as of block 1,000, less than a minute old; 2 of 3 nodes agree"),
        ({"age": 60}, "as of block 1,000, 1 minute old; 2 of 3 nodes agree"),
        ({"age": 400 * 86_400}, "as of block 1,000, 400 days old; 2 of 3 nodes agree"),
        ({"age": -60}, "as of block 1,000, less than a minute old; 2 of 3 nodes agree"),
        (
            {"age": -3 * 3_600, "nodes_asked": 0},
            "as of block 1,000, whose time is 3 hours ahead of the clock of this machine;"
            " no node reached",
        ),
        ({"nodes_asked": 0}, "as of block 1,000, 2 hours old; no node reached"),
        ({"nodes_asked": 0, "height": -1, "age": None}, "as of no block yet; no node reached"),
    ],
)
def test_an_answer_says_how_sure_it_is(changes: dict[str, Any], shown: str) -> None:
    asof = {"height": 1_000, "age": 7_300, "synced": True, "nodes_asked": 3, "nodes_agree": 2}
    assert as_of_line(asof | changes) == shown


@pytest.mark.parametrize(
    ("offset_s", "behind", "told"),
    [
        (0, False, None),
        (600, False, None),
        (3 * 86_400, True, "it is 3 days behind the clocks of its nodes"),
        (-7_300, False, "it is 2 hours ahead of the clocks of its nodes"),
        (5, True, "or its nodes are"),
    ],
)
def test_a_wrong_clock_is_named(offset_s: int, behind: bool, told: str | None) -> None:
    line = clock_line({"clock_offset": offset_s, "clock_behind": behind})
    assert (line is None) if told is None else (line is not None and told in line)


def test_a_payment_is_shown_whole() -> None:
    draft = {
        "recipients": [
            {"address": "bcrt1qbob", "script": "00", "amount": Number("0.50000000"), "ours": False},
            {"address": None, "script": "6a00", "amount": Number("12.00000000"), "ours": True},
        ],
        "fee": Number("0.00000141"),
        "feerate": Number("1.25"),
        "vsize": 141,
        "change": Number("3.00000000"),
        "replaces": "abcd",
    }
    assert draft_lines(draft) == [
        "  pays     0.50000000 BTC  to bcrt1qbob",
        "  pays    12.00000000 BTC  to 6a00 (ours)",
        "  fee      0.00000141 BTC  1.2 sat/vB, 141 vbytes",
        "  change   3.00000000 BTC  returns to this wallet",
        "  replaces abcd",
    ]


def test_a_code_can_be_scanned_whatever_the_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    lines = qr_lines("bitcoin:bcrt1q0klmn98ftmk4fmmm0x0yxa5ywwhdwlxvukardr")
    assert all(line.startswith("\x1b[97;40m") and line.endswith("\x1b[0m") for line in lines)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = qr_lines("bitcoin:bcrt1q0klmn98ftmk4fmmm0x0yxa5ywwhdwlxvukardr")
    assert [f"\x1b[97;40m{line}\x1b[0m" for line in plain] == lines
    assert {len(line) for line in plain} == {len(plain[0])}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"peers": 0}, "looking for nodes"),
        ({"presynced_headers": 2_000}, "2 nodes: weighing their chain, header 2,000"),
        ({"filter_headers": 999}, "2 nodes: filter header 999 of 1,000"),
        ({}, "2 nodes: block 250 of 1,000 (25.0%)"),
        (
            {"peers": 1, "target": 0, "scanned": -1, "filter_headers": 0},
            "one node: block 0 of 0 (0.0%)",
        ),
    ],
)
def test_how_far_a_sync_is(changed: dict[str, Any], told: str) -> None:
    assert sync_line({**INFO, **changed}) == told


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_short_sync_shows_nothing(stream: io.StringIO) -> None:
    progress = SyncProgress(stream)
    progress.show(INFO)
    progress.end()
    assert stream.getvalue() == ""


REFUSED = {"addr": "127.0.0.1:18444", "reason": "Connection refused"}


def test_who_is_not_reached_is_told_at_once_and_once() -> None:
    file = io.StringIO()
    progress = SyncProgress(file)
    for _ in range(3):
        progress.show({**INFO, "peers": 0, "missed": [REFUSED]})
    progress.show({**INFO, "peers": 0, "missed": [{**REFUSED, "reason": "Network is unreachable"}]})
    seeds = [{"addr": f"seed{n}", "reason": "no address was found under this name"} for n in "1234"]
    progress.show({**INFO, "peers": 0, "missed": seeds})
    progress.show({**INFO, "missed": [{**REFUSED, "addr": "10.0.0.1:1"}]})  # Others are reached.
    assert file.getvalue().splitlines() == [
        "127.0.0.1:18444: Connection refused",
        "127.0.0.1:18444: Network is unreachable",
        "seed1, seed2 and 2 more: no address was found under this name",
    ]


def test_a_file_gets_a_line_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(float(second) for second in range(0, 100, 2))
    monkeypatch.setattr("axon.cli.walletview.time.monotonic", lambda: next(now))
    file = io.StringIO()
    progress = SyncProgress(file)
    for scanned in (1, 1, 1, 2, 2):
        progress.show({**INFO, "scanned": scanned})
    assert [line.split(":")[1].split()[1] for line in file.getvalue().splitlines()] == ["1", "2"]


def test_a_long_sync_writes_over_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.5, 1.6, 3.0])
    monkeypatch.setattr("axon.cli.walletview.time.monotonic", lambda: next(now))
    terminal = Terminal()
    progress = SyncProgress(terminal)
    for _ in range(3):  # The second one comes too soon.
        progress.show(INFO)
    progress.end()
    line = f"\r{sync_line(INFO)}\x1b[K"
    assert terminal.getvalue() == f"{line}{line}\r\x1b[K"
