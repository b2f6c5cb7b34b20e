"""The desk of a wallet: what its thread does for payments between wallets, as jobs and outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from axon.errors import WalletError
from axon.payments.book import Book
from axon.payments.byfile import (
    CheckPacket,
    TakePacket,
    TakeReceipt,
    check_payment,
    take_packet,
    take_receipt,
)
from axon.payments.chainmessages import ProofMessage
from axon.payments.deal import DealStage, Role
from axon.payments.following import follow_blocks, rule_out
from axon.payments.headerchain import HeaderChainView
from axon.payments.httpjoin import JoinOffer, OfferAnswered
from axon.payments.invoice import Invoice
from axon.payments.invoice import verify as verify_invoice
from axon.payments.linkevents import Heard, Prove, Side
from axon.payments.partnerbook import PartnerBook
from axon.payments.partnerevents import (
    FindProof,
    KeepPartners,
    OpenPartnerKey,
    PartnerJob,
    RecallPartners,
)
from axon.payments.payee import PayeeDesk
from axon.payments.payer import PayerDesk, check_pays
from axon.payments.payjoin import Declined, Proposal, Trouble
from axon.payments.proofgiver import ProofGiver
from axon.payments.shownproofs import take_proof
from axon.payments.step import DealStep, Settle
from axon.payments.terms import Terms
from axon.payments.verdict import Verdict
from axon.primitives.hashes import Txid
from axon.wallet.errors import BadPsbt
from axon.wallet.keys import Mnemonic
from axon.wallet.psbt import Psbt
from axon.wallet.signing import reveal_words, sign
from axon.wallet.unconfirmed import ScriptCheck
from axon.wallet.wallet import Wallet


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    """Make an invoice. The outcome is the `Invoice`, or the refusal."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class OpenDesk:
    """Open the wallet's words, so that it can be paid. The outcome is a `DealStep`, or the refusal.

    Args:
        passphrase: what they were sealed with.
        joins: a payjoin may be offered to us; what the first call says holds until it is closed.
    """

    passphrase: str = field(repr=False)
    joins: bool = True


@dataclass(frozen=True, slots=True)
class PayInvoice:
    """Sign a draft, and pay an invoice with it. The outcome is a `DealStep`, or the refusal.

    Args:
        invoice: whose signature was checked.
        draft: pays what it asks for, from our coins, and was looked at.
        passphrase: opens the words.
        joins: a payjoin is offered.
        dials: the payee is dialled; else the packet goes to him by other ways, and the payment is
            handed to the network at once.
    """

    invoice: Invoice
    draft: Psbt = field(repr=False)
    passphrase: str = field(repr=False)
    joins: bool
    dials: bool = True


@dataclass(frozen=True, slots=True)
class CoinsLookedUp:
    """What a `LookUp` has found. The outcome is a `DealStep`.

    Args:
        invoice_id: what is paid.
        txid: of the payment; by now there may be another one.
        verdict: as it is from now on.
    """

    invoice_id: bytes
    txid: Txid
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class PeersShow:
    """Peers show a payment that is watched, or a rival of it. The outcome is a `DealStep`.

    Args:
        invoice_id: what is paid.
        txid: of the payment; by now there may be another one.
        peers: how many.
        rival: what they show in its place; None for the payment itself.
    """

    invoice_id: bytes
    txid: Txid
    peers: int
    rival: Txid | None = None


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A block has spent a coin of a payment otherwise. The outcome is a `DealStep`.

    Args:
        invoice_id: what is paid.
        txid: of the payment; by now there may be another one.
        rival: what has spent it.
        height: of the block.
    """

    invoice_id: bytes
    txid: Txid
    rival: Txid
    height: int


@dataclass(frozen=True, slots=True)
class PayerLeft:
    """A payer's link is gone for longer than he needs to come back; the outcome is a `DealStep`."""

    invoice_id: bytes


@dataclass(frozen=True, slots=True)
class PayeeSilent:
    """A payee was not reached, or does not go on. The outcome is a `DealStep`."""

    invoice_id: bytes


