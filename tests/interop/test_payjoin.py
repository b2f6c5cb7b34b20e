"""payjoin-client, a sender of payjoins in JavaScript that others wrote, pays an axon wallet.

It checks what it gets by its own reading of BIP 78, signs by bitcoinjs-lib, and its joined payment
is judged by libbitcoinkernel.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey

from axon.consensus.scripts import verify_scripts
from axon.machine import Endpoint
from axon.payments.payjoin import Declined, Offer, Proposal, Trouble
from axon.payments.payjoininputs import INPUT_WEIGHT_WU, NESTED
from axon.primitives.hashes import hash160, to_hex
from axon.primitives.solver import PUBKEYHASH, WITNESS_V0_KEYHASH
from axon.primitives.transaction import COIN, Transaction, TxOut
from axon.primitives.verdict import Accepted
from axon.rpc.payjoinserver import PayjoinServer
from axon.wallet.keys import AccountKind
from tests.interop.installed import require_npm
from tests.payments.payjoinscene import AMOUNT_SAT, Editable, Join
from tests.signing import REPLACEABLE
from tests.wallet.scene import paying

pytestmark = [pytest.mark.interop, pytest.mark.process]

SECRET = hashlib.sha256(b"a sender of payjoins").digest()
KEY_HASH = hash160(PrivateKey(SECRET).public_key.format())
KEYHASH_SCRIPT = b"\x00\x14" + KEY_HASH
SCRIPTS = {
    AccountKind.BIP84: KEYHASH_SCRIPT,
    AccountKind.BIP49: b"\xa9\x14" + hash160(KEYHASH_SCRIPT) + b"\x87",
    AccountKind.BIP44: b"\x76\xa9\x14" + KEY_HASH + b"\x88\xac",
}
KINDS = {
    AccountKind.BIP84: WITNESS_V0_KEYHASH,
    AccountKind.BIP49: NESTED,
    AccountKind.BIP44: PUBKEYHASH,
}
VSIZE = {AccountKind.BIP84: 141, AccountKind.BIP49: 166, AccountKind.BIP44: 226}
"""Of a payment with change; a signature may be a byte shorter."""

FEERATE = 5
LIMIT_S = 30.0


class Sender:
    """The other wallet: one coin, a payment to Bob with change."""

    def __init__(self, join: Join, kind: AccountKind) -> None:
        self.join, self.kind = join, kind
        script = SCRIPTS[kind]
        self.parent = paying(script, COIN, "a coin of the sender's")
        self.spent = self.parent.outputs[0]
        self.change = TxOut(COIN - AMOUNT_SAT - FEERATE * VSIZE[kind], script)

    async def pay(self, url: str, **parameters: object) -> dict[str, Any]:
        """Have it pay, and ask for a payjoin; what it would send."""
        coin: dict[str, object] = {
            "txid": to_hex(self.parent.txid),
            "script": self.spent.script_pubkey.hex(),
            "amount": self.spent.amount_sat,
        }
        if self.kind is AccountKind.BIP49:
            coin["redeem"] = KEYHASH_SCRIPT.hex()
        if self.kind is AccountKind.BIP44:
            coin["whole"] = self.parent.stripped.hex()
        outputs = [self.change, TxOut(AMOUNT_SAT, self.join.script)]
        told = {
            "key": SECRET.hex(),
            "coins": [coin],
            "outputs": [
                {"script": each.script_pubkey.hex(), "amount": each.amount_sat} for each in outputs
            ],
            "payment": self.join.script.hex(),
            "sequence": REPLACEABLE,
            "url": url,
            "parameters": parameters,
        }
        program = Path(__file__).with_name("payjoinsender.js")
        process = await asyncio.create_subprocess_exec(
            "node",
            str(program),
            str(require_npm("payjoin-client")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(LIMIT_S):
                said, _ = await process.communicate(json.dumps(told).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        answer = json.loads(said)
        assert isinstance(answer, dict)
        return answer


def exchange(
    join: Join,
    kind: AccountKind,
    says: Callable[[Offer], Proposal | Declined] | None = None,
    **parameters: object,
) -> tuple[dict[str, Any], list[Proposal | Declined]]:
    """One payment: what the sender would send, and what Bob said."""
    answers: list[Proposal | Declined] = []

    async def answer(name: str, offer: Offer) -> Proposal | Declined:
        assert name == "invoice-7"
        answers.append(says(offer) if says else join.ask(offer, amount_sat=AMOUNT_SAT))
        return answers[-1]

    async def run() -> dict[str, Any]:
        async with PayjoinServer(Endpoint("127.0.0.1", 0), answer) as server:
            url = f"http://{server.endpoint}/pj/invoice-7"
            return await Sender(join, kind).pay(url, **parameters)

    require_npm("payjoin-client")
    return asyncio.run(run()), answers


def spent_by(join: Join, sender: Sender, transaction: Transaction) -> Sequence[TxOut]:
    """What each input spends."""
    owned = join.bob.wallet.ledger.owned
    return [
        owned[prevout].output if prevout in owned else sender.spent
        for prevout in transaction.prevouts
    ]


@pytest.mark.parametrize("kind", SCRIPTS)
def test_it_takes_our_proposal(kind: AccountKind) -> None:
    join = Join(AccountKind.BIP84, kind)
    most = FEERATE * INPUT_WEIGHT_WU[KINDS[kind]] // 4
    said, answers = exchange(
        join,
        kind,
        payjoinVersion=1,
        additionalFeeOutputIndex=0,
        maxAdditionalFeeContribution=most,
        minimumFeeRate=1,
    )
    assert said["failure"] == ""
    (answer,) = answers
    assert isinstance(answer, Proposal)
    (joined,) = [Transaction.decode(bytes.fromhex(text)) for text in said["sent"]]
    original = Transaction.decode(bytes.fromhex(said["original"]))
    assert original == answer.original
    sender = Sender(join, kind)
    for transaction in (joined, original):
        assert verify_scripts(transaction, spent_by(join, sender, transaction)) == Accepted()
    assert set(joined.prevouts) == {*original.prevouts, *answer.coins}
    change, paid = joined.outputs
    assert sender.change.amount_sat - change.amount_sat == most
    assert paid.script_pubkey == join.script
    assert 0 <= AMOUNT_SAT + COIN // 2 - paid.amount_sat <= 5  # A signature was a byte shorter.


def test_it_needs_no_fee_output_nor_substitution() -> None:
    join = Join()
    said, answers = exchange(join, AccountKind.BIP84, disableOutputSubstitution=True)
    assert said["failure"] == ""
    assert isinstance(answers[0], Proposal)
    joined = Transaction.decode(bytes.fromhex(said["sent"][0]))
    assert joined.outputs[0] == Sender(join, AccountKind.BIP84).change
    assert AMOUNT_SAT < joined.outputs[1].amount_sat < AMOUNT_SAT + COIN // 2


@pytest.mark.parametrize("trouble", Trouble)
def test_it_understands_our_refusals_and_pays_all_the_same(trouble: Trouble) -> None:
    words = {
        Trouble.UNAVAILABLE: "not available",
        Trouble.NOT_ENOUGH_MONEY: "could not bump the fee",
        Trouble.VERSION_UNSUPPORTED: "version of payjoin is not supported",
        Trouble.REJECTED: "rejected the original",
    }
    join = Join()
    said, _ = exchange(join, AccountKind.BIP84, lambda _: Declined(trouble, "no"))
    assert words[trouble] in said["failure"]
    (sent,) = [Transaction.decode(bytes.fromhex(text)) for text in said["sent"]]
    assert sent.outputs[1] == TxOut(AMOUNT_SAT, join.script)
    assert verify_scripts(sent, [Sender(join, AccountKind.BIP84).spent]) == Accepted()


def test_it_refuses_a_proposal_that_was_spoilt() -> None:
    """So that the tests above can fail: the other program looks at what it gets."""
    join = Join()

    def spoilt(offer: Offer) -> Proposal:
        answer = join.join(offer)
        edit = Editable.of(answer.psbt)
        edit.lower(0, 1)
        return replace(answer, psbt=edit.encode())

    said, _ = exchange(join, AccountKind.BIP84, spoilt)
    assert "decreased the value" in said["failure"]
    (sent,) = [Transaction.decode(bytes.fromhex(text)) for text in said["sent"]]
    assert sent.outputs[0] == Sender(join, AccountKind.BIP84).change
