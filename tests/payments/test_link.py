"""The machine of links, alone: each of its partners is a test's hand."""

from __future__ import annotations

from itertools import pairwise

import pytest

from axon.machine import MINUTE, SECOND, Clogged, Delegate, Drained, NoCommand
from axon.payments.chainmessages import GetHdrs, Hdrs
from axon.payments.invoice import prove_link
from axon.payments.linkdials import MAX_PAUSE, STEADY
from axon.payments.linkend import (
    ANSWER_LIMIT,
    AUTH_LIMIT,
    CLOGGED_LIMIT,
    IDLE_LIMIT,
    IN_FLIGHT_BYTES,
    MAX_OPEN_QUESTIONS,
    MESSAGE_LIMIT,
)
from axon.payments.linkevents import (
    BUSY,
    DONE,
    IDLE,
    REPLACED,
    UNKNOWN,
    CloseLink,
    Heard,
    LinkClosed,
    LinkFailed,
    LinkOpened,
    LinkReplies,
    OpenLink,
    Prove,
    Say,
    Side,
)
from axon.payments.linkkeys import invoice_hint
from axon.payments.linkmessages import Auth, Bye, Hello
from axon.payments.linkseats import MAX_PAYERS, MAX_STRANGERS, QUIET, TOTAL_BYTES
from axon.payments.messages import (
    GetInvoice,
    InvoiceMessage,
    PaymentMessage,
    ReceiptMessage,
    VerdictMessage,
)
from axon.primitives.hashes import Txid
from axon.primitives.network import REGTEST
from axon.wire.v1 import V1Transport
from axon.wire.v2 import MAX_GARBAGE_SIZE
from axon.wire.v2names import encode_name
from tests.payments.invoices import INVOICE, SECRET
from tests.payments.linkrig import (
    ALICE,
    BILL,
    BOB,
    CAROL,
    OTHER,
    Bill,
    Partner,
    Purse,
    Rig,
    open_payer,
)

PACKET = PaymentMessage(b"a packet")
REFUSED = VerdictMessage(Txid(bytes(32)), 0, reason="bad-packet")
WRONG = "whoever answers there is not who wrote the invoice"


def dialled(rig: Rig, bill: Bill = BILL) -> Partner:
    """A payee who has been dialled by a rig's machine."""
    rig.ask(OpenLink(bill))
    return Partner(rig, rig.answer_dial(), payer=False)


def proved(rig: Rig, bill: Bill = BILL) -> Partner:
    """The same, on an open link."""
    payee = dialled(rig, bill)
    payee.agree()
    payee.say(Hello(), Auth(bill.sign(payee.hand.session_id)))
    payee.listen()
    return payee


# Both sides, as they should be.


def test_a_payee_proves_himself_to_who_knows_the_invoice() -> None:
    rig = Rig()
    payer = Partner(rig, rig.accept(), payer=True, garbage=b"garbage")
    payer.agree()
    assert payer.heard == [Hello()]
    payer.say(payer.hello())
    (auth,) = payer.listen()
    assert auth == Auth(BILL.sign(payer.hand.session_id))
    assert rig.facts == [LinkOpened(1, Side.PAYEE, BILL.id)]
    assert rig.purse.heard == [Heard(1, Side.PAYEE, BILL.id, payer.hello())]


def test_a_payer_says_hello_and_waits_for_the_proof() -> None:
    rig = Rig()
    payee = dialled(rig)
    payee.agree()
    assert payee.heard == [Hello(hint=invoice_hint(payee.hand.session_id, BILL.id))]
    payee.say(Hello())
    assert payee.listen() == []
    assert rig.facts == []
    payee.say(Auth(BILL.sign(payee.hand.session_id)))
    assert rig.facts == [LinkOpened(1, Side.PAYER, BILL.id)]
    assert rig.purse.heard == [Heard(1, Side.PAYER, BILL.id, Hello())]
    assert rig.ask(Say(1, (GetInvoice(), PACKET)))
    assert payee.listen() == [GetInvoice(), PACKET]


