"""OpenTimestamps: a file is stamped over a node's wallet and verified over the node, by `ots`.

Both find the node as python-bitcoinlib does: by ~/.bitcoin/bitcoin.conf and the cookie in its data
directory. Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from axon.primitives.transaction import COIN
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer
from tests.interop.installed import require

pytestmark = [pytest.mark.interop, pytest.mark.process]

LIMIT_S: Final = 60.0
BOB: Final = Signer("Bob").address()


def test_a_file_is_stamped_and_verified_until_its_block_is_gone(tmp_path: Path) -> None:
    ots, python = require("opentimestamps", "ots"), require("opentimestamps")
    letter = tmp_path / "letter.txt"
    letter.write_text("Alice owes Bob a coin.\n")
    # Its library knows no address of taproot, which change would go to.
    options = ("-connect=0", "-txindex", "-fallbackfee=0.0001", "-changetype=bech32")
    with NodeProcess("axon", tmp_path / "axon", options=options).start() as axon:
        settings = tmp_path / ".bitcoin" / "bitcoin.conf"
        settings.parent.mkdir()
        settings.write_text(
            f"datadir={axon.folder}\nrpcconnect=127.0.0.1\nrpcport={axon.rpc_endpoint.port}\n"
        )

        def run(*words: object) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [str(word) for word in words],
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
                env={**os.environ, "HOME": str(tmp_path)},
            )

        def verify() -> tuple[int, str]:
            done = run(ots, "--no-cache", "--btc-regtest", "verify", f"{letter}.ots")
            return done.returncode, done.stderr

        axon.rpc("createwallet", "alice")
        axon.rpc("generatetoaddress", 101, axon.rpc("getnewaddress"))
        wait_until(
            lambda: axon.rpc("getindexinfo", "txindex")["txindex"]["synced"], LIMIT_S, "the index"
        )
        done = run(python, Path(__file__).with_name("stampfile.py"), letter)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        txid, block = told["txid"], told["block"]
        assert (told["complete"], told["pool"], told["height"]) == (True, [txid], 102)
        assert told["before"] == 50 * COIN
        assert axon.rpc("getblock", block)["tx"][1:] == [txid]
        assert told["seen"] == block
        assert axon.rpc("gettransaction", txid)["fee"] * COIN == -told["fee"]
        assert told["coins"] == 100 * COIN - told["fee"]  # Another reward is ripe.

        code, said = verify()
        assert (code, "Success! Bitcoin block 102 attests existence" in said) == (0, True), said
        axon.rpc("invalidateblock", block)
        code, said = verify()
        assert (code, "Bitcoin block height 102 not found; 101 is" in said) == (1, True), said
        axon.rpc("generateblock", BOB, [])
        code, said = verify()
        assert (code, "Bitcoin verification failed" in said) == (1, True), said
        letter.write_text("Alice owes Bob two coins.\n")
        code, said = verify()
        assert (code, "File does not match original!" in said) == (1, True), said
