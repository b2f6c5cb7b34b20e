"""Miniscript from its text (BIP 379)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from axon.primitives.miniscript.fragments import (
    MAX_MULTI_A_KEYS,
    Fragment,
    Key,
    Node,
    ScriptContext,
    make,
)
from axon.primitives.solver import MAX_MULTISIG_KEYS

ParseKey = Callable[[str], Key | None]
"""A key from its text; None if it is none."""

_NAME = re.compile(r"([a-z0-9_]+)\(")
_MARKS = re.compile(r"([a-z]+):")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_LARGEST_LOCK: Final = 0x7FFF_FFFF

_JOINTS: Final = {
    "and_n": (Fragment.ANDOR, 2),
    "and_v": (Fragment.AND_V, 2),
    "and_b": (Fragment.AND_B, 2),
    "or_b": (Fragment.OR_B, 2),
    "or_c": (Fragment.OR_C, 2),
    "or_d": (Fragment.OR_D, 2),
    "or_i": (Fragment.OR_I, 2),
    "andor": (Fragment.ANDOR, 3),
    "thresh": (Fragment.THRESH, 0),
}
"""Functions of expressions: what they do, and of how many; 0 for any number."""

_KEYED: Final = {
    "pk": Fragment.PK_K,
    "pkh": Fragment.PK_H,
    "pk_k": Fragment.PK_K,
    "pk_h": Fragment.PK_H,
}
_HASHED: Final = {
    "sha256": (Fragment.SHA256, 32),
    "hash256": (Fragment.HASH256, 32),
    "ripemd160": (Fragment.RIPEMD160, 20),
    "hash160": (Fragment.HASH160, 20),
}
_LOCKED: Final = {"older": Fragment.OLDER, "after": Fragment.AFTER}


class _Invalid(Exception):
    """The text is no miniscript."""


def parse_miniscript(text: str, context: ScriptContext, parse_key: ParseKey) -> Node | None:
    """The expression that a text stands for; None if it is none, or its script is too long.

    It is not checked whether it is a whole script, or a sane one.
    """
    try:
        return _Parser(text, context, parse_key).parse()
    except _Invalid:
        return None


@dataclass(slots=True)
class _Open:
    """A function whose arguments are being read."""

    name: str
    marks: str
    number: int = 0
    subs: list[Node] = field(default_factory=list)


class _Parser:
    def __init__(self, text: str, context: ScriptContext, parse_key: ParseKey) -> None:
        self._text, self._context, self._parse_key = text, context, parse_key
        self._at = 0
        self._open: list[_Open] = []

    def parse(self) -> Node:
        while True:
            node = self._expression()
            while node is not None:
                if not self._open:
                    if self._at != len(self._text):
                        raise _Invalid
                    return node
                node = self._close(node)

    def _expression(self) -> Node | None:
        """What begins here; None if that is a function of expressions, whose parts come next."""
        marks = ""
        match = _MARKS.match(self._text, self._at)
        if match:
            marks, self._at = match[1], match.end()
            if marks.strip("asctdvjnlu") or "vv" in marks:
                raise _Invalid
        if self._text[self._at : self._at + 1] in ("0", "1"):
            self._at += 1
            constant = self._text[self._at - 1]
            return self._marked(self._make(Fragment(constant)), marks)
        match = _NAME.match(self._text, self._at)
        if not match:
            raise _Invalid
        name, self._at = match[1], match.end()
        if name not in _JOINTS:
            return self._marked(self._leaf(name), marks)
        opened = _Open(name, marks)
        if name == "thresh":
            opened.number = self._read_number(self._until(","))
            self._at += 1
            if opened.number < 1:
                raise _Invalid
        self._open.append(opened)
        return None

    def _close(self, node: Node) -> Node | None:
        """Take a part of the innermost function; the whole if it was the last one."""
        opened = self._open[-1]
        opened.subs.append(node)
        fragment, count = _JOINTS[opened.name]
        sign = self._text[self._at : self._at + 1]
        self._at += 1
        is_last = len(opened.subs) == count if count else sign == ")"
        if sign != (")" if is_last else ","):
            raise _Invalid
        if not is_last:
            return None
        self._open.pop()
        subs = opened.subs
        if opened.name == "and_n":
            subs = [*subs, self._make(Fragment.JUST_0)]
        if opened.number > len(subs):
            raise _Invalid
        return self._marked(self._make(fragment, subs, number=opened.number), opened.marks)

    def _make(
        self,
        fragment: Fragment,
        subs: list[Node] | None = None,
        keys: list[Key] | None = None,
        number: int = 0,
        data: bytes = b"",
    ) -> Node:
        return make(fragment, self._context, subs or [], keys or [], number, data)

    def _marked(self, node: Node, marks: str) -> Node:
        for mark in reversed(marks):
            if mark == "t":
                node = self._make(Fragment.AND_V, [node, self._make(Fragment.JUST_1)])
            elif mark == "u":
                node = self._make(Fragment.OR_I, [node, self._make(Fragment.JUST_0)])
            elif mark == "l":
                node = self._make(Fragment.OR_I, [self._make(Fragment.JUST_0), node])
            else:
                node = self._make(Fragment(mark), [node])
        return node

    def _leaf(self, name: str) -> Node:
        if name in ("multi", "multi_a"):
            return self._multi(name)
        body = self._until(")")
        self._at += 1
        if name in _KEYED:
            node = self._make(_KEYED[name], keys=[self._key(body)])
            return node if "_" in name else self._make(Fragment.WRAP_C, [node])
        if name in _HASHED:
            fragment, size = _HASHED[name]
            if len(body) != 2 * size or body.strip("0123456789abcdefABCDEF"):
                raise _Invalid
            return self._make(fragment, data=bytes.fromhex(body))
        if name in _LOCKED:
            number = self._read_number(body)
            if not 1 <= number <= _LARGEST_LOCK:
                raise _Invalid
            return self._make(_LOCKED[name], number=number)
        raise _Invalid

    def _multi(self, name: str) -> Node:
        is_tapscript = name == "multi_a"
        if is_tapscript is not (self._context is ScriptContext.TAPSCRIPT):
            raise _Invalid
        number, *texts = self._until(")").split(",")
        self._at += 1
        most = MAX_MULTI_A_KEYS if is_tapscript else MAX_MULTISIG_KEYS
        if not 1 <= len(texts) <= most:
            raise _Invalid
        required = self._read_number(number)
        keys = [self._key(text) for text in texts]
        if not 1 <= required <= len(keys):
            raise _Invalid
        return self._make(Fragment(name), keys=keys, number=required)

    def _key(self, text: str) -> Key:
        key = self._parse_key(text) if text else None
        if key is None:
            raise _Invalid
        return key

    def _until(self, sign: str) -> str:
        """The text up to a sign outside of all brackets, which is next then."""
        depth, begin = 0, self._at
        while self._at < len(self._text):
            found = self._text[self._at]
            if depth == 0 and found == sign:
                return self._text[begin : self._at]
            if found == "(":
                depth += 1
            elif found == ")":
                depth -= 1
            if depth < 0:
                break
            self._at += 1
        raise _Invalid

    def _read_number(self, text: str) -> int:
        if not _NUMBER.fullmatch(text):
            raise _Invalid
        return int(text)
