"""The short form of `tests/process/soak.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.soak import soak

pytestmark = [pytest.mark.process, pytest.mark.slow]


def test_twenty_seconds_of_payments_leave_nothing_to_complain_of(tmp_path: Path) -> None:
    figures = soak(tmp_path, 20.0)
    assert figures.complaints == [], figures.text()
    assert figures.payments
    assert figures.blocks
