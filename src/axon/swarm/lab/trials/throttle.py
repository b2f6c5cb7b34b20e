"""A program that hardly gets on: stopped nearly all the time, and let go for a moment now and then.

This is done by signals from here, in turns (a duty cycle), and not by a control group: those need
rights that a person seldom has. Its connections stand, and whatever asks it waits.
"""

from __future__ import annotations

import signal
from threading import Event, Thread
from typing import Final

from axon.swarm.lab.processidentity import ProcessIdentity, send_signal

PERIOD_S: Final = 0.5
"""From one moment to the next: so long that a hundredth of it is enough to be given a processor."""


class Throttle:
    """One process that is slowed down until `end`.

    Args:
        identity: of the process.
        factor: so many times slower; it runs that part of the time.
    """

    def __init__(self, identity: ProcessIdentity, factor: float) -> None:
        self._identity = identity
        self._run_s = PERIOD_S / factor
        self._ended = Event()
        self._thread = Thread(target=self._turn, name="throttle", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let it run freely again, if it lives."""
        self._ended.set()
        self._thread.join()
        send_signal(self._identity, signal.SIGCONT)

    def _turn(self) -> None:
        lives = True
        while lives and not self._ended.is_set():
            send_signal(self._identity, signal.SIGSTOP)
            self._ended.wait(PERIOD_S - self._run_s)
            lives = send_signal(self._identity, signal.SIGCONT)
            self._ended.wait(self._run_s)
