"""Bringing a wallet up to date: what is waited for, and what is said."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.cli import walletsync
from axon.cli.wallet import main
from axon.cli.walletcommands import receiving
from axon.cli.walletoptions import WalletOptions, read_options, wallet_parser
from axon.cli.walletsync import NotInSync, sync, unsearched_line
from tests.rpc.lightwallet import account, make_wallet

PATIENCE_S = 20.0


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def datadir(tmp_path: Path) -> str:
    make_wallet(tmp_path / "regtest", "alice", account(bytes(16)))
    return f"-datadir={tmp_path}"


def test_nodes_that_refuse_are_told_at_once(
    datadir: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walletsync, "NAMED_S", 1.5)
    port, began = closed_port(), time.monotonic()
    assert main(["balance", "alice", "-regtest", datadir, f"-connect=127.0.0.1:{port}"]) == 1
    assert time.monotonic() - began < PATIENCE_S
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines.count(f"127.0.0.1:{port}: Connection refused") == 1
    assert len(lines) == len(set(lines)) <= 3
    assert lines[-1].startswith(
        f"Error: no node answered: 127.0.0.1:{port}: Connection refused. Is it running?"
    )


def test_a_name_that_is_none(
    datadir: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walletsync, "NAMED_S", 1.5)
    words = ["sync", "alice", "-regtest", datadir, "-connect=no-such-name.invalid:7"]
    assert main(words) == 1
    assert "no-such-name.invalid:7: its name was not found" in capsys.readouterr().err


INFO: dict[str, Any] = {
    "synced": True, "target": 7, "scanned": 7, "headers": 7, "presynced_headers": -1,
    "filter_headers": 7, "peers": 1, "filter_peers": 1, "agreed": 1, "disputed": None, "missed": [],
    "clock_behind": False, "clock_offset": 0,
}  # fmt: skip
PAYMENT: dict[str, Any] = {
    "txid": "abcd", "delivery": "kept", "peers": 1, "refusals": [],
    "spread": {"offered": 1, "given": 0, "echoed": 0, "held": 0, "refused": 0},
}  # fmt: skip
WALLET: dict[str, Any] = {
    "walletname": "alice", "has_past": True, "unsearched": -1, "asof": {"height": -1},
}  # fmt: skip


class Client:
    """Answers as a wallet would, and notes what it was asked."""

    def __init__(self, **answers: object) -> None:
        self.asked: list[str] = []
        self._answers = {
            "waitforsync": INFO,
            "waitfordelivery": [],
            "getpeerinfo": [],
            "getwalletinfo": WALLET,
            "getnewaddress": "bcrt1q",
        } | answers

    def call(self, method: str, /, *_: object, **__: object) -> Any:
        self.asked.append(method)
        return self._answers[method]


@pytest.fixture
def options(tmp_path: Any) -> Callable[..., WalletOptions]:
    parser = wallet_parser([receiving.add_commands])

    def read(*words: str) -> WalletOptions:
        given = ["receive", "alice", "-regtest", f"-datadir={tmp_path}", *words]
        return read_options(parser, given, tmp_path)

    return read


def test_what_is_kept_is_offered_and_said(
    options: Callable[..., WalletOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(waitfordelivery=[PAYMENT, PAYMENT | {"txid": "ef", "delivery": "spreading"}])
    assert sync(client, options()) == INFO
    assert client.asked == ["waitforsync", "waitfordelivery"]
    told = capsys.readouterr().err
    assert told.startswith("Payment abcd: No node has fetched it yet.")
    assert "ef" not in told.split()


def test_a_clock_that_is_behind_ends_it_at_once(options: Callable[..., WalletOptions]) -> None:
    behind = INFO | {"synced": False, "clock_behind": True, "clock_offset": 3 * 86_400}
    with pytest.raises(NotInSync, match="clock of this machine is wrong: it is 3 days behind"):
        sync(Client(waitforsync=behind), options())


def test_a_clock_that_is_ahead_is_worth_a_word(
    options: Callable[..., WalletOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    sync(Client(waitforsync=INFO | {"clock_offset": -7_200}), options())
    assert "it is 2 hours ahead of the clocks of its nodes" in capsys.readouterr().err


def test_where_it_has_not_looked_is_said() -> None:
    assert unsearched_line(WALLET) is None
    line = unsearched_line(WALLET | {"unsearched": 1_234})
    assert line is not None
    assert "up to 1,234" in line
    assert "axon wallet rescan alice" in line


REFUSED: dict[str, Any] = INFO | {
    "synced": False,
    "peers": 0,
    "missed": [{"addr": "127.0.0.1:7", "reason": "Connection refused"}],
}


class Leaving(Client):
    """Has a node at its first look, and none from then on."""

    def call(self, method: str, /, *args: object, **named: object) -> Any:
        answer = super().call(method, *args, **named)
        time.sleep(0.05)
        return answer | {"peers": 1} if len(self.asked) == 1 else answer


@pytest.mark.parametrize("kind", [Client, Leaving])
def test_only_a_node_that_was_never_there_is_given_up_early(
    options: Callable[..., WalletOptions], monkeypatch: pytest.MonkeyPatch, kind: type[Client]
) -> None:
    """One that was there a moment ago may be starting again."""
    monkeypatch.setattr(walletsync, "NAMED_S", 0.0)
    began = time.monotonic()
    with pytest.raises(NotInSync, match=r"127\.0\.0\.1:7: Connection refused\. Is it"):
        sync(kind(waitforsync=REFUSED), options("-connect=127.0.0.1:7", "--timeout=0.5"))
    assert (time.monotonic() - began >= 0.5) == (kind is Leaving)


AHEAD = INFO | {"synced": False, "target": 1_217, "scanned": 1_217, "filter_headers": 1_217}
BEHIND: dict[str, Any] = {
    "addr": "127.0.0.1:7", "version": 70_016, "headers_told": True, "behind": 1_215,
}  # fmt: skip
LEVEL = {name: BEHIND[name] for name in BEHIND if name != "behind"}
NAMED = ("-connect=127.0.0.1:7", "--timeout=600")


def test_a_node_that_is_behind_the_wallet_is_named_at_once(
    options: Callable[..., WalletOptions],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(walletsync, "BEHIND_S", 0.0)
    client = Client(waitforsync=AHEAD, getpeerinfo=[BEHIND])
    told = r"only node reached \(127.* block 1,215 .*behind.*\(1,217\): wait until"
    with pytest.raises(NotInSync, match=told):
        sync(client, options(*NAMED))
    said = capsys.readouterr().err
    assert said.count("The only node reached (127.0.0.1:7) is at block 1,215 at most") == 1
    level = Client(waitforsync=AHEAD, getpeerinfo=[BEHIND, LEVEL])
    with pytest.raises(NotInSync, match="nothing has moved"):
        sync(level, replace(options(*NAMED), stall_s=0.0))


@pytest.mark.parametrize(
    ("words", "peer"),
    [
        ((), BEHIND),  # Others may be found.
        (NAMED[:1], BEHIND | {"headers_told": False}),
        (NAMED[:1], LEVEL),
        (NAMED[:1], BEHIND | {"version": 0}),  # It has yet to shake hands.
        (("-connect=127.0.0.1:7", "-connect=127.0.0.1:8"), BEHIND),
    ],
)
def test_nodes_behind_are_given_up_early_only_if_nobody_is_left(
    options: Callable[..., WalletOptions],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    peer: dict[str, Any],
) -> None:
    monkeypatch.setattr(walletsync, "BEHIND_S", 0.0)
    read = options(*words)
    if not words:
        read = replace(read, light=replace(read.light, connect=None))
    began = time.monotonic()
    with pytest.raises(NotInSync):
        sync(Client(waitforsync=AHEAD, getpeerinfo=[peer]), replace(read, stall_s=0.3))
    assert time.monotonic() - began >= 0.3


def test_a_node_that_catches_up_is_waited_for(
    options: Callable[..., WalletOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walletsync, "BEHIND_S", 0.0)

    class Growing(Client):
        def call(self, method: str, /, *args: object, **named: object) -> Any:
            answer = super().call(method, *args, **named)
            count = self.asked.count("waitforsync")
            if method == "getpeerinfo":
                return [BEHIND | {"behind": 1_200 + count}]
            return INFO if method == "waitforsync" and count == 5 else answer

    assert sync(Growing(waitforsync=AHEAD), options(*NAMED)) == INFO
