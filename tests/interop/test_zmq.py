"""ZeroMQ: a subscriber that others wrote, and the same events side by side with Bitcoin Core.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import zmq

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.mining.miner import mine
from axon.mining.template import assemble
from axon.primitives.address import encode_address
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.rpc.zmqpub.settings import TOPICS
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.foreign import BitcoindProcess
from tests.interop.installed import require

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
FEE_SAT = 10_000
LIMIT_S = 60.0
LIMIT_MS = 60_000
QUIET_MS = 500
PASSWORD_HASH = hmac.new(b"salt", b"secret", hashlib.sha256).hexdigest()
START_S: Final = REGTEST.genesis.header.time
FAR: Final = (START_S + 100_000) * 1_000_000
WATCHED_PORT = 28_333
"""Where bitcoinwatcher subscribes; it cannot be told another one."""

WATCHER = """
import json, sys
from bitcoin.address_listener.address_listener import AbstractAddressListener
from bitcoin.tx_listener.zmq_listener import ZMQTXListener

class Listener(AbstractAddressListener):
    def consume(self, tx_hex, subscribed_address, address_tx_data):
        rows = [[each.address, each._amount, each.is_confirmed] for each in address_tx_data]
        print("FOUND", json.dumps([tx_hex, subscribed_address, rows]), flush=True)

print("READY", flush=True)
ZMQTXListener(Listener({sys.argv[1]})).start()
"""


def coin_of(raw: str) -> Spendable:
    """The coinbase of a block."""
    coinbase = Block.decode(bytes.fromhex(raw)).transactions[0]
    return Spendable(outpoint(coinbase.txid, 0), coinbase.outputs[0].amount_sat)


def test_bitcoinwatcher_sees_a_payment_unconfirmed_and_confirmed(tmp_path: Path) -> None:
    program = require("bitcoinwatcher")
    options = (
        "-connect=0", "-txindex", f"-zmqpubrawtx=tcp://127.0.0.1:{WATCHED_PORT}",
        f"-rpcauth=watcher:salt${PASSWORD_HASH}",
    )  # fmt: skip
    address = encode_address(BOB.script, MAINNET)  # It writes all addresses as those of mainnet.
    assert address is not None
    with NodeProcess("axon", tmp_path / "axon", options=options).start() as axon:
        axon.rpc("generatetoaddress", 130, ALICE.address())
        coin = coin_at(axon, 30)
        paid = ALICE.pay([coin], [TxOut(COIN, BOB.script), TxOut(48 * COIN, ALICE.script)])
        environment = {
            **os.environ,
            "HOME": str(tmp_path),
            "BCL_DATA_DIR": str(tmp_path),
            "RPC_HOST": "127.0.0.1",
            "RPC_PORT": str(axon.rpc_endpoint.port),
            "RPC_USER": "watcher",
            "RPC_PASSWORD": "secret",
        }
        said = tmp_path / "said.txt"
        with said.open("w") as output:
            watcher = subprocess.Popen(
                [str(program), "-c", WATCHER, address],
                stdout=output,
                stderr=output,
                env=environment,
            )
        try:
            wait_until(lambda: "READY" in said.read_text(), LIMIT_S, "it listens")
            wait_until(lambda: subscribed(axon, said), LIMIT_S, "it hears of payments")
            axon.rpc("generatetoaddress", 1, ALICE.address())
            time.sleep(QUIET_MS / 1000)
            before = len(found(said))
            axon.rpc("sendrawtransaction", paid.raw.hex(), 0)
            wait_until(lambda: len(found(said)) > before, LIMIT_S, "it sees the payment")
            axon.rpc("generatetoaddress", 1, ALICE.address())
            wait_until(lambda: len(found(said)) > before + 1, LIMIT_S, "it sees it in a block")
        finally:
            watcher.kill()
            watcher.wait(LIMIT_S)
    for (raw, watched, rows), confirmed in zip(found(said)[before:], (False, True), strict=True):
        assert (raw, watched) == (paid.raw.hex(), address)
        assert [row[1] for row in rows] == [50 * COIN, COIN, 48 * COIN]
        assert {row[2] for row in rows} == {confirmed}


def coin_at(axon: NodeProcess, height: int) -> Spendable:
    """The coinbase of a block."""
    return coin_of(axon.rpc("getblock", axon.rpc("getblockhash", height), 0))


def subscribed(axon: NodeProcess, said: Path) -> bool:
    """Whether the watcher sees one more small payment; Alice has a coin for each."""
    coin = coin_at(axon, 1 + axon.rpc("getmempoolinfo")["size"])
    paid = ALICE.pay([coin], [TxOut(coin.amount_sat - FEE_SAT, BOB.script)])
    axon.rpc("sendrawtransaction", paid.raw.hex(), 0)
    time.sleep(QUIET_MS / 1000)
    return bool(found(said))


def found(said: Path) -> list[tuple[str, str, list[list[object]]]]:
    lines = said.read_text().splitlines()
    return [json.loads(line.removeprefix("FOUND ")) for line in lines if line.startswith("FOUND ")]


class PublishingBitcoind(BitcoindProcess):
    """Bitcoin Core with ZeroMQ, which it may have been built without."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        super().__init__(folder)
        self._options = options

    @classmethod
    def require(cls) -> Path:
        program = super().require()
        told = subprocess.run([program, "-help"], capture_output=True, text=True, check=True)
        if "-zmqpubsequence" not in told.stdout:
            pytest.skip(f"{program} was built without ZeroMQ")
        return program

    def _command(self) -> list[str]:
        return [*super()._command(), *self._options]


