"""What scripts are found to be."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.script import push
from axon.primitives.solver import (
    Solved,
    asm,
    kind_of,
    last_push,
    p2sh_sigops,
    sigops,
    solve,
    witness_sigops,
)

SHORT_KEY = b"\x03" + b"\x11" * 32
LONG_KEY = b"\x04" + b"\x11" * 64
HASH20, HASH32 = b"\x22" * 20, b"\x33" * 32
PKH = b"\x76\xa9\x14" + HASH20 + b"\x88\xac"
P2SH = b"\xa9\x14" + HASH20 + b"\x87"
P2WPKH = b"\x00\x14" + HASH20
P2WSH = b"\x00\x20" + HASH32
SIGNATURE = bytes.fromhex("300602010102010101")
MULTISIG = b"\x51" + push(SHORT_KEY) + push(LONG_KEY) + b"\x52\xae"
TWENTY = b"\x01\x14" + push(SHORT_KEY) * 20 + b"\x01\x14\xae"
LONGEST = b"\x01\x14" + (b"\x4e\x41\x00\x00\x00" + LONG_KEY) * 20 + b"\x01\x14\xae"

KINDS = [
    (push(SHORT_KEY) + b"\xac", Solved("pubkey", (SHORT_KEY,))),
    (push(LONG_KEY) + b"\xac", Solved("pubkey", (LONG_KEY,))),
    (PKH, Solved("pubkeyhash", (HASH20,))),
    (P2SH, Solved("scripthash", (HASH20,))),
    (MULTISIG, Solved("multisig", (SHORT_KEY, LONG_KEY), 1)),
    (TWENTY, Solved("multisig", (SHORT_KEY,) * 20, 20)),
    (LONGEST, Solved("multisig", (LONG_KEY,) * 20, 20)),
    (b"\x6a", Solved("nulldata")),
    (b"\x6a" + push(HASH32) + b"\x51", Solved("nulldata")),
    (P2WPKH, Solved("witness_v0_keyhash", (HASH20,))),
    (P2WSH, Solved("witness_v0_scripthash", (HASH32,))),
    (b"\x51\x20" + HASH32, Solved("witness_v1_taproot", (HASH32,), 1)),
    (b"\x51\x02\x4e\x73", Solved("anchor", (b"\x4e\x73",), 1)),
    (b"\x51\x02\x4e\x74", Solved("witness_unknown", (b"\x4e\x74",), 1)),
    (b"\x60\x14" + HASH20, Solved("witness_unknown", (HASH20,), 16)),
    (b"\x51\x14" + HASH20, Solved("witness_unknown", (HASH20,), 1)),
    (b"", Solved("nonstandard")),
    (b"\x51", Solved("nonstandard")),
    (b"\x00\x10" + bytes(16), Solved("nonstandard")),
    (b"\x6a\x76", Solved("nonstandard")),
    (b"\x6a\x05\x00", Solved("nonstandard")),
    (push(b"\x05" + bytes(32)) + b"\xac", Solved("nonstandard")),
    (push(b"\x04" + bytes(32)) + b"\xac", Solved("nonstandard")),
    (b"\x52" + push(SHORT_KEY) + b"\x51\xae", Solved("nonstandard")),
    (b"\x51" + push(SHORT_KEY) + b"\x52\xae", Solved("nonstandard")),
    (b"\x00" + push(SHORT_KEY) + b"\x51\xae", Solved("nonstandard")),
    (b"\x51\x51\xae", Solved("nonstandard")),
    (b"\x01\x01" + push(SHORT_KEY) + b"\x51\xae", Solved("nonstandard")),
    (b"\x51" + push(SHORT_KEY)[:-2] + b"\xae", Solved("nonstandard")),
    (b"\x01\x15" + push(SHORT_KEY) * 21 + b"\x01\x15\xae", Solved("nonstandard")),
]


@pytest.mark.parametrize(("script", "expected"), KINDS, ids=lambda v: getattr(v, "kind", None))
def test_solve(script: bytes, expected: Solved) -> None:
    assert solve(script) == expected
    assert kind_of(script) == expected.kind


def test_a_long_script_is_not_taken_apart() -> None:
    """One of a block's size would cost hundreds of megabytes."""
    script = b"\x51" * 1_000_000 + b"\xae"
    tracemalloc.start()
    try:
        assert solve(script) == Solved("nonstandard")
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=80))
def test_any_bytes_have_a_kind_and_a_text(script: bytes) -> None:
    assert kind_of(script) == solve(script).kind
    assert isinstance(asm(script, sighash=True), str)
    assert 0 <= sigops(script, accurate=True) <= sigops(script)
    last_push(script)
    assert p2sh_sigops(script) >= 0


