"""Alice hands Bob a payment: what each of them holds after every way that it can go."""

from __future__ import annotations

import pytest

from axon.errors import WalletError
from axon.payments.deal import DealStage, Role
from axon.payments.desk import (
    AtDesk,
    CoinsLookedUp,
    FollowBlocks,
    OpenDesk,
    PayeeSilent,
    PayerLeft,
    PayInvoice,
    PeersShow,
    RuledOut,
)
from axon.payments.headerchain import BestHeaders
from axon.payments.invoice import Invoice
from axon.payments.linkevents import Heard, Side
from axon.payments.linkmessages import Bye, Hello
from axon.payments.messages import (
    LinkMessage,
    PayjoinAnswer,
    PaymentMessage,
    ReceiptMessage,
    VerdictMessage,
)
from axon.payments.packetbuilder import CannotProve
from axon.payments.payee import NOT_KEPT
from axon.payments.receipt import issue as issue_receipt
from axon.payments.receipt import verify
from axon.payments.refusals import what_next
from axon.payments.step import (
    DealStep,
    KeepWatching,
    ReachPayee,
    RestLink,
    Settle,
    Tell,
    WatchFor,
)
from axon.payments.verdict import PaymentLevel, Verdict
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import COIN, Transaction
from axon.wallet import coins, unconfirmed
from axon.wallet.errors import BadAmount, CoinUnavailable, InsufficientFunds
from axon.wallet.payment import Payee as Recipient
from axon.wallet.payment import draft
from axon.wallet.signing import reveal_words, sign
from tests.payments.dealscene import AMOUNT_SAT, NOBODY, Funded, Town
from tests.payments.payscene import funding, kernel
from tests.wallet.scene import PASSPHRASE


def shown(
    town: Town, invoice: Invoice, peers: int, rival: Txid | None = None
) -> tuple[LinkMessage, ...]:
    """Peers show the payment that Bob has, or a rival of it; what he tells of it."""
    payment = town.bob.deal(Role.PAYEE, invoice).payment
    assert payment is not None
    return town.bob.do(PeersShow(invoice.id, payment.txid, peers, rival)).messages


def rule_out(town: Town, invoice: Invoice, rival: Txid, height: int) -> None:
    """A block has a rival of the payment that Bob has."""
    payment = town.bob.deal(Role.PAYEE, invoice).payment
    assert payment is not None
    town.bob.do(RuledOut(invoice.id, payment.txid, rival, height))


def names(said: list[tuple[Side, LinkMessage]], side: Side) -> list[str]:
    """What one of them said."""
    return [message.command for each, message in said if each is side]


def test_a_plain_payment_is_checked_accepted_and_settled() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    paid = town.alice.deal(Role.PAYER, invoice).payment
    assert paid is not None
    town.change = lambda _, m: Hello(hint=m.hint) if isinstance(m, Hello) else m
    said = town.talk(invoice)
    assert names(said, Side.PAYER) == ["hello", "payment", "bye"]
    assert names(said, Side.PAYEE) == ["hello", "verdict", "verdict", "receipt"]
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.ACCEPTED
    assert town.alice.settled == town.bob.settled == [paid]
    assert payer.receipt == payee.receipt
    assert payer.receipt is not None
    assert verify(payer.receipt, kernel).is_valid
    town.mine(paid)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.SETTLED
    assert payer.receipt is not None
    assert any("block" in line for line in verify(payer.receipt, kernel).proved)
    assert town.bob.spendable_sat() == COIN // 2 + AMOUNT_SAT


