"""The Electrum wallet on a node's own server and on ElectrumX over a node; and what both answer.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from axon.machine import Endpoint
from axon.primitives.block import Block
from axon.primitives.hashes import sha256, to_hex
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.electrumprograms import (
    ElectrumServerClient,
    ElectrumWallet,
    ElectrumX,
    IndexedBitcoind,
)

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB, CAROL = Signer("Alice"), Signer("Bob"), Signer("Carol")
LIMIT_S: Final = 60.0
FEE_SAT: Final = 10_000
INDEXES: Final = ("-txindex", "-txospenderindex")
"""What ElectrumX asks for."""


def serving(folder: Path, *more: str, option: str = "electrum") -> tuple[NodeProcess, Endpoint]:
    """A node that serves wallets, not started yet, and where."""
    endpoint = Endpoint("127.0.0.1", free_ports(1)[0])
    options = ("-connect=0", f"-{option}={endpoint}", "-maxtipage=1000000000", *more)
    return NodeProcess("axon", folder, options=options), endpoint


def has(wallet: ElectrumWallet, field: str) -> Decimal:
    """A part of its balance, in coins."""
    return Decimal(wallet.ask("getbalance").get(field, "0"))


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds."""
    wait_until(condition, LIMIT_S, what)


def test_electrum_connects_with_tls_and_takes_the_certificate(tmp_path: Path) -> None:
    ElectrumWallet.require()
    node, endpoint = serving(tmp_path / "axon", option="electrumtls")
    with node.start(), ElectrumWallet(tmp_path / "electrum", endpoint, "s") as wallet:
        node.rpc("generatetoaddress", 2, wallet.ask("getunusedaddress"))
        until(lambda: has(wallet, "unmatured") == 100, "the rewards are seen")


@contextlib.contextmanager
def served(folder: Path, *, by_electrumx: bool) -> Iterator[tuple[NodeProcess, Endpoint]]:
    """A node with a block, and where wallets are served: by itself, or by ElectrumX over it."""
    node, endpoint = serving(folder / "axon", *(INDEXES if by_electrumx else ()))
    with node.start(), contextlib.ExitStack() as stack:
        node.rpc("generatetoaddress", 1, CAROL.address())
        if by_electrumx:
            server = ElectrumX(folder / "electrumx", url(node))
            endpoint = stack.enter_context(server).endpoint
        yield node, endpoint


def url(node: NodeProcess) -> str:
    """Where a node is called, with its password."""
    return f"http://{(node.network_folder / '.cookie').read_text()}@{node.rpc_endpoint}/"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("by_electrumx", [False, True], ids=["own", "ElectrumX"])
def test_electrum_receives_sends_and_sees_a_reorganisation(
    tmp_path: Path, *, by_electrumx: bool
) -> None:
    ElectrumWallet.require()
    if by_electrumx:
        ElectrumX.require()
    other = NodeProcess("other", tmp_path / "other", options=("-connect=0",))
    with (
        served(tmp_path, by_electrumx=by_electrumx) as (node, endpoint),
        other.start(),
        ElectrumWallet(tmp_path / "electrum", endpoint) as wallet,
    ):
        node.rpc("generatetoaddress", 2, wallet.ask("getunusedaddress"))
        node.rpc("generatetoaddress", 100, CAROL.address())
        until(lambda: has(wallet, "confirmed") == 100, "two rewards are ripe")
        until(lambda: wallet.height() == 103, "all headers are there")
        for height in range(1, 104):
            raw = node.rpc("getblock", node.rpc("getblockhash", height), 0)
            assert other.rpc("submitblock", raw) is None

        payment = wallet.ask("payto", destination=BOB.address(), amount="1.5", feerate=5)
        txid = wallet.ask("broadcast", payment)
        assert node.rpc("getrawmempool") == [txid]
        until(lambda: wallet.heights().get(txid) == 0, "the payment waits")
        node.rpc("generatetoaddress", 2, CAROL.address())
        until(lambda: wallet.heights().get(txid) == 104, "the payment is in a block")

        for block_hash in other.rpc("generatetoaddress", 3, CAROL.address()):
            node.rpc("submitblock", other.rpc("getblock", block_hash, 0))
        until(lambda: wallet.heights().get(txid) == 0, "the payment waits again")
        assert node.rpc("getblockcount") == 106
        until(lambda: wallet.height() == 106, "the new branch is followed")
        node.rpc("generatetoaddress", 1, CAROL.address())
        until(lambda: wallet.heights().get(txid) == 107, "it is in a block of the new branch")
        fee_sat = node.rpc("getblockstats", 107, ["totalfee"])["totalfee"]
        expected = 100 - Decimal("1.5") - Decimal(fee_sat) / COIN
        until(lambda: has(wallet, "confirmed") == expected, "the balance is right")


