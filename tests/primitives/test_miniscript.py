"""Miniscript from text and from scripts; both ways lead to the same, as in Bitcoin Core."""

from __future__ import annotations

import pytest

from axon.primitives.descriptor import infer_descriptor
from axon.primitives.hashes import sha256
from axon.primitives.miniscript.decoding import decode_miniscript
from axon.primitives.miniscript.fragments import Node, ScriptContext
from axon.primitives.miniscript.parsing import parse_miniscript
from axon.primitives.miniscript.sanity import has_duplicate_keys, insane_part, is_sane
from axon.primitives.miniscript.satisfying import Satisfier, satisfy
from axon.primitives.miniscript.types import has
from axon.primitives.miniscript.writing import to_script, to_text
from axon.primitives.network import REGTEST

A = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
B = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
C = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
HASH = "11" * 32

SANE = [
    f"pk({A})",
    f"and_v(v:pk({A}),older(10))",
    f"or_d(pk({A}),and_v(v:pk({B}),after(100)))",
    f"or_b(pk({A}),s:pk({B}))",
    f"or_i(pk({A}),and_v(v:pk({B}),older(4194305)))",
    f"t:or_c(pk({A}),v:pk({B}))",
    f"andor(pk({A}),older(3),pk({B}))",
    f"and_n(pk({A}),and_v(v:pk({B}),older(4)))",
    f"and_b(pk({A}),a:or_b(pk({B}),s:pk({C})))",
    f"thresh(2,pk({A}),s:pk({B}),sln:older(5))",
    f"multi(2,{A},{B},{C})",
    f"and_v(v:sha256({HASH}),pk({A}))",
    f"and_v(v:ripemd160({'22' * 20}),pk({A}))",
    f"j:and_v(v:pk({A}),older(1))",
    f"uuj:pk({A})",
    f"l:pk({A})",
    f"and_v(v:multi(1,{A},{B}),after(500000001))",
]
INSANE = {
    f"and_v(v:pk({A}),pk({A}))": "duplicate keys",
    "older(1)": "no signature",
    f"or_i(pk({A}),older(5))": "no signature on one path",
    f"or_i(older(1),pk({A}))": "no signature on one path",
    f"and_v(v:pk({A}),and_v(v:older(1),older(4194305)))": "locks of two kinds",
    f"or_d(sha256({HASH}),pk({A}))": "malleable",
}
INVALID = [
    "", "2", "pk()", "pk", f"pk({A}", f"pk({A}))", f"xx:pk({A})", f"vv:pk({A})",
    f"and_v(v:pk({A}))",
    f"and_v(v:pk({A}),pk({B}),pk({C}))", "older(0)", "older(2147483648)", "older(+1)", "older()",
    "after(-1)", "sha256(00)", f"sha256({HASH}00)", f"thresh(0,pk({A}))", f"thresh(2,pk({A}))",
    "thresh(1)", f"multi(0,{A})", f"multi(2,{A})", "multi(1)", f"multi_a(1,{A})", "nonsense(1)",
    f"multi(1,{','.join([A] * 21)})",
]  # fmt: skip


def parse(text: str, context: ScriptContext = ScriptContext.P2WSH) -> Node | None:
    def key(each: str) -> bytes | None:
        try:
            return bytes.fromhex(each)
        except ValueError:
            return None

    return parse_miniscript(text, context, key)


def raw(key: object) -> bytes:
    assert isinstance(key, bytes)
    return key


def parsed(text: str) -> Node:
    node = parse(text)
    assert node is not None
    return node


@pytest.mark.parametrize("text", SANE)
def test_text_and_script_lead_to_each_other(text: str) -> None:
    node = parsed(text)
    assert is_sane(node, has_duplicate_keys(node, raw))
    assert insane_part(node, raw) is None
    script = to_script(node, raw)
    assert len(script) == node.size_bytes
    again = decode_miniscript(script, ScriptContext.P2WSH, lambda _: None)
    assert again is not None
    assert to_script(again, raw) == script
    written = to_text(again, lambda key: raw(key).hex())
    assert to_text(node, lambda key: raw(key).hex()) == text
    # `and_v` is found outside of what wraps it: the same script.
    assert to_script(parsed(written), raw) == script


def test_a_script_is_found_in_a_witness_output() -> None:
    script = to_script(parsed(SANE[1]), raw)
    found = infer_descriptor(b"\x00\x20" + sha256(script), REGTEST, witness_script=script)
    assert found.partition("#")[0] == f"wsh({SANE[1]})"
    insane = to_script(parsed(f"and_v(v:pk({A}),pk({A}))"), raw)
    found = infer_descriptor(b"\x00\x20" + sha256(insane), REGTEST, witness_script=insane)
    assert found.startswith("addr(")


