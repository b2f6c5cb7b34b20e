"""PSBTs of the BIPs, read and written as Bitcoin Core does, and what is refused in its words."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.transaction import TxIn, outpoint_txid
from axon.psbt.fields import FINAL_SCRIPT_SIG, NON_WITNESS_UTXO, PARTIAL_SIG, SIGHASH
from axon.psbt.partial import JoinFault, PartialTransaction, decode_base64, is_signed, join
from axon.psbt.stream import PsbtFault

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "psbt.json").read_text())
VALID = {name: text for name, text in VECTORS["valid"].items() if not name.startswith("BIP 370")}
INVALID = VECTORS["invalid"]
TWO_SIGNERS = VALID[next(name for name in VALID if "2-of-2 multisig, redeemScript" in name)]
WHY = {
    "missing outputs": "Outputs provided does not match the number of outputs in transaction.",
    "filled scriptSig": "Unsigned tx does not have empty scriptSigs and scriptWitnesses.",
    "without an unsigned tx": "No unsigned transaction was provided",
    "duplicate keys in an input": "Duplicate Key, input non-witness utxo already provided",
    "invalid global transaction typed key": "Global unsigned tx key is more than one byte type",
    "size being not the stated size": "Size of value was not the stated size",
    "PSBT_IN_TAP_KEY_SIG</tt> signature that is too short": (
        "Input Taproot key path signature is shorter than 64 bytes"
    ),
    "Control block that is too long": (
        "Input Taproot leaf script key's control block size is not valid"
    ),
}


def field(key: bytes, value: bytes) -> bytes:
    return var_bytes(key) + var_bytes(value)


def bare(text: str) -> PartialTransaction:
    return PartialTransaction.from_base64(text)


@pytest.mark.parametrize("name", VALID)
def test_what_is_read_is_written_again(name: str) -> None:
    psbt = bare(VALID[name])
    again = PartialTransaction.decode(psbt.encode())
    assert again.encode() == psbt.encode()
    assert again.transaction == psbt.transaction
    assert len(psbt.encode()) <= len(b64decode(VALID[name]))


@pytest.mark.parametrize("name", [name for name in INVALID if not name.startswith("BIP 370")])
def test_what_is_none_is_refused(name: str) -> None:
    with pytest.raises(PsbtFault) as caught:
        bare(INVALID[name])
    for part, why in WHY.items():
        if part in name:
            assert str(caught.value) == f"{why}: iostream error"


@pytest.mark.parametrize("name", [name for name in VECTORS["valid"] if name.startswith("BIP 370")])
def test_version_2_is_refused_as_in_core(name: str) -> None:
    with pytest.raises(PsbtFault, match=r"^Unsupported version number: iostream error$"):
        bare(VECTORS["valid"][name])


@pytest.mark.parametrize("text", ["", "=", "cHNidP8", "cHNidP8=x", "c HNidP8", "cHNidP9="])
def test_bad_base64(text: str) -> None:
    assert text == "" or decode_base64(text) is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "SpanReader::read(): end of data"),
        (b"psbt\xfe", "Invalid PSBT magic bytes"),
        (b"psbt\xff", "Separator is missing at the end of the global map"),
        (b"psbt\xff\x01\x00\xfd\x01", "SpanReader::read(): end of data"),
        (b"psbt\xff\xfd\x01\x00", "non-canonical ReadCompactSize()"),
        (b"psbt\xff\xfe\xff\xff\xff\xff", "ReadCompactSize(): size too large"),
        (b"psbt\xff" + field(b"\x01\x02", b""), "Size of key was not the expected size for the"),
        (b"psbt\xff" + field(b"\xfb", bytes(4)) * 2, "Duplicate Key, version already provided"),
        (b"psbt\xff" + field(b"\xfb\x00", bytes(4)), "Global version key is more than one"),
        (b"psbt\xff" + field(b"\xf0", b"") * 2, "key for unknown value already provided"),
        (b"psbt\xff" + field(b"\xfc\x01a\x00", b"") * 2, "proprietary key already found"),
    ],
)
def test_faults_of_the_whole(raw: bytes, why: str) -> None:
    with pytest.raises(PsbtFault) as caught:
        PartialTransaction.decode(raw)
    assert why in str(caught.value)


def test_bytes_behind_the_end_are_refused() -> None:
    text = next(iter(VALID.values()))
    with pytest.raises(PsbtFault, match=r"^extra data after PSBT$"):
        PartialTransaction.decode(b64decode(text) + b"\x00")


def test_a_final_input_keeps_what_is_final_alone() -> None:
    psbt = bare(TWO_SIGNERS)
    psbt.inputs[0][FINAL_SCRIPT_SIG] = b"\x51"
    kept = PartialTransaction.decode(psbt.encode()).inputs[0]
    assert is_signed(kept)
    assert {key[0] for key in kept} <= {0x00, 0x01, 0x07, 0x08}


def test_copies_are_combined() -> None:
    first, second = bare(TWO_SIGNERS), bare(TWO_SIGNERS)
    key = next(key for key in first.inputs[0] if key[0] == PARTIAL_SIG)
    signature = first.inputs[0].pop(key)
    first.inputs[0].pop(SIGHASH, None)
    second.inputs[0][SIGHASH] = bytes((1, 0, 0, 0))
    second.general[b"\xf0"] = b"\x01"
    assert first.combine(second)
    assert first.inputs[0][key] == signature
    assert SIGHASH not in first.inputs[0]
    assert first.general[b"\xf0"] == b"\x01"
    other = bare(next(text for name, text in VALID.items() if "BIP 371" in name))
    assert not first.combine(other)


def test_several_are_joined_without_their_signatures() -> None:
    texts = [text for name, text in VALID.items() if "one P2PKH input. Outputs" in name]
    one, two = bare(texts[0]), bare(TWO_SIGNERS)
    inputs, outputs = [1, 0], list(range(len(one.outputs) + len(two.outputs)))
    joined = join([one, two], inputs, outputs)
    assert joined.transaction.inputs == (*two.transaction.inputs, *one.transaction.inputs)
    assert not any(key[0] == PARTIAL_SIG for key in joined.inputs[0])
    assert joined.transaction.outputs == one.transaction.outputs + two.transaction.outputs
    with pytest.raises(JoinFault) as caught:
        join([one, one], [0, 1], outputs)
    assert caught.value.prevout == one.transaction.inputs[0].prevout


def test_the_previous_transaction_must_be_the_one_that_is_spent() -> None:
    psbt = bare(next(text for name, text in VALID.items() if "one P2PKH input. Outputs" in name))
    assert NON_WITNESS_UTXO in psbt.inputs[0]
    spender = psbt.transaction.inputs[0]
    other = TxIn(type(spender.prevout)(bytes(36)), sequence=spender.sequence)
    assert outpoint_txid(other.prevout) != outpoint_txid(spender.prevout)
    raw = psbt.encode().replace(spender.prevout, other.prevout, 1)
    with pytest.raises(PsbtFault, match="Non-witness UTXO does not match outpoint hash"):
        PartialTransaction.decode(raw)


def test_unknown_and_proprietary_fields_are_kept() -> None:
    psbt = bare(TWO_SIGNERS)
    kept = {b"\xf1\x02": b"value", b"\xfc\x04axon\x07key": b"", compact_size(0x1234) + b"a": b"b"}
    psbt.general |= kept
    psbt.inputs[0] |= kept
    psbt.outputs[0] |= kept
    again = bare(b64encode(psbt.encode()).decode())
    assert kept.items() <= again.general.items()
    assert kept.items() <= again.inputs[0].items()
    assert kept.items() <= again.outputs[0].items()
