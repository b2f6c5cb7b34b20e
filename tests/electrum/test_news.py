"""What a client is still to be told: the newest of each, some at a time."""

from __future__ import annotations

import json

from axon.electrum.news import TOLD_AT_ONCE, News
from axon.electrum.statuses import StatusChange
from axon.primitives.hashes import to_hex


def change(number: int, status: str) -> StatusChange:
    """A script has this status."""
    return StatusChange(number.to_bytes(32, "big"), status, 0)


def test_what_changed_often_is_told_once_and_some_at_a_time() -> None:
    news, count = News(), 2 * TOLD_AT_ONCE + 7
    scripts = {number.to_bytes(32, "big") for number in range(count)}
    news.statuses([change(number, "old") for number in range(count)])
    news.statuses([change(number, "new") for number in range(count)])
    told: list[list[object]] = []
    rounds = 0
    while news:
        lines = news.next(scripts)
        assert len(lines) <= TOLD_AT_ONCE
        told += [json.loads(line)["params"] for line in lines]
        rounds += 1
    assert rounds == 3
    assert told == [[to_hex(number.to_bytes(32, "big")), "new"] for number in range(count)]


def test_what_it_learns_otherwise_or_is_not_subscribed_to_is_not_told() -> None:
    news = News()
    news.statuses([change(1, "a"), change(2, "b"), change(3, "c")])
    news.superseded((2).to_bytes(32, "big"))
    (line,) = news.next({(3).to_bytes(32, "big"), (2).to_bytes(32, "big")})
    assert json.loads(line)["params"] == [to_hex((3).to_bytes(32, "big")), "c"]
    assert not news
