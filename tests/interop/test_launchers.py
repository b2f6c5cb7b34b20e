"""Programs that start bitcoind themselves, with axon in its place: it does what they wait for.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from axon.swarm.signer import Signer
from tests.interop.installed import require

pytestmark = [pytest.mark.interop, pytest.mark.process]

LIMIT_S: Final = 240.0
STRANGER: Final = Signer("Mallory").address()

PYLN: Final = """
import json, sys
from pyln.testing.utils import BitcoinD

node = BitcoinD(sys.argv[1])
node.start()
told = {}
try:
    node.generate_block(1)
    node.generate_block(100, to_addr=sys.argv[2])
    txid = node.send_and_mine_block(node.getnewaddress(), 100_000)
    told["paid"] = node.rpc.getrawtransaction(txid, 1)["confirmations"]
    told["moved back"] = node.simple_reorg(102)
    told["confirmed again"] = node.rpc.getrawtransaction(txid, 1)["confirmations"]
    told["moved on"] = node.simple_reorg(103, shift=1)
    told["height"] = node.rpc.getblockcount()
    told["tip"] = node.rpc.getbestblockhash()
    told["blocks"] = len(node.save_blocks())
finally:
    told["code"] = node.stop()
told["errors"] = list(node.err_logs)
print("TOLD", json.dumps(told))
"""


def bitcoind(folder: Path) -> Path:
    """A folder with a `bitcoind` in it, which is axon."""
    folder.mkdir()
    program = folder / "bitcoind"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m axon node "$@"\n')
    program.chmod(0o700)
    return folder


def run(program: Path, text: str, *arguments: str, path: Path) -> dict[str, Any]:
    """Run a program that starts its bitcoind from the PATH; what it tells."""
    environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}", "TIMEOUT": "120"}
    done = subprocess.run(
        [str(program), "-c", text, *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=environment,
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    assert told, done.stderr[-2_000:]
    answer: dict[str, Any] = json.loads(told[0].removeprefix("TOLD "))
    return answer


def test_the_bitcoind_of_pyln_testing(tmp_path: Path) -> None:
    program = require("pyln-testing")
    told = run(
        program, PYLN, str(tmp_path / "node"), STRANGER, path=bitcoind(tmp_path / "programs")
    )
    assert told["paid"] == 1
    assert len(told["moved back"]) == 2, "from height 102 on, and one more"
    assert told["confirmed again"] == 2
    assert told["height"] == 104
    assert told["tip"] == told["moved on"][-1]
    assert told["blocks"] == 104
    assert (told["code"], told["errors"]) == (0, [])
