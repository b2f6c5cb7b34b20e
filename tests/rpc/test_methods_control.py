"""The program itself, asked and told by RPC."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from axon.machine import SECOND
from axon.rpc.zmqpub.settings import ZmqNotifier
from tests.rpc.running import Rig, running


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("node")) as started:
        yield started


def test_uptime_follows_the_mocked_clock(rig: Rig) -> None:
    assert 0 <= rig.call("uptime") < 100
    start_s = rig.daemon.started_at // SECOND
    try:
        rig.call("setmocktime", start_s + 20_000)
        assert rig.call("uptime") in (19_999, 20_000)
        rig.call("setmocktime", start_s - 20_000)
        assert rig.call("uptime") == 0
    finally:
        rig.call("setmocktime", timestamp=0)
    assert not rig.daemon.clock.is_mocked


def test_mock_times_out_of_range(rig: Rig) -> None:
    for time in (-1, 9_223_372_037):
        assert rig.refusal("setmocktime", time) == (
            -8,
            f"Mocktime must be in the range [0, 9223372036], not {time}.",
        )
    assert not rig.daemon.clock.is_mocked


def test_the_scheduler_is_moved_by_an_hour_at_most(rig: Rig) -> None:
    for delta in (0, -1, 3_601):
        assert rig.refusal("mockscheduler", delta) == (
            -1,
            "delta_time must be between 1 and 3600 seconds (1 hr)",
        )
    rig.saved.clear()
    rig.call("mockscheduler", delta_time=3_600)
    assert rig.saved == ["peers"]
    assert not rig.daemon.clock.is_mocked


def test_log_categories(rig: Rig) -> None:
    assert rig.call("logging") == {"mempool": False, "net": False}
    assert rig.call("logging", ["net", "mempool"], ["net"]) == {"mempool": True, "net": False}
    assert list(rig.call("logging")) == ["mempool", "net"]
    assert rig.call("logging", exclude=["mempool"]) == {"mempool": False, "net": False}
    assert rig.refusal("logging", ["nothing"]) == (-8, "unknown logging category nothing")
    assert rig.refusal("logging", [1])[0] == -3


def test_calls_under_way(rig: Rig) -> None:
    info = rig.call("getrpcinfo")
    assert [command["method"] for command in info["active_commands"]] == ["getrpcinfo"]
    assert 0 <= info["active_commands"][0]["duration"] < 20_000_000
    assert info["logpath"] == str(rig.daemon.folder / "debug.log")


def test_memory(rig: Rig) -> None:
    assert set(rig.call("getmemoryinfo")["locked"].values()) == {0}
    assert rig.refusal("getmemoryinfo", "foobar") == (-8, "unknown mode foobar")
    assert rig.refusal("getmemoryinfo", mode="mallocinfo")[0] == -8


def test_echo(rig: Rig) -> None:
    for name in ("echo", "echojson"):
        assert rig.call(name) == []
        assert rig.call(name, 1, "two", {"three": [4]}) == [1, "two", {"three": [4]}]
        assert rig.call(name, arg1="x") == [None, "x"]


def test_what_is_published_by_zmq(rig: Rig) -> None:
    assert rig.call("getzmqnotifications") == []
    rig.daemon.notifiers = (ZmqNotifier("rawtx", "tcp://127.0.0.1:28332", 7),)
    shown = {"type": "pubrawtx", "address": "tcp://127.0.0.1:28332", "hwm": 7}
    assert rig.call("getzmqnotifications") == [shown]
    rig.daemon.notifiers = ()


def test_every_method_has_help(rig: Rig) -> None:
    text = rig.call("help")
    for name in ("getpeerinfo", "getmempoolinfo", "getblocktemplate", "uptime", "stop"):
        assert name in text
    assert "setmocktime" in text
    assert rig.call("help", "stop").startswith("stop\n")


def test_stop_answers_first(tmp_path: pytest.TempPathFactory) -> None:
    with running(tmp_path) as rig:  # type: ignore[arg-type]
        assert rig.call("stop", wait=1) == "axon stopping"
