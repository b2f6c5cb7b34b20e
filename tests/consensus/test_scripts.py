from __future__ import annotations

from collections.abc import Sequence

import pytest
from coincurve import PrivateKey, PublicKeyXOnly

from axon.consensus import scripts
from axon.consensus.library import KernelError
from axon.consensus.scriptrun import AVAILABLE
from axon.consensus.scripts import QUICK_SIZE, verify_scripts
from axon.consensus.validator import ScriptFlags
from axon.primitives.hashes import Txid, hash160, sha256
from axon.primitives.script import push, push_number
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from axon.primitives.verdict import Accepted, Rejected
from tests.consensus.chains import (
    ALICE_KEY,
    ALICE_P2PKH,
    ALICE_P2WPKH,
    ANYONE,
    ANYONE_WITNESS,
    signed_p2wpkh,
)

PREVOUTS = [outpoint(Txid(bytes((byte,)) * 32), byte) for byte in range(60)]
AMOUNT = 100_000
OP_CHECKLOCKTIMEVERIFY, OP_CHECKSEQUENCEVERIFY = b"\xb1", b"\xb2"
OP_DROP_TRUE = b"\x75\x51"


def presented(
    script_sig: bytes = b"",
    witness: tuple[bytes, ...] = (),
    sequence: int = 0xFFFF_FFFE,
    prevout: OutPoint = PREVOUTS[0],
) -> Transaction:
    item = TxIn(prevout, script_sig, sequence, witness)
    return Transaction.build(2, [item], [TxOut(1000, ANYONE)])


@pytest.fixture(
    name="_both_ways",
    params=[
        pytest.param(True, marks=pytest.mark.skipif(not AVAILABLE, reason="not in this build")),
        False,
    ],
    ids=["run", "read off"],
)
def both_ways_fixture(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "AVAILABLE", request.param)


def why(transaction: Transaction, script: bytes, flags: int = ScriptFlags.STANDARD) -> str:
    verdict = verify_scripts(transaction, [TxOut(AMOUNT, script)], flags)
    if isinstance(verdict, Accepted):
        return ""
    start, end = "mempool-script-verify-flag-failed (", ")"
    assert verdict.reason.startswith(start)
    assert verdict.reason.endswith(end)
    return verdict.reason[len(start) : -1]


def spent(count: int, script: bytes = ALICE_P2WPKH) -> Sequence[TxOut]:
    return [TxOut(AMOUNT, script)] * count


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("inputs", [1, 2, 60])
def test_good_signatures_pass_in_small_and_large_transactions(inputs: int) -> None:
    transaction = signed_p2wpkh(PREVOUTS[:inputs], AMOUNT)
    assert (len(transaction.raw) > QUICK_SIZE) == (inputs == 60)
    assert verify_scripts(transaction, spent(inputs)) == Accepted()


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("inputs", [2, 60])
def test_the_failing_input_is_named(inputs: int) -> None:
    good = signed_p2wpkh(PREVOUTS[:inputs], AMOUNT)
    last = good.inputs[-1]
    forged = TxIn(last.prevout, b"", last.sequence, good.inputs[0].witness)
    transaction = Transaction.build(2, [*good.inputs[:-1], forged], good.outputs)
    verdict = verify_scripts(transaction, spent(inputs), ScriptFlags.STANDARD)
    assert isinstance(verdict, Rejected)
    nullfail = "Signature must be zero for failed CHECK(MULTI)SIG operation"
    assert verdict.reason == f"mempool-script-verify-flag-failed ({nullfail})"
    assert verdict.detail == (
        f"input {inputs - 1} of {transaction.txid[::-1].hex()} "
        f"(wtxid {transaction.wtxid[::-1].hex()}), "
        f"spending {last.prevout[31::-1].hex()}:{inputs - 1}"
    )


@pytest.mark.usefixtures("_both_ways")
def test_the_amount_is_signed() -> None:
    transaction = signed_p2wpkh(PREVOUTS[:1], AMOUNT)
    assert why(transaction, ALICE_P2WPKH) == ""
    assert isinstance(verify_scripts(transaction, [TxOut(AMOUNT + 1, ALICE_P2WPKH)]), Rejected)


