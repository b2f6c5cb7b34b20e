"""A blueprint as a run: who is who, and whom a guarded node refuses from the start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from axon.swarm.lab.manifest import (
    BackendName,
    ComponentKind,
    DesiredState,
    Manifest,
    NodeProgram,
)
from axon.swarm.lab.trials.planning import MIXED_INTERVAL_S, PACE, pace_of, plan_network
from axon.swarm.spof.plants import PLANTS, organic

CORNER = 9


def planned(folder: Path, name: str = "") -> Manifest:
    blueprint = PLANTS[name].make(6) if name else organic(3, wallets=2)
    return plan_network(folder, blueprint, 7, Random(1), CORNER)


def test_everybody_has_an_address_of_his_own(tmp_path: Path) -> None:
    manifest = planned(tmp_path)
    assert list(manifest.components) == ["n1", "n2", "n3", "j1", "w1", "w2", "c1", "m1", "m2"]
    own = [item.host for item in manifest.components.values() if item.kind != ComponentKind.MINER]
    assert len(set(own)) == len(own)
    assert {host.split(".")[2] for host in own} == {str(CORNER)}


def test_wallets_that_are_paid_directly_listen(tmp_path: Path) -> None:
    manifest = planned(tmp_path, "one-payee")
    assert [item.name for item in manifest.payable] == ["w1"]
    assert not planned(tmp_path).payable


def test_in_namespaces_a_bitcoind_is_told_of_a_few_and_nobody_hurries(tmp_path: Path) -> None:
    found = organic(20, wallets=1)
    first, *others = found.nodes
    mixed = replace(found, nodes=(replace(first, bitcoind=True), *others))
    netns = BackendName.NETNS
    manifest = plan_network(tmp_path, mixed, 7, Random(1), CORNER, netns, "/opt/bitcoind")
    assert manifest.bitcoind == "/opt/bitcoind"
    assert manifest.interval_s == MIXED_INTERVAL_S
    assert (pace_of(mixed), pace_of(found)) == (1, PACE)
    bitcoind, axon = manifest.components["n1"], manifest.components["n17"]
    assert (bitcoind.program, axon.program) == (NodeProgram.BITCOIND, NodeProgram.AXON)
    assert (bitcoind.host, axon.host) == ("fc00:1::1", "fc00:2::1")
    assert bitcoind.rpc_host == "::1"
    assert (bitcoind.knows, axon.knows) == (("n2", "n3"), ("n1", "n2"))
    own = [item.host for item in manifest.components.values() if item.kind != ComponentKind.MINER]
    assert len(set(own)) == len(own)


def test_those_that_come_new_are_down_until_then(tmp_path: Path) -> None:
    manifest = planned(tmp_path)
    ended = [n for n, item in manifest.components.items() if item.desired is DesiredState.END]
    assert ended == ["j1", "c1"]


def test_a_guarded_node_refuses_all_whom_it_does_not_let_in(tmp_path: Path) -> None:
    manifest = planned(tmp_path, "one-seed")
    assert not any(item.bans for item in manifest.components.values())
    blueprint = organic(3, wallets=1)
    first, *others = blueprint.nodes
    guarded = replace(blueprint, nodes=(replace(first, admits=("n2", "n3")), *others))
    manifest = plan_network(tmp_path, guarded, 7, Random(1), CORNER)
    strangers = {manifest.components[name].host for name in ("j1", "w1", "c1")}
    assert set(manifest.components["n1"].bans) == strangers
    assert not manifest.components["n2"].bans


def test_a_node_does_what_its_plan_says(tmp_path: Path) -> None:
    manifest = planned(tmp_path, "one-filter-server")
    assert [item.name for item in manifest.nodes if item.filters] == ["n3"]
    manifest = planned(tmp_path, "one-relay")
    assert [item.name for item in manifest.nodes if item.relays] == ["n2"]
