"""Tests that start processes do not run beside each other."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.process


def test_tests_with_processes_are_one_group(request: pytest.FixtureRequest) -> None:
    if getattr(request.config.option, "loadgroup", False):  # Set by xdist in its workers.
        assert request.node.nodeid.endswith("@process")
