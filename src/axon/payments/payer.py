"""The payer: hands a payment with its proof to who wrote the invoice, and keeps his receipt.

    begin -> ReachPayee -> payment -> verdict -> pjoffer -> pjanswer, checked and signed -> payment
          -> verdict, receipt -> accepted, Settle

The payment is signed and written down before the payee is dialled, and is good by itself: whatever
happens on the link it can be settled as it is. If there is no payee, he is silent or does not want
to join, it is. Only one of it and the joined payment can ever be in a block, for both spend the
same coins.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from axon.errors import WalletError
from axon.payments import payjoinsender
from axon.payments.book import Book
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.following import proved
from axon.payments.invoice import Invoice
from axon.payments.joinedpsbt import signed_psbt
from axon.payments.linkevents import IDLE
from axon.payments.linkfeatures import knows_payjoin
from axon.payments.linkmessages import Bye, Hello
from axon.payments.messages import (
    LinkMessage,
    PayjoinAnswer,
    PayjoinOffer,
    PaymentMessage,
    ReceiptMessage,
    VerdictMessage,
)
from axon.payments.packetbuilder import build_packet
from axon.payments.payjoin import Offer
from axon.payments.payjoinparameters import parse_parameters
from axon.payments.receipt import Receipt, verify
from axon.payments.shownproofs import ask_proof, unproved
from axon.payments.step import DealStep, ReachPayee, RestLink, Settle, Want
from axon.payments.verdict import PaymentLevel, Verdict
from axon.primitives.transaction import Transaction
from axon.wallet.errors import BadAmount, CoinUnavailable
from axon.wallet.keys import Mnemonic
from axon.wallet.unconfirmed import ScriptCheck, record_sent, taken_back
from axon.wallet.wallet import Wallet

DONE: Final = "done"

MAY_PAY_AGAIN: Final = frozenset({DealStage.REFUSED, DealStage.EXPIRED})
"""Stages of a payment in which its invoice can be paid anew."""


class PayerDesk:
    """The payments that a wallet makes to other wallets.

    Args:
        wallet: whose.
        book: its deals.
        check_scripts: libbitcoinkernel.
    """

    def __init__(self, wallet: Wallet, book: Book, check_scripts: ScriptCheck) -> None:
        self._wallet = wallet
        self._book = book
        self._check_scripts = check_scripts
        self._words: dict[bytes, Mnemonic] = {}  # By invoice, as long as a join may be signed.
        self._asked: dict[bytes, int] = {}  # For which receipts, of payments settled since when.
        self._waits_for_offer: dict[bytes, bool] = {}  # Payees who leave time for a join.
        self._unproved: set[bytes] = set()  # Invoices whose payees are asked for proofs.

    def begin(
        self,
        invoice: Invoice,
        transaction: Transaction,
        words: Mnemonic | None,
        now_s: int,
        *,
        dials: bool = True,
    ) -> DealStep:
        """Pay an invoice with a signed transaction.

        Args:
            transaction: pays what the invoice asks for; its coins are ours.
            words: the open mnemonic, to sign a joined payment; None to pay without payjoin.
            dials: the payee is dialled; else the payment is handed to the network at once, and its
                packet goes to him by other ways.

        Raises:
            CoinUnavailable: a coin was spent since it was drafted, perhaps in a joined payment.
            CannotProve: the wallet lacks what proves its coins.
            WalletError: this invoice was paid before.
            StorageError: the disk refused; nothing was told.
        """
        known = self._book.get(Role.PAYER, invoice.id)
        if known is not None and known.stage not in MAY_PAY_AGAIN:
            raise WalletError(
                "this invoice was paid before: axon wallet payments shows what became of it"
            )
        counted = self._wallet.counted()
        if any(txid in counted for txid in self._wallet.ledger.conflicts(transaction)):
            raise CoinUnavailable("a coin of this payment was spent meanwhile: draft it anew")
        packet = build_packet(self._wallet.ledger, transaction)
        offer = b""
        if words is not None:
            made = payjoinsender.make_offer(self._wallet, transaction, invoice.script_pubkey)
            if isinstance(made, Offer):
                offer = PayjoinOffer(made.parameters.encode(), made.psbt).encode()
                self._words[invoice.id] = words
        deal = Deal(Role.PAYER, invoice, DealStage.OFFERED, now_s, packet=packet, offer=offer)
        self._book.put(deal)
        record_sent(self._wallet.ledger, transaction, now_s)
        return DealStep(wants=(ReachPayee(invoice) if dials else Settle(transaction),))

    def resume(self, now_s: int) -> DealStep:
        """After a start: go on with what was begun. Nothing more is joined: the keys are gone."""
        wants: list[Want] = []
        for deal in self._book.deals(Role.PAYER):
            transaction = deal.payment
            if transaction is not None and _lacks_receipt(deal, now_s):
                wants.append(ReachPayee(deal.invoice))
            if transaction is None or not deal.is_open:
                continue
            if transaction.txid not in self._wallet.ledger.transactions:
                record_sent(self._wallet.ledger, transaction, now_s)
            wants.append(
                Settle(transaction) if deal.receipt is not None else ReachPayee(deal.invoice)
            )
        return DealStep(wants=tuple(wants))

    def ask_receipts(self, now_s: int) -> DealStep:
        """Blocks came: ask for each receipt of a payment that they have, once for each block."""
        wants: list[Want] = []
        for deal in self._book.deals(Role.PAYER):
            was_asked = self._asked.get(deal.invoice.id) == deal.changed_s
            if _lacks_receipt(deal, now_s) and not was_asked:
                self._asked[deal.invoice.id] = deal.changed_s
                wants += [RestLink(deal.invoice.id), ReachPayee(deal.invoice)]
        return DealStep(wants=tuple(wants))

    def ask_proofs(self) -> DealStep:
        """A header came, and no node is there to give its block: ask payees for what is in it."""
        waiting = [deal for deal in self._book.deals(Role.PAYER) if unproved(deal) is not None]
        self._unproved = {deal.invoice.id for deal in waiting}
        wants = [(RestLink(deal.invoice.id), ReachPayee(deal.invoice)) for deal in waiting]
        return DealStep(wants=tuple([want for pair in wants for want in pair]))

    def wants_join(self, invoice_id: bytes) -> bool:
        """Whether a join is still to be offered or signed."""
        return invoice_id in self._words

    # What the payee says.

    def hear(self, invoice_id: bytes, message: LinkMessage, now_s: int) -> DealStep:
        """One message of a payee who has proved himself."""
        deal = self._require(invoice_id)
        match message:
            case Hello():
                self._waits_for_offer[invoice_id] = knows_payjoin(message)
                return self._present(deal, message)
            case VerdictMessage():
                return self._judged(deal, message, now_s)
            case PayjoinAnswer():
                return self._answered(deal, message, now_s)
            case ReceiptMessage():
                return self._receipted(deal, message, now_s)
            case Bye(reason):
                waits = deal.receipt is None and (deal.is_open or _lacks_receipt(deal, now_s))
                if reason == IDLE and waits:  # The receipt comes when he has the block.
                    return DealStep(wants=(RestLink(invoice_id), ReachPayee(deal.invoice)))
                return DealStep()
            case _:
                return DealStep(end="a payer has no answer to that")

    def _present(self, deal: Deal, partner: Hello) -> DealStep:
        """The link stands: say how far we are."""
        if deal.invoice.id in self._unproved and (asks := ask_proof(deal, partner)):
            return DealStep(asks)
        if deal.stage is DealStage.CHECKED and self.wants_join(deal.invoice.id):
            return DealStep((PayjoinOffer.decode(deal.offer),))
        return DealStep((_payment(deal),)) if deal.receipt is None else DealStep(end=DONE)

    def _judged(self, deal: Deal, message: VerdictMessage, now_s: int) -> DealStep:
        if message.txid not in deal.txids or deal.stage is DealStage.SETTLED:
            return DealStep()
        verdict = Verdict(
            PaymentLevel(message.level),
            message.reason,
            message.detail,
            max(message.height, 0),
            message.peers,
        )
        if verdict.level is PaymentLevel.REFUSED:
            # A receipt is signed; what its payee says later does not undo it, only blocks do.
            return self._refused(deal, verdict, now_s) if deal.receipt is None else DealStep()
        stage = DealStage.CHECKED if deal.stage is DealStage.OFFERED else deal.stage
        is_first = deal.stage is DealStage.OFFERED
        deal = self._book.put(deal.moved(stage, now_s, verdict=verdict))
        if not is_first:
            return DealStep()
        if self.wants_join(deal.invoice.id):
            return DealStep((PayjoinOffer.decode(deal.offer),))
        # Once more is to say: take it as it is.
        waits = self._waits_for_offer.get(deal.invoice.id)
        return DealStep((_payment(deal),) if waits else ())

    def _refused(self, deal: Deal, verdict: Verdict, now_s: int) -> DealStep:
        """The payee does not take it: if no node has it either, its coins are free again.

        He holds it signed. Should it come to a block all the same, the invoice is paid.
        """
        self._words.pop(deal.invoice.id, None)
        if deal.joined is not None:
            # What was joined is not good, the first payment is: settle that one.
            deal = self._book.put(deal.moved(deal.stage, now_s, joined=None, verdict=verdict))
            self._take_back_up(deal, now_s)
            return DealStep((_payment(deal),))
        reason = verdict.detail or verdict.reason
        assert deal.packet is not None, "a payment was offered"
        undone = taken_back(self._wallet.ledger, deal.packet.transaction.txid)
        deal = deal.moved(DealStage.REFUSED, now_s, verdict=verdict, reason=reason)
        self._book.put(deal, undone)
        return DealStep(wants=(RestLink(deal.invoice.id),), end=DONE)

    def _answered(self, deal: Deal, message: PayjoinAnswer, now_s: int) -> DealStep:
        words = self._words.pop(deal.invoice.id, None)
        if words is None or deal.stage is not DealStage.CHECKED:
            return DealStep()
        if message.error:
            return DealStep()  # The payee takes the payment as it is, and sends his receipt.
        joined = self._sign(deal, message.psbt, words)
        if joined is None:
            return DealStep((_payment(deal),))
        deal = self._book.put(
            deal.moved(DealStage.JOINED, now_s, answer=message.psbt, joined=joined)
        )
        record_sent(self._wallet.ledger, joined, now_s)
        return DealStep((_payment(deal),))

    def _sign(self, deal: Deal, proposal: bytes, words: Mnemonic) -> Transaction | None:
        """The joined payment; None if the proposal is not what BIP 78 allows."""
        message = PayjoinOffer.decode(deal.offer)
        offer = Offer(message.psbt, parse_parameters(message.parameters))
        script = deal.invoice.script_pubkey
        checked = payjoinsender.check_answer(self._wallet, offer, proposal, script)
        if isinstance(checked, payjoinsender.Fault):
            return None
        signed = payjoinsender.sign_answer(self._wallet, offer, checked, words, self._check_scripts)
        return None if isinstance(signed, payjoinsender.Fault) else signed

    def _receipted(self, deal: Deal, message: ReceiptMessage, now_s: int) -> DealStep:
        """A receipt counts only for what we paid, and if the payee's address has signed it."""
        try:
            receipt = Receipt.decode(message.text)
        except WalletError:
            return DealStep(end="the receipt cannot be read")
        of_this = receipt.invoice == deal.invoice
        if of_this and receipt.txid not in deal.txids and _lacks_receipt(deal, now_s):
            return DealStep()  # For the one no block has: he is behind, and another one follows.
        fits = of_this and receipt.txid in deal.txids
        if not fits or not verify(receipt, self._check_scripts).is_valid:
            return DealStep(end="the receipt is not one for this payment")
        self._words.pop(deal.invoice.id, None)
        if deal.stage is DealStage.SETTLED and deal.receipt is None:
            if receipt.txid in self._wallet.ledger.confirmed:
                receipt = proved(self._wallet, replace(receipt, proof=None))
                self._book.put(deal.moved(deal.stage, now_s, receipt=receipt))
            return DealStep(wants=(RestLink(deal.invoice.id),), end=DONE)
        is_accepted = deal.stage in (DealStage.ACCEPTED, DealStage.SETTLED)
        if is_accepted and deal.receipt is not None:
            return DealStep(wants=(RestLink(deal.invoice.id),), end=DONE)
        if deal.joined is not None and receipt.txid != deal.joined.txid:
            deal = deal.moved(deal.stage, now_s, joined=None)
            self._take_back_up(deal, now_s)
        transaction = deal.payment
        assert transaction is not None, "a payment was offered"
        verdict = None if deal.stage is DealStage.REFUSED else deal.verdict
        self._book.put(deal.moved(DealStage.ACCEPTED, now_s, receipt=receipt, verdict=verdict))
        return DealStep(wants=(Settle(transaction), RestLink(deal.invoice.id)), end=DONE)

    def _take_back_up(self, deal: Deal, now_s: int) -> None:
        """The first payment counts again, in place of the joined one."""
        assert deal.packet is not None, "it was joined"
        record_sent(self._wallet.ledger, deal.packet.transaction, now_s)

    # Nobody answers.

    def give_up(self, invoice_id: bytes) -> DealStep:
        """The payee is not to be reached, or silent: settle what he may have without him."""
        deal = self._require(invoice_id)
        self._words.pop(invoice_id, None)
        transaction = deal.payment
        if not deal.is_open or transaction is None or deal.receipt is not None:
            return DealStep()
        return DealStep(wants=(Settle(transaction),))

    def _require(self, invoice_id: bytes) -> Deal:
        deal = self._book.get(Role.PAYER, invoice_id)
        assert deal is not None, "a link is about an invoice that is paid"
        return deal


def _lacks_receipt(deal: Deal, now_s: int) -> bool:
    """Whether a block has the payment, and the payee can still be asked for a receipt."""
    is_settled = deal.stage is DealStage.SETTLED and deal.receipt is None
    return is_settled and not deal.invoice.is_expired(now_s)


def _payment(deal: Deal) -> PaymentMessage | PayjoinAnswer:
    """What the payee is to take: the payment with its proof, or what he proposed, signed."""
    if deal.joined is not None:
        return PayjoinAnswer(psbt=signed_psbt(deal.joined))
    assert deal.packet is not None, "a payment was offered"
    return PaymentMessage(deal.packet.encode())


def check_pays(invoice: Invoice, transaction: Transaction) -> None:
    """See that a transaction pays what an invoice asks for.

    Raises:
        BadAmount: it does not.
    """
    if not invoice.is_paid_by(transaction):
        raise BadAmount(
            f"the draft pays {invoice.paid_sat(transaction)} sat to this invoice, which asks for"
            f" {invoice.amount_sat or 'any amount'}: draft it anew"
        )
