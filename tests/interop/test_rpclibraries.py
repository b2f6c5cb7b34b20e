"""bitcoinlib and python-bitcoinrpc, libraries that programs call bitcoind with.

They ask a node that has a wallet and an index of transactions, and what they say is compared with
what the node holds. Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from tests.interop.installed import require

pytestmark = [pytest.mark.interop, pytest.mark.process]

LIMIT_S = 60.0
PASSWORD_HASH = hmac.new(b"salt", b"secret", hashlib.sha256).hexdigest()
"""They know nothing of cookies."""


def test_they_read_payments_balances_and_blocks_and_pay(tmp_path: Path) -> None:
    python = require("rpclibraries")
    options = (
        *("-connect=0", "-txindex", "-fallbackfee=0.0001"),
        f"-rpcauth=alice:salt${PASSWORD_HASH}",
    )
    with NodeProcess("axon", tmp_path / "axon", options=options).start() as axon:
        axon.rpc("createwallet", "alice")
        axon.rpc("generatetoaddress", 101, axon.rpc("getnewaddress"))
        address = axon.rpc("getnewaddress")
        txid = axon.rpc("sendtoaddress", address, 2)
        axon.rpc("generatetoaddress", 1, axon.rpc("getnewaddress"))
        wait_until(
            lambda: axon.rpc("getindexinfo", "txindex")["txindex"]["synced"], LIMIT_S, "the index"
        )
        url = f"http://alice:secret@127.0.0.1:{axon.rpc_endpoint.port}/wallet/alice"
        told = run(python, tmp_path, url, address, txid)
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


def run(python: Path, folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, Path(__file__).with_name("libraryuse.py"), *words],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={**os.environ, "HOME": str(folder)},  # bitcoinlib makes a folder there.
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
