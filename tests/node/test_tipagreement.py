"""When a light client may call the end of the chain known."""

from __future__ import annotations

import pytest

from axon.machine import MINUTE, SECOND, Closed
from axon.node.facts import HeadersComplete, InSync
from axon.node.tipagreement import ANSWER_TIME, GATHER_TIME, RETRY_TIME
from axon.primitives.hashes import BlockHash
from axon.swarm.sim.simulation import SimNetwork
from axon.wire.messages import Inv, InvItem, InvType
from tests.node.history import history
from tests.node.lightnetwork import light
from tests.node.lightrig import HEADERS, LightRig
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import BOB, CAROL, NOW


def complete(rig: LightRig) -> list[int]:
    """At which heights the headers were called complete."""
    return [fact.height for fact in rig.facts if isinstance(fact, HeadersComplete)]


def test_one_short_answer_is_not_the_word_of_all() -> None:
    rig = LightRig(2)
    lagging, good = rig.connect(0, height=5), rig.connect(1)
    rig.show(lagging, HEADERS[:5])
    rig.wait(SECOND)
    assert complete(rig) == []
    rig.show(good, HEADERS[4:])
    rig.show(lagging, HEADERS[4:5])
    assert complete(rig) == [112]
    said = rig.node.agreement()
    assert (said.asked, said.agree) == (2, 1), "one of them lags"


def test_a_chain_of_nothing_but_its_first_block_is_complete() -> None:
    rig = LightRig(1)
    peer = rig.connect(0, height=0)
    rig.show(peer, ())
    assert complete(rig) == [0]
    said = rig.node.agreement()
    assert (said.asked, said.agree) == (1, 1)


def test_a_wallet_is_in_sync_with_a_node_that_has_no_block_yet() -> None:
    net = SimNetwork(1, 1, history=[])
    client = light(net, NaiveWallet([BOB.script]), (0,))
    client.until(client.synced)
    assert client.node.headers.best.height == 0


def test_who_is_being_dialled_is_waited_for_and_not_for_long() -> None:
    rig = LightRig(2)
    lagging = rig.connect(0, height=5)
    rig.show(lagging, HEADERS[:5])
    rig.wait(GATHER_TIME - SECOND)
    assert complete(rig) == []
    rig.wait(SECOND)
    assert complete(rig) == [5]


@pytest.mark.parametrize("height", [112, 1_000_000])
def test_a_node_that_says_nothing_holds_nobody_up_for_long(height: int) -> None:
    rig = LightRig(2)
    good, silent = rig.connect(0), rig.connect(1, height=height)
    rig.show(good, HEADERS)
    assert complete(rig) == []
    rig.wait(ANSWER_TIME - SECOND)
    assert complete(rig) == []
    rig.wait(2 * SECOND)
    assert complete(rig) == [112]
    assert silent in rig.node.sessions


def test_who_claims_more_than_it_shows_is_waited_for_and_not_for_long() -> None:
    rig = LightRig(1)
    boaster = rig.connect(0, height=1_000)
    rig.show(boaster, HEADERS)
    rig.wait(ANSWER_TIME - SECOND)
    assert complete(rig) == []
    rig.wait(2 * SECOND)
    assert complete(rig) == [], "nobody was heard who told all that he has"


def test_names_of_blocks_that_nobody_has_do_not_keep_it_waiting_for_ever() -> None:
    rig = LightRig(2)
    good, liar = rig.connect(0), rig.connect(1)
    rig.show(good, HEADERS)
    rig.show(liar, HEADERS[110:])
    assert complete(rig) == [112]
    waited, step = 0, 9 * SECOND
    for number in range(6):  # It is asked for the headers each time, and answers late.
        rig.send(liar, Inv((InvItem(InvType.BLOCK, BlockHash(bytes((number,)) * 32)),)))
        rig.wait(step)
        waited += not rig.node._tips.is_complete
        rig.show(liar, HEADERS[110:])
    assert waited <= 2


