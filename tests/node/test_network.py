"""Two to five full nodes that talk to each other in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

from axon.drivers.sim.driver import START
from axon.machine import MINUTE, SECOND
from axon.mempool.outcome import Admitted, Refused
from axon.node.commands import Submitted
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.swarm.sim.simulation import SimNetwork
from tests.chain.chains import coin_at
from tests.node.history import HISTORY_BLOCKS, PEOPLE, history, spendable
from tests.signing import Signer, Spendable

ALICE, BOB, CAROL = PEOPLE


def network(count: int, seed: int = 1) -> SimNetwork:
    """Nodes with one history that have found each other."""
    it = SimNetwork(seed, count, history=history(START))
    it.run(20 * SECOND)
    return it


def line(number: int) -> Sequence[int]:
    """Each knows only the one before it."""
    return [number - 1] if number else []


def pay(
    it: SimNetwork, node: int, payer: Signer, payee: Signer, fee_sat: int = 2_000
) -> Transaction:
    """A payment, handed to a node."""
    coin = spendable(it.machine(node), payer)[0]
    paid = payer.pay([coin], [TxOut(coin.amount_sat - fee_sat, payee.script)])
    assert isinstance(it.send(node, paid), Admitted)
    return paid


def pools(it: SimNetwork) -> list[set[bytes]]:
    """The txids that wait at each running node."""
    return [{e.txid for e in it.machine(number).pool.entries()} for number in it.running()]


def test_nodes_find_each_other_and_agree_on_a_new_block() -> None:
    it = network(3)
    block = it.mine(0, ALICE.script)
    it.run(5 * SECOND)
    assert set(it.tips().values()) == {block.hash}
    assert all(node.facts["PeerConnected"] >= 2 for node in it.nodes)


def test_a_block_crosses_a_chain_of_nodes() -> None:
    it = SimNetwork(1, 5, contacts=line, history=history(START))
    it.run(5 * SECOND)
    block = it.mine(4, ALICE.script)
    it.run(10 * SECOND)
    assert set(it.tips().values()) == {block.hash}


def test_a_payment_reaches_every_pool_and_then_a_block() -> None:
    it = network(4)
    paid = pay(it, 0, ALICE, BOB)
    it.run(MINUTE)
    assert pools(it) == [{paid.txid}] * 4
    it.mine(3, CAROL.script)
    it.run(10 * SECOND)
    assert it.agrees()
    assert pools(it) == [set()] * 4
    point = outpoint(paid.txid, 0)
    assert all(coin_at(it.machine(n).coins, point) is not None for n in range(4))


def test_a_chain_of_unconfirmed_payments_is_put_together() -> None:
    it = network(3)
    first = pay(it, 0, ALICE, BOB)
    coin = Spendable(outpoint(first.txid, 0), first.outputs[0].amount_sat)
    second = BOB.pay([coin], [TxOut(coin.amount_sat - 3_000, CAROL.script)])
    assert isinstance(it.send(0, second), Admitted)
    it.run(MINUTE)
    assert pools(it) == [{first.txid, second.txid}] * 3


def test_a_cheat_who_pays_himself_too_much_is_refused() -> None:
    it = network(2)
    coin = spendable(it.machine(0), ALICE)[0]
    cheat = ALICE.pay([coin], [TxOut(10 * coin.amount_sat, ALICE.script)])
    refused = it.send(0, cheat)
    assert isinstance(refused, Refused)
    assert refused.reason == "bad-txns-in-belowout"
    it.run(MINUTE)
    assert pools(it) == [set()] * 2


def test_the_same_coin_is_paid_once() -> None:
    it = network(2)
    coin = spendable(it.machine(0), ALICE)[0]
    to_bob = ALICE.pay([coin], [TxOut(coin.amount_sat - 2_000, BOB.script)])
    to_carol = ALICE.pay([coin], [TxOut(coin.amount_sat - 2_000, CAROL.script)])
    assert isinstance(it.send(0, to_bob), Admitted)
    it.run(MINUTE)
    assert isinstance(it.send(1, to_carol), Refused)
    assert pools(it) == [{to_bob.txid}] * 2


def test_a_late_joiner_gets_the_ledger_and_what_was_waiting() -> None:
    it = network(4)
    it.crash(3)
    waiting = [pay(it, node, signer, CAROL) for node, signer in ((0, ALICE), (1, BOB))]
    it.run(10 * MINUTE)  # By now every node has it, and nobody announces it any more.
    it.restart(3, wipe=True)
    assert it.machine(3).active.height == 0
    assert it.settle(5 * MINUTE)
    it.run(2 * MINUTE)
    joiner = it.machine(3)
    assert joiner.active.height == HISTORY_BLOCKS
    assert joiner.follows
    assert pools(it)[3] == {paid.txid for paid in waiting}


def test_a_late_joiner_of_an_old_chain_hears_of_the_pool_when_its_sync_ends() -> None:
    it = SimNetwork(1, 3, history=history(START - 3 * 24 * 60 * MINUTE))
    it.run(10 * SECOND)
    it.mine(0, ALICE.script)
    it.run(10 * SECOND)
    it.crash(2)
    paid = pay(it, 0, ALICE, BOB)
    it.run(5 * MINUTE)
    it.restart(2, wipe=True)
    assert it.settle(5 * MINUTE)
    it.run(2 * MINUTE)
    assert pools(it)[2] == {paid.txid}


def test_parted_networks_join_on_the_longer_chain_and_payments_return() -> None:
    it = network(5)
    it.simulation.partition([(0, 1), (2, 3, 4)])
    lost = pay(it, 0, ALICE, BOB)
    for _ in range(7):
        it.mine(0, ALICE.script)
        it.run(30 * SECOND)
    shorter = it.machine(0).active.height
    assert pools(it)[0] == set()
    for _ in range(8):
        it.mine(2, BOB.script)
        it.run(30 * SECOND)
    assert it.machine(4).active.height == shorter + 1
    assert not it.agrees()
    it.simulation.heal()
    assert it.settle(20 * MINUTE)
    assert it.machine(0).active.height == shorter + 1
    assert it.nodes[0].facts["BlockDisconnected"] == 7
    assert lost.txid in pools(it)[0]
    it.run(20 * MINUTE)
    assert pools(it) == [{lost.txid}] * 5  # What came back is announced again.


def test_one_survivor_gives_everybody_everything() -> None:
    it = network(4)
    paid = pay(it, 0, ALICE, BOB)
    it.mine(0, ALICE.script)
    it.run(10 * SECOND)
    assert it.agrees()
    tip = it.machine(0).active.tip.hash
    for number in (0, 1, 2):
        it.crash(number)
    for number in (0, 1, 2):
        it.restart(number, wipe=True)
    assert it.settle(10 * MINUTE)
    it.run(SECOND)  # Coins catch up behind the last block.
    assert set(it.tips().values()) == {tip}
    assert all(coin_at(it.machine(n).coins, outpoint(paid.txid, 0)) for n in range(4))


def test_a_crash_may_lose_blocks_but_never_the_way_back() -> None:
    it = network(3)
    for _ in range(5):
        it.mine(0, ALICE.script)
        it.run(10 * SECOND)
    for _ in range(4):
        it.crash(2, lose=True)
        it.restart(2)
        assert it.machine(2).active.height >= HISTORY_BLOCKS
        assert it.settle(5 * MINUTE)
        it.mine(1, BOB.script)
        it.run(10 * SECOND)
    assert it.agrees()


def test_a_submitted_block_of_another_branch_is_inconclusive() -> None:
    it = network(2)
    it.simulation.partition([(0,), (1,)])
    theirs = it.mine(1, BOB.script)
    it.mine(0, ALICE.script)
    it.run(SECOND)
    assert it.submit(0, theirs) == Submitted("inconclusive")
