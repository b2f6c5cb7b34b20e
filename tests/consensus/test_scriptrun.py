from __future__ import annotations

import resource

import pytest
from coincurve import PrivateKey, PublicKeyXOnly

from axon.consensus.scripterrors import EVAL_FALSE
from axon.consensus.scriptrun import AVAILABLE
from axon.consensus.validator import ScriptFlags
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import hash160, sha256
from axon.primitives.keys import CURVE_ORDER, tagged_hash
from axon.primitives.script import push, push_number
from axon.primitives.transaction import Transaction, TxIn
from tests.consensus.chains import ALICE_KEY, ALICE_P2WPKH, signed_p2wpkh
from tests.consensus.test_scripts import AMOUNT, PREVOUTS, presented, why

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="this build of the library hides them")


def replace_witness(transaction: Transaction, witness: tuple[bytes, ...]) -> Transaction:
    """The same with another witness in its only input."""
    item = transaction.inputs[0]
    shown = TxIn(item.prevout, item.script_sig, item.sequence, witness)
    return Transaction.build(transaction.version, [shown], transaction.outputs)


def tapscript(script: bytes, leaf_version: int = 0xC0) -> tuple[bytes, tuple[bytes, bytes]]:
    """An output that one script may spend (BIP 341), and how that is shown."""
    inner = PublicKeyXOnly.from_secret(b"\x0a" * 32)
    leaf = tagged_hash("TapLeaf", bytes((leaf_version,)) + var_bytes(script))
    inner_bytes = inner.format()
    inner.tweak_add(tagged_hash("TapTweak", inner_bytes + leaf))
    control = bytes((leaf_version | inner.parity,)) + inner_bytes
    return b"\x51\x20" + inner.format(), (script, control)


def behind_hash(script: bytes) -> bytes:
    return b"\x00\x20" + sha256(script)


def behind_old_hash(script: bytes) -> bytes:
    return b"\xa9\x14" + hash160(script) + b"\x87"


def high_s(signature: bytes) -> bytes:
    """The other signature of the same key for the same message."""
    r_size = signature[3]
    s = CURVE_ORDER - int.from_bytes(signature[6 + r_size : -1], "big")
    s_bytes = b"\x00" + s.to_bytes(32, "big")
    body = signature[2 : 4 + r_size] + b"\x02" + bytes((len(s_bytes),)) + s_bytes
    return b"\x30" + bytes((len(body),)) + body + signature[-1:]


SIGNED = signed_p2wpkh(PREVOUTS[:1], AMOUNT).inputs[0].witness
TWO_TIMES_TRUE = presented(push_number(1) + push(b"\x51"))
REFUSED_NOT = push(ALICE_KEY) + b"\xac\x91"
"""True for a signature that does not fit."""

LONG_KEY_NOT = push(PrivateKey(b"\x0b" * 32).public_key.format(compressed=False)) + b"\xac\x91"
OLD_TREE, OLD_SHOWN = tapscript(b"\x51", 0xC2)
SUCCESS_TREE, SUCCESS_SHOWN = tapscript(b"\x50")
KEY_TREE, KEY_SHOWN = tapscript(push(b"\x02" * 5) + b"\xac")


