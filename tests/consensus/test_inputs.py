"""Proofs of single inputs, judged by the rules of relay; a whole transaction is read once."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from axon.consensus import inputs, library
from axon.consensus.inputs import InputVerifier
from axon.consensus.scripterrors import EVAL_FALSE, NULLFAIL
from axon.primitives.hashes import Txid, hash160
from axon.primitives.keys import add_to_public_key, public_key, sign_ecdsa, tagged_hash
from axon.primitives.script import push
from axon.primitives.sighash import SignatureHashes
from axon.primitives.taptree import leaf_hash
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from tests.signatures import high_s

SECRETS = [sha256(b"an input: %d" % place).digest() for place in range(2)]
KEY, OTHER = map(public_key, SECRETS)
LONG = public_key(SECRETS[0], compressed=False)
ALL = 1
P2PKH = b"\x76\xa9\x14" + hash160(KEY) + b"\x88\xac"
P2WPKH = b"\x00\x14" + hash160(KEY)


def spender(*scripts: bytes) -> tuple[Transaction, tuple[TxOut, ...]]:
    """A transaction that spends an output of each script."""
    spent = tuple([TxOut(10_000, script) for script in scripts])
    items = [TxIn(outpoint(Txid(bytes(32)), place)) for place, _ in enumerate(spent)]
    return Transaction.build(2, items, [TxOut(9_000, P2WPKH)]), spent


def legacy(script: bytes, hash_type: int = ALL) -> bytes:
    transaction, spent = spender(script)
    digest = SignatureHashes(transaction, spent).legacy(0, script, hash_type)
    return sign_ecdsa(SECRETS[0], digest) + bytes((hash_type,))


def witness(script: bytes, code: bytes) -> bytes:
    transaction, spent = spender(script)
    digest = SignatureHashes(transaction, spent).witness(0, code, 10_000)
    return sign_ecdsa(SECRETS[0], digest) + bytes((ALL,))


def behind(script: bytes) -> bytes:
    return b"\x00\x20" + sha256(script).digest()


def judged(script: bytes, script_sig: bytes, stack: tuple[bytes, ...] = ()) -> str | None:
    transaction, spent = spender(script)
    return InputVerifier()(transaction, 0, spent[0], spent, script_sig, stack)


def by_leaf(script: bytes, version: int = 0xC0) -> tuple[bytes, tuple[bytes, ...]]:
    """A taproot output with one leaf, and what shows it."""
    root = leaf_hash(script, version)
    output = add_to_public_key(b"\x02" + KEY[1:], tagged_hash("TapTweak", KEY[1:] + root))
    control = bytes((version | (output[0] & 1),)) + KEY[1:]
    return b"\x51\x20" + output[1:], (script, control)


PKH_SIGNATURE = legacy(P2PKH)
EITHER = b"\x21" + KEY + b"\xac\x7c\x21" + OTHER + b"\xac\x9b"  # Both signatures; one is enough.
BEHIND_LONG = b"\x41" + LONG + b"\xac"
SUCCESS, SUCCESS_STACK = by_leaf(b"\x50")
UNKNOWN_LEAF, UNKNOWN_STACK = by_leaf(b"\x51", 0xC2)
NEW_KEY, NEW_KEY_STACK = by_leaf(b"\x02\x05\x05\xac")

STANDARD_ONLY: list[tuple[bytes, bytes, tuple[bytes, ...], str]] = [
    (
        P2PKH,
        push(high_s(PKH_SIGNATURE[:-1]) + b"\x01") + push(KEY),
        (),
        "Non-canonical signature: S value is unnecessarily high",
    ),
    (
        P2WPKH,
        b"",
        (high_s(witness(P2WPKH, P2PKH)[:-1]) + b"\x01", KEY),
        "Non-canonical signature: S value is unnecessarily high",
    ),
    (
        P2PKH,
        push(legacy(P2PKH, 0x41)) + push(KEY),
        (),
        "Signature hash type missing or not understood",
    ),
    (
        P2PKH,
        b"\x4c" + push(PKH_SIGNATURE) + push(KEY),
        (),
        "Data push larger than necessary",
    ),
    (
        P2PKH,
        b"\x51" + push(PKH_SIGNATURE) + push(KEY),
        (),
        "Stack size must be exactly one after execution",
    ),
    (
        behind(BEHIND_LONG),
        b"",
        (witness(behind(BEHIND_LONG), BEHIND_LONG), BEHIND_LONG),
        "Using non-compressed keys in segwit",
    ),
    (
        behind(EITHER),
        b"",
        (witness(P2WPKH, P2PKH), witness(behind(EITHER), EITHER), EITHER),
        NULLFAIL,
    ),
    (b"\xb0\x51", b"", (), "NOPx reserved for soft-fork upgrades"),
    (b"\x52\x02\x01\x02", b"", (), "Witness version reserved for soft-fork upgrades"),
    (SUCCESS, b"", SUCCESS_STACK, "OP_SUCCESSx reserved for soft-fork upgrades"),
    (UNKNOWN_LEAF, b"", UNKNOWN_STACK, "Taproot version reserved for soft-fork upgrades"),
    (
        NEW_KEY,
        b"",
        (b"\x01", *NEW_KEY_STACK),
        "Public key version reserved for soft-fork upgrades",
    ),
]


@pytest.mark.parametrize(("script", "script_sig", "stack", "why"), STANDARD_ONLY)
def test_what_blocks_may_hold_and_nobody_passes_on_is_not_good(
    script: bytes,
    script_sig: bytes,
    stack: tuple[bytes, ...],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert judged(script, script_sig, stack) == why
    # Where the library offers no more, blocks' rules are judged: then it is good.
    monkeypatch.setattr(inputs, "AVAILABLE", False)
    assert judged(script, script_sig, stack) is None


@pytest.mark.parametrize("available", [True, False])
def test_good_and_bad_proofs(available: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "AVAILABLE", available)
    assert judged(P2PKH, push(PKH_SIGNATURE) + push(KEY)) is None
    assert judged(P2WPKH, b"", (witness(P2WPKH, P2PKH), KEY)) is None
    assert judged(P2WPKH, b"", (PKH_SIGNATURE, KEY)) == NULLFAIL
    assert judged(b"\x00", b"") == EVAL_FALSE


def test_a_taproot_input_needs_to_know_what_all_of_them_spend() -> None:
    transaction, spent = spender(b"\x51\x20" + KEY[1:])
    fault = InputVerifier()(transaction, 0, spent[0], (), b"", (bytes(64),))
    assert fault == "Invalid Schnorr signature hash type"


def test_a_transaction_is_read_once_however_many_inputs_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real: Callable[..., Any] = library.transaction_create
    sizes: list[int] = []

    def counted(raw: bytes, size: int) -> Any:
        sizes.append(size)
        return real(raw, size)

    monkeypatch.setattr(library, "transaction_create", counted)
    transaction, spent = spender(*[P2WPKH] * 30)
    verify, hashes = InputVerifier(), SignatureHashes(transaction, spent)
    for index, output in enumerate(spent):
        signature = sign_ecdsa(SECRETS[0], hashes.witness(index, P2PKH, 10_000)) + b"\x01"
        assert verify(transaction, index, output, spent, b"", (signature, KEY)) is None
        assert verify(transaction, index, output, spent, b"", (signature, OTHER)) is not None
    assert len(sizes) == 1
