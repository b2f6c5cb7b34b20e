"""Warnings by the thousand are a few lines and a count."""

from __future__ import annotations

import asyncio
import logging

import pytest

from axon.rpc.sparselog import LINES_A_PERIOD, SparseLog


def test_some_lines_of_each_kind_then_a_count(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("axon.rpc.sparselog.PERIOD_S", 0.05)

    async def warn() -> None:
        sparse = SparseLog(logging.getLogger("axon.rpc"))
        for number in range(1_000):
            sparse.warning("wrong %s", number)
        sparse.warning("other %d", 1)
        first = [f"wrong {number}" for number in range(LINES_A_PERIOD)] + ["other 1"]
        assert caplog.messages == first
        await asyncio.sleep(0.1)
        told = f"{1_000 - LINES_A_PERIOD} more lines were left out: wrong ..."
        assert caplog.messages == [*first, told]
        sparse.warning("wrong %s", "again")
        assert caplog.messages[-1] == "wrong again"

    asyncio.run(warn())


def test_what_was_left_out_is_told_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def warn() -> None:
        sparse = SparseLog(logging.getLogger("axon.rpc"))
        for _ in range(LINES_A_PERIOD + 1):
            sparse.warning("wrong")
        sparse.close()
        sparse.close()

    asyncio.run(warn())
    assert caplog.messages[LINES_A_PERIOD:] == ["1 more lines were left out: wrong"]
