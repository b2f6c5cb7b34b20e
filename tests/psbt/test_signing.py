"""Inputs signed by descriptors of every kind; libbitcoinkernel says whether the proofs are good."""

from __future__ import annotations

from hashlib import sha256

import pytest

from axon.consensus.inputs import InputVerifier
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import Descriptor, parse_descriptor
from axon.primitives.hashes import Txid, hash160
from axon.primitives.keys import encode_wif, has_low_s, public_key, sign_ecdsa, verify_ecdsa
from axon.primitives.network import REGTEST
from axon.primitives.sighash import (
    SIGHASH_ALL,
    SIGHASH_ANYONECANPAY,
    SIGHASH_SINGLE,
    SignatureHashes,
)
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.psbt.analysis import PsbtRole, analyze
from axon.psbt.described import add_descriptor
from axon.psbt.extraction import gathered_from, merge
from axon.psbt.fields import (
    DERIVATION,
    NON_WITNESS_UTXO,
    PARTIAL_SIG,
    SHA256,
    SIGHASH,
    TAP_DERIVATION,
    WITNESS_UTXO,
)
from axon.psbt.keyring import NO_KEYS, Keyring
from axon.psbt.partial import PartialTransaction, is_signed
from axon.psbt.producing import produce
from axon.psbt.signing import PsbtSigner, SignOutcome, extract, finalize_all, update_output
from tests.signatures import high_s

VERIFY = InputVerifier()
SECRETS = [sha256(b"a signer of PSBTs: %d" % place).digest() for place in range(5)]
WIFS = [encode_wif(secret, REGTEST) for secret in SECRETS]
KEYS = [public_key(secret).hex() for secret in SECRETS]
X_ONLY = [key[2:] for key in KEYS]
LONG = encode_wif(SECRETS[0], REGTEST, compressed=False)
XPRV = ExtendedKey.from_seed(SECRETS[0]).encode(REGTEST)
PREIMAGE = bytes(32)
LOCKED = "and_v(v:pk({}),older(1))"

WHOLE = [
    f"pk({WIFS[0]})",
    f"pkh({LONG})",
    f"wpkh({XPRV}/0h/1/*)",
    f"sh(wpkh({WIFS[0]}))",
    f"multi(1,{WIFS[0]},{KEYS[1]})",
    f"sh(multi(2,{WIFS[0]},{KEYS[1]},{WIFS[2]}))",
    f"wsh(sortedmulti(2,{WIFS[0]},{KEYS[1]},{WIFS[2]}))",
    f"sh(wsh(multi(2,{WIFS[0]},{KEYS[1]},{WIFS[2]})))",
    f"tr({WIFS[0]})",
    f"tr({WIFS[0]},pk({KEYS[1]}))",
    f"rawtr({WIFS[0]})",
    f"tr({X_ONLY[1]},{{pk({WIFS[0]}),multi_a(2,{WIFS[2]},{WIFS[3]},{X_ONLY[4]})}})",
    f"wsh({LOCKED.format(WIFS[0])})",
    f"wsh(or_d(pk({KEYS[1]}),and_v(v:pkh({WIFS[0]}),older(2))))",
    f"wsh(thresh(2,pk({WIFS[0]}),s:pk({WIFS[2]}),sln:after(5)))",
    f"wsh(andor(pk({WIFS[0]}),older(2),pk({KEYS[2]})))",
    f"wsh(or_i(multi(2,{WIFS[0]},{KEYS[1]}),and_v(v:pk({WIFS[3]}),after(6))))",
    f"wsh(and_b(pk({WIFS[0]}),a:or_b(pk({KEYS[1]}),s:pk({WIFS[2]}))))",
    f"wsh(t:or_c(pk({KEYS[1]}),v:pk({WIFS[0]})))",
    f"wsh(j:{LOCKED.format(WIFS[0])})",
    f"tr({X_ONLY[4]},{{and_v(v:pkh({WIFS[0]}),after(3)),{LOCKED.format(WIFS[1])}}})",
]
PARTLY = [
    f"sh(multi(2,{WIFS[0]},{KEYS[1]}))",
    f"wsh(multi(2,{WIFS[0]},{KEYS[1]}))",
    f"wsh(and_v(v:pk({WIFS[0]}),pk({KEYS[1]})))",
    f"wsh(and_v(v:pk({WIFS[0]}),older(9)))",
    f"tr({X_ONLY[1]},multi_a(2,{WIFS[0]},{X_ONLY[2]}))",
]


