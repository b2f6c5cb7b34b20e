"""What people do with a lab: pay, mine, call, read logs; and every command answers in JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.process.lab import LIMIT_S, Lab

pytestmark = pytest.mark.process


def test_a_wallet_pays_another_and_sees_it_confirmed(lab: Lab) -> None:
    lab.run("up", "3", "--wallets", "2", "--seed", "7")
    told = lab.run("pay", "w1", "w2", "0.1", "--wait")
    assert "w1 pays w2 0.10000000 BTC" in told
    assert "Confirmed in block 103, found by n" in told
    assert lab.status()["w2"]["holds"] == "0.85"
    payment = lab.json("pay", "w2", "wallet:1", "50000", "sat")
    assert (payment["from"], payment["to"]) == ("w2", "w1")
    assert (payment["amount"], payment["height"]) == (0.0005, None)
    assert payment["delivery"] in ("accepted", "spreading")
    node_says = json.loads(lab.run("rpc", "n1", "getrawtransaction", payment["txid"], "true"))
    assert payment["address"] in [out["scriptPubKey"]["address"] for out in node_says["vout"]]
    assert "900000000 sat and the fee are needed" in lab.run("pay", "w1", "w2", "9", code=3)
    assert "n1 is a node, not a wallet" in lab.run("pay", "w1", "n1", "1", code=3)
    lab.run("stop", "w2")
    assert "w2 does not answer, it is paused; axon swarm cont w2" in lab.run(
        "pay", "w1", "w2", "0.1", code=3
    )


def test_wallets_that_listen_pay_each_other_directly(lab: Lab) -> None:
    lab.run("up", "1", "--topology", "wallets", "--wallets", "2", "--seed", "7")
    told = lab.run("pay", "w1", "w2", "0.1", "--wait")
    assert "w1 pays w2 0.10000000 BTC directly" in told
    assert "Accepted by w2." in told
    assert "Confirmed in block 103, found by n1" in told
    lab.run("kill", "n1")
    lab.run("restart", "w1")
    payment = lab.json("pay", "w2", "w1", "0.2")
    assert (payment["from"], payment["to"], payment["amount"]) == ("w2", "w1", 0.2)
    assert (payment["stage"], payment["level"], payment["receipt"]) == ("accepted", 3, True)
    assert (payment["mined_by"], payment["height"]) == (None, None)


def test_every_command_answers_in_json(lab: Lab) -> None:
    up = lab.json("up", "3", "--miners", "1", "--interval", "600", "--wallets", "1", "--seed", "7")
    assert (up["nodes"], up["miners"], up["wallets"], up["fresh"]) == (3, 1, 1, True)
    assert (up["seed"], up["height"], up["topology"]) == (7, 102, "organic")
    assert [item["name"] for item in lab.json("status")["components"]] == "n1 n2 n3 m1 w1".split()
    assert json.loads(lab.run("watch", "--once", "--json"))["seed"] == 7
    assert lab.json("kill", "n1,w1") == {"done": ["n1", "w1"], "not_alive": []}
    assert lab.json("stop", "n1,n2") == {"done": ["n2"], "not_alive": ["n1"]}
    assert "n2 does not answer, it is paused" in lab.run("mine", "n2", code=3)
    (mined,) = lab.json("mine", "2")
    assert (mined["node"], mined["height"], len(mined["blocks"])) == ("n3", 104, 2)
    assert lab.json("cont", "n2")["done"] == ["n2"]
    assert lab.json("restart", "n1,w1")["done"] == ["n1", "w1"]
    assert lab.json("partition", "1|2-3") == {"sides": [["n1"], ["n2", "n3"]]}
    assert lab.json("heal") == {"sides": [], "links": []}
    assert lab.json("rpc", "n1", "getblockhash", "104") == mined["blocks"][-1]
    assert lab.json("rpc", "w1", "getwalletinfo")["walletname"] == "w1"
    (log,) = lab.json("logs", "n3", "-n", "1")
    assert (log["name"], log["file"], len(log["lines"])) == (
        "n3",
        str(lab.folder / "n3" / "regtest" / "debug.log"),
        1,
    )
    opened = lab.json("open", "w1")
    assert Path(opened["cookie"]).is_file()
    assert Path(opened["passphrase_file"]).is_file()
    assert opened["command"].startswith("axon wallet open w1 -regtest -datadir=")
    assert lab.json("check", "S2")["invariants"]["S2"]["ok"] is True
    assert lab.json("doctor")["backend"] == "proc"
    down = lab.json("down")
    assert (down["ended"], down["died"], down["left"]) == ("n1 n2 n3 m1 w1".split(), {}, [])


def test_blocks_are_found_where_and_as_many_as_one_says(lab: Lab) -> None:
    lab.run("up", "2")
    assert lab.run("mine").startswith("n1: height 102, ")
    assert lab.run("mine", "3").startswith("n1: 3 blocks to height 105, ")
    assert lab.run("mine", "n2").startswith("n2: height 106, ")
    assert lab.run("mine", "2", "2").startswith("n2: 2 blocks to height 108, ")
    lab.run("kill", "n1")
    assert lab.run("mine").startswith("n2: height 109, ")
    lab.run("kill", "n2")
    assert "no node of this run lives" in lab.run("mine", code=3)


def test_a_call_leaves_as_that_of_axon_rpc(lab: Lab) -> None:
    lab.run("up", "1")
    assert lab.run("rpc", "n1", "getblockcount") == "101\n"
    assert len(lab.run("rpc", "n1", "getblockhash", "5")) == 65
    assert lab.run("rpc", "n1", "getblockhash", "5000", code=8) == ""
    lab.run("kill", "n1")
    assert "n1 does not answer, it was ended; axon swarm restart n1" in lab.run(
        "rpc", "n1", "getblockcount", code=3
    )


def test_logs_are_followed_until_ctrl_c(lab: Lab) -> None:
    lab.run("up", "2")
    several = lab.run("logs", "n1-n2", "-n", "1").splitlines()
    assert [line[:5] for line in several] == ["n1 | ", "n2 | "]
    follow = lab.command("logs", "n2", "-f", "-n", "0")
    with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            (block,) = lab.json("rpc", "n1", "generatetoaddress", "1", address(lab))
            assert any(block in following.stdout.readline() for _ in range(20))
            os.kill(following.pid, signal.SIGINT)
            assert following.wait(LIMIT_S) == 0
        finally:
            following.kill()


def address(lab: Lab) -> str:
    """Of whoever found the first blocks."""
    block = lab.json("rpc", "n1", "getblockhash", "1")
    (coinbase,) = lab.json("rpc", "n1", "getblock", block, "2")["tx"]
    found: str = coinbase["vout"][0]["scriptPubKey"]["address"]
    return found
