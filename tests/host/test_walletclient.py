"""The way to a wallet: a running one is asked, a dead one's traces mislead nobody."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from threading import Timer

import pytest

from axon.drivers.aio.walletfile import SqliteStore, WalletInUse
from axon.errors import ConfigError, StorageError
from axon.host import walletclient
from axon.host.lightwallet import find_wallet
from axon.host.settings import LightSettings
from axon.host.walletclient import InProcessWallet, find_served, opened
from axon.host.walletserver import COOKIE_FILE, RPC_FILE
from axon.primitives.network import MAINNET, REGTEST, SIGNET
from axon.rpc.auth import Cookie, Credentials
from tests.rpc.lightwallet import account, make_wallet, open_wallet
from tests.rpc.serving import serving


def told(folder: Path, port: object) -> None:
    (folder / RPC_FILE).write_text(json.dumps({"port": port, "pid": 1}))


def credentials(folder: Path) -> Credentials:
    made = Credentials()
    made.add("__cookie__", Cookie(folder / COOKIE_FILE).write())
    return made


def test_nothing_there(tmp_path: Path) -> None:
    assert find_served(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"port": "x"}', '{"port": 0}', '{"port": 70000}'])
def test_what_no_port_is_told_in(tmp_path: Path, text: str) -> None:
    (tmp_path / RPC_FILE).write_text(text)
    assert find_served(tmp_path) is None


def test_a_killed_one_is_not_found(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        told(tmp_path, probe.getsockname()[1])
    (tmp_path / COOKIE_FILE).write_text("__cookie__:old")
    assert find_served(tmp_path) is None


def test_a_stranger_on_the_port_is_not_believed(tmp_path: Path) -> None:
    """The port of a killed wallet may be another server's now."""
    with serving() as web:
        told(tmp_path, web.endpoint.port)
        (tmp_path / COOKIE_FILE).write_text("__cookie__:old")
        assert find_served(tmp_path) is None


def test_a_running_one_is_found(tmp_path: Path) -> None:
    with serving(credentials=credentials(tmp_path)) as web:
        told(tmp_path, web.endpoint.port)
        served = find_served(tmp_path)
        assert served is not None
        with served:
            assert served.call("echo", 7) == 7


def test_a_wallet_opens_once(tmp_path: Path) -> None:
    make_wallet(tmp_path, "alice", account(bytes(16)))
    with open_wallet(tmp_path, "alice") as wallet:
        assert wallet.call("getwalletinfo")["walletname"] == "alice"
        with (
            pytest.raises(StorageError, match="another process has it open"),
            open_wallet(tmp_path, "alice"),
        ):
            pass
    with open_wallet(tmp_path, "alice") as wallet:
        assert wallet.call("stop") == "axon wallet stopping"


def test_two_commands_at_once(tmp_path: Path) -> None:
    """The second waits for the first."""
    make_wallet(tmp_path, "alice", account(bytes(16)))
    settings = LightSettings(REGTEST, tmp_path, connect=())
    first = InProcessWallet(settings, "alice")
    first.start()
    Timer(0.5, first.close).start()
    with opened(settings, "alice") as second:
        assert second.call("getwalletinfo")["walletname"] == "alice"
        assert isinstance(second, InProcessWallet)


def test_another_command_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walletclient, "IN_USE_S", 0.2)
    make_wallet(tmp_path, "alice", account(bytes(16)))
    settings = LightSettings(REGTEST, tmp_path, connect=())
    with (
        opened(settings, "alice"),
        pytest.raises(WalletInUse, match="another process has it open; try again when"),
        opened(settings, "alice"),
    ):
        pass


def test_one_that_serves_is_shared(tmp_path: Path) -> None:
    make_wallet(tmp_path, "alice", account(bytes(16)))
    settings = LightSettings(REGTEST, tmp_path, connect=())
    with opened(settings, "alice", serves=True) as first:
        address = first.call("getnewaddress")
        with opened(settings, "alice") as second, opened(settings, "alice", serves=True) as third:
            assert not isinstance(second, InProcessWallet)
            assert [each["address"] for each in second.call("listaddresses")] == [address]
            assert third.call("getwalletinfo")["walletname"] == "alice"
    assert find_served(settings.wallet_folder("alice")) is None
    with pytest.raises(ConfigError, match="no wallet 'bob'"), opened(settings, "bob", serves=True):
        pass


def test_a_wallet_of_another_network_is_named(tmp_path: Path) -> None:
    make_wallet(tmp_path / "regtest", "alice", account(bytes(16)))
    told = "no wallet 'alice' on {}, but there is one on regtest: -chain=regtest opens it"
    for network, folder in ((SIGNET, tmp_path / "signet"), (MAINNET, tmp_path)):
        with pytest.raises(ConfigError, match=told.format(network.name)):
            find_wallet(LightSettings(network, folder), "alice")
    with pytest.raises(ConfigError, match="no wallet 'bob' on signet; axon wallet list shows"):
        find_wallet(LightSettings(SIGNET, tmp_path / "signet"), "bob")


def test_a_disk_that_refuses_closes_the_wallet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> None:
        raise StorageError("the disk is full")

    make_wallet(tmp_path, "alice", account(bytes(16)))
    here = InProcessWallet(LightSettings(REGTEST, tmp_path, connect=()), "alice")
    here.start()
    monkeypatch.setattr(SqliteStore, "write", write)
    for method in ("getnewaddress", "listaddresses"):
        with pytest.raises(StorageError, match="the disk is full"):
            here.call(method)
    with pytest.raises(StorageError, match="the disk is full"):
        here.close()


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no wallet 'bob'"), open_wallet(tmp_path, "bob"):
        pass
    make_wallet(tmp_path, "alice", account(bytes(16)))
    here = InProcessWallet(LightSettings(SIGNET, tmp_path), "alice")
    with pytest.raises(ConfigError, match="one of regtest, not signet"):
        here.start()
    file = LightSettings(REGTEST, tmp_path).wallet_folder("alice") / "wallet.sqlite"
    file.write_bytes(b"nonsense" * 1_000)
    with pytest.raises(StorageError, match="damaged"), open_wallet(tmp_path, "alice"):
        pass
