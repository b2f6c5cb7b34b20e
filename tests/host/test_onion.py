"""A wallet that listens by an onion service: made once, kept, and made again with the same name."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from axon.host import onion
from axon.host.lightwallet import RunningWallet, light_wallet
from axon.host.newwallet import create_wallet
from axon.host.onion import ONION_KEY
from axon.host.reaching import TorAccess
from axon.host.settings import LightSettings
from axon.machine import Endpoint
from axon.payments.partneraddress import DEFAULT_PORT
from axon.primitives.network import REGTEST
from axon.rpc.errors import RpcError
from tests.torserver import KEY, SERVICE, ControlPort, control_port

SECRET = "of a wallet for tests"
PLACE = Endpoint(SERVICE, DEFAULT_PORT)


@pytest.fixture(name="folder")
def folder_fixture(tmp_path: Path) -> Path:
    """That of a network, with a wallet."""
    create_wallet(LightSettings(REGTEST, tmp_path, offline=True), "bob", SECRET)
    return tmp_path


def opened(folder: Path, access: TorAccess) -> AbstractAsyncContextManager[RunningWallet]:
    """The wallet, which knows nobody but Tor."""
    return light_wallet(LightSettings(REGTEST, folder, offline=True, tor=access), "bob")


def free_place() -> Endpoint:
    """Where nobody listens yet."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return Endpoint("127.0.0.1", probe.getsockname()[1])


def targets(tor: ControlPort) -> list[Endpoint]:
    """Where it was told to bring those who dial, each time."""
    told = [line for line in tor.heard if line.startswith("ADD_ONION")]
    return [Endpoint.parse(line.rpartition(f"Port={DEFAULT_PORT},")[2], 0) for line in told]


def test_an_invoice_carries_the_onion_service_alone(folder: Path) -> None:
    async def scene() -> None:
        tor = ControlPort("HASHEDPASSWORD", password="hush")
        async with control_port(tor) as control, opened(folder, TorAccess(control, "hush")) as bob:
            assert await bob.open_payments(SECRET, onion=True) == PLACE
            assert (await bob.create_invoice(5)).endpoints == (PLACE,)
            (target,) = targets(tor)
            _, writer = await asyncio.open_connection(target.host, target.port)
            writer.close()
            # Who also listens at an address names both, what was opened last first.
            address = await bob.open_payments(SECRET, free_place())
            assert (await bob.create_invoice(5)).endpoints == (address, PLACE)
            assert await bob.open_payments(SECRET, onion=True) == PLACE
            assert (await bob.create_invoice(5)).endpoints == (PLACE, address)
            assert len(targets(tor)) == 1  # It is made once.
        key = LightSettings(REGTEST, folder).wallet_folder("bob") / ONION_KEY
        assert key.read_text() == KEY
        assert key.stat().st_mode & 0o777 == 0o600

    asyncio.run(scene())


def test_it_is_made_again_with_the_same_key_when_tor_has_gone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onion, "FIRST_PAUSE_S", 0.01)

    async def scene() -> None:
        first, later = ControlPort(), ControlPort()
        async with control_port(first) as control:
            wallet = opened(folder, TorAccess(control))
            bob = await wallet.__aenter__()
            await bob.open_payments(SECRET, onion=True)
        async with control_port(later, control.port):
            async with asyncio.timeout(10):
                await later.made.wait()
            assert targets(later) == targets(first)
            assert any(f"ADD_ONION {KEY} " in line for line in later.heard)
            await wallet.__aexit__(None, None, None)

    asyncio.run(scene())


def test_where_tor_refuses_the_caller_is_told_and_may_try_again(folder: Path) -> None:
    async def scene() -> None:
        tor = ControlPort("HASHEDPASSWORD", password="hush")
        async with control_port(tor) as control:
            async with opened(folder, TorAccess(control, "wrong")) as bob:
                with pytest.raises(RpcError, match="no onion service: AUTHENTICATE is refused"):
                    await bob.open_payments(SECRET, onion=True)
            assert not targets(tor)
        async with opened(folder, TorAccess(control)) as bob:
            with pytest.raises(RpcError, match=re.escape(f"nobody answers at {control}")):
                await bob.open_payments(SECRET, onion=True)
            async with control_port(ControlPort(), control.port):
                assert await bob.open_payments(SECRET, onion=True) == PLACE

    asyncio.run(scene())
