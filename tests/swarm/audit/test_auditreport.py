"""The verdict on networks as their nodes tell of them: each single point is named, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.swarm.audit.auditreport import SCHEMA, audit_network
from axon.swarm.audit.nodereading import read_node
from axon.swarm.audit.places import Places
from axon.swarm.audit.sharedchecks import ToldUse
from axon.swarm.lab.verdict import Exit
from axon.wire.messages import Services
from tests.swarm.audit.pretend import FULL, PretendNetwork, mesh, star

VECTORS = Path(__file__).parents[2] / "vectors"
LIMITED = Services.WITNESS | Services.NETWORK_LIMITED
FILTERS = FULL | Services.COMPACT_FILTERS


def named(network: PretendNetwork, told: ToldUse | None = None) -> list[str]:
    return [str(each) for each in network.audit(told).points]


def test_a_mesh_has_none_as_far_as_was_counted() -> None:
    report = mesh(5).audit()
    assert report.verdict == "NONE FOUND UP TO 4"
    assert report.exit_code is Exit.PASS
    assert "By reading, nothing was harmed: 5 nodes" in report.sentence()
    assert any("provider" in each for each in report.exclusions)
    assert any("wallets" in each for each in report.exclusions)


def test_the_hub_of_a_star_is_named_alone() -> None:
    network = star(4)
    assert named(network) == ["hub (node)"]
    assert network.audit().exit_code is Exit.VIOLATED


def test_real_nodes_around_one_bitcoind() -> None:
    """Answers of bitcoind 31.99 and axon on one machine; all dial `hub` and know nobody else."""
    saved = json.loads((VECTORS / "auditstar.json").read_text())
    nodes = [read_node(name, answers) for name, answers in saved.items()]
    report = audit_network(nodes, Places(lab=True), ToldUse({}))
    assert report.verdict == "SPOF FOUND"
    assert "hub (node)" in [str(each) for each in report.points]
    assert report.network.links == tuple(("hub", f"n{number}") for number in range(1, 5))
    assert {each.name for each in report.checks if each.points} == {
        "links", "host", "seed", "inbound", "netgroup",
    }  # fmt: skip


def test_two_halves_hang_on_a_link_and_its_ends() -> None:
    network = PretendNetwork(["a", "b", "c", "x", "y", "z"])
    for one, other in ("ab", "bc", "ca", "xy", "yz", "zx", "cx"):
        network.link(one, other)
    assert named(network) == ["c (node)", "x (node)", "c-x (link)"]


def test_two_nodes_hang_on_their_link() -> None:
    network = PretendNetwork(["a", "b"])
    network.link("a", "b")
    assert named(network)[0] == "a-b (link)"


def test_one_node_is_a_single_point() -> None:
    network = PretendNetwork(["only"])
    for place in range(1, 9):
        network.dial_out("only", f"40.{place}.0.1")
    assert named(network) == ["only (node)"]


def open_network(ways: int) -> PretendNetwork:
    """Three nodes in a ring, each with ways out of its own, in netgroups of their own."""
    network = PretendNetwork(["a", "b", "c"])
    for one, other in ("ab", "bc", "ca"):
        network.link(one, other)
    for place, name in enumerate("abc"):
        for way in range(ways):
            network.dial_out(name, f"5{place}.{way}.0.1")
    return network


def test_nodes_with_ways_out_of_their_own() -> None:
    report = open_network(8).audit()
    assert report.verdict == "NONE FOUND UP TO 2"
    checks = {each.name: each for each in report.checks}
    assert checks["links"].needs == 10  # Its own eight, and its two neighbours.


def test_a_node_whose_way_out_leads_through_one_other() -> None:
    network = open_network(8)
    network.add("d", "20.4.0.1")
    network.link("d", "b")
    assert named(network) == ["b (node)"]


def test_ways_out_through_one_netgroup() -> None:
    network = PretendNetwork(["a", "b"])
    network.link("a", "b")
    for place, name in enumerate("ab"):
        for way in range(8):
            network.dial_out(name, f"40.1.{place}.{way}")
    assert named(network) == ["40.1.0.0/16 (netgroup)"]


def test_ways_out_through_one_host() -> None:
    network = PretendNetwork(["a", "b"])
    network.link("a", "b")
    for name in "ab":
        network.dial_out(name, "40.1.0.1")
    assert named(network)[0] == "40.1.0.1 (outside peer)"


def test_nodes_in_one_netgroup() -> None:
    network = mesh(4, [f"21.7.{place}.1" for place in range(4)])
    assert named(network) == ["21.7.0.0/16 (netgroup)"]


def test_nodes_on_one_host() -> None:
    network = mesh(4, ["21.7.1.1"] * 4)
    assert named(network) == ["21.7.1.1 (host)", "21.7.0.0/16 (netgroup)"]


def test_loopback_is_one_host_but_in_the_lab() -> None:
    network = mesh(4, [f"127.{place}.0.1" for place in range(1, 5)])
    assert "loopback (host)" in named(network)
    assert network.audit(lab=True).verdict == "NONE FOUND UP TO 3"


def test_one_version() -> None:
    network = mesh(3)
    for place, name in enumerate(network.answers):
        network.network(name)["subversion"] = f"/Satoshi:29.0.0(node {place})/"
    assert named(network) == ["/Satoshi:29.0.0/ (version)"]
    report = network.audit(left_out=("version",))
    assert report.verdict == "NONE FOUND UP TO 2"
    assert report.exclusions[0] == "left out: version"


def test_one_proxy_of_all() -> None:
    network = mesh(3)
    for name in network.answers:
        network.network(name)["networks"] = [
            {"name": "ipv4", "reachable": True, "proxy": "20.99.0.1:9050"},
            {"name": "i2p", "reachable": False, "proxy": ""},
        ]
    assert named(network) == ["20.99.0.1:9050 (proxy)"]
    network.network("n2")["networks"][0]["proxy"] = ""
    assert named(network) == []


def test_a_proxy_of_its_own_host_is_not_shared() -> None:
    network = mesh(3)
    for name in network.answers:
        network.network(name)["networks"][0]["proxy"] = "127.0.0.1:9050"
    assert named(network) == []


def test_one_address_that_all_were_given() -> None:
    network = mesh(3)
    for name in network.answers:
        network.answers[name]["getnodeaddresses"] = []
        network.answers[name]["getaddednodeinfo"] = (
            [] if name == "n1" else [{"addednode": "20.1.0.1:8101", "connected": True}]
        )
    assert named(network) == ["n1 (node)"]


@pytest.mark.parametrize(
    ("service", "without"),
    [("filters", FULL), ("blocks", LIMITED)],
)
def test_one_that_serves(service: str, without: int) -> None:
    network = mesh(4)
    for name in network.answers:
        network.serve(name, FILTERS if name == "n3" else without)
    report = network.audit()
    assert named(network) == ["n3 (node)"]
    assert service in [each.name for each in report.checks if each.points]


def test_filters_that_are_not_ready_are_not_served() -> None:
    network = mesh(3)
    for name in network.answers:
        network.serve(name, FILTERS)
        network.answers[name]["getindexinfo"] = {
            "basic block filter index": {"synced": name == "n2", "best_block_height": 7}
        }
    assert named(network) == ["n2 (node)"]


def test_a_service_that_hosts_outside_offer_is_no_single_point() -> None:
    network = open_network(8)
    network.serve("a", FILTERS)
    assert named(network) == ["a (node)"]
    network.dial_out("b", "60.1.0.1", FILTERS)
    assert named(network) == []


def test_one_that_relays_transactions() -> None:
    network = mesh(4)
    for name in network.answers:
        network.network(name)["localrelay"] = name == "n4"
    assert named(network) == ["n4 (node)"]


def test_what_is_told_of_wallets_and_miners() -> None:
    network = open_network(8)
    assert named(network, ToldUse({"w": ("a", "b")}, ("a", "c"))) == []
    assert named(network, ToldUse({"w": ("b",)})) == ["b (node)"]
    assert named(network, ToldUse({}, ("c", "c"))) == ["c (node)"]
    network.serve("a", FILTERS)
    network.dial_out("c", "60.1.0.1", FILTERS)
    assert named(network, ToldUse({"w": ("a", "b")})) == ["a (node)"]


def test_what_cannot_be_decided_is_never_none() -> None:
    network = open_network(8)
    network.add("d", "20.4.0.1")
    network.network("d")["localaddresses"] = []
    for way in range(8):
        network.dial_out("d", f"70.{way}.0.1")
    report = network.audit()
    assert report.verdict == "INCONCLUSIVE"
    assert report.exit_code is Exit.INCONCLUSIVE
    assert report.undecided == ("host", "netgroup")
    assert "host, netgroup could not be decided" in report.sentence()


def test_an_older_node_that_lacks_calls_is_told_of() -> None:
    network = mesh(3)
    for call in ("getindexinfo", "getnodeaddresses", "getmininginfo", "getblockchaininfo"):
        del network.answers["n2"][call]
    for peer in network.peers("n2"):
        del peer["connection_type"]
    report = network.audit()
    assert report.verdict == "NONE FOUND UP TO 2"
    assert any(each.startswith("n2 did not answer getblockchaininfo") for each in report.exclusions)


def test_nodes_of_different_networks_are_refused() -> None:
    network = mesh(2)
    network.answers["n2"]["getblockchaininfo"]["chain"] = "signet"
    with pytest.raises(ConfigError, match="n1 is on main, n2 is on signet"):
        network.audit()


def test_who_is_not_there_cannot_be_named() -> None:
    with pytest.raises(ConfigError, match="no node 'n9' was read"):
        mesh(2).audit(ToldUse({"w": ("n1", "n9")}))
    with pytest.raises(ConfigError, match="there is no check 'hosts'"):
        mesh(2).audit(left_out=("hosts",))


def test_the_json_has_its_promised_fields() -> None:
    told = star(3).audit().to_json()
    assert json.loads(json.dumps(told)) == told
    assert told["schema"] == SCHEMA == "axon swarm audit 1"
    assert told["verdict"] == "SPOF FOUND"
    assert told["exit"] == 1
    assert told["single_points"] == [{"component": "hub", "kind": "node"}]
    assert told["links"] == [["hub", "n1"], ["hub", "n2"], ["hub", "n3"]]
    assert told["cut_vertices"] == ["hub"]
    assert list(told) == [
        "schema", "verdict", "exit", "up_to", "how", "single_points", "undecided", "checks",
        "exclusions", "nodes", "links", "outside", "cut_vertices", "bridges",
    ]  # fmt: skip


def test_no_line_is_a_promise() -> None:
    for network in (mesh(3), star(3)):
        text = "\n".join(network.audit().lines()).lower()
        assert "proved" not in text
        assert "no single point of failure" not in text