def test_a_joined_payment_has_a_coin_of_both() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    said = town.talk(invoice)
    assert names(said, Side.PAYER) == ["hello", "payment", "pjoffer", "pjanswer", "bye"]
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    joined = payer.joined
    assert joined is not None
    assert payee.joined == joined
    assert len(joined.inputs) == 2
    assert payee.receipt is not None
    assert payee.receipt.amount_sat == AMOUNT_SAT  # And not what Bob's own coin adds to it.
    assert town.alice.settled == town.bob.settled == [joined]
    assert payer.stage is payee.stage is DealStage.ACCEPTED
    before_sat = town.alice.spendable_sat()
    # Before any block: the coin that Bob joined is not to be spent once more.
    (coin,) = town.bob.wallet.coins()
    assert (coin.outpoint[:32], coin.amount_sat) == (joined.txid, COIN // 2 + AMOUNT_SAT)
    town.mine(joined)
    assert town.alice.deal(Role.PAYER, invoice).stage is DealStage.SETTLED
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.SETTLED
    assert town.alice.spendable_sat() == before_sat < COIN - AMOUNT_SAT
    assert town.bob.spendable_sat() == COIN // 2 + AMOUNT_SAT


def test_a_payment_that_builds_on_a_joined_one_waits_for_a_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    town = Town()
    first, second = town.bob.issue(), town.bob.issue()
    town.alice.pay(first)
    town.talk(first)
    joined = town.alice.deal(Role.PAYER, first).joined
    assert joined is not None
    recipient = Recipient(second.script_pubkey, AMOUNT_SAT)
    with pytest.raises(InsufficientFunds, match="not confirmed yet"):
        draft(town.alice.wallet, [recipient], feerate_sat_kvb=2_000)
    with monkeypatch.context() as patched:  # As another program drafts it that trusts its change.
        patched.setattr(coins, "_is_trusted", lambda *_: True)
        made = draft(town.alice.wallet, [recipient], feerate_sat_kvb=2_000)
    job = PayInvoice(second, made.psbt, PASSPHRASE, joins=True)
    order = AtDesk(job, town.chain.headers, town.alice.now_s)
    refused = town.alice.desk.perform(order)
    assert isinstance(refused, CannotProve)
    assert f"builds on {to_hex(joined.txid)}" in str(refused)
    assert "--coin" in str(refused)
    assert town.alice.book.get(Role.PAYER, second.id) is None  # Nothing was begun.
    town.mine(joined)
    town.alice.pay(second)
    town.talk(second)
    assert town.alice.deal(Role.PAYER, second).stage is DealStage.ACCEPTED


def test_who_wants_no_join_says_so_by_the_same_payment() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    said = town.talk(invoice)
    assert names(said, Side.PAYER) == ["hello", "payment", "payment", "bye"]
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.ACCEPTED
    assert town.alice.deal(Role.PAYER, invoice).stage is DealStage.ACCEPTED


@pytest.mark.parametrize("lost", ["payment", "pjoffer", "pjanswer", "verdict", "receipt"])
def test_whatever_is_lost_the_payment_is_made_once(lost: str) -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.change = lambda _, m: None if m.command == lost else m
    town.talk(invoice)
    town.bob.do(PayerLeft(invoice.id))
    town.change = lambda _, m: m
    town.talk(invoice)
    town.bob.do(PayerLeft(invoice.id))
    town.alice.do(PayeeSilent(invoice.id))
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.ACCEPTED
    settled = {item.txid for item in (*town.alice.settled, *town.bob.settled)}
    assert settled <= set(payer.txids)
    town.mine(town.bob.settled[-1])
    assert town.alice.deal(Role.PAYER, invoice).stage is DealStage.SETTLED
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.SETTLED
    assert town.bob.spendable_sat() == COIN // 2 + AMOUNT_SAT


def test_without_the_payee_the_payment_is_settled_as_it_is() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.alice.do(PayeeSilent(invoice.id))
    deal = town.alice.deal(Role.PAYER, invoice)
    assert town.alice.settled == [deal.payment]
    assert deal.receipt is None
    town.mine(town.alice.settled[0])
    assert town.alice.deal(Role.PAYER, invoice).stage is DealStage.SETTLED
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.SETTLED


def test_a_coin_that_a_block_has_spent_is_refused_and_the_block_is_named() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    reason = "a coin of it was spent by transaction ab in block 12"
    town.bob.looked_up = Verdict(PaymentLevel.REFUSED, "coin-spent", reason, 12)
    town.talk(invoice)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.REFUSED
    assert payer.reason == payee.reason == reason
    assert town.bob.settled == town.alice.settled == []
    assert town.bob.spendable_sat() == COIN // 2


def test_what_is_refused_is_not_sent_later_and_its_coins_are_free() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    assert town.alice.spendable_sat() < COIN
    town.bob.looked_up = Verdict(PaymentLevel.REFUSED, "coin-spent", "it was spent", 12)
    town.talk(invoice)
    assert town.alice.deal(Role.PAYER, invoice).stage is DealStage.REFUSED
    assert town.alice.wallet.unconfirmed_own() == []
    assert town.alice.spendable_sat() == COIN
    town.alice.restart()
    assert town.alice.settled == []
    assert town.alice.spendable_sat() == COIN


def test_a_payment_that_cannot_be_kept_is_refused_and_gets_no_receipt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    with monkeypatch.context() as full:
        full.setattr(unconfirmed, "MAX_INCOMING", 0)
        town.talk(invoice)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.REFUSED
    assert payer.reason == payee.reason == NOT_KEPT
    assert payer.receipt is payee.receipt is None
    assert town.bob.settled == town.alice.settled == []
    town.alice.pay(invoice, joins=False)
    town.talk(invoice)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.ACCEPTED


def test_a_payment_of_another_invoice_settles_nothing_when_a_block_has_it() -> None:
    town = Town()
    invoice, other = town.bob.issue(), town.bob.issue()
    town.alice.pay(invoice, joins=False)
    town.talk(invoice)
    packet = town.alice.deal(Role.PAYER, invoice).packet
    assert packet is not None
    said = town.bob.hear(Side.PAYEE, other, PaymentMessage(packet.encode())).messages
    assert [each.level for each in said if isinstance(each, VerdictMessage)] == [0]
    town.mine(packet.transaction)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.SETTLED
    deal = town.bob.deal(Role.PAYEE, other)
    assert (deal.stage, deal.receipt) == (DealStage.REFUSED, None)
    again = town.bob.hear(Side.PAYEE, other, PaymentMessage(packet.encode())).messages
    assert not [each for each in again if isinstance(each, ReceiptMessage)]


def test_a_payer_who_is_refused_is_told_what_to_do() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    assert town.alice.deal(Role.PAYER, invoice).advice == ""
    town.bob.looked_up = Verdict(PaymentLevel.REFUSED, "coin-spent", "it was spent", 12)
    town.talk(invoice)
    assert "axon wallet sync" in town.alice.deal(Role.PAYER, invoice).advice
    assert town.bob.deal(Role.PAYEE, invoice).advice == ""
    assert what_next("a reason of tomorrow").startswith("Pay its address on chain")


def test_what_is_refused_after_a_node_has_it_stays() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    paid = town.alice.deal(Role.PAYER, invoice).payment
    assert paid is not None
    town.alice.wallet.note_delivery(paid.txid, shown=False)
    town.bob.looked_up = Verdict(PaymentLevel.REFUSED, "coin-spent", "it was spent", 12)
    town.talk(invoice)
    assert town.alice.wallet.unconfirmed_own() == [paid]


def test_a_payment_of_another_amount_is_refused() -> None:
    town = Town()
    invoice = town.bob.issue()
    made = draft(
        town.alice.wallet, [Recipient(invoice.script_pubkey, AMOUNT_SAT - 1)], feerate_sat_kvb=2_000
    )
    order = AtDesk(
        PayInvoice(invoice, made.psbt, PASSPHRASE, True), town.chain.headers, town.alice.now_s
    )
    assert isinstance(town.alice.desk.perform(order), BadAmount)
    assert town.alice.book.deals() == []


def test_an_invoice_is_paid_once() -> None:
    town = Town(alices_sat=(COIN, COIN))
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    made = draft(
        town.alice.wallet, [Recipient(invoice.script_pubkey, AMOUNT_SAT)], feerate_sat_kvb=2_000
    )
    job = PayInvoice(invoice, made.psbt, PASSPHRASE, True)
    again = town.alice.desk.perform(AtDesk(job, town.chain.headers, town.alice.now_s))
    assert isinstance(again, WalletError)
    assert "before" in str(again)


def test_an_expired_invoice_takes_no_payment() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    deal = town.alice.deal(Role.PAYER, invoice)
    assert deal.packet is not None
    for _ in range(150):
        town.chain.mine()
    step = town.bob.hear(Side.PAYEE, invoice, PaymentMessage(deal.packet.encode()))
    (said,) = step.messages
    assert isinstance(said, VerdictMessage)
    assert (said.level, said.reason) == (0, "expired")
    assert town.bob.settled == []


def test_garbage_for_a_packet_ends_the_link_and_changes_nothing() -> None:
    town = Town()
    invoice = town.bob.issue()
    step = town.bob.hear(Side.PAYEE, invoice, PaymentMessage(b"\x01\xff\xff"))
    assert step.end is not None
    assert step.end.startswith("no packet")
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.ISSUED


def test_a_proposal_that_robs_the_payer_is_not_signed() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)

    def other(side: Side, message: LinkMessage) -> LinkMessage:
        if side is Side.PAYEE and isinstance(message, PayjoinAnswer):
            return PayjoinAnswer(psbt=town.alice.deal(Role.PAYER, invoice).offer[-200:])
        return message

    town.change = other
    said = town.talk(invoice)
    assert names(said, Side.PAYER) == ["hello", "payment", "pjoffer", "payment", "bye"]
    payer = town.alice.deal(Role.PAYER, invoice)
    assert payer.joined is None
    assert payer.stage is DealStage.ACCEPTED
    assert town.bob.settled == town.alice.settled == [payer.payment]


