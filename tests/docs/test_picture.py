"""docs/rooms.svg shows the rooms of the code, and which needs which."""

from __future__ import annotations

import re
from pathlib import Path
from runpy import run_path

DOCS = Path(__file__).parent.parent.parent / "docs"

_SIZES = re.compile(r'[\d,]+ lines|stroke-width="[\d.]+"')
"""What changes with every line of code: sizes of rooms, and how many imports an arrow stands for."""


def test_the_picture_is_that_of_the_code() -> None:
    drawn = run_path(str(DOCS / "draw_rooms.py"))["draw"]()
    kept = (DOCS / "rooms.svg").read_text()
    assert _SIZES.sub("", kept) == _SIZES.sub("", drawn), "make picture"