@dataclass(frozen=True, slots=True)
class FollowBlocks:
    """The wallet has looked through blocks, or time has passed. The outcome is a `DealStep`.

    Args:
        alone: a header has come, and no node is there to give its block.
    """

    alone: bool = False


@dataclass(frozen=True, slots=True)
class ResumeDeals:
    """After a start: payments that were begun go on. The outcome is a `DealStep`."""


@dataclass(frozen=True, slots=True)
class ListDeals:
    """What was asked and paid. The outcome is a tuple of `Deal`, the latest change first.

    Args:
        digits: with which the ids of their invoices begin, hex; empty for all.
        skip, count: leave so many out, and take so many at most; None for all.
    """

    digits: str = ""
    skip: int = 0
    count: int | None = None


DeskCommand = (
    IssueInvoice
    | OpenDesk
    | PayInvoice
    | ListDeals
    | FollowBlocks
    | CheckPacket
    | TakePacket
    | TakeReceipt
    | JoinOffer
)
"""The jobs that callers order."""

DeskJob = (
    Prove
    | Heard
    | CoinsLookedUp
    | PeersShow
    | RuledOut
    | PayerLeft
    | PayeeSilent
    | ResumeDeals
    | PartnerJob
    | DeskCommand
)


@dataclass(frozen=True, slots=True)
class AtDesk:
    """A job with what it is judged by.

    Args:
        job: what to do.
        chain: our best chain as of the moment when it was ordered.
        now_s: seconds since 1970, likewise.
    """

    job: DeskJob
    chain: HeaderChainView
    now_s: int