def test_a_joined_payment_with_a_false_signature_falls_back_to_the_first_one() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)

    def spoilt(side: Side, message: LinkMessage) -> LinkMessage:
        if side is Side.PAYER and isinstance(message, PayjoinAnswer):
            return PayjoinAnswer(psbt=message.psbt.replace(b"\x30\x44", b"\x30\x45", 1))
        return message

    town.change = spoilt
    town.talk(invoice)
    town.bob.do(PayerLeft(invoice.id))
    payee = town.bob.deal(Role.PAYEE, invoice)
    assert payee.stage is DealStage.ACCEPTED
    assert payee.packet is not None
    assert town.bob.settled[-1] == payee.payment
    assert town.bob.settled[-1] == payee.packet.transaction


def test_a_receipt_of_somebody_else_counts_for_nothing() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    receipt = town.alice.deal(Role.PAYER, invoice).receipt
    assert receipt is not None
    second = Town()
    theirs = second.bob.issue()
    second.alice.pay(theirs)
    step = second.alice.hear(Side.PAYER, theirs, ReceiptMessage(receipt.encode()))
    assert step.end == "the receipt is not one for this payment"
    assert second.alice.deal(Role.PAYER, theirs).receipt is None


def test_peers_raise_a_payment_and_a_rival_lowers_it() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    (told,) = shown(town, invoice, 3)
    assert isinstance(told, VerdictMessage)
    assert (told.level, told.peers) == (PaymentLevel.UNOPPOSED, 3)
    (told,) = shown(town, invoice, 1, Txid(bytes(32)))
    assert isinstance(told, VerdictMessage)
    assert told.level == PaymentLevel.UNSPENT
    assert to_hex(bytes(32)) in told.detail
    assert shown(town, invoice, 3) == ()
    first = town.bob.deal(Role.PAYEE, invoice).packet
    assert first is not None
    assert shown(town, invoice, 1, first.transaction.txid) == ()


