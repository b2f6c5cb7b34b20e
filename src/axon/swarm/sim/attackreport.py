"""What became of one attack on a network in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from axon.swarm.invariants import Finding


@dataclass(slots=True)
class AttackReport:
    """One attack, carried out with chance of one seed.

    Args:
        attack: its name.
        seed: of all chance.
        findings: what was judged.
        digest: the fingerprint of the run.
        sometimes: how often each interesting state was reached (`sightings`).
        events: that machines took in.
        notes: what else was seen, a sentence each.
    """

    attack: str
    seed: int
    findings: list[Finding] = field(default_factory=list)
    digest: str = ""
    sometimes: dict[str, int] = field(default_factory=dict)
    events: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return all(each.holds is True for each in self.findings)

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        for each in self.findings:
            word = {True: "holds", False: "does not hold", None: "is not decided"}[each.holds]
            yield f"seed {self.seed}: {each.name} {each.title} {word}: {each.said}"
        yield from (f"  {note}" for note in self.notes)
        yield f"  trace {self.digest}"

    def to_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "attack": self.attack,
            "seed": self.seed,
            "invariants": {each.name: each.to_json() for each in self.findings},
            "digest": self.digest,
            "sometimes": self.sometimes,
            "notes": self.notes,
        }
