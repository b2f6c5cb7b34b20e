"""Links between wallets: their messages, and the whole machine among partners that do anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, get_args

from axon.errors import DecodeError
from axon.machine import HOUR, MINUTE, SECOND, Clogged, Drained, Endpoint, PeerId
from axon.payments.chainmessages import CF, GetCF, GetHdrs, GetProof, Hdrs, ProofMessage
from axon.payments.linkend import IN_FLIGHT_BYTES, LinkEnd, LinkStage
from axon.payments.linkevents import CloseLink, Heard, LinkReplies, OpenLink, Prove, Say, Side
from axon.payments.linkmessages import Auth, Bye, Hello
from axon.payments.linkseats import MAX_STRANGERS
from axon.payments.messages import (
    ANSWERS,
    GetInvoice,
    InvoiceMessage,
    LinkMessage,
    PayjoinAnswer,
    PayjoinOffer,
    PaymentMessage,
    ReceiptMessage,
    VerdictMessage,
    decode_link_message,
)
from axon.payments.partneraddress import PartnerAddress
from axon.payments.partnermessages import GetPartners, Partners
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import REGTEST
from axon.wire.messages import Feature
from fuzz.source import Source
from fuzz.world import patched
from tests.payments.linkrig import BILL, BOB, CAROL, OTHER, Bill, Partner, Purse, Rig

MAX_STEPS: Final = 150
"""Of one input: longer ones say little more."""

_HASH: Final = bytes(range(32))
_TXID: Final = Txid(_HASH)
_KINDS: Final = get_args(LinkMessage)
WANTED: Final = Bill(3, (BOB, CAROL))
_PAUSES: Final = (0, 1, SECOND, 10 * SECOND, MINUTE, 10 * MINUTE)

EXAMPLES: Final[tuple[LinkMessage, ...]] = (
    Hello(1, (Feature("BIP321", b"\x07"),), _HASH),
    Auth(bytes(64)),
    GetInvoice(),
    InvoiceMessage("bitcoin:bc1q?amount=1"),
    PaymentMessage(_HASH),
    VerdictMessage(_TXID, 4, 800_000, 8, "", "unspent at 800000"),
    VerdictMessage(_TXID, 0, reason="bad-packet", detail="it is cut short"),
    PayjoinOffer("v=1&minfeerate=1", b"psbt\xff"),
    PayjoinAnswer(psbt=b"psbt\xff"),
    PayjoinAnswer("unavailable", "not now"),
    ReceiptMessage("a receipt"),
    GetProof(_TXID),
    ProofMessage(_TXID, _HASH),
    GetHdrs((BlockHash(_HASH),)),
    Hdrs((REGTEST.genesis.header,)),
    GetCF(1, BlockHash(_HASH)),
    CF(1, BlockHash(_HASH), _HASH, (_HASH,)),
    CF(1, BlockHash(_HASH), _HASH, (), (b"\x00", b"\x01\x02\x03")),
    GetPartners(),
    Partners((PartnerAddress(_HASH, Endpoint("10.0.0.1", 9735)),)),
    Bye("done"),
)
"""One of each form."""


def link_message(data: bytes) -> None:
    """A payload under one name: it is one message in one form, or none."""
    kind = _KINDS[data[0] % len(_KINDS)] if data else GetInvoice
    try:
        read = decode_link_message(kind.command, data[1:])
    except DecodeError:
        return
    assert isinstance(read, kind)
    assert read.encode() == data[1:]


def message_input(message: LinkMessage) -> bytes:
    """The input of `link-message` that is this message."""
    return bytes((_KINDS.index(type(message)),)) + message.encode()


def reply(heard: Heard) -> LinkReplies:
    """A wallet that answers questions, and ends the link on a receipt."""
    answers = tuple(each for each in EXAMPLES if each.command == ANSWERS.get(heard.message.command))
    match heard.message:
        case Hello() if heard.side is Side.PAYER:
            return LinkReplies((PaymentMessage(bytes(300_000)), *[GetInvoice()] * 5))
        case ReceiptMessage():
            return LinkReplies((), "done")
    return LinkReplies(answers)


class Talk:
    """A machine, and those who talk with it.

    Args:
        source: draws what happens.
        rig: the machine.
        features: that partners have.
    """

    def __init__(self, source: Source, rig: Rig, features: tuple[Feature, ...] = ()) -> None:
        self._source = source
        self.rig = rig
        self._features = features
        self.rig.works_at_once = False
        self._partners: list[Partner] = []
        self._garbled: set[PeerId] = set()  # Who has sent what no partner would understand.

    def step(self) -> None:
        """One thing happens."""
        source, rig = self._source, self.rig
        match source.below(10):
            case 0:
                number = 1 + source.number(1)
                self._partners.append(Partner(rig, rig.accept(), payer=True, number=number))
            case 1:
                rig.ask(OpenLink(source.choose((WANTED, OTHER))))
            case 2 if rig.dials:
                if source.flag():
                    self._partners.append(Partner(rig, rig.answer_dial(), payer=False))
                else:
                    rig.miss_dial()
            case 3:
                rig.work(1)
            case 4:
                rig.wait(source.choose(_PAUSES))
            case 5:
                said = tuple(source.choose(EXAMPLES[2:-1]) for _ in range(source.below(4)))
                rig.ask(Say(1 + source.below(6), said))
            case 6:
                if source.below(4) == 0:
                    rig.ask(CloseLink(1 + source.below(6)))
            case _ if self._partners:
                self._act(source.choose(self._partners))
        rig.ring()

    def _act(self, partner: Partner) -> None:
        source, rig = self._source, self.rig
        if partner.end is not None:
            return
        if not partner.hand.session_id:
            if source.below(4):
                partner.agree()
            else:
                self._garble(partner)
            return
        match source.below(8):
            case 0:
                self._garble(partner)
            case 1:
                if source.below(4) == 0:
                    rig.lose(partner.peer)
            case 2:
                rig.handle((Clogged if source.flag() else Drained)(partner.peer))
            case 3 | 4 if partner.hand.initiating:
                hello = partner.hello(source.choose((BILL, OTHER, WANTED)))
                partner.say(replace(hello, features=self._features))
            case 3 | 4:
                signer = source.choose((WANTED, OTHER))
                hello = Hello(features=self._features)
                partner.say(hello, Auth(signer.sign(partner.hand.session_id)))
            case 5:
                message = source.choose(EXAMPLES)
                partner.put_packet(message.command, patched(source, message.encode()))
            case 6:
                partner.say(*[source.choose(EXAMPLES[2:]) for _ in range(source.below(8))])
            case _:
                partner.put(partner.hand.decoy(source.number(2)))

    def _garble(self, partner: Partner) -> None:
        self._garbled.add(partner.peer)
        partner.put(self._source.piece() * (1 + self._source.below(100)))

    @property
    def ends(self) -> dict[PeerId, LinkEnd]:
        """The machine's ends of connections."""
        return self.rig.node._ends

    def check(self) -> None:
        """What holds whatever anybody does."""
        rig, ends = self.rig, self.ends
        here = [peer for peer, sent in rig.sent.items() if sent.ended is None]
        # Who has left is heard to the end of what he had said.
        assert sorted(peer for peer, end in ends.items() if not end.has_left) == here
        payees = [end for end in ends.values() if end.side is Side.PAYEE]
        strangers = [end for end in payees if end.stage is not LinkStage.OPEN]
        assert len(strangers) <= MAX_STRANGERS
        known = [end.invoice_id for end in payees if end.stage is LinkStage.OPEN]
        assert len(known) == len(set(known)), "one link for each invoice"
        jobs = [delegated.job for delegated in rig.jobs]
        assert sum(isinstance(job, Prove) for job in jobs) <= MAX_STRANGERS
        for end in ends.values():
            waiting = sum(isinstance(job, Heard) and job.link == end.link for job in jobs)
            assert waiting <= (1 if end.side is Side.PAYEE else 2)
            assert end.waiting_bytes < 3 * IN_FLIGHT_BYTES
        for partner in self._partners:
            if partner.peer not in self._garbled and partner.hand.session_id:
                partner.listen()
                own = ends.get(partner.peer)
                if own is not None and own.side is Side.PAYER and own.stage is not LinkStage.OPEN:
                    assert [type(each) for each in partner.heard] in ([], [Hello])

    def silence(self) -> None:
        """Nobody says anything any more: all who have dialled us go."""
        self.rig.works_at_once = True
        self.rig.work()
        self.rig.wait(HOUR)
        assert not [end for end in self.ends.values() if end.side is Side.PAYEE or end.has_left]


def link_node(data: bytes) -> None:
    """Dialers and the dialled, honest and not, in any order; wallets that think for long."""
    source = Source(data)
    have_talk(source, Talk(source, Rig(Purse(BILL, OTHER, reply=reply))))


def have_talk(source: Source, talk: Talk) -> None:
    """Draw what happens until nothing is left."""
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        talk.step()
        talk.check()
    talk.silence()


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "link-message": link_message,
    "link-node": link_node,
}
