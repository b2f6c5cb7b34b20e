"""Payers of a wallet who mean ill: whoever has been told an invoice can be one."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Final

from attacks.linkstrangers import LinkGone, LinkStranger, read_invoice
from attacks.walletattack import WalletAttack, rounds
from attacks.walletvictim import COINS, MALLORY, Scene
from axon.machine import Endpoint
from axon.payments.chainmessages import GetProof
from axon.payments.invoice import Invoice
from axon.payments.linkmessages import Bye
from axon.payments.messages import (
    PayjoinAnswer,
    PayjoinOffer,
    PaymentMessage,
    ReceiptMessage,
    VerdictMessage,
)
from axon.payments.packet import Confirmed, Packet
from axon.payments.packetbuilder import make_packet
from axon.payments.payjoinreceiver import JoinPolicy
from axon.payments.receipt import Receipt
from axon.payments.verdict import PaymentLevel
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Spendable
from axon.wallet.psbtmaps import FINAL_WITNESS, UNSIGNED_TX, WITNESS_UTXO, PsbtMaps
from tests.payments.payjoinscene import Editable

FEE_SAT: Final = 1_000


def huge(scene: Scene, seconds: float) -> str:
    """Who has an invoice sends the largest messages there are, and larger ones."""
    invoice = read_invoice(scene.invoice()["uri"])
    sent = 0
    for number in rounds(seconds):
        with contextlib.suppress(LinkGone), _at(scene.endpoint, invoice) as link:
            for _ in range(20):
                link.say(PaymentMessage(Random(number).randbytes(400_000)))
                sent += 400_000
            link.send(link.hand.packet(bytes(450_000)))
    return f"{sent:,} bytes"


def ancestors(scene: Scene, seconds: float) -> str:
    """Packets of unconfirmed transactions without end: too many, too deep, too wide."""
    invoice = read_invoice(scene.invoice()["uri"])
    sent = 0
    for number in rounds(seconds):
        with contextlib.suppress(LinkGone), _at(scene.endpoint, invoice) as link:
            for count in (24, 25, 26, 500):
                link.say(PaymentMessage(_chained(count, number)))
                link.hear(VerdictMessage, Bye)
                sent += 1
    return f"{sent} packets"


def questions(scene: Scene, seconds: float) -> str:
    """Who has an invoice asks for proofs by the hundred."""
    invoice = read_invoice(scene.invoice()["uri"])
    asked = 0
    for number in rounds(seconds):
        with contextlib.suppress(LinkGone), _at(scene.endpoint, invoice) as link:
            for _ in range(100):
                link.say(GetProof(Txid(number.to_bytes(32, "big"))))
                asked += 1
    return f"{asked} questions"


def probing(scene: Scene, seconds: float) -> str:
    """Ever other payments are offered to be joined, for several invoices, to learn Bob's coins."""
    until = time.monotonic() + seconds
    coins = itertools.cycle(_coins(scene))
    shown: set[bytes] = set()
    offers = 0
    invoices = [read_invoice(scene.invoice()["uri"]) for _ in range(JoinPolicy().max_open)]
    for round_number in itertools.count():
        if time.monotonic() > until and round_number >= 1:
            break
        for invoice in invoices:
            proof = next(coins)
            answers = set()
            for fee_sat in (FEE_SAT, FEE_SAT, 2 * FEE_SAT):
                payment = payment_of(proof, invoice, fee_sat)
                answer = _offered(scene, invoice, proof, payment)
                offers += 1
                if answer is not None and not answer.error:
                    answers.add(answer.psbt)
                    prevouts = [item.prevout for item in Editable.of(answer.psbt).inputs]
                    shown |= set(prevouts) - set(payment.prevouts)
            assert len(answers) <= 1, "one invoice was joined in two ways"
    assert shown, "no offer was ever answered: nothing was tried"
    assert len(shown) <= JoinPolicy().max_open, f"{len(shown)} coins were shown"
    return f"{offers} offers, {len(shown)} of {COINS} coins seen"


def replays(scene: Scene, seconds: float) -> str:
    """A payment again and again, for its own invoice, for another one and for one that expired."""
    proof = _coins(scene)[0]
    mine, other = (read_invoice(scene.invoice()["uri"]) for _ in range(2))
    late = read_invoice(scene.invoice(lifetime_s=1)["uri"])
    payment = PaymentMessage(packet_of(proof, payment_of(proof, mine)).encode())
    with _at(scene.endpoint, mine, joins=False) as link:
        link.say(payment)
        first = _receipt(link)
    time.sleep(max(0.0, late.expires_s + 1 - time.time()))
    told = 0
    for _ in rounds(seconds):
        with _at(scene.endpoint, mine, joins=False) as link:
            link.say(payment)
            assert _receipt(link) == first, "another receipt for the same payment"
        for invoice in (other, late):
            with contextlib.suppress(LinkGone), _at(scene.endpoint, invoice, joins=False) as link:
                link.say(payment)
                verdict = link.hear(VerdictMessage)
                assert isinstance(verdict, VerdictMessage)
                assert verdict.level == PaymentLevel.REFUSED, verdict
        told += 3
    for invoice in (other, late):
        (deal,) = scene.ask_bob("listdeals", invoice.id.hex())
        assert deal["stage"] not in ("accepted", "settled"), f"what was not paid is {deal['stage']}"
    return f"{told} replays"


