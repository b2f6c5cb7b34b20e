"""Partners of a wallet who mean ill: payers who know an invoice, payees who are to be paid."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any, Final

from attacks.linkstrangers import LinkGone, LinkStranger, read_invoice
from attacks.walletattack import WalletAttack
from attacks.walletvictim import COINS, MALLORY, Scene
from axon.machine import Endpoint
from axon.payments.chainmessages import GetProof
from axon.payments.invoice import Invoice, sign
from axon.payments.linkmessages import Auth, Bye, Hello
from axon.payments.messages import (
    LinkMessage,
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
from axon.primitives.keys import x_only_key
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_port
from axon.swarm.signer import Spendable
from axon.wallet.psbtmaps import FINAL_WITNESS, UNSIGNED_TX, WITNESS_UTXO, PsbtMaps
from tests.payments.payjoinscene import Editable
from tests.process.conftest import loopback_host

FEE_SAT: Final = 1_000
SECRET: Final = bytes([9]) * 32
"""Of Mallory's own invoices."""

HOURS_AHEAD_S: Final = 3 * 3_600
UNANSWERED: Final = 60.0


# Payers.


def huge(scene: Scene, seconds: float) -> str:
    """Who has an invoice sends the largest messages there are, and larger ones."""
    invoice = read_invoice(scene.invoice()["uri"])
    sent = 0
    for number in _while(seconds):
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
    for number in _while(seconds):
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
    for number in _while(seconds):
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
    for _ in _while(seconds):
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


# Between the two, and payees.


def _receipt(link: LinkStranger) -> Receipt:
    """What Bob signs next, without the proof that a block brings."""
    told = link.hear(ReceiptMessage)
    assert isinstance(told, ReceiptMessage)
    return replace(Receipt.decode(told.text), proof=None)


def middle(scene: Scene, seconds: float) -> str:
    """Mallory answers at the payee's first address: not one byte of the payment reaches her."""
    met = 0
    with _listening() as server:
        for _ in _while(seconds):
            made = scene.invoice(endpoints=(_where(server), scene.endpoint))
            said: list[LinkMessage] = []
            taken: list[LinkMessage] = []
            thread = threading.Thread(target=_pretend, args=(server, scene, made, said, taken))
            thread.start()
            began = time.monotonic()
            scene.begin(made["uri"], made["address"])
            deal = scene.await_end(made["id"])
            thread.join()
            assert deal["stage"] == "accepted", f"a payment is {deal['stage']}: {deal['reason']}"
            assert time.monotonic() - began < UNANSWERED, "it was settled without the payee"
            assert [type(each) for each in said] == [Hello], "more than a hello was said"
            assert not taken, "a hint of another session is taken"
            met += 1
            scene.mine()  # What was joined can be proved from then on.
            scene.alice.sync()
    assert met, "nobody came by"
    return f"{met} payments came by, of each a hello was heard"


def _pretend(
    server: socket.socket,
    scene: Scene,
    made: dict[str, Any],
    said: list[LinkMessage],
    taken: list[LinkMessage],
) -> None:
    """Answer as if we were Bob, with a proof of another key; and try the payer's hint at him."""
    invoice = read_invoice(made["uri"])
    with LinkStranger(server.accept()[0], payer=False) as link, contextlib.suppress(LinkGone):
        link.agree()
        hello = link.hear(Hello)
        said.append(hello)
        assert isinstance(hello, Hello)
        with contextlib.suppress(LinkGone), LinkStranger.dial(scene.endpoint) as onward:
            onward.agree().say(hello)  # Of another session: he knows no such invoice.
            taken.append(onward.hear(Auth))
        link.prove(SECRET, invoice)
        while True:
            said.append(link.hear(*LinkMessage.__args__))


def spoiled(scene: Scene, seconds: float) -> str:
    """Mallory is paid, and answers the offer with another payment: nothing of it is signed."""
    tried, until = 0, time.monotonic() + seconds
    for name, spoil in _SPOILS.items():
        if tried >= 3 and time.monotonic() > until:
            break
        with _listening() as server:  # One for each: Alice dials the last ones again.
            invoice = _own_invoice(scene, _where(server))
            heard: list[LinkMessage] = []
            thread = threading.Thread(target=_spoil, args=(server, invoice, spoil, heard))
            thread.start()
            scene.begin(invoice.to_uri(), invoice.address)
            thread.join()
        assert len(heard) == 2, f"{name}: the offer or its end is missing"
        first, last = heard
        assert isinstance(last, PaymentMessage), f"{name}: the payer has signed it"
        assert first == last, f"{name}: another payment is said"
        tried += 1
    return f"{tried} proposals"