def test_what_is_found_of_another_payment_says_nothing_of_this_one() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    before = town.bob.deal(Role.PAYEE, invoice)
    other, no = Txid(bytes(32)), Verdict(PaymentLevel.REFUSED, "coin-spent", "it was spent", 12)
    for job in (
        CoinsLookedUp(invoice.id, other, no),
        PeersShow(invoice.id, other, 3, Txid(b"\1" * 32)),
        RuledOut(invoice.id, other, Txid(b"\1" * 32), 9),
    ):
        assert town.bob.do(job) == DealStep()
    assert town.bob.deal(Role.PAYEE, invoice) == before


def test_a_payment_whose_block_left_the_chain_is_settled_and_watched_again() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    town.talk(invoice)
    paid = town.bob.deal(Role.PAYEE, invoice).payment
    assert paid is not None
    assert town.bob.do(FollowBlocks()).wants == (KeepWatching(frozenset({invoice.id})),)
    town.mine(paid)
    (watched,) = town.bob.do(FollowBlocks()).wants
    assert watched == KeepWatching(frozenset()), "what is settled is watched no more"
    height = town.chain.height - 1
    town.bob.wallet.follow_chain(height, height, town.chain.blocks[height].hash)
    parent = town.chain.tree.best.parent
    assert parent is not None
    left = AtDesk(FollowBlocks(), BestHeaders(parent), town.bob.now_s)
    step = town.bob.desk.perform(left)
    assert isinstance(step, DealStep)
    _, settle, watch = step.wants
    assert settle == Settle(paid)
    assert isinstance(watch, WatchFor)
    assert watch.transaction == paid
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.ACCEPTED


def test_a_payee_who_is_a_block_behind_waits_for_it() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    parent = town.chain.tree.best.parent
    assert parent is not None
    behind = BestHeaders(parent)
    deal = town.alice.deal(Role.PAYER, invoice)
    assert deal.packet is not None
    heard = Heard(1, Side.PAYEE, invoice.id, PaymentMessage(deal.packet.encode()))
    for _ in range(2):
        step = town.bob.desk.perform(AtDesk(heard, behind, town.bob.now_s))
        assert step == DealStep()
        assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.OFFERED
    town.bob.do(FollowBlocks())
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.ACCEPTED


