"""Which ends of connections belong together."""

from __future__ import annotations

from axon.swarm.audit.nodereading import read_node
from axon.swarm.audit.observednetwork import ObservedNetwork, observe
from axon.swarm.audit.places import Places
from tests.swarm.audit.pretend import PretendNetwork


def seen(network: PretendNetwork) -> ObservedNetwork:
    return observe([read_node(name, said) for name, said in network.answers.items()], Places())


def pair() -> PretendNetwork:
    network = PretendNetwork(["a", "b"])
    network.link("a", "b")
    return network


def test_both_ends_tell_the_same() -> None:
    network = pair()
    for name in "ab":
        network.network(name)["localaddresses"] = []
    assert seen(network).links == (("a", "b"),)


def test_private_addresses_are_told_apart_by_ports() -> None:
    network = PretendNetwork(["a", "b", "c"], ["127.0.0.1"] * 3)
    network.link("a", "b")
    network.link("b", "c")
    assert seen(network).links == (("a", "b"), ("b", "c"))


def test_behind_a_translated_address_what_was_dialled_tells() -> None:
    network = pair()
    network.peers("b")[0] |= {"addr": "9.9.9.9:1024", "addrbind": "10.0.0.2:8333"}
    assert seen(network).links == (("a", "b"),)


def test_a_name_that_was_dialled_is_told_by_the_end_of_the_dialler() -> None:
    network = pair()
    network.peers("a")[0]["addr"] = "b.example:8333"
    assert seen(network).links == (("a", "b"),)


def test_an_address_that_two_nodes_claim_tells_nothing() -> None:
    network = PretendNetwork(["a", "b", "c"])
    network.dial_out("a", "9.9.9.9")
    for name in "bc":
        network.network(name)["localaddresses"] = [{"address": "9.9.9.9", "port": 8333}]
    found = seen(network)
    assert not found.links
    assert not found.outside
    assert found.unclear == ("9.9.9.9",)


def test_one_peer_alone_makes_no_node_pass_for_another() -> None:
    network = PretendNetwork(["a", "b"])
    network.dial_out("a", "9.9.9.9")
    liar = {
        "addr": "6.6.6.6:1024", "addrbind": "20.2.0.1:8102", "addrlocal": "9.9.9.9:8333",
        "inbound": True,
    }  # fmt: skip
    network.peers("b").append(liar)
    assert not seen(network).links
    network.peers("b").append({**liar, "addr": "7.7.7.7:1024"})
    assert seen(network).links == (("a", "b"),)


def test_who_dialled_in_is_a_way_out_only_for_who_dialled_nobody() -> None:
    network = PretendNetwork(["a", "b"])
    stranger = {
        "addr": "6.6.6.6:1024", "addrbind": "20.1.0.1:8101", "inbound": True, "services": "09",
    }  # fmt: skip
    network.peers("a").append(stranger)
    network.peers("b").append({**stranger, "addrbind": "20.2.0.1:8102"})
    network.dial_out("b", "9.9.9.9")
    found = seen(network)
    assert {host: list(each.nodes) for host, each in found.outside.items()} == {
        "6.6.6.6": ["a"],
        "9.9.9.9": ["b"],
    }
    assert found.strangers == 1


def test_a_wallet_that_dialled_in_is_no_way_out() -> None:
    network = PretendNetwork(["a"])
    network.peers("a").append({"addr": "6.6.6.6:1024", "inbound": True, "services": "0"})
    assert not seen(network).outside


def test_another_port_on_the_host_of_a_node_is_no_way_out() -> None:
    network = pair()
    network.dial_out("a", "20.2.0.1")
    found = seen(network)
    assert not found.outside
    assert found.unclear == ("20.2.0.1",)


def test_from_where_a_node_dials_is_its_own_host_only_if_nothing_else_is_seen() -> None:
    network = PretendNetwork(["a", "b"], ["127.2.0.1", "127.3.0.1"])
    network.link("a", "b")
    network.peers("a")[0]["addrbind"] = network.peers("b")[0]["addr"] = "127.0.0.1:50000"
    nodes = [read_node(name, said) for name, said in network.answers.items()]
    assert observe(nodes, Places(lab=True)).hosts == {"a": ("127.2.0.1",), "b": ("127.3.0.1",)}
    network.network("a")["localaddresses"] = []
    nodes = [read_node(name, said) for name, said in network.answers.items()]
    assert observe(nodes, Places(lab=True)).hosts["a"] == ("127.0.0.1",)
