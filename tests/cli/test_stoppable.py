"""A request to end does what ctrl-C does, once, and leaves no handler behind."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from axon.cli.stoppable import stoppable

REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("request_", REQUESTS)
def test_whichever_signal_asks_ends_it_and_a_second_disturbs_nothing(
    request_: signal.Signals,
) -> None:
    before = [signal.getsignal(number) for number in REQUESTS]

    def asked_again_while_ending() -> None:
        try:
            os.kill(os.getpid(), request_)
        finally:
            for number in REQUESTS:
                os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt), stoppable():
        asked_again_while_ending()
    assert [signal.getsignal(number) for number in REQUESTS] == before


def test_in_another_thread_it_runs_as_it_is() -> None:
    def within() -> str:
        with stoppable():
            return "done"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(within).result() == "done"
