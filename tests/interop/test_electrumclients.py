"""Clients of the Electrum protocol that others wrote, on a node's own server: BDK's, with a wallet,
and @mempool/electrum-client of npm, which explorers ask with.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, Transaction, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer
from tests.interop.installed import require_npm
from tests.interop.test_bdk import DESCRIPTORS, bdk, carols_wallet
from tests.interop.test_electrum import coinbase, output, script_hash, serving

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
LIMIT_S: Final = 30.0
FEE_SAT: Final = 10_000
STOP_GAP: Final = 5
BATCH: Final = 10


@pytest.fixture(name="served")
def served_fixture(tmp_path: Path) -> Iterator[tuple[NodeProcess, int]]:
    """A node with 102 blocks of Alice's that serves wallets, and the port."""
    node, endpoint = serving(tmp_path / "axon")
    with node.start():
        node.rpc("generatetoaddress", 102, ALICE.address())
        yield node, endpoint.port


def paid(node: NodeProcess, height: int, *outputs: TxOut) -> Transaction:
    """Alice's payment of a coinbase of hers; what is left goes back to her."""
    coin = coinbase(node, height)
    left = coin.amount_sat - FEE_SAT - sum(each.amount_sat for each in outputs)
    return ALICE.pay([coin], [*outputs, TxOut(left, ALICE.script)])


def test_a_wallet_of_bdk_scans_pays_and_follows_a_reorganisation(
    served: tuple[NodeProcess, int],
) -> None:
    node, port = served
    wallet = carols_wallet(DESCRIPTORS["taproot"])
    address = wallet.reveal_next_address(bdk.KeychainKind.EXTERNAL).address
    carols = bytes(address.script_pubkey().to_bytes())
    received = paid(node, 1, TxOut(3 * COIN, carols))
    node.rpc("sendrawtransaction", received.raw.hex())
    node.rpc("generatetoaddress", 1, BOB.address())
    client = bdk.ElectrumClient(f"tcp://127.0.0.1:{port}")

    def sync() -> None:
        request = wallet.start_sync_with_revealed_spks().build()
        wallet.apply_update(client.sync(request, BATCH, fetch_prev_txouts=True))

    assert client.server_features().genesis_hash is not None
    scan = wallet.start_full_scan().build()
    wallet.apply_update(client.full_scan(scan, STOP_GAP, BATCH, fetch_prev_txouts=True))
    assert wallet.latest_checkpoint().height == 103
    assert wallet.balance().confirmed.to_sat() == 3 * COIN

    builder = bdk.TxBuilder().add_recipient(bdk.Script(BOB.script), bdk.Amount.from_sat(COIN))
    psbt = builder.fee_rate(bdk.FeeRate.from_sat_per_vb(5)).finish(wallet)
    assert wallet.sign(psbt)
    signed = psbt.extract_tx()
    txid = str(client.transaction_broadcast(signed))
    assert node.rpc("getrawmempool") == [txid]
    fee_sat = psbt.fee()
    (block,) = node.rpc("generatetoaddress", 1, BOB.address())
    assert node.rpc("getblock", block)["tx"][1:] == [txid]
    left_sat = 2 * COIN - fee_sat

    def is_confirmed() -> bool:
        sync()
        return bool(wallet.tx_details(signed.compute_txid()).chain_position.is_confirmed())

    wait_until(is_confirmed, LIMIT_S, "the payment is in a block")
    assert wallet.balance().confirmed.to_sat() == left_sat
    node.rpc("invalidateblock", block)
    node.rpc("generateblock", BOB.address(), [])
    node.rpc("generateblock", BOB.address(), [])
    wait_until(lambda: not is_confirmed(), LIMIT_S, "the payment waits again")
    assert wallet.balance().confirmed.to_sat() == 0
    assert wallet.balance().trusted_pending.to_sat() == left_sat
    node.rpc("generatetoaddress", 1, BOB.address())
    wait_until(is_confirmed, LIMIT_S, "it is in a block of the new branch")
    assert wallet.latest_checkpoint().height == 106
    assert str(wallet.latest_checkpoint().hash) == node.tip()
    assert wallet.balance().confirmed.to_sat() == left_sat


def test_the_client_of_explorers_reads_subscribes_and_sends(
    served: tuple[NodeProcess, int],
) -> None:
    folder = require_npm("@mempool/electrum-client")
    node, port = served
    first = paid(node, 1, TxOut(COIN, BOB.script))
    txid = node.rpc("sendrawtransaction", first.raw.hex())
    (block,) = node.rpc("generatetoaddress", 1, ALICE.address())
    second = BOB.pay([output(first, 0)], [TxOut(COIN - FEE_SAT, BOB.script)])
    hashes = (script_hash(BOB), script_hash(Signer("Mallory")))
    words = [str(folder), str(port), *hashes, txid, "103", second.raw.hex()]
    script = str(Path(__file__).with_name("electrumclient.js"))
    with subprocess.Popen(
        ["node", script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        try:
            assert client.stdout is not None
            line = client.stdout.readline()
            assert line, client.communicate(timeout=LIMIT_S)[1]
            told = json.loads(line)
            pool = node.rpc("getrawmempool")
            (found,) = node.rpc("generatetoaddress", 1, ALICE.address())
            later = json.loads(client.communicate(timeout=LIMIT_S)[0])
        finally:
            client.kill()
    check_answers(node, told, txid, block)
    sent = to_hex(second.txid)
    assert (told["sent"], pool) == (sent, [sent])
    (waiting,) = told["waiting"]
    assert waiting == {"tx_hash": sent, "height": 0, "fee": FEE_SAT}
    assert [size for _, size in told["histogram"]] == [
        node.rpc("getblock", found, 2)["tx"][1]["vsize"]
    ]
    assert told["status"] != told["changed"] != later["status"]
    assert later["header"] == {"height": 104, "hex": node.rpc("getblockheader", found, False)}
    assert later["balance"] == {"confirmed": COIN - FEE_SAT, "unconfirmed": 0}


def check_answers(node: NodeProcess, told: dict[str, Any], txid: str, block: str) -> None:
    """What was told of Bob before he paid anything."""
    assert told["version"] == "1.4"
    assert told["genesis"] == node.rpc("getblockhash", 0)
    assert told["tip"] == {"height": 103, "hex": node.rpc("getblockheader", block, False)}
    assert told["balance"] == {"confirmed": COIN, "unconfirmed": 0}
    assert told["history"] == [{"tx_hash": txid, "height": 103}]
    assert [balance for _, balance in told["balances"]] == [
        told["balance"],
        {"confirmed": 0, "unconfirmed": 0},
    ]
    coin = {"tx_hash": txid, "tx_pos": 0, "height": 103, "value": COIN}
    assert told["coins"] == [[coin], []]
    assert told["transaction"]["blockhash"] == block
    assert told["transaction"]["vout"][0]["value"] == 1
    assert (told["merkle"]["block_height"], told["merkle"]["pos"]) == (103, 1)
    assert told["relayFee"] == 0.000001
    assert "TX decode failed" in told["refused"]
