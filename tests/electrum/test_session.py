"""What a client says: requests, batches, versions, and lines that are none of these."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.electrum.errors import ElectrumCode, ElectrumError
from axon.electrum.session import (
    MAX_BATCH,
    MAX_FAULTS,
    MAX_VALUES,
    ElectrumCall,
    ElectrumSession,
    RefusedCall,
    has_too_many_values,
    refusal_of,
    result_of,
)
from axon.electrum.versions import ProtocolVersion, negotiate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["method", "params", "id", "jsonrpc", "x"]), inner)
    ),
)


def ping(number: object = 1, **more: object) -> dict[str, object]:
    """A request."""
    return {"id": number, "method": "server.ping", "params": [], **more}


def test_a_request_and_its_answer() -> None:
    (call,) = ElectrumSession().read(ping(7, jsonrpc="2.0")).calls
    assert isinstance(call, ElectrumCall)
    assert (call.method, call.params, call.id, call.is_v2) == ("server.ping", [], 7, True)
    assert result_of(call, None) == {"jsonrpc": "2.0", "result": None, "id": 7}
    error = ElectrumError("no")
    shown = {"code": 1, "message": "no"}
    assert refusal_of(call, error) == {"jsonrpc": "2.0", "error": shown, "id": 7}


def test_an_unmarked_request_is_answered_as_one_of_2_0() -> None:
    (call,) = ElectrumSession().read(ping("a")).calls
    assert isinstance(call, ElectrumCall)
    assert result_of(call, 5) == {"jsonrpc": "2.0", "result": 5, "id": "a"}
    assert "result" not in refusal_of(call, ElectrumError("no"))


def test_a_request_of_1_0_is_answered_in_the_old_way() -> None:
    (call,) = ElectrumSession().read(ping("a", jsonrpc="1.0")).calls
    assert isinstance(call, ElectrumCall)
    assert result_of(call, 5) == {"result": 5, "error": None, "id": "a"}
    refused = refusal_of(call, ElectrumError("no"))
    assert refused == {"result": None, "error": {"code": 1, "message": "no"}, "id": "a"}


def test_nobody_waits_for_the_answer_to_a_notification() -> None:
    (call,) = ElectrumSession().read({"method": "server.ping"}).calls
    assert isinstance(call, ElectrumCall)
    assert call.is_notification
    assert call.params == []


@pytest.mark.parametrize(
    "message",
    [
        5,
        "server.ping",
        {},
        {"id": 1, "method": 5},
        {"id": 1, "method": "server.ping", "params": 5},
        {"id": [], "method": "server.ping"},
        {"id": 1, "result": None},
        [],
        [ping()] * (MAX_BATCH + 1),
    ],
)
def test_what_is_no_request_is_refused(message: object) -> None:
    session = ElectrumSession()
    asked = session.read(message)
    assert not asked.is_batch
    (refused,) = asked.calls
    assert isinstance(refused, RefusedCall)
    assert refused.error.code == ElectrumCode.INVALID_REQUEST
    assert session.faults == 1


def test_a_batch_keeps_its_order_and_its_faults() -> None:
    asked = ElectrumSession().read([ping(1), 5, ping(2)])
    assert asked.is_batch
    first, refused, last = asked.calls
    assert isinstance(first, ElectrumCall)
    assert isinstance(last, ElectrumCall)
    assert (first.id, last.id) == (1, 2)
    assert isinstance(refused, RefusedCall)


def test_too_many_faults_end_it() -> None:
    session = ElectrumSession()
    for _ in range(MAX_FAULTS):
        assert not session.is_over
        assert session.not_json().error.code == ElectrumCode.PARSE_ERROR
    assert session.is_over


def test_a_whole_batch_has_not_too_many_values_and_a_heap_of_nothing_has() -> None:
    batch = [ping(number, params=["00" * 32, True, 5]) for number in range(MAX_BATCH)]
    assert not has_too_many_values(json.dumps(batch).encode())
    assert not has_too_many_values(b'["' + b"x" * 900_000 + b'"]')
    assert has_too_many_values(b"[" + b"[]," * MAX_VALUES + b"[]]")
    assert has_too_many_values(b"[" * (MAX_VALUES + 1))


@given(JSON)
def test_any_json_gives_calls_or_refusals(message: object) -> None:
    for call in ElectrumSession().read(message).calls:
        assert isinstance(call, ElectrumCall | RefusedCall)


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        (None, (1, 4)),
        ("1.4", (1, 4)),
        ("1.4.2", (1, 4, 2)),
        (["1.4", "1.4"], (1, 4)),
        (["1.1", "1.4.2"], (1, 4, 2)),
        (["1.4", "1.6"], (1, 6)),
        (["1.2", "2.0"], (1, 6)),
        ("1.6", (1, 6)),
    ],
)
def test_the_highest_common_version(asked: object, agreed: ProtocolVersion) -> None:
    assert negotiate(asked) == agreed


@pytest.mark.parametrize(
    "asked",
    ["1.3", ["1.0", "1.2"], "1.7", ["1.7", "1.8"], "", "1", 1.4, ["1.4"], {}, ["1.4", 5], "1.4x"],
)
def test_no_common_version_ends_it(asked: object) -> None:
    with pytest.raises(ElectrumError, match="unsupported protocol version") as refused:
        negotiate(asked)
    assert refused.value.ends


def test_a_version_is_agreed_on_once() -> None:
    session = ElectrumSession()
    assert session.negotiate("wallet", ["1.4", "1.6"]) == session.protocol == (1, 6)
    assert session.client_name == "wallet"
    with pytest.raises(ElectrumError, match="already sent"):
        session.negotiate("wallet", "1.4")
    assert session.protocol == (1, 6)
