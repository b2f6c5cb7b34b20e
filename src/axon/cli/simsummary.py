"""What is said of the seeds of a simulation when all have run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from axon.machine import SECOND
from axon.swarm.sightings import over, sightings_lines
from axon.swarm.sim.faultruns import FaultRunReport
from axon.swarm.sim.lightplan import LightReport
from axon.swarm.sim.shardfile import SeedReport

_TRACE_BYTES: Final = 16


def print_seed(report: SeedReport, verbose: bool) -> None:
    """One seed, if it failed or if all are to be seen."""
    if verbose or not report.passed:
        word = "" if report.passed else "FAILED "
        print(f"{word}{report}, trace {report.digest}", flush=True)


def seeds_summary(reports: Sequence[SeedReport], seconds: float, where: str = "") -> str:
    """The last lines: how many passed, what happened in them, one fingerprint of all traces.

    Args:
        reports: in the order of their seeds.
        seconds: that they took.
        where: said after these.
    """
    failed = [str(report.seed) for report in reports if not report.passed]
    events = sum(report.events for report in reports)
    lines = [
        f"{len(reports) - len(failed)} of {len(reports)} seeds passed in {seconds:.0f} s{where} "
        f"({events:,} events)"
    ]
    lines += _of_faults([report for report in reports if isinstance(report, FaultRunReport)])
    lines += _of_wallets([report for report in reports if isinstance(report, LightReport)])
    lines += sightings_lines(over(report.sometimes for report in reports), len(reports))
    if len(reports) > 1:
        lines.append(f"trace of all {len(reports)} seeds: {_trace(reports)}")
    if failed:
        lines.append("failed seeds: " + " ".join(failed))
    return "\n".join(lines)


def _of_faults(reports: Sequence[FaultRunReport]) -> list[str]:
    if not reports:
        return []
    waits = [report.converged_us for report in reports if report.converged_us is not None]
    kinds = Counter(kind for report in reports for kind in report.kinds)
    lines = [
        "faults (runs that had them): " + ", ".join(f"{k} {n}" for k, n in sorted(kinds.items())),
        f"deepest reorganisation: {max(report.deepest_reorg for report in reports)} blocks; "
        f"payments: {sum(report.payments for report in reports):,}",
    ]
    if waits:
        lines.append(f"slowest convergence after healing: {max(waits) // SECOND} s virtual")
    return lines


def _of_wallets(reports: Sequence[LightReport]) -> list[str]:
    if not reports:
        return []
    kinds = Counter(lie.value for report in reports for lie in report.plan.lies.values())
    kinds["dying"] = sum(len(report.plan.deaths) for report in reports)
    alone = sum(len(report.plan.honest) == 1 for report in reports)
    waits = [report.served_us for report in reports if report.served_us is not None]
    lines = [
        "bad nodes: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())),
        f"runs with one honest node only: {alone}; "
        f"liars caught: {sum(report.refuted for report in reports)}; "
        f"payments found: {sum(report.found for report in reports):,}",
    ]
    if waits:
        lines.append(f"slowest to be served in the end: {max(waits) // SECOND} s virtual")
    return lines


def _trace(reports: Sequence[SeedReport]) -> str:
    """The same wherever and in however many parts the same code ran the same seeds."""
    digest = blake2b(digest_size=_TRACE_BYTES)
    for report in reports:
        digest.update(f"{report.seed} {report.digest}\n".encode())
    return digest.hexdigest()
