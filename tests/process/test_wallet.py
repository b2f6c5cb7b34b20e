"""`axon wallet` and real nodes: it is paid and pays, a person types, and it is killed at will."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

import pytest

from axon.host.walletclient import find_served
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.rpc.amounts import Number
from axon.rpc.client import Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import NodeFailed, wait_until
from axon.swarm.signer import Signer, Spendable
from tests.process.conftest import MakeNode
from tests.process.walletprocess import PASSPHRASE, Terminal, WalletProcess

pytestmark = pytest.mark.process

BOB: Final = Signer("Bob")
SETTLE_S: Final = 30.0
LIFE_S: Final = 0.8
"""How long a wallet lives at most that is to be killed; about as long as it takes to start."""

PAYMENTS: Final = 6
"""In one life: nodes take no longer rows of payments that spend each other's change."""


def sat(amount: Number) -> int:
    return round(amount * COIN)


def pay(node: NodeProcess, block_hash: str, address: str, amount_sat: int) -> str:
    """Bob pays from what a block of his gave him; the txid."""
    block = Block.decode(bytes.fromhex(node.rpc("getblock", block_hash, 0)))
    coinbase = block.transactions[0]
    coin = Spendable(outpoint(coinbase.txid, 0), coinbase.outputs[0].amount_sat)
    outputs = [
        TxOut(amount_sat, decode_address(address, REGTEST)),
        TxOut(coin.amount_sat - amount_sat - 1_000, BOB.script),
    ]
    txid: str = node.rpc("sendrawtransaction", BOB.pay([coin], outputs).raw.hex())
    return txid


@pytest.fixture(name="nodes")
def nodes_fixture(make_node: MakeNode) -> tuple[NodeProcess, NodeProcess]:
    """Two nodes that are linked; Bob has ripe coins."""
    first, second = make_node("n1", trusted_door=True), make_node("n2", trusted_door=True)
    first.start(wait=False)
    second.start()
    first.wait_ready()
    first.connect(second)
    first.rpc("generatetoaddress", 101, BOB.address())
    wait_until(lambda: second.height() == 101, SETTLE_S, "both have the chain")
    return first, second


@pytest.fixture(name="alice")
def alice_fixture(
    tmp_path: Path, nodes: tuple[NodeProcess, NodeProcess]
) -> Iterator[WalletProcess]:
    """A wallet that knows both nodes."""
    with WalletProcess(tmp_path / "alice", "alice", [node.door for node in nodes]) as wallet:
        yield wallet


def test_paid_and_paying(nodes: tuple[NodeProcess, NodeProcess], alice: WalletProcess) -> None:
    node = nodes[0]
    created = alice.json("create", "--no-confirm", alice.signing())
    address = alice.json("receive", "--label", "wages")["address"]
    alice.serve()
    alice.sync()

    paid = pay(node, node.rpc("getblockhash", 1), address, 2 * COIN)
    seen = wait_until(
        lambda: bool(alice.call("listtransactions")), SETTLE_S, "the payment is heard of"
    )
    (entry,) = alice.json("history")  # Asked of the one that is served.
    assert (entry["txid"], entry["state"], entry["category"]) == (paid, "unconfirmed", "receive")
    assert (entry["label"], sat(entry["amount"])) == ("wages", 2 * COIN)
    mine = alice.call("getbalances")["mine"]
    assert (sat(mine["untrusted_pending"]), sat(mine["trusted"])) == (2 * COIN, 0)
    code, _, told = alice.run("send", BOB.address(), "1 BTC", alice.signing())
    assert (code, "not confirmed yet" in told) == (1, True)

    node.rpc("generatetoaddress", 1, BOB.address())
    wait_until(lambda: alice.sync()["scanned"] == 102, SETTLE_S, "the block is seen")
    assert sat(alice.json("balance")["mine"]["trusted"]) == 2 * COIN

    code, out, _ = alice.run("send", BOB.address(), "0.5", "BTC", alice.signing())
    assert code == 0
    assert out.index(f"0.50000000 BTC  to {BOB.address()}") < out.index("sent: ")
    assert "It spreads: " in out, out
    sent = out.split("sent: ")[1].split()[0]
    bumped = alice.json("bump", sent, "--fee-rate=7", alice.signing())
    assert bumped["replaces"] == sent
    pools = [[bumped["txid"]]] * 2
    wait_until(
        lambda: [each.rpc("getrawmempool") for each in nodes] == pools, SETTLE_S, "it spreads"
    )

    nodes[1].rpc("generatetoaddress", 1, BOB.address())
    wait_until(lambda: alice.sync()["scanned"] == 103, SETTLE_S, "the block is seen")
    states = {entry["txid"]: entry["state"] for entry in alice.json("history")}
    assert states == {paid: "confirmed", bumped["txid"]: "confirmed", sent: "replaced"}
    for txid in (paid, bumped["txid"]):
        proof = alice.json("proof", txid)["proof"]
        assert txid in node.rpc("verifytxoutproof", proof)
    expected = 2 * COIN - COIN // 2 - sat(bumped["fee"])
    assert sat(alice.json("balance")["mine"]["trusted"]) == expected
    assert {peer["filters"] for peer in alice.json("peers")} == {"agrees"}
    assert seen < SETTLE_S
    assert alice.stop() == 0

    words = created["words"]
    alice.wallet_folder.rename(tmp := alice.folder / "lost")
    (alice.folder / "words").write_text(words)
    restored = alice.json("restore", f"--words-file={alice.folder / 'words'}", alice.signing())
    assert restored["kind"] == "bip84"
    told = alice.json("receive")
    assert told["chain_read"]
    assert told["address"] != address, "it was paid before"
    assert sat(alice.json("balance")["mine"]["trusted"]) == expected
    logged = b"".join(path.read_bytes() for path in tmp.iterdir())
    logged += alice.errors.read_bytes()
    assert PASSPHRASE.encode() not in logged
    assert words.encode() not in logged