def descriptor(text: str) -> Descriptor:
    return parse_descriptor(text, REGTEST)[0]


def funded(texts: list[str], *, whole: bool = True) -> PartialTransaction:
    """A PSBT that spends an output of each descriptor."""
    outputs = [TxOut(10_000, descriptor(text).scripts(3)[0]) for text in texts]
    parent = Transaction.build(2, [TxIn(outpoint(Txid(bytes(32)), 7))], outputs)
    inputs = [TxIn(outpoint(parent.txid, place), sequence=2) for place, _ in enumerate(outputs)]
    spender = Transaction.build(2, inputs, [TxOut(5_000, outputs[0].script_pubkey)], 6)
    psbt = PartialTransaction.blank(spender)
    for entries, output in zip(psbt.inputs, outputs, strict=True):
        entries[NON_WITNESS_UTXO if whole else WITNESS_UTXO] = (
            parent.raw if whole else output.encode()
        )
    return psbt


def keyring_of(texts: list[str], *, private: bool = True) -> Keyring:
    keyring = Keyring()
    for text in texts:
        add_descriptor(keyring, descriptor(text), 3, private=private)
    return keyring


@pytest.mark.parametrize("text", WHOLE)
def test_an_input_is_signed_wholly(text: str) -> None:
    psbt = funded([text])
    assert analyze(psbt, VERIFY, lambda *_: 1).next is not PsbtRole.EXTRACTOR
    outcome, missing = PsbtSigner(psbt, keyring_of([text]), VERIFY).sign(0)
    assert outcome is SignOutcome.DONE, missing
    assert is_signed(psbt.inputs[0])
    read = PartialTransaction.decode(psbt.encode())
    assert analyze(read, VERIFY, lambda *_: 1).next is PsbtRole.EXTRACTOR
    output = read.spent_output(0)
    assert output is not None
    proof = extract(read).inputs[0]
    assert VERIFY(read.transaction, 0, output, [output], proof.script_sig, proof.witness) is None


def test_inputs_of_all_kinds_are_signed_in_one_transaction() -> None:
    psbt = funded(WHOLE)
    signer = PsbtSigner(psbt, keyring_of(WHOLE), VERIFY)
    for index in range(len(WHOLE)):
        assert signer.sign(index, finalize=False)[0] is SignOutcome.DONE
    assert not any(map(is_signed, psbt.inputs))
    assert finalize_all(psbt, VERIFY)
    signed = extract(psbt)
    spent = [psbt.spent_output(index) for index in range(len(WHOLE))]
    known = [output for output in spent if output is not None]
    for index, item in enumerate(signed.inputs):
        assert VERIFY(signed, index, known[index], known, item.script_sig, item.witness) is None


@pytest.mark.parametrize("text", PARTLY)
def test_what_is_missing_is_told(text: str) -> None:
    psbt = funded([text])
    outcome, _ = PsbtSigner(psbt, keyring_of([text]), VERIFY).sign(0)
    assert outcome is SignOutcome.INCOMPLETE
    assert not is_signed(psbt.inputs[0])
    assert not finalize_all(psbt, VERIFY)
    needs = analyze(psbt, VERIFY, lambda *_: 1)
    assert needs.next in (PsbtRole.SIGNER, PsbtRole.UPDATER)
    assert not needs.inputs[0].is_final


def test_signatures_of_two_signers_make_one_proof() -> None:
    text = f"wsh(multi(2,{WIFS[0]},{KEYS[1]}))"
    other = f"wsh(multi(2,{KEYS[0]},{WIFS[1]}))"
    first, second = funded([text]), funded([text])
    for psbt, each in ((first, text), (second, other)):
        PsbtSigner(psbt, keyring_of([each]), VERIFY).sign(0)
    assert first.combine(second)
    assert sum(key[0] == PARTIAL_SIG for key in first.inputs[0]) == 2
    assert finalize_all(first, VERIFY)


