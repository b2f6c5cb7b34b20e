"""Every judge of the lab says yes of a network in which all is well."""

from __future__ import annotations

from pathlib import Path

from axon.swarm.lab.checking import ORDER
from axon.swarm.lab.topology import RunTopology
from tests.swarm.lab.checks import findings_of, provide_words
from tests.swarm.lab.memoryrun import MemoryRun

DIRECT = {"S13", "L12"}
"""Of wallets that listen; here none does."""

ALL = {*ORDER, "L1-plan", "L1-kill", "L3-cold", "L3-plan", "L3-kill"} - DIRECT


def test_a_sound_network_passes_every_judge(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 3, wallets=2, miners=1)
    provide_words(run)
    found = findings_of(run, *ORDER, harm=True)
    assert {name: item.said for name, item in found.items() if item.holds is not True} == {}
    assert found.keys() == ALL
    assert all(item.margin is None or item.margin >= 0 for item in found.values())


def test_a_sound_network_without_wallets_passes_every_judge(tmp_path: Path) -> None:
    found = findings_of(MemoryRun(tmp_path, 3, topology=RunTopology.RING), *ORDER, harm=True)
    assert {name: item.said for name, item in found.items() if item.holds is not True} == {}
    assert found.keys() == ALL - {"L3-cold"}
