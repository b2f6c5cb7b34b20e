"""A payment whose program is killed at any stage: the next command finds it, says it, offers it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from axon.primitives.network import REGTEST
from axon.rpc.amounts import format_amount
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer
from tests.process.conftest import MakeNode
from tests.process.killedsend import STAGES
from tests.process.walletprocess import PASSPHRASE, WalletProcess
from tests.rpc.lightwallet import account, make_wallet

pytestmark = pytest.mark.process

BOB: Final = Signer("Bob")
COINS: Final = 20
KILLED: Final = -9


@pytest.fixture(name="scene")
def scene_fixture(
    make_node: MakeNode, tmp_path: Path
) -> Iterator[tuple[NodeProcess, WalletProcess]]:
    """A node, and a wallet that has coins."""
    node = make_node("n1")
    node.start()
    make_wallet(tmp_path / "alice" / REGTEST.folder, "alice", account(bytes(16)))
    with WalletProcess(tmp_path / "alice", "alice", [node.p2p]) as alice:
        assert alice.secret.read_text() == PASSPHRASE
        address = alice.json("receive")["address"]
        node.rpc("generatetoaddress", COINS, address)
        node.rpc("generatetoaddress", 100, BOB.address())
        yield node, alice


def killed_send(alice: WalletProcess, stage: str, amount_sat: int) -> None:
    """Alice pays Bob, and her program is killed."""
    words = [BOB.address(), f"{format_amount(amount_sat)} BTC", alice.signing()]
    command = alice.arguments("send", *words, "--fee-rate=2")
    done = subprocess.run(
        [sys.executable, "-m", "tests.process.killedsend", stage, *command[3:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == KILLED, (stage, done.stdout, done.stderr)
    assert "sent:" not in done.stdout


def check_next_command(node: NodeProcess, alice: WalletProcess, stage: str, sat: int) -> None:
    """What is said next is true, and what is written down reaches the node."""
    code, _, told = alice.run("sync")
    assert code == 0, told
    entries = [e for e in alice.json("history", "--offline") if e["state"] == "unconfirmed"]
    pool = node.rpc("getrawmempool")
    if stage == "signed":
        assert (entries, pool) == ([], []), "it was never made"
        return
    (entry,) = entries
    assert entry["amount"] < -sat / 100_000_000
    assert entry["delivery"] in ("handed over", "accepted")
    if entry["delivery"] == "handed over":
        assert f"Payment {entry['txid']}" in told
    wait_until(lambda: node.rpc("getrawmempool") == [entry["txid"]], 10, "the node has it")
    node.rpc("generatetoaddress", 1, BOB.address())
    assert alice.run("sync")[0] == 0
    latest = next(e for e in alice.json("history") if e["txid"] == entry["txid"])
    assert latest["state"] == "confirmed"


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_payment_is_found_said_and_offered(
    stage: str, scene: tuple[NodeProcess, WalletProcess]
) -> None:
    node, alice = scene
    killed_send(alice, stage, 100_000)
    check_next_command(node, alice, stage, 100_000)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("stage", STAGES)
def test_fifty_killed_payments_of_each_stage(
    stage: str, scene: tuple[NodeProcess, WalletProcess]
) -> None:
    node, alice = scene
    for number in range(50):
        sat = 100_000 + number
        killed_send(alice, stage, sat)
        check_next_command(node, alice, stage, sat)