def test_what_the_wallet_replies_is_sent_and_may_end_the_link() -> None:
    def reply(heard: Heard) -> LinkReplies:
        match heard.message:
            case GetInvoice():
                return LinkReplies((InvoiceMessage("bitcoin:x"),))
            case PaymentMessage():
                return LinkReplies((REFUSED,), end="refused")
        return LinkReplies()

    rig = Rig(Purse(BILL, reply=reply))
    payer = open_payer(rig)
    payer.say(GetInvoice())
    assert payer.listen() == [InvoiceMessage("bitcoin:x")]
    payer.say(PACKET)
    assert payer.listen() == [REFUSED, Bye("refused")]
    assert payer.end == "refused"
    assert rig.facts[-1] == LinkClosed(1, Side.PAYEE, "refused")
    assert rig.ask(Say(1, (REFUSED,))) is False


def test_messages_of_a_link_are_heard_one_at_a_time_and_in_order() -> None:
    rig = Rig()
    payer = open_payer(rig)
    rig.works_at_once = False
    receipts = [ReceiptMessage(str(number)) for number in range(20)]
    payer.say(*receipts)
    for number in range(20):
        assert len(rig.jobs) == 1, "the next one waits for this one"
        rig.work(1)
        assert rig.purse.messages[1:] == receipts[: number + 1]
    assert not rig.jobs


def test_links_do_not_wait_for_each_other() -> None:
    rig = Rig(Purse(BILL, OTHER))
    one, other = open_payer(rig), open_payer(rig, OTHER)
    rig.works_at_once = False
    one.say(PACKET, PACKET)
    other.say(PACKET)
    assert [job.job for job in rig.jobs] == [
        Heard(1, Side.PAYEE, BILL.id, PACKET),
        Heard(2, Side.PAYEE, OTHER.id, PACKET),
    ]


def test_an_unknown_command_is_answered_so() -> None:
    assert Rig().ask("dance") == NoCommand("dance")
    assert Rig().ask(OpenLink(Bill(1, ()))) is None
    assert Rig().ask(CloseLink(3)) is False


def test_a_bye_is_heard_last() -> None:
    rig = Rig()
    payer = open_payer(rig)
    payer.say(Bye(DONE), PACKET)
    assert rig.purse.messages == [payer.hello(), Bye(DONE)]
    assert rig.facts[-1] == LinkClosed(1, Side.PAYEE, "the partner said: done")


def test_what_was_said_before_the_connection_broke_is_heard() -> None:
    rig = Rig(Purse(BILL, reply=lambda _: LinkReplies((REFUSED,))))
    payer = open_payer(rig)
    rig.works_at_once = False
    payer.say(PACKET, ReceiptMessage("1"), ReceiptMessage("2"))
    rig.lose(payer.peer)
    rig.works_at_once = True
    rig.work()
    assert rig.purse.messages[1:] == [PACKET, ReceiptMessage("1"), ReceiptMessage("2")]
    assert isinstance(rig.facts[-1], LinkClosed)
    assert rig.ask(Say(1, (REFUSED,))) is False


def test_of_who_left_in_the_middle_of_a_message_nothing_is_kept() -> None:
    rig = Rig()
    payee = proved(rig)
    payee.put(payee.hand.packet(b"x" * 50)[:-1])
    rig.lose(payee.peer)
    assert isinstance(rig.facts[-1], LinkClosed)
    rig.wait(10 * SECOND)
    assert len(rig.dials) == 1


# Who is not who he should be.


