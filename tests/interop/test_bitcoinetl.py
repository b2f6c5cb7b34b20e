"""bitcoin-etl, which takes a node's blocks out as rows for analysts: exported, streamed, enriched.

It asks for each transaction that an input spends, so the node needs `-txindex`.
Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.installed import require

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
HEIGHT = 103
FEE_SAT = 10_000
LIMIT_S = 60.0
PASSWORD_HASH = hmac.new(b"salt", b"secret", hashlib.sha256).hexdigest()
"""It knows nothing of cookies."""


@pytest.fixture(scope="module")
def program() -> Path:
    return require("bitcoin-etl", "bitcoinetl")


@pytest.fixture(scope="module")
def axon(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with an index of transactions, in whose block 102 Alice pays Bob."""
    assert program.exists()
    folder = tmp_path_factory.mktemp("axon")
    options = ("-connect=0", "-txindex", f"-rpcauth=analyst:salt${PASSWORD_HASH}")
    with NodeProcess("axon", folder, options=options).start() as axon:
        axon.rpc("generatetoaddress", 101, ALICE.address())
        axon.rpc("sendrawtransaction", paid(axon).raw.hex())
        axon.rpc("generatetoaddress", HEIGHT - 101, ALICE.address())
        wait_until(
            lambda: axon.rpc("getindexinfo", "txindex")["txindex"]["synced"], LIMIT_S, "the index"
        )
        yield axon


def paid(axon: NodeProcess) -> Transaction:
    """Alice pays Bob one coin of her first coinbase."""
    raw = axon.rpc("getblock", axon.rpc("getblockhash", 1), 0)
    (coinbase,) = Block.decode(bytes.fromhex(raw)).transactions
    coin = Spendable(outpoint(coinbase.txid, 0), coinbase.outputs[0].amount_sat)
    return ALICE.pay([coin], [TxOut(COIN, BOB.script), TxOut(49 * COIN - FEE_SAT, ALICE.script)])


def command(program: Path, axon: NodeProcess, name: str, *words: object) -> list[str]:
    uri = f"http://analyst:secret@127.0.0.1:{axon.rpc_endpoint.port}"
    return [str(program), name, "-p", uri, *map(str, words)]


def run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_blocks_and_transactions_are_exported_and_enriched(
    program: Path, axon: NodeProcess, tmp_path: Path
) -> None:
    blocks, plain, rich = (tmp_path / f"{name}.json" for name in ("blocks", "plain", "rich"))
    written = ("--blocks-output", blocks, "--transactions-output", plain)
    name = "export_blocks_and_transactions"
    run(command(program, axon, name, "--start-block", 0, "--end-block", HEIGHT, *written))
    found = {row["number"]: row for row in rows(blocks.read_text())}
    assert [found[height]["hash"] for height in range(HEIGHT + 1)] == [
        axon.rpc("getblockhash", height) for height in range(HEIGHT + 1)
    ]
    assert found[102]["transaction_count"] == 2
    read = ("--transactions-input", plain, "--transactions-output", rich)
    run(command(program, axon, "enrich_transactions", *read))
    check_payment(axon, rows(rich.read_text()))


def test_blocks_are_streamed_as_they_come(program: Path, axon: NodeProcess, tmp_path: Path) -> None:
    said = tmp_path / "said.json"
    place = ("-l", tmp_path / "last.txt", "-s", 100, "--period-seconds", 1)
    words = command(program, axon, "stream", *place)
    with said.open("w") as file, subprocess.Popen(words, stdout=file, stderr=file) as streaming:
        try:
            wait_until(lambda: HEIGHT in heights(said), LIMIT_S, "it has come to the tip")
            axon.rpc("generatetoaddress", 1, ALICE.address())
            wait_until(lambda: HEIGHT + 1 in heights(said), LIMIT_S, "it follows")
        finally:
            streaming.kill()
    check_payment(axon, rows(said.read_text()))


def heights(path: Path) -> set[int]:
    return {row["number"] for row in rows(path.read_text()) if row["type"] == "block"}


def check_payment(axon: NodeProcess, found: list[dict[str, Any]]) -> None:
    """Alice's payment is among them, with what it spends."""
    payment = paid(axon)
    (row,) = [row for row in found if row["hash"] == to_hex(payment.txid)]
    assert row["fee"] == FEE_SAT
    assert [item["value"] for item in row["outputs"]] == [COIN, 49 * COIN - FEE_SAT]
    (spent,) = row["inputs"]
    assert (spent["value"], spent["addresses"]) == (50 * COIN, [ALICE.address()])