@pytest.mark.parametrize(
    ("transaction", "output", "text"),
    [
        (
            replace_witness(signed_p2wpkh(PREVOUTS[:1], AMOUNT), (high_s(SIGNED[0]), SIGNED[1])),
            ALICE_P2WPKH,
            "Non-canonical signature: S value is unnecessarily high",
        ),
        (
            presented(witness=(b"\x02", b"\x63\x51\x68")),
            behind_hash(b"\x63\x51\x68"),
            "OP_IF/NOTIF argument must be minimal",
        ),
        (
            presented(witness=(SIGNED[0], REFUSED_NOT)),
            behind_hash(REFUSED_NOT),
            "Signature must be zero for failed CHECK(MULTI)SIG operation",
        ),
        (
            presented(witness=(b"", LONG_KEY_NOT)),
            behind_hash(LONG_KEY_NOT),
            "Using non-compressed keys in segwit",
        ),
        (
            presented(witness=(b"\xb0\x51",)),
            behind_hash(b"\xb0\x51"),
            "NOPx reserved for soft-fork upgrades",
        ),
        (
            TWO_TIMES_TRUE,
            behind_old_hash(b"\x51"),
            "Stack size must be exactly one after execution",
        ),
        (
            presented(b"\x4c\x01\x51"),
            behind_old_hash(b"\x51"),
            "Data push larger than necessary",
        ),
        (
            presented(push(b"\xab\x51")),
            behind_old_hash(b"\xab\x51"),
            "Using OP_CODESEPARATOR in non-witness script",
        ),
        (
            presented(b"\x00" + push(push(bytes(5)) + b"\xac\x91")),
            behind_old_hash(push(bytes(5)) + b"\xac\x91"),
            "Public key is neither compressed or uncompressed",
        ),
        (
            presented(witness=(b"\x01",)),
            b"\x52\x20" + b"\x01" * 32,
            "Witness version reserved for soft-fork upgrades",
        ),
        (
            presented(witness=OLD_SHOWN),
            OLD_TREE,
            "Taproot version reserved for soft-fork upgrades",
        ),
        (
            presented(witness=SUCCESS_SHOWN),
            SUCCESS_TREE,
            "OP_SUCCESSx reserved for soft-fork upgrades",
        ),
        (
            presented(witness=(bytes(64), *KEY_SHOWN)),
            KEY_TREE,
            "Public key version reserved for soft-fork upgrades",
        ),
    ],
    ids=lambda value: value.replace(" ", "_")[:40] if isinstance(value, str) else "",
)
def test_what_blocks_may_hold_is_not_all_relayed(
    transaction: Transaction, output: bytes, text: str
) -> None:
    assert why(transaction, output, ScriptFlags.ALL) == ""
    assert why(transaction, output) == text


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (b"\x51\x75\x00", EVAL_FALSE),
        (b"\x00\x69", "Script failed an OP_VERIFY operation"),
        (b"\x51\x52\x9d", "Script failed an OP_NUMEQUALVERIFY operation"),
        (b"\x61" * 202 + b"\x51", "Operation limit exceeded"),
        (b"\x51" * 1001, "Stack size limit exceeded"),
        (b"\x51\x7e", "Attempted to use a disabled opcode"),
        (b"\x50", "Opcode missing or not understood"),
        (b"\x6c", "Operation not valid with the current altstack size"),
        (b"\x63", "Operation not valid with the current stack size"),
        (b"\x51\x63\x51", "Invalid OP_IF construction"),
        (b"\x4f\xb1", "Negative locktime"),
        (push(bytes(5)) + b"\x8b", "Script number overflowed or is non-minimally encoded"),
        (push(b"\x01" * 521), "Push value size limit exceeded"),
        (b"\x00\x51\x51\x00\xae", "Signature count negative or greater than pubkey count"),
        (b"\x00\x00\x01\x15\xae", "Pubkey count negative or limit exceeded"),
    ],
)  # fmt: skip
def test_every_fault_of_a_script_that_is_run_has_core_s_words(script: bytes, text: str) -> None:
    assert why(presented(), script, ScriptFlags.ALL) == text
    assert why(presented(witness=(script,)), behind_hash(script)) == text


def test_memory_of_scripts_that_are_run_is_given_back() -> None:
    transaction = presented(witness=(b"\x02" * 80, *[b"\x6d" * 5] * 2, b"\x51" * 60))
    usage = []
    for _ in range(3):
        for _ in range(2_000):
            why(transaction, behind_hash(b"\x51" * 60))
        usage.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert usage[2] - usage[1] < 1_000  # KB; a checker that is not given back holds 1 KB or more.