@pytest.mark.usefixtures("_both_ways")
def test_usual_failures_have_core_s_words() -> None:
    key = PrivateKey(b"\x0b" * 32).public_key.format()
    equalverify = "Script failed an OP_EQUALVERIFY operation"
    signature = signed_p2wpkh(PREVOUTS[:1], AMOUNT).inputs[0].witness[0]
    eval_false = "Script evaluated without error but finished with a false/empty top stack element"
    assert why(presented(witness=(signature, key)), ALICE_P2WPKH) == equalverify
    assert why(presented(witness=(b"", ALICE_KEY)), ALICE_P2WPKH) == eval_false
    assert why(presented(push(signature) + push(key)), ALICE_P2PKH) == equalverify
    not_der = "Non-canonical DER signature"
    assert why(presented(push(b"\x31" + signature[1:]) + push(ALICE_KEY)), ALICE_P2PKH) == not_der
    assert why(presented(b"\x51"), b"\xa9\x14" + bytes(20) + b"\x87") == eval_false
    assert why(presented(), b"\x00") == eval_false
    assert why(presented(), b"\x6a") == "OP_RETURN was encountered"


@pytest.mark.usefixtures("_both_ways")
def test_witness_failures_have_core_s_words() -> None:
    empty, mismatch = "Witness program was passed an empty witness", "Witness program hash mismatch"
    assert why(presented(witness=ANYONE_WITNESS), ANYONE) == ""
    assert why(presented(), ANYONE) == empty
    assert why(presented(witness=(b"\x52",)), ANYONE) == mismatch
    assert why(presented(witness=(b"\x52",)), ALICE_P2WPKH) == mismatch
    assert why(presented(b"\x51", ANYONE_WITNESS), ANYONE) == "Witness requires empty scriptSig"
    assert why(presented(witness=(b"",)), b"\x00\x03abc") == (
        "Witness program has incorrect length"
    )
    wrapped = b"\xa9\x14" + hash160(ANYONE) + b"\x87"
    assert why(presented(push(ANYONE), ANYONE_WITNESS), wrapped) == ""
    assert why(presented(b"\x51" + push(ANYONE), ANYONE_WITNESS), wrapped) == (
        "Witness requires only-redeemscript scriptSig"
    )
    assert why(presented(witness=ANYONE_WITNESS), b"\x51") == (
        "Witness provided for non-witness script"
    )


@pytest.mark.usefixtures("_both_ways")
def test_taproot_failures_have_core_s_words() -> None:
    script = b"\x51\x20" + PublicKeyXOnly.from_secret(b"\x0a" * 32).format()
    assert why(presented(), script) == "Witness program was passed an empty witness"
    assert why(presented(witness=(bytes(64),)), script) == "Invalid Schnorr signature"
    signed_for_all = bytes(64) + b"\x01"  # A byte more says what it signs (BIP 341).
    assert why(presented(witness=(signed_for_all,)), script) == "Invalid Schnorr signature"
    for size in (63, 66):
        assert why(presented(witness=(bytes(size),)), script) == "Invalid Schnorr signature size"
    assert why(presented(witness=(bytes(63), b"\x50annex")), script) == (
        "Invalid Schnorr signature size"
    )
    assert why(presented(witness=(bytes(63),)), script, ScriptFlags.NONE) == ""


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("opcode", [OP_CHECKLOCKTIMEVERIFY, OP_CHECKSEQUENCEVERIFY])
def test_a_lock_that_holds_is_told_apart(opcode: bytes) -> None:
    script = push_number(100) + opcode + OP_DROP_TRUE
    output = b"\x00\x20" + sha256(script)
    transaction = presented(witness=(script,))
    assert why(transaction, output) == "Locktime requirement not satisfied"
    rule = (
        ScriptFlags.CHECKLOCKTIMEVERIFY
        if opcode == OP_CHECKLOCKTIMEVERIFY
        else ScriptFlags.CHECKSEQUENCEVERIFY
    )
    assert why(transaction, output, ScriptFlags.ALL & ~rule) == ""


@pytest.mark.usefixtures("_both_ways")
def test_a_multisig_dummy_is_told_apart() -> None:
    script = push_number(0) + push(ALICE_KEY) + push_number(1) + b"\xae"  # None of one key.
    assert why(presented(push_number(0)), script) == ""
    assert why(presented(push_number(1)), script) == "Dummy CHECKMULTISIG argument must be zero"


def test_rules_of_the_library_are_kept_from_aborting_the_process() -> None:
    transaction = signed_p2wpkh(PREVOUTS[:2], AMOUNT)
    with pytest.raises(KernelError, match="no script flags"):
        verify_scripts(transaction, spent(2), 1 << 5)
    with pytest.raises(KernelError, match="does not combine"):
        verify_scripts(transaction, spent(2), ScriptFlags.WITNESS)
    with pytest.raises(KernelError, match="does not combine"):
        verify_scripts(transaction, spent(2), ScriptFlags.CLEANSTACK | ScriptFlags.P2SH)
    for count in (0, 1, 3):
        with pytest.raises(KernelError, match="spent outputs for 2 inputs"):
            verify_scripts(transaction, spent(count))
