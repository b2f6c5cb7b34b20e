"""Alice pays Bob: two wallets on one chain, their desks, and what they say to each other.

Messages go from desk to desk in order, without a link between: that is tested elsewhere. What is
wanted of the network is done at once, or kept for the test to look at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from axon.chain.store import MemoryStore
from axon.mempool.policy import Policy
from axon.payments.book import Book
from axon.payments.deal import Deal, Role
from axon.payments.desk import (
    AtDesk,
    CoinsLookedUp,
    Desk,
    DeskJob,
    FollowBlocks,
    IssueInvoice,
    OpenDesk,
    PayInvoice,
    ResumeDeals,
)
from axon.payments.invoice import Invoice
from axon.payments.linkevents import Heard, Side
from axon.payments.linkfeatures import PAYJOIN
from axon.payments.linkmessages import Bye, Hello
from axon.payments.messages import LinkMessage
from axon.payments.payee import PayeeDesk
from axon.payments.payer import PayerDesk
from axon.payments.step import DealStep, LookUp, Settle
from axon.payments.terms import Terms
from axon.payments.verdict import PaymentLevel, Verdict
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, OutPoint, Transaction
from axon.wallet.keys import AccountKind, Mnemonic, new_words
from axon.wallet.payment import Payee as Recipient
from axon.wallet.payment import draft
from axon.wallet.wallet import Wallet
from tests.payments.payscene import PayChain, funding, kernel
from tests.signing import Signer
from tests.wallet.scene import PASSPHRASE, START_S, new_wallet, source

AMOUNT_SAT = COIN // 5
NOBODY = Signer("Carol")


class Person:
    """A wallet, its desk, and what it wants of the network.

    Args:
        name: also makes the words.
        chain: that of everybody.
        store: where the wallet is.
    """

    def __init__(self, name: str, chain: PayChain, store: MemoryStore | None = None) -> None:
        self.name = name
        self.chain = chain
        self.store = MemoryStore() if store is None else store
        words = new_words(name.encode().ljust(16)[:16])
        self.wallet = new_wallet(self.store, source(AccountKind.BIP84, words))
        self.looked_up = Verdict(PaymentLevel.UNSPENT, height=1, peers=8)
        self.open()

    def open(self) -> None:
        """Begin to run, perhaps again."""
        self.book = Book(self.wallet.ledger)
        payer = PayerDesk(self.wallet, self.book, kernel)
        self.desk = Desk(self.wallet, self.book, payer, self._payee, kernel)
        self.settled: list[Transaction] = []

    def _payee(self, words: Mnemonic, joins: bool) -> PayeeDesk:
        return PayeeDesk(self.wallet, self.book, words, kernel, Policy(), Random(7), joins=joins)

    def restart(self) -> DealStep:
        """The process died; the store is what is left."""
        self.wallet = Wallet.load(self.store)
        self.open()
        return self.do(ResumeDeals())

    @property
    def now_s(self) -> int:
        return START_S + 600 * self.chain.height + 60

    def do(self, job: DeskJob) -> DealStep:
        """One job that has a step as its outcome, and all that the network does about it."""
        step = self.desk.perform(AtDesk(job, self.chain.headers, self.now_s))
        assert isinstance(step, DealStep), step
        messages = list(step.messages)
        for want in step.wants:
            match want:
                case Settle(transaction):
                    self.settled.append(transaction)
                case LookUp(invoice_id, txid):
                    found = CoinsLookedUp(invoice_id, txid, self.looked_up)
                    messages += self.do(found).messages
        return DealStep(tuple(messages), step.wants, step.end)

    def issue(self, amount_sat: int | None = AMOUNT_SAT) -> Invoice:
        """A new invoice."""
        self.do(OpenDesk(PASSPHRASE))
        made = self.desk.perform(
            AtDesk(IssueInvoice(Terms(amount_sat, "Bob", "tea")), self.chain.headers, self.now_s)
        )
        assert isinstance(made, Invoice), made
        return made

    def pay(self, invoice: Invoice, *, joins: bool = True) -> None:
        """Begin to pay."""
        recipient = Recipient(invoice.script_pubkey, invoice.amount_sat or AMOUNT_SAT)
        made = draft(self.wallet, [recipient], feerate_sat_kvb=2_000)
        self.do(PayInvoice(invoice, made.psbt, PASSPHRASE, joins))

    def hear(self, side: Side, invoice: Invoice, message: LinkMessage) -> DealStep:
        """The partner says something."""
        return self.do(Heard(1, side, invoice.id, message))

    def deal(self, role: Role, invoice: Invoice) -> Deal:
        """What it knows of a payment."""
        found = self.book.get(role, invoice.id)
        assert found is not None
        return found

    def see(self, block: Block) -> None:
        """Look through the newest block."""
        self.wallet.take_block(block.hash, self.chain.height, block.raw)
        self.wallet.follow_chain(None, self.chain.height, block.hash)
        self.do(FollowBlocks())

    def spendable_sat(self) -> int:
        """All its coins, confirmed or not."""
        return sum(coin.amount_sat for coin in self.wallet.coins())


@dataclass
class Town:
    """Alice and Bob on one chain.

    Args:
        alices_sat, bobs_sat: what their first coins hold.
        change: done to each message on its way: what arrives in its place, or None for nothing.
    """

    alices_sat: tuple[int, ...] = (COIN,)
    bobs_sat: tuple[int, ...] = (COIN // 2,)
    change: Callable[[Side, LinkMessage], LinkMessage | None] = lambda _, message: message
    chain: PayChain = field(default_factory=PayChain)

    def __post_init__(self) -> None:
        self.alice, self.bob = Person("Alice", self.chain), Person("Bob", self.chain)
        for person, amounts in ((self.alice, self.alices_sat), (self.bob, self.bobs_sat)):
            for number, amount in enumerate(amounts):
                self.fund(person, amount, f"{person.name} {number}")

    def mine(self, *transactions: Transaction) -> None:
        """A block that both see."""
        block = self.chain.mine(*transactions)
        self.alice.see(block)
        self.bob.see(block)

    def fund(self, person: Person, amount_sat: int, name: str) -> OutPoint:
        """A coin for somebody, in a block."""
        script = decode_address(person.wallet.new_address(beyond_gap=True), REGTEST)
        paid = funding(name, amount_sat, Funded(script))  # type: ignore[arg-type]
        self.mine(paid)
        (coin,) = [
            coin.outpoint for coin in person.wallet.coins() if coin.outpoint[:32] == paid.txid
        ]
        return coin

    def talk(self, invoice: Invoice, most: int = 40) -> list[tuple[Side, LinkMessage]]:
        """The link opens, and they talk until nobody has anything to say; what was said."""
        said: list[tuple[Side, LinkMessage]] = []
        waiting: deque[tuple[Side, LinkMessage]] = deque(
            [(Side.PAYEE, Hello(features=(PAYJOIN,))), (Side.PAYER, Hello(features=(PAYJOIN,)))]
        )
        while waiting:
            assert len(said) < most, said
            side, message = waiting.popleft()  # Of the one who said it.
            arrives = self.change(side, message)
            said.append((side, message))
            if arrives is None:
                continue
            hearer, other = (
                (self.alice, Side.PAYER) if side is Side.PAYEE else (self.bob, Side.PAYEE)
            )
            step = hearer.hear(other, invoice, arrives)
            waiting += [(other, each) for each in step.messages]
            if step.end is not None:
                waiting.append((other, Bye(step.end)))
        return said


@dataclass(frozen=True)
class Funded:
    """Whom a coin is for.

    Args:
        script: of its output.
    """

    script: bytes