def test_a_man_in_the_middle_hears_a_hello_and_no_byte_more() -> None:
    """Mallory has keys of his own with both sides, and hands on what he can."""
    alice, bob = Rig(seed=1), Rig(seed=2)
    to_alice = dialled(alice)
    to_bob = Partner(bob, bob.accept(), payer=True)
    to_alice.agree()
    to_bob.agree()
    assert to_bob.heard == [Hello()]
    (hello,) = to_alice.heard
    to_bob.say(hello)  # Its hint means nothing on another connection.
    assert to_bob.listen() == [Bye(UNKNOWN)]
    before = len(alice.sent[to_alice.peer].data)
    mallory = Bill(66)
    to_alice.say(Hello(), Auth(mallory.sign(to_alice.hand.session_id)))
    assert to_alice.end == WRONG
    assert len(alice.sent[to_alice.peer].data) == before, "no byte beyond the hello has left"
    assert to_alice.heard == [hello]
    assert alice.facts == [LinkFailed(1, Side.PAYER, WRONG)]
    assert alice.purse.heard == []


def test_who_knows_the_invoice_cannot_prove_it_either() -> None:
    """Mallory has a copy of the invoice: Bob proves himself to him, on another connection."""
    alice, bob = Rig(seed=1), Rig(seed=2)
    to_alice, to_bob = dialled(alice), open_payer(bob)
    to_alice.agree()
    (auth,) = (message for message in to_bob.heard if isinstance(message, Auth))
    to_alice.say(Hello(), auth)
    assert to_alice.end == WRONG


def test_a_proof_of_before_proves_nothing_now() -> None:
    rig = Rig()
    first = proved(rig)
    auth = Auth(BILL.sign(first.hand.session_id))
    rig.lose(first.peer)
    rig.wait(2 * SECOND)
    again = Partner(rig, rig.answer_dial(), payer=False)
    again.agree()
    again.say(Hello(), auth)
    assert again.end == WRONG


def test_a_payee_who_proves_another_invoice_is_not_the_one() -> None:
    rig = Rig()
    payee = dialled(rig)
    payee.agree()
    payee.say(Hello(), Auth(OTHER.sign(payee.hand.session_id)))
    assert payee.end == WRONG


@pytest.mark.parametrize(
    "said",
    [
        (PACKET,),
        (Hello(), PACKET),
        (Hello(), Hello()),
        (Hello(hint=bytes(32)),),
        (Auth(bytes(64)),),
        (Hello(), REFUSED),
    ],
)
def test_a_payee_says_nothing_else_before(said: tuple[Hello | Auth | PaymentMessage]) -> None:
    rig = Rig()
    payee = dialled(rig)
    payee.agree()
    payee.say(*said)
    assert payee.end is not None
    assert payee.listen() == []
    assert isinstance(rig.facts[-1], LinkFailed)


@pytest.mark.parametrize("said", [PACKET, GetInvoice(), Auth(bytes(64)), Hello()])
def test_a_payer_says_nothing_else_before(said: Hello | Auth | PaymentMessage) -> None:
    rig = Rig()
    payer = Partner(rig, rig.accept(), payer=True)
    payer.agree()
    payer.say(said)
    assert payer.end is not None
    assert isinstance(payer.listen()[-1], Bye)
    assert rig.purse.heard == []


@pytest.mark.parametrize("said", [Auth(bytes(64)), Hello(), Hello(hint=bytes(32))])
def test_hello_and_auth_come_once(said: Hello | Auth) -> None:
    rig = Rig()
    payer = open_payer(rig)
    payer.say(said)
    assert payer.end == "axon: a link begins with one hello and one auth"


def test_who_knows_no_invoice_learns_none() -> None:
    rig = Rig()
    payer = Partner(rig, rig.accept(), payer=True)
    payer.agree()
    payer.say(Hello(hint=bytes(32)))
    assert payer.listen() == [Bye(UNKNOWN)]
    assert payer.end == UNKNOWN


# Who does not speak the language.


