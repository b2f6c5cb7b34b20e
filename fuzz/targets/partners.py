"""Links of a wallet that serves wallets, among payers and partners that say anything."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from axon.machine import Endpoint, PeerId
from axon.node.partners import (
    FilterRange,
    GiveFilters,
    GiveHeaders,
    HeadersHeard,
    HearFilters,
    HearHeaders,
    JoinPartner,
    LeavePartner,
    WantFilters,
)
from axon.payments.linkend import LinkEnd, LinkStage
from axon.payments.linkevents import Heard, Proof, Prove
from axon.payments.linkfeatures import CHAIN
from axon.payments.linkkeys import invoice_hint
from axon.payments.partneraddress import PartnerAddress
from axon.payments.partnerbook import SEATS, Recalled
from axon.payments.partnerevents import FindProof, KeepPartners, RecallPartners
from axon.payments.partnernode import PartnerNode
from axon.payments.partnertable import MAX_HEARD, MAX_PROVED, read_table
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.wire.messages import GetHeaders
from fuzz.source import Source
from fuzz.targets.links import WANTED, Talk, have_talk, reply
from tests.payments.linkrig import BILL, OTHER, Bill, Purse, Rig, link_node

_OURS: Final = Bill(9)
_TIP: Final = BlockHash(bytes(32))


class _ServingPurse(Purse):
    """A wallet that serves, and whose light client says what is drawn.

    Args:
        source: draws.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(BILL, OTHER, reply=reply)
        self._source = source

    def perform(self, job: object) -> object:
        source = self._source
        match job:
            case RecallPartners():
                return Recalled(_OURS.public_key, ())
            case KeepPartners(table):
                assert len(read_table(table)) <= MAX_PROVED + MAX_HEARD
                return None
            case FindProof():
                return source.piece()
            case Prove(_, hint, session_id) if hint == invoice_hint(session_id, OTHER.id):
                return Proof(partner().id, bytes(64), SEATS)  # Some come to be served.
            case GiveHeaders():
                return (REGTEST.genesis.header,) * source.below(3)
            case GiveFilters(start):
                return FilterRange(start, filters=(bytes(100),) * source.below(3))
            case HearHeaders(_, headers):
                wanted = GetHeaders((_TIP,)) if source.flag() else None
                fault = "invalid headers" if source.below(10) == 0 else ""
                return HeadersHeard(len(headers), wanted, fault)
            case HearFilters(_, filters):
                return source.below(len(filters) + 1)
            case JoinPartner():
                return GetHeaders((_TIP,)) if source.flag() else None
            case WantFilters():
                return (1, _TIP) if source.flag() else None
            case LeavePartner():
                return source.flag()
        return super().perform(job)


def partner() -> PartnerAddress:
    """As which the wallet serves."""
    return PartnerAddress(_OURS.public_key, Endpoint("8.8.8.8", 9735))


class _PartnerTalk(Talk):
    """A `Talk` with a wallet that serves."""

    @property
    def ends(self) -> dict[PeerId, LinkEnd]:
        """Those of the links within."""
        return self.node._port.links._ends

    @property
    def node(self) -> PartnerNode:
        """The machine."""
        node: object = self.rig.node
        assert isinstance(node, PartnerNode)
        return node

    def check(self) -> None:
        """What holds whatever anybody does."""
        links = {end.link for end in self.ends.values() if end.stage is LinkStage.OPEN}
        assert set(self.node._chain.talks) == links
        assert len(self.node._table) <= MAX_PROVED + MAX_HEARD
        opened = [end for end in self.ends.values() if end.invoice_id == partner().id]
        assert len(opened) <= SEATS
        jobs = [delegated.job for delegated in self.rig.jobs]
        for end in self.ends.values():
            assert sum(isinstance(job, Heard) and job.link == end.link for job in jobs) <= 2


def partner_node(data: bytes) -> None:
    """Dialers and the dialled, honest and not, of a wallet that serves and is served."""
    source = Source(data)
    rig = Rig(_ServingPurse(source))
    named = PartnerAddress(WANTED.public_key, Endpoint("9.9.9.9", 9735))
    rig.node = PartnerNode(link_node(), Random(1), named=(named,), finds=True)  # type: ignore[assignment]
    have_talk(source, _PartnerTalk(source, rig, (CHAIN,)))


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {"partner-node": partner_node}
