"""Compact blocks between nodes as processes: made whole of the pool, or with what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.compactrelay import Star, run

pytestmark = pytest.mark.process


def test_blocks_are_made_whole_at_once_unless_they_bring_something_new(tmp_path: Path) -> None:
    with Star(tmp_path, takers=2) as star:
        star.grow(coins=20)
        equal = run(star, rounds=1, transactions=4, divergent=False)
        assert (equal.blocks, equal.at_once, equal.requested) == (2, 2, 0)
        assert equal.overhead < 1.01
        divergent = run(star, rounds=1, transactions=2, divergent=True)
        assert (divergent.blocks, divergent.at_once) == (2, 2), "what was replaced is kept"
        star.find([*star.pay(1), star.pay_unseen()])
        for taker in star.takers:
            (newest,) = taker.rpc("getblocktimeline", 1)
            assert newest["rebuilt"] == {"prefilled": 1, "pool": 1, "extra": 0, "requested": 1}
            assert [each["by"] for each in newest["announced"]] == ["cmpctblock"]
            assert [each["by"] for each in newest["asked"]] == ["getblocktxn"]
            (peer,) = taker.rpc("getpeerinfo")
            assert peer["bip152_hb_to"]
            assert not peer["bip152_hb_from"]
            assert peer["bytesrecv_per_msg"]["blocktxn"] > 0
        assert all(peer["bip152_hb_from"] for peer in star.source.rpc("getpeerinfo"))
