"""Signed messages: the published vectors, what a wallet signs, and each rule that says no."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import WalletError
from axon.payments.bip322 import (
    TAG,
    MessageVerdict,
    Validity,
    sign_message,
    to_sign,
    to_spend,
    verify_message,
)
from axon.primitives.address import decode_address
from axon.primitives.hashes import from_hex, hash160, sha256, sha256d, to_hex
from axon.primitives.keys import CURVE_ORDER, decode_wif, public_key, tagged_hash
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.script import push
from axon.primitives.sighash import SignatureHashes
from axon.primitives.transaction import Transaction, TxIn, TxOut
from axon.primitives.verdict import Accepted
from axon.wallet.errors import WrongPassphrase
from axon.wallet.keys import AccountKind, Mnemonic
from axon.wallet.psbtmaps import PsbtMaps
from tests.scriptcheck import check_scripts
from tests.wallet.scene import PASSPHRASE, WORDS, new_wallet, source

VECTORS: Any = json.loads((Path(__file__).parents[1] / "vectors" / "bip322.json").read_text())
SIGNED = VECTORS["signed"]
KEY, _ = decode_wif("L3VFeEujGtevx9w18HD1fhRbCH67Az2dpCymeRE1SoPK6XQtaN2k", MAINNET)
PUBLIC = public_key(KEY)
KEY_HASH = hash160(PUBLIC)
P2WPKH = b"\x00\x14" + KEY_HASH
P2PKH = b"\x76\xa9\x14" + KEY_HASH + b"\x88\xac"


def judged(message: str, script: bytes, signature: str) -> MessageVerdict:
    return verify_message(message, script, signature, check_scripts)


def simple(*stack: bytes) -> str:
    return (
        "smp"
        + b64encode(
            bytes((len(stack),)) + b"".join(bytes((len(item),)) + item for item in stack)
        ).decode()
    )


@pytest.mark.parametrize("vector", VECTORS["hashes"])
def test_the_published_hashes(vector: Any) -> None:
    message = vector["message"].encode("utf-16", "surrogatepass").decode("utf-16").encode()
    script = decode_address("bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l", MAINNET)
    assert tagged_hash(TAG, message).hex() == vector["message_hash"]
    assert to_spend(message, script).txid == from_hex(vector["to_spend"])
    assert to_sign(message, script).txid == from_hex(vector["to_sign"])


@pytest.mark.parametrize("vector", SIGNED, ids=[f"{i}-{v['type']}" for i, v in enumerate(SIGNED)])
def test_the_published_signatures_are_valid(vector: Any) -> None:
    verdict = judged(
        vector["message"], decode_address(vector["address"], MAINNET), vector["signature"]
    )
    assert verdict.is_valid, verdict
    assert verdict.locktime == vector.get("locktime", 0)
    assert verdict.sequence == vector.get("sequence", 0)
    assert len(verdict.funds) == vector.get("funds", 0)


@pytest.mark.parametrize("vector", VECTORS["wrong"])
def test_of_another_message_or_address_they_are_not(vector: Any) -> None:
    asked = SIGNED[vector["of"]] | vector
    script = decode_address(asked["address"], MAINNET)
    assert judged(asked["message"], script, asked["signature"]).validity is Validity.INVALID


@pytest.mark.parametrize("vector", VECTORS["damaged"])
def test_the_published_damaged_ones_are_refused(vector: Any) -> None:
    script = decode_address(vector["address"], MAINNET)
    assert judged(vector["message"], script, vector["signature"]).validity is Validity.INVALID


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        (AccountKind.BIP84, "smp"),
        (AccountKind.BIP86, "smp"),
        (AccountKind.BIP49, "ful"),
        (AccountKind.BIP44, "ful"),
    ],
)
def test_a_wallet_signs_by_each_kind_of_address(kind: AccountKind, prefix: str) -> None:
    wallet = new_wallet(made_of=source(kind))
    script = decode_address(wallet.new_address(), REGTEST)
    signature = sign_message(wallet, script, "Paid. – Bob", PASSPHRASE)
    assert signature.startswith(prefix)
    assert judged("Paid. – Bob", script, signature).is_valid
    assert not judged("Paid. - Bob", script, signature).is_valid
    other = decode_address(wallet.new_address(), REGTEST)
    assert not judged("Paid. – Bob", other, signature).is_valid


def test_a_wallet_signs_by_its_own_addresses_alone() -> None:
    wallet = new_wallet()
    with pytest.raises(WalletError, match="not its own"):
        sign_message(wallet, P2WPKH, "hello", PASSPHRASE)
    script = decode_address(wallet.new_address(), REGTEST)
    with pytest.raises(WrongPassphrase):
        sign_message(wallet, script, "hello", "guessed")
    opened = sign_message(wallet, script, "hello", Mnemonic(WORDS))
    assert judged("hello", script, opened).is_valid


# The old format.


def old_signature(message: bytes, secret: bytes = KEY) -> str:
    magic = b"\x18Bitcoin Signed Message:\n"
    digest = sha256d(magic + bytes((len(message),)) + message)
    made = PrivateKey(secret).sign_recoverable(digest, hasher=None)
    return b64encode(bytes((31 + made[64],)) + made[:64]).decode()


def test_the_old_format_is_read_for_key_hashes_alone() -> None:
    signature = old_signature(b"hello")
    assert judged("hello", P2PKH, f" {signature}\n").is_valid
    assert not judged("hallo", P2PKH, signature).is_valid
    assert not judged("hello", P2WPKH, signature).is_valid
    assert not judged("hello", P2PKH, old_signature(b"hello", sha256(b"another"))).is_valid


# Rules beyond those of blocks.


def signed_input(message: bytes, *, high_s: bool = False) -> tuple[bytes, bytes]:
    """The witness of a key hash, signed by hand."""
    digest = SignatureHashes(to_sign(message, P2WPKH)).witness(0, P2PKH, 0)
    der = PrivateKey(KEY).sign(digest, hasher=None)
    if high_s:
        size = der[3]
        r, s = der[4 : 4 + size], int.from_bytes(der[6 + size :], "big")
        tall = (CURVE_ORDER - s).to_bytes(33, "big")
        body = b"\x02" + bytes((size,)) + r + b"\x02\x21" + tall
        der = b"\x30" + bytes((len(body),)) + body
    return der + b"\x01", PUBLIC


def test_a_high_s_is_refused_though_blocks_would_take_it() -> None:
    assert judged("m", P2WPKH, simple(*signed_input(b"m"))).is_valid
    tall = judged("m", P2WPKH, simple(*signed_input(b"m", high_s=True)))
    assert tall.validity is Validity.INVALID
    assert "S value is unnecessarily high" in tall.reason


def test_a_signature_covers_everything() -> None:
    """One for a part alone (SIGHASH_NONE and the like) is refused."""
    signature, key = signed_input(b"m")
    whole = to_sign(b"m", P2WPKH, witness=(signature[:-1] + b"\x02", key))
    permissive = verify_message(
        "m", P2WPKH, simple(*whole.inputs[0].witness), lambda *_, **__: Accepted()
    )
    assert permissive.reason == "a signature that does not cover everything"


WITNESS_SCRIPTS = [
    ("a valid script", b"\x51", Validity.VALID),
    ("OP_CODESEPARATOR", b"\xab\x51", Validity.INVALID),
    ("a reserved NOP", b"\xb0\x51", Validity.INCONCLUSIVE),
    ("a push that is longer than needed", b"\x01\x01", Validity.INVALID),
    ("a script that fails", b"\x00", Validity.INVALID),
]


@pytest.mark.parametrize(
    ("script", "validity"),
    [each[1:] for each in WITNESS_SCRIPTS],
    ids=[e[0] for e in WITNESS_SCRIPTS],
)
def test_scripts_keep_the_rules(script: bytes, validity: Validity) -> None:
    challenge = b"\x00\x20" + sha256(script)
    assert judged("m", challenge, simple(script)).validity is validity


@pytest.mark.parametrize(
    "script",
    [b"\x52\x20" + b"p" * 32, b"\x51\x02\x4e\x73", b"\x60\x02pp"],
    ids=["version 2", "anchor", "version 16"],
)
def test_what_later_rules_may_change_is_inconclusive(script: bytes) -> None:
    assert judged("m", script, simple()).validity is Validity.INCONCLUSIVE


# The form of a whole transaction.


def full(transaction: Transaction) -> str:
    return "ful" + b64encode(transaction.raw).decode()


def test_the_form_of_to_sign() -> None:
    whole = to_sign(b"m", P2WPKH, witness=signed_input(b"m"))
    item, burnt = whole.inputs[0], whole.outputs[0]
    assert judged("m", P2WPKH, full(whole)).is_valid

    def verdict(transaction: Transaction) -> Validity:
        return verify_message("m", P2WPKH, full(transaction), lambda *_, **__: Accepted()).validity

    build = Transaction.build
    assert verdict(build(2, [item], [burnt])) is Validity.VALID
    assert verdict(build(1, [item], [burnt])) is Validity.INCONCLUSIVE
    assert verdict(build(0, [item], [burnt, burnt])) is Validity.INVALID
    assert verdict(build(0, [item], [TxOut(1, b"\x6a")])) is Validity.INVALID
    assert verdict(build(0, [item], [TxOut(0, b"\x51")])) is Validity.INVALID
    another = TxIn(whole.inputs[0].prevout[:32] + b"\x01\0\0\0", witness=item.witness)  # type: ignore[arg-type]
    assert verdict(build(0, [item, another], [burnt])) is Validity.INVALID
    assert verdict(build(0, [another], [burnt])) is Validity.INVALID


def test_a_proof_of_funds_says_what_each_input_spends() -> None:
    vector = SIGNED[22]
    script = decode_address(vector["address"], MAINNET)
    maps = PsbtMaps.decode(b64decode(vector["signature"][3:]))
    inputs = list(maps.inputs)
    inputs[2] = {key: inputs[2][key] for key in inputs[2] if key != b"\x01"}
    without = replace(maps, inputs=tuple(inputs))
    signature = "pof" + b64encode(without.encode()).decode()
    verdict = judged(vector["message"], script, signature)
    assert verdict.validity is Validity.INVALID
    assert "what each input of the PSBT spends" in verdict.reason


def test_a_proof_of_funds_with_another_amount_is_refused() -> None:
    vector = SIGNED[22]
    script = decode_address(vector["address"], MAINNET)
    maps = PsbtMaps.decode(b64decode(vector["signature"][3:]))
    inputs = list(maps.inputs)
    inputs[1] = inputs[1] | {b"\x01": TxOut(10**9, inputs[1][b"\x01"][9:]).encode()}
    signature = "pof" + b64encode(replace(maps, inputs=tuple(inputs)).encode()).decode()
    assert judged(vector["message"], script, signature).validity is Validity.INVALID


@given(st.binary(max_size=300), st.sampled_from(["smp", "ful", "pof", ""]))
def test_any_bytes_are_judged(data: bytes, prefix: str) -> None:
    for script in (P2WPKH, P2PKH, b"\x51\x20" + PUBLIC[1:]):
        assert not judged("m", script, prefix + b64encode(data).decode()).is_valid


@given(st.text(max_size=100))
def test_any_text_is_judged(text: str) -> None:
    assert not judged("m", P2WPKH, text).is_valid


def test_a_signature_has_a_largest_size() -> None:
    assert "characters" in judged("m", P2WPKH, "smp" + "A" * 1_000_001).reason


def test_what_stands_in_a_script_sig() -> None:
    signature, key = signed_input(b"m")
    for script_sig in (
        push(b"x") + push(signature) + push(key),
        b"\x61" + push(key),
        b"\x4c\x01\x01",
    ):
        whole = to_sign(b"m", P2PKH, script_sig)
        verdict = verify_message("m", P2PKH, full(whole), lambda *_, **__: Accepted())
        assert verdict.validity is Validity.INVALID, to_hex(whole.txid)


TAPROOT = b"\x51\x20" + PUBLIC[1:]
SCHNORR = b"s" * 64
CONTROL = b"\xc0" + PUBLIC[1:]

SIGNATURE = bytes.fromhex("3006020101020101") + b"\x01"
"""Well formed, and of nobody."""

WITNESSES: list[tuple[tuple[bytes, ...], str]] = [
    ((SCHNORR,), ""),
    ((SCHNORR + b"\x01",), ""),
    ((SCHNORR + b"\x83",), "does not cover everything"),
    ((SCHNORR, b"\x50annex"), "an annex"),
    ((SCHNORR, b"\x51", CONTROL), ""),
    ((SCHNORR + b"\x02", b"\x51", CONTROL), "does not cover everything"),
    ((b"\x51", b"\xc2" + CONTROL[1:]), "a leaf version"),
    ((b"\x51", b""), "a leaf version"),
    ((b"\x7e", CONTROL), "an opcode"),
    ((b"\xab", CONTROL), "OP_CODESEPARATOR"),
    ((b"\x20short", CONTROL), "cut short"),
]


@pytest.mark.parametrize(("witness", "reason"), WITNESSES)
def test_what_a_taproot_witness_holds(witness: tuple[bytes, ...], reason: str) -> None:
    """Whether its scripts are satisfied is another judge's question, which says yes here."""
    verdict = verify_message("m", TAPROOT, simple(*witness), lambda *_, **__: Accepted())
    assert verdict.reason.startswith(reason) or reason in verdict.reason
    assert verdict.is_valid is not bool(reason)