@pytest.mark.parametrize(
    ("script", "loose", "exact"),
    [
        (b"", 0, 0),
        (PKH, 1, 1),
        (P2SH, 0, 0),
        (MULTISIG, 20, 2),
        (TWENTY, 20, 20),
        (b"\xac\xad\xae\xaf", 42, 42),
        (b"\x53\xaf\x60\xae", 40, 19),
        (push(b"\xac" * 9), 0, 0),
        (b"\xac\x05\xac", 1, 1),  # Cut short: what came before counts.
    ],
)
def test_sigops(script: bytes, loose: int, exact: int) -> None:
    assert (sigops(script), sigops(script, accurate=True)) == (loose, exact)


def test_sigops_behind_p2sh() -> None:
    assert p2sh_sigops(push(b"x") + push(MULTISIG)) == 2
    assert p2sh_sigops(b"") == 0
    assert p2sh_sigops(b"\x51") == 0
    assert p2sh_sigops(push(MULTISIG) + b"\x76") == 0
    assert p2sh_sigops(push(MULTISIG)[:-1]) == 0


def test_sigops_of_witnesses() -> None:
    assert witness_sigops(P2WPKH, b"", (b"", b"")) == 1
    assert witness_sigops(P2WSH, b"", (b"", MULTISIG)) == 2
    assert witness_sigops(P2WSH, b"", ()) == 0
    assert witness_sigops(P2SH, push(P2WPKH), (b"", b"")) == 1
    assert witness_sigops(P2SH, push(P2WSH), (MULTISIG,)) == 2
    assert witness_sigops(P2SH, push(PKH), ()) == 0
    assert witness_sigops(b"\x51\x20" + HASH32, b"", (b"",)) == 0
    assert witness_sigops(PKH, b"", ()) == 0


@pytest.mark.parametrize(
    ("script", "top"),
    [
        (b"", None),
        (b"\x00", b""),
        (b"\x51", b"\x01"),
        (b"\x60", b"\x10"),
        (b"\x4f", b"\x81"),
        (push(b"ab") + push(b"cd"), b"cd"),
        (b"\x50", None),
        (b"\x51\x76", None),
        (b"\x05\x01", None),
    ],
)
def test_last_push(script: bytes, top: bytes | None) -> None:
    assert last_push(script) == top


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (b"", ""),
        (PKH, f"OP_DUP OP_HASH160 {HASH20.hex()} OP_EQUALVERIFY OP_CHECKSIG"),
        (P2WPKH, f"0 {HASH20.hex()}"),
        (b"\x51\x02\x4e\x73", "1 29518"),
        (b"\x4f\x60\x00", "-1 16 0"),
        (b"\x01\x80", "0"),
        (b"\x01\x81", "-1"),
        (b"\x04\xff\xff\xff\x7f", "2147483647"),
        (b"\x04\xff\xff\xff\xff", "-2147483647"),
        (b"\x05\x01\x02\x03\x04\x05", "0102030405"),
        (
            b"\x50\x61\xb1\xb2\xba",
            "OP_RESERVED OP_NOP OP_CHECKLOCKTIMEVERIFY OP_CHECKSEQUENCEVERIFY OP_CHECKSIGADD",
        ),
        (b"\xbb\xff", "OP_UNKNOWN OP_INVALIDOPCODE"),
        (b"\x51\x05\x01", "1 [error]"),
    ],
)
def test_asm(script: bytes, text: str) -> None:
    assert asm(script) == text


@pytest.mark.parametrize("count", [19_999, 20_000, 20_001, 40_000, 50_000])
def test_asm_of_a_long_script(count: int) -> None:
    assert asm(b"\x51" * count) == " ".join(["1"] * count)
    assert asm(b"\x51" * count + b"\x05") == " ".join(["1"] * count + ["[error]"])


def test_asm_names_the_hash_type_of_signatures() -> None:
    script = push(SIGNATURE) + push(SHORT_KEY)
    plain = SIGNATURE[:-1].hex()
    assert asm(script) == f"{SIGNATURE.hex()} {SHORT_KEY.hex()}"
    assert asm(script, sighash=True) == f"{plain}[ALL] {SHORT_KEY.hex()}"
    single = push(SIGNATURE[:-1] + b"\x83")
    assert asm(single, sighash=True) == f"{plain}[SINGLE|ANYONECANPAY]"
    for odd in (b"\x04", b"\x00"):
        assert asm(push(SIGNATURE[:-1] + odd), sighash=True) == (SIGNATURE[:-1] + odd).hex()
    assert asm(b"\x6a" + script, sighash=True) == f"OP_RETURN {asm(script)}"


@pytest.mark.parametrize("place", range(8))
def test_what_is_no_strict_signature_is_shown_as_it_is(place: int) -> None:
    broken = bytearray(SIGNATURE)
    broken[place] ^= 0x80
    assert asm(push(bytes(broken)), sighash=True) == bytes(broken).hex()