def test_a_wrong_signature_makes_no_proof() -> None:
    text = f"wpkh({WIFS[0]})"
    psbt = funded([text])
    PsbtSigner(psbt, keyring_of([text]), VERIFY).sign(0, finalize=False)
    key = bytes((PARTIAL_SIG,)) + bytes.fromhex(KEYS[0])
    psbt.inputs[0][key] = sign_ecdsa(SECRETS[0], bytes(32)) + b"\x01"
    assert not finalize_all(psbt, VERIFY)


def test_a_preimage_opens_a_hash_lock() -> None:
    text = f"wsh(and_v(v:sha256({sha256(PREIMAGE).hexdigest()}),pk({WIFS[0]})))"
    psbt = funded([text])
    signer = PsbtSigner(psbt, keyring_of([text]), VERIFY)
    assert signer.sign(0)[0] is SignOutcome.INCOMPLETE
    psbt.inputs[0][bytes((SHA256,)) + sha256(PREIMAGE).digest()] = PREIMAGE
    assert signer.sign(0)[0] is SignOutcome.DONE


def test_hash_types_must_agree() -> None:
    text, wanted = f"wpkh({WIFS[0]})", SIGHASH_SINGLE | SIGHASH_ANYONECANPAY
    psbt = funded([text])
    signer = PsbtSigner(psbt, keyring_of([text]), VERIFY)
    assert signer.sign(0, wanted, finalize=False)[0] is SignOutcome.DONE
    assert psbt.inputs[0][SIGHASH] == bytes((wanted, 0, 0, 0))
    assert signer.sign(0)[0] is SignOutcome.SIGHASH_MISMATCH
    assert finalize_all(psbt, VERIFY)


def test_a_witness_output_alone_is_no_proof_of_a_legacy_amount() -> None:
    legacy, segwit = f"pkh({WIFS[0]})", f"wpkh({WIFS[0]})"
    for text, expected in ((legacy, SignOutcome.INCOMPLETE), (segwit, SignOutcome.DONE)):
        psbt = funded([text], whole=False)
        assert PsbtSigner(psbt, keyring_of([text]), VERIFY).sign(0)[0] is expected


def test_outputs_are_told_whose_they_are() -> None:
    text = f"tr({XPRV}/0/*,pk({XPRV}/1/*))"
    psbt = funded([text])
    update_output(psbt, 0, keyring_of([text], private=False))
    told = {key[0] for key in psbt.outputs[0]}
    assert {0x05, 0x06, 0x07} <= told
    signer = PsbtSigner(psbt, keyring_of([text], private=False), VERIFY)
    assert signer.sign(0)[0] is SignOutcome.INCOMPLETE
    assert sum(key[0] == TAP_DERIVATION for key in psbt.inputs[0]) == 2


def test_keys_are_named_with_their_origin() -> None:
    text = f"wpkh({XPRV}/0h/1/*)"
    psbt = funded([text])
    PsbtSigner(psbt, keyring_of([text], private=True), VERIFY).sign(0, finalize=False)
    origin = next(value for key, value in psbt.inputs[0].items() if key[0] == DERIVATION)
    assert origin[:4] == ExtendedKey.decode(XPRV, REGTEST).fingerprint
    assert origin[4:].hex() == "000000800100000003000000"


def test_signatures_are_taken_out_of_half_signed_transactions() -> None:
    text = f"sh(multi(2,{WIFS[0]},{KEYS[1]}))"
    psbt = funded([text])
    output = psbt.spent_output(0)
    assert output is not None
    halves = []
    for private in (text, f"sh(multi(2,{KEYS[0]},{WIFS[1]}))"):
        signer = PsbtSigner(psbt, keyring_of([private]), VERIFY)
        known = gathered_from(psbt.transaction, 0, output, VERIFY)
        produce(signer.keyring, signer.creator(0, output, SIGHASH_ALL), output, known)
        item = psbt.transaction.inputs[0]
        made = TxIn(item.prevout, known.script_sig, item.sequence)
        bare = psbt.transaction
        halves.append(Transaction.build(bare.version, [made], bare.outputs, bare.locktime))
    known = gathered_from(halves[0], 0, output, VERIFY)
    assert list(known.signatures) == [hash160(bytes.fromhex(KEYS[0]))]
    known = merge(known, gathered_from(halves[1], 0, output, VERIFY))
    signer = PsbtSigner(psbt, NO_KEYS, VERIFY)
    assert produce(NO_KEYS, signer.creator(0, output, SIGHASH_ALL), output, known)