class Desk:
    """Does jobs, in the wallet's thread.

    Args:
        wallet: whose payments these are.
        book: its deals.
        payer: pays.
        make_payee: is paid, with the words that are open; and whether it joins payments.
        check_scripts: libbitcoinkernel.
    """

    def __init__(
        self,
        wallet: Wallet,
        book: Book,
        payer: PayerDesk,
        make_payee: Callable[[Mnemonic, bool], PayeeDesk],
        check_scripts: ScriptCheck,
    ) -> None:
        self._wallet = wallet
        self._book = book
        self._payer = payer
        self._make_payee = make_payee
        self._check_scripts = check_scripts
        self._payee: PayeeDesk | None = None  # Until its words are open.
        self._partners = PartnerBook(wallet.ledger)
        self._proofs = ProofGiver(wallet.ledger, book)

    def perform(self, ordered: AtDesk) -> object:
        """One job; its outcome as the job says.

        Raises:
            StorageError: the disk refused.
        """
        job, now_s = ordered.job, ordered.now_s
        match job:
            case Prove(_, hint, session_id):
                proof = self._partners.prove(hint, session_id)
                if proof is None and self._payee is not None:
                    proof = self._payee.invoices.prove(hint, session_id, now_s)
                return proof
            case Heard(_, side, invoice_id, ProofMessage() as message):
                return take_proof(self._book, side, invoice_id, message, ordered.chain, now_s)
            case Heard(_, side, invoice_id, message):
                if side is Side.PAYER:
                    return self._payer.hear(invoice_id, message, now_s)
                return self._receiving.hear(invoice_id, message, ordered.chain, now_s)
            case ResumeDeals():
                return self._resume(now_s)
            case FollowBlocks(alone):
                wants = follow_blocks(self._wallet, self._book, ordered.chain, now_s)
                wants += self._payer.ask_receipts(now_s).wants
                wants += self._payer.ask_proofs().wants if alone else ()
                wants += self._proofs.told_late()
                if self._payee is not None:
                    wants += self._payee.recheck(ordered.chain, now_s).wants
                return DealStep(wants=wants)
            case ListDeals(digits, skip, count):
                found = self._book.matching(digits)[skip:]
                return tuple(found[:count])
            case CheckPacket(payment):
                return self._or_refusal(
                    lambda: check_payment(
                        self._wallet, self._book, payment, ordered.chain, self._check_scripts, now_s
                    )
                )
            case TakePacket(packet):
                return self._or_refusal(
                    lambda: take_packet(self._receiving, self._book, packet, ordered.chain, now_s)
                )
            case TakeReceipt(text):
                return self._or_refusal(lambda: take_receipt(self._payer, self._book, text, now_s))
            case PayeeSilent(invoice_id):
                return self._payer.give_up(invoice_id)
            case OpenDesk():
                return self._or_refusal(lambda: self._open(job, ordered))
            case JoinOffer(invoice_id, offer):
                said: Proposal | Declined = Declined(Trouble.UNAVAILABLE, "the words are not open")
                if self._payee is not None:
                    said = self._payee.offered(invoice_id, offer, ordered.chain, now_s)
                return OfferAnswered(invoice_id, said)
            case PayInvoice():
                return self._or_refusal(lambda: self._pay(job, now_s))
            case IssueInvoice(terms):
                return self._or_refusal(lambda: self._receiving.invoices.issue(terms, now_s))
            case PayerLeft(invoice_id):
                return self._receiving.left(invoice_id, now_s)
            case CoinsLookedUp() | PeersShow() | RuledOut():
                return self._learn(job, now_s)
            case _:
                return self._of_partners(job)

    def _of_partners(self, job: PartnerJob) -> object:
        match job:
            case RecallPartners():
                return self._partners.recall()
            case KeepPartners(table):
                self._partners.keep(table)
                return None
            case OpenPartnerKey(entropy):
                return self._partners.open_key(entropy)
            case FindProof():
                return self._proofs.find(job)

    def _learn(self, job: CoinsLookedUp | PeersShow | RuledOut, now_s: int) -> DealStep:
        """What the network says of a payment, if it is still the one that we have."""
        deal = self._book.get(Role.PAYEE, job.invoice_id)
        if deal is None or job.txid not in deal.txids:
            return DealStep()
        if isinstance(job, RuledOut):
            rule_out(self._book, deal, job.rival, job.height, now_s)
            return DealStep()
        payee = self._payee
        if payee is None:
            return DealStep()  # No payer is here to be told; blocks decide.
        if isinstance(job, CoinsLookedUp):
            return payee.looked_up(deal, job.verdict, now_s)
        if job.rival is None:
            return payee.echoed(deal, job.peers, now_s)
        return payee.opposed(deal, job.rival, job.peers, now_s)

    def _resume(self, now_s: int) -> DealStep:
        """What needs no keys: our own payments, and the settling of those that were accepted."""
        accepted = [
            Settle(deal.payment)
            for deal in self._book.deals(Role.PAYEE)
            if deal.stage is DealStage.ACCEPTED and deal.payment is not None
        ]
        return DealStep(wants=(*self._payer.resume(now_s).wants, *accepted))

    def _open(self, job: OpenDesk, ordered: AtDesk) -> DealStep:
        words = reveal_words(self._wallet, job.passphrase)
        if self._payee is not None:
            return DealStep()  # Open already: who is paying goes on.
        self._payee = self._make_payee(words, job.joins)
        return self._payee.resume(ordered.chain, ordered.now_s)

    def _pay(self, job: PayInvoice, now_s: int) -> DealStep:
        verify_invoice(job.invoice, now_s)
        words = reveal_words(self._wallet, job.passphrase)
        signed = sign(self._wallet, job.draft, words)
        if isinstance(signed, Psbt):
            raise BadPsbt("others must sign this payment, too: pay the address on chain")
        check_pays(job.invoice, signed)
        joins = job.joins and job.dials
        return self._payer.begin(
            job.invoice, signed, words if joins else None, now_s, dials=job.dials
        )

    @property
    def _receiving(self) -> PayeeDesk:
        if self._payee is None:
            raise WalletError("open the wallet's words first, so that it can sign invoices")
        return self._payee

    @staticmethod
    def _or_refusal(action: Callable[[], object]) -> object:
        try:
            return action()
        except WalletError as refused:
            return refused
