"""Pools stay equal: what one node takes in reaches the other, whoever it is and whoever began."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from tests.interop.foreign import BitcoindProcess
from tests.interop.poolpair import ANYONE, PoolPair, output_of, pool_pair, spend

pytestmark = [pytest.mark.interop, pytest.mark.process, pytest.mark.timeout(300)]

LIMIT_S = 30.0
DUST = TxOut(0, ANYONE)
TRUSTING = "-whitelist=noban@127.0.0.1"


class Caller(Protocol):
    """A node."""

    def rpc(self, method: str, /, *args: object) -> Any:
        """Call a method of its JSON-RPC."""


class Line:
    """Three nodes in a row: what enters at one end goes through the middle to the other."""

    def __init__(self, pair: PoolPair, far: NodeProcess) -> None:
        self.pair = pair
        self.nodes: list[Caller] = [pair.core, pair.axon, far]

    def submit(self, place: int, *members: Transaction) -> None:
        """Hand it in at one node; it must be taken."""
        node = self.nodes[place]
        raw = [each.raw.hex() for each in members]
        if len(raw) == 1:
            node.rpc("sendrawtransaction", raw[0], 0)
        else:
            assert node.rpc("submitpackage", raw, 0)["package_msg"] == "success"

    def agree(self, *members: Transaction, note: str) -> None:
        """Wait until all pools hold the same, and these among it."""
        names = {each.txid[::-1].hex() for each in members}

        def equal() -> bool:
            pools = [set(node.rpc("getrawmempool")) for node in self.nodes]
            return pools[0] == pools[1] == pools[2] and names <= pools[0]

        wait_until(equal, LIMIT_S, f"the pools hold the same: {note}")


@pytest.fixture(name="line", scope="module")
def line_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("line")
    BitcoindProcess.require()
    with pool_pair(folder, TRUSTING) as pair:
        options = ("-connect=0", TRUSTING)
        with NodeProcess("far", folder / "far", options=options).start() as far:
            pair.axon.connect(far)
            pair.core.rpc("addnode", str(pair.axon.p2p), "onetry")
            wait_until(lambda: len(pair.core.rpc("getpeerinfo")) == 1, LIMIT_S, "they meet")
            wait_until(
                lambda: far.rpc("getblockcount") == pair.core.rpc("getblockcount"),
                LIMIT_S,
                "the blocks have come",
            )
            yield Line(pair, far)


@pytest.mark.parametrize("place", [0, 1, 2], ids=["bitcoind", "the middle", "the far axon"])
def test_all_that_enters_reaches_all(line: Line, place: int) -> None:
    pair = line.pair
    coins = iter(pair.coins(40))
    wait_until(
        lambda: len({node.rpc("getbestblockhash") for node in line.nodes}) == 1,
        LIMIT_S,
        "the blocks have come",
    )

    def sent(note: str, *members: Transaction) -> None:
        line.submit(place, *members)
        line.agree(*members, note=note)

    plain = spend([next(coins)])
    sent("a plain one", plain)
    sent("its child", spend([output_of(plain)], fee=2_000))
    coin = next(coins)
    for version in (2, 3):
        parent = spend([coin], fee=0, version=version)
        child = spend([output_of(parent)], fee=2_000, version=version)
        sent(f"a parent without a fee, version {version}", parent, child)
        sent("another child in its place", spend([output_of(parent)], fee=5_000, version=version))
        coin = next(coins)
    parent = spend([coin], DUST, fee=0, version=3)
    child = spend([output_of(parent), output_of(parent, 1)], fee=2_000, version=3)
    sent("ephemeral dust", parent, child)
    parent = spend([next(coins)], DUST, fee=0)
    mate = next(coins)
    child = spend([output_of(parent), output_of(parent, 1), mate], fee=2_000)
    sent("ephemeral dust, version 2, with another coin", parent, child)
    coin = next(coins)
    for fee in (2_000, 6_000, 20_000):
        parent = spend([coin], TxOut(fee, ANYONE), fee=0, version=3)
        child = spend([output_of(parent)], fee=fee, version=3)
        sent(f"a package in the place of another, {fee}", parent, child)
    coin = next(coins)
    sent("one that will go", spend([coin], fee=1_000))
    parent = spend([coin], fee=900)
    sent("a package in its place", parent, spend([output_of(parent)], fee=9_000))
    wide = spend([next(coins)], *[TxOut(200_000, ANYONE)] * 3, fee=1_000, version=3)
    sent("a parent of version 3", wide)
    sent("its child", spend([output_of(wide, 1)], fee=1_000, version=3))
    sent("a sibling in its place", spend([output_of(wide, 2)], fee=5_000, version=3))
    low = spend([next(coins)], fee=10, vsize=200)
    sent("a parent below the minimum", low, spend([output_of(low)], fee=3_000))
    links, coin = [], next(coins)
    for _ in range(20):
        links.append(spend([coin], fee=500))
        coin = output_of(links[-1])
    for link in links:
        line.submit(place, link)
    line.agree(*links, note="a chain of 20")
    pair.mine()
    line.agree(note="mined")


def test_both_ends_at_once(line: Line) -> None:
    pair = line.pair
    coins = iter(pair.coins(30))
    wait_until(
        lambda: len({node.rpc("getbestblockhash") for node in line.nodes}) == 1,
        LIMIT_S,
        "the blocks have come",
    )
    everything: list[Transaction] = []
    for number in range(24):
        parent = spend([next(coins)], fee=0, version=2 + number % 2)
        child = spend([output_of(parent)], fee=2_000 + number, version=2 + number % 2)
        line.submit(number % 3, parent, child)
        everything += [parent, child]
    line.agree(*everything, note="24 pairs from three sides")
    pair.mine()
