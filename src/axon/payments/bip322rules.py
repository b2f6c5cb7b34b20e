"""What BIP 322 asks of a signed message beyond the rules by which nodes relay.

The BIP asks for more than blocks do, so that nobody can turn one signature into another one, and so
that what later rules give a meaning is not called valid today. Most of it are rules of relay, which
are verified as the scripts are run (low S, NULLFAIL, MINIMALIF, CLEANSTACK and so on). Read off
here is what these leave open: the hash type of every signature, OP_CODESEPARATOR, signatures inside
of scripts, an annex; and, of branches that are not run as well, high S, pushes that are longer than
needed, and opcodes, leaf and witness versions that are kept for later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from axon.errors import DecodeError
from axon.primitives.keys import CURVE_ORDER
from axon.primitives.script import (
    OP_0,
    OP_1,
    OP_1NEGATE,
    OP_PUSHDATA1,
    OP_PUSHDATA2,
    OP_PUSHDATA4,
    is_p2sh,
    ops,
    witness_program,
)
from axon.primitives.sighash import SIGHASH_ALL
from axon.primitives.taptree import LEAF_VERSIONS, TAPSCRIPT
from axon.primitives.transaction import TxIn, TxOut

_CODESEPARATOR: Final = 0xAB
_RESERVED_NOPS: Final = frozenset((0xB0, *range(0xB3, 0xBA)))
"""OP_NOP1 and OP_NOP4 to OP_NOP10; the two between them are lock times."""

_SUCCESS: Final = frozenset(
    (80, 98, *range(126, 130), *range(131, 135), 137, 138, 141, 142, *range(149, 154))
) | frozenset(range(187, 255))
"""OP_SUCCESSx (BIP 342)."""

_ANNEX: Final = 0x50
_SMALLEST_DER: Final = 9
_LARGEST_DER: Final = 73
_SCHNORR_TYPED: Final = 65


class Broken(Exception):
    """A required rule is broken: the message is not signed."""


class Later(Exception):
    """What is used is kept for later rules: whether the message is signed cannot be said."""


@dataclass(frozen=True, slots=True)
class _Spend:
    """What an input shows: its stack, the scripts that are run, and which kind of signature."""

    stack: tuple[bytes, ...]
    scripts: tuple[bytes, ...]
    taproot: bool = False
    tapscript: bool = False


def check_rules(spender: TxIn, output: TxOut) -> None:
    """See that an input keeps the rules.

    Args:
        spender: with its proofs.
        output: what it spends.

    Raises:
        Broken: a required rule is broken.
        Later: an upgradeable rule is.
    """
    try:
        spend = _spend(spender, output)
        _check_signatures(spend)
        for script in spend.scripts:
            _check_script(script, spend)
    except DecodeError:
        raise Broken("a script that is cut short") from None


def _spend(spender: TxIn, output: TxOut) -> _Spend:
    script = output.script_pubkey
    pushes = _pushes(spender.script_sig)
    program = witness_program(script)
    if program is not None:
        return _witness_spend(*program, spender.witness)
    if is_p2sh(script) and pushes:
        redeem = pushes[-1]
        nested = witness_program(redeem)
        if nested is None:
            return _Spend(pushes[:-1], (redeem,))
        if nested[0]:
            raise Later("a witness version that is not used behind a script hash")
        return _witness_spend(*nested, spender.witness)
    if len(script) == 25 and script[:3] == b"\x76\xa9\x14" and len(pushes) != 2:
        raise Broken("more than a signature and a key")
    return _Spend(pushes, (script,))


def _witness_spend(version: int, program: bytes, witness: tuple[bytes, ...]) -> _Spend:
    if version == 0:
        if len(program) == 20:
            return _Spend(witness, ())
        return _Spend(witness[:-1], witness[-1:])
    if version > 1 or len(program) != 32:
        raise Later("a witness version or size that is kept for later")
    if len(witness) > 1 and witness[-1][:1] == bytes((_ANNEX,)):
        raise Later("an annex, which is kept for later")
    if len(witness) < 2:
        return _Spend(witness, (), taproot=True)
    if not witness[-1] or witness[-1][0] & LEAF_VERSIONS != TAPSCRIPT:
        raise Later("a leaf version that is kept for later")
    return _Spend(witness[:-2], witness[-2:-1], taproot=True, tapscript=True)


def _pushes(script_sig: bytes) -> tuple[bytes, ...]:
    pushed = []
    for opcode, data in ops(script_sig):
        if data is None and not OP_1NEGATE <= opcode <= 0x60:
            raise Broken("an operation that pushes nothing, in front of the script")
        _check_push(opcode, data)
        pushed.append(_small(opcode) if data is None else data)
    return tuple(pushed)


def _small(opcode: int) -> bytes:
    return b"\x81" if opcode == OP_1NEGATE else bytes((opcode - OP_1 + 1,))


def _check_push(opcode: int, data: bytes | None) -> None:
    """MINIMALDATA: each value has one shortest way to be pushed."""
    if data is None:
        return
    size = len(data)
    if size == 0:
        shortest = OP_0
    elif size == 1 and (1 <= data[0] <= 16 or data[0] == 0x81):
        shortest = -1  # There is an opcode for it.
    elif size < OP_PUSHDATA1:
        shortest = size
    elif size <= 0xFF:
        shortest = OP_PUSHDATA1
    else:
        shortest = OP_PUSHDATA2 if size <= 0xFFFF else OP_PUSHDATA4
    if opcode != shortest:
        raise Broken("a push that is longer than needed")


def _check_signatures(spend: _Spend) -> None:
    if spend.taproot:
        for item in spend.stack:
            if len(item) == _SCHNORR_TYPED and item[-1] != SIGHASH_ALL:
                raise Broken("a signature that does not cover everything")
        return
    for signature in _ecdsa(spend.stack):
        if signature[-1] != SIGHASH_ALL:
            raise Broken("a signature that does not cover everything")
        if 2 * int.from_bytes(_s_value(signature), "big") > CURVE_ORDER:
            raise Broken("a signature with a high S")


def _ecdsa(stack: Iterable[bytes]) -> list[bytes]:
    """Those values that have the form of a signature in DER with its hash type."""
    return [
        item
        for item in stack
        if _SMALLEST_DER <= len(item) <= _LARGEST_DER
        and item[0] == 0x30
        and item[1] == len(item) - 3
        and item[2] == 0x02
        and item[3] + 6 < len(item)
        and item[4 + item[3]] == 0x02
    ]


def _s_value(signature: bytes) -> bytes:
    return signature[6 + signature[3] : -1]


def _check_script(script: bytes, spend: _Spend) -> None:
    signatures = frozenset(spend.stack if spend.taproot else _ecdsa(spend.stack))
    if spend.tapscript and any(opcode in _SUCCESS for opcode, _ in ops(script)):
        raise Later("an opcode that is kept for later")
    for opcode, data in ops(script):
        _check_push(opcode, data)
        if opcode == _CODESEPARATOR:
            raise Broken("OP_CODESEPARATOR")
        if data and data in signatures:
            raise Broken("a signature inside of the script that it signs")
        if opcode in _RESERVED_NOPS:
            raise Later("an opcode that is kept for later")
