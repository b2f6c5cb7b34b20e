"""Who waits for news of payments is woken by them, and by nothing else."""

from __future__ import annotations

import asyncio

import pytest

from axon.drivers.aio.driver import Stopped
from axon.rpc.dealnews import DealNews


def test_news_before_the_wait_are_not_missed() -> None:
    async def act() -> None:
        news = DealNews()
        known = news.count
        news.tell()
        await news.wait(known, None)
        waiting = asyncio.create_task(news.wait(news.count, None))
        await asyncio.sleep(0)
        assert not waiting.done()
        news.tell()
        await waiting

    asyncio.run(act())


def test_a_wait_ends_with_its_time_and_with_the_program() -> None:
    async def act() -> None:
        news = DealNews()
        await news.wait(news.count, 0.001)
        waiting = asyncio.create_task(news.wait(news.count, None))
        await asyncio.sleep(0)
        news.close()
        with pytest.raises(Stopped):
            await waiting

    asyncio.run(act())
