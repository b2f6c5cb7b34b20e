"""The payee: looks at what comes for his invoices, accepts it, and says so.

    payment -> check_packet -> FUNDED -> LookUp -> UNSPENT -> accepted: receipt, Settle
                                      `-> pjoffer -> pjanswer -> the joined payment -> accepted

A payer who knows payjoin gets time to offer one; what he sent first is good by itself, and is
settled when he does not, sends it once more, says that he is done, or goes silent. Every stage is
written down before the payer hears of it, and each message may come twice: the answer is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from axon.errors import DecodeError
from axon.mempool.policy import Policy
from axon.payments.book import Book
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.following import proved, watch_for
from axon.payments.headerchain import HeaderChainView
from axon.payments.httpjoin import join_over_http, offered_original
from axon.payments.issuing import Issuer
from axon.payments.linkfeatures import knows_payjoin
from axon.payments.linkjoin import join_over_link, judge_joined
from axon.payments.linkmessages import MAX_REASON_SIZE, Bye, Hello
from axon.payments.messages import (
    MAX_DETAIL_SIZE,
    GetInvoice,
    InvoiceMessage,
    LinkMessage,
    PayjoinAnswer,
    PayjoinOffer,
    PaymentMessage,
)
from axon.payments.ownrivals import OwnRival, own_rival
from axon.payments.packet import Packet
from axon.payments.payeewords import payment_of, plain, receipt_of, refusal, told
from axon.payments.payjoin import Declined, Offer, Proposal, Trouble
from axon.payments.proof import check_packet
from axon.payments.receipt import Receipt
from axon.payments.receipt import issue as issue_receipt
from axon.payments.shownproofs import ask_proof
from axon.payments.step import DealStep, LookUp, Settle, Tell, Want, WatchFor
from axon.payments.verdict import PaymentLevel, Verdict, Wanted
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction
from axon.wallet.keys import Mnemonic
from axon.wallet.unconfirmed import ScriptCheck
from axon.wallet.wallet import Wallet

_BEHIND: Final = frozenset({"block-above-tip", "non-final"})
"""Refusals that the next block may take back: the payer may have heard of it before us."""

NOT_KEPT: Final = (
    "the payee's wallet cannot keep it: a block has spent a coin of it, or too many payments wait"
    " there for a block"
)
"""Of a payment that would be forgotten, while a receipt says that it came."""


@dataclass(slots=True)
class _Visit:
    """What is known of a payer only while his link stands."""

    joins: bool = False
    offer: PayjoinOffer | None = None
    looked_up: bool = False


class PayeeDesk:
    """The payments that a wallet is to receive.

    Args:
        wallet: whose.
        book: its deals.
        words: the open mnemonic; it signs invoices, receipts and joined payments.
        check_scripts: libbitcoinkernel.
        policy: what counts as a fee, and as standard.
        rng: nonces, and the places of what is joined.
        joins: payjoin is offered.
    """

    def __init__(
        self,
        wallet: Wallet,
        book: Book,
        words: Mnemonic,
        check_scripts: ScriptCheck,
        policy: Policy,
        rng: Random,
        *,
        joins: bool = True,
    ) -> None:
        self._wallet = wallet
        self._book = book
        self._words = words
        self._check_scripts = check_scripts
        self._policy = policy
        self._rng = rng
        self._joins = joins
        self.invoices = Issuer(wallet, book, words, rng)
        self._visits: dict[bytes, _Visit] = {}
        self._opposed: dict[bytes, str] = {}  # What peers show against a payment, by invoice.

    # What a payer says.

    def hear(
        self, invoice_id: bytes, message: LinkMessage, chain: HeaderChainView, now_s: int
    ) -> DealStep:
        """One message of a payer, who came for an invoice of ours.

        Args:
            chain: our best chain; it must not move meanwhile.
            now_s: seconds since 1970.
        """
        deal = self._require(invoice_id)
        visit = self._visits.setdefault(invoice_id, _Visit())
        match message:
            case Hello():
                visit.joins = self._joins and knows_payjoin(message)
                if deal.stage is DealStage.ISSUED:
                    self._book.put(deal.moved(DealStage.LINKED, now_s))
                return DealStep(ask_proof(deal, message))
            case GetInvoice():
                return DealStep((InvoiceMessage(deal.invoice.to_uri()),))
            case PaymentMessage():
                return self._paid(deal, visit, message.packet, chain, now_s)
            case PayjoinAnswer():
                return self._take_joined(deal, message.psbt, now_s)
            case PayjoinOffer():
                visit.offer = message
                return self._answer_offer(deal, visit, now_s)
            case Bye():
                return self.left(invoice_id, now_s)
            case _:
                return DealStep(end="a payee has no answer to that")

    def left(self, invoice_id: bytes, now_s: int) -> DealStep:
        """A payer has gone: what he sent, and is good, is settled as it is."""
        visit, deal = self._visits.pop(invoice_id, None), self._require(invoice_id)
        was_looked_up = visit is not None and visit.looked_up
        if deal.stage is DealStage.JOINED or (deal.stage is DealStage.CHECKED and was_looked_up):
            return self._accept(deal, now_s)
        return DealStep(wants=self._settle_offered(deal, now_s))  # Or accepted when looked up.

    def offered(
        self, invoice_id: bytes, offer: Offer, chain: HeaderChainView, now_s: int
    ) -> Proposal | Declined:
        """Somebody offers over HTTP to join a payment; if he sends nothing, `left` settles it."""
        deal = self._book.get(Role.PAYEE, invoice_id)
        if deal is None or not self._joins:
            return Declined(Trouble.UNAVAILABLE, "no payment is joined for this invoice")
        said = join_over_http(
            self._wallet, deal, offer, self._words, self._check_scripts, chain, self._rng, now_s
        )
        if isinstance(said, Proposal):
            offered, answer = offer.psbt, said.psbt
            self._book.put(deal.moved(DealStage.LINKED, now_s, offer=offered, answer=answer))
        return said

    def _settle_offered(self, deal: Deal, now_s: int) -> tuple[Want, ...]:
        """What was offered over HTTP is sent as it is: the joined payment was not seen."""
        original = offered_original(deal)
        if original is None:
            return ()
        self._wallet.take_unconfirmed(original, now_s, "a payer")
        return (Settle(original),)

    def resume(self, chain: HeaderChainView, now_s: int) -> DealStep:
        """After a start: go on with what payments came before."""
        wants: list[Want] = []
        for deal in self._book.deals(Role.PAYEE):
            if deal.packet is None or not deal.is_open:
                wants += self._settle_offered(deal, now_s)
            elif deal.stage is DealStage.OFFERED or deal.stage is DealStage.CHECKED:
                if deal.verdict is not None and deal.verdict.detail:
                    self._opposed[deal.invoice.id] = deal.verdict.detail
                wants += self._check(deal, deal.packet, chain, now_s).wants
            elif deal.stage is DealStage.JOINED:
                wants += self._accept(deal, now_s).wants
            elif deal.payment is not None:
                wants += [Settle(deal.payment), watch_for(deal)]
        return DealStep(wants=tuple(wants))

    # A payment.

    def _paid(
        self, deal: Deal, visit: _Visit, data: bytes, chain: HeaderChainView, now_s: int
    ) -> DealStep:
        try:
            packet = Packet.decode(data)
        except DecodeError as error:
            return DealStep(end=plain(f"no packet: {error}")[:MAX_REASON_SIZE])
        transaction = packet.transaction
        replaceable = deal.packet is None or deal.stage in (DealStage.REFUSED, DealStage.OFFERED)
        if deal.stage is DealStage.SETTLED:
            return self._again_late(deal, packet, now_s)
        if transaction.txid in deal.txids and not replaceable:
            return self._again(deal, visit, now_s)
        if not replaceable:
            return refusal(transaction.txid, "paid-already", "this invoice has another payment")
        is_new = deal.packet is None or deal.stage is DealStage.REFUSED
        is_late = deal.stage is DealStage.EXPIRED or deal.invoice.is_expired(now_s)
        if is_new and is_late:
            return refusal(transaction.txid, "expired", "this invoice has expired")
        self._opposed.pop(deal.invoice.id, None)
        deal = self._book.put(deal.offered(packet, now_s))
        return self._check(deal, packet, chain, now_s)

    def _check(self, deal: Deal, packet: Packet, chain: HeaderChainView, now_s: int) -> DealStep:
        """How far a new payment proves itself, from what we have here."""
        invoice = deal.invoice
        wanted = Wanted(invoice.script_pubkey, invoice.amount_sat or 0)
        checked = check_packet(packet, wanted, chain, self._check_scripts, self._policy)
        verdict = checked.verdict
        if verdict.reason in _BEHIND and not invoice.is_expired(now_s):
            return DealStep()  # Looked at again when blocks come.
        if verdict.level is PaymentLevel.REFUSED:
            return self._refuse(deal, verdict, now_s)
        family = (packet.transaction, *packet.unconfirmed)
        rival = own_rival(self._wallet, self._book, deal, family)
        if rival is not None:
            return self._outdone(deal, rival, chain, now_s)
        deal = self._book.put(deal.moved(DealStage.CHECKED, now_s, verdict=verdict))
        wants = (
            WatchFor(invoice.id, packet.transaction, checked.claims, packet.unconfirmed),
            LookUp(invoice.id, packet.transaction.txid, checked.claims),
        )
        return DealStep((told(deal),), wants)

    def _outdone(self, deal: Deal, rival: OwnRival, chain: HeaderChainView, now_s: int) -> DealStep:
        """Its coin is spent in a payment that we have: this one is refused, that one in doubt."""
        assert deal.packet is not None, "it was offered"
        step = self._refuse(deal, rival.refusal(chain.tip_height), now_s)
        if rival.deal is None:
            return step
        doubted = self.opposed(rival.deal, deal.packet.transaction.txid, 0, now_s)
        return replace(step, wants=(Tell(rival.deal.invoice.id, doubted.messages),))

    def recheck(self, chain: HeaderChainView, now_s: int) -> DealStep:
        """Blocks came: look again at what waits for them, and give receipts for what they have."""
        wants: list[Want] = []
        for deal in self._book.deals(Role.PAYEE):
            if deal.stage is DealStage.OFFERED and deal.packet is not None:
                step = self._check(deal, deal.packet, chain, now_s)
                wants += [*step.wants, Tell(deal.invoice.id, step.messages)]
            elif deal.stage is DealStage.SETTLED and deal.packet and deal.receipt is None:
                wants.append(Tell(deal.invoice.id, self._paid_late(deal, now_s)))
            elif deal.stage is DealStage.ACCEPTED and deal.packet and deal.receipt is None:
                # What was joined cannot come any more; this is for the first payment.
                deal = self._book.put(replace(deal, receipt=self._receipt_for(deal, now_s)))
                wants.append(Tell(deal.invoice.id, receipt_of(deal)))
        return DealStep(wants=tuple(wants))

    def _again_late(self, deal: Deal, packet: Packet, now_s: int) -> DealStep:
        """A block has a payment of this invoice already: perhaps this one."""
        transaction = packet.transaction
        is_it = transaction.txid in (deal.txids or self._wallet.ledger.confirmed)
        if not is_it or not deal.invoice.is_paid_by(transaction):
            return refusal(transaction.txid, "paid-already", "this invoice has another payment")
        return DealStep(self._paid_late(replace(deal, packet=deal.packet or packet), now_s))

    def _paid_late(self, deal: Deal, now_s: int) -> tuple[LinkMessage, ...]:
        """The receipt for what a block had before it was accepted."""
        if deal.receipt is None and payment_of(deal).txid in self._wallet.ledger.confirmed:
            receipt = proved(self._wallet, self._receipt_for(deal, now_s))
            verdict = Verdict(PaymentLevel.MINED, height=self._wallet.ledger.tip.height)
            deal = deal.moved(DealStage.SETTLED, now_s, receipt=receipt, verdict=verdict)
            self._book.put(deal)
        return (told(deal), *receipt_of(deal))

    def _receipt_for(self, deal: Deal, now_s: int) -> Receipt:
        assert deal.packet is not None, "a payment was offered before"
        invoice, txid = deal.invoice, payment_of(deal).txid
        # A joined payment returns what we added: the payer paid what he offered first.
        paid_sat = invoice.paid_sat(deal.packet.transaction)
        return issue_receipt(self._wallet, invoice, txid, paid_sat, now_s, self._words)

    def _again(self, deal: Deal, visit: _Visit, now_s: int) -> DealStep:
        """What we have came once more: it is not to be joined, or our answer was lost."""
        if deal.stage in (DealStage.CHECKED, DealStage.JOINED) and visit.looked_up:
            return self._accept(deal, now_s)
        visit.joins = False
        return DealStep((told(deal), *receipt_of(deal)))

    def looked_up(self, deal: Deal, verdict: Verdict, now_s: int) -> DealStep:
        """What was found of the coins of a payment: unspent, spent, or nothing could be found."""
        invoice_id = deal.invoice.id
        visit = self._visits.get(invoice_id)
        if deal.stage is not DealStage.CHECKED:
            return DealStep()
        if verdict.level is PaymentLevel.REFUSED:
            return self._refuse(deal, verdict, now_s)
        verdict = replace(verdict, detail=self._opposed.get(invoice_id, ""))
        deal = self._book.put(deal.moved(DealStage.CHECKED, now_s, verdict=verdict))
        if visit is None or not visit.joins:
            return self._accept(deal, now_s)
        visit.looked_up = True
        waiting = self._answer_offer(deal, visit, now_s) if visit.offer is not None else DealStep()
        return DealStep((told(deal), *waiting.messages), waiting.wants)

    def echoed(self, deal: Deal, peers: int, now_s: int) -> DealStep:
        """Peers show the payment, and none has shown a rival."""
        verdict = deal.verdict
        if verdict is not None and verdict.level is PaymentLevel.UNSPENT and not verdict.detail:
            return self._relevel(deal, PaymentLevel.UNOPPOSED, peers, now_s)
        return DealStep()

    def opposed(self, deal: Deal, rival: Txid, peers: int, now_s: int) -> DealStep:
        """A transaction was shown that spends what the payment spends.

        Args:
            peers: how many show it; 0 where a payer handed it to us.
        """
        invoice_id = deal.invoice.id
        if rival in deal.txids or invoice_id in self._opposed:
            return DealStep()  # The first payment and the joined one are the same to us.
        who = f"{peers} peers show" if peers > 1 else "a peer shows" if peers else "a payer shows"
        against = f"{who} transaction {to_hex(rival)}, which spends the same coins"
        self._opposed[invoice_id] = against
        verdict = deal.verdict
        if verdict is None or not deal.is_open:
            return DealStep()
        return self._relevel(deal, min(verdict.level, PaymentLevel.UNSPENT), verdict.peers, now_s)

    def _relevel(self, deal: Deal, level: PaymentLevel, peers: int, now_s: int) -> DealStep:
        assert deal.verdict is not None, "it was checked"
        against = self._opposed.get(deal.invoice.id, "")
        verdict = replace(deal.verdict, level=level, peers=peers, detail=against)
        return DealStep((told(self._book.put(deal.moved(deal.stage, now_s, verdict=verdict))),))

    def _accept(self, deal: Deal, now_s: int) -> DealStep:
        """The payment is taken as it is: it goes into the wallet, and a receipt to the payer."""
        transaction, ledger = payment_of(deal), self._wallet.ledger
        if ledger.spends_ours(transaction):  # It is joined.
            self._wallet.record_sent(transaction, now_s)
        elif not self._wallet.take_unconfirmed(transaction, now_s, "a payer"):
            if transaction.txid not in ledger.confirmed:
                verdict = Verdict(PaymentLevel.REFUSED, "not-kept", NOT_KEPT, ledger.tip.height)
                return self._refuse(deal, verdict, now_s)
        deal = deal.moved(DealStage.ACCEPTED, now_s, receipt=self._receipt_for(deal, now_s))
        self._book.put(deal)
        watch = () if deal.joined is None else (watch_for(deal),)
        return DealStep((told(deal), *receipt_of(deal)), (*watch, Settle(transaction)))

    def _refuse(self, deal: Deal, verdict: Verdict, now_s: int) -> DealStep:
        refused = deal.moved(DealStage.REFUSED, now_s, verdict=verdict, reason=verdict.detail)
        return DealStep((told(self._book.put(refused)),))

    # Payjoin.

    def _answer_offer(self, deal: Deal, visit: _Visit, now_s: int) -> DealStep:
        message = visit.offer
        assert message is not None, "an offer was made"
        if deal.stage not in (DealStage.CHECKED, DealStage.JOINED):
            visit.offer = None
            said = PayjoinAnswer(Trouble.UNAVAILABLE.value, "no payment waits for it")
            return DealStep(
                (said,) if deal.verdict is None else (said, told(deal), *receipt_of(deal))
            )
        if not visit.looked_up and deal.stage is DealStage.CHECKED:
            return DealStep()  # Answered when the coins were looked up.
        visit.offer = None
        found: Proposal | Declined = Declined(Trouble.UNAVAILABLE, "this wallet joins no payments")
        if self._joins:
            found = join_over_link(self._wallet, deal, message, self._words, self._rng, now_s)
        if isinstance(found, Declined):
            said = PayjoinAnswer(found.trouble.value, plain(found.reason)[:MAX_DETAIL_SIZE])
            accepted = self._accept(deal, now_s)
            return DealStep((said, *accepted.messages), accepted.wants)
        if deal.stage is DealStage.CHECKED:
            self._book.put(
                deal.moved(DealStage.JOINED, now_s, offer=message.psbt, answer=found.psbt)
            )
        return DealStep((PayjoinAnswer(psbt=found.psbt),))

    def _take_joined(self, deal: Deal, returned: bytes, now_s: int) -> DealStep:
        """The joined payment, signed by the payer: good if the scripts say so."""
        if deal.stage is not DealStage.JOINED:
            return DealStep((told(deal), *receipt_of(deal)) if deal.verdict is not None else ())
        joined = judge_joined(self._wallet, deal, returned, self._check_scripts)
        if not isinstance(joined, Transaction):
            return joined
        return self._accept(deal.moved(DealStage.JOINED, now_s, joined=joined), now_s)

    def _require(self, invoice_id: bytes) -> Deal:
        deal = self._book.get(Role.PAYEE, invoice_id)
        assert deal is not None, "a link is about an invoice of ours"
        return deal
