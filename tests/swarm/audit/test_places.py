"""Where hosts are, as far as their addresses tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.p2p.asmap import AsMap
from axon.primitives.hosttext import onion_name
from axon.swarm.audit.places import Places

VECTORS = Path(__file__).parents[2] / "vectors"


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("203.0.114.9", "203.0.0.0/16"),
        ("2a01:4f8:1::1", "2a01:4f8::/32"),
        ("2001:470:1234::1", "2001:470:1000::/36"),
        ("2002:cb00:7209::", "203.0.0.0/16"),
        ("fc12:3456::1", "fc10::/12"),
        ("10.0.0.1", None),
        ("127.3.0.1", None),
        ("node.example", None),
    ],
)
def test_netgroups(host: str, group: str | None) -> None:
    assert Places().netgroup(host) == group


def test_hidden_hosts_have_a_group_of_four_bits() -> None:
    assert (Places().netgroup(onion_name(bytes([0x5A]) * 32)) or "").startswith("torv3 ")


def test_loopback() -> None:
    assert Places().machine("127.3.0.1") == Places().machine("::1") == "loopback"
    lab = Places(lab=True)
    assert lab.machine("127.3.0.1") == "127.3.0.1"
    assert lab.netgroup("127.3.0.1") == "127.3.0.0/16"


def test_autonomous_systems() -> None:
    places = Places(asmap=AsMap((VECTORS / "asmap.raw").read_bytes()))
    assert places.autonomous_system("101.3.2.3") == "AS3"
    for host in ("8.8.8.8", "a.example", "10.0.0.1", "fc12::1"):
        assert places.autonomous_system(host) is None
    assert Places().autonomous_system("101.3.2.3") is None