BY_RUNNING: list[tuple[str, bytes, tuple[bytes, ...], Validity]] = [
    ("Stack size must be exactly one", b"\x51", (b"more",), Validity.INVALID),
    ("must be zero for failed", push(PUBLIC) + b"\xac\x91", (SIGNATURE,), Validity.INVALID),
    ("NOPx reserved", b"\xb3\x51", (), Validity.INCONCLUSIVE),
    ("evaluated without error but finished", b"\xb3\x00", (), Validity.INVALID),
]


@pytest.mark.parametrize(("why", "redeem", "stack", "validity"), BY_RUNNING)
def test_what_shows_when_a_script_is_run(
    why: str, redeem: bytes, stack: tuple[bytes, ...], validity: Validity
) -> None:
    script = b"\xa9\x14" + hash160(redeem) + b"\x87"
    whole = to_sign(b"m", script, b"".join(map(push, (*stack, redeem))))
    verdict = judged("m", script, full(whole))
    assert verdict.validity is validity
    assert why in verdict.reason


def test_a_choice_in_a_witness_has_one_form() -> None:
    choice = b"\x63\x51\x67\x51\x68"  # OP_IF 1 OP_ELSE 1 OP_ENDIF
    script = b"\x00\x20" + sha256(choice)
    assert judged("m", script, simple(b"\x01", choice)).is_valid
    verdict = judged("m", script, simple(b"\x02", choice))
    assert verdict.validity is Validity.INVALID
    assert "OP_IF/NOTIF argument must be minimal" in verdict.reason


def test_what_stands_behind_a_script_hash() -> None:
    """A witness version that means nothing there, and a signature inside of its own script."""
    signature, _ = signed_input(b"m")
    holding = push(signature) + b"\x75\x51"
    for redeem, pushed, validity in (
        (TAPROOT, b"", Validity.INCONCLUSIVE),
        (holding, push(signature), Validity.INVALID),
        (b"\x75\x51", push(signature), Validity.VALID),
    ):
        script = b"\xa9\x14" + hash160(redeem) + b"\x87"
        whole = to_sign(b"m", script, pushed + push(redeem))
        verdict = verify_message("m", script, full(whole), lambda *_, **__: Accepted())
        assert verdict.validity is validity, verdict
