"""A coroutine on a loop of its own, interrupted at its start or not."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from axon.drivers.aio.loop import run_forgetful_loop, run_loop


@pytest.mark.parametrize("run", [run_loop, run_forgetful_loop])
def test_a_coroutine_is_run_to_its_end(
    run: Callable[[Coroutine[None, None, None]], None],
) -> None:
    loops = list[str]()

    async def main() -> None:
        await asyncio.sleep(0)
        loops.append(type(asyncio.get_running_loop()).__module__)

    run(main())
    assert loops == ["uvloop" if run is run_loop else "asyncio.unix_events"]


def test_one_that_is_interrupted_before_its_first_step_leaves_no_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted() -> asyncio.AbstractEventLoop:
        raise KeyboardInterrupt

    async def main() -> None:
        pytest.fail("it was to be interrupted")

    monkeypatch.setattr(uvloop, "new_event_loop", interrupted)
    coroutine = main()
    with pytest.raises(KeyboardInterrupt):
        run_loop(coroutine)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED, "nothing is left to run"
