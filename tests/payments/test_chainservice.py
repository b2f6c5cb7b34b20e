"""Two wallets, one of which knows no node: what they tell each other, as bytes."""

from __future__ import annotations

from axon.machine import SECOND
from axon.node.partners import HeadersHeard, JoinPartner, WantFilters
from axon.payments.chainmessages import CF, GetCF, GetHdrs, Hdrs
from axon.payments.chainservice import answer, asked, heard, question
from tests.node.lightnetwork import OTHER_HOME, Light, light, network
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import ALICE, BOB

LINK = 7


def put(client: Light, command: object) -> object:
    done = client.net.simulation.command(client.number, command)
    client.until(lambda: done.done)
    return done.value


def exchanged(asker: Light, giver: Light, message: GetHdrs | GetCF) -> object:
    """One question and its answer, by way of their bytes; what the asker makes of it."""
    told = answer(put(giver, asked(type(message).decode(message.encode()))))  # type: ignore[arg-type]
    assert len(told.encode()) <= 400_000
    return put(asker, heard(LINK, type(told).decode(told.encode())))


def test_headers_then_filters_come_from_another_wallet() -> None:
    net = network(60, 1)
    bob = light(net, NaiveWallet([BOB.script]), (0,))
    bob.until(bob.synced)
    carol = light(net, NaiveWallet([ALICE.script]), (), home=OTHER_HOME)
    net.run(SECOND)
    wanted = question(put(carol, JoinPartner(LINK)))  # type: ignore[arg-type]
    while wanted is not None:
        outcome = exchanged(carol, bob, wanted)
        assert isinstance(outcome, HeadersHeard)
        wanted = question(outcome.question)
    assert carol.node.headers.best.hash == bob.node.headers.best.hash
    wanted = question(put(carol, WantFilters()))  # type: ignore[arg-type]
    assert wanted == GetCF(1, carol.node.headers.best.hash)
    assert exchanged(carol, bob, wanted) == 112, "they are held, and wait"
    assert carol.node.filter_headers.height == -1, "filter headers are taken from nodes alone"
    assert carol.wallet.scanned is None


def test_filters_come_from_another_wallet_once_nodes_agreed_on_their_headers() -> None:
    net = network(61, 1)
    bob = light(net, NaiveWallet([BOB.script]), (0,))
    bob.until(bob.synced)
    wallet, disk = NaiveWallet([ALICE.script]), bob.wallet.disk
    wallet.disk.headers, wallet.disk.filter_headers = disk.headers, disk.filter_headers
    carol = light(net, wallet, (), home=OTHER_HOME, alone=True)
    net.run(SECOND)
    wanted = question(put(carol, WantFilters()))  # type: ignore[arg-type]
    assert isinstance(wanted, GetCF)
    assert exchanged(carol, bob, wanted) == 112
    net.run(SECOND)
    assert question(put(carol, WantFilters())) is None  # type: ignore[arg-type]
    hashes = answer(put(bob, asked(GetCF(1, wanted.stop_hash, True))))  # type: ignore[arg-type]
    assert isinstance(hashes, CF)
    assert len(hashes.filter_hashes) == 112
    assert put(carol, heard(LINK, hashes)) == 0, "hashes alone are of no use"
    assert isinstance(answer(()), Hdrs)
