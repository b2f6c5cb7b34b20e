"""A light client among full nodes, in virtual time: real protocol code on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from axon.machine import MINUTE, SECOND
from axon.node.blockreads import ExamineBlock
from axon.node.commands import Feerates, RecentFeerates, SendTransaction
from axon.node.facts import PaymentFound, TransactionSpread, UnconfirmedPaymentFound
from axon.p2p.filterheaders import RECORD_SIZE
from axon.primitives.block import Block
from axon.primitives.network import REGTEST, Network
from axon.primitives.transaction import TxOut
from tests.node.lightnetwork import OTHER_HOME, Light, light, network, pay_bob
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import ALICE, BOB, CAROL
from tests.signing import Spendable


def test_a_payment_is_found_unconfirmed_then_in_a_block() -> None:
    net = network(1, 3)
    bob = light(net, NaiveWallet([BOB.script]), (0, 1, 2))
    bob.until(bob.synced)
    paid = pay_bob(net, 700)
    bob.until(lambda: paid.txid in bob.wallet.unconfirmed)
    assert any(isinstance(fact, UnconfirmedPaymentFound) for fact in bob.facts)
    before = bob.wallet.balance_sat
    net.mine(0, CAROL.script)
    bob.until(lambda: paid.txid in bob.wallet.confirmed and bob.synced())
    assert bob.wallet.balance_sat == before + 700
    assert any(isinstance(fact, PaymentFound) and fact.txid == paid.txid for fact in bob.facts)


def test_the_past_is_found_whoever_is_asked() -> None:
    net = network(2, 2)
    paid = pay_bob(net, 900)
    net.run(MINUTE)
    net.mine(1, CAROL.script)
    net.settle(MINUTE)
    bob = light(net, NaiveWallet([BOB.script]), (1,))
    bob.until(bob.synced)
    height, found = bob.wallet.confirmed[paid.txid]
    assert (height, found) == (net.machine(0).active.height, paid)
    disk = bob.wallet.disk
    assert len(disk.headers) == len(disk.filter_headers) // RECORD_SIZE - 1 == height
    assert bob.wallet.blocks_taken < height


def test_scripts_that_come_to_be_watched_are_looked_for_from_there_on() -> None:
    net = network(3, 2)
    wallet = NaiveWallet([CAROL.script], later=[BOB.script])
    first = pay_bob(net, 900)
    net.mine(0, CAROL.script)
    net.run(SECOND)
    second = pay_bob(net, 800)
    net.mine(0, ALICE.script)
    net.run(SECOND)
    found = light(net, wallet)
    found.until(found.synced)
    assert second.txid in wallet.confirmed
    assert first.txid in wallet.confirmed, "blocks before pay Carol, too"


def test_it_follows_where_the_chain_turns() -> None:
    net = network(4, 2)
    bob = light(net, NaiveWallet([BOB.script]), (0, 1))
    bob.until(bob.synced)
    net.simulation.partition([[0, bob.number], [1]])
    paid = pay_bob(net, 600)
    net.mine(0, CAROL.script)
    bob.until(lambda: paid.txid in bob.wallet.confirmed)
    lost_height = net.machine(0).active.height
    for _ in range(3):
        net.mine(1, ALICE.script)
        net.run(SECOND)
    net.simulation.heal()
    assert net.settle(30 * MINUTE)
    bob.until(bob.synced)
    assert net.machine(1).active.height == lost_height + 2
    assert paid.txid not in bob.wallet.confirmed
    assert paid.txid in bob.wallet.unconfirmed, "unconfirmed again, not forgotten"
    net.mine(0, CAROL.script)
    bob.until(lambda: paid.txid in bob.wallet.confirmed, 30 * MINUTE)


def test_its_own_payment_spreads_and_comes_back() -> None:
    net = network(5, 4)
    bob = light(net, NaiveWallet([BOB.script]), (0, 1, 2, 3))
    bob.until(bob.synced)
    bob.until(lambda: len(bob.node.sessions) >= 3)
    machine = net.machine(0)
    point, coin = next(
        (point, coin)
        for point, coin in machine.coins.items()
        if coin.script_pubkey == BOB.script and machine.active.height + 1 - coin.height >= 100
    )
    payment = BOB.pay(
        [Spendable(point, coin.amount_sat)], [TxOut(coin.amount_sat - 1_000, CAROL.script)]
    )
    net.simulation.command(bob.number, SendTransaction(payment))
    bob.until(lambda: all(payment.txid in net.machine(n).pool for n in range(4)), 10 * MINUTE)
    bob.until(
        lambda: any(
            isinstance(fact, TransactionSpread) and fact.given and fact.echoed for fact in bob.facts
        ),
        10 * MINUTE,
    )
    net.mine(2, CAROL.script)
    bob.until(lambda: payment.txid in bob.wallet.confirmed)
    assert bob.node.transactions.broadcast.status(payment.txid) is None


@pytest.mark.parametrize("seed", range(10, 16))
def test_it_is_served_as_long_as_one_node_lives(seed: int) -> None:
    net = network(seed, 4)
    bob = light(net, NaiveWallet([BOB.script]), (0, 1, 2, 3))
    bob.until(bob.synced)
    rng = net.simulation.random("deaths")
    order = [1, 2, 3]
    while order:
        net.crash(order.pop(int(rng.random() * len(order))), lose=False)
        paid = pay_bob(net, 1_000 + len(order))
        net.mine(0, CAROL.script)
        took = bob.until(lambda paid=paid: paid.txid in bob.wallet.confirmed)  # type: ignore[misc]
        assert took < 5 * SECOND, f"seed {seed}"


def test_a_restart_goes_on_where_it_was() -> None:
    net = network(20, 2)
    first = light(net, NaiveWallet([BOB.script]))
    first.until(first.synced)
    scanned = first.wallet.scanned
    assert scanned is not None
    net.simulation.crash(first.number)
    paid = pay_bob(net, 500)
    net.mine(0, CAROL.script)
    net.settle(MINUTE)
    net.simulation.restart(first.number)
    taken = first.wallet.blocks_taken
    first.until(first.synced)
    assert paid.txid in first.wallet.confirmed
    assert first.wallet.blocks_taken == taken + 1, "only what came since was looked at"


def test_the_last_blocks_are_read_for_what_they_charged() -> None:
    net = network(6, 2)
    bob = light(net, NaiveWallet([BOB.script]), (0, 1))
    bob.until(bob.synced)
    asked = net.simulation.command(bob.number, RecentFeerates(6))
    bob.until(lambda: asked.done)
    assert isinstance(asked.value, Feerates)
    assert asked.value.blocks == (1_000,) * 6
    assert 90 <= asked.value.floor_sat_kvb <= 125, "told with some noise"
    too_many = net.simulation.command(bob.number, RecentFeerates(51))
    bob.until(lambda: too_many.done)
    assert too_many.value is None


def test_blocks_are_read_for_what_somebody_wants_to_know_of_them() -> None:
    net = network(6, 2)
    bob = light(net, NaiveWallet([BOB.script]), (0, 1))
    bob.until(bob.synced)
    looks = [
        ExamineBlock(3, Counting("x")),
        ExamineBlock(3, Counting("y")),
        ExamineBlock(4, Counting("x")),
    ]
    asked = [net.simulation.command(bob.number, look) for look in looks]
    missing = net.simulation.command(bob.number, ExamineBlock(7_000, Counting("x")))
    bob.until(lambda: all(each.done for each in asked))
    assert [each.value for each in asked] == ["x at 3: 1", "y at 3: 1", "x at 4: 1"]
    assert (missing.done, missing.value) == (True, None)


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts the transactions of a block."""

    name: str

    def read(self, block: Block, height: int, network: Network) -> str:
        """As a text."""
        assert network is REGTEST
        return f"{self.name} at {height}: {len(block.transactions)}"


