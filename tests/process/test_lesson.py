"""`axon lesson` on a terminal, with real nodes: one act, a look at a page, and out."""

from __future__ import annotations

import re
import sys
import urllib.request

import pytest

from tests.process.terminal import terminal

pytestmark = pytest.mark.process


def test_a_lesson_is_begun_looked_at_and_left() -> None:
    with terminal([sys.executable, "-m", "axon", "lesson"]) as lesson:
        lesson.read_until("[Enter: act 1 of 11")
        lesson.press("\n")
        lesson.read_until("[Enter: act 2 of 11")
        lesson.press("?")
        drawn = lesson.read_until("-getinfo")
        (url,) = re.findall(r"node 1 +(http://127\.0\.0\.1:\d+/)#\S+", drawn)
        with urllib.request.urlopen(url, timeout=30) as page:
            assert b"axon node" in page.read()
        lesson.press("q")
        lesson.read_until("every process that was started here has ended")
        assert lesson.left() == 130
