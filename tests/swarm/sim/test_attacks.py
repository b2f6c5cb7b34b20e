"""Attacks in virtual time: sound networks stand them, and who does not is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.chain.outcome import BlockOutcome
from axon.machine import HOUR, MINUTE, Instant
from axon.node.blockflow import BlockFlow
from axon.p2p import blocksinflight
from axon.p2p.picker import Picker
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Rejected
from axon.swarm.blueprint import ComponentClass, MinerPlan, NodePlan, SharedPlan, node_names
from axon.swarm.faultplan import Op, step
from axon.swarm.sim import censorship, eclipse, hostility, masscrash, onewaycut
from axon.swarm.sim.attackreport import AttackReport
from axon.swarm.sim.censorship import one_miner_each, run_censorship
from axon.swarm.sim.eclipse import CASES, FEW, MANY, EclipseCase, Kept, run_eclipse
from axon.swarm.sim.hostility import run_hostility
from axon.swarm.sim.masscrash import run_mass_crash
from axon.swarm.sim.onewaycut import majority, run_one_way, two_sides
from axon.swarm.sim.stalling import CHAIN_BLOCKS, run_stalling
from axon.swarm.sim.workload import HISTORY_BLOCKS
from axon.swarm.spof.plants import organic


def stands(report: AttackReport) -> str:
    """What was seen of a network that must stand it."""
    (finding,) = report.findings
    assert finding.holds, finding.said
    assert not finding.culprits
    return finding.said


def blamed(report: AttackReport) -> tuple[str, ...]:
    """Who is to blame that it does not hold."""
    (finding,) = report.findings
    assert finding.holds is False, finding.said
    return finding.culprits


# L1.


@pytest.mark.long
def test_l1_honest_nodes_come_to_one_tip_among_liars() -> None:
    report = run_hostility(2, 12)
    assert "honest nodes of 12 are on one tip" in stands(report)
    assert "forger" in report.notes[0]
    assert run_hostility(2, 12).digest == report.digest


@pytest.mark.long
def test_l1_is_broken_where_a_changed_body_damns_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    right = BlockFlow._take_verdicts

    def damning(
        self: BlockFlow, block_hash: BlockHash, outcome: BlockOutcome, now: Instant
    ) -> None:
        right(self, block_hash, outcome, now)
        if isinstance(outcome.verdict, Rejected):
            self._chain.mark_invalid(block_hash)

    monkeypatch.setattr(BlockFlow, "_take_verdicts", damning)
    monkeypatch.setattr(hostility, "EACH", 3 * MINUTE)
    (finding,) = run_hostility(2, 12).findings
    assert finding.holds is False


# L5.


def test_l5_a_payment_is_mined_whoever_censors() -> None:
    first = run_censorship(1)
    assert "whichever of 5 nodes censors" in stands(first)
    assert run_censorship(1).digest == first.digest


def test_l5_names_the_node_that_all_miners_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(censorship, "BLOCKS_LIMIT", 6)
    miners = MinerPlan("m1", ("n3",)), MinerPlan("m2", ("n3",))
    assert blamed(run_censorship(1, replace(one_miner_each(), miners=miners))) == ("n3",)


# L6.


def test_l6_all_are_linked_again() -> None:
    assert "5 nodes that crashed at once are linked again" in stands(run_mass_crash(1))


def test_l6_names_who_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masscrash, "HEALING", masscrash.DOWN)
    folder = SharedPlan("f1", ComponentClass.FILE, ("n3",))
    plan = replace(organic(5, wallets=0), shared=(folder,))
    assert blamed(run_mass_crash(1, plan, [step(0, Op.KILL, "f1")])) == ("n3",)


# L9.


@pytest.fixture
def short_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mallory has time to sit in all seats and to tell of all her addresses, not more."""
    monkeypatch.setattr(eclipse, "ATTACK", eclipse.BLOCKS_EVERY)


@pytest.mark.usefixtures("short_attack")
def test_l9_mallory_with_few_netgroups_is_not_all_that_is_dialled() -> None:
    report = run_eclipse(1, [EclipseCase(FEW, Kept.ADDRESSES, 3)])
    assert "dialled nobody but her 0 times" in stands(report)
    assert "128 addresses in 8 netgroups, anchors lost: 0 of 3 starts" in report.notes[0]


@pytest.mark.usefixtures("short_attack")
def test_l9_who_has_its_anchors_again_is_not_alone() -> None:
    report = run_eclipse(1, [EclipseCase(MANY, Kept.ALL, 3)])
    stands(report)
    assert report.sometimes["anchor"] == 6


@pytest.mark.usefixtures("short_attack")
def test_l9_names_mallory_where_nobody_else_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """And if no honest node dials it either, it does not hear of a block."""
    monkeypatch.setattr(eclipse, "FRIENDS", 0)
    report = run_eclipse(1, [EclipseCase(MANY, Kept.NOTHING, 2)])
    assert blamed(report) == ("mallory",)
    assert "after 2 of 2 starts all that the node has dialled is hers" in report.findings[0].said
    assert "2 of these without the newest block" in report.notes[0]


@pytest.mark.usefixtures("short_attack")
def test_l9_whoever_has_an_honest_peer_must_follow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eclipse, "FOLLOWING", 1)
    report = run_eclipse(1, [EclipseCase(MANY, Kept.ALL, 1)])
    assert blamed(report) == ("mallory",)
    assert "has honest peers, and is not on their chain" in report.findings[0].said


@pytest.mark.slow
def test_l9_every_budget() -> None:
    first = run_eclipse(1)
    stands(first)
    assert len(first.notes) == len(CASES)
    assert run_eclipse(1).digest == first.digest


@pytest.mark.slow
def test_l9_needs_that_no_two_of_a_netgroup_are_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Picker, "groups", lambda _self, _addresses: frozenset())
    assert blamed(run_eclipse(2, [EclipseCase(FEW, Kept.ADDRESSES, 20)])) == ("mallory",)


# L10.


def test_l10_peers_that_hold_back_cost_their_timeout() -> None:
    assert "a sync of 112 blocks" in stands(run_stalling(1, HISTORY_BLOCKS))


@pytest.mark.slow
def test_l10_a_window_that_is_held_back_is_freed_in_seconds() -> None:
    report = run_stalling(1, CHAIN_BLOCKS)
    stands(report)
    assert report.sometimes["stall"] > 0
    assert report.sometimes["fixed-seed"] > 0


def test_l10_names_who_holds_back_where_nobody_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocksinflight, "TIMEOUT_BASE", HOUR)
    monkeypatch.setattr(blocksinflight, "RELIEF_AFTER", HOUR)
    assert "node 2" in blamed(run_stalling(1, HISTORY_BLOCKS))


# L11.


def test_l11_the_larger_side_goes_on() -> None:
    assert "found blocks and served" in stands(run_one_way(1))


def test_l11_names_the_cut_that_the_larger_side_does_not_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its nodes dial one hub each, on the smaller side: they hear of each other only through it."""
    monkeypatch.setattr(onewaycut, "SERVICE", onewaycut.SERVICE // 2)
    names = node_names(7)
    larger = majority(two_sides())
    hub = names[-1]
    nodes = tuple(NodePlan(name, (hub,) if name != hub else ()) for name in names)
    assert blamed(run_one_way(1, replace(two_sides(), nodes=nodes))) == (
        f"{','.join(larger)}|{','.join(names[len(larger) :])}",
    )
