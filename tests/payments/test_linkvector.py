"""The vector in docs/payments.md: made by hand from its secrets, and understood by the machine."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

from axon.machine import Dial, Received
from axon.payments.invoice import link_digest, proves_link
from axon.payments.link import LinkNode
from axon.payments.linkevents import LinkOpened, OpenLink, Side
from axon.payments.linkkeys import invoice_hint, wallet_magic
from axon.payments.linkmessages import Auth, Hello
from axon.primitives.network import REGTEST
from axon.wire.v2names import encode_name
from tests.payments.linkrig import BILL, BOB, Rig
from tests.v2peer import HandMadePeer

PAGE = (Path(__file__).parent.parent.parent / "docs" / "payments.md").read_text()
SECTION = PAGE.partition("\n## The link\n")[2].partition("\n## ")[0]
VECTOR = {
    name: bytes.fromhex(value)
    for name, value in re.findall(r"^\| (.+) \| `([0-9a-f]+)` \|$", SECTION, re.MULTILINE)
}


def sides() -> tuple[HandMadePeer, HandMadePeer]:
    magic = wallet_magic(REGTEST)
    payer = HandMadePeer(magic, initiating=True, number=7)
    payee = HandMadePeer(magic, initiating=False, number=8)
    payer.agree(payee.key)
    payee.agree(payer.key)
    return payer, payee


def test_the_vector_is_what_is_spoken() -> None:
    payer, payee = sides()
    session_id = payer.session_id
    hello = Hello(hint=invoice_hint(session_id, BILL.id))
    plain = encode_name("hello") + hello.encode()
    signature = BILL.sign(session_id)
    spoken = {
        "wallet magic": wallet_magic(REGTEST),
        "payer: key": payer.key,
        "payee: key": payee.key,
        "session id": session_id,
        "invoice id": BILL.id,
        "invoice's key": BILL.public_key,
        "hint": hello.hint,
        "payee: terminator and version packet": payee.proof(),
        "payer: terminator and version packet": payer.proof(),
        "payer: `hello` before sealing": plain,
        "payer: `hello`": payer.packet(plain),
        "payee: `hello`": payee.packet(encode_name("hello") + Hello().encode()),
        "what is signed": link_digest(session_id, BILL.id),
        "signature": signature,
        "payee: `auth`": payee.packet(encode_name("auth") + Auth(signature).encode()),
    }
    assert spoken == VECTOR


class _Drawn(Random):
    """Draws what the vector's payer has: secret 7, no entropy, no garbage."""

    def randbytes(self, n: int) -> bytes:
        drawn, self._next = self._next, bytes(32)
        return drawn[:n]

    def randint(self, a: int, b: int) -> int:  # noqa: ARG002
        return 0

    _next = (7).to_bytes(32, "big")


def test_a_payer_with_these_secrets_says_and_understands_it() -> None:
    node = LinkNode(REGTEST, proves_link, _Drawn())
    rig = Rig()
    rig.node = node
    rig.ask(OpenLink(BILL))
    (dial,) = rig.dials
    assert dial == Dial(1, BOB)
    peer = rig.answer_dial()
    sent = rig.sent[peer].data
    assert sent == VECTOR["payer: key"]
    theirs = [
        "payee: key",
        "payee: terminator and version packet",
        "payee: `hello`",
        "payee: `auth`",
    ]
    for name in theirs:
        rig.handle(Received(peer, VECTOR[name]))
    assert sent == b"".join(
        VECTOR[f"payer: {name}"] for name in ("key", "terminator and version packet", "`hello`")
    )
    assert rig.facts == [LinkOpened(1, Side.PAYER, BILL.id)]
