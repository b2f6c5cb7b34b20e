"""Verdicts: something was accepted, or refused for a reason that has a name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """It is valid as far as it was looked at."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """It is refused.

    Args:
        reason: Bitcoin Core's spelling, such as `bad-cb-amount`.
        detail: what RPC adds behind the reason; may be empty.
    """

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}, {self.detail}" if self.detail else self.reason


Verdict = Accepted | Rejected
