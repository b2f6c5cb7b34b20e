"""What every run of the tests needs: that what they start can be interrupted, and an order.

A shell lets programs that it runs in the background ignore ctrl-C, and all that these start
inherits it: no test of an interrupted program could pass there.

Tests with processes of their own wait most of the time: they are dealt out to two workers, file by
file, and come one after the other in each, for more than two networks at a time would keep a small
machine too busy. A third worker does the quick tests meanwhile.

How long drawn examples take says something of the machine, which others use too, and nothing of
axon: hypothesis looks at no clock.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

PROCESS_GROUPS: Final = 2

settings.register_profile("axon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("axon")

if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # Before the groups are read.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that start processes."""
    groups: dict[Path, str] = {}
    for item in items:
        if item.get_closest_marker("process") is not None:
            group = groups.setdefault(item.path, f"process{len(groups) % PROCESS_GROUPS}")
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.get_closest_marker("process") is None)
