"""Libraries that programs call bitcoind with: bitcoinlib and python-bitcoinrpc, and of npm
bitcoin-core and bitcoin-json-rpc.

They ask a node that has a wallet and an index of transactions, and what they say is compared with
what the node holds. Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from tests.interop.installed import require, require_npm

pytestmark = [pytest.mark.interop, pytest.mark.process]

LIMIT_S = 60.0
PASSWORD_HASH = hmac.new(b"salt", b"secret", hashlib.sha256).hexdigest()
"""They know nothing of cookies."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A node with a wallet, 101 blocks for it, and a payment of it to itself in the next."""

    axon: NodeProcess
    address: str
    txid: str


@contextlib.contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """A node as the libraries find it."""
    options = (
        *("-connect=0", "-txindex", "-fallbackfee=0.0001"),
        f"-rpcauth=alice:salt${PASSWORD_HASH}",
    )
    with NodeProcess("axon", folder, options=options).start() as axon:
        axon.rpc("createwallet", "alice")
        axon.rpc("generatetoaddress", 101, axon.rpc("getnewaddress"))
        address = axon.rpc("getnewaddress")
        txid = axon.rpc("sendtoaddress", address, 2)
        axon.rpc("generatetoaddress", 1, axon.rpc("getnewaddress"))
        wait_until(
            lambda: axon.rpc("getindexinfo", "txindex")["txindex"]["synced"], LIMIT_S, "the index"
        )
        yield Scene(axon, address, txid)


def test_python_libraries_read_payments_balances_and_blocks_and_pay(tmp_path: Path) -> None:
    python = require("rpclibraries")
    with scene(tmp_path / "axon") as told_of:
        axon, txid = told_of.axon, told_of.txid
        url = f"http://alice:secret@127.0.0.1:{axon.rpc_endpoint.port}/wallet/alice"
        script = str(Path(__file__).with_name("libraryuse.py"))
        told = run([str(python), script, url, told_of.address, txid], tmp_path)
        payment = axon.rpc("getrawtransaction", txid, 2)
        found, other = told["bitcoinlib"], told["bitcoinrpc"]
        fee_sat = round(payment["fee"] * 100_000_000)
        assert (found["count"], found["status"], found["spent"]) == (102, "confirmed", 0)
        assert (found["balance"], found["utxos"]) == (200_000_000, [[txid, 200_000_000]])
        assert (found["input"], found["fee"]) == (5_000_000_000, fee_sat)
        assert (found["listed"], found["raw"]) == (txid, payment["hex"])
        block = axon.rpc("getblock", payment["blockhash"])
        assert (found["block"], found["block"][1:]) == (block["tx"], [txid])
        assert (other["best"], other["count"]) == (axon.rpc("getbestblockhash"), 102)
        assert other["refusal"] == [-8, "Block height out of range"]
        assert (other["pool"], other["amount"]) == ([other["sent"]], "0E-8")  # To themselves.


def test_npm_clients_read_pay_and_are_refused(tmp_path: Path) -> None:
    folder = require_npm("bitcoin-json-rpc")
    with scene(tmp_path / "axon") as told_of:
        axon, txid = told_of.axon, told_of.txid
        before = axon.rpc("getbalance")
        script = str(Path(__file__).with_name("rpcclients.js"))
        words = [str(folder), str(axon.rpc_endpoint.port), "alice", "secret"]
        told = run(["node", script, *words, told_of.address, txid], tmp_path)
        core, typed = told["core"], told["typed"]
        assert (core["balance"], core["sameBalance"]) == (float(before), float(before))
        assert [(each["txid"], each["amount"]) for each in core["unspent"]] == [(txid, 2)]
        assert (core["payment"]["txid"], core["payment"]["confirmations"]) == (txid, 1)
        count, genesis, refused = core["batch"]
        assert (count, genesis) == (102, axon.rpc("getblockhash", 0))
        assert refused["code"] == -8
        assert core["refused"] == {"code": -8, "text": "Block height out of range"}
        assert core["unauthorized"] == 401
        sent, block = typed["sent"], axon.rpc("getbestblockhash")
        assert typed["complete"]
        assert sorted(typed["pool"]) == sorted([core["sent"], sent])
        assert (typed["block"]["height"], typed["hash"]) == (103, block)
        assert sorted(typed["block"]["tx"][1:]) == sorted(typed["pool"])
        assert typed["paid"]["vout"][0]["value"] == 0.5
        assert (typed["own"]["blockhash"], typed["own"]["fee"]) == (block, -typed["fee"])
        assert (typed["coin"]["amount"], typed["coin"]["confirmations"]) == (0.5, 1)
        assert (typed["locked"], typed["left"], typed["unlocked"]) == (True, -1, True)
        assert typed["valid"]["isvalid"]
        assert typed["balance"] == float(axon.rpc("getbalance"))
        assert "TX decode failed" in typed["refused"]["text"]


def run(command: list[str], home: Path) -> dict[str, Any]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={**os.environ, "HOME": str(home)},  # bitcoinlib makes a folder there.
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
