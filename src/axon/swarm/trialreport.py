"""What became of one trial, in the simulator or with processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from axon.machine import SECOND
from axon.swarm.faultplan import FaultPlan
from axon.swarm.invariants import Finding, told_of
from axon.swarm.trialhistory import TrialHistory


@dataclass(frozen=True, slots=True)
class Operation:
    """What one client asked, and what became of it.

    Args:
        client: a wallet, or the node that comes new.
        what: read, pay, receive, start (with an empty disk), join (a node with an empty disk).
        took_us: from the harm until it was done; None if that never came.
        hung_on: the components that its bytes passed; empty where nobody can tell.
    """

    client: str
    what: str
    took_us: int | None
    hung_on: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """For a report; times in seconds."""
        took_s = None if self.took_us is None else self.took_us / SECOND
        hung_on = list(self.hung_on)
        return {"client": self.client, "what": self.what, "took": took_s, "hung_on": hung_on}


@dataclass(frozen=True, slots=True)
class Support:
    """One way in which something came about: all that its bytes passed. For the search alone.

    Args:
        client: for whom.
        what: an operation of a client, `follow` (a node came onto the last block) or `grow` (the
            chain did).
        components: nodes, miners, links, and what these are on or use.
    """

    client: str
    what: str
    components: frozenset[str]


@dataclass(frozen=True, slots=True)
class Resources:
    """What one trial took of the machine.

    Args:
        wall_s: real time.
        cpu_s: of all programs of the network; in the simulator of the process that is all of it.
        memory_kb: of all programs at the end, what they share counted once; in the simulator the
            most that its process had.
        programs: by name the seconds and the memory of each; none in the simulator.
    """

    wall_s: float
    cpu_s: float
    memory_kb: int
    programs: dict[str, tuple[float, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """For a report."""
        programs = {name: [round(s, 2), kb] for name, (s, kb) in self.programs.items()}
        return {
            "wall": round(self.wall_s, 3),
            "cpu": round(self.cpu_s, 3),
            "memory_kb": self.memory_kb,
            "programs": programs,
        }


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
        history: what happened, moment by moment; None of most trials, see `spof.keeping`.
        resources: what it took of the machine; None if that was not measured.
        supports: what each thing that came about hung on, in the simulator; not written down.
    """

    harm: FaultPlan
    healing: FaultPlan
    findings: list[Finding] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    digest: str = ""
    notes: list[str] = field(default_factory=list)
    trouble: str = ""
    sometimes: dict[str, int] = field(default_factory=dict)
    history: TrialHistory | None = None
    resources: Resources | None = None
    supports: list[Support] = field(default_factory=list)

    @property
    def broken(self) -> list[Finding]:
        """Those that do not hold."""
        return [each for each in self.findings if each.holds is False]

    def to_json(self) -> dict[str, object]:
        """For a report; what was not kept or measured is not in it."""
        more: dict[str, object] = {}
        if self.history is not None:
            more["history"] = self.history.to_json()
        if self.resources is not None:
            more["resources"] = self.resources.to_json()
        return more | {
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