def _receipt(link: LinkStranger) -> Receipt:
    """What Bob signs next, without the proof that a block brings."""
    told = link.hear(ReceiptMessage)
    assert isinstance(told, ReceiptMessage)
    return replace(Receipt.decode(told.text), proof=None)


# What they are made of.


@contextmanager
def _at(endpoint: Endpoint, invoice: Invoice, *, joins: bool = True) -> Iterator[LinkStranger]:
    with LinkStranger.dial(endpoint) as link:
        yield link.open(invoice, joins=joins)


def _coins(scene: Scene) -> list[Confirmed]:
    """Mallory's, with their proofs."""
    return [proof_at(scene.node, height) for height in range(1, COINS + 1)]


def proof_at(node: NodeProcess, height: int) -> Confirmed:
    """The reward of a block, proved."""
    raw = node.rpc("getblock", node.rpc("getblockhash", height), 0)
    return Confirmed.from_block(Block.decode(bytes.fromhex(raw)), height, 0)


def payment_of(proof: Confirmed, invoice: Invoice, fee_sat: int = FEE_SAT) -> Transaction:
    """Mallory pays an invoice with one of them."""
    held_sat = proof.transaction.outputs[0].amount_sat
    paid_sat = invoice.amount_sat or 0
    outputs = [
        TxOut(paid_sat, invoice.script_pubkey),
        TxOut(held_sat - paid_sat - fee_sat, MALLORY.script),
    ]
    return MALLORY.pay([Spendable(outpoint(proof.transaction.txid, 0), held_sat)], outputs)


def packet_of(proof: Confirmed, payment: Transaction) -> Packet:
    """What she hands over."""
    return make_packet(payment, [proof])


def _offered(
    scene: Scene, invoice: Invoice, proof: Confirmed, payment: Transaction
) -> PayjoinAnswer | None:
    """Bob's answer to an offer; None if he says nothing of that kind."""
    with contextlib.suppress(LinkGone), _at(scene.endpoint, invoice) as link:
        link.say(PaymentMessage(packet_of(proof, payment).encode()))
        link.hear(VerdictMessage)
        link.say(PayjoinOffer("v=1&minfeerate=1", _original(proof, payment)))
        answer = link.hear(PayjoinAnswer, limit_s=5.0)
        assert isinstance(answer, PayjoinAnswer)
        return answer
    return None


def _original(proof: Confirmed, payment: Transaction) -> bytes:
    """A signed payment as a PSBT whose inputs are final (BIP 78)."""
    (entry,) = payment.inputs
    unsigned = Transaction.build(
        payment.version,
        [TxIn(entry.prevout, sequence=entry.sequence)],
        payment.outputs,
        payment.locktime,
    )
    stack = compact_size(len(entry.witness)) + b"".join(map(var_bytes, entry.witness))
    entries = {WITNESS_UTXO: proof.transaction.outputs[0].encode(), FINAL_WITNESS: stack}
    bare: tuple[dict[bytes, bytes], ...] = tuple({} for _ in payment.outputs)
    return PsbtMaps(0, {UNSIGNED_TX: unsigned.raw}, (entries,), bare).encode()


def _chained(count: int, number: int) -> bytes:
    """The bytes of a packet with so many unconfirmed transactions in a row, and no proof."""
    parent = outpoint(Txid(number.to_bytes(32, "big")), 0)
    row = []
    for _ in range(count + 1):
        item = Transaction.build(
            2, [TxIn(parent, witness=(bytes(71), MALLORY.public_key))], [TxOut(1_000, b"\x51" * 30)]
        )
        row.append(item)
        parent = outpoint(item.txid, 0)
    *waiting, payment = [item.raw for item in row]
    return b"\x01\x00" + compact_size(count) + b"".join(waiting) + payment


ATTACKS: Final = (
    WalletAttack("wallet-huge", huge),
    WalletAttack("wallet-ancestors", ancestors),
    WalletAttack("wallet-questions", questions),
    WalletAttack("wallet-probing", probing),
    WalletAttack("wallet-replays", replays),
)
