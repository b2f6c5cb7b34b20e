"""Scripts as bytes: opcodes, pushes and what can be read off without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from axon.errors import DecodeError

OP_0: Final = 0x00
OP_PUSHDATA1: Final = 0x4C
OP_PUSHDATA2: Final = 0x4D
OP_PUSHDATA4: Final = 0x4E
OP_1NEGATE: Final = 0x4F
OP_RESERVED: Final = 0x50
OP_1: Final = 0x51
OP_TRUE: Final = 0x51
OP_16: Final = 0x60
OP_RETURN: Final = 0x6A
OP_EQUAL: Final = 0x87
OP_CHECKSIG: Final = 0xAC
OP_CHECKSIGVERIFY: Final = 0xAD
OP_CHECKMULTISIG: Final = 0xAE
OP_CHECKMULTISIGVERIFY: Final = 0xAF

MAX_SCRIPT_SIZE: Final = 10_000
"""Bytes; a longer legacy script can never be run."""


def push(data: bytes) -> bytes:
    """The shortest script that pushes these bytes by length (numbers 1 to 16 not shortened)."""
    size = len(data)
    if size < OP_PUSHDATA1:
        return bytes((size,)) + data
    if size <= 0xFF:
        return bytes((OP_PUSHDATA1, size)) + data
    if size <= 0xFFFF:
        return bytes((OP_PUSHDATA2,)) + size.to_bytes(2, "little") + data
    return bytes((OP_PUSHDATA4,)) + size.to_bytes(4, "little") + data


def script_number(number: int) -> bytes:
    """A number as scripts hold it: little-endian, sign in the top bit, empty for zero."""
    if number == 0:
        return b""
    size = (abs(number).bit_length() + 8) // 8
    packed = bytearray(abs(number).to_bytes(size, "little"))
    if number < 0:
        packed[-1] |= 0x80
    return bytes(packed)


def push_number(number: int) -> bytes:
    """The script that pushes a number: one opcode for -1 to 16, else its bytes."""
    if number == 0:
        return bytes((OP_0,))
    if number == -1 or 1 <= number <= 16:
        return bytes((OP_1 - 1 + number,))
    return push(script_number(number))


def ops(script: bytes) -> Iterator[tuple[int, bytes | None]]:
    """The operations of a script: opcode, and the pushed bytes where it pushes by length.

    Raises:
        DecodeError: a push goes beyond the end.
    """
    offset, end = 0, len(script)
    while offset < end:
        opcode = script[offset]
        offset += 1
        if opcode > OP_PUSHDATA4:
            yield opcode, None
            continue
        size = opcode
        if opcode >= OP_PUSHDATA1:
            width = 1 << (opcode - OP_PUSHDATA1)
            if offset + width > end:
                raise DecodeError("the length of a push", offset)
            size = int.from_bytes(script[offset : offset + width], "little")
            offset += width
        if offset + size > end:
            raise DecodeError(f"a push of {size} bytes", offset)
        yield opcode, script[offset : offset + size]
        offset += size


def is_shortest_push(opcode: int, data: bytes) -> bool:
    """Whether a push of bytes by length is the shortest there is for them."""
    if len(data) == 1 and (1 <= data[0] <= 16 or data[0] == 0x81):
        return False  # There is an opcode for the number.
    return push(data)[0] == opcode


def is_push_only(script: bytes) -> bool:
    """Whether a script does nothing but push, as a script_sig for segwit and P2SH must."""
    try:
        return all(opcode <= OP_16 for opcode, _ in ops(script))
    except DecodeError:
        return False


def is_unspendable(script: bytes) -> bool:
    """Whether no input can ever satisfy it, so that its coin need not be kept."""
    return script[:1] == b"\x6a" or len(script) > MAX_SCRIPT_SIZE


def witness_program(script: bytes) -> tuple[int, bytes] | None:
    """Version (0 to 16) and program (2 to 40 bytes) of a witness output (BIP 141); else None."""
    if not 4 <= len(script) <= 42 or script[1] + 2 != len(script):
        return None
    if script[0] == OP_0:
        return 0, script[2:]
    if OP_1 <= script[0] <= OP_16:
        return script[0] - OP_1 + 1, script[2:]
    return None


def is_p2sh(script: bytes) -> bool:
    """Whether it is pay to script hash (BIP 16): 23 bytes."""
    return len(script) == 23 and script[:2] == b"\xa9\x14" and script[22] == OP_EQUAL
