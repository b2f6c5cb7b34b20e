"""Settings of a wrong type are refused where they are written down, with what was expected."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from axon.errors import ConfigError
from axon.host.lightclient import light_client
from axon.host.rpcsettings import RpcSettings
from axon.host.scriptwatch import WatchScripts
from axon.host.settings import FullNodeSettings, LightSettings, PeerSettings
from axon.primitives.network import MAINNET, REGTEST
from axon.rpc.client import RpcClient, Unauthorized
from tests.rpc.serving import serving

BOTH: list[Any] = [FullNodeSettings, LightSettings]
NO_ENDPOINTS: list[Any] = ["127.0.0.1:1", ("127.0.0.1:1",), 7]


@pytest.mark.parametrize("settings", BOTH)
def test_a_place(settings: Any, tmp_path: Path) -> None:
    assert settings(network=REGTEST, folder=str(tmp_path)).folder == tmp_path
    with pytest.raises(ConfigError, match="folder is to be a Path, not 7"):
        settings(network=REGTEST, folder=7)
    with pytest.raises(ConfigError, match=r"network is to be a Network .* not 'regtest'"):
        settings(network="regtest", folder=tmp_path)


@pytest.mark.parametrize("value", NO_ENDPOINTS)
def test_endpoints(value: Any, tmp_path: Path) -> None:
    for name in ("connect", "addnode", "seednode", "externalip"):
        with pytest.raises(ConfigError, match=f"{name} is to be a tuple of Endpoint"):
            PeerSettings(**{name: value})
    for name in ("connect", "added"):
        with pytest.raises(ConfigError, match=f"{name} is to be a tuple of Endpoint"):
            LightSettings(REGTEST, tmp_path, **{name: value})


def test_the_parts_of_a_full_node(tmp_path: Path) -> None:
    nonsense: Any = "nonsense"
    with pytest.raises(ConfigError, match="peers is to be PeerSettings"):
        FullNodeSettings(network=REGTEST, folder=tmp_path, peers=nonsense)
    with pytest.raises(ConfigError, match="server is to be ServerSettings"):
        RpcSettings(nonsense)
    number: Any = 7
    with pytest.raises(ConfigError, match="cookie is to be a Path, not 7"):
        RpcSettings(cookie=number)
    text: Any = "a/.cookie"
    assert RpcSettings(cookie=text).cookie == Path("a/.cookie")


def test_the_lab_is_for_regtest(tmp_path: Path) -> None:
    peers = PeerSettings(lab=True)
    FullNodeSettings(network=REGTEST, folder=tmp_path, peers=peers)
    with pytest.raises(ConfigError, match="lab is for regtest only, not for main"):
        FullNodeSettings(network=MAINNET, folder=tmp_path, peers=peers)


@pytest.mark.parametrize("script", ["nothex", b"", None])
def test_scripts_to_watch(script: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a script to watch is to be bytes"):
        WatchScripts((script,))

    async def run() -> None:
        async with light_client(LightSettings(REGTEST, tmp_path, connect=()), [script]):
            pass

    with pytest.raises(ConfigError, match="a script to watch is to be bytes"):
        asyncio.run(run())


def test_a_cookie_may_be_named_by_text(tmp_path: Path) -> None:
    with (
        serving() as web,
        RpcClient(f"http://{web.endpoint}", cookie=str(tmp_path / "none")) as client,
        pytest.raises(Unauthorized, match="No file"),
    ):
        client.call("echo")
