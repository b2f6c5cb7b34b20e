"""Payees who mean ill: who is paid, and who answers in the place of the one who is to be paid."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from attacks.linkstrangers import LinkGone, LinkStranger, read_invoice
from attacks.walletattack import WalletAttack, rounds
from attacks.walletvictim import MALLORY, Scene
from axon.machine import Endpoint
from axon.payments.invoice import Invoice, sign
from axon.payments.linkmessages import Auth, Hello
from axon.payments.messages import (
    LinkMessage,
    PayjoinAnswer,
    PayjoinOffer,
    PaymentMessage,
    VerdictMessage,
)
from axon.payments.packet import Packet
from axon.payments.verdict import PaymentLevel
from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.hashes import Txid
from axon.primitives.keys import x_only_key
from axon.primitives.transaction import COIN, TxIn, TxOut, outpoint
from axon.rpc.errors import RpcError
from axon.swarm.lab.processes import free_port
from axon.wallet.psbtmaps import FINAL_WITNESS, WITNESS_UTXO
from tests.payments.payjoinscene import Editable
from tests.process.conftest import loopback_host

SECRET: Final = bytes([9]) * 32
"""Of Mallory's own invoices."""

HOURS_AHEAD_S: Final = 3 * 3_600
UNANSWERED: Final = 60.0


def middle(scene: Scene, seconds: float) -> str:
    """Mallory answers at the payee's first address: not one byte of the payment reaches her."""
    met = 0
    with _listening() as server:
        for _ in rounds(seconds):
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


ATTACKS: Final = (
    WalletAttack("wallet-middle", middle, pays=False),
    WalletAttack("wallet-spoiled", spoiled, pays=False),
    WalletAttack("wallet-clocks", clocks, pays=False),
)