def test_a_person_at_a_terminal(
    nodes: tuple[NodeProcess, NodeProcess], alice: WalletProcess
) -> None:
    """Words are asked back, a mistyped passphrase is asked again, ctrl-C leaves nothing behind."""
    person = Terminal(alice.arguments("create"))
    for prompt in ("to send): ", "once more: "):
        person.expect(prompt)
        person.type(f"{PASSPHRASE}\n")
    shown = person.expect("To see that you have them: ")
    words = dict(re.findall(r"(\d+)\. (\w+)", shown))
    assert len(words) == 12
    for _ in range(2):
        place = person.expect(" is: ").split()[-2]
        person.type(f"{words[place]}\n")
    assert person.left() == 0
    assert PASSPHRASE not in person.seen

    node = nodes[0]
    person = Terminal(alice.arguments("receive"))
    assert person.left() == 0
    assert "█" in person.seen
    address = person.seen.split()[-1]
    node.rpc("generatetoaddress", 1, address)
    node.rpc("generatetoaddress", 100, BOB.address())

    person = Terminal(alice.arguments("send", BOB.address(), "100000000 sat"))
    assert "1.00000000 BTC" in person.expect("do not send): ")
    person.type("wrong\n")
    person.expect("does not open this wallet")
    person.expect("do not send): ")
    person.type(f"{PASSPHRASE}\n")
    txid = person.expect("\r\nIt spreads").split("sent: ")[1].split()[0]
    assert person.left() == 0
    assert node.rpc("getrawmempool") == [txid]

    person = Terminal(alice.arguments("send", BOB.address(), "1000 sat"))
    person.expect("more than 5 %. Is it meant? Type yes to go on: ")
    person.type("no\n")
    assert person.left() == 1
    assert "nothing was signed or sent" in person.seen
    code, _, told = alice.run("send", BOB.address(), "1000 sat", alice.signing())
    assert (code, "--yes pays it" in told) == (1, True)

    person = Terminal(alice.arguments("open"))
    person.expect("Overview")
    wait_until(lambda: find_served(alice.wallet_folder) is not None, SETTLE_S, "it answers")
    assert alice.json("balance")["mine"]["trusted"]  # While the screens are open.
    assert "open already" in alice.run("serve")[2]
    person.type("q")
    assert person.left() == 0

    person = Terminal(alice.arguments("send", BOB.address(), "1 BTC"))
    person.expect("do not send): ")
    person.type("\x03")
    assert person.left() == 130
    assert node.rpc("getrawmempool") == [txid]


