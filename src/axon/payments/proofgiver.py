"""Proofs for the partners of payments: that a block has them, as a packet holds it.

getproof --known--> proof
getproof --not yet--> an empty proof ... a block has it --> proof, unasked
"""

from __future__ import annotations

from axon.payments.book import Book
from axon.payments.chainmessages import MAX_PROOF_BYTES, ProofMessage
from axon.payments.deal import Role
from axon.payments.linkevents import Side
from axon.payments.packetbuilder import CannotProve, prove_confirmed
from axon.payments.partnerevents import FindProof
from axon.payments.step import Tell
from axon.primitives.hashes import Txid
from axon.wallet.ledger import WalletLedger


class ProofGiver:
    """What a wallet knows of blocks that have its payments.

    Args:
        ledger: the wallet's.
        book: its deals.
    """

    def __init__(self, ledger: WalletLedger, book: Book) -> None:
        self._ledger = ledger
        self._book = book
        self._late: dict[bytes, FindProof] = {}
        """What payers asked for too early, by invoice of ours."""

    def find(self, job: FindProof) -> bytes:
        """The proof of a payment of the link's own invoice; or nothing."""
        role = Role.PAYER if job.side is Side.PAYER else Role.PAYEE
        deal = self._book.get(role, job.invoice_id)
        if deal is None or job.txid not in deal.txids:
            return b""
        proof = self._proof(job.txid)
        if not proof and job.side is Side.PAYEE:
            self._late[job.invoice_id] = job
        return proof

    def told_late(self) -> tuple[Tell, ...]:
        """Blocks came: what payers who asked before are told now, if they are still there."""
        found = [(job, self._proof(job.txid)) for job in self._late.values()]
        tells = [Tell(job.invoice_id, (ProofMessage(job.txid, p),)) for job, p in found if p]
        for tell in tells:
            del self._late[tell.invoice_id]
        return tuple(tells)

    def _proof(self, txid: Txid) -> bytes:
        if txid not in self._ledger.confirmed:
            return b""
        try:
            proof = prove_confirmed(self._ledger, txid).encode()
        except CannotProve:
            return b""
        return proof if len(proof) <= MAX_PROOF_BYTES else b""