def _spoil(
    server: socket.socket,
    invoice: Invoice,
    spoil: Callable[[Editable], None],
    heard: list[LinkMessage],
) -> None:
    with LinkStranger(server.accept()[0], payer=False) as link, contextlib.suppress(LinkGone):
        link.agree()
        link.hear(Hello)
        link.prove(SECRET, invoice)
        first = link.hear(PaymentMessage)
        heard.append(first)
        assert isinstance(first, PaymentMessage)
        txid = Packet.decode(first.packet).transaction.txid
        link.say(VerdictMessage(txid, PaymentLevel.UNSPENT, 1, 1, "", ""))
        offer = link.hear(PayjoinOffer)
        assert isinstance(offer, PayjoinOffer)
        answer = Editable.of(offer.psbt)
        for entries in answer.input_maps:
            entries.clear()
        spoil(answer)
        link.say(PayjoinAnswer(psbt=answer.encode()))
        heard.append(link.hear(PaymentMessage, PayjoinAnswer))


def _takes_change(psbt: Editable) -> None:
    place = _change(psbt)
    psbt.outputs[place] = replace(psbt.outputs[place], script_pubkey=MALLORY.script)


def _change(psbt: Editable) -> int:
    scripts = [output.script_pubkey for output in psbt.outputs]
    return next(place for place, each in enumerate(scripts) if each != MALLORY.script)


def _joined_by(psbt: Editable, amount_sat: int) -> None:
    """An input of Mallory's that nobody has ever seen, and signs nothing."""
    coin = outpoint(Txid(bytes([5]) * 32), 0)
    psbt.inputs.append(TxIn(coin, sequence=psbt.inputs[0].sequence))
    spent = TxOut(amount_sat, MALLORY.script)
    witness = compact_size(2) + var_bytes(bytes(71)) + var_bytes(MALLORY.public_key)
    psbt.input_maps.append({WITNESS_UTXO: spent.encode(), FINAL_WITNESS: witness})
    paid = next(
        place for place, each in enumerate(psbt.outputs) if each.script_pubkey == MALLORY.script
    )
    raised = psbt.outputs[paid].amount_sat + amount_sat
    psbt.outputs[paid] = replace(psbt.outputs[paid], amount_sat=raised)


_SPOILS: Final[dict[str, Callable[[Editable], None]]] = {
    "the change goes to the payee": _takes_change,
    "the change is gone": lambda psbt: psbt.drop_output(_change(psbt)),
    "the change is less": lambda psbt: psbt.lower(_change(psbt), COIN),
    "a coin that is not there": lambda psbt: _joined_by(psbt, COIN),
    "the payer's coin twice": lambda psbt: psbt.repeat_input(0),
    "other locktime": lambda psbt: setattr(psbt, "locktime", 7),
    "other version": lambda psbt: setattr(psbt, "version", 3),
}
"""What Mallory makes of an offer, by name."""


def clocks(scene: Scene, seconds: float) -> str:
    """Invoices of wallets whose clocks are wrong, and old ones: Alice dials nobody."""
    del seconds
    refused = 0
    with _listening() as server:
        server.settimeout(1.0)
        now_s = int(time.time())
        for made_s, lifetime_s in (
            (now_s + HOURS_AHEAD_S, 600),
            (now_s - 700, 600),
            (now_s - 30 * 86_400, 86_400),
        ):
            invoice = _own_invoice(scene, _where(server), made_s, lifetime_s)
            try:
                scene.begin(invoice.to_uri(), invoice.address)
                raise AssertionError("an invoice of another time is paid")
            except RpcError:
                refused += 1
            with contextlib.suppress(TimeoutError):
                server.accept()
                raise AssertionError("a payee was dialled")
    return f"{refused} invoices refused"


# What they are made of.


def _while(seconds: float) -> Iterator[int]:
    until = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < until, itertools.count())


@contextmanager
def _at(endpoint: Endpoint, invoice: Invoice, *, joins: bool = True) -> Iterator[LinkStranger]:
    with LinkStranger.dial(endpoint) as link:
        yield link.open(invoice, joins=joins)


@contextmanager
def _listening() -> Iterator[socket.socket]:
    """Where Mallory waits for payers."""
    host = loopback_host()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, free_port(host)))
        server.listen()
        server.settimeout(30.0)
        yield server


def _where(server: socket.socket) -> Endpoint:
    return Endpoint(*server.getsockname())


def _own_invoice(
    scene: Scene, endpoint: Endpoint, made_s: int | None = None, lifetime_s: int = 3_600
) -> Invoice:
    """An invoice of Mallory's; each has another time and so another id."""
    model = read_invoice(scene.invoice()["uri"])
    begun_s = model.created_s if made_s is None else made_s
    unsigned = replace(
        model,
        address=MALLORY.address(),
        script_pubkey=MALLORY.script,
        message=str(time.monotonic_ns()),
        created_s=begun_s,
        expires_s=begun_s + lifetime_s,
        endpoints=(endpoint,),
        public_key=x_only_key(SECRET),
        signature=bytes(64),
    )
    return sign(unsigned, SECRET)


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
    WalletAttack("wallet-middle", middle, pays=False),
    WalletAttack("wallet-spoiled", spoiled, pays=False),
    WalletAttack("wallet-clocks", clocks, pays=False),
)