# Beside ElectrumX.


@pytest.fixture(scope="module", params=["axon", "bitcoind"])
def chain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[NodeProcess, Endpoint, Endpoint]]:
    """A node that serves wallets, and ElectrumX over it or over a bitcoind that follows it."""
    ElectrumX.require()
    folder = tmp_path_factory.mktemp("compared")
    node, ours = serving(folder / "axon", *INDEXES)
    with node.start(), contextlib.ExitStack() as stack:
        core = None
        if request.param == "bitcoind":
            IndexedBitcoind.require()
            core = stack.enter_context(IndexedBitcoind(folder / "bitcoind", dials=node.p2p))
        play(node)
        if core is not None:
            follow(core, node)
        daemon_url = url(node) if core is None else core.url
        theirs = stack.enter_context(ElectrumX(folder / "electrumx", daemon_url))
        yield node, ours, theirs.endpoint


def play(node: NodeProcess) -> None:
    """107 blocks, and payments among Alice, Bob and Carol, three of which wait."""
    node.rpc("generatetoaddress", 3, ALICE.address())
    node.rpc("generatetoaddress", 101, CAROL.address())
    coins = [coinbase(node, height) for height in (1, 2, 3)]
    split = [TxOut(COIN, BOB.script), TxOut(2 * COIN, BOB.script), TxOut(0, b"\x6a\x01\x07")]
    left = coins[0].amount_sat - 3 * COIN - FEE_SAT
    first = ALICE.pay(coins[:1], [*split, TxOut(left, ALICE.script)])
    second = BOB.pay([output(first, 0)], [TxOut(COIN - FEE_SAT, CAROL.script)])
    send(node, first, second)  # Made and spent in one block.
    node.rpc("generatetoaddress", 1, CAROL.address())
    third = ALICE.pay(coins[1:2], [TxOut(coins[1].amount_sat - FEE_SAT, BOB.script)])
    send(node, third)
    node.rpc("generatetoaddress", 2, CAROL.address())
    waits = ALICE.pay(coins[2:3], [TxOut(coins[2].amount_sat - FEE_SAT, BOB.script)])
    child = BOB.pay([output(waits, 0)], [TxOut(COIN, ALICE.script), TxOut(COIN, BOB.script)])
    other = BOB.pay([output(first, 1)], [TxOut(2 * COIN - FEE_SAT, BOB.script)])
    send(node, waits, child, other)


def follow(core: IndexedBitcoind, node: NodeProcess) -> None:
    """Wait until a bitcoind has the blocks and the pool of a node."""
    tip, pool = node.rpc("getbestblockhash"), sorted(node.rpc("getrawmempool"))
    until(lambda: core.rpc("getbestblockhash") == tip, "bitcoind follows")
    until(lambda: sorted(core.rpc("getrawmempool")) == pool, "bitcoind has the pool")
    until(lambda: core.rpc("getindexinfo")["txindex"]["synced"], "bitcoind has indexed")


def coinbase(node: NodeProcess, height: int) -> Spendable:
    """The reward of a block."""
    raw = node.rpc("getblock", node.rpc("getblockhash", height), 0)
    transaction = Block.decode(bytes.fromhex(raw)).transactions[0]
    return output(transaction, 0)


def output(transaction: Transaction, index: int) -> Spendable:
    """An output as a coin."""
    amount_sat = transaction.outputs[index].amount_sat
    return Spendable(outpoint(transaction.txid, index), amount_sat)


def send(node: NodeProcess, *transactions: Transaction) -> None:
    """Put transactions into the pool, whatever they pay."""
    for transaction in transactions:
        node.rpc("sendrawtransaction", transaction.raw.hex(), 0)


def script_hash(signer: Signer) -> str:
    """As wallets write it."""
    return to_hex(sha256(signer.script))


