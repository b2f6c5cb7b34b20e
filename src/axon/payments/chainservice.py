"""A wallet serves a wallet: messages of a link as commands of the light client, and back.

    gethdrs, getcf of a partner --asked--> a command --its answer--> answer --> hdrs, cf
    hdrs, cf of a partner --heard--> a command, whose answer says what to ask next (`question`)

Nothing is decided here: `node/partnerchain` checks what comes as if a node had sent it.
"""

from __future__ import annotations

from axon.node.partners import (
    FilterRange,
    GiveFilters,
    GiveHeaders,
    HearFilters,
    HearHeaders,
)
from axon.payments.chainmessages import CF, GetCF, GetHdrs, Hdrs
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.wire.messages import GetHeaders


def asked(message: GetHdrs | GetCF) -> GiveHeaders | GiveFilters:
    """What the light client is asked when a partner asks this."""
    if isinstance(message, GetHdrs):
        return GiveHeaders(message.locator, message.stop)
    return GiveFilters(message.start_height, message.stop_hash, message.hashes_only)


def answer(given: tuple[Header, ...] | FilterRange) -> Hdrs | CF:
    """What a partner is told, from what the light client answered."""
    if isinstance(given, tuple):
        return Hdrs(given)
    return CF(
        given.start_height,
        given.stop_hash,
        given.previous_filter_header,
        given.hashes,
        given.filters,
    )


def heard(link: int, message: Hdrs | CF) -> HearHeaders | HearFilters:
    """What the light client is told when a partner answers this.

    Hashes of filters are of no use to it: it takes filter headers from nodes alone.
    """
    if isinstance(message, Hdrs):
        return HearHeaders(link, message.headers)
    return HearFilters(message.start_height, message.filters)


def question(wanted: GetHeaders | tuple[int, BlockHash] | None) -> GetHdrs | GetCF | None:
    """What to ask a partner, from what the light client wants; None for nothing.

    Args:
        wanted: of the answer to `JoinPartner`, `HearHeaders` or `WantFilters`.
    """
    if wanted is None:
        return None
    if isinstance(wanted, GetHeaders):
        return GetHdrs(wanted.locator, wanted.stop)
    return GetCF(*wanted)