class Killing:
    """A wallet that is killed again and again while it syncs and pays.

    Args:
        node: it is paid by the node's blocks.
        alice: the wallet.
        rng: chooses the instants.
    """

    def __init__(self, node: NodeProcess, alice: WalletProcess, rng: Random) -> None:
        self.node, self.alice = node, alice
        self._rng = rng
        self.promised: dict[str, int] = {}  # What was acknowledged: txid and amount.
        self.tried_sat = 10_000

    def round(self) -> None:
        """One life, from its start to its end."""
        self.alice.serve(wait=self._rng.random() < 0.7)  # Else it may be killed while it starts.
        killer = threading.Timer(self._rng.random() * LIFE_S, self.alice.strike)
        killer.start()
        self.node.rpc("generatetoaddress", self._rng.randint(1, 5), BOB.address())
        try:
            self.alice.wait_ready()
            for _ in range(PAYMENTS):
                self._pay()
            while True:
                self.alice.sync()
        except (Unreachable, Unauthorized, NodeFailed):
            killer.join()
        self.alice.kill()

    def _pay(self) -> None:
        self.tried_sat += 1
        recipient = {BOB.address(): f"{self.tried_sat / COIN:.8f}"}
        try:
            draft = self.alice.call("draftpayment", recipient)
        except RpcError as error:
            if error.code != Code.INSUFFICIENT_FUNDS:
                raise
            self.alice.sync()  # It was killed before it had seen its coins.
            draft = self.alice.call("draftpayment", recipient)
        sent = self.alice.call("sendpayment", draft["psbt"], PASSPHRASE)
        self.promised[sent["txid"]] = self.tried_sat

    def check(self) -> None:
        """All that was promised is in the chain, once; the wallet says what the node says."""
        self.alice.serve()
        self.alice.sync()
        pending = self.alice.call("listtransactions", 10_000)
        unconfirmed = {each["txid"] for each in pending if each["state"] == "unconfirmed"}
        wait_until(
            lambda: unconfirmed <= set(self.node.rpc("getrawmempool")),
            SETTLE_S,
            "all are out again",
        )
        self.node.rpc("generatetoaddress", 1, BOB.address())
        height = self.node.height()
        wait_until(lambda: self.alice.sync()["scanned"] == height, SETTLE_S, "all is seen")
        entries = self.alice.call("listtransactions", 10_000)
        assert {each["state"] for each in entries} == {"confirmed"}
        assert set(self.promised) <= {each["txid"] for each in entries}
        paid = Counter(
            output.amount_sat
            for each in entries
            for output in self._transaction(each["txid"]).outputs
            if output.script_pubkey == BOB.script
        )
        assert all(paid[amount] == 1 for amount in self.promised.values()), "none twice"
        assert max(paid.values()) == 1, "nor what was not acknowledged"
        descriptors = self.alice.call("listdescriptors")["descriptors"]
        scanned = self.node.rpc(
            "scantxoutset", "start", [{"desc": each["desc"], "range": 999} for each in descriptors]
        )
        mine = self.alice.call("getbalances")["mine"]
        assert sat(mine["trusted"]) + sat(mine["immature"]) == round(scanned["total_amount"] * COIN)

    def _transaction(self, txid: str) -> Transaction:
        raw: str = self.alice.call("gettransaction", txid)["hex"]
        return Transaction.decode(bytes.fromhex(raw))


@pytest.mark.parametrize("seed", [1])
def test_kills_lose_and_double_nothing(
    nodes: tuple[NodeProcess, NodeProcess], alice: WalletProcess, seed: int
) -> None:
    kill_again_and_again(nodes[0], alice, kills=6, seed=seed)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_kills_lose_and_double_nothing(
    nodes: tuple[NodeProcess, NodeProcess], alice: WalletProcess
) -> None:
    kill_again_and_again(nodes[0], alice, kills=50, seed=2)


def kill_again_and_again(node: NodeProcess, alice: WalletProcess, kills: int, seed: int) -> None:
    alice.json("create", "--no-confirm", alice.signing())
    address = alice.json("receive")["address"]
    node.rpc("generatetoaddress", 3, address)
    node.rpc("generatetoaddress", 100, BOB.address())
    killing = Killing(node, alice, Random(seed))
    for _ in range(kills):
        killing.round()
    killing.check()
    print(f"seed {seed}: {kills} kills, {len(killing.promised)} payments promised")


def test_a_new_key_is_scanned_without_a_node_where_filters_are_kept(
    nodes: tuple[NodeProcess, NodeProcess], alice: WalletProcess
) -> None:
    alice.json("create", "--no-confirm", alice.signing())
    alice.json("sync")
    for node in nodes:
        assert node.rpc("getblockcount") == 101
    bob = WalletProcess(alice.folder, "bob", [nodes[0].door])
    bob.json("create", "--no-confirm", bob.signing())
    assert bob.json("sync", "--offline")["scanned"] == 0, "no filters were kept"

    alice.json("rescan", "--keep-filters")
    for node in nodes:
        assert node.stop() == 0
    told = bob.json("sync", "--offline")
    assert (told["scanned"], told["target"], told["peers"]) == (101, 101, 0)