@pytest.mark.parametrize("text", INSANE)
def test_what_is_not_safe_is_found(text: str) -> None:
    node = parsed(text)
    assert node.is_valid
    assert not is_sane(node, has_duplicate_keys(node, raw))


@pytest.mark.parametrize("text", INVALID)
def test_what_is_none_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "text", [f"and_v(pk({A}),pk({B}))", f"or_b(pk({A}),pk({B}))", f"n:pk_k({A})", "d:older(1)"]
)
def test_parts_that_do_not_fit_have_no_type(text: str) -> None:
    assert not parsed(text).type


@pytest.mark.parametrize(
    "script",
    [
        "", "51ac", "6a", "0101b2", "5169", f"21{A}", f"21{A}ac69", f"20{A[2:]}ac",
        "4c21" + A + "ac",
        f"5121{A}52ae", f"7c21{A}ac",
    ],
)  # fmt: skip
def test_scripts_that_are_none(script: str) -> None:
    assert decode_miniscript(bytes.fromhex(script), ScriptContext.P2WSH, lambda _: None) is None


def test_trees_may_be_as_deep_as_scripts_are_long() -> None:
    text = "n" * 3_500 + f":pk({A})"
    node = parsed(text)
    script = to_script(node, raw)
    again = decode_miniscript(script, ScriptContext.P2WSH, lambda _: None)
    assert again is not None
    assert to_text(again, lambda key: raw(key).hex()) == text
    assert decode_miniscript(b"\x92" * 4_000, ScriptContext.P2WSH, lambda _: None) is None


def test_the_types_of_leaves() -> None:
    assert has(parsed(f"pk({A})").type, "Bondemsuk")
    assert has(parsed("older(1)").type, "Bzfmxhk")
    assert has(parsed("older(4194305)").type, "g")
    assert has(parsed("after(1)").type, "j")
    assert has(parsed("after(500000000)").type, "i")


@pytest.mark.parametrize(
    ("text", "keys", "expected"),
    [
        (f"pk({A})", [A], [b"sig"]),
        (f"pkh({A})", [A], [b"sig", bytes.fromhex(A)]),
        (f"or_b(pk({A}),s:pk({B}))", [B], [b"sig", b""]),
        (f"or_d(pk({A}),pk({B}))", [B], [b"sig", b""]),
        (f"or_i(pk({A}),pk({B}))", [B], [b"sig", b""]),
        (f"or_i(pk({A}),pk({B}))", [A], [b"sig", b"\x01"]),
        (f"multi(2,{A},{B},{C})", [A, C], [b"", b"sig", b"sig"]),
        (f"thresh(2,pk({A}),s:pk({B}),s:pk({C}))", [A, C], [b"sig", b"", b"sig"]),
        (f"and_v(v:pk({A}),pk({B}))", [A, B], [b"sig", b"sig"]),
        (f"and_v(v:pk({A}),pk({B}))", [A], None),
        (f"andor(pk({A}),pk({B}),pk({C}))", [C], [b"sig", b""]),
        (f"or_i(pk({A}),older(5))", [A], None),  # Others could take the other path.
    ],
)
def test_witnesses(text: str, keys: list[str], expected: list[bytes] | None) -> None:
    satisfier = Satisfier(
        lambda key: b"sig" if key.hex() in keys else b"", lambda _: True, lambda _: True, {}
    )
    assert satisfy(parsed(text), satisfier) == expected


def thresh(signers: int, never: int, number: int = 1) -> Node:
    """So many of some keys, and of parts that nothing satisfies; in a leaf."""
    keys = [f"{place:064x}" for place in range(1, signers + 1)]
    parts = [f"pk({keys[0]})", *[f"s:pk({key})" for key in keys[1:]], *["a:0"] * never]
    node = parse(f"thresh({number},{','.join(parts)})", ScriptContext.TAPSCRIPT)
    assert node is not None
    return node


ALL_SIGN = Satisfier(lambda _: b"\x01" * 64, lambda _: True, lambda _: True, {})


def test_parts_that_nothing_satisfies_may_be_many() -> None:
    node = thresh(2, 1_500)
    assert is_sane(node, duplicates=False)
    assert (node.stack_total, node.stack_peak) == (2, 3)
    assert satisfy(node, ALL_SIGN) == [b"\x01" * 64, b""]


def test_a_choice_among_more_parts_than_a_stack_has_room_for_is_not_worked_out() -> None:
    node = thresh(1_001, 0)
    assert node.is_valid_top
    assert not node.within_stack
    assert satisfy(node, ALL_SIGN) is None
    fewer = thresh(60, 0, 40)
    assert fewer.within_stack
    assert satisfy(fewer, ALL_SIGN) == [b"\x01" * 64] * 40 + [b""] * 20
