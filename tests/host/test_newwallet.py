"""Wallets are made and opened in their own folder, and nowhere else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.host.lightwallet import light_wallet
from axon.host.newwallet import create_wallet
from axon.host.settings import LightSettings
from axon.primitives.network import REGTEST

NO_NAMES = ("../../escaped", "a/b", "", "..", ".hidden", "/etc", "a" * 65, "a\0b")


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    settings = LightSettings(REGTEST, tmp_path / "in" / "here", connect=())
    with pytest.raises(ConfigError, match="is no name of a wallet"):
        create_wallet(settings, name, "secret")

    async def run() -> None:
        with pytest.raises(ConfigError, match="is no name of a wallet"):
            async with light_wallet(settings, name):
                pass

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="empty passphrase"):
        create_wallet(LightSettings(REGTEST, tmp_path), "alice", "")
    assert list(tmp_path.iterdir()) == []
