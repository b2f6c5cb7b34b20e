"""Miniscript as scripts and as text (BIP 379)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.primitives.hashes import hash160
from axon.primitives.miniscript.fragments import Fragment, Key, Node, fold
from axon.primitives.miniscript.types import has
from axon.primitives.script import (
    OP_CHECKMULTISIG,
    OP_CHECKSIG,
    OP_EQUAL,
    push,
    push_number,
)

OP_IF: Final = 0x63
OP_NOTIF: Final = 0x64
OP_ELSE: Final = 0x67
OP_ENDIF: Final = 0x68
OP_VERIFY: Final = 0x69
OP_TOALTSTACK: Final = 0x6B
OP_FROMALTSTACK: Final = 0x6C
OP_IFDUP: Final = 0x73
OP_DUP: Final = 0x76
OP_SWAP: Final = 0x7C
OP_SIZE: Final = 0x82
OP_EQUALVERIFY: Final = 0x88
OP_0NOTEQUAL: Final = 0x92
OP_ADD: Final = 0x93
OP_BOOLAND: Final = 0x9A
OP_BOOLOR: Final = 0x9B
OP_NUMEQUAL: Final = 0x9C
OP_RIPEMD160: Final = 0xA6
OP_SHA256: Final = 0xA8
OP_HASH160: Final = 0xA9
OP_HASH256: Final = 0xAA
OP_CHECKLOCKTIMEVERIFY: Final = 0xB1
OP_CHECKSEQUENCEVERIFY: Final = 0xB2
OP_CHECKSIGADD: Final = 0xBA

HASH_OPS: Final = {
    Fragment.SHA256: OP_SHA256,
    Fragment.HASH256: OP_HASH256,
    Fragment.RIPEMD160: OP_RIPEMD160,
    Fragment.HASH160: OP_HASH160,
}
HASH_HEAD: Final = bytes((OP_SIZE,)) + push_number(32) + bytes((OP_EQUALVERIFY,))

_VERIFIED: Final = {OP_EQUAL: 0x88, OP_NUMEQUAL: 0x9D, OP_CHECKSIG: 0xAD, OP_CHECKMULTISIG: 0xAF}
"""Opcodes that have a form which verifies."""


def to_script(root: Node, key_bytes: Callable[[Key], bytes]) -> bytes:
    """The script of an expression.

    Args:
        key_bytes: a key as scripts show it: 33 bytes, or 32 in tapscript.
    """

    def work(node: Node, parts: list[bytes]) -> bytes:
        return _script(node, parts, [key_bytes(key) for key in node.keys])

    return fold(root, work)


def _ops(*opcodes: int) -> bytes:
    return bytes(opcodes)


def _script(node: Node, parts: list[bytes], keys: list[bytes]) -> bytes:
    fragment, number = node.fragment, push_number(node.number)
    match fragment:
        case Fragment.JUST_0 | Fragment.JUST_1:
            return push_number(int(fragment.value))
        case Fragment.PK_K:
            return push(keys[0])
        case Fragment.PK_H:
            return _ops(OP_DUP, OP_HASH160) + push(hash160(keys[0])) + _ops(OP_EQUALVERIFY)
        case Fragment.OLDER:
            return number + _ops(OP_CHECKSEQUENCEVERIFY)
        case Fragment.AFTER:
            return number + _ops(OP_CHECKLOCKTIMEVERIFY)
        case Fragment.MULTI:
            body = number + b"".join(map(push, keys)) + push_number(len(keys))
            return body + _ops(OP_CHECKMULTISIG)
        case Fragment.MULTI_A:
            checks = [OP_CHECKSIG] + [OP_CHECKSIGADD] * (len(keys) - 1)
            each = [push(key) + _ops(check) for key, check in zip(keys, checks, strict=True)]
            return b"".join(each) + number + _ops(OP_NUMEQUAL)
        case Fragment.THRESH:
            rest = b"".join([part + _ops(OP_ADD) for part in parts[1:]])
            return parts[0] + rest + number + _ops(OP_EQUAL)
    if fragment in HASH_OPS:
        return HASH_HEAD + _ops(HASH_OPS[fragment]) + push(node.data) + _ops(OP_EQUAL)
    if node.is_wrapper:
        return _wrapped(node, parts[0])
    return _joined(fragment, parts)


def _wrapped(node: Node, part: bytes) -> bytes:
    match node.fragment:
        case Fragment.WRAP_A:
            return _ops(OP_TOALTSTACK) + part + _ops(OP_FROMALTSTACK)
        case Fragment.WRAP_S:
            return _ops(OP_SWAP) + part
        case Fragment.WRAP_C:
            return part + _ops(OP_CHECKSIG)
        case Fragment.WRAP_D:
            return _ops(OP_DUP, OP_IF) + part + _ops(OP_ENDIF)
        case Fragment.WRAP_J:
            return _ops(OP_SIZE, OP_0NOTEQUAL, OP_IF) + part + _ops(OP_ENDIF)
        case Fragment.WRAP_N:
            return part + _ops(OP_0NOTEQUAL)
    if has(node.subs[0].type, "x"):
        return part + _ops(OP_VERIFY)
    return part[:-1] + _ops(_VERIFIED[part[-1]])


def _joined(fragment: Fragment, parts: list[bytes]) -> bytes:
    match fragment:
        case Fragment.AND_V:
            return parts[0] + parts[1]
        case Fragment.AND_B:
            return parts[0] + parts[1] + _ops(OP_BOOLAND)
        case Fragment.OR_B:
            return parts[0] + parts[1] + _ops(OP_BOOLOR)
        case Fragment.OR_C:
            return parts[0] + _ops(OP_NOTIF) + parts[1] + _ops(OP_ENDIF)
        case Fragment.OR_D:
            return parts[0] + _ops(OP_IFDUP, OP_NOTIF) + parts[1] + _ops(OP_ENDIF)
        case Fragment.OR_I:
            return _ops(OP_IF) + parts[0] + _ops(OP_ELSE) + parts[1] + _ops(OP_ENDIF)
    return parts[0] + _ops(OP_NOTIF) + parts[2] + _ops(OP_ELSE) + parts[1] + _ops(OP_ENDIF)


def to_text(root: Node, key_text: Callable[[Key], str]) -> str:
    """The text of an expression.

    Args:
        key_text: a key as the text shows it.
    """
    marks, body = fold(root, lambda node, parts: _text(node, parts, key_text))
    return f"{marks}:{body}" if marks else body


_Text = tuple[str, str]
"""Letters of wrappers, and what they wrap."""


def _text(node: Node, parts: list[_Text], key_text: Callable[[Key], str]) -> _Text:
    fragment, subs = node.fragment, node.subs
    if fragment is Fragment.WRAP_C and subs[0].fragment in (Fragment.PK_K, Fragment.PK_H):
        name = "pk" if subs[0].fragment is Fragment.PK_K else "pkh"
        return "", f"{name}({key_text(subs[0].keys[0])})"
    mark, inner = _mark(node)
    if mark:
        marks, body = parts[inner]
        return mark + marks, body
    shown = [f"{marks}:{body}" if marks else body for marks, body in parts]
    if fragment in (Fragment.JUST_0, Fragment.JUST_1):
        return "", fragment.value
    if fragment is Fragment.ANDOR and subs[2].fragment is Fragment.JUST_0:
        return "", f"and_n({shown[0]},{shown[1]})"
    arguments = [key_text(key) for key in node.keys] + shown
    if node.number:
        arguments.insert(0, str(node.number))
    if node.data:
        arguments.append(node.data.hex())
    return "", f"{fragment.value}({','.join(arguments)})"


def _mark(node: Node) -> tuple[str, int]:
    """The letter of a wrapper, or of what is written as one, and which part it wraps."""
    fragment, subs = node.fragment, node.subs
    if node.is_wrapper:
        return fragment.value, 0
    if fragment is Fragment.AND_V and subs[1].fragment is Fragment.JUST_1:
        return "t", 0
    if fragment is Fragment.OR_I and subs[0].fragment is Fragment.JUST_0:
        return "l", 1
    if fragment is Fragment.OR_I and subs[1].fragment is Fragment.JUST_0:
        return "u", 0
    return "", 0
