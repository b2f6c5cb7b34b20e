"""Pools that are full, and pools with other limits: axon beside bitcoind with the same options.

The two count memory in their own ways, so they let go of different numbers of transactions; what
the minimum feerate is afterwards, and how it falls, follows from what went in the same way.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from axon.primitives.transaction import COIN, TxOut
from axon.swarm.lab.processes import wait_until
from tests.interop.poolpair import ANYONE, Coin, PoolPair, output_of, pool_pair, spend, txid_hex

pytestmark = [pytest.mark.interop, pytest.mark.process, pytest.mark.timeout(300)]

VSIZE = 99_000
STEP = 100
HOUR = 3_600


class Caller(Protocol):
    """Either of the two."""

    def rpc(self, method: str, /, *args: object) -> Any:
        """Call a method of its JSON-RPC."""


def floor(node: Caller) -> int:
    """What it asks for at least, in satoshi per 1,000 vbytes."""
    return int(Decimal(str(node.rpc("getmempoolinfo")["mempoolminfee"])) * COIN)


def fill(pair: PoolPair, count: int) -> dict[str, int]:
    """Send large transactions, each with a better feerate than the one before; feerates by txid."""
    feerates: dict[str, int] = {}
    for number, coin in enumerate(pair.coins(count, amount_sat=COIN // 2)):
        feerate = 1_000 + STEP * number
        transaction = spend([coin], fee=feerate * VSIZE // 1_000, vsize=VSIZE)
        for node in (pair.core, pair.axon):
            node.rpc("sendrawtransaction", transaction.raw.hex(), 0)
        feerates[txid_hex(transaction)] = feerate
    return feerates


def test_minimum_after_eviction(tmp_path: Path) -> None:
    with pool_pair(tmp_path, "-maxmempool=5", "-whitelist=noban@127.0.0.1") as pair:
        assert pair.same("getmempoolinfo")["mempoolminfee"] == 1e-6
        spare = pair.coins(4, amount_sat=COIN // 2)
        feerates = fill(pair, 70)
        floors: dict[Caller, int] = {}
        for node in (pair.core, pair.axon):
            held = set(node.rpc("getrawmempool"))
            assert 10 < len(held) < 60
            gone = [feerate for txid, feerate in feerates.items() if txid not in held]
            kept = [feerate for txid, feerate in feerates.items() if txid in held]
            assert max(gone) < min(kept), "the worst have gone"
            floors[node] = floor(node)
            assert floors[node] == max(gone) + STEP, "and one step above them is asked for"
        for node in (pair.core, pair.axon):
            _refuses_below(node, floors[node], spare[0])
        _peers_are_told(pair, floors)
        _falls_with_time(pair, floors)


def _refuses_below(node: Caller, least: int, coin: Coin) -> None:
    fee = -(-least * 200 // 1_000)
    poor = spend([coin], fee=fee - 1, vsize=200)
    answer = node.rpc("testmempoolaccept", [poor.raw.hex()])[0]
    assert answer["reject-reason"] == "mempool min fee not met"
    assert answer["reject-details"] == f"mempool min fee not met, {fee - 1} < {fee}"
    rich = spend([coin], fee=fee, vsize=200)
    assert node.rpc("testmempoolaccept", [rich.raw.hex()])[0]["allowed"]
    child = spend([output_of(poor)], fee=fee, vsize=200)
    result = node.rpc("submitpackage", [poor.raw.hex(), child.raw.hex()])
    assert result["package_msg"] == "transaction failed"
    errors = [each["error"] for each in result["tx-results"].values()]
    both = f"mempool min fee not met, {2 * fee - 1} < {-(-least * 400 // 1_000)}"
    assert errors == [f"mempool min fee not met, {fee - 1} < {fee}", both]


def _told(listener: Caller) -> int:
    """The minimum of its only peer; 0 before it has said one."""
    peers = listener.rpc("getpeerinfo")
    return int(Decimal(str(peers[0]["minfeefilter"])) * COIN) if peers else 0


def _is_told(listener: Caller) -> bool:
    return _told(listener) > STEP


def _peers_are_told(pair: PoolPair, floors: dict[Caller, int]) -> None:
    """Each tells its minimum, rounded to one of two steps."""
    pair.core.rpc("addnode", str(pair.axon.p2p), "onetry")
    for listener, teller in ((pair.core, pair.axon), (pair.axon, pair.core)):
        least = floors[teller]
        wait_until(partial(_is_told, listener), 20, "a feefilter has come")
        assert least / 1.1 - 1 <= _told(listener) <= least * 1.1 + 1
    peer = pair.core.rpc("getpeerinfo")[0]["id"]
    pair.core.rpc("disconnectnode", "", peer)
    wait_until(lambda: not pair.axon.rpc("getpeerinfo"), 20, "they have parted")


def _falls_with_time(pair: PoolPair, floors: dict[Caller, int]) -> None:
    now = pair.core.rpc("getblockheader", pair.core.rpc("getbestblockhash"))["time"] + HOUR // 2
    for later in (0, HOUR // 2):
        now += later
        for node, before in floors.items():
            node.rpc("setmocktime", now)
            assert floor(node) == before, "it does not fall before the next block"
    pair.mine_with()
    for hours, factor in ((0, 1.0), (6, 2**-0.5), (12, 0.5), (24, 0.25)):
        for node, before in floors.items():
            node.rpc("setmocktime", now + hours * HOUR)
            assert abs(floor(node) - before * factor) <= 1, hours
    for node in floors:
        node.rpc("setmocktime", now + 300 * HOUR)
        assert floor(node) == STEP, "nothing but what is relayed at all"


def test_minimum_of_a_pool_that_is_empty_again(tmp_path: Path) -> None:
    with pool_pair(tmp_path, "-maxmempool=5") as pair:
        fill(pair, 62)
        floors: dict[Caller, int] = {node: floor(node) for node in (pair.core, pair.axon)}
        held = pair.core.rpc("getrawmempool")
        common = [txid for txid in pair.axon.rpc("getrawmempool") if txid in held]
        raw = [pair.core.rpc("getrawtransaction", txid) for txid in common]
        now = pair.core.rpc("getblockheader", pair.core.rpc("getbestblockhash"))["time"] + 600
        for node in floors:
            node.rpc("setmocktime", now)
        for begin in range(0, len(raw), 9):
            block = pair.core.rpc("generateblock", f"raw({ANYONE.hex()})", raw[begin : begin + 9])
            pair.axon.rpc("submitblock", pair.core.rpc("getblock", block["hash"], 0))
        assert not pair.axon.rpc("getrawmempool")
        for node in floors:
            share = node.rpc("getmempoolinfo")["usage"] / 5_000_000
            half_life = 12 * HOUR / (4 if share < 0.25 else 2 if share < 0.5 else 1)
            for seconds in (10, 11, HOUR, 3 * HOUR):
                node.rpc("setmocktime", now + seconds)
                passed = seconds if seconds > 10 else 0
                expected = max(STEP, round(floors[node] * 2 ** (-passed / half_life)))
                assert abs(floor(node) - expected) <= 1, (seconds, share)


OTHERS = (
    "-minrelaytxfee=0.00002",
    "-incrementalrelayfee=0.00003",
    "-dustrelayfee=0.0001",
    "-datacarriersize=50",
    "-bytespersigop=100",
    "-limitclustercount=5",
    "-limitclustersize=10",
    "-permitbaremultisig=0",
    "-mempoolexpiry=1",
)


def test_other_limits(tmp_path: Path) -> None:
    multisig = b"\x51" + (b"\x21" + b"\x02" * 33) * 2 + b"\x52\xae"
    with pool_pair(tmp_path, *OTHERS) as pair:
        pair.same("getmempoolinfo")
        coins = iter(pair.coins(60))
        for fee in (399, 400):
            pair.send(spend([next(coins)], fee=fee, vsize=200), f"fee of {fee}")
        coin = next(coins)
        pair.send(spend([coin], fee=1_000, vsize=200))
        for fee in (1_599, 1_600):
            pair.send(spend([coin], fee=fee, vsize=200), f"replaced for {fee}")
        for amount in (979, 980, 1_099, 1_100):
            for script in (b"\x00\x14" + bytes(20), ANYONE):
                dust = TxOut(amount, script)
                pair.send(spend([next(coins)], dust, fee=2_000), f"{amount} to {len(script)}")
        for size in (49, 50, 51):
            data = TxOut(0, b"\x6a" + bytes([size - 2]) + bytes(size - 2))
            pair.send(spend([next(coins)], data, fee=2_000), f"data of {size}")
        halves = [TxOut(0, b"\x6a\x17" + bytes(23))] * 2
        pair.send(spend([next(coins)], *halves, fee=2_000), "twice 25")
        pair.send(spend([next(coins)], *halves, halves[0], fee=2_000), "three times 25")
        pair.send(spend([next(coins)], TxOut(5_000, multisig), fee=9_000), "bare multisig")
        key_hash = b"\x76\xa9\x14" + bytes(20) + b"\x88\xac"
        for fee in (199, 200, 201):
            many = spend([next(coins)], *[TxOut(2_000, key_hash)] * 1, fee=fee * 2)
            pair.send(many, f"more for its checks: {fee}")
        coin = next(coins)
        for number in range(6):
            link = spend([coin], fee=2_000)
            pair.send(link, f"link {number}")
            coin = output_of(link)
        for total in (10_000, 10_001):
            parent = spend([next(coins)], fee=50_000, vsize=5_000)
            pair.send(parent)
            child = spend([output_of(parent)], fee=50_000, vsize=total - 5_000)
            pair.send(child, f"a cluster of {total}")
        pair.compare_pools()
        now = pair.core.rpc("getblockheader", pair.core.rpc("getbestblockhash"))["time"] + 600
        pair.mine()
        for node in (pair.core, pair.axon):
            node.rpc("setmocktime", now)
        old = spend([next(coins)], fee=2_000)
        pair.send(old)
        pair.send(spend([output_of(old)], fee=2_000))
        for age in (HOUR, HOUR + 1):
            for node in (pair.core, pair.axon):
                node.rpc("setmocktime", now + age)
            pair.send(spend([next(coins)], fee=2_000), f"while another is {age} s old")
            pair.same("getrawmempool")
            pair.same("getmempoolentry", txid_hex(old))
        pair.settle()


def test_no_data_and_odd_scripts(tmp_path: Path) -> None:
    options = ("-datacarrier=0", "-incrementalrelayfee=0.0001", "-maxmempool=20")
    with pool_pair(tmp_path, *options) as pair:
        assert pair.same("getmempoolinfo")["minrelaytxfee"] == 1e-4
        coins = iter(pair.coins(10))
        for script in (b"\x6a", b"\x6a\x00"):
            pair.send(spend([next(coins)], TxOut(0, script), fee=5_000), script.hex())
        pair.send(spend([next(coins)], fee=5_000))
        pair.settle()
    with pool_pair(tmp_path / "odd", "-acceptnonstdtxn=1") as pair:
        pair.same("getmempoolinfo")
        coins = iter(pair.coins(20))
        for note, odd in {
            "version": spend([next(coins)], version=9),
            "script": spend([next(coins)], TxOut(10_000, b"\x51")),
            "dust": spend([next(coins)], TxOut(1, ANYONE)),
            "two of dust": spend([next(coins)], TxOut(1, ANYONE), TxOut(1, ANYONE)),
            "data": spend([next(coins)], TxOut(0, b"\x6a" + bytes(9)), TxOut(0, b"\x6a")),
            "large": spend([next(coins)], vsize=100_900, fee=200_000),
            "larger than a cluster": spend([next(coins)], vsize=101_001, fee=200_000),
            "small": spend([next(coins)], TxOut(999_000, b"\x6a"), change=None),
            "no fee": spend([next(coins)], fee=0),
        }.items():
            pair.send(odd, note)
        pair.compare_pools()
        pair.settle()
