"""Adds to the history of a trial with processes what clients do not tell: last blocks and links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from axon.machine import Instant
from axon.swarm.invariants import Finding
from axon.swarm.lab import members
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.trials.journal import Journal
from axon.swarm.lab.trials.states import Tip
from axon.swarm.trialhistory import (
    JUDGE,
    LineType,
    Link,
    TipSeen,
    TrialHistory,
    TrialPhase,
    link_of,
)

_TIP_DIGITS = 8


class Recorder:
    """Of one trial; what it knows of blocks is as fine as the looks that the trial takes.

    Args:
        manifest: of the run.
        journal: has the history, with what clients did.
        now: the time by the network's clocks.
    """

    def __init__(self, manifest: Manifest, journal: Journal, now: Callable[[], Instant]) -> None:
        self._manifest = manifest
        self._journal = journal
        self._now = now
        self._begin = now()
        self._tips: dict[str, Tip | None] = {}

    @property
    def history(self) -> TrialHistory:
        """So far."""
        return self._journal.history

    def saw(self, asked: Sequence[str], tips: Mapping[str, Tip]) -> None:
        """Nodes were asked on which block they are; some said nothing."""
        at_us = self._now() - self._begin
        for name in asked:
            tip = tips.get(name)
            if name not in self._tips or self._tips[name] != tip:
                self._tips[name] = tip
                height, block = tip or (-1, "")
                self.history.add_tip(TipSeen(at_us, name, height, block[-_TIP_DIGITS:]))

    def look(self, phase: TrialPhase) -> None:
        """Who is linked to whom now."""
        seen = {
            view.name: view.linked
            for view in (*members.views(self._manifest), *members.wallet_views(self._manifest))
        }
        both: dict[Link, None] = {}
        for name, others in seen.items():
            for other in sorted(others):
                if other in seen:
                    both[link_of(name, other)] = None
        self.history.set_links(phase, both)

    def judged(self, findings: Sequence[Finding]) -> None:
        """What was found of some invariants; only what does not hold is a line."""
        for each in findings:
            if each.holds is False:
                self._journal.note(JUDGE, each.name, LineType.FAIL, each.said)

    def heals(self) -> None:
        """The harm is about to be taken back."""
        self.history.heals_at_us = self._now() - self._begin

    def end(self) -> TrialHistory:
        """All of it."""
        self.look(TrialPhase.HEALED)
        self.history.ends_at_us = self._now() - self._begin
        return self.history
