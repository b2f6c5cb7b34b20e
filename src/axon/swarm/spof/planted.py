"""The planted score: how many single points of failure that were put there on purpose are found.

Found: its component is named and no other is. Missed: it is not named. A false alarm: somebody is
named who is not to blame, or something fails where nothing was harmed. A run has a score of its
own, from its controls; `python -m bench.verdict planted` makes the whole one and saves it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.errors import ConfigError
from axon.swarm.spof.savedfields import list_of, read_bounded, text_of
from axon.swarm.spof.verdict import Control

SCHEMA: Final = "axon planted score 1"

MAX_SCORE_BYTES: Final = 1 << 20
"""Of a file."""


@dataclass(frozen=True, slots=True)
class PlantedScore:
    """What became of planted points.

    Args:
        about: where the score comes from.
        found, missed: planted points by name.
        false_alarms: who was blamed for nothing, and where.
    """

    about: str
    found: tuple[str, ...]
    missed: tuple[str, ...]
    false_alarms: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """All were found, and no other was blamed."""
        return bool(self.found) and not self.missed and not self.false_alarms

    def to_json(self) -> dict[str, object]:
        """For a file."""
        return {
            "schema": SCHEMA,
            "about": self.about,
            "found": list(self.found),
            "missed": list(self.missed),
            "false_alarms": list(self.false_alarms),
        }


def score_of(controls: Sequence[Control]) -> PlantedScore:
    """Of the controls of a run."""
    planted = [each for each in controls if each.must_fail]
    calm = [each for each in controls if not each.must_fail]
    return PlantedScore(
        "the controls of this run",
        tuple(each.about for each in planted if each.passed),
        tuple(each.about for each in planted if not each.passed),
        tuple(f"{each.about}: {each.said}" for each in calm if not each.passed),
    )


def read_score_file(path: Path) -> PlantedScore:
    """From a file, no further than it may be long.

    Raises:
        ConfigError: it cannot be read, or as `read_score`; the text names it.
    """
    return read_bounded(path, MAX_SCORE_BYTES, read_score)


def read_score(text: str) -> PlantedScore:
    """From the text of a file.

    Raises:
        ConfigError: it is no score.
    """
    try:
        data = json.loads(text) if len(text) <= MAX_SCORE_BYTES else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ConfigError(
            f"expected an object with the schema {SCHEMA!r}, as python -m bench.verdict planted "
            "--save writes it"
        )
    try:
        names = [
            tuple(text_of(each) for each in list_of(data[word]))
            for word in ("found", "missed", "false_alarms")
        ]
        return PlantedScore(text_of(data["about"]), *names)
    except KeyError as error:
        raise ConfigError(f"this is no planted score: {error} is missing") from None
