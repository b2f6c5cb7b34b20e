"""Whether coins that somebody shows are unspent: told rightly, whoever lies, and within bounds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from axon.chain.coins import Coin
from axon.machine import HOUR, MILLISECOND, MINUTE, SECOND
from axon.node import spendwatch
from axon.node.spendfacts import SpendsSearched
from axon.node.spendjobs import SearchBlock, SearchFilters, SearchKept
from axon.node.spends import ClaimedCoin, FindSpends, SpendsUnknown, Spent, StopFinding, Unspent
from axon.primitives.block import Block
from axon.primitives.transaction import OutPoint, Transaction, TxOut, outpoint
from axon.swarm.sim.byzantine import Lie
from axon.swarm.sim.lightdisk import LightDisk
from axon.swarm.sim.simulation import SimNetwork
from tests.node.lightnetwork import HOME, OTHER_HOME, Light, light, network
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import ALICE, BOB, CAROL
from tests.signing import Spendable

PAID_NOWHERE = b"\x00\x14" + bytes(20)
"""No block of these tests pays this script, or spends from it."""


def coins_of_alice(net: SimNetwork) -> list[tuple[OutPoint, Coin]]:
    """Those that the next block may spend, the oldest first."""
    machine = net.machine(0)
    found = [
        (point, coin)
        for point, coin in machine.coins.items()
        if coin.script_pubkey == ALICE.script and machine.active.height + 1 - coin.height >= 100
    ]
    return sorted(found, key=lambda item: item[1].height)


def claim(point: OutPoint, coin: Coin) -> ClaimedCoin:
    return ClaimedCoin(point, coin.script_pubkey, coin.height)


def spend(net: SimNetwork, point: OutPoint, amount_sat: int, node: int = 0) -> Transaction:
    """Alice spends a coin of hers to herself and Bob, in the next block of a node."""
    outputs = [TxOut(1_000, BOB.script), TxOut(amount_sat - 2_000, ALICE.script)]
    paid = ALICE.pay([Spendable(point, amount_sat)], outputs)
    net.send(node, paid)
    return paid


def mine(net: SimNetwork, node: int = 0, *, empty: bool = False) -> Block:
    """A block of a node's, which those connected hear of."""
    block = net.mine(node, CAROL.script, empty=empty)
    net.run(SECOND)
    return block


def payee(net: SimNetwork, peers: Sequence[int], *, keep_filters: bool = True) -> Light:
    """Bob's client, in sync with nodes, whose wallet has nothing to do with Alice."""
    wallet = NaiveWallet([CAROL.script], disk=LightDisk(keep_filters=keep_filters))
    bob = light(net, wallet, tuple(peers))
    bob.until(lambda: bob.synced() and len(bob.node.filtersync.state().agreed_peers) == len(peers))
    return bob


def ask(
    client: Light,
    *claims: ClaimedCoin,
    since: Unspent | None = None,
    within: int = MINUTE,
) -> Spent | Unspent | SpendsUnknown:
    """What a client says of coins."""
    asked = client.net.simulation.command(client.number, FindSpends(claims, since))
    client.until(lambda: asked.done, within)
    assert isinstance(asked.value, Spent | Unspent | SpendsUnknown)
    return asked.value


def filters_sent(client: Light) -> int:
    """How many bytes of filters a client was sent."""
    sessions = client.node.sessions.values()
    return sum(each.received.by_command.get("cfilter", 0) for each in sessions)


def test_a_coin_is_unspent_up_to_the_tip_as_all_agree() -> None:
    net = network(1, 4)
    bob = payee(net, (0, 1, 2, 3))
    (point, coin), *_ = coins_of_alice(net)
    tip = net.machine(0).active.tip
    assert ask(bob, claim(point, coin)) == Unspent(tip.height, tip.hash, 4)


