"""The thread in which the full-screen wallet asks: it is never forgotten, and holds nobody up."""

from __future__ import annotations

import asyncio
import threading

import pytest

from axon.cli.walletcommands import opening


class SlowClient:
    """A wallet that answers when it is told to."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def call(self, method: str, /, *_: object, **__: object) -> object:
        self.begun.set()
        self.go_on.wait(20)
        return method


def askers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "asker"]


def test_no_thread_is_left_behind() -> None:
    client = SlowClient()
    client.go_on.set()
    with opening.asker(client) as ask:
        assert asyncio.run(ask("getbalance")) == "getbalance"
        assert len(askers()) == 1
    assert askers() == []


def test_a_wallet_that_hangs_does_not_keep_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LEAVE_S", 0.01)
    client = SlowClient()

    async def give_up() -> None:
        with opening.asker(client) as ask:
            waiting = asyncio.ensure_future(ask("getbalance"))
            await asyncio.to_thread(client.begun.wait, 20)
            waiting.cancel()

    asyncio.run(give_up())
    (left,) = askers()
    client.go_on.set()  # It ends as soon as the wallet answers.
    left.join(20)
    assert askers() == []
