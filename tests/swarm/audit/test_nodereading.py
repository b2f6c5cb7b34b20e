"""What a node says: real answers, older ones, and every way in which one may lie."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.machine import Endpoint
from axon.swarm.audit.jsonfields import ReadingError
from axon.swarm.audit.nodereading import CALLS, MAX_PEERS, read_node
from tests.swarm.audit.pretend import mesh

SAVED = json.loads((Path(__file__).parents[2] / "vectors" / "auditstar.json").read_text())
"""Answers of bitcoind 31.99 and of axon on one machine, unedited."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["addr", "inbound", "networks", "proxy"]), inner)
    ),
    max_leaves=12,
)


def test_real_answers() -> None:
    hub, leaf = read_node("hub", SAVED["hub"]), read_node("n4", SAVED["n4"])
    assert hub.user_agent == "/Satoshi:31.99.0/"
    assert hub.chain == "regtest"
    assert len(hub.inbound) == 4
    assert not hub.outbound
    assert hub.serves_filters
    assert hub.serves_all_blocks
    assert leaf.outbound[0].remote == Endpoint("127.0.0.1", 29100)
    assert leaf.outbound[0].manual
    assert not read_node("n2", SAVED["n2"]).relays
    assert hub.missing == leaf.missing == ()


def test_forms_of_older_versions() -> None:
    answers: dict[str, Any] = {
        "getnetworkinfo": {"subversion": "/Satoshi:0.17.0/", "localservices": "000000000000040d"},
        "getpeerinfo": [
            {"addr": "node.example", "inbound": False, "addnode": True, "services": "0d"},
            {"addr": "[2a01::1]:8333", "inbound": False, "addnode": False},
            {"addr": "abc.b32.i2p:0", "inbound": False},
        ],
    }
    node = read_node("old", answers)
    assert [str(peer.remote) for peer in node.peers] == [
        "node.example:0", "[2a01::1]:8333", "abc.b32.i2p:0",
    ]  # fmt: skip
    assert [peer.manual for peer in node.peers] == [True, False, False]
    assert (node.book, node.chain, node.pruned) == (None, None, None)
    assert node.missing == tuple(call for call in CALLS if call not in answers)


def test_connections_that_end_by_themselves_are_left_out() -> None:
    network = mesh(2)
    network.peers("n1")[0]["connection_type"] = "feeler"
    assert not read_node("n1", network.answers["n1"]).peers


@pytest.mark.parametrize(
    ("call", "change", "said"),
    [
        ("getpeerinfo", {}, r"n1: getpeerinfo: expected a list, found an object of 0 fields"),
        ("getpeerinfo", "x" * 10**6, r"expected a list, found '\w+'... of 1,000,000 characters"),
        ("getpeerinfo", [{}] * (MAX_PEERS + 1), r"at most 10,000, found a list of 10,001"),
        ("getpeerinfo", [7], r"getpeerinfo\[0\]: expected an object, found 7"),
        ("getpeerinfo", [{"addr": "a" * 10**7}], r"getpeerinfo\[0\].addr: expected a text of at"),
        ("getpeerinfo", [{"addr": "\x1b[2J:9x"}], r"found '\?\[2J:9x'"),
        ("getpeerinfo", [{"addr": "1.2.3.4:1", "inbound": 1}], r"inbound: expected true or false"),
        ("getpeerinfo", None, r"n1: getpeerinfo: expected its answer, found nothing"),
        ("getnetworkinfo", {"subversion": "x" * 257}, r"subversion: expected a text of at most"),
        (
            "getnetworkinfo",
            {"subversion": "", "localservices": "zz"},
            r"localservices: expected at most 16 hex digits, found 'zz'",
        ),
        ("getnodeaddresses", [{"address": "1.2.3.4", "port": 10**99}], r"a number of 329 b"),
        ("getnodeaddresses", [{}] * 100_001, r"getnodeaddresses: expected a list of at most"),
        ("getindexinfo", {"basic block filter index": 7}, r"filter index: expected an object"),
        ("getblockchaininfo", {"chain": ["main"]}, r"chain: expected a text"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_named(call: str, change: object, said: str) -> None:
    answers = {**mesh(2).answers["n1"], call: change}
    with pytest.raises(ReadingError, match=said) as caught:
        read_node("n1", answers)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@given(st.fixed_dictionaries(dict.fromkeys(CALLS, JSON)))
def test_any_json_gives_a_reading_or_one_error(answers: dict[str, object]) -> None:
    with suppress(ReadingError):
        read_node("n1", answers)
