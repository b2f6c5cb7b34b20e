"""What a light client does for payees, in one place: coins searched for, payments watched."""

from __future__ import annotations

from axon.chain.headertree import HeaderTree
from axon.machine import Instant, PeerId
from axon.node.coinstates import BlockSearched, FiltersSearched, KeptSearched
from axon.node.outbox import Outbox
from axon.node.paymentwatch import PaymentWatch
from axon.node.session import Session
from axon.node.spends import FindSpends, StopFinding, StopWatching, WatchPayment
from axon.node.spendsearch import SpendSearch
from axon.node.spendwatch import SpendWatch
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.filtersync import FilterSync
from axon.p2p.txrequest import TxRequest
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Rejected

PayeeCommand = FindSpends | StopFinding | WatchPayment | StopWatching
PayeeWork = KeptSearched | FiltersSearched | BlockSearched


class Payees:
    """The parts of one light client that look at coins and payments of others.

    Args:
        outbox: where effects go.
        tree: all headers known.
        filters: brings filters.
        blocks: brings blocks.
        txrequest: asks for unconfirmed transactions.
    """

    def __init__(
        self,
        outbox: Outbox,
        tree: HeaderTree,
        filters: FilterSync,
        blocks: BlockFetch,
        txrequest: TxRequest,
    ) -> None:
        self._outbox = outbox
        self._search = SpendSearch(outbox, tree, filters, blocks)
        self._spends = SpendWatch(outbox, tree, filters, self._search)
        self.payments = PaymentWatch(outbox, self._spends, txrequest)

    def carry_out(self, ticket: int, command: PayeeCommand, now: Instant) -> None:
        """A command; it is answered now or later."""
        match command:
            case FindSpends():
                self._spends.want(command, ticket, now)
            case StopFinding(coins):
                self._outbox.answer(ticket, self._spends.stop(coins))
            case WatchPayment():
                self._outbox.answer(ticket, self.payments.watch(command, now))
            case StopWatching(txid):
                self._outbox.answer(ticket, self.payments.stop(txid, now))

    def completed(self, done: PayeeWork, outcome: object, now: Instant) -> None:
        """Slow work is done."""
        if isinstance(done, BlockSearched):
            assert isinstance(outcome, tuple | Rejected)
            self._search.block_searched(done, outcome, now)
        else:
            assert isinstance(outcome, tuple)
            self._search.searched(done, outcome, now)

    def received_block(
        self, session: Session, block_hash: BlockHash, raw: bytes, now: Instant
    ) -> None:
        """A block that somebody asked for."""
        self._search.received_block(session, block_hash, raw, now)

    def doubt(self, block_hash: BlockHash) -> None:
        """Two filters of this block are claimed and neither is refuted."""
        self._search.doubt(block_hash)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self.payments.closed(peer)

    def settle(self, now: Instant, *, scanned: int, headers_known: bool) -> None:
        """Go on with whatever can be done now; the arguments are those of `SpendWatch.settle`."""
        self._spends.settle(now, scanned=scanned, headers_known=headers_known)
        self.payments.settle()

    def deadline(self) -> Instant | None:
        """When to give somebody up who waits."""
        return self._spends.deadline()
