"""A wallet that is served answers under its own name and no other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from axon.host.settings import LightSettings
from axon.host.walletserver import served_wallet
from axon.primitives.network import REGTEST
from axon.rpc.client import RpcClient
from axon.rpc.errors import Code, RpcError
from tests.rpc.lightwallet import account, make_wallet


def test_a_wallet_answers_under_its_own_name(tmp_path: Path) -> None:
    make_wallet(tmp_path, "alice", account(bytes(16)))

    def ask(url: str, cookie: Path, wallet: str | None) -> object:
        with RpcClient(url, cookie=cookie, wallet=wallet) as client:
            return client.call("listwallets")

    async def act() -> None:
        async with served_wallet(LightSettings(REGTEST, tmp_path, connect=()), "alice") as wallet:
            assert wallet.rpc is not None
            assert wallet.rpc.cookie is not None
            url = f"http://{wallet.rpc.endpoints[0]}"
            for name in (None, "alice"):
                asked = await asyncio.to_thread(ask, url, wallet.rpc.cookie, name)
                assert asked == ["alice"]
            with pytest.raises(RpcError) as refused:
                await asyncio.to_thread(ask, url, wallet.rpc.cookie, "b")
            assert refused.value.code == Code.WALLET_NOT_FOUND

    asyncio.run(act())
