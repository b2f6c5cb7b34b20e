"""What a run does to start its components, as far as no process is needed to see it."""

from __future__ import annotations

from pathlib import Path
from random import Random

from axon.swarm.lab import startup
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.topology import RunTopology


def test_who_is_down_is_not_asked_to_dial(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3, topology=RunTopology.RING), Random(7))
    startup._call_back(manifest, ["n1", "n2", "n3"])


def test_miners_share_the_mean_time_between_blocks(tmp_path: Path) -> None:
    for miners, mean_s in ((0, 4.0), (1, 4.0), (3, 12.0)):
        request = RunRequest(3, miners=miners, interval_s=4.0)
        assert startup.mean_of(plan_run(tmp_path, request, Random(7))) == mean_s


def test_whom_a_partition_hides_is_not_dialled(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3, wallets=1, topology=RunTopology.STAR), Random(7))
    first, second, third = manifest.nodes
    assert startup.dialled(manifest, second) == [first.p2p]
    (wallet,) = manifest.wallets
    manifest.change(wallet.name, bans=(second.host,))
    told = startup.dialled(manifest, manifest.components[wallet.name])
    assert told == [first.p2p, third.p2p]


def test_a_ban_list_keeps_the_bans_that_are_not_lifted(tmp_path: Path) -> None:
    startup.refuse(tmp_path, ())
    assert list(tmp_path.iterdir()) == [], "nothing to refuse, nothing to write"
    startup.refuse(tmp_path, ("127.2.1.1", "127.3.1.1"))
    startup.refuse(tmp_path, ("127.4.1.1",), no_longer=("127.2.1.1",))
    assert startup.refused(tmp_path) == {"127.3.1.1", "127.4.1.1"}
