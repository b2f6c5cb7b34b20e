"""What kind of output a script is, how it reads as text, and how many signatures it may check.

Kinds carry Bitcoin Core's names, as RPC shows them. Nothing is run: all is read off the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.errors import DecodeError
from axon.primitives.der import is_der_signature
from axon.primitives.script import (
    OP_0,
    OP_1,
    OP_1NEGATE,
    OP_16,
    OP_CHECKMULTISIG,
    OP_CHECKMULTISIGVERIFY,
    OP_CHECKSIG,
    OP_CHECKSIGVERIFY,
    OP_PUSHDATA4,
    OP_RESERVED,
    OP_RETURN,
    is_p2sh,
    is_push_only,
    is_unspendable,
    ops,
    script_number,
    witness_program,
)

PUBKEY: Final = "pubkey"
PUBKEYHASH: Final = "pubkeyhash"
SCRIPTHASH: Final = "scripthash"
MULTISIG: Final = "multisig"
NULLDATA: Final = "nulldata"
WITNESS_V0_KEYHASH: Final = "witness_v0_keyhash"
WITNESS_V0_SCRIPTHASH: Final = "witness_v0_scripthash"
WITNESS_V1_TAPROOT: Final = "witness_v1_taproot"
WITNESS_UNKNOWN: Final = "witness_unknown"
ANCHOR: Final = "anchor"
NONSTANDARD: Final = "nonstandard"

ANCHOR_SCRIPT: Final = bytes.fromhex("51024e73")
"""Pay to anchor: anybody may spend it, with an empty witness."""

MAX_MULTISIG_KEYS: Final = 20
"""Public keys that one OP_CHECKMULTISIG may look at; counted in full where the number is unsure."""

_MAX_MULTISIG_SIZE: Final = 2 + MAX_MULTISIG_KEYS * (5 + 65) + 2 + 1
"""Bytes of a multisig output: two numbers, long keys behind the longest form of a push, an opcode.
What is longer is not worth being taken apart, whoever sent it."""

_NUMBER_SIZE = 4
_WORDS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Solved:
    """What a script was found to be.

    Args:
        kind: one of this module's names.
        parts: pubkey: the key; pubkeyhash and scripthash: the 20 bytes; multisig: the keys;
            witness outputs: the program; else empty.
        required: multisig: how many signatures; witness outputs: the version; else 0.
    """

    kind: str
    parts: tuple[bytes, ...] = ()
    required: int = 0


def solve(script: bytes) -> Solved:
    """What kind of output this script is, with its parts."""
    size = len(script)
    if is_p2sh(script):
        return Solved(SCRIPTHASH, (script[2:22],))
    program = witness_program(script)
    if program is not None:
        return _solve_witness(script, *program)
    if size and script[0] == OP_RETURN and is_push_only(script[1:]):
        return Solved(NULLDATA)
    if size == 25 and script.startswith(b"\x76\xa9\x14") and script.endswith(b"\x88\xac"):
        return Solved(PUBKEYHASH, (script[3:23],))
    if size in (35, 67) and script[-1] == OP_CHECKSIG and script[0] == size - 2:
        if _is_key(script[1:-1]):
            return Solved(PUBKEY, (script[1:-1],))
    if size <= _MAX_MULTISIG_SIZE and script.endswith(bytes((OP_CHECKMULTISIG,))):
        return _solve_multisig(script)
    return Solved(NONSTANDARD)


def _solve_witness(script: bytes, version: int, program: bytes) -> Solved:
    size = len(program)
    if version == 0:
        if size == 20:
            return Solved(WITNESS_V0_KEYHASH, (program,))
        if size == 32:
            return Solved(WITNESS_V0_SCRIPTHASH, (program,))
        return Solved(NONSTANDARD)
    if version == 1 and size == 32:
        return Solved(WITNESS_V1_TAPROOT, (program,), 1)
    if script == ANCHOR_SCRIPT:
        return Solved(ANCHOR, (program,), 1)
    return Solved(WITNESS_UNKNOWN, (program,), version)


def _solve_multisig(script: bytes) -> Solved:
    try:
        operations = list(ops(script))
    except DecodeError:
        return Solved(NONSTANDARD)
    if len(operations) < 3:
        return Solved(NONSTANDARD)
    required, total = _small_number(*operations[0]), _small_number(*operations[-2])
    keys = tuple([data for _, data in operations[1:-2] if data is not None and _is_key(data)])
    if len(keys) != len(operations) - 3 or required is None or total != len(keys):
        return Solved(NONSTANDARD)
    if not 1 <= required <= total <= MAX_MULTISIG_KEYS:
        return Solved(NONSTANDARD)
    return Solved(MULTISIG, keys, required)


def _small_number(opcode: int, data: bytes | None) -> int | None:
    """A number from 1 to 20 in its shortest form; None for anything else."""
    if OP_1 <= opcode <= OP_16:
        return opcode - OP_1 + 1
    if data is not None and len(data) == 1 and opcode == 1 and OP_16 - OP_1 + 1 < data[0] <= 20:
        return data[0]
    return None


def _is_key(data: bytes) -> bool:
    """Whether the size fits the first byte of a public key."""
    if len(data) == 33:
        return data[0] in (2, 3)
    return len(data) == 65 and data[0] in (4, 6, 7)


def kind_of(script: bytes) -> str:
    """The kind alone; quicker than `solve` for what is common."""
    size = len(script)
    if size == 22 and script[0] == OP_0 and script[1] == 20:
        return WITNESS_V0_KEYHASH
    if size == 34 and script[1] == 32:
        if script[0] == OP_1:
            return WITNESS_V1_TAPROOT
        if script[0] == OP_0:
            return WITNESS_V0_SCRIPTHASH
    return solve(script).kind


def last_push(script_sig: bytes) -> bytes | None:
    """What a script of pushes leaves on top of the stack: the redeem script, behind P2SH.

    Returns:
        None if it is empty, is cut short, or does more than push.
    """
    top: bytes | None = None
    try:
        for opcode, data in ops(script_sig):
            if opcode > OP_16 or opcode == OP_RESERVED:
                return None
            top = data if data is not None else script_number(opcode - OP_1 + 1)
    except DecodeError:
        return None
    return top


def sigops(script: bytes, accurate: bool = False) -> int:
    """Signature checks that a script may make, counted without running it.

    Args:
        accurate: whether a multisig behind a number from 1 to 16 counts as that many (BIP 16)
            instead of 20.

    Returns:
        The count up to where the script ends or is cut short.
    """
    count, before = 0, 0xFF
    try:
        for opcode, _ in ops(script):
            if opcode in (OP_CHECKSIG, OP_CHECKSIGVERIFY):
                count += 1
            elif opcode in (OP_CHECKMULTISIG, OP_CHECKMULTISIGVERIFY):
                exact = accurate and OP_1 <= before <= OP_16
                count += before - OP_1 + 1 if exact else MAX_MULTISIG_KEYS
            before = opcode
    except DecodeError:
        return count
    return count


def p2sh_sigops(script_sig: bytes) -> int:
    """Signature checks in the redeem script that an input of a P2SH output shows (BIP 16)."""
    top = _last_data(script_sig)
    return sigops(top, accurate=True) if top else 0


def witness_sigops(script_pubkey: bytes, script_sig: bytes, witness: Sequence[bytes]) -> int:
    """Signature checks of a version 0 witness input, native or behind P2SH (BIP 141)."""
    program = witness_program(script_pubkey)
    if program is None and is_p2sh(script_pubkey):
        program = witness_program(_last_data(script_sig) or b"")
    if program is None or program[0] != 0:
        return 0
    if len(program[1]) == 20:
        return 1
    return sigops(witness[-1], accurate=True) if len(program[1]) == 32 and witness else 0


def _last_data(script_sig: bytes) -> bytes | None:
    """The last bytes pushed by length; None if the script is cut short or does more than push."""
    top: bytes | None = None
    try:
        for opcode, data in ops(script_sig):
            if opcode > OP_16:
                return None
            top = data or b""
    except DecodeError:
        return None
    return top


def asm(script: bytes, sighash: bool = False) -> str:
    """A script as people read it: opcodes by name, pushes in hex, short ones as numbers.

    Args:
        sighash: whether what looks like a signature is shown with the name of its hash type, as
            RPC does for inputs.
    """
    words: list[str] = []
    parts: list[str] = []
    named = sighash and not is_unspendable(script)
    try:
        for opcode, data in ops(script):
            if len(words) == _WORDS_AT_ONCE:
                parts.append(" ".join(words))  # A list of millions is long to join and to free.
                words.clear()
            if opcode > OP_PUSHDATA4:
                words.append(_opcode_name(opcode))
            elif data is None or len(data) <= _NUMBER_SIZE:
                words.append(str(_number(data or b"")))
            else:
                words.append(_signature(data) if named else data.hex())
    except DecodeError:
        words.append("[error]")
    return " ".join(parts + words)


def _number(data: bytes) -> int:
    if not data:
        return 0
    size = int.from_bytes(data, "little")
    sign = 0x80 << (8 * (len(data) - 1))
    return -(size ^ sign) if size & sign else size


_SIGHASHES: Final = {
    0x01: "ALL",
    0x02: "NONE",
    0x03: "SINGLE",
    0x81: "ALL|ANYONECANPAY",
    0x82: "NONE|ANYONECANPAY",
    0x83: "SINGLE|ANYONECANPAY",
}


def _signature(data: bytes) -> str:
    name = _SIGHASHES.get(data[-1])
    if name is None or not is_der_signature(data):
        return data.hex()
    return f"{data[:-1].hex()}[{name}]"


_NAMES_TEXT = (
    "VER IF NOTIF VERIF VERNOTIF ELSE ENDIF VERIFY RETURN TOALTSTACK FROMALTSTACK 2DROP 2DUP 3DUP"
    " 2OVER 2ROT 2SWAP IFDUP DEPTH DROP DUP NIP OVER PICK ROLL ROT SWAP TUCK CAT SUBSTR LEFT RIGHT"
    " SIZE INVERT AND OR XOR EQUAL EQUALVERIFY RESERVED1 RESERVED2 1ADD 1SUB 2MUL 2DIV NEGATE ABS"
    " NOT 0NOTEQUAL ADD SUB MUL DIV MOD LSHIFT RSHIFT BOOLAND BOOLOR NUMEQUAL NUMEQUALVERIFY"
    " NUMNOTEQUAL LESSTHAN GREATERTHAN LESSTHANOREQUAL GREATERTHANOREQUAL MIN MAX WITHIN RIPEMD160"
    " SHA1 SHA256 HASH160 HASH256 CODESEPARATOR CHECKSIG CHECKSIGVERIFY CHECKMULTISIG"
    " CHECKMULTISIGVERIFY NOP1 CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY NOP4 NOP5 NOP6 NOP7 NOP8"
    " NOP9 NOP10 CHECKSIGADD"
)

_NAMES: Final = tuple(_NAMES_TEXT.split())
"""The opcodes behind OP_NOP, from 0x62 on."""

_OP_NOP = 0x61


def _opcode_name(opcode: int) -> str:
    if opcode == OP_1NEGATE:
        return "-1"
    if opcode == OP_RESERVED:
        return "OP_RESERVED"
    if opcode <= OP_16:
        return str(opcode - OP_1 + 1)
    if opcode == _OP_NOP:
        return "OP_NOP"
    position = opcode - _OP_NOP - 1
    if position < len(_NAMES):
        return f"OP_{_NAMES[position]}"
    return "OP_INVALIDOPCODE" if opcode == 0xFF else "OP_UNKNOWN"