class Listener:
    """Hears all topics at one address."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], port: int) -> None:
        self._socket = context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.connect(f"tcp://127.0.0.1:{port}")

    def heard(self, least: int) -> list[tuple[bytes, bytes, bytes]]:
        """Topic, body and number of every message since the last time; so many come at least."""
        found: list[tuple[bytes, bytes, bytes]] = []
        while self._socket.poll(QUIET_MS if len(found) >= least else LIMIT_MS):
            topic, body, number = self._socket.recv_multipart()
            found.append((topic, body, number))
        return found


class Publishers:
    """Both nodes, with the same blocks and transactions; neither knows of the other."""

    def __init__(self, rpcs: Sequence[Callable[..., Any]], listeners: Sequence[Listener]) -> None:
        self._rpcs, self._listeners = rpcs, listeners
        self._tree = HeaderTree(REGTEST)
        self._serial = 0

    def both(self, name: str, *args: object) -> None:
        """A call to both; what they answer must be the same."""
        answers = [rpc(name, *args) for rpc in self._rpcs]
        assert answers[0] == answers[1], name

    def compare_pools(self) -> None:
        """Both pools are the same, and so is the count; those that pay alike may change places."""
        told = [rpc("getrawmempool", False, True) for rpc in self._rpcs]
        seen = [(sorted(each["txids"]), each["mempool_sequence"]) for each in told]
        assert seen[0] == seen[1]

    def send(self, *transactions: Transaction) -> None:
        for transaction in transactions:
            self.both("sendrawtransaction", transaction.raw.hex(), 0)

    def give(self, *blocks: Block) -> None:
        for block in blocks:
            self.both("submitblock", block.raw.hex())

    def block(self, parent: Block, transactions: Sequence[Transaction] = ()) -> Block:
        """A block that both take, on any other."""
        entry = self._tree.get(parent.hash)
        assert entry is not None
        self._serial += 1
        mined = mine(
            assemble(
                entry,
                transactions,
                [TxOut(25 * COIN, ALICE.script)],
                version=0x2000_0000,
                time=entry.time + 1,
                bits=entry.bits,
                extra_nonce=self._serial.to_bytes(4, "little"),
            ),
            10_000,
        )
        assert mined is not None
        assert isinstance(self._tree.add(mined.header, FAR), HeaderEntry)
        return mined

    def compare(self, least: int) -> None:
        """Both have said the same since the last time, and so many things at least."""
        first, second = [listener.heard(least) for listener in self._listeners]
        assert first == second


@pytest.fixture
def publishers(tmp_path: Path) -> Iterator[Publishers]:
    PublishingBitcoind.require()
    ports = free_ports(2)
    options = [
        ("-mempoolexpiry=1", *(f"-zmqpub{topic}=tcp://127.0.0.1:{port}" for topic in TOPICS))
        for port in ports
    ]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    axon = NodeProcess("axon", tmp_path / "axon", options=("-connect=0", *options[0]))
    with PublishingBitcoind(tmp_path / "core", options[1]) as core, axon.start():
        listeners = [Listener(context, port) for port in ports]
        time.sleep(2 * QUIET_MS / 1000)  # Until both have subscribed.
        yield Publishers((axon.rpc, core.rpc), listeners)
    context.destroy(0)


def test_bitcoin_core_says_the_same_in_the_same_order(publishers: Publishers) -> None:
    both, block = publishers, publishers.block
    both.both("setmocktime", START_S + 1_000)
    first = REGTEST.genesis
    coins: list[Spendable] = []
    for _ in range(112):
        first = block(first)
        coins.append(coin_of(first.raw.hex()))
        both.give(first)
    both.compare(112 * 5)

    def pay(coin: Spendable, fee_sat: int) -> Transaction:
        return ALICE.pay([coin], [TxOut(coin.amount_sat - fee_sat, BOB.script)])

    def onward(parent: Transaction) -> Transaction:
        coin = Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat)
        return BOB.pay([coin], [TxOut(coin.amount_sat - FEE_SAT, ALICE.script)])

    replaced = pay(coins[0], 1_000)
    both.send(replaced, onward(replaced))
    better = pay(coins[0], 50_000)
    both.send(better)
    both.compare(3 * 3 + 2)

    losing, confirmed = pay(coins[1], 1_000), pay(coins[2], 1_000)
    both.send(losing, onward(losing), confirmed)
    winner = pay(coins[1], 2_000)
    lost = [block(first, [confirmed, winner])]
    lost.append(block(lost[0], [better]))
    both.give(*lost)
    both.compare(3 * 3 + 2 * 2 + 2 * 3 + 2 * 3)

    both.send(onward(confirmed))
    branch = [block(first, [pay(coins[1], 3_000)])]
    for _ in range(2):
        branch.append(block(branch[-1]))
    both.give(*branch)
    both.compare(20)
    both.both("getrawmempool", False, True)

    late = [block(branch[-1])]
    late.append(block(late[0]))
    for each in late:
        both.both("submitheader", each.header.raw.hex())
    both.give(late[1], late[0])
    both.compare(2 * 5)

    both.both("setmocktime", START_S + 3_000)
    both.send(pay(coins[3], 1_000))
    both.both("setmocktime", START_S + 3_000 + 3_700)
    both.send(pay(coins[4], 1_000))
    both.compare(2 * 3 + 1)

    taken = [block(late[1], [pay(coins[5], 1_000), pay(coins[6], 1_000)])]
    taken.append(block(taken[0], [pay(coins[7], 1_000)]))
    taken.append(block(taken[1]))
    both.give(*taken)
    both.compare(3 * 5 + 3 * 2)
    for order, least in (("invalidateblock", 3 + 3 * 3), ("reconsiderblock", 3 * 3)):
        both.both(order, to_hex(taken[0].hash))
        both.compare(least)
        both.compare_pools()

    branch = [block(late[1], [pay(coins[5], 3_000)])]
    for _ in range(3):
        branch.append(block(branch[-1]))
    both.give(*branch)
    both.compare(3 + 4 * 3)
    both.both("invalidateblock", to_hex(branch[0].hash))
    both.compare(4 + 3 * 3)
    both.both("reconsiderblock", to_hex(branch[0].hash))
    both.compare(3 + 4 * 3)
    both.both("invalidateblock", to_hex(taken[2].hash))
    both.both("invalidateblock", to_hex(branch[1].hash))
    both.compare(4 + 2 * 3)
    both.compare_pools()