def test_a_coin_spent_in_the_last_block_is_spent() -> None:
    net = network(2, 2)
    bob = payee(net, (0, 1))
    (point, coin), *_ = coins_of_alice(net)
    assert isinstance(ask(bob, claim(point, coin)), Unspent)
    paid = spend(net, point, coin.amount_sat)
    tip = mine(net)
    bob.until(bob.synced)
    height = net.machine(0).active.height
    assert ask(bob, claim(point, coin)) == Spent(point, paid.txid, height, tip.hash)


def test_a_coin_spent_in_the_block_that_made_it_is_spent() -> None:
    net = network(3, 2)
    bob = payee(net, (0, 1))
    (point, coin), *_ = coins_of_alice(net)
    parent = spend(net, point, coin.amount_sat)
    made = outpoint(parent.txid, 1)
    child = spend(net, made, coin.amount_sat - 2_000)
    block = mine(net)
    bob.until(bob.synced)
    height = net.machine(0).active.height
    shown = ClaimedCoin(made, ALICE.script, height)
    assert ask(bob, shown) == Spent(made, child.txid, height, block.hash)


def test_another_coin_of_the_same_script_is_no_alarm() -> None:
    net = network(4, 2)
    bob = payee(net, (0, 1))
    (point, coin), (other, another), *_ = coins_of_alice(net)
    spend(net, other, another.amount_sat)
    mine(net)
    bob.until(bob.synced)
    assert isinstance(ask(bob, claim(point, coin)), Unspent)
    answer = ask(bob, claim(point, coin), claim(other, another))
    assert isinstance(answer, Spent)
    assert answer.outpoint == other


@pytest.mark.parametrize("lie", [Lie.BLIND, Lie.SCRAMBLER, Lie.FORGER, Lie.SILENT, Lie.STALE])
def test_one_honest_node_is_enough_to_find_the_spend(lie: Lie) -> None:
    net = network(5, 4, dict.fromkeys((1, 2, 3), lie), unseen=ALICE.script)
    (point, coin), *_ = coins_of_alice(net)
    paid = spend(net, point, coin.amount_sat)
    mine(net)
    wallet = NaiveWallet([CAROL.script], disk=LightDisk(keep_filters=False))
    bob = light(net, wallet, (0, 1, 2, 3))
    bob.until(bob.synced, 10 * MINUTE)
    answer = ask(bob, claim(point, coin), within=10 * MINUTE)
    assert isinstance(answer, Spent), str(answer)
    assert answer.txid == paid.txid


def test_nodes_that_withhold_filters_leave_it_unknown() -> None:
    net = network(6, 2, dict.fromkeys((0, 1), Lie.SILENT))
    (point, coin), *_ = coins_of_alice(net)
    wallet = NaiveWallet([CAROL.script])
    bob = light(net, wallet, (0, 1))
    bob.until(lambda: len(bob.node.sessions) == 2)
    answer = ask(bob, claim(point, coin), within=2 * MINUTE)
    assert isinstance(answer, SpendsUnknown)
    assert answer.known is None


def test_a_spend_that_left_the_chain_is_one_no_longer() -> None:
    net = network(7, 2)
    bob = payee(net, (0, 1))
    (point, coin), *_ = coins_of_alice(net)
    net.simulation.partition([[0, bob.number], [1]])
    spend(net, point, coin.amount_sat)
    mine(net)
    bob.until(bob.synced)
    assert isinstance(ask(bob, claim(point, coin)), Spent)
    for _ in range(3):
        mine(net, 1, empty=True)
    net.simulation.heal()
    assert net.settle(30 * MINUTE)
    bob.until(bob.synced, 10 * MINUTE)
    answer = ask(bob, claim(point, coin))
    tip = net.machine(1).active.tip
    assert isinstance(answer, Unspent), "its transaction waits again for a block"
    assert (answer.height, answer.block_hash) == (tip.height, tip.hash)


