"""What the operator asks of a full node, beside its connections: one `Answer` for each command."""

from __future__ import annotations

from axon.machine import Instant, NoCommand
from axon.mempool.packageacceptance import PackageResult
from axon.mempool.persist import Dump
from axon.node.blockflow import BlockFlow
from axon.node.commands import (
    AbortPrivately,
    FetchBlock,
    OrderBlock,
    Prioritise,
    PruneChain,
    RestorePool,
    SendPrivately,
    SendTransaction,
    SubmitBlock,
    SubmitHeader,
    SubmitPackage,
)
from axon.node.outbox import Outbox
from axon.node.privateflow import PrivateFlow
from axon.node.txflow import TxFlow


class Operator:
    """Carries out commands on the parts of a full node."""

    def __init__(
        self, outbox: Outbox, blocks: BlockFlow, transactions: TxFlow, private: PrivateFlow
    ) -> None:
        self._outbox = outbox
        self._blocks = blocks
        self._transactions = transactions
        self._private = private
        self._pool = transactions.pool

    def carry_out(self, ticket: int, command: object, now: Instant) -> None:
        """One command; its answer comes now or later."""
        match command:
            case SubmitBlock(block):
                self._blocks.submit(block, ticket, now)
            case SubmitHeader(header):
                self._blocks.submit_header(header, ticket, now)
            case OrderBlock(order, block_hash):
                self._blocks.orders.begin(order, block_hash, ticket)
            case FetchBlock(block_hash, peer):
                blocks = self._blocks
                refused = blocks.pruning.fetch(block_hash, peer, blocks.download, now)
                self._outbox.answer(ticket, refused)
            case PruneChain(up_to):
                self._blocks.pruning.prune(up_to, ticket)
            case SendTransaction(transaction):
                self._transactions.admission.submit(transaction, ticket, now)
            case SubmitPackage():

                def answer(result: PackageResult, _: Instant) -> None:
                    self._outbox.answer(ticket, result)

                self._transactions.packages.submit(command, answer, now)
            case SendPrivately(transaction):
                self._outbox.answer(ticket, self._private.send(transaction, now))
            case AbortPrivately(name):
                self._outbox.answer(ticket, self._private.abort(name))
            case Prioritise(txid, delta_sat):
                self._pool.prioritise(txid, delta_sat)
                self._outbox.answer(ticket, None)
            case RestorePool(dump):
                self._restore(dump, ticket, now)
            case _:
                self._outbox.answer(ticket, NoCommand(command))

    def _restore(self, dump: Dump, ticket: int, now: Instant) -> None:
        for saved in dump.transactions:
            if saved.delta_sat:
                self._pool.prioritise(saved.transaction.txid, saved.delta_sat)
        for txid, delta_sat in dump.deltas.items():
            self._pool.prioritise(txid, delta_sat)
        self._transactions.admission.restore(dump, ticket, now)
