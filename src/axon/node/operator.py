"""What the operator asks of a running node, carried out: one `Answer` for each command."""

from __future__ import annotations

from functools import partial

from axon.chain.headertree import HeaderEntry
from axon.machine import SECOND, Instant
from axon.mempool.persist import Dump
from axon.node.blockflow import BlockFlow
from axon.node.commands import (
    AddNode,
    DialOnce,
    DisconnectNode,
    PingAll,
    Prioritise,
    RemoveNode,
    RestorePool,
    SendTransaction,
    SetNetworkActive,
    SubmitBlock,
    SubmitHeader,
    SubmitPackage,
    Submitted,
)
from axon.node.links import Links
from axon.node.outbox import Outbox
from axon.node.packageflow import PackageFlow
from axon.node.txflow import Outcome, Restored, TxFlow
from axon.primitives.block import Block
from axon.primitives.verdict import Accepted, Rejected, Verdict


class Operator:
    """Carries out commands on the parts of a full node."""

    def __init__(
        self, outbox: Outbox, links: Links, blocks: BlockFlow, transactions: TxFlow
    ) -> None:
        self._outbox = outbox
        self._links = links
        self._blocks = blocks
        self._transactions = transactions
        self._packages = PackageFlow(outbox, transactions)
        self._pool = transactions.pool

    def commanded(self, ticket: int, command: object, now: Instant) -> None:
        """One command; its answer comes now or later."""
        links = self._links
        answer = partial(self._outbox.answer, ticket)
        match command:
            case SubmitBlock(block):
                self._submit_block(ticket, block, now)
            case SubmitHeader(header):
                added = self._blocks.submit_header(header, now)
                answer(Accepted() if isinstance(added, HeaderEntry) else added)
            case SendTransaction(transaction):
                self._transactions.submit(transaction, lambda outcome, _: answer(outcome), now)
            case SubmitPackage():
                self._packages.submit(command, answer, now)
            case Prioritise(txid, delta_sat):
                self._pool.prioritise(txid, delta_sat)
                answer(None)
            case AddNode(target):
                answer(links.connections.add_node(target, now))
            case RemoveNode(name):
                answer(links.connections.remove_node(name))
            case DialOnce(endpoint, kind, v2):
                answer(links.dial(endpoint, kind, v2))
            case DisconnectNode(peer):
                session = links.sessions.get(peer)
                if session is not None:
                    links.end(session, "disconnected by the operator", now)
                answer(session is not None)
            case SetNetworkActive(active):
                self._outbox.perform(links.connections.set_active(active, now))
                answer(active)
            case PingAll():
                for session in links.sessions.values():
                    if session.keepalive is not None:
                        links.say(session, session.keepalive.ping(now))
                answer(None)
            case RestorePool(dump):
                self._restore(ticket, dump, now)
            case _:
                raise AssertionError(f"no command: {command!r}")

    def _submit_block(self, ticket: int, block: Block, now: Instant) -> None:
        """As `submitblock` answers: BIP 22's words for what was known already."""
        entry = self._blocks.headers.get(block.hash)
        if entry is not None and self._blocks.headers.is_invalid(block.hash):
            self._outbox.answer(ticket, Submitted("duplicate-invalid", known=True))
            return
        if entry is not None and self._blocks.has_block(block.hash):
            active = self._blocks.active.contains(entry)
            reason = "duplicate" if active else "duplicate-inconclusive"
            self._outbox.answer(ticket, Submitted(reason, known=True))
            return

        def done(verdict: Verdict, now: Instant) -> None:  # noqa: ARG001
            if isinstance(verdict, Rejected):
                self._outbox.answer(ticket, Submitted(verdict.reason))
                return
            judged = self._blocks.headers.get(block.hash)
            active = judged is not None and self._blocks.active.contains(judged)
            self._outbox.answer(ticket, Submitted(None if active else "inconclusive"))

        self._blocks.submit(block, now, done)

    def _restore(self, ticket: int, dump: Dump, now: Instant) -> None:
        for saved in dump.transactions:
            if saved.delta_sat:
                self._pool.prioritise(saved.transaction.txid, saved.delta_sat)
        for txid, delta_sat in dump.deltas.items():
            self._pool.prioritise(txid, delta_sat)

        def done(_outcome: Outcome | None, _now: Instant) -> None:
            for txid in dump.unbroadcast:
                if txid in self._pool:
                    self._pool.mark_unbroadcast(txid)
            self._outbox.answer(ticket, len(self._pool))

        horizon = now - self._pool.policy.expiry_s * SECOND
        items = [
            Restored(saved.transaction, saved.time_s * SECOND)
            for saved in dump.transactions
            if saved.time_s * SECOND > horizon
        ]
        if items:
            self._transactions.restore(items, done, now)
        else:
            done(None, now)
