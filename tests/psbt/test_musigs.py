"""Partial signatures of several signers, put together when a PSBT is finalized (BIP 327, 373)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from axon.primitives.hashes import hash160
from axon.primitives.keys import add_to_public_key, tagged_hash, verify_schnorr
from axon.primitives.musig2 import MusigTweak, aggregate, aggregate_signature, synthetic_key
from axon.primitives.taptree import leaf_hash
from axon.psbt.fields import MUSIG2_PARTIAL_SIG, MUSIG2_PUB_NONCE, TAP_KEY_SIG
from axon.psbt.partial import PartialTransaction, is_signed
from axon.psbt.signing import PsbtSigner, SignOutcome, finalize_all
from tests.psbt.musigners import Signed, sign_together
from tests.psbt.test_signing import KEYS, SECRETS, VERIFY, X_ONLY, funded, keyring_of

SIGNERS = SECRETS[:3]
PARTICIPANTS = tuple(sorted(bytes.fromhex(key) for key in KEYS[:3]))
OWN = aggregate(PARTICIPANTS)
MUSIG = f"musig({','.join(KEYS[:3])})"


def described(text: str) -> tuple[PartialTransaction, PsbtSigner]:
    """A PSBT that spends an output of a descriptor, which it is told, and who signed nothing."""
    psbt = funded([text])
    signer = PsbtSigner(psbt, keyring_of([text], private=False), VERIFY)
    assert signer.sign(0)[0] is SignOutcome.INCOMPLETE
    return psbt, signer


def put(psbt: PartialTransaction, signed: bytes, leaf: bytes, given: Signed) -> None:
    """Write nonces and partial signatures into the first input."""
    for kind, table in zip((MUSIG2_PUB_NONCE, MUSIG2_PARTIAL_SIG), given, strict=True):
        for key, value in table.items():
            psbt.inputs[0][bytes((kind,)) + key + signed + leaf] = value


def digest_of(signer: PsbtSigner, leaf: bytes | None = None) -> bytes:
    output = signer.psbt.spent_output(0)
    assert output is not None
    digest = signer.creator(0, output, 0).hashes.taproot(0, 0, leaf)
    assert digest is not None
    return digest


def by_key_path() -> PartialTransaction:
    psbt, signer = described(f"tr({MUSIG},pk({KEYS[3]}))")
    root = leaf_hash(b"\x20" + bytes.fromhex(X_ONLY[3]) + b"\xac")
    tweak = MusigTweak(tagged_hash("TapTweak", OWN[1:] + root), x_only=True)
    signed = add_to_public_key(b"\x02" + OWN[1:], tweak.tweak)
    given = sign_together(SIGNERS, PARTICIPANTS, [tweak], digest_of(signer))
    put(psbt, signed, b"", given)
    return psbt


def by_script() -> PartialTransaction:
    psbt, signer = described(f"tr({X_ONLY[3]},pk({MUSIG}))")
    leaf = leaf_hash(b"\x20" + OWN[1:] + b"\xac")
    put(psbt, OWN, leaf, sign_together(SIGNERS, PARTICIPANTS, [], digest_of(signer, leaf)))
    return psbt


def by_output_key() -> PartialTransaction:
    psbt, signer = described(f"rawtr({MUSIG})")
    put(psbt, OWN, b"", sign_together(SIGNERS, PARTICIPANTS, [], digest_of(signer)))
    return psbt


WAYS: list[Callable[[], PartialTransaction]] = [by_key_path, by_script, by_output_key]


@pytest.mark.parametrize("made", WAYS)
def test_the_parts_of_all_signers_make_a_proof(made: Callable[[], PartialTransaction]) -> None:
    psbt = made()
    read = PartialTransaction.decode(psbt.encode())
    assert finalize_all(read, VERIFY)
    assert is_signed(read.inputs[0])


@pytest.mark.parametrize("made", WAYS)
@pytest.mark.parametrize("kind", [MUSIG2_PUB_NONCE, MUSIG2_PARTIAL_SIG])
@pytest.mark.parametrize("how", ["missing", "of another", "no number"])
def test_a_part_that_is_not_good_makes_none(
    made: Callable[[], PartialTransaction], kind: int, how: str
) -> None:
    psbt = made()
    entries = psbt.inputs[0]
    first, second = sorted(key for key in entries if key[0] == kind)[:2]
    if how == "missing":
        del entries[first]
    else:
        entries[first] = entries[second] if how == "of another" else b"\xff" * len(entries[first])
    assert not finalize_all(psbt, VERIFY)
    assert not is_signed(psbt.inputs[0])
    assert TAP_KEY_SIG not in psbt.inputs[0]


def test_a_child_of_an_aggregate_signs_for_its_path() -> None:
    root = synthetic_key(OWN)
    path = (1, 3)
    child = root.descend(path).public_key
    tweaks = [MusigTweak(root.tweak(1), False), MusigTweak(root.child(1).tweak(3), False)]
    psbt = funded([f"rawtr({child[1:].hex()})"])
    signer = PsbtSigner(psbt, keyring_of([]), VERIFY)
    put(psbt, child, b"", sign_together(SIGNERS, PARTICIPANTS, tweaks, digest_of(signer)))
    entries = psbt.inputs[0]
    entries[b"\x1a" + OWN] = b"".join(PARTICIPANTS)
    for wrong in ((1, 4), (1,), (1 << 31, 3), ()):
        entries[b"\x16" + child[1:]] = b"\0" + hash160(OWN)[:4] + steps(wrong)
        assert not finalize_all(psbt, VERIFY), "it does not lead there"
    entries[b"\x16" + child[1:]] = b"\0" + bytes(4) + steps(path)
    assert not finalize_all(psbt, VERIFY), "it is said to come from another key"
    entries[b"\x16" + child[1:]] = b"\0" + hash160(OWN)[:4] + steps(path)
    assert finalize_all(psbt, VERIFY)


def steps(path: tuple[int, ...]) -> bytes:
    return b"".join([step.to_bytes(4, "little") for step in path])


def test_an_aggregate_that_is_not_that_of_its_participants_signs_nothing() -> None:
    psbt = by_output_key()
    psbt.inputs[0][b"\x1a" + OWN] = b"".join(reversed(PARTICIPANTS))
    assert not finalize_all(psbt, VERIFY)


def test_a_signature_of_all_is_one_of_the_aggregate() -> None:
    digest = bytes(range(32))
    nonces, partials = sign_together(SIGNERS, PARTICIPANTS, [], digest)
    signature = aggregate_signature(PARTICIPANTS, [], digest, nonces, partials)
    assert signature is not None
    assert verify_schnorr(OWN[1:], digest, signature)
    first = PARTICIPANTS[0]
    for worse in ({first: b"\x02"}, {first: nonces[first] + b"\0"}, {first[:-1]: bytes(66)}):
        assert aggregate_signature(PARTICIPANTS, [], digest, nonces | worse, partials) is None
    assert aggregate_signature(PARTICIPANTS, [], bytes(32), nonces, partials) is None
    assert aggregate_signature((), [], digest, {}, {}) is None
