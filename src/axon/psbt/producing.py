"""The proof that satisfies an output, from what is known and what a signer has.

It is made as Bitcoin Core 31 makes it: legacy scripts by their kind, what stands behind a witness
script hash or in a tapscript leaf also as miniscript. What is found on the way is noted, a whole
proof or not, and so is what is missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from axon.primitives.encoding import compact_size
from axon.primitives.hashes import hash160
from axon.primitives.miniscript.decoding import decode_miniscript
from axon.primitives.miniscript.fragments import ScriptContext
from axon.primitives.miniscript.satisfying import Satisfier, satisfy
from axon.primitives.script import push, push_number
from axon.primitives.solver import (
    SCRIPTHASH,
    WITNESS_UNKNOWN,
    WITNESS_V0_KEYHASH,
    WITNESS_V0_SCRIPTHASH,
    WITNESS_V1_TAPROOT,
    Solved,
    solve,
)
from axon.primitives.taptree import TAPSCRIPT, leaf_hash
from axon.primitives.transaction import TxOut
from axon.psbt.creator import Creator
from axon.psbt.gathered import Gathered
from axon.psbt.keyring import Keyring
from axon.psbt.musigs import together

Stack = list[bytes]
Signing = Callable[[bytes], bytes]
"""Signs with the key that is named; empty if it cannot."""


def produce(
    keyring: Keyring,
    creator: Creator,
    output: TxOut,
    known: Gathered,
    go_on: Callable[[], None] = lambda: None,
) -> bool:
    """Make the proof for an output, as far as it can be made; whether it is whole.

    Args:
        known: what is known already; more is noted in it.
        go_on: called for each script that is tried; what it raises ends the work.
    """
    if known.is_complete:
        return True
    maker = _Maker(keyring, creator, known, go_on)
    solved = solve(output.script_pubkey)
    stack = maker.step(output.script_pubkey, solved, witness=False)
    is_solved, wrapped, redeem = stack is not None, solved.kind == SCRIPTHASH, b""
    parts = stack if stack is not None else maker.left
    if is_solved and wrapped:
        redeem = parts[0]
        known.redeem_script = redeem
        solved = solve(redeem)
        stack = maker.step(redeem, solved, witness=False)
        is_solved = stack is not None and solved.kind != SCRIPTHASH
        parts = stack if stack is not None else maker.left
    else:
        wrapped = False
    is_solved, parts = _witness(maker, solved, is_solved, parts, wrapped=wrapped)
    if not known.is_witness:
        known.witness = ()
    known.script_sig = b"".join(map(_push, [*parts, redeem] if wrapped else parts))
    known.is_complete = is_solved and creator.proves(output, known.script_sig, known.witness)
    return known.is_complete


def _witness(
    maker: _Maker, solved: Solved, is_solved: bool, parts: Stack, *, wrapped: bool
) -> tuple[bool, Stack]:
    """Make the witness of a witness output; whether it is whole, and what is left to be pushed."""
    known = maker.known
    if is_solved and solved.kind == WITNESS_V0_KEYHASH:
        script = b"\x76\xa9\x14" + parts[0] + b"\x88\xac"
        stack = maker.step(script, solve(script), witness=True)
        known.witness, known.is_witness = tuple(maker.left if stack is None else stack), True
        return stack is not None, []
    if is_solved and solved.kind == WITNESS_V0_SCRIPTHASH:
        script = parts[0]
        known.witness_script = script
        inner = solve(script)
        stack = maker.step(script, inner, witness=True)
        if inner.kind in (SCRIPTHASH, WITNESS_V0_SCRIPTHASH, WITNESS_V0_KEYHASH):
            stack = None
        if stack is None and not maker.left:
            stack = maker.by_miniscript(script)
        known.witness = (*(maker.left if stack is None else stack), script)
        known.is_witness = True
        return stack is not None, []
    if solved.kind == WITNESS_V1_TAPROOT and not wrapped:
        known.is_witness = True
        if is_solved:
            known.witness = tuple(parts)
        return is_solved, []
    if is_solved and solved.kind == WITNESS_UNKNOWN:
        known.is_witness = True
    return is_solved, parts


def _push(data: bytes) -> bytes:
    """The shortest push, by an opcode of its own where there is one."""
    if len(data) == 1 and (1 <= data[0] <= 16 or data[0] == 0x81):
        return push_number(data[0] if data[0] <= 16 else -1)
    return push(data)


def _ripemd160(data: bytes) -> bytes:
    return hashlib.new("ripemd160", data).digest()


def _size(stack: Stack) -> int:
    """Bytes of a witness."""
    items = sum(len(compact_size(len(item))) + len(item) for item in stack)
    return len(compact_size(len(stack))) + items


class _Maker:
    """Makes stacks for scripts.

    Attributes:
        left: what was made of a stack that is not whole.
    """

    def __init__(
        self, keyring: Keyring, creator: Creator, known: Gathered, go_on: Callable[[], None]
    ) -> None:
        self.keyring, self.creator, self.known = keyring, creator, known
        self.go_on = go_on
        self.left: Stack = []

    def step(self, script: bytes, solved: Solved, *, witness: bool) -> Stack | None:
        """What a script of a known kind is given; None if that is not whole."""
        self.left = []
        missing = self.known.missing
        match solved.kind:
            case "pubkey":
                signature = self._signature(solved.parts[0], script, witness=witness)
                return [signature] if signature else None
            case "pubkeyhash":
                key = self.find_key(solved.parts[0])
                if key is None:
                    return None
                signature = self._signature(key, script, witness=witness)
                return [signature, key] if signature else None
            case "multisig":
                return self._multisig(script, solved, witness=witness)
            case "scripthash":
                found = self._script(solved.parts[0])
                if found is None:
                    missing.redeem_script = solved.parts[0]
                return None if found is None else [found]
            case "witness_v0_scripthash":
                found = self._script(_ripemd160(solved.parts[0]))
                if found is None:
                    missing.witness_script = solved.parts[0]
                return None if found is None else [found]
            case "witness_v0_keyhash":
                return [solved.parts[0]]
            case "witness_v1_taproot":
                return self._taproot(solved.parts[0])
            case "anchor":
                return []
        return None

    def find_key(self, key_hash: bytes) -> bytes | None:
        """The public key with this hash; noted as missing if it is nowhere."""
        key = self.known.key_of(key_hash) or self.keyring.keys.get(key_hash)
        if key is None:
            self.known.missing.keys.append(key_hash)
        return key

    def _script(self, script_hash: bytes) -> bytes | None:
        found = self.keyring.scripts.get(script_hash)
        if found is not None:
            return found
        for script in (self.known.redeem_script, self.known.witness_script):
            if hash160(script) == script_hash:
                return script
        return None

    def _signature(self, key: bytes, script: bytes, *, witness: bool) -> bytes:
        known, name = self.known, hash160(key)
        if name in known.signatures:
            return known.signatures[name][1]
        origin = self.keyring.origins.get(name)
        if origin is not None:
            known.origins.setdefault(name, (key, origin))
        signature = self.creator.ecdsa(self.keyring, key, script, witness=witness)
        if signature:
            known.signatures[name] = key, signature
        else:
            known.missing.signatures.append(name)
        return signature

    def _multisig(self, script: bytes, solved: Solved, *, witness: bool) -> Stack | None:
        """All signatures are made; as many as needed are shown, behind an empty element."""
        made = [self._signature(key, script, witness=witness) for key in solved.parts]
        stack = [b"", *[each for each in made if each][: solved.required]]
        if len(stack) == solved.required + 1:
            return stack
        self.left = stack + [b""] * (solved.required + 1 - len(stack))
        return None

    def by_miniscript(self, script: bytes) -> Stack | None:
        """What a witness script is given, read as miniscript."""

        def sign(key: bytes) -> bytes:
            return self._signature(key, script, witness=True)

        return self._satisfied(script, ScriptContext.P2WSH, sign)

    def _satisfied(self, script: bytes, context: ScriptContext, sign: Signing) -> Stack | None:
        def find(key_hash: bytes) -> bytes | None:
            key = self.find_key(key_hash)
            return key if key is None or context is ScriptContext.P2WSH else key[1:]

        node = decode_miniscript(script, context, find)
        if node is None:
            return None
        creator, known = self.creator, self.known
        satisfier = Satisfier(sign, creator.reaches, creator.waits, known.preimages)
        return satisfy(node, satisfier)

    def _taproot(self, output: bytes) -> Stack | None:
        keyring, known = self.keyring, self.known
        spend = keyring.spends.get(output)
        if spend is not None:
            known.take_spend(spend)
            known.tree = spend.leaves
        known.participants |= keyring.aggregates
        for key in (known.internal_key, output):
            origin = keyring.x_only_origin(key)
            if origin is not None:
                known.note_tap_origin(key, origin)
        if not known.tap_key_sig and known.internal_key:
            known.tap_key_sig = self._schnorr(known.internal_key, root=known.merkle_root)
        if not known.tap_key_sig:
            known.tap_key_sig = self._schnorr(output)
        if known.tap_key_sig:
            return [known.tap_key_sig]
        return self._tap_script()

    def _schnorr(
        self, key: bytes, *, leaf: bytes | None = None, root: bytes | None = None
    ) -> bytes:
        """A signature by one signer, or by all of those who have the key together."""
        made = self.creator.schnorr(self.keyring, key, leaf=leaf, root=root)
        return made or together(self.keyring, self.creator, self.known, key, leaf=leaf, root=root)

    def _tap_script(self) -> Stack | None:
        """The shortest way to spend by a script; every one is tried, for the signatures."""
        best: Stack | None = None
        for (script, version), controls in sorted(self.known.leaf_scripts.items()):
            self.go_on()
            stack = self._leaf(script) if version == TAPSCRIPT else None
            if stack is not None:
                stack += [script, min(controls, key=lambda each: (len(each), each))]
                if best is None or _size(stack) < _size(best):
                    best = stack
        return best

    def _leaf(self, script: bytes) -> Stack | None:
        leaf, known = leaf_hash(script), self.known

        def sign(key: bytes) -> bytes:
            origin = self.keyring.x_only_origin(key)
            if origin is not None:
                known.note_tap_origin(key, origin, leaf)
            signature = known.tap_script_sigs.get((key, leaf), b"")
            signature = signature or self._schnorr(key, leaf=leaf)
            if signature:
                known.tap_script_sigs[key, leaf] = signature
            return signature

        return self._satisfied(script, ScriptContext.TAPSCRIPT, sign)
