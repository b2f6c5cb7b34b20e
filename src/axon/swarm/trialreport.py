"""What became of one trial, in the simulator or with processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from axon.machine import SECOND
from axon.swarm.faultplan import FaultPlan
from axon.swarm.invariants import Finding, told_of


@dataclass(frozen=True, slots=True)
class Operation:
    """What one client asked, and what became of it.

    Args:
        client: a wallet, or the node that comes new.
        what: read, pay, receive, start (with an empty disk), join (a node with an empty disk).
        took_us: from the harm until it was done; None if that never came.
    """

    client: str
    what: str
    took_us: int | None

    def to_json(self) -> dict[str, object]:
        """For a report; times in seconds."""
        took_s = None if self.took_us is None else self.took_us / SECOND
        return {"client": self.client, "what": self.what, "took": took_s}


@dataclass(slots=True)
class TrialReport:
    """What became of one trial.

    Args:
        harm: what was done.
        healing: what took it back.
        findings: the invariants that were looked at, with how long each took and might take.
        operations: of all clients.
        digest: the fingerprint of the run, in the simulator; with processes no two runs are equal.
        notes: how it was carried out, in words: what a judge of the report should know.
        trouble: why the trial itself could not be carried out; what it found is worth nothing then.
        sometimes: how often each interesting state was reached (`sightings`); empty where nobody
            looked.
    """

    harm: FaultPlan
    healing: FaultPlan
    findings: list[Finding] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    digest: str = ""
    notes: list[str] = field(default_factory=list)
    trouble: str = ""
    sometimes: dict[str, int] = field(default_factory=dict)

    @property
    def broken(self) -> list[Finding]:
        """Those that do not hold."""
        return [each for each in self.findings if each.holds is False]

    def to_json(self) -> dict[str, object]:
        """For a report."""
        return {
            "harm": self.harm.to_json(),
            "healing": self.healing.to_json(),
            "invariants": {each.name: each.to_json() for each in self.findings},
            "operations": [each.to_json() for each in self.operations],
            "digest": self.digest,
            "notes": self.notes,
            "trouble": self.trouble,
            "sometimes": self.sometimes,
        }


def told_late(late: Iterable[tuple[str, str]]) -> str:
    """Who did not get what: `w1 and w2 cannot receive, pay; j1 cannot join`."""
    wants: dict[str, list[str]] = {}
    for client, what in late:
        wants.setdefault(client, []).append(what)
    clients: dict[str, list[str]] = {}
    for client, whats in wants.items():
        clients.setdefault(", ".join(whats), []).append(client)
    return "; ".join(
        told_of(names, f"cannot {whats}", f"cannot {whats}") for whats, names in clients.items()
    )
