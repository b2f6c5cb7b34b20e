"""Wallets that know wallets: what they learn of each other, and what a liar cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from axon.machine import MINUTE, SECOND, Endpoint
from axon.node.partners import (
    FilterRange,
    GiveFilters,
    GiveHeaders,
    HeadersHeard,
    HearHeaders,
    JoinPartner,
    LeavePartner,
    WantFilters,
)
from axon.p2p.filterdownload import FilterDownload
from axon.payments import chainexchange
from axon.payments.chainmessages import CF, GetCF, GetHdrs, GetProof, Hdrs, ProofMessage
from axon.payments.linkevents import LinkOpened, Proof, Prove
from axon.payments.linkfeatures import CHAIN
from axon.payments.linkkeys import invoice_hint
from axon.payments.linkmessages import Bye, Hello
from axon.payments.messages import LinkMessage, VerdictMessage
from axon.payments.partneraddress import PartnerAddress, partner_id
from axon.payments.partnerbook import Recalled
from axon.payments.partnerevents import (
    FindProof,
    KeepPartners,
    PartnerClosed,
    PartnerOpened,
    RecallPartners,
)
from axon.payments.partnermessages import GetPartners, Partners
from axon.payments.partnernode import PartnerNode
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import REGTEST
from tests.node.lightnetwork import network
from tests.node.lightrig import HEADERS
from tests.node.rig import BOB
from tests.p2p.chains import mine_headers
from tests.payments.linkrig import BILL, Bill, Partner, Purse, Rig, link_node, open_payer
from tests.payments.partnerworld import Lie, ServingWallet

TXID = Txid(b"\x07" * 32)
TIP = BlockHash(b"\x08" * 32)


def bob_and_carol(
    seed: int, *, keep: bool = True, liar: Lie | None = None
) -> tuple[ServingWallet, ServingWallet, PartnerAddress]:
    """Bob, who serves and has a node; Carol, who cannot reach it.

    Args:
        seed: of chance.
        keep: Carol keeps filters.
        liar: what Mallory says, whom Carol knows as well, and who can reach the node.

    Returns:
        Both, and the address of Mallory, or else of Bob.
    """
    net = network(seed, 1)
    bob = ServingWallet(net, 1, contacts=(0,))
    bob.until(lambda: bob.spv.is_synced)
    addresses = [bob.serve()]
    hosts = {bob.home.host}
    if liar is not None:
        mallory = ServingWallet(net, 3, contacts=(0,), lie=liar)
        mallory.until(lambda: mallory.spv.is_synced)
        addresses.insert(0, mallory.serve())
        hosts.add(mallory.home.host)
    net.simulation.admit_only(0, frozenset(hosts))
    carol = ServingWallet(net, 2, contacts=(0,), named=addresses, keep=keep)
    return bob, carol, addresses[0]


def comes_to_the_node(bob: ServingWallet, carol: ServingWallet) -> None:
    """Carol reaches the node, and sees what she was paid."""
    carol.net.simulation.admit_only(0, frozenset((bob.home.host, carol.home.host)))
    carol.until(lambda: carol.spv.is_synced)
    assert carol.naive.balance_sat == bob.naive.balance_sat > 0


def ends(wallet: ServingWallet) -> list[str]:
    """Why links to partners that it dialled have ended."""
    facts = [fact for fact in wallet.facts if isinstance(fact, PartnerClosed)]
    return [fact.reason for fact in facts if fact.is_dialled]


@pytest.mark.parametrize("keep", [True, False])
def test_a_wallet_that_knows_a_wallet_needs_a_node_for_matched_blocks_only(
    monkeypatch: pytest.MonkeyPatch, *, keep: bool
) -> None:
    bob, carol, address = bob_and_carol(70, keep=keep)
    asked: list[object] = []
    monkeypatch.setattr(FilterDownload, "_ask", lambda *given: asked.append(given))
    carol.until(lambda: carol.partner(address).filters == 112)
    assert (carol.height, carol.partner(address).headers) == (112, 112)
    assert carol.naive.scanned is None, "nobody has vouched for the filters"
    comes_to_the_node(bob, carol)
    assert not asked, "no filter was asked of the node"
    assert any(isinstance(fact, PartnerOpened) and fact.is_dialled for fact in carol.facts)
    assert any(isinstance(fact, PartnerOpened) and not fact.is_dialled for fact in bob.facts)
    assert not ends(carol)


def test_a_new_block_is_told_to_who_asked_for_headers() -> None:
    bob, carol, _ = bob_and_carol(71)
    carol.until(lambda: carol.height == 112)
    bob.net.mine(0, BOB.script)
    carol.until(lambda: carol.height == 113, 30 * SECOND)


# Liars.


def broken(message: LinkMessage) -> Sequence[LinkMessage]:
    """Headers with one left out."""
    return [Hdrs((HEADERS[0], *HEADERS[2:]))] if isinstance(message, Hdrs) else [message]


def own_chain(message: LinkMessage) -> Sequence[LinkMessage]:
    """A chain that proves its work, of which it has little."""
    mined = tuple(mine_headers(REGTEST.genesis.header, 3))
    return [Hdrs(mined)] if isinstance(message, Hdrs) else [message]


def without_end(message: LinkMessage) -> Sequence[LinkMessage]:
    """The same headers over and over."""
    return [message] * 4 if isinstance(message, Hdrs) else [message]


def other_filters(message: LinkMessage) -> Sequence[LinkMessage]:
    """Filters of other heights than were asked for."""
    return [replace(message, start_height=7)] if isinstance(message, CF) else [message]


def verdicts(message: LinkMessage) -> Sequence[LinkMessage]:
    """Something about a payment, on a link that is about none."""
    return [VerdictMessage(TXID, 6, 1)] if isinstance(message, Hdrs) else [message]


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (broken, "each header of a message builds on the one before"),
        (without_end, "headers that nobody asked for"),
        (other_filters, "other filters than were asked for"),
        (verdicts, "this link is about no payment"),
    ],
)
def test_a_liar_is_left_and_not_dialled_again(lie: Lie, why: str) -> None:
    bob, carol, mallory = bob_and_carol(72, liar=lie)
    bob.net.simulation.crash(bob.number)
    carol.until(lambda: any(why in end for end in ends(carol)))
    bob.net.simulation.restart(bob.number)
    carol.until(lambda: carol.height == 112)
    carol.net.run(20 * MINUTE)
    assert sum(why in end for end in ends(carol)) == 1
    assert mallory not in carol.partners()
    comes_to_the_node(bob, carol)


def test_the_chain_with_the_most_work_counts_whoever_comes_first() -> None:
    bob, carol, _ = bob_and_carol(73, liar=own_chain)
    carol.until(lambda: carol.height == 112)
    assert carol.spv.headers.best.hash == bob.spv.headers.best.hash
    comes_to_the_node(bob, carol)


def test_false_filters_hide_no_payment() -> None:
    def hides(message: LinkMessage) -> Sequence[LinkMessage]:
        if not isinstance(message, CF):
            return [message]
        return [replace(message, filters=(b"\x00",) * len(message.filters))]

    bob, carol, mallory = bob_and_carol(74, liar=hides)
    bob.net.simulation.crash(bob.number)
    carol.until(lambda: carol.partner(mallory).filters == 112, 5 * MINUTE)
    bob.net.simulation.restart(bob.number)
    bob.until(lambda: bob.spv.is_synced)
    comes_to_the_node(bob, carol)


# Partners of partners.


def test_wallets_hear_of_wallets_and_remember_them() -> None:
    net = network(75, 1)
    bob = ServingWallet(net, 1, contacts=(0,))
    first = bob.serve()
    carol = ServingWallet(net, 2, named=(first,))
    carol.until(lambda: carol.partner(first).is_open)
    dave = ServingWallet(net, 3, named=(carol.serve(),), finds=True)
    dave.until(lambda: dave.partner(first).is_open, 5 * MINUTE)
    net.simulation.crash(carol.number)
    net.simulation.crash(dave.number)
    dave.named = ()
    net.simulation.restart(dave.number)
    dave.until(lambda: dave.partner(first).is_open)
    assert dave.partner(first).proved_s, "it was kept"
    assert bob.serve() == first, "its key stays"


def test_who_serves_is_heard_of_by_whom_it_dials() -> None:
    net = network(76, 1)
    bob = ServingWallet(net, 1, contacts=(0,), finds=True)
    first = bob.serve()
    carol = ServingWallet(net, 2)
    second = carol.serve()
    carol.named = (first,)
    net.simulation.crash(carol.number)
    net.simulation.restart(carol.number)
    carol.serve()
    bob.until(lambda: bob.partner(second).is_open)


def test_made_up_partners_are_forgotten() -> None:
    fake = tuple(
        PartnerAddress(number.to_bytes(32, "big"), Endpoint(f"80.{number}.0.1", 9735))
        for number in range(1, 17)
    )

    def invents(message: LinkMessage) -> Sequence[LinkMessage]:
        return [Partners(fake)] if isinstance(message, Partners) else [message]

    net = network(77, 1)
    mallory = ServingWallet(net, 1, contacts=(0,), lie=invents)
    address = mallory.serve()
    carol = ServingWallet(net, 2, named=(address,), finds=True)
    carol.until(lambda: len(carol.partners()) > 1)
    assert len(carol.partners()) <= 17
    carol.until(lambda: set(carol.partners()) == {address}, 30 * MINUTE)


# Links about invoices.


class ServingPurse(Purse):
    """A wallet that serves, behind a machine; its client knows 112 headers."""

    key = Bill(9)
    seats = 2
    kept: bytes | None = None

    def perform(self, job: object) -> object:
        match job:
            case RecallPartners():
                return Recalled(self.key.public_key, ())
            case KeepPartners(table):
                self.kept = table
            case FindProof(_, invoice_id, txid):
                return invoice_id + txid
            case Prove(_, hint, session_id):
                name = partner_id(self.key.public_key)
                if invoice_hint(session_id, name) == hint:
                    return Proof(name, bytes(64), self.seats)
                return super().perform(job)
            case GiveHeaders():
                return HEADERS[:3]
            case GiveFilters(start):
                return FilterRange(start, TIP, filters=(b"\x00\x01\x02",))
            case HearHeaders(_, headers):
                return HeadersHeard(len(headers))
            case JoinPartner() | WantFilters():
                return None
            case LeavePartner():
                return False
            case _:
                return super().perform(job)
        return None


def serving_rig() -> tuple[Rig, ServingPurse]:
    purse = ServingPurse(BILL)
    rig = Rig(purse)
    rig.node = PartnerNode(link_node(), Random(1))  # type: ignore[assignment]
    rig.ring()
    return rig, purse


def comes(rig: Rig, number: int = 7) -> Partner:
    """Somebody comes to be served."""
    partner = Partner(rig, rig.accept(), payer=True, number=number)
    partner.agree()
    name = partner_id(ServingPurse.key.public_key)
    partner.say(Hello(features=(CHAIN,), hint=invoice_hint(partner.hand.session_id, name)))
    partner.listen()
    return partner


def test_questions_about_the_chain_are_answered_on_a_payers_link_and_none_about_others() -> None:
    rig, purse = serving_rig()
    payer = open_payer(rig)
    assert any(isinstance(fact, LinkOpened) for fact in rig.facts), "it is a payment's link"
    payer.say(GetHdrs(()), GetCF(5, TIP), GetProof(TXID))
    assert payer.listen() == [
        Hdrs(HEADERS[:3]),
        CF(5, TIP, bytes(32), (), (b"\x00\x01\x02",)),
        ProofMessage(TXID, BILL.id + TXID),
    ]
    payer.say(GetPartners(), Partners((PartnerAddress(BILL.public_key, rig_endpoint()),)))
    assert payer.listen() == [Partners()]
    assert payer.end is None
    assert purse.kept is None, "nothing of an invoice is written down as a partner"
    assert not purse.messages[1:], "the desk hears no more than hello"


def rig_endpoint() -> Endpoint:
    return Endpoint("8.8.8.8", 9735)


def test_who_comes_to_be_served_has_nothing_to_do_with_payments() -> None:
    rig, purse = serving_rig()
    partner = comes(rig)
    assert not purse.messages
    assert [type(fact) for fact in rig.facts] == [PartnerOpened]
    assert partner.heard[-1] == GetPartners()
    partner.say(GetProof(TXID), GetHdrs(()))
    assert partner.listen() == [ProofMessage(TXID), Hdrs(HEADERS[:3])]
    partner.say(VerdictMessage(TXID, 4))
    assert partner.listen() == [Bye("this link is about no payment")]


def test_headers_that_nobody_asked_for_end_a_link_news_does_not() -> None:
    rig, _ = serving_rig()
    partner = comes(rig)
    partner.say(Hdrs(HEADERS[:8]))
    assert partner.end is None
    partner.say(Hdrs(HEADERS[:9]))
    assert partner.end is not None
    assert "nobody asked" in partner.end


def test_partners_are_told_once_in_a_while() -> None:
    rig, purse = serving_rig()
    partner = comes(rig)
    partner.say(Partners((PartnerAddress(b"\x05" * 32, rig_endpoint()),)))
    assert purse.kept is not None
    before = purse.kept
    partner.say(Partners((PartnerAddress(b"\x06" * 32, Endpoint("9.9.9.9", 9)),)))
    assert purse.kept == before, "nobody asked for more"
    partner.say(GetPartners())
    assert partner.listen() == [Partners()], "hearsay is not passed on"


def test_who_is_served_has_a_bounded_number_of_seats() -> None:
    rig, _ = serving_rig()
    payer = open_payer(rig)
    first, second = comes(rig, 11), comes(rig, 12)
    third = comes(rig, 13)
    assert third.end == "busy"
    assert (first.end, second.end) == (None, None)
    rig.wait(11 * SECOND)
    fourth = comes(rig, 14)
    assert fourth.end is None
    assert [first.end, second.end].count(None) == 1, "the quietest makes room"
    assert payer.end is None


def test_so_many_filters_are_given_and_then_none_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chainexchange, "GIVEN_BYTES_A_SECOND", 1)
    monkeypatch.setattr(chainexchange, "GIVEN_AT_ONCE", SECOND)
    rig, _ = serving_rig()
    partner = comes(rig)
    partner.say(GetCF(5, TIP), GetCF(5, TIP))
    given = [message for message in partner.listen() if isinstance(message, CF)]
    assert [len(message.filters) for message in given] == [1, 0]
    rig.wait(5 * SECOND)
    partner.say(GetCF(5, TIP))
    assert partner.listen() == [given[0]]