@pytest.mark.parametrize("job", [SearchKept, SearchFilters, SearchBlock])
def test_the_chain_may_turn_while_it_is_searched(job: type) -> None:
    """The search is in the middle of a job on the branch that loses."""
    net = network(8, 2)
    slow = [False]
    keep = job is not SearchFilters
    bob = light(
        net,
        NaiveWallet([CAROL.script], disk=LightDisk(keep_filters=keep)),
        (0, 1),
        job_time_us=lambda each: 20 * MINUTE if slow[0] and isinstance(each, job) else MILLISECOND,
    )
    bob.until(bob.synced)
    (point, coin), *_ = coins_of_alice(net)
    net.simulation.partition([[0, bob.number], [1]])
    paid = spend(net, point, coin.amount_sat)
    mine(net, empty=True)
    for _ in range(3):
        mine(net, 1, empty=True)
    bob.until(bob.synced)
    slow[0] = True
    asked = net.simulation.command(bob.number, FindSpends((claim(point, coin),)))
    net.run(SECOND)
    net.simulation.heal()
    assert net.settle(15 * MINUTE)
    slow[0] = False
    net.send(1, paid)
    block = mine(net, 1)
    bob.until(lambda: asked.done, HOUR)
    assert asked.value == Spent(point, paid.txid, net.machine(1).active.height, block.hash)


def test_a_later_question_goes_on_from_what_is_known() -> None:
    net = network(9, 2)
    bob = payee(net, (0, 1), keep_filters=False)
    (point, coin), *_ = coins_of_alice(net)
    first = ask(bob, claim(point, coin))
    assert isinstance(first, Unspent)
    before = filters_sent(bob)
    assert ask(bob, claim(point, coin)) == first
    assert filters_sent(bob) == before, "nothing is left to look at"
    mine(net)
    bob.until(bob.synced)
    assert isinstance(ask(bob, claim(point, coin)), Unspent)
    assert filters_sent(bob) - before < 500, "two filters: the wallet's, and that of the search"


@pytest.mark.parametrize("resumed", [False, True])
def test_what_was_kept_of_an_earlier_run_spares_the_work(resumed: bool) -> None:
    net = network(10, 1)
    bob = payee(net, (0,), keep_filters=False)
    (point, coin), *_ = coins_of_alice(net)
    known = ask(bob, claim(point, coin))
    assert isinstance(known, Unspent)
    net.simulation.crash(bob.number)
    paid = spend(net, point, coin.amount_sat)
    mine(net)
    net.simulation.restart(bob.number)
    bob.until(bob.synced)
    before = filters_sent(bob)
    answer = ask(bob, claim(point, coin), since=known if resumed else None)
    assert isinstance(answer, Spent)
    assert answer.txid == paid.txid
    assert (filters_sent(bob) - before < 500) == resumed


def test_a_wallet_that_was_at_the_tip_when_it_started_finds_out_as_well() -> None:
    net = network(24, 2)
    bob = payee(net, (0, 1), keep_filters=False)
    (point, coin), *_ = coins_of_alice(net)
    net.simulation.crash(bob.number)
    net.simulation.restart(bob.number)
    bob.until(bob.synced)
    assert isinstance(ask(bob, claim(point, coin)), Unspent)


def test_nothing_is_called_unspent_before_the_nodes_have_told_their_headers() -> None:
    net = network(25, 2)
    bob = payee(net, (0, 1))
    (point, coin), *_ = coins_of_alice(net)
    known = ask(bob, claim(point, coin))
    assert isinstance(known, Unspent)
    net.simulation.crash(bob.number)
    paid = spend(net, point, coin.amount_sat)
    mine(net)
    net.simulation.restart(bob.number)
    answer = ask(bob, claim(point, coin), since=known)
    assert isinstance(answer, Spent), "up to the tip that it remembers nothing is left to do"
    assert answer.txid == paid.txid


def test_a_block_whose_filter_is_in_doubt_is_read_even_if_it_was_passed() -> None:
    net = network(26, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)
    paid = spend(net, point, coin.amount_sat)
    block = mine(net)
    bob.until(bob.synced)
    unseen = ClaimedCoin(point, PAID_NOWHERE, coin.height)  # As if filters left its script out.
    assert isinstance(ask(bob, unseen), Unspent)
    bob.node._doubt(block.hash)
    answer = ask(bob, unseen)
    assert isinstance(answer, Spent)
    assert answer.txid == paid.txid