def test_what_the_network_saw_is_refused_when_its_invoice_has_expired() -> None:
    """So that nobody waits for ever for a block that was never there."""
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    deal = town.alice.deal(Role.PAYER, invoice)
    assert deal.packet is not None
    none = BestHeaders(town.chain.tree.genesis)
    heard = Heard(1, Side.PAYEE, invoice.id, PaymentMessage(deal.packet.encode()))
    town.bob.desk.perform(AtDesk(heard, none, town.bob.now_s))
    town.bob.desk.perform(AtDesk(FollowBlocks(), none, town.bob.now_s + 90_000))
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.REFUSED


@pytest.mark.parametrize("joins", [True, False])
def test_a_payment_that_was_mined_before_its_payer_came_gets_its_receipt(joins: bool) -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=joins)
    town.alice.do(PayeeSilent(invoice.id))
    town.mine(town.alice.settled[0])
    assert town.alice.deal(Role.PAYER, invoice).receipt is None
    town.talk(invoice)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.SETTLED
    assert payer.receipt is not None
    assert payer.receipt == payee.receipt
    assert payer.receipt.proof is not None
    assert verify(payer.receipt, kernel).is_valid


def test_a_receipt_that_is_missing_is_asked_for_once() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    payment = town.alice.deal(Role.PAYER, invoice).payment
    assert payment is not None
    town.mine(payment)
    nothing = (KeepWatching(frozenset()),)  # `mine` has followed, and asked.
    assert town.alice.do(FollowBlocks()).wants == nothing
    assert town.alice.restart().wants == (ReachPayee(invoice),)


def test_a_receipt_is_asked_for_again_when_another_block_has_the_payment() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    payment = town.alice.deal(Role.PAYER, invoice).payment
    assert payment is not None
    town.mine(payment)
    leave(town)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.ISSUED
    assert town.alice.deal(Role.PAYER, invoice).stage is DealStage.OFFERED
    town.chain.mine()  # In whose place the one that left would have been.
    town.alice.wallet.take_block(
        (block := town.chain.mine(payment)).hash, town.chain.height, block.raw
    )
    town.alice.wallet.follow_chain(None, town.chain.height, block.hash)
    assert ReachPayee(invoice) in town.alice.do(FollowBlocks()).wants


def test_a_receipt_for_the_one_of_both_payments_that_no_block_has_is_waited_out() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    accepted = town.alice.deal(Role.PAYER, invoice)
    assert accepted.joined is not None
    assert accepted.packet is not None
    block = town.chain.mine(accepted.packet.transaction)
    town.alice.see(block)
    assert town.alice.deal(Role.PAYER, invoice).receipt is None
    said = town.talk(invoice)
    assert "receipt" in names(said, Side.PAYEE), "of the joined one"
    assert "bye" not in names(said, Side.PAYER)
    town.bob.wallet.take_block(block.hash, town.chain.height, block.raw)
    town.bob.wallet.follow_chain(None, town.chain.height, block.hash)
    for want in town.bob.do(FollowBlocks()).wants:
        for message in want.messages if isinstance(want, Tell) else ():
            town.alice.hear(Side.PAYER, invoice, message)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.receipt is not None
    assert payer.receipt == payee.receipt
    assert payer.receipt.txid == accepted.packet.transaction.txid


def test_a_payment_whose_block_left_before_its_payer_came_gets_its_receipt() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    town.alice.do(PayeeSilent(invoice.id))
    payment = town.alice.settled[0]
    town.mine(payment)
    leave(town)
    town.talk(invoice)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.ACCEPTED
    assert payer.receipt is not None
    town.mine(payment)
    for person, role in ((town.alice, Role.PAYER), (town.bob, Role.PAYEE)):
        deal = person.deal(role, invoice)
        assert (deal.stage, deal.receipt is not None) == (DealStage.SETTLED, True)


def leave(town: Town) -> None:
    """The newest block leaves the chain, for both."""
    parent = town.chain.tree.best.parent
    assert parent is not None
    height = town.chain.height - 1
    for person in (town.alice, town.bob):
        person.wallet.follow_chain(height, height, town.chain.blocks[height].hash)
        left = AtDesk(FollowBlocks(), BestHeaders(parent), person.now_s)
        person.desk.perform(left)


