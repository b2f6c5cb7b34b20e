"""A node and the real Tor: an onion service, made by its control port without any network."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.machine import Endpoint
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from tests.process.conftest import loopback_host

pytestmark = pytest.mark.interop

TOR = shutil.which("tor")


@pytest.fixture(name="control")
def control_fixture(tmp_path: Path) -> Iterator[Endpoint]:
    """Tor's control port; the network is off."""
    if TOR is None:
        pytest.skip("no tor on the PATH")
    (port,) = free_ports(1, "127.0.0.1")
    folder = tmp_path / "tor"
    folder.mkdir(mode=0o700)
    none = folder / "torrc"
    none.touch()
    told = {
        "--DataDirectory": folder / "data",
        "--ControlPort": f"127.0.0.1:{port}",
        "--CookieAuthentication": 1,
        "--SocksPort": 0,
        "--DisableNetwork": 1,
    }
    words = [str(word) for pair in told.items() for word in pair]
    with (folder / "log").open("w") as log:
        tor = subprocess.Popen([TOR, "-f", none, "--defaults-torrc", none, *words], stdout=log)
    try:
        wait_until((folder / "data" / "control_auth_cookie").exists, 60, "Tor answers")
        yield Endpoint("127.0.0.1", port)
    finally:
        tor.terminate()
        tor.wait()


def own_addresses(node: NodeProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = node.rpc("getnetworkinfo")["localaddresses"]
    return found


def test_tor_makes_a_service_that_keeps_its_name(tmp_path: Path, control: Endpoint) -> None:
    options = ("-listenonion", f"-torcontrol={control}")
    node = NodeProcess("node", tmp_path / "node", loopback_host(), options=options)
    with node:
        node.start()
        wait_until(lambda: bool(own_addresses(node)), 60, "the node has an onion address")
        (own,) = own_addresses(node)
        address = NetAddress.from_text(own["address"], own["port"])
        assert (address.network, address.port) == (AddressNetwork.TORV3, 18444)
        onion = next(
            each for each in node.rpc("getnetworkinfo")["networks"] if each["name"] == "onion"
        )
        assert (onion["proxy"], onion["reachable"]) == ("127.0.0.1:9050", True)
        key = node.network_folder / "onion_v3_private_key"
        assert key.read_text().startswith("ED25519-V3:")
        assert key.stat().st_mode & 0o077 == 0
        assert node.stop() == 0
        node.start()
        wait_until(lambda: own_addresses(node) == [own], 60, "the same one again")
