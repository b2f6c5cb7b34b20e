"""Alice hands Bob a payment: wallets as processes, a link over TCP, with nodes and without."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.machine import Endpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from tests.process.conftest import MakeNode
from tests.process.walletprocess import PASSPHRASE, WalletProcess
from tests.signing import Signer
from tests.socksserver import SocksServer
from tests.torserver import SERVICE, ControlPort, control_thread

pytestmark = pytest.mark.process

SETTLE_S = 60.0


@pytest.fixture(name="node")
def node_fixture(make_node: MakeNode) -> NodeProcess:
    """One node, which has no blocks yet."""
    return make_node("n1", trusted_door=True).start()


def funded(folder: Path, name: str, node: NodeProcess) -> WalletProcess:
    """A wallet with two ripe coins."""
    wallet = WalletProcess(folder / name, name, [node.door])
    wallet.json("create", "--no-confirm", wallet.signing())
    node.rpc("generatetoaddress", 2, wallet.json("receive")["address"])
    return wallet


@pytest.fixture(name="people")
def people_fixture(
    tmp_path: Path, node: NodeProcess
) -> Iterator[tuple[WalletProcess, WalletProcess]]:
    """Alice and Bob."""
    with funded(tmp_path, "alice", node) as alice, funded(tmp_path, "bob", node) as bob:
        node.rpc("generatetoaddress", 100, Signer("Carol").address())
        yield alice, bob


def issued(bob: WalletProcess, amount: str = "0.5") -> dict[str, Any]:
    """Bob is served, listens, and asks for money."""
    bob.serve().sync()
    bob.call("openpayments", PASSPHRASE)
    made: dict[str, Any] = bob.call("createinvoice", amount, "Bob", "a bicycle")
    return made


def deal(wallet: WalletProcess, invoice: str) -> dict[str, Any]:
    """What a served wallet knows of an invoice."""
    (found,) = wallet.call("listdeals", invoice)
    assert isinstance(found, dict)
    return found


def paid(alice: WalletProcess, uri: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Alice pays from the command line; exit code, and what became of it."""
    code, out, errors = alice.run("pay", uri, "--fee-rate=2", alice.signing(), "--json", *words)
    assert out, errors
    told: dict[str, Any] = json.loads(out)
    return code, told


def test_a_payment_is_joined_accepted_settled_and_receipted(
    node: NodeProcess, people: tuple[WalletProcess, WalletProcess], tmp_path: Path
) -> None:
    alice, bob = people
    invoice = issued(bob)
    assert bob.call("openpayments", PASSPHRASE) == bob.call("openpayments", PASSPHRASE)
    code, told = paid(alice, invoice["uri"])
    assert code == 0
    assert (told["stage"], told["joined"]) == ("accepted", True)
    # The coin that Bob joined is not his any more, before any block has it.
    assert {coin["txid"] for coin in bob.call("listunspent")} >= {told["txid"]}
    assert len(bob.call("listunspent")) == 2
    assert deal(bob, invoice["id"])["stage"] == "accepted"
    assert node.rpc("getrawmempool") == [told["txid"]]
    (block,) = node.rpc("generatetoaddress", 1, Signer("Carol").address())
    wait_until(lambda: deal(bob, invoice["id"])["stage"] == "settled", SETTLE_S, "it is in a block")
    alice.json("sync")
    (settled,) = alice.json("payments")
    assert (settled["stage"], settled["level"]) == ("settled", 6)
    receipt = alice.json("receipts", invoice["id"][:16])["receipt"]
    assert "Received: 0.50000000 BTC" in receipt
    assert alice.run("payments", "0" * 64)[:2] == (
        1,
        f"No invoices and no direct payments of {'0' * 64}.\n",
    )
    kept = tmp_path / "receipt.txt"
    kept.write_text(receipt)
    done = subprocess.run(
        [*alice.arguments("receipt")[:4], "receipt", "verify", str(kept), "--json"],
        capture_output=True,
        text=True,
        timeout=SETTLE_S,
    )
    assert done.returncode == 0, done.stderr
    assert block in done.stdout