def test_what_is_known_of_a_block_that_left_is_known_up_to_the_fork() -> None:
    net = network(11, 2)
    bob = payee(net, (0, 1))
    (point, coin), *_ = coins_of_alice(net)
    net.simulation.partition([[0, bob.number], [1]])
    mine(net)
    bob.until(bob.synced)
    known = ask(bob, claim(point, coin))
    assert isinstance(known, Unspent)
    paid = spend(net, point, coin.amount_sat, node=1)
    for _ in range(3):
        mine(net, 1)
    net.simulation.heal()
    assert net.settle(30 * MINUTE)
    bob.until(bob.synced, 10 * MINUTE)
    answer = ask(bob, claim(point, coin), since=known)
    assert isinstance(answer, Spent)
    assert answer.txid == paid.txid


def test_filters_kept_on_disk_answer_without_any_node() -> None:
    net = network(12, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)
    tip = net.machine(0).active.tip
    net.simulation.crash(bob.number)
    net.crash(0)
    alone = light(net, bob.wallet, (), home=OTHER_HOME, alone=True)
    alone.until(lambda: alone.node.scan.is_done)
    answer = ask(alone, claim(point, coin))
    assert isinstance(answer, SpendsUnknown), "nobody has the block that made it"
    made_in = alone.node.headers.best.ancestor(coin.height)
    assert made_in is not None
    other = ClaimedCoin(point, PAID_NOWHERE, coin.height + 1)
    resumed = ask(alone, other, since=Unspent(coin.height, made_in.hash, 1))
    assert resumed == Unspent(tip.height, tip.hash, 0)


def test_a_kept_filter_that_is_not_its_blocks_is_not_gone_by() -> None:
    net = network(13, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)
    paid = spend(net, point, coin.amount_sat)
    mine(net)
    bob.until(bob.synced)
    disk = bob.wallet.disk
    for name in disk.filters:
        disk.filters[name] = b"\x00"  # A filter of nothing: no script matches.
    answer = ask(bob, claim(point, coin))
    assert isinstance(answer, Spent)
    assert answer.txid == paid.txid


def test_nobody_to_ask_is_said_after_a_while() -> None:
    net = network(14, 1)
    bob = payee(net, (0,), keep_filters=False)
    (point, coin), *_ = coins_of_alice(net)
    net.crash(0)
    bob.until(lambda: not bob.node.sessions)
    answer = ask(bob, claim(point, coin), within=2 * spendwatch.NOBODY_TIME)
    assert isinstance(answer, SpendsUnknown)
    assert "no node" in answer.reason


def test_who_has_been_alone_for_long_keeps_nobody_waiting() -> None:
    net = network(18, 1)
    bob = payee(net, (0,), keep_filters=False)
    (point, coin), *_ = coins_of_alice(net)
    net.crash(0)
    bob.until(lambda: not bob.node.sessions)
    asked_at = net.simulation.now
    ask(bob, claim(point, coin))
    assert net.simulation.now - asked_at >= spendwatch.NOBODY_TIME - SECOND, "one may come back"
    asked_at = net.simulation.now
    assert isinstance(ask(bob, claim(point, coin)), SpendsUnknown)
    assert net.simulation.now - asked_at < SECOND


def test_a_coin_of_a_block_to_come_is_unknown() -> None:
    net = network(15, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)
    above = ClaimedCoin(point, coin.script_pubkey, net.machine(0).active.height + 1)
    answer = ask(bob, above)
    assert isinstance(answer, SpendsUnknown)
    assert "height" in answer.reason


@pytest.mark.parametrize("script", [b"", b"\x6a\x01\x00"])
def test_what_filters_do_not_tell_of_is_never_called_unspent(script: bytes) -> None:
    net = network(16, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)
    assert isinstance(ask(bob, ClaimedCoin(point, script, coin.height)), SpendsUnknown)


