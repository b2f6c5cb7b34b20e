"""What becomes of probes: the longest times count, and who is to blame is named."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.probes import LIMITS_S, Probe, ServiceResult, cold_wallets
from axon.swarm.lab.topology import RunTopology


def test_the_longest_times_count() -> None:
    one, other = ServiceResult(tried=2), ServiceResult(tried=1)
    one.took(Probe.READ, 0.5)
    one.took(Probe.READ, 0.25)
    other.took(Probe.READ, 0.75)
    other.took(Probe.PAY, LIMITS_S[Probe.PAY] / 2)
    one.add(other)
    assert one.times_s == {Probe.READ: 0.75, Probe.PAY: LIMITS_S[Probe.PAY] / 2}
    assert one.worst is Probe.PAY
    found = one.finding("L3", "wallet")
    assert found.holds
    assert (found.worst, found.deadline) == (LIMITS_S[Probe.PAY] / 2, LIMITS_S[Probe.PAY])
    assert found.said.startswith("3 wallets: read in 0.75 s (limit 10), paid in")


@pytest.mark.parametrize(
    ("entries", "culprits"), [(("n2",), ("n2",)), (("n1", "n2"), ("w1",)), ((), ("w1",))]
)
def test_who_knows_one_node_blames_it_and_others_themselves(
    entries: tuple[str, ...], culprits: tuple[str, ...]
) -> None:
    served = ServiceResult(tried=1)
    served.failed("w1", entries, "not read within 10 s")
    found = served.finding("L3", "wallet")
    assert found.holds is False
    assert found.culprits == culprits
    assert found.said == "w1 is not served: not read within 10 s"


def test_late_is_not_served() -> None:
    served = ServiceResult(tried=1)
    served.took(Probe.READ, LIMITS_S[Probe.READ] + 1)
    assert served.finding("L3", "wallet").holds is False


def test_nobody_tried_is_nothing_decided() -> None:
    found = ServiceResult().finding("L3", "wallet")
    assert found.holds is None
    assert found.tried == 0


@pytest.mark.parametrize(
    ("topology", "entries"),
    [
        (RunTopology.ORGANIC, [("n1", "n2", "n3")]),
        (RunTopology.ONE_SERVER, [("n1",)]),
        (RunTopology.FIXED_ADDRESS, [("n1",), ("n2",), ("n3",)]),
    ],
)
def test_a_cold_wallet_for_each_way_of_knowing(
    tmp_path: Path, topology: RunTopology, entries: list[tuple[str, ...]]
) -> None:
    manifest = plan_run(tmp_path, RunRequest(3, wallets=5, topology=topology), Random(7))
    cold = cold_wallets(manifest)
    assert [item.entries for item in cold] == entries
    assert not {item.name for item in cold} & set(manifest.components)
