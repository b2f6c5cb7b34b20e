"""`axon peers`: its rows, its table, and the command against a real node."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.cli.peers import main
from axon.cli.peertable import SORTS, PeerTable, size_text
from axon.rpc.peerrows import PeerRow, peer_rows

ROW = PeerRow(
    id=3,
    address="203.0.113.7:8333",
    network="ipv4",
    connection_type="outbound-full-relay",
    transport="v2",
    inbound=False,
    asn=None,
    ping_ms=48.4,
    bytes_received=1_234_567,
    bytes_sent=87_654,
    most_received="block",
    most_sent="inv",
    announced_first=12,
    waiting_s=None,
    stalled=0,
)
LATE = replace(
    ROW,
    id=11,
    address="pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333",
    network="onion",
    connection_type="inbound",
    asn=64496,
    ping_ms=None,
    announced_first=0,
    waiting_s=65.2,
    stalled=2,
)


def peer(number: int, **told: Any) -> dict[str, Any]:
    """An entry of `getpeerinfo`, as far as the table reads it."""
    return {
        "id": number,
        "addr": "127.0.0.1:1",
        "network": "ipv4",
        "connection_type": "manual",
        "transport_protocol_type": "v1",
        "inbound": False,
        "bytesrecv": 10,
        "bytessent": 20,
        "bytesrecv_per_msg": {"inv": 4, "block": 6},
        "bytessent_per_msg": {},
        "inflight": [],
        **told,
    }


def test_rows_join_peers_and_blocks() -> None:
    waited = {"time": 100.0, "announced": [{"peer": 1, "after": 0.0}], "stalled": []}
    timelines = [
        {**waited, "asked": [{"peer": 2, "after": 1.0}, {"peer": 1, "after": 2.0}], "waiting": 8.0},
        {
            **waited,
            "asked": [{"peer": 1, "after": 3.0}],
            "waiting": 7.0,
            "stalled": [{"peer": 2, "after": 2.0}],
        },
        {**waited, "asked": [{"peer": 2, "after": 3.0}], "waiting": 7.0},
    ]
    one, two = peer_rows(
        [peer(1, inflight=[7, 8], pingtime=0.0484, mapped_as=64496), peer(2)], timelines
    )
    assert (one.announced_first, one.waiting_s, one.stalled) == (3, 8.0, 0)
    assert (two.announced_first, two.waiting_s, two.stalled) == (0, None, 1)
    assert one.ping_ms == pytest.approx(48.4)
    assert one.asn == 64496
    assert (two.ping_ms, two.asn) == (None, None)
    assert (one.most_received, one.most_sent) == ("block", "")


def test_a_table_as_it_is_shown() -> None:
    assert PeerTable([LATE, ROW], "2 peers").lines() == [
        "2 peers",
        "id address                net kind tr asn     ping recv  sent mostly    1st wait",
        " 3 203.0.113.7:8333       ip4 full v2           48 1.2M 87.7k block/inv  12",
        "11 pg6mmjiyjmc~onion:8333 tor in   v2 AS64496      1.2M 87.7k block/inv     65!2",
        "",
        "1st of 20 blocks; wait: seconds, !never given; sorted by id",
    ]


@given(
    st.lists(st.sampled_from([ROW, LATE, replace(ROW, bytes_sent=10**15, most_sent="cmpctblock")])),
    st.sampled_from(list(SORTS)),
    st.booleans(),
)
def test_a_table_fits_the_terminal(rows: list[PeerRow], sort: str, coloured: bool) -> None:
    table = PeerTable(rows, "h" * 200, sort=sort, width=80, height=24, coloured=coloured)
    shown = 0
    for page in range(table.pages):
        lines = table.lines(page)
        assert len(lines) <= 24
        for line in lines:
            plain = line.removeprefix("\x1b[1m").removeprefix("\x1b[31m").removesuffix("\x1b[0m")
            assert len(plain) <= 80
            assert coloured or "\x1b" not in line
        shown += len(lines) - 4
    assert shown == len(rows)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0"), (999, "999"), (1_000, "1.0k"), (99_949, "99.9k"), (99_950, "100k"),
     (999_499, "999k"), (999_500, "1.0M"), (12_300_000_000, "12.3G")],
)  # fmt: skip
def test_sizes(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


def test_sorted_by_what_is_most_remarkable() -> None:
    for sort in ("wait", "kind"):
        table = PeerTable([ROW, LATE], "", sort=sort)
        assert table.lines()[2].split()[0] == "11"


@pytest.mark.parametrize("arguments", [["-sort=size"], ["-nosuch"], ["more"]])
def test_what_it_refuses(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-regtest", *arguments], tmp_path) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_without_a_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-regtest", "-once"], tmp_path) == 1
    assert "Could not locate RPC credentials" in capsys.readouterr().err