def test_a_node_of_the_network_is_told_nothing() -> None:
    rig = Rig()
    peer = rig.accept()
    node = Partner(rig, peer, payer=True)
    node.put(V1Transport(REGTEST.magic).encode("version", bytes(100)))
    assert node.end is not None
    assert not rig.sent[peer].data


@pytest.mark.parametrize("payer", [True, False])
def test_a_node_with_encryption_finds_no_keys(payer: bool) -> None:
    rig = Rig()
    rig.ask(OpenLink(BILL))
    peer = rig.accept() if payer else rig.answer_dial()
    node = Partner(rig, peer, payer=payer, magic=REGTEST.magic)
    node.put(node.hand.hello)
    node.hand.agree(bytes(rig.sent[peer].data))
    node.put(node.hand.proof() + node.hand.decoy(MAX_GARBAGE_SIZE))
    assert node.end is not None
    assert isinstance(rig.facts[-1], LinkFailed)


def test_garbage_ends_soon() -> None:
    rig = Rig()
    stranger = Partner(rig, rig.accept(), payer=True)
    for _ in range(100):
        stranger.put(b"\xaa" * 64)
    assert stranger.end == "expected a terminator after at most 4095 bytes of garbage"
    assert rig.node.deadline() is None, "nothing is left of it"


@pytest.mark.parametrize(
    "contents",
    [b"", b"\x12", encode_name("ping") + bytes(8), encode_name("dance"), b"\x00payment"],
)
def test_what_is_no_message_ends_the_link(contents: bytes) -> None:
    rig = Rig()
    payer = open_payer(rig)
    payer.put(payer.hand.packet(contents))
    assert payer.end is not None
    assert isinstance(payer.listen()[-1], Bye)


# Too much of it.


def test_a_huge_message_is_refused_by_its_length() -> None:
    rig = Rig()
    payer = open_payer(rig)
    huge = payer.hand.packet(encode_name("payment") + bytes(500_000))
    payer.put(huge[:10])
    assert payer.end == "axon: a message between wallets has at most 402,000 bytes"


def test_a_stranger_may_say_no_more_than_a_hello() -> None:
    rig = Rig()
    payer = Partner(rig, rig.accept(), payer=True)
    payer.agree()
    payer.put(payer.hand.decoy(20_000)[:10])
    assert payer.end is not None


def test_the_largest_packet_passes() -> None:
    rig = Rig()
    payer = open_payer(rig)
    largest = PaymentMessage(bytes(400_000))
    payer.say(largest)
    assert rig.purse.messages[-1] == largest


def test_reading_pauses_while_much_waits() -> None:
    rig = Rig()
    payer = open_payer(rig)
    rig.works_at_once = False
    sent = rig.sent[payer.peer]
    receipt = ReceiptMessage("x" * 90_000)
    count = 0
    while not sent.paused:
        payer.say(receipt)
        count += 1
        assert count * 90_000 < IN_FLIGHT_BYTES + 300_000
    rig.works_at_once = True
    rig.work()
    rig.wait(5 * SECOND)
    assert not sent.paused
    assert rig.purse.messages[1:] == [receipt] * count


def test_five_open_questions_are_one_too_many() -> None:
    rig = Rig()
    payer = open_payer(rig)
    payer.say(*[GetInvoice()] * MAX_OPEN_QUESTIONS)
    assert payer.end is None
    rig.ask(Say(1, (InvoiceMessage("bitcoin:x"),)))
    payer.say(GetInvoice())
    assert payer.end is None, "one was answered"
    payer.say(PACKET)
    assert payer.end == "axon: at most 4 questions on a link wait for their answers"


def test_our_own_questions_wait_for_answers_and_statements_do_not() -> None:
    rig = Rig()
    payee = proved(rig)
    questions = [GetHdrs(()) for _ in range(MAX_OPEN_QUESTIONS + 2)]
    rig.ask(Say(1, (*questions, ReceiptMessage("x"))))
    said = payee.listen()
    assert [type(each) for each in said] == [GetHdrs] * MAX_OPEN_QUESTIONS + [ReceiptMessage]
    payee.say(Hdrs(()))
    assert payee.listen() == [GetHdrs(())]
    payee.say(VerdictMessage(Txid(bytes(32)), 1))
    assert payee.listen() == [], "that is no answer to a question for headers"