def test_a_payee_who_ends_an_idle_link_is_dialled_again_until_there_is_a_receipt() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    again = (RestLink(invoice.id), ReachPayee(invoice))
    assert town.alice.hear(Side.PAYER, invoice, Bye("idle")).wants == again
    assert town.alice.hear(Side.PAYER, invoice, Bye("done")).wants == ()
    payment = town.alice.deal(Role.PAYER, invoice).payment
    assert payment is not None
    town.mine(payment)
    assert town.alice.hear(Side.PAYER, invoice, Bye("idle")).wants == again
    town.talk(invoice)
    assert town.alice.hear(Side.PAYER, invoice, Bye("idle")).wants == ()


def test_another_payment_of_what_was_paid_is_refused() -> None:
    town = Town(alices_sat=(COIN, COIN))
    invoice = town.bob.issue()
    recipient = [Recipient(invoice.script_pubkey, AMOUNT_SAT)]
    plain = sign(
        town.alice.wallet,
        draft(town.alice.wallet, recipient, feerate_sat_kvb=9_000),
        PASSPHRASE,
    )
    assert isinstance(plain, Transaction)
    town.alice.pay(invoice, joins=False)
    packet = town.alice.deal(Role.PAYER, invoice).packet
    assert packet is not None
    town.mine(plain)
    step = town.bob.hear(Side.PAYEE, invoice, PaymentMessage(packet.encode()))
    (said,) = step.messages
    assert isinstance(said, VerdictMessage)
    assert (said.level, said.reason) == (0, "paid-already")


def test_a_rival_that_only_the_network_saw_rules_a_payment_out() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=True)
    town.talk(invoice)
    payee = town.bob.deal(Role.PAYEE, invoice)
    rule_out(town, invoice, payee.txids[0], 9)
    assert town.bob.deal(Role.PAYEE, invoice) == payee, "one of the two is no rival"
    rule_out(town, invoice, Txid(bytes(32)), 9)
    deal = town.bob.deal(Role.PAYEE, invoice)
    assert deal.stage is DealStage.REFUSED
    assert "block 9" in deal.reason


