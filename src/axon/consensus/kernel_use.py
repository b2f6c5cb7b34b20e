"""One open kernel, used by several threads: who closes it waits for those who use it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from axon.consensus.kernel_open import OpenKernel
from axon.consensus.library import KernelError


class KernelUse:
    """Counts the calls that are under way in a kernel.

    Args:
        opened: closed by `close`.
    """

    def __init__(self, opened: OpenKernel) -> None:
        self._opened: OpenKernel | None = opened
        self._users = 0
        self._exchanging = False
        self._changed = threading.Condition()

    @contextmanager
    def call(self) -> Iterator[OpenKernel]:
        """The kernel for one call, which stays open for so long; waits while it is exchanged.

        Raises:
            KernelError: it is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._exchanging)
            opened = self._opened
            if opened is None:
                raise KernelError("The kernel is closed.")
            self._users += 1
        try:
            yield opened
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[OpenKernel]:
        """The kernel for one call during which nobody else calls; others wait.

        Raises:
            KernelError: it is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._exchanging)
            opened = self._opened
            if opened is None:
                raise KernelError("The kernel is closed.")
            self._exchanging = True
            self._changed.wait_for(lambda: self._users == 0)
        try:
            yield opened
        finally:
            with self._changed:
                self._exchanging = False
                self._changed.notify_all()

    def exchange(self, reopened: Callable[[], OpenKernel]) -> None:
        """Close it, and take another in its place; calls of other threads wait meanwhile.

        Args:
            reopened: gives the other one, when the first is closed.

        Raises:
            KernelError: whatever `reopened` raises; it is closed then.
        """
        with self._changed:
            self._exchanging = True
            self._changed.wait_for(lambda: self._users == 0)
            opened, self._opened = self._opened, None
        try:
            if opened is not None:
                opened.close()
                self._opened = reopened()
        finally:
            with self._changed:
                self._exchanging = False
                self._changed.notify_all()

    def close(self) -> None:
        """Write everything down and free it, when the last call is over."""
        with self._changed:
            self._changed.wait_for(lambda: not self._exchanging)
            opened, self._opened = self._opened, None
            self._changed.wait_for(lambda: self._users == 0)
        if opened is not None:
            opened.close()
