"""Links of trials in namespaces: slow, or dead in one direction, and as ever when healed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.machine import Instant
from axon.swarm.faultplan import FaultPlan, FaultStep, Op, step
from axon.swarm.lab import linktrial, shaping
from axon.swarm.lab.backends import BACKENDS
from axon.swarm.lab.faucet import mine
from axon.swarm.lab.manifest import BackendName
from axon.swarm.lab.members import node_of
from axon.swarm.lab.trials.labtrials import LabTrials
from axon.swarm.lab.trials.network import LabNetwork
from axon.swarm.spof.plants import organic
from axon.swarm.spof.shrink import Case
from axon.swarm.trialreport import TrialReport

pytestmark = pytest.mark.process

SEED = 7
NETWORK = organic(3, wallets=1)
SLOW = FaultPlan((step(0, Op.LINK, "n1", way="out", latency_ms=60_000),))
SLOW_S = 1.0
"""A minute of the network's clocks."""

CUT = FaultPlan((step(0, Op.CUT, "n1", way="out"),))
BOTH = FaultPlan((step(0, Op.LINK, "n2-n3", latency_ms=3_000, loss_percent=5), *CUT.steps))

ARRIVES_S = 30.0
SILENT_S = 3.0


def at_once(_instant: Instant) -> None:
    """Nothing is planned for later."""


def spread_s(net: LabNetwork, source: str, target: str, limit_s: float = ARRIVES_S) -> float | None:
    """How long the block that one node finds takes to another; None if that is too long."""
    near, far = node_of(net.manifest, source), node_of(net.manifest, target)
    with near.connected(), far.connected():
        begin = time.monotonic()
        (block,) = mine(near)
        while far.rpc("getbestblockhash") != block:
            if time.monotonic() - begin > limit_s:
                return None
            time.sleep(0.01)
        return time.monotonic() - begin


def quickest_s(net: LabNetwork, source: str, target: str) -> float:
    """Of several blocks; the machine may be busy."""
    return min(spread_s(net, source, target) or ARRIVES_S for _ in range(4))


def harmed(net: LabNetwork, plan: FaultPlan, look: Callable[[], None]) -> None:
    """Look while a plan is in force, and see that nothing of it stays."""
    net.carry_out(plan, at_once)
    assert shaping.has_relay(net.manifest)
    look()
    net.carry_out(plan.undone(), at_once)
    assert not net.manifest.links
    assert not shaping.has_relay(net.manifest)


def look(net: LabNetwork) -> None:
    net.rest_miners(rests=True)
    assert quickest_s(net, "n1", "n2") < SLOW_S

    def is_slow_one_way() -> None:
        assert (spread_s(net, "n1", "n2") or ARRIVES_S) >= SLOW_S
        assert linktrial._passage_s(net.manifest, "n1", "n2") >= SLOW_S
        assert linktrial._passage_s(net.manifest, "n2", "n1") < SLOW_S

    def is_cut_one_way() -> None:
        assert spread_s(net, "n1", "n2", SILENT_S) is None
        with pytest.raises(TimeoutError):
            linktrial._passage_s(net.manifest, "n1", "n3")
        assert linktrial._passage_s(net.manifest, "n3", "n1") < SLOW_S
        assert linktrial._passage_s(net.manifest, "n3", "n2") < SLOW_S

    harmed(net, SLOW, is_slow_one_way)
    assert quickest_s(net, "n1", "n2") < SLOW_S
    harmed(net, CUT, is_cut_one_way)
    assert linktrial._passage_s(net.manifest, "n1", "n3") < SLOW_S
    assert spread_s(net, "n1", "n2") is not None, "with the one that nobody had got"
    net.rest_miners(rests=False)


def test_links_are_slow_or_cut_one_way_until_healed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        BACKENDS[BackendName.NETNS].check()
    except ConfigError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(linktrial, "LIMIT_S", SILENT_S)

    async def attempt() -> TrialReport:
        folder = tmp_path / "run"
        async with LabTrials(NETWORK, SEED, folder, backend=BackendName.NETNS) as trials:
            await asyncio.to_thread(look, trials._net)
            report = await trials.attempt(Case(NETWORK, BOTH))
            assert not trials._net.manifest.links
            return report

    report = asyncio.run(attempt())
    assert not report.trouble
    assert report.broken == []
    said = " ".join(report.notes)
    assert "one-way cut: what goes that way is swallowed" in said
    assert "link: by the network's clocks, of which 60 s are 1 s here" in said


def test_what_needs_a_relay_is_not_even_raised_on_loopback(tmp_path: Path) -> None:
    slow = Case(NETWORK, FaultPlan((FaultStep(0, Op.LINK, "n1", (("latency_ms", 80),)),)))
    report = asyncio.run(LabTrials(NETWORK, SEED, tmp_path / "run").attempt(slow))
    assert "--backend netns (Linux, root) has such links" in report.trouble
    assert not (tmp_path / "run").exists()
