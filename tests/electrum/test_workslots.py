"""Turns to be worked for: who asks from many connections waits for himself."""

from __future__ import annotations

import asyncio
import gc
from weakref import ref

from axon.electrum.places import LOCAL
from axon.electrum.workslots import WORKING, WORKING_LOCAL, WORKING_OF_ONE, NetworkSlots, WorkSlots


async def work_on(slots: NetworkSlots) -> None:
    """Work for ever."""
    async with slots:
        await asyncio.get_running_loop().create_future()


def test_who_asks_much_leaves_turns_for_others() -> None:
    async def run() -> None:
        slots = WorkSlots()
        greedy, local, others = slots.of("192.0.2.1"), slots.of(LOCAL), slots.of("192.0.2.2")
        tasks = [asyncio.create_task(work_on(greedy)) for _ in range(2 * WORKING)]
        await asyncio.sleep(0)
        for _ in range(WORKING - WORKING_OF_ONE):
            tasks.append(asyncio.create_task(work_on(local)))
        await asyncio.sleep(0)
        tasks[-1].cancel()
        await asyncio.gather(tasks.pop(), return_exceptions=True)
        async with asyncio.timeout(1), others:
            pass
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        tasks = [asyncio.create_task(work_on(local)) for _ in range(2 * WORKING)]
        await asyncio.sleep(0)
        assert WORKING_LOCAL + WORKING_OF_ONE == WORKING
        async with asyncio.timeout(1):  # All were given back, and some are not this machine's.
            for _ in range(WORKING_OF_ONE):
                await others.__aenter__()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def test_an_origin_has_the_same_turns_as_long_as_somebody_is_there() -> None:
    async def run() -> None:
        slots = WorkSlots()
        first = slots.of("192.0.2.1")
        assert slots.of("192.0.2.1") is first
        assert slots.of("192.0.2.2") is not first
        gone = ref(first)
        del first
        gc.collect()
        assert gone() is None

    asyncio.run(run())