def test_work_on_many_inputs_and_leaves_can_be_given_up() -> None:
    class GivenUp(Exception):
        """The node stops."""

    leaves = f"tr({X_ONLY[1]},{{pk({X_ONLY[0]}),{{pk({X_ONLY[2]}),pk({X_ONLY[3]})}}}})"
    psbt = funded([WHOLE[0], leaves, WHOLE[0]])
    for most in (1, 2, 4):
        left = [None] * most

        def go_on(left: list[None] = left) -> None:
            if not left:
                raise GivenUp
            left.pop()

        copy = psbt.copy()
        signer = PsbtSigner(copy, keyring_of([WHOLE[0], leaves]), VERIFY, go_on)
        with pytest.raises(GivenUp):
            list(map(signer.sign, range(3)))
        assert [is_signed(entries) for entries in copy.inputs] == [True, False, False]


def test_signatures_of_several_are_found_in_any_form() -> None:
    psbt = funded([f"wsh(multi(1,{WIFS[0]},{KEYS[1]}))"])
    output, witness_script = psbt.spent_output(0), multi_script()
    assert output is not None
    digest = SignatureHashes(psbt.transaction).witness(0, witness_script, output.amount_sat, 0x41)
    for signature in (sign_ecdsa(SECRETS[0], digest), high_s(sign_ecdsa(SECRETS[0], digest))):
        item = psbt.transaction.inputs[0]
        stack = (b"", signature + b"\x41", witness_script)
        made = TxIn(item.prevout, b"", item.sequence, stack)
        half = Transaction.build(2, [made], psbt.transaction.outputs, 6)
        known = gathered_from(half, 0, output, VERIFY)
        assert not known.is_complete, "nobody passes it on"
        assert [each for _, each in known.signatures.values()] == [signature + b"\x41"]


def test_a_signature_behind_a_long_push_is_not_taken_over() -> None:
    psbt = funded([f"pkh({WIFS[0]})"])
    output = psbt.spent_output(0)
    assert output is not None
    digest = SignatureHashes(psbt.transaction).legacy(0, output.script_pubkey)
    signature, key = sign_ecdsa(SECRETS[0], digest) + b"\x01", bytes.fromhex(KEYS[0])
    pushes = bytes((len(signature),)) + signature + bytes((len(key),)) + key
    item = psbt.transaction.inputs[0]
    for script_sig, found in ((b"\x51" + pushes, 1), (b"\x4c" + pushes, 0)):
        made = TxIn(item.prevout, script_sig, item.sequence)
        half = Transaction.build(2, [made], psbt.transaction.outputs, 6)
        assert len(gathered_from(half, 0, output, VERIFY).signatures) == found


def multi_script() -> bytes:
    first, second = (bytes.fromhex(key) for key in KEYS[:2])
    return b"\x51\x21" + first + b"\x21" + second + b"\x52\xae"


def test_a_hash_type_that_no_signature_can_have_leaves_an_input_open() -> None:
    psbt = funded([f"tr({WIFS[0]})"])
    signer = PsbtSigner(psbt, keyring_of([f"tr({WIFS[0]})"]), VERIFY)
    assert signer.sign(0, 1, finalize=False)[0] is SignOutcome.DONE
    for number in (0x101, -255, 0x41):
        psbt.inputs[0][SIGHASH] = number.to_bytes(4, "little", signed=True)
        assert not finalize_all(psbt, VERIFY)
    psbt.inputs[0][SIGHASH] = (1).to_bytes(4, "little")
    assert finalize_all(psbt, VERIFY)


def test_signatures_have_a_low_r_and_a_low_s() -> None:
    for place in range(20):
        digest = sha256(b"%d" % place).digest()
        signature = sign_ecdsa(SECRETS[0], digest)
        assert len(signature) <= 70
        assert has_low_s(signature)
        assert verify_ecdsa(bytes.fromhex(KEYS[0]), digest, signature)
        assert not verify_ecdsa(bytes.fromhex(KEYS[1]), digest, signature)
