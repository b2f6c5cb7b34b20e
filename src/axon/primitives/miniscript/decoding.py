"""Miniscript from a script (BIP 379): each script that is one is so in one way only.

A script is read from its end: there its opcodes say what they end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.errors import DecodeError
from axon.primitives.miniscript import writing as op
from axon.primitives.miniscript.fragments import (
    MAX_MULTI_A_KEYS,
    MAX_P2WSH_SCRIPT,
    MAX_TAPSCRIPT,
    Fragment,
    Node,
    ScriptContext,
    make,
)
from axon.primitives.script import (
    OP_0,
    OP_1,
    OP_16,
    OP_CHECKMULTISIG,
    OP_CHECKSIG,
    OP_EQUAL,
    OP_PUSHDATA4,
    is_shortest_push,
    ops,
    script_number,
)
from axon.primitives.solver import MAX_MULTISIG_KEYS

FindKey = Callable[[bytes], bytes | None]
"""The key with a hash160, as the script would show it; None if it is not known."""

_Op = tuple[int, bytes | None]
"""An opcode, and what it pushes."""

_SPLIT: Final = {0xAD: OP_CHECKSIG, 0xAF: OP_CHECKMULTISIG, 0x88: OP_EQUAL, 0x9D: op.OP_NUMEQUAL}
"""Opcodes that verify: without that, and OP_VERIFY."""

_MAX_NUMBER_SIZE: Final = 4
_LARGEST_LOCK: Final = 0x7FFF_FFFF
_NO_BEGINNING: Final = frozenset((op.OP_IF, op.OP_ELSE, op.OP_NOTIF, op.OP_TOALTSTACK, op.OP_SWAP))
"""Opcodes that end no expression."""

_OF_HASHES: Final = {
    op.OP_SHA256: (Fragment.SHA256, 32),
    op.OP_RIPEMD160: (Fragment.RIPEMD160, 20),
    op.OP_HASH256: (Fragment.HASH256, 32),
    op.OP_HASH160: (Fragment.HASH160, 20),
}


class _Invalid(Exception):
    """The script is no miniscript."""


def decode_miniscript(script: bytes, context: ScriptContext, find_key: FindKey) -> Node | None:
    """The expression whose script this is; None if it is none that is a valid whole script.

    Its keys are bytes: 33, or 32 in tapscript.
    """
    limit = MAX_P2WSH_SCRIPT if context is ScriptContext.P2WSH else MAX_TAPSCRIPT
    if len(script) > limit:
        return None
    operations = _decompose(script)
    if operations is None:
        return None
    try:
        node = _Decoder(operations, context, find_key).decode()
    except _Invalid:
        return None
    return node if node.is_valid_top else None


def _decompose(script: bytes) -> list[_Op] | None:
    """The operations from the last to the first; None where one is not in its shortest form."""
    found: list[_Op] = []
    before = 0
    try:
        for opcode, data in ops(script):
            if opcode in _SPLIT:
                found += [(_SPLIT[opcode], None), (op.OP_VERIFY, None)]
            elif opcode <= OP_PUSHDATA4:
                if not is_shortest_push(opcode, data or b""):
                    return None
                found.append((opcode, data or b""))
            elif OP_1 <= opcode <= OP_16:
                found.append((opcode, bytes((opcode - OP_1 + 1,))))
            elif opcode == op.OP_VERIFY and before in _SPLIT.values():
                return None
            else:
                found.append((opcode, None))
            before = opcode
    except DecodeError:
        return None
    found.reverse()
    return found


def _number(operation: _Op) -> int | None:
    opcode, data = operation
    if opcode == OP_0:
        return 0
    if not data or len(data) > _MAX_NUMBER_SIZE:
        return None
    size = int.from_bytes(data, "little")
    sign = 0x80 << (8 * (len(data) - 1))
    number = -(size ^ sign) if size & sign else size
    return number if script_number(number) == data else None


class _Decoder:
    """Reads operations by a stack of steps that are still to be taken; the last one is next."""

    def __init__(self, operations: list[_Op], context: ScriptContext, find_key: FindKey) -> None:
        self._ops, self._context, self._find_key = operations, context, find_key
        self._at = 0
        self._made: list[Node] = []
        self._steps: list[Callable[[], None]] = []

    def decode(self) -> Node:
        self._then(self._several)
        while self._steps:
            if self._made and not self._made[-1].is_valid:
                raise _Invalid
            self._steps.pop()()
        if len(self._made) != 1 or self._at != len(self._ops):
            raise _Invalid
        return self._made[0]

    def _then(self, *steps: Callable[[], None]) -> None:
        """Take these steps next, in this order."""
        self._steps += reversed(steps)

    def _code(self, ahead: int = 0) -> int:
        """An opcode ahead; -1 behind the last."""
        place = self._at + ahead
        return self._ops[place][0] if place < len(self._ops) else -1

    def _data(self, ahead: int = 0) -> bytes:
        """What an operation ahead pushes; nothing if it does not push."""
        place = self._at + ahead
        return (self._ops[place][1] if place < len(self._ops) else None) or b""

    def _number_at(self, ahead: int) -> int | None:
        place = self._at + ahead
        return _number(self._ops[place]) if place < len(self._ops) else None

    def _leaf(
        self,
        fragment: Fragment,
        taken: int,
        keys: tuple[bytes, ...] = (),
        number: int = 0,
        data: bytes = b"",
    ) -> None:
        self._at += taken
        self._made.append(make(fragment, self._context, (), keys, number, data))

    def _build(self, fragment: Fragment, count: int, number: int = 0) -> Callable[[], None]:
        """A step that joins the expressions made last; the last one is the first in the script."""

        def step() -> None:
            if len(self._made) < count:
                raise _Invalid
            subs = self._made[: -count - 1 : -1]
            del self._made[-count:]
            self._made.append(make(fragment, self._context, subs, (), number))

        return step

    def _several(self) -> None:
        """An expression, perhaps behind others that are verified (`and_v`)."""
        self._then(self._single, self._maybe_more)

    def _maybe_more(self) -> None:
        if self._code() >= 0 and self._code() not in _NO_BEGINNING:
            self._then(self._several, self._build(Fragment.AND_V, 2))

    def _single(self) -> None:
        """An expression that is neither `and_v` nor of type W."""
        code = self._code()
        if code < 0:
            raise _Invalid
        if not (self._constant_or_key(code) or self._lock(code) or self._hash(code)):
            if not self._multisig(code):
                self._composite(code)

    def _constant_or_key(self, code: int) -> bool:
        if code in (OP_0, OP_1):
            self._leaf(Fragment.JUST_1 if code == OP_1 else Fragment.JUST_0, 1)
            return True
        if len(self._data()) in (32, 33):
            self._leaf(Fragment.PK_K, 1, (self._key(self._data()),))
            return True
        codes = [self._code(ahead) for ahead in (0, 1, 3, 4)]
        if codes == [op.OP_VERIFY, OP_EQUAL, op.OP_HASH160, op.OP_DUP] and len(self._data(2)) == 20:
            key = self._find_key(self._data(2))
            if key is None:
                raise _Invalid
            self._leaf(Fragment.PK_H, 5, (key,))
            return True
        return False

    def _key(self, data: bytes) -> bytes:
        if self._context is ScriptContext.TAPSCRIPT:
            fits = len(data) == 32
        else:
            fits = len(data) == 33 and data[0] in (2, 3)
        if not fits:
            raise _Invalid
        return data

    def _lock(self, code: int) -> bool:
        fragments = {
            op.OP_CHECKSEQUENCEVERIFY: Fragment.OLDER,
            op.OP_CHECKLOCKTIMEVERIFY: Fragment.AFTER,
        }
        number = self._number_at(1)
        if code not in fragments or number is None:
            return False
        if not 1 <= number <= _LARGEST_LOCK:
            raise _Invalid
        self._leaf(fragments[code], 2, number=number)
        return True

    def _hash(self, code: int) -> bool:
        shape = [code, *[self._code(ahead) for ahead in (3, 4, 6)]]
        if shape != [OP_EQUAL, op.OP_VERIFY, OP_EQUAL, op.OP_SIZE] or self._number_at(5) != 32:
            return False
        fragment, size = _OF_HASHES.get(self._code(2), (None, 0))
        if fragment is None or len(self._data(1)) != size:
            return False
        self._leaf(fragment, 7, data=self._data(1))
        return True

    def _multisig(self, code: int) -> bool:
        left = len(self._ops) - self._at
        if code == OP_CHECKMULTISIG and left >= 3:
            self._legacy_multi()
        elif code == op.OP_NUMEQUAL and left >= 4:
            self._tapscript_multi()
        else:
            return False
        return True

    def _legacy_multi(self) -> None:
        count = self._number_at(1)
        if self._context is ScriptContext.TAPSCRIPT or count is None:
            raise _Invalid
        if not 1 <= count <= MAX_MULTISIG_KEYS:
            raise _Invalid
        keys = [self._key(self._data(2 + place)) for place in range(count)]
        required = self._number_at(2 + count)
        if required is None or not 1 <= required <= count:
            raise _Invalid
        self._leaf(Fragment.MULTI, 3 + count, tuple(reversed(keys)), required)

    def _tapscript_multi(self) -> None:
        required = self._number_at(1)
        if self._context is not ScriptContext.TAPSCRIPT or required is None:
            raise _Invalid
        keys: list[bytes] = []
        while True:
            check, data = self._code(2 + 2 * len(keys)), self._data(3 + 2 * len(keys))
            if check not in (op.OP_CHECKSIGADD, OP_CHECKSIG) or len(keys) == MAX_MULTI_A_KEYS:
                raise _Invalid
            keys.append(self._key(data))
            if check == OP_CHECKSIG:
                break
        if not 1 <= required <= len(keys):
            raise _Invalid
        self._leaf(Fragment.MULTI_A, 2 + 2 * len(keys), tuple(reversed(keys)), required)

    def _composite(self, code: int) -> None:
        """What is made of other expressions; `and_v` stays outside of wrappers and connectives."""
        wrappers = {
            OP_CHECKSIG: Fragment.WRAP_C,
            op.OP_VERIFY: Fragment.WRAP_V,
            op.OP_0NOTEQUAL: Fragment.WRAP_N,
        }
        joints = {op.OP_BOOLAND: Fragment.AND_B, op.OP_BOOLOR: Fragment.OR_B}
        number = self._number_at(1)
        if code == OP_EQUAL and number is not None and len(self._ops) - self._at >= 3:
            if number < 1:
                raise _Invalid
            self._at += 2
            self._then(lambda: self._threshold(1, number))
            return
        self._at += 1
        if code in wrappers:
            self._then(self._single, self._build(wrappers[code], 1))
        elif code in joints:
            self._then(self._word, self._single, self._build(joints[code], 2))
        elif code == op.OP_ENDIF:
            self._then(self._several, self._branch)
        else:
            raise _Invalid

    def _word(self) -> None:
        """An expression of type W."""
        if self._code() == op.OP_FROMALTSTACK:
            self._at += 1
            self._then(self._several, self._behind(op.OP_TOALTSTACK, Fragment.WRAP_A))
        elif self._code() >= 0:
            self._then(self._several, self._behind(op.OP_SWAP, Fragment.WRAP_S))
        else:
            raise _Invalid

    def _behind(self, code: int, fragment: Fragment) -> Callable[[], None]:
        def step() -> None:
            if self._code() != code:
                raise _Invalid
            self._at += 1
            self._build(fragment, 1)()

        return step

    def _threshold(self, count: int, number: int) -> None:
        if self._code() == op.OP_ADD:
            self._at += 1
            self._then(self._word, lambda: self._threshold(count + 1, number))
            return
        if number > count:
            raise _Invalid
        self._then(self._single, self._build(Fragment.THRESH, count, number))

    def _branch(self) -> None:
        """In front of what OP_ENDIF ends."""
        code = self._code()
        self._at += 1
        if code == op.OP_ELSE:
            self._then(self._several, self._else)
        elif code == op.OP_NOTIF:
            fragment = Fragment.OR_C
            if self._code() == op.OP_IFDUP:
                self._at += 1
                fragment = Fragment.OR_D
            self._then(self._single, self._build(fragment, 2))
        elif code == op.OP_IF and self._code() == op.OP_DUP:
            self._at += 1
            self._then(self._build(Fragment.WRAP_D, 1))
        elif code == op.OP_IF and (self._code(), self._code(1)) == (op.OP_0NOTEQUAL, op.OP_SIZE):
            self._at += 2
            self._then(self._build(Fragment.WRAP_J, 1))
        else:
            raise _Invalid

    def _else(self) -> None:
        code = self._code()
        self._at += 1
        if code == op.OP_IF:
            self._build(Fragment.OR_I, 2)()
        elif code == op.OP_NOTIF:
            self._then(self._single, self._andor)
        else:
            raise _Invalid

    def _andor(self) -> None:
        """Condition, then what follows it, then the other; the script has the last two swapped."""
        if len(self._made) < 3:
            raise _Invalid
        following, otherwise, condition = self._made[-3:]
        del self._made[-3:]
        subs = (condition, following, otherwise)
        self._made.append(make(Fragment.ANDOR, self._context, subs))
