"""bitcoin-net, a peer in JavaScript that others wrote, over the first transport.

It reads what a node serves by its own decoders: headers, blocks without witnesses, a transaction.
Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer, Spendable
from tests.interop.installed import require_npm

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
HEIGHT = 110
FEE_SAT = 10_000
LIMIT_S = 30.0


def test_it_shakes_hands_and_reads_headers_blocks_and_a_payment(tmp_path: Path) -> None:
    folder = require_npm("bitcoin-net")
    # It sees whoever it dials as one who keeps all blocks only; a new peer has its transactions
    # after some seconds, unless it may have them at once.
    options = ("-connect=0", "-whitelist=noban@127.0.0.1")
    with NodeProcess("axon", tmp_path / "axon", options=options).start() as axon:
        axon.rpc("generatetoaddress", HEIGHT, ALICE.address())
        script = Path(__file__).with_name("netpeer.js")
        command = ["node", str(script), str(folder), str(axon.p2p.port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as peer:
            try:
                assert peer.stdout is not None
                assert json.loads(peer.stdout.readline()) == {"ready": True}
                (seen,) = axon.rpc("getpeerinfo")
                raw = axon.rpc("getblock", axon.rpc("getblockhash", 1), 0)
                (coinbase,) = Block.decode(bytes.fromhex(raw)).transactions
                coin = Spendable(outpoint(coinbase.txid, 0), coinbase.outputs[0].amount_sat)
                outputs = [TxOut(COIN, BOB.script), TxOut(49 * COIN - FEE_SAT, ALICE.script)]
                axon.rpc("sendrawtransaction", (payment := ALICE.pay([coin], outputs)).raw.hex())
                told = json.loads(peer.communicate(timeout=LIMIT_S)[0])
            finally:
                peer.kill()
        hashes = [axon.rpc("getblockhash", height) for height in range(1, HEIGHT)]
        agent = axon.rpc("getnetworkinfo")["subversion"]
    assert told["hashes"] == hashes
    assert set(told["coinbases"]) == {ALICE.script.hex()}
    assert (told["txid"], told["outputs"]) == (to_hex(payment.txid), [COIN, 49 * COIN - FEE_SAT])
    assert (told["version"], told["agent"]) == (70017, agent)
    assert (seen["version"], seen["transport_protocol_type"]) == (70012, "v1")
    assert "bitcoin-net:5.2.0" in seen["subver"]