def test_an_invoice_from_the_command_line_waits_for_its_payment(
    people: tuple[WalletProcess, WalletProcess],
) -> None:
    alice, bob = people
    waiting = subprocess.Popen(
        [*bob.arguments("invoice", "0.25", "BTC", bob.signing()), "--label=Bob"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert waiting.stdout is not None
        uri = waiting.stdout.readline().strip()
        assert uri.startswith("bitcoin:")
        code, told = paid(alice, uri, "--no-payjoin")
        assert code == 0
        assert (told["stage"], told["joined"]) == ("accepted", False)
        out, _ = waiting.communicate(timeout=SETTLE_S)
        assert waiting.returncode == 0
        assert "accepted" in out
        code, out, errors = alice.run("pay", uri, "--fee-rate=2")  # No passphrase, no question.
        assert (code, out) == (1, "")
        assert "this invoice is paid already, and that payment is accepted" in errors
    finally:
        waiting.kill()
        waiting.wait()


def test_without_any_node_it_is_checked_kept_and_settled_later(
    node: NodeProcess, people: tuple[WalletProcess, WalletProcess]
) -> None:
    alice, bob = people
    invoice = issued(bob)
    alice.serve().sync()
    node.stop()
    draft = alice.call("draftpayment", {invoice["address"]: "0.5"}, {"fee_rate": 2})
    told = alice.call(
        "payinvoice", invoice["uri"], draft["psbt"], PASSPHRASE, True, {"wait": 50_000}
    )
    assert told["stage"] == "accepted"
    assert told["receipt"]
    assert deal(bob, invoice["id"])["stage"] == "accepted"
    node.start()
    wait_until(lambda: node.rpc("getrawmempool") == [told["txid"]], SETTLE_S, "it is handed over")
    node.rpc("generatetoaddress", 1, Signer("Carol").address())

    def both_are_settled() -> bool:
        return all(deal(each, invoice["id"])["stage"] == "settled" for each in (alice, bob))

    wait_until(both_are_settled, SETTLE_S, "both have the proof")
    for wallet in (alice, bob):
        assert "BEGIN PROOF" in wallet.call("getreceipt", invoice["id"])


def test_a_payer_without_a_node_is_shown_the_block_by_the_payee(
    node: NodeProcess, people: tuple[WalletProcess, WalletProcess]
) -> None:
    alice, bob = people
    nobody, listens = free_ports(2)
    bob.serve(f"--listen=127.0.0.1:{listens}", bob.signing()).sync()
    invoice = bob.call("createinvoice", "0.5", "Bob", "a bicycle")
    partner = bob.call("servewallets")["partner"]
    alice.json("sync")
    lonely = WalletProcess(alice.folder, "alice", [Endpoint("127.0.0.1", nobody)])
    with lonely.serve(f"--partner={partner}"):
        draft = lonely.call("draftpayment", {invoice["address"]: "0.5"}, {"fee_rate": 2})
        told = lonely.call(
            "payinvoice", invoice["uri"], draft["psbt"], PASSPHRASE, True, {"wait": 50_000}
        )
        assert told["stage"] == "accepted"
        wait_until(lambda: told["txid"] in node.rpc("getrawmempool"), SETTLE_S, "Bob's node has it")
        (block,) = node.rpc("generatetoaddress", 1, Signer("Carol").address())

        def is_settled() -> bool:
            return bool(deal(lonely, invoice["id"])["stage"] == "settled")

        wait_until(is_settled, SETTLE_S, "Bob shows the block")
        assert not lonely.call("getpeerinfo"), "no node is in reach"
        assert f"Block: {block}" in lonely.call("getreceipt", invoice["id"])


def test_bob_is_reached_by_an_onion_service(
    people: tuple[WalletProcess, WalletProcess],
) -> None:
    alice, bob = people
    tor = ControlPort()
    with control_thread(tor) as control:
        bob.serve("--listen=onion", f"-torcontrol={control}", bob.signing()).sync()
        line = f"other wallets at {SERVICE}:12966"
        wait_until(lambda: line in bob.said(), SETTLE_S, "Tor has made the service")
        invoice = bob.call("createinvoice", "0.5", "Bob", "a bicycle")
        (order,) = [line for line in tor.heard if line.startswith("ADD_ONION")]
        target = Endpoint.parse(order.rpartition("Port=12966,")[2], 0)
        with SocksServer({SERVICE: target}) as proxy:
            code, told = paid(alice, invoice["uri"], f"-onion={proxy.endpoint}")
            assert (code, told["stage"], told["receipt"]) == (0, "accepted", True)
            assert [(each.host, each.port) for each in proxy.requests()] == [(SERVICE, 12966)]


def test_wallets_that_never_meet_pay_by_file(
    node: NodeProcess, people: tuple[WalletProcess, WalletProcess], tmp_path: Path
) -> None:
    alice, bob = people
    made = bob.json("invoice", "0.5 BTC", "--label=Bob", "--no-listen", bob.signing())
    asked, payment = tmp_path / "invoice.txt", tmp_path / "payment.txt"
    asked.write_text(made["uri"])
    alice.json("sync")
    told = alice.json(
        "pay", str(asked), "--to", str(payment), "--fee-rate=2", alice.signing(), "--offline"
    )
    assert told["stage"] == "offered"
    assert node.rpc("getrawmempool") == []  # Alice has no node.
    found = bob.json("check", str(payment))
    assert (found["level"], found["txid"], found["peers"]) == (4, told["txid"], 1)
    codes = alice.run("packet", told["id"][:8], "--qr")[1].splitlines()
    scanned = subprocess.run(
        [*bob.arguments("check", "-"), "--json"],
        input="\n".join(codes[::-1]) + "\n",
        capture_output=True,
        text=True,
        timeout=SETTLE_S,
    )
    assert json.loads(scanned.stdout)["id"] == found["id"], scanned.stderr
    beef = tmp_path / "payment.beef"
    beef.write_text(alice.run("packet", told["txid"], "--beef")[1])
    assert bob.json("check", str(beef), "--offline")["level"] == 2
    code, _, errors = bob.run("take", str(beef), "--offline")
    assert (code, "no node gave the blocks" in errors) == (1, True)
    assert bob.json("check", str(beef))["level"] == 4  # The node has given the blocks.
    receipt = tmp_path / "receipt.txt"
    taken = bob.json("take", str(beef), "--receipt", str(receipt), bob.signing())
    assert taken["stage"] == "accepted"
    assert node.rpc("getrawmempool") == [told["txid"]]
    assert alice.json("take", str(receipt))["receipt"]
    assert alice.run("receipts", "--json", told["id"][:8])[0] == 0
    code, _, errors = bob.run("take", str(payment), "--receipt", str(receipt), bob.signing())
    assert (code, "exists already" in errors) == (1, True)


def test_a_foreign_uri_is_paid_with_payjoin_and_without(
    node: NodeProcess, people: tuple[WalletProcess, WalletProcess]
) -> None:
    alice, bob = people
    place = f"127.0.0.1:{free_ports(1)[0]}"
    bob.serve(f"--payjoin-http={place}", bob.signing()).sync()
    assert f"payjoins at http://{place}" in bob.said()
    made = bob.json("invoice", "0.5 BTC", "--no-listen", bob.signing())
    uri = re.sub("axon=[^&]*&", "", made["uri"])
    code, told = paid(alice, uri)
    assert (code, told["joined"], told["why"]) == (0, True, "")
    assert len(node.rpc("getrawtransaction", told["txid"], 1)["vin"]) == 2
    node.rpc("generatetoaddress", 1, Signer("Carol").address())
    wait_until(lambda: deal(bob, made["id"])["stage"] == "settled", SETTLE_S, "it is in a block")
    # Once more: Bob's invoice is paid, so he joins nothing.
    code, out, errors = alice.run("pay", uri, "--fee-rate=2", alice.signing())
    assert code == 0, errors
    assert "Not joined, and sent as it is: " in out
    (plain,) = node.rpc("getrawmempool")
    assert plain in out
    assert len(node.rpc("getrawtransaction", plain, 1)["vin"]) == 1


def test_mallory_pays_with_a_spent_coin_and_the_block_is_named(
    node: NodeProcess, people: tuple[WalletProcess, WalletProcess], tmp_path: Path
) -> None:
    alice, bob = people
    alice.json("sync")
    shutil.copytree(alice.folder, tmp_path / "mallory")
    nobody = Endpoint("127.0.0.1", free_ports(1)[0])
    mallory = WalletProcess(tmp_path / "mallory", "alice", [nobody])
    code, _, errors = alice.run("send", Signer("Carol").address(), "all", alice.signing())
    assert code == 0, errors
    node.rpc("generatetoaddress", 1, Signer("Carol").address())
    height = node.height()
    invoice = issued(bob)
    code, told = paid(mallory, invoice["uri"], "--offline")
    assert code == 1
    assert told["stage"] == "refused"
    assert f"in block {height}" in told["reason"]
    refused = deal(bob, invoice["id"])
    assert (refused["stage"], refused["level"]) == ("refused", 0)
    assert bob.call("getbalances")["mine"]["untrusted_pending"] == 0