def test_questions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(17, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)
    many = tuple(claim(point, coin) for _ in range(spendwatch.MAX_COINS + 1))
    assert isinstance(ask(bob, *many), SpendsUnknown)
    assert isinstance(ask(bob), SpendsUnknown)
    monkeypatch.setattr(spendwatch, "MAX_DEPTH", 50)
    too_old = SpendsUnknown("a coin is older than 50 blocks", for_good=True)
    assert ask(bob, claim(point, coin)) == too_old
    monkeypatch.undo()
    monkeypatch.setattr(spendwatch, "MAX_QUESTIONS", 0)
    assert ask(bob, claim(point, coin)) == SpendsUnknown("0 questions are open")


def test_a_script_that_everybody_uses_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spendwatch, "MAX_BLOCKS", 10)
    net = network(18, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)  # A third of all blocks pay Alice.
    answer = ask(bob, claim(point, coin))
    assert isinstance(answer, SpendsUnknown)
    assert "hold such scripts" in answer.reason


def test_what_nobody_waits_for_ends_and_what_was_found_stays() -> None:
    net = network(19, 1)
    wallet = NaiveWallet([CAROL.script])
    bob = light(
        net,
        wallet,
        job_time_us=lambda job: MINUTE if isinstance(job, SearchBlock) else MILLISECOND,
    )
    bob.until(bob.synced)
    (point, coin), *_ = coins_of_alice(net)
    asked = net.simulation.command(bob.number, FindSpends((claim(point, coin),)))
    net.run(10 * SECOND)
    assert not asked.done
    stopped = net.simulation.command(bob.number, StopFinding((claim(point, coin),)))
    net.run(SECOND)
    assert stopped.value is True
    assert isinstance(asked.value, SpendsUnknown)
    assert asked.value.reason == "nobody waits for it"
    again = net.simulation.command(bob.number, StopFinding((claim(point, coin),)))
    net.run(SECOND)
    assert again.value is False
    assert not bob.node._fetch._wanted, "no block is asked for any more"


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spendwatch, "TELL_EVERY", 20)
    monkeypatch.setattr("axon.node.spendsearch.BATCH", 10)
    net = network(20, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)
    assert isinstance(ask(bob, claim(point, coin)), Unspent)
    told = [fact for fact in bob.facts if isinstance(fact, SpendsSearched)]
    assert len(told) == 5
    assert all(fact.outpoint == point and fact.target == 112 for fact in told)
    assert [fact.height for fact in told] == sorted(fact.height for fact in told)


def test_a_coin_of_long_ago_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.node.spendsearch.BATCH", 2)
    net = network(21, 1)
    bob = payee(net, (0,))
    (point, coin), *_ = coins_of_alice(net)
    made = spend(net, point, coin.amount_sat)
    mine(net)
    bob.until(bob.synced)
    old = ClaimedCoin(outpoint(made.txid, 5), CAROL.script, 1)
    young = ClaimedCoin(outpoint(made.txid, 1), ALICE.script, 113)
    first = net.simulation.command(bob.number, FindSpends((old,)))
    second = net.simulation.command(bob.number, FindSpends((young,)))
    bob.until(lambda: second.done)
    assert isinstance(second.value, Unspent)
    assert not first.done
    bob.until(lambda: first.done)
    assert isinstance(first.value, Unspent)


def test_the_same_seed_is_the_same_search() -> None:
    def digest() -> str:
        net = network(22, 3)
        bob = payee(net, (0, 1, 2))
        (point, coin), *_ = coins_of_alice(net)
        ask(bob, claim(point, coin))
        return net.simulation.trace.digest()

    assert digest() == digest()


def test_home_is_lied_to() -> None:
    """With nobody honest it is deceived: so many agreed is all that is said."""
    net = network(23, 2, dict.fromkeys((0, 1), Lie.BLIND), unseen=ALICE.script)
    (point, coin), *_ = coins_of_alice(net)
    spend(net, point, coin.amount_sat)
    mine(net)
    bob = light(net, NaiveWallet([CAROL.script]), (0, 1), home=HOME)
    bob.until(bob.synced)
    answer = ask(bob, claim(point, coin))
    assert isinstance(answer, Unspent)
    assert answer.peers == 2