def test_a_coin_that_was_joined_is_spent_and_no_draft_may_use_it() -> None:
    town = Town(bobs_sat=(COIN, COIN // 2))
    theirs = town.alice.issue()
    recipient = [Recipient(theirs.script_pubkey, AMOUNT_SAT)]
    coins = [coin.outpoint for coin in town.bob.wallet.coins()]
    drafts = [
        draft(town.bob.wallet, recipient, feerate_sat_kvb=2_000, coins=[coin]).psbt
        for coin in coins
    ]
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    joined = town.bob.deal(Role.PAYEE, invoice).joined
    assert joined is not None
    (used,) = [coin for coin in coins if coin in joined.prevouts]
    assert used not in [coin.outpoint for coin in town.bob.wallet.coins()]
    job = PayInvoice(theirs, drafts[coins.index(used)], PASSPHRASE, False)
    refused = town.bob.desk.perform(AtDesk(job, town.chain.headers, town.bob.now_s))
    assert isinstance(refused, CoinUnavailable)


def test_a_coin_that_was_spent_since_the_proposal_leaves_the_first_payment() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.change = lambda side, m: None if side is Side.PAYER and m.command == "pjanswer" else m
    town.talk(invoice)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.JOINED
    theirs = town.alice.issue()
    town.bob.pay(theirs, joins=False)
    town.change = lambda _, m: m
    town.talk(invoice)
    payee = town.bob.deal(Role.PAYEE, invoice)
    assert payee.stage is DealStage.ACCEPTED
    assert payee.joined is None
    assert town.alice.deal(Role.PAYER, invoice).receipt == payee.receipt


def test_a_joined_payment_that_never_came_back_settles_when_a_block_has_it() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.change = lambda side, m: None if side is Side.PAYER and m.command == "pjanswer" else m
    town.talk(invoice)
    town.bob.do(PayerLeft(invoice.id))
    joined = town.alice.deal(Role.PAYER, invoice).joined
    assert joined is not None
    assert town.bob.deal(Role.PAYEE, invoice).joined is None
    rule_out(town, invoice, joined.txid, town.chain.height + 1)
    town.mine(joined)
    town.change = lambda _, m: m
    town.talk(invoice)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.SETTLED
    assert payee.joined == joined
    assert payer.receipt == payee.receipt
    assert payee.receipt is not None
    assert payee.receipt.txid == joined.txid


def test_a_coin_that_a_block_spent_on_nobody_we_know_refuses_the_payment() -> None:
    """Also where a join was proposed: what spends the payer's coin is none of the payee's."""
    town = Town()
    made = draft(town.alice.wallet, [Recipient(NOBODY.script, AMOUNT_SAT)], feerate_sat_kvb=9_000)
    rival = sign(town.alice.wallet, made, PASSPHRASE)
    assert isinstance(rival, Transaction)
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.change = lambda side, m: None if side is Side.PAYER and m.command == "pjanswer" else m
    town.talk(invoice)
    assert town.bob.deal(Role.PAYEE, invoice).answer
    town.bob.do(PayerLeft(invoice.id))
    town.mine(rival)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.REFUSED


def test_a_joined_payment_is_watched_with_its_coins() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    deal = town.bob.deal(Role.PAYEE, invoice)
    town.bob.restart()
    wants = town.bob.do(OpenDesk(PASSPHRASE)).wants
    (watch,) = [want for want in wants if isinstance(want, WatchFor)]
    assert watch.transaction == deal.joined
    assert deal.packet is not None
    assert [claim.outpoint for claim in watch.claims] == list(deal.packet.transaction.prevouts)


def test_a_rival_that_is_seen_first_is_told_of() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    town.talk(invoice)
    (told,) = shown(town, invoice, 2, Txid(b"\1" * 32))
    assert isinstance(told, VerdictMessage)
    assert told.level == PaymentLevel.UNSPENT
    assert told.detail.startswith("2 peers show transaction 0101")
    verdict = town.bob.deal(Role.PAYEE, invoice).verdict
    assert verdict is not None
    assert verdict.detail == told.detail


def test_what_was_shown_against_a_payment_is_told_after_a_restart_too() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.change = lambda _, m: None if m.command == "pjoffer" else m
    town.talk(invoice)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.CHECKED
    shown(town, invoice, 2, Txid(b"\1" * 32))
    town.bob.restart()
    town.bob.do(OpenDesk(PASSPHRASE))
    deal = town.bob.deal(Role.PAYEE, invoice)
    assert deal.stage is DealStage.ACCEPTED
    assert deal.verdict is not None
    assert deal.verdict.detail.startswith("2 peers show transaction")


def test_a_rival_in_a_block_undoes_what_was_accepted() -> None:
    town = Town()
    elsewhere = [Recipient(NOBODY.script, AMOUNT_SAT)]
    made = draft(town.alice.wallet, elsewhere, feerate_sat_kvb=9_000)
    rival = sign(town.alice.wallet, made, PASSPHRASE)
    assert isinstance(rival, Transaction)
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    town.talk(invoice)
    town.bob.do(PayerLeft(invoice.id))
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.ACCEPTED
    town.mine(rival)
    for person, role in ((town.alice, Role.PAYER), (town.bob, Role.PAYEE)):
        deal = person.deal(role, invoice)
        assert deal.stage is DealStage.REFUSED
        assert to_hex(rival.txid) in deal.reason
        assert f"block {town.chain.height}" in deal.reason


def test_an_address_that_is_paid_plainly_settles_its_invoice() -> None:
    town = Town()
    invoice = town.bob.issue()
    made = draft(
        town.alice.wallet, [Recipient(invoice.script_pubkey, AMOUNT_SAT)], feerate_sat_kvb=2_000
    )
    paid = sign(town.alice.wallet, made, PASSPHRASE)
    assert isinstance(paid, Transaction)
    town.mine(paid)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.SETTLED


def test_an_invoice_that_was_paid_plainly_takes_no_other_payment() -> None:
    town = Town(alices_sat=(COIN, COIN))
    invoice = town.bob.issue()
    town.mine(funding("Carol", AMOUNT_SAT, Funded(invoice.script_pubkey)))  # type: ignore[arg-type]
    town.alice.pay(invoice)
    town.talk(invoice)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.SETTLED
    refused = town.alice.deal(Role.PAYER, invoice)
    assert (refused.stage, refused.reason) == (
        DealStage.REFUSED,
        "this invoice has another payment",
    )


def test_an_expired_invoice_takes_no_payment_after_one_that_was_refused() -> None:
    town = Town(alices_sat=(COIN, COIN))
    invoice = town.bob.issue()
    town.bob.looked_up = Verdict(PaymentLevel.REFUSED, "coin-spent", "spent")
    town.alice.pay(invoice, joins=False)
    town.talk(invoice)
    town.bob.looked_up = Verdict(PaymentLevel.UNSPENT, height=1, peers=8)
    town.alice.pay(invoice, joins=False)
    for _ in range(150):
        town.chain.mine()
    town.mine()
    town.talk(invoice)
    assert town.alice.deal(Role.PAYER, invoice).reason == "this invoice has expired"
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.REFUSED


@pytest.mark.parametrize("refuses", [False, True])
def test_a_receipt_alone_is_enough(refuses: bool) -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice, joins=False)
    paid = town.alice.deal(Role.PAYER, invoice).payment
    assert paid is not None
    no = VerdictMessage(paid.txid, PaymentLevel.REFUSED, -1, 0, "no", "no")
    if refuses:
        town.alice.hear(Side.PAYER, invoice, no)
    receipt = issue_receipt(
        town.bob.wallet,
        invoice,
        paid.txid,
        AMOUNT_SAT,
        town.bob.now_s,
        reveal_words(town.bob.wallet, PASSPHRASE),
    )
    town.alice.hear(Side.PAYER, invoice, ReceiptMessage(receipt.encode()))
    town.alice.hear(Side.PAYER, invoice, no)
    deal = town.alice.deal(Role.PAYER, invoice)
    assert (deal.stage, deal.verdict) == (DealStage.ACCEPTED, None)
    assert town.alice.settled == [paid]


@pytest.mark.parametrize("returns", [False, True])
def test_a_join_that_the_payee_never_got_signed_settles_both(returns: bool) -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.change = lambda side, m: None if side is Side.PAYER and isinstance(m, PayjoinAnswer) else m
    town.talk(invoice)
    joined = town.alice.deal(Role.PAYER, invoice).joined
    assert joined is not None
    town.bob.restart()
    town.bob.do(OpenDesk(PASSPHRASE))
    town.alice.do(PayeeSilent(invoice.id))
    assert town.alice.settled == [joined]
    if returns:  # And takes the receipt for the first payment.
        town.change = lambda _, m: m
        town.talk(invoice)
        first = town.alice.deal(Role.PAYER, invoice).payment
        assert first is not None
        assert first.txid in town.alice.wallet.counted(), "that is what counts now"
    # One of the two comes: no change of either can be relied on.
    assert not [coin for coin in town.alice.wallet.coins() if coin.trusted]
    town.mine(joined)
    for person, role in ((town.alice, Role.PAYER), (town.bob, Role.PAYEE)):
        deal = person.deal(role, invoice)
        assert (deal.stage, deal.joined) == (DealStage.SETTLED, joined)
    assert town.bob.spendable_sat() == COIN // 2 + AMOUNT_SAT


def test_a_refused_join_leaves_nothing_to_the_next_payment() -> None:
    town = Town()
    made = draft(
        town.alice.wallet,
        [Recipient(NOBODY.script, AMOUNT_SAT)],
        feerate_sat_kvb=9_000,
    )
    rival = sign(town.alice.wallet, made, PASSPHRASE)
    assert isinstance(rival, Transaction)
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    joined = town.bob.deal(Role.PAYEE, invoice).joined
    assert joined is not None
    town.mine(rival)
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.REFUSED
    town.fund(town.alice, COIN, "Alice again")
    town.alice.pay(invoice, joins=False)
    town.talk(invoice)
    deal = town.bob.deal(Role.PAYEE, invoice)
    second = town.alice.deal(Role.PAYER, invoice).payment
    assert deal.payment == second != joined
    assert deal.receipt is not None
    assert deal.receipt.txid == deal.txids[0]


def test_an_invoice_that_nobody_pays_expires() -> None:
    town = Town()
    invoice = town.bob.issue()
    for _ in range(150):
        town.chain.mine()
    town.mine()
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.EXPIRED


def test_what_was_accepted_is_settled_by_the_next_run_without_any_key() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    paid = town.bob.deal(Role.PAYEE, invoice).payment
    town.bob.restart()
    assert town.bob.settled == [paid]
    town.alice.restart()
    assert town.alice.settled == [paid]


def test_the_book_is_the_same_after_a_restart() -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.talk(invoice)
    for person, role in ((town.alice, Role.PAYER), (town.bob, Role.PAYEE)):
        before = person.deal(role, invoice)
        person.restart()
        assert person.deal(role, invoice) == before