@pytest.mark.parametrize("version", ["1.4", "1.4.2", "1.6"])
def test_the_same_answers_as_electrumx(
    chain: tuple[NodeProcess, Endpoint, Endpoint], version: str
) -> None:
    node, ours, theirs = chain
    with (
        ElectrumServerClient(ours, version) as axon,
        ElectrumServerClient(theirs, version) as other,
    ):
        scripts = [script_hash(signer) for signer in (ALICE, BOB, CAROL)]
        scripts.append(script_hash(Signer("Mallory")))  # To whom nothing was ever paid.
        until(
            lambda: (
                len(other.ask("blockchain.scripthash.get_mempool", scripts[1])) == 3
                and other.ask("blockchain.headers.subscribe")["height"] == 107
            ),
            "ElectrumX has the pool and the chain",
        )
        questions: list[tuple[str, tuple[Any, ...]]] = []
        for script in scripts:
            for name in ("get_balance", "get_history", "subscribe"):
                questions.append((f"blockchain.scripthash.{name}", (script,)))
        heights = range(102, 108)
        for height in heights:
            questions.append(("blockchain.block.header", (height,)))
            questions.append(("blockchain.block.header", (height, 107)))
            questions.append(("blockchain.block.headers", (height, 10)))
            questions.append(("blockchain.block.headers", (height - 50, 40, 107)))
            questions.append(("blockchain.transaction.id_from_pos", (height, 0)))
        txids = [
            (height, position, txid)
            for height in heights
            for position, txid in enumerate(
                node.rpc("getblock", node.rpc("getblockhash", height), 1)["tx"]
            )
        ]
        for height, position, txid in txids:
            questions.append(("blockchain.transaction.get", (txid,)))
            questions.append(("blockchain.transaction.get", (txid, True)))
            questions.append(("blockchain.transaction.get_merkle", (txid, height)))
            questions.append(("blockchain.transaction.id_from_pos", (height, position, True)))
        for txid in node.rpc("getrawmempool"):
            questions.append(("blockchain.transaction.get", (txid,)))
        questions += [
            ("blockchain.headers.subscribe", ()),
            ("blockchain.estimatefee", (2,)),
            ("server.peers.subscribe", ()),
            ("server.donation_address", ()),
            ("server.ping", ()),
            ("blockchain.relayfee" if version != "1.6" else "mempool.get_info", ()),
        ]
        told = zip(questions, axon.ask_all(questions), other.ask_all(questions), strict=True)
        for question, found, expected in told:
            assert found == expected, question
        for _ in range(2 if version != "1.4" else 0):
            method = "blockchain.scripthash.unsubscribe"
            assert axon.ask(method, scripts[0]) == other.ask(method, scripts[0])
        for script in scripts:  # Among the unconfirmed the order is free, up to 1.6.
            for name in ("listunspent", "get_mempool"):
                method = f"blockchain.scripthash.{name}"
                found, expected = axon.ask(method, script), other.ask(method, script)
                assert sorted(found, key=str) == sorted(expected, key=str)
                confirmed = [item for item in found if item["height"] > 0]
                assert confirmed == [item for item in expected if item["height"] > 0]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("blockchain.block.header", (108,)),
        ("blockchain.block.header", (-1,)),
        ("blockchain.block.header", (5, 4)),
        ("blockchain.block.headers", (5, 5, 200)),
        ("blockchain.transaction.get_merkle", ("00" * 32, 5)),
        ("blockchain.transaction.id_from_pos", (5, 7)),
        ("blockchain.transaction.get", ("00" * 31,)),
        ("blockchain.scripthash.get_history", ("00",)),
        ("blockchain.scripthash.nothing", ()),
        ("blockchain.scripthash.get_history", ()),
    ],
)
def test_what_electrumx_refuses_is_refused_by_the_same_number(
    chain: tuple[NodeProcess, Endpoint, Endpoint],
    method: str,
    params: tuple[object, ...],
) -> None:
    _, ours, theirs = chain
    with ElectrumServerClient(ours, "1.4") as axon, ElectrumServerClient(theirs, "1.4") as other:
        expected = other.answer(method, *params)["error"]["code"]
        assert axon.answer(method, *params)["error"]["code"] == expected
