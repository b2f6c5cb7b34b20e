"""What a page shows of a node, from answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from axon.dash.inside import FEERATES, block_coins, look, pool_fees
from axon.rpc.errors import Code, RpcError

HASH = "11" * 32


class Answers:
    """A node that gives the same answers again and again, and refuses what it has none for."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    async def __call__(self, method: str, *_: object) -> Any:
        if method not in self._answers:
            raise RpcError(Code.METHOD_NOT_FOUND, "Method not found")
        answer = self._answers[method]
        if isinstance(answer, Exception):
            raise answer
        return answer


def core() -> dict[str, Any]:
    """The answers of a node that keeps no timelines, as Bitcoin Core gives them."""
    return {
        "getblockchaininfo": {
            "chain": "regtest", "blocks": 7, "headers": 9, "bestblockhash": HASH, "time": 1,
            "initialblockdownload": True, "verificationprogress": 0.5, "size_on_disk": 10,
            "warnings": ["one"],
        },
        "getnetworkinfo": {"subversion": "/Satoshi:31.0.0/"},
        "getpeerinfo": [],
        "getmempoolinfo": {"size": 2, "bytes": 300, "usage": 1000, "maxmempool": 5000},
        "getnettotals": {"totalbytesrecv": 5, "totalbytessent": 6},
        "uptime": 3,
    }  # fmt: skip


def test_a_node_without_timelines_is_shown_without_them() -> None:
    told: Any = asyncio.run(look(Answers(**core()), 4096))
    assert told["blocks"] == []
    assert (told["node"]["height"], told["node"]["headers"]) == (7, 9)
    assert (told["received_bytes"], told["sent_bytes"], told["memory_bytes"]) == (5, 6, 4096)


def test_other_refusals_come_out() -> None:
    refused = RpcError(Code.MISC, "Loading")
    with pytest.raises(RpcError, match="Loading"):
        asyncio.run(look(Answers(**core() | {"getblocktimeline": refused}), None))


def test_the_pool_is_told_by_what_it_pays() -> None:
    points = [
        {"weight": 0, "fee": 0.0},
        {"weight": 400, "fee": 0.000_021},  # 100 vB at 21 sat/vB
        {"weight": 801, "fee": 0.000_022},  # 100.25 vB at a little less than 1 sat/vB
        {"weight": 1201, "fee": 0.000_022},  # for nothing
    ]
    told: Any = asyncio.run(pool_fees(Answers(getmempoolfeeratediagram=points)))
    groups = {each["least"]: each["vbytes"] for each in told["groups"]}
    assert groups == dict.fromkeys(FEERATES, 0) | {20: 100, 0: 201}
    assert [each["least"] for each in told["groups"]] == list(reversed(FEERATES))


def block(transactions: int) -> Answers:
    stats = dict.fromkeys(
        ("height", "time", "ins", "outs", "subsidy", "totalfee", "total_out", "total_size",
         "total_weight", "utxo_increase_actual", "feerate_percentiles"), 0,
    )  # fmt: skip
    spends = {"prevout": {"value": 0.000_000_03}}
    listed: list[Any] = [{"txid": HASH, "vin": [{"coinbase": "00"}], "vout": [{"value": 50.0}]}]
    listed += [{"txid": HASH, "vin": [spends] * 99, "vout": []}] * (transactions - 1)
    return Answers(getblockstats=stats | {"txs": transactions}, getblock={"tx": listed})


def test_the_coins_of_a_small_block_are_told_one_by_one() -> None:
    told: Any = asyncio.run(block_coins(block(2), HASH))
    first, second = told["transactions"]
    assert (first["mines"], first["made"]) == (True, [5_000_000_000])
    assert (second["mines"], second["spent"], second["left_out"]) == (False, [3] * 60, 39)


def test_a_large_block_is_told_in_sums() -> None:
    assert "transactions" not in asyncio.run(block_coins(block(61), HASH))