def test_headers_that_the_clock_calls_too_new_are_no_end_of_the_chain() -> None:
    rig = LightRig(2, now=NOW - 3 * 24 * 60 * MINUTE)
    nodes = [rig.connect(number, time_s=NOW // SECOND) for number in range(2)]
    for node in nodes:
        rig.show(node, HEADERS)
    rig.wait(MINUTE)
    assert complete(rig) == []
    said = rig.node.agreement()
    assert said.ahead_of_clock == 2
    assert said.clock_offset_s == pytest.approx(3 * 24 * 3_600, abs=600)


def test_a_clock_that_has_moved_on_is_noticed() -> None:
    too_new_by = 20 * SECOND
    rig = LightRig(1, now=HEADERS[-1].time * SECOND - 2 * 60 * MINUTE - too_new_by)
    node = rig.connect(0)
    rig.show(node, HEADERS)
    assert rig.node.agreement().ahead_of_clock == 1
    rig.asked_headers(node)
    rig.wait(RETRY_TIME)
    assert rig.asked_headers(node)
    rig.show(node, HEADERS)
    assert complete(rig) == [112]
    assert rig.node.agreement().ahead_of_clock == 0


def test_one_node_that_is_ahead_of_our_clock_is_enough_among_three() -> None:
    rig = LightRig(3, now=NOW - 3 * 60 * MINUTE)
    rigged = rig.connect(0)
    rig.show(rigged, HEADERS)
    for number in (1, 2):
        rig.show(rig.connect(number, height=100), HEADERS[:100])
    assert 100 < rig.node.headers.best.height < 112
    assert rig.node.agreement().ahead_of_clock == 1
    rig.wait(MINUTE)
    assert complete(rig) == []


def test_without_nodes_nothing_is_known_of_the_end() -> None:
    rig = LightRig(1)
    node = rig.connect(0)
    rig.show(node, HEADERS)
    assert complete(rig) == [112]
    rig.feed(Closed(node, "gone"))
    assert not rig.node.is_synced
    said = rig.node.agreement()
    assert (said.asked, said.agree) == (0, 0)


@pytest.mark.parametrize("seed", range(40, 48))
def test_it_is_never_in_sync_below_the_better_of_two_nodes(seed: int) -> None:
    net = SimNetwork(seed, 2, history=history(1_700_000_000 * SECOND))
    net.simulation.partition([[0], [1]])
    for _ in range(5):
        net.mine(1, CAROL.script)
        net.run(SECOND)
    bob = light(net, NaiveWallet([BOB.script]), (0, 1))
    bob.until(lambda: bob.node.is_synced)
    told = [fact for fact in bob.facts if isinstance(fact, InSync)]
    assert told[0].height == net.machine(1).active.height, f"seed {seed}"
    assert (told[0].asked, told[0].agree) == (2, 1)


def test_a_clock_that_is_put_back_makes_nobody_wait() -> None:
    rig = LightRig(2, now=NOW + 3 * 60 * MINUTE)
    silent, good = rig.connect(0), rig.connect(1)
    rig.wait(SECOND)
    rig.now = NOW
    rig.show(good, HEADERS)
    rig.wait(ANSWER_TIME + SECOND)
    assert complete(rig) == [112]
    assert silent in rig.node.sessions


def test_who_is_behind_is_known_by_its_claim_then_by_what_it_shows() -> None:
    rig = LightRig(3)
    good = rig.connect(0)
    rig.show(good, HEADERS)
    low, liar = rig.connect(1, height=50), rig.connect(2)
    heights = [rig.node.height_behind(peer) for peer in (good, low, liar)]
    assert heights == [None, 50, None]
    rig.show(low, HEADERS[:60])
    assert rig.node.height_behind(low) == 60
    rig.show(low, HEADERS)
    assert rig.node.height_behind(low) is None
