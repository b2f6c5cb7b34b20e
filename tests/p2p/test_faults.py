"""Every violation that costs a peer its address says whose rule was broken."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.p2p.faults import PeerViolation
from axon.wire.messages import (
    Addr,
    AddrV2,
    CFCheckpt,
    CFHeaders,
    GetBlocks,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    NotFound,
    OverLimit,
)

SOURCE = Path(__file__).parent.parent.parent / "src" / "axon"

SOURCED = re.compile(r"(BIP \d+|Bitcoin Core|axon): ")

PASSED_ON = "fault.rule"
"""How the rule of an `OverLimit` is handed on; the wire tests below look at its source."""

MANY = b"\xfe\xff\xff\xff\x00"
"""A count of sixteen millions."""


def constants(tree: ast.Module) -> dict[str, str]:
    """The strings that a module gives a name."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Constant):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                found[target.id] = node.value.value
    return found


def head(text: ast.expr, named: dict[str, str]) -> str:
    """What a text begins with, as far as it stands in the source."""
    match text:
        case ast.Constant(str(value)):
            return value
        case ast.JoinedStr([ast.Constant(str(value)), *_]):
            return value
        case ast.Name(name):
            return named.get(name, "")
    return ""


def unsourced(source: str, shared: dict[str, str]) -> Iterator[str]:
    """The violations in a module that name no source; `shared` are other modules' constants."""
    tree = ast.parse(source)
    named = shared | constants(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {
            "PeerViolation",
            "faults.PeerViolation",
        }:
            continue
        text = node.args[0] if node.args else node.keywords[0].value
        if ast.unparse(text) != PASSED_ON and not SOURCED.match(head(text, named)):
            yield f"{node.lineno}: {ast.unparse(node)}"


def test_every_violation_names_its_source() -> None:
    modules = {path: path.read_text() for path in sorted(SOURCE.rglob("*.py"))}
    shared: dict[str, str] = {}
    for source in modules.values():
        shared |= constants(ast.parse(source))
    wrong = [
        f"{path.relative_to(SOURCE)}:{found}"
        for path, source in modules.items()
        for found in unsourced(source, shared)
    ]
    assert not wrong, "\n".join(wrong)
    assert sum("PeerViolation(" in source for source in modules.values()) > 5


@pytest.mark.parametrize(
    "text",
    [
        '"BIP 130: headers connect"',
        'f"Bitcoin Core: at most {limit} headers"',
        '"axon: " "at most ten"',
        "SHARED",
        "OURS",
        'rule="BIP 157: a filter is what its filter header commits to"',
        "fault.rule",
    ],
)
def test_the_search_accepts_a_source(text: str) -> None:
    module = f'OURS: Final = "BIP 37: ours"\nraise PeerViolation({text})\n'
    assert not list(unsourced(module, {"SHARED": "Bitcoin Core: shared"}))


@pytest.mark.parametrize(
    "text",
    [
        '"invalid block"',
        'f"invalid block: {outcome}"',
        'f"{source}: at most ten"',
        '"BIP: no number"',
        '"BIP 130:"',
        '"Core: headers connect"',
        "str(fault)",
        "OURS",
        "UNKNOWN",
        "fault.text",
        'rule="headers connect"',
    ],
)
def test_the_search_finds_a_text_without_source(text: str) -> None:
    module = f'OURS = "ours"\nfault = PeerViolation({text})\n'
    assert len(list(unsourced(module, {}))) == 1


@pytest.mark.parametrize(
    ("kind", "payload", "rule"),
    [
        (Headers, MANY, "Bitcoin Core: at most 2000 headers"),
        (GetHeaders, bytes(4) + MANY, "Bitcoin Core: at most 101 hashes in a locator"),
        (GetBlocks, bytes(4) + MANY, "Bitcoin Core: at most 101 hashes in a locator"),
        (Inv, MANY, "Bitcoin Core: at most 50000 inventory items"),
        (GetData, MANY, "Bitcoin Core: at most 50000 inventory items"),
        (NotFound, MANY, "axon: at most 111110 inventory items"),
        (Addr, MANY, "Bitcoin Core: at most 1000 addresses"),
        (AddrV2, MANY, "BIP 155: at most 1000 addresses"),
        (CFHeaders, bytes(65) + MANY, "BIP 157: at most 2000 filter hashes"),
        (CFCheckpt, bytes(33) + MANY, "axon: at most 10000 filter headers"),
    ],
)
def test_every_limit_of_a_list_names_its_source(
    kind: type[Headers | Inv | Addr | AddrV2 | CFHeaders | CFCheckpt], payload: bytes, rule: str
) -> None:
    with pytest.raises(OverLimit) as caught:
        kind.decode(payload)
    fault = PeerViolation(caught.value.rule)
    assert fault.rule.startswith(rule + ", not ")
    assert SOURCED.match(fault.rule)
    assert str(caught.value).startswith(f"expected {rule.partition(': ')[2]}, not ")


def test_no_list_has_a_limit_without_a_source() -> None:
    calls = [
        ast.unparse(node)
        for path in sorted((SOURCE / "wire").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "read_count"
    ]
    assert len(calls) == 7, calls  # Each has its line in the test above.