def test_decoys_are_charged() -> None:
    rig = Rig()
    payer = open_payer(rig)
    payer.put(b"".join(payer.hand.decoy(0) for _ in range(20_000)))
    waits = rig.node.deadline()
    assert waits is not None
    assert waits > rig.now, "the loop has its turn first"
    payer.say(ReceiptMessage("late"))
    assert rig.purse.messages[-1] != ReceiptMessage("late")
    rig.wait(60 * SECOND)
    assert rig.purse.messages[-1] == ReceiptMessage("late")


def test_strangers_share_a_budget() -> None:
    """Keys cost most: who makes us agree on many waits, and whoever comes then as well."""
    rig = Rig()
    for number in range(1, 1_000):
        stranger = Partner(rig, rig.accept(), payer=True, number=number)
        stranger.put(stranger.hand.hello)
        if not rig.sent[stranger.peer].data:
            break
    assert 100 < number < 700
    rig.wait(SECOND // 2)
    assert rig.sent[stranger.peer].data


def test_a_partner_does_not_wait_for_strangers() -> None:
    rig = Rig()
    payer = open_payer(rig)
    for number in range(1, 700):
        stranger = Partner(rig, rig.accept(), payer=True, number=number)
        stranger.put(stranger.hand.hello)
        if not rig.sent[stranger.peer].data:
            break
    payer.say(ReceiptMessage("here"))
    assert rig.purse.messages[-1] == ReceiptMessage("here")


def test_all_links_together_hold_so_much() -> None:
    bills = [Bill(number) for number in range(1, MAX_PAYERS)]
    rig = Rig(Purse(*bills))
    payers = [open_payer(rig, bill) for bill in bills]
    rig.works_at_once = False
    for payer in payers:
        if all(each.end is None for each in payers):
            payer.say(*[ReceiptMessage("x" * 90_000)] * 10)
            assert sum(end.waiting_bytes for end in rig.node._ends.values()) <= TOTAL_BYTES
    assert sum(payer.end == BUSY for payer in payers) == 1


# Seats.


def test_silent_strangers_keep_nobody_out() -> None:
    rig = Rig()
    silent = [rig.accept() for _ in range(100)]
    assert sum(rig.sent[peer].ended is None for peer in silent) == MAX_STRANGERS
    payer = open_payer(rig)
    assert isinstance(payer.heard[-1], Auth)
    more = [rig.accept() for _ in range(100)]
    assert sum(rig.sent[peer].ended is None for peer in more) == MAX_STRANGERS
    assert payer.end is None


def test_who_has_come_further_stays() -> None:
    rig = Rig()
    far = Partner(rig, rig.accept(), payer=True)
    far.agree()
    for _ in range(100):
        rig.accept()
    assert far.end is None
    far.say(far.hello())
    assert isinstance(far.listen()[-1], Auth)


def test_no_more_proofs_are_ordered_than_the_wallet_can_make() -> None:
    rig = Rig()
    rig.works_at_once = False
    for _ in range(50):
        payer = Partner(rig, rig.accept(), payer=True)
        payer.agree()
        payer.say(payer.hello(OTHER))
        rig.lose(payer.peer)
    assert len(rig.jobs) == MAX_STRANGERS
    last = Partner(rig, rig.accept(), payer=True)
    last.agree()
    last.say(last.hello())
    assert len(rig.jobs) == MAX_STRANGERS
    rig.work(1)
    prove = rig.jobs[-1].job
    assert isinstance(prove, Prove)
    assert prove.link == 51, "those who have left do not wait"
    rig.work()
    assert isinstance(last.listen()[-1], Auth)


def test_while_all_are_looked_for_one_more_is_turned_away() -> None:
    rig = Rig()
    rig.works_at_once = False
    for _ in range(MAX_STRANGERS):
        payer = Partner(rig, rig.accept(), payer=True)
        payer.agree()
        payer.say(payer.hello())
    assert rig.sent[rig.accept()].ended == BUSY


def test_one_link_for_each_invoice_and_a_quiet_one_makes_room() -> None:
    rig = Rig()
    first = open_payer(rig)
    second = open_payer(rig)
    assert second.end == BUSY
    assert second.heard[-1] == Bye(BUSY)
    rig.wait(QUIET)
    third = open_payer(rig)
    assert first.end == REPLACED
    assert third.end is None
    assert rig.facts[-2:] == [
        LinkClosed(1, Side.PAYEE, REPLACED),
        LinkOpened(3, Side.PAYEE, BILL.id),
    ]


def test_who_is_worked_for_is_not_quiet() -> None:
    rig = Rig()
    first = open_payer(rig)
    rig.works_at_once = False
    first.say(PACKET)
    rig.wait(2 * QUIET)
    second = Partner(rig, rig.accept(), payer=True)
    second.agree()
    second.say(second.hello())
    prove = next(job for job in rig.jobs if not isinstance(job.job, Heard))
    rig.jobs.remove(prove)
    rig.jobs.appendleft(Delegate(prove.task, prove.job, prove.lane))
    rig.work(1)
    assert second.end == BUSY
    assert first.end is None


def test_the_quietest_makes_room_where_all_seats_are_taken() -> None:
    bills = [Bill(number) for number in range(1, MAX_PAYERS + 2)]
    rig = Rig(Purse(*bills))
    payers = [open_payer(rig, bill) for bill in bills[:-1]]
    rig.wait(QUIET)
    for payer in payers[1:]:
        payer.say(ReceiptMessage("here"))
    newcomer = open_payer(rig, bills[-1])
    assert payers[0].end == REPLACED
    assert newcomer.end is None
    assert sum(payer.end is None for payer in payers) == MAX_PAYERS - 1


# Silence.


def test_a_stranger_has_a_minute() -> None:
    rig = Rig()
    rig.accept()
    dripping = Partner(rig, rig.accept(), payer=True)
    for _ in range(6):
        rig.wait(AUTH_LIMIT // 6 - 1)
        dripping.put(b"x")
        assert dripping.end is None
    rig.wait(SECOND)
    assert [sent.ended for sent in rig.sent.values()] == ["not authenticated within 60 s"] * 2
    assert rig.node.deadline() is None


def test_who_drips_a_message_has_a_minute() -> None:
    rig = Rig()
    payer = open_payer(rig)
    message = payer.sealed(ReceiptMessage("x" * 1_000))
    for byte in message[:59]:
        payer.put(bytes((byte,)))
        rig.wait(SECOND)
    assert payer.end is None
    rig.wait(MESSAGE_LIMIT - 59 * SECOND)
    assert payer.end == "a message was begun and not ended within 60 s"


def test_a_question_that_nobody_answers_ends_the_link() -> None:
    rig = Rig()
    payee = proved(rig)
    rig.ask(Say(1, (GetInvoice(),)))
    rig.wait(ANSWER_LIMIT - 1)
    assert payee.end is None
    rig.wait(1)
    assert payee.end == "a question was not answered within 2 minutes"


def test_an_answer_that_waits_for_us_was_given() -> None:
    rig = Rig()
    payee = proved(rig)
    rig.works_at_once = False
    rig.ask(Say(1, (GetInvoice(),)))
    payee.say(ReceiptMessage("something else"), InvoiceMessage("bitcoin:x"))
    rig.wait(2 * ANSWER_LIMIT)
    assert payee.end is None
    rig.work()
    rig.wait(ANSWER_LIMIT)
    assert payee.end is None
    assert rig.purse.messages[-1] == InvoiceMessage("bitcoin:x")


def test_an_idle_link_ends_and_is_not_dialled_again_unasked() -> None:
    rig = Rig()
    payee = proved(rig)
    rig.wait(IDLE_LIMIT)
    assert payee.end == IDLE
    assert payee.listen() == [Bye(IDLE)]
    rig.wait(60 * MINUTE)
    assert not rig.dials
    assert rig.ask(OpenLink(BILL)) == 1
    assert len(rig.dials) == 1


def test_a_wallet_may_think_for_long() -> None:
    rig = Rig()
    payer = open_payer(rig)
    rig.works_at_once = False
    payer.say(PACKET)
    rig.wait(2 * IDLE_LIMIT)
    assert payer.end is None
    rig.work()
    rig.wait(IDLE_LIMIT - 1)
    assert payer.end is None
    rig.wait(1)
    assert payer.end == IDLE


def test_who_never_reads_is_not_worked_for_and_goes() -> None:
    rig = Rig(Purse(BILL, reply=lambda _: LinkReplies((ReceiptMessage("x" * 90_000),))))
    payer = open_payer(rig)
    rig.handle(Clogged(payer.peer))
    heard = len(rig.purse.heard)
    payer.say(*[ReceiptMessage("x")] * 10)
    assert len(rig.purse.heard) == heard
    rig.handle(Drained(payer.peer))
    assert len(rig.purse.heard) == heard + 10
    rig.handle(Clogged(payer.peer))
    while rig.ask(Say(1, (ReceiptMessage("x" * 90_000),))):
        assert rig.node._ends[payer.peer].queued_bytes < IN_FLIGHT_BYTES + 100_000
    rig.wait(CLOGGED_LIMIT)
    assert payer.end == "what was sent was not read within 60 s"


# Dialling again.


def test_a_lost_link_is_dialled_again_and_keeps_its_number() -> None:
    rig = Rig()
    payee = proved(rig)
    rig.lose(payee.peer)
    assert not rig.dials
    rig.wait(2 * SECOND)
    again = Partner(rig, rig.answer_dial(), payer=False)
    again.agree()
    again.say(Hello(), Auth(BILL.sign(again.hand.session_id)))
    assert rig.facts == [
        LinkOpened(1, Side.PAYER, BILL.id),
        LinkClosed(1, Side.PAYER, "the partner, or the network, ended the connection"),
        LinkOpened(1, Side.PAYER, BILL.id),
    ]
    assert rig.purse.messages == [Hello(), Hello()]


def test_endpoints_are_dialled_in_turn_with_growing_pauses() -> None:
    rig = Rig()
    rig.ask(OpenLink(Bill(1, (BOB, CAROL))))
    pauses = []
    for _ in range(12):
        assert rig.miss_dial() == BOB
        rig.ring()
        assert rig.miss_dial() == CAROL, "at once"
        before = rig.now
        while not rig.dials:
            rig.wait(SECOND // 10)
        pauses.append(rig.now - before)
    assert 0.7 * SECOND < pauses[0] < 1.4 * SECOND
    assert all(later > earlier for earlier, later in pairwise(pauses[:8]))
    assert max(pauses) <= 1.26 * MAX_PAUSE


def test_pauses_begin_anew_after_a_link_that_was_steady() -> None:
    rig = Rig()
    rig.ask(OpenLink(BILL))
    for steady in (False, True):
        for _ in range(6):
            rig.miss_dial()
            while not rig.dials:
                rig.wait(SECOND // 10)
        payee = Partner(rig, rig.answer_dial(), payer=False)
        payee.agree()
        payee.say(Hello(), Auth(BILL.sign(payee.hand.session_id)))
        if steady:
            rig.wait(STEADY)
        rig.lose(payee.peer)
        rig.wait(2 * SECOND)
        assert bool(rig.dials) is steady
        while not rig.dials:
            rig.wait(SECOND)


def test_a_link_that_the_wallet_ended_is_over() -> None:
    rig = Rig(Purse(reply=lambda heard: LinkReplies((), DONE if heard.message == PACKET else None)))
    payee = proved(rig)
    payee.say(PACKET)
    assert payee.listen() == [Bye(DONE)]
    rig.wait(10 * MINUTE)
    assert not rig.dials
    assert rig.ask(OpenLink(BILL)) == 2


def test_a_signed_invoice_is_what_a_link_is_about() -> None:
    rig = Rig()
    rig.ask(OpenLink(INVOICE))
    assert rig.dials[0].endpoint == INVOICE.endpoints[0]
    payee = Partner(rig, rig.answer_dial(), payer=False)
    payee.agree()
    payee.say(Hello(), Auth(prove_link(SECRET, payee.hand.session_id, INVOICE.id)))
    assert rig.facts == [LinkOpened(1, Side.PAYER, INVOICE.id)]


def test_who_is_not_the_payee_at_one_endpoint_does_not_stop_the_next() -> None:
    rig = Rig()
    rig.ask(OpenLink(Bill(1, (CAROL, BOB))))
    mallory = Partner(rig, rig.answer_dial(), payer=False)
    mallory.agree()
    mallory.say(Hello(), Auth(OTHER.sign(mallory.hand.session_id)))
    rig.ring()
    bob = Partner(rig, rig.answer_dial(), payer=False)
    bob.agree()
    bob.say(Hello(), Auth(BILL.sign(bob.hand.session_id)))
    assert rig.facts[-1] == LinkOpened(1, Side.PAYER, BILL.id)


def test_a_payee_without_room_is_dialled_later() -> None:
    rig = Rig()
    payee = dialled(rig)
    payee.agree()
    payee.say(Hello(), Bye(BUSY))
    assert rig.facts == [LinkFailed(1, Side.PAYER, f"the partner said: {BUSY}")]
    rig.wait(2 * SECOND)
    assert len(rig.dials) == 1


def test_a_link_that_was_closed_is_dialled_no_more() -> None:
    rig = Rig()
    payee = proved(rig)
    assert rig.ask(CloseLink(1))
    assert payee.listen() == [Bye(DONE)]
    rig.wait(10 * MINUTE)
    assert not rig.dials
    rig.ask(OpenLink(OTHER))
    assert rig.ask(CloseLink(2))
    late = rig.answer_dial()
    assert rig.sent[late].ended == "the link was closed"


def test_a_payee_who_is_done_is_not_dialled_again() -> None:
    rig = Rig()
    payee = proved(rig)
    payee.say(Bye(DONE))
    rig.wait(10 * MINUTE)
    assert not rig.dials


def test_an_invoice_has_one_link() -> None:
    rig = Rig()
    assert rig.ask(OpenLink(BILL)) == rig.ask(OpenLink(BILL)) == 1
    assert rig.ask(OpenLink(OTHER)) == 2
    assert len(rig.dials) == 2


# What people may see.


def test_reports_keep_secrets() -> None:
    rig = Rig()
    payer = open_payer(rig)
    payer.say(PaymentMessage(b"secret packet"), Bye("thanks"))
    proved(rig, OTHER)
    rig.ask(OpenLink(Bill(3, (CAROL,))))
    rig.miss_dial()
    assert isinstance(rig.facts[-1], LinkFailed)
    text = "\n".join(f"{fact} {fact!r}" for fact in rig.facts)
    for secret in (BILL.id, OTHER.id, b"secret packet", payer.hand.session_id):
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text
    for endpoint in (ALICE, BOB, CAROL):
        assert endpoint.host not in text
    assert repr(payer.hello().hint) not in repr([heard.message for heard in rig.purse.heard])
