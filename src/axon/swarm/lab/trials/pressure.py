"""Whether a machine was too busy for what a trial on it found to mean anything.

Deadlines of trials are those of the network's clocks, which run many times as fast as others. Where
programs wait much longer for a processor than they run, whatever comes late is the machine's doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.swarm.trialreport import TrialReport

MOST_WAITING: Final = 10.0
"""Seconds waited for a processor, for each second run, with which a failure still counts. Six were
seen where ten times as much was to run as there were processors, and all trials held."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """What the programs of a network had of the processors during a trial.

    Args:
        ran_s: for how long they ran, all together.
        waited_s: for how long they could have, and had no processor.
    """

    ran_s: float
    waited_s: float

    def __str__(self) -> str:
        return (
            f"its programs ran for {self.ran_s:.1f} s, and waited {self.waited_s:.1f} s for a"
            " processor"
        )

    @property
    def is_too_much(self) -> bool:
        """Whether nothing can be said of a network under it."""
        return self.waited_s > MOST_WAITING * self.ran_s

    def weigh(self, report: TrialReport) -> None:
        """Have a failure that may be the machine's be none: then the trial decides nothing.

        What held under pressure holds.
        """
        if report.broken and not report.trouble and self.is_too_much:
            report.trouble = f"this machine is too busy: {self}"