def filters_received(client: Light) -> bool:
    """Whether a client was sent filters."""
    sessions = client.node.sessions.values()
    assert sessions
    return any("cfilter" in session.received.by_command for session in sessions)


def test_kept_filters_are_not_asked_for_again() -> None:
    net = network(7, 1)
    bob = light(net, NaiveWallet([BOB.script]))
    bob.until(bob.synced)
    disk = bob.wallet.disk
    assert len(disk.filters) == net.machine(0).active.height, "all but the genesis block's"
    net.simulation.crash(bob.number)
    carol = light(net, NaiveWallet([CAROL.script], disk=disk), home=OTHER_HOME)
    carol.until(carol.synced)
    assert carol.wallet.confirmed
    assert not filters_received(carol)


def test_a_kept_filter_that_is_not_its_blocks_is_asked_for_again() -> None:
    net = network(8, 1)
    bob = light(net, NaiveWallet([BOB.script]))
    bob.until(bob.synced)
    net.simulation.crash(bob.number)
    disk = bob.wallet.disk
    for name in disk.filters:
        disk.filters[name] = b"\x00"  # A filter of nothing: no script matches.
    carol = light(net, NaiveWallet([CAROL.script], disk=disk), home=OTHER_HOME)
    carol.until(carol.synced)
    assert len(carol.wallet.confirmed) == 37, "a third of all coinbases is hers"
    assert filters_received(carol)


@pytest.mark.parametrize("seed", range(30, 34))
def test_a_wallet_with_headers_on_disk_starts_at_any_moment(seed: int) -> None:
    net = network(seed, 2)
    bob = light(net, NaiveWallet([BOB.script]), (0, 1))
    rng = net.simulation.random("restarts")
    for _ in range(8):
        net.run(int(rng.random() * 2 * SECOND))
        net.simulation.crash(bob.number)
        coinbase = net.mine(0, BOB.script).transactions[0]
        net.simulation.restart(bob.number)
        if rng.random() < 0.5:
            bob.until(bob.synced)
            assert coinbase.txid in bob.wallet.confirmed, f"seed {seed}"
    bob.until(bob.synced)
    assert bob.wallet.scanned is not None


@pytest.mark.parametrize(("years", "all_of_them"), [(0, False), (2, True)])
def test_a_birthday_of_a_wrong_clock_hides_nothing(years: int, all_of_them: bool) -> None:
    """Two years ahead: no block is as late as that, so the date says nothing."""
    net = network(9, 1)
    now_s = net.now // SECOND
    birthday_s = now_s + years * 365 * 24 * 3_600 + (0 if years else 12 * 3_600)
    bob = light(net, NaiveWallet([BOB.script]), birthday_s=birthday_s)
    bob.until(bob.synced)
    earliest = min(height for height, _ in bob.wallet.confirmed.values())
    assert (earliest < 10) == all_of_them
