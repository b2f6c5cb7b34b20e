"""The pretend network itself: disks, crashes, clocks, history, and the workload."""

from __future__ import annotations

from random import Random

import pytest

from axon.consensus.kernel import Kernel
from axon.drivers.sim.driver import START
from axon.machine import HOUR, MINUTE, SECOND
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted
from axon.swarm.sim.simdisk import SYNC_BLOCKS, Disk
from axon.swarm.sim.simulation import SimNetwork, host
from axon.swarm.sim.workload import HISTORY_BLOCKS, PAYERS, Workload, history, spendable


def test_a_disk_keeps_what_is_synced() -> None:
    disk = Disk([b"genesis"])
    for number in range(SYNC_BLOCKS - 1):
        disk.wrote(bytes([number]))
    assert disk.unsynced == SYNC_BLOCKS - 1
    lost = {Disk([b""]).lose_unsynced(Random(seed)) for seed in range(5)}
    assert lost == {0}
    before = len(disk.blocks)
    gone = disk.lose_unsynced(Random(3))
    assert 0 <= gone < SYNC_BLOCKS
    assert len(disk.blocks) == before - gone
    assert disk.unsynced == 0
    assert disk.blocks[0] == b"genesis"
    for number in range(SYNC_BLOCKS):
        disk.wrote(bytes([number]))
    assert disk.unsynced == 0
    disk.wipe()
    assert disk.blocks == []


def test_every_node_has_a_netgroup_of_its_own() -> None:
    groups = {host(number).rsplit(".", 2)[0] for number in range(250)}
    assert len(groups) == 250
    assert len({host(number) for number in range(1_000)}) == 1_000


def test_the_history_is_valid_in_the_eyes_of_the_kernel() -> None:
    kernel = Kernel(REGTEST)
    try:
        for raw in history(START):
            assert isinstance(kernel.process_block(raw).verdict, Accepted)
        assert kernel.tip()[1] == HISTORY_BLOCKS
    finally:
        kernel.close()


def test_nodes_begin_with_the_history_and_a_recent_tip() -> None:
    network = SimNetwork(1, 2, history=history(START))
    for number in range(2):
        machine = network.machine(number)
        assert machine.active.height == HISTORY_BLOCKS
        assert machine.follows
        assert not machine.initial_sync
    assert len(spendable(network, 0, PAYERS[0])) == 5
    assert sum(len(spendable(network, 0, signer)) for signer in PAYERS) == HISTORY_BLOCKS - 99


def test_a_crash_loses_unsynced_blocks_and_branches_come_back_whole() -> None:
    network = SimNetwork(1, 2, history=history(START))
    network.simulation.partition([(0,), (1,)])
    for _ in range(3):
        network.mine(0, PAYERS[0].script)
        network.run(SECOND)
    for _ in range(4):
        network.mine(1, PAYERS[1].script)
        network.run(SECOND)
    network.simulation.heal()
    assert network.settle(5 * MINUTE)
    held = network.nodes[0].disk.blocks[HISTORY_BLOCKS:]
    assert len(held) == 7  # The lost branch as well.
    network.crash(0, lose=False)
    network.restart(0)
    assert network.machine(0).active.tip.hash == network.machine(1).active.tip.hash
    assert len(network.machine(0).headers.tips()) == 2


def test_a_wiped_node_begins_anew() -> None:
    network = SimNetwork(1, 2, history=history(START))
    network.crash(1)
    assert network.running() == [0]
    network.restart(1, wipe=True)
    assert network.machine(1).active.height == 0


def test_a_node_lives_by_its_own_clock() -> None:
    network = SimNetwork(1, 2, history=history(START))
    network.simulation.set_clock(0, 3 * HOUR)
    block = network.mine(0, PAYERS[0].script)
    network.run(MINUTE)
    assert block.header.time * SECOND > network.now + 2 * HOUR
    assert network.machine(0).active.tip.hash == block.hash
    assert network.machine(1).active.height == HISTORY_BLOCKS  # Too far ahead, for now.
    network.run(2 * HOUR)
    network.mine(1, PAYERS[0].script)
    network.run(10 * MINUTE)
    assert not network.nodes[1].facts.get("PeerMisbehaved")


def test_a_workload_pays_and_mines_until_its_end() -> None:
    network = SimNetwork(1, 3, history=history(START))
    network.run(10 * SECOND)
    workload = Workload(network, 5 * SECOND, MINUTE, network.now + 5 * MINUTE)
    network.run(5 * MINUTE)
    paid, mined = workload.payments, workload.blocks
    assert paid > 10
    assert mined >= 1
    network.run(5 * MINUTE)
    assert (workload.payments, workload.blocks) == (paid, mined)
    assert network.agrees()
    assert network.machine(0).active.height == HISTORY_BLOCKS + mined


@pytest.mark.parametrize("blocks", [1, 30])
def test_histories_end_ten_minutes_before(blocks: int) -> None:
    raws = history(START, blocks)
    assert len(raws) == blocks
    last = int.from_bytes(raws[-1][68:72], "little")
    assert START // SECOND - last == 600
