"""Few tests that start processes run beside each other."""

from __future__ import annotations

import re

import pytest

from tests.conftest import PROCESS_GROUPS

pytestmark = pytest.mark.process


def test_tests_with_processes_are_in_few_groups(request: pytest.FixtureRequest) -> None:
    if getattr(request.config.option, "loadgroup", False):  # Set by xdist in its workers.
        group = re.search(r"@process([0-9]+)$", request.node.nodeid)
        assert group is not None
        assert int(group[1]) < PROCESS_GROUPS
