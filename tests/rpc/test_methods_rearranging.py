"""Reorganisation by command, on a real node with libbitcoinkernel."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import TxOut
from tests.rpc.running import Rig, running
from tests.signing import Signer

UNKNOWN = "11" * 32
DEEP = 100
LIMIT_S = 1.0


@pytest.fixture(name="rig")
def rig_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("node")) as started:
        yield started


def names(blocks: list[Block]) -> list[str]:
    return [to_hex(block.hash) for block in blocks]


def statuses(rig: Rig) -> dict[str, str]:
    return {tip["hash"]: tip["status"] for tip in rig.call("getchaintips")}


def test_a_branch_is_left_and_comes_back(rig: Rig) -> None:
    chain = names(rig.mine(6))
    assert rig.call("invalidateblock", chain[3]) is None
    assert rig.call("getbestblockhash") == chain[2]
    assert rig.call("getblockchaininfo")["headers"] == 3
    assert statuses(rig) == {chain[5]: "invalid", chain[2]: "active"}
    assert rig.call("getblockheader", chain[4])["confirmations"] == -1
    assert rig.call("getblock", chain[4], 0), "its bytes are there all the same"
    other = names(rig.mine(1, Signer("other")))
    assert rig.call("reconsiderblock", chain[5]) is None
    assert statuses(rig) == {chain[5]: "active", other[0]: "valid-fork"}
    assert rig.call("reconsiderblock", chain[5]) is None


def test_the_log_says_what_test_suites_wait_for(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    chain = names(rig.mine(3))
    with caplog.at_level(logging.INFO, "axon"):
        rig.call("invalidateblock", chain[1])
    text = "\n".join(record.getMessage() for record in caplog.records)
    height = rig.call("getblockcount")
    assert re.search(
        rf"InvalidChainFound: invalid block={chain[1]}  height={height + 1}  log2_work=\d", text
    )
    assert re.search(rf"InvalidChainFound:  current best={chain[0]}  height={height}  ", text)
    rig.call("reconsiderblock", chain[1])


def test_a_preferred_block_wins_among_equals(rig: Rig) -> None:
    chain = names(rig.mine(3))
    rig.call("invalidateblock", chain[2])
    rival = names(rig.mine(1, Signer("rival")))
    rig.call("reconsiderblock", chain[2])
    assert rig.call("getbestblockhash") == chain[2]
    assert rig.call("preciousblock", rival[0]) is None
    assert rig.call("getbestblockhash") == rival[0]
    assert statuses(rig)[chain[2]] == "valid-fork"


@pytest.mark.parametrize("name", ["invalidateblock", "reconsiderblock", "preciousblock"])
def test_an_unknown_block_is_refused(rig: Rig, name: str) -> None:
    assert rig.refusal(name, UNKNOWN) == (-5, "Block not found")
    assert rig.refusal(name, "00") == (-8, "blockhash must be of length 64 (not 2, for '00')")


def test_transactions_of_the_ten_highest_blocks_come_back(rig: Rig) -> None:
    coins = rig.mine(12)
    rig.mine(100)
    paid: list[str] = []
    mined: list[Block] = []
    for block in coins:
        coin = rig.coinbase(block)
        output = TxOut(coin.amount_sat - 1_000, rig.alice.script)
        paid.append(rig.send(rig.alice.pay([coin], [output])))
        mined += rig.mine()
    rig.call("invalidateblock", to_hex(mined[0].hash))
    assert sorted(rig.call("getrawmempool")) == sorted(paid[2:])
    rig.call("reconsiderblock", to_hex(mined[0].hash))
    assert rig.call("getrawmempool") == []


def test_a_long_way_back_is_quick_and_holds_nobody_up(rig: Rig) -> None:
    chain = names(rig.mine(DEEP + 5))
    waiting = rig.begin("waitfornewblock", 10_000)
    began = time.perf_counter()
    rig.call("invalidateblock", chain[5])
    assert time.perf_counter() - began < LIMIT_S
    assert waiting.result(10)["hash"] != chain[-1]
    assert rig.call("getblockcount") == 5
    assert rig.call("gettxoutsetinfo", "none")["height"] == 5
    rig.call("reconsiderblock", chain[5])
    assert rig.call("getbestblockhash") == chain[-1]
