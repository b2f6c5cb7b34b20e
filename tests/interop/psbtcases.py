"""PSBTs and signed transactions of every kind and stage, whole and damaged, drawn from a seed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from random import Random

from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.psbt.fields import (
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NON_WITNESS_UTXO,
    PARTIAL_SIG,
    SIGHASH,
    TAP_KEY_SIG,
    TAP_SCRIPT_SIG,
    WITNESS_UTXO,
    Entries,
)
from axon.psbt.partial import MAGIC, PartialTransaction
from axon.psbt.signing import PsbtSigner, final_witness, update_output
from tests.psbt.test_signing import KEYS, PARTLY, VERIFY, WHOLE, X_ONLY, descriptor, keyring_of
from tests.signatures import high_s

MORE = [
    f"tr({X_ONLY[0]},{{pk({KEYS[1]}),{{pk({KEYS[2]}),pk({KEYS[3]})}}}})",
    f"tr(musig({KEYS[0]},{KEYS[1]}),pk(musig({KEYS[1]},{KEYS[2]})))",
    f"wsh(thresh(1,pk({KEYS[0]}),a:0,a:0))",
]
TEXTS = [*WHOLE, *PARTLY, *MORE]
SIGHASHES = ("DEFAULT", "ALL", "NONE", "SINGLE", "ALL|ANYONECANPAY", "SINGLE|ANYONECANPAY", "X")
ANCHOR = b"\x51\x02\x4e\x73"
ODD_SCRIPTS = (ANCHOR, b"\x51", b"\x6a", b"\x52\x02\x01\x02", b"", b"\x00\x14" + bytes(20))


class Drawing:
    """One PSBT and the descriptors that it was made with.

    Args:
        rng: draws all of it.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.texts = rng.sample(TEXTS, rng.randint(1, 3))
        outputs = [TxOut(10_000, descriptor(text).scripts(3)[0]) for text in self.texts]
        self.spent = outputs
        if rng.random() < 0.2:
            outputs.append(TxOut(rng.choice((0, 5_000, -1, 21 * 10**14)), rng.choice(ODD_SCRIPTS)))
        parent = Transaction.build(2, [TxIn(outpoint(Txid(rng.randbytes(32)), 7))], outputs)
        items = [TxIn(outpoint(parent.txid, place), sequence=2) for place, _ in enumerate(outputs)]
        paid = [TxOut(5_000, rng.choice(outputs).script_pubkey) for _ in range(rng.randint(1, 2))]
        self.psbt = PartialTransaction.blank(Transaction.build(2, items, paid, 6))
        for entries, output in zip(self.psbt.inputs, outputs, strict=True):
            told = rng.random()
            if told < 0.7:
                entries[NON_WITNESS_UTXO] = parent.raw
            if told > 0.5:
                entries[WITNESS_UTXO] = output.encode()
        self._work()

    def _work(self) -> None:
        stage = self.rng.choice(("bare", "described", "signed", "final", "mixed"))
        if stage == "bare":
            return
        keyring = keyring_of(self.texts, private=stage != "described")
        signer = PsbtSigner(self.psbt, keyring, VERIFY)
        for index in range(len(self.psbt.inputs)):
            finalize = stage == "final" or (stage == "mixed" and self.rng.random() < 0.5)
            signer.sign(index, finalize=finalize)
        if self.rng.random() < 0.5:
            for index in range(len(self.psbt.outputs)):
                update_output(self.psbt, index, keyring)

    def spoil(self) -> None:
        """Change something in it that a signer, or a stranger, might."""
        entries = self.rng.choice([*self.psbt.inputs, *self.psbt.inputs, *self.psbt.outputs])
        self.rng.choice(_SPOILS)(self.rng, entries)

    @property
    def text(self) -> str:
        """It in base64; damaged maps are written as they are."""
        return b64encode(encoded(self.psbt)).decode()


def encoded(psbt: PartialTransaction) -> bytes:
    """A PSBT whose maps may hold anything."""
    parts = [MAGIC, b"\x01\x00", var_bytes(psbt.transaction.raw)]
    parts += [var_bytes(key) + var_bytes(value) for key, value in psbt.general.items()]
    parts.append(b"\x00")
    for entries in (*psbt.inputs, *psbt.outputs):
        parts += [var_bytes(key) + var_bytes(entries[key]) for key in entries]
        parts.append(b"\x00")
    return b"".join(parts)


def _drop(rng: Random, entries: Entries) -> None:
    if entries:
        del entries[rng.choice(list(entries))]


def _flip(rng: Random, entries: Entries) -> None:
    filled = [key for key, value in entries.items() if value]
    if filled:
        key = rng.choice(filled)
        value = bytearray(entries[key])
        value[rng.randrange(len(value))] ^= 1 << rng.randrange(8)
        entries[key] = bytes(value)


def _cut(rng: Random, entries: Entries) -> None:
    if entries:
        key = rng.choice(list(entries))
        entries[key] = entries[key][: rng.randint(0, len(entries[key]))]


def _flip_key(rng: Random, entries: Entries) -> None:
    if entries:
        old = rng.choice(list(entries))
        key = bytearray(old)
        key[rng.randrange(len(key))] ^= 1 << rng.randrange(8)
        entries[bytes(key)] = entries.pop(old)


def _grow_key(rng: Random, entries: Entries) -> None:
    if entries:
        old = rng.choice(list(entries))
        entries[old + rng.randbytes(rng.choice((1, 2, 32)))] = entries[old]


def _odd_field(rng: Random, entries: Entries) -> None:
    size = rng.choice((0, 1, 32, 33))
    entries[bytes((rng.randrange(256),)) + rng.randbytes(size)] = rng.randbytes(rng.randrange(80))


def _proprietary(rng: Random, entries: Entries) -> None:
    entries[b"\xfc\x02ab" + compact_size(rng.randrange(300)) + rng.randbytes(2)] = b"value"


def _hash_type(rng: Random, entries: Entries) -> None:
    entries[SIGHASH] = rng.choice((0, 1, 2, 3, 0x81, 0x83, 0xFF, 0x101)).to_bytes(4, "little")


def _signature_type(rng: Random, entries: Entries) -> None:
    for key, value in entries.items():
        if key[0] == PARTIAL_SIG and value:
            entries[key] = value[:-1] + bytes((rng.choice((0, 1, 2, 0x81, 0x41)),))
        elif key[0] in (TAP_KEY_SIG[0], TAP_SCRIPT_SIG):
            entries[key] = value[:64] + rng.choice((b"", b"\x01", b"\x02", b"\x00"))


def _high_s(rng: Random, entries: Entries) -> None:
    del rng
    for key, value in entries.items():
        if key[0] == PARTIAL_SIG and len(value) > 60 and value[0] == 0x30:
            entries[key] = high_s(value[:-1]) + value[-1:]


def _witness(rng: Random, entries: Entries) -> None:
    stack = list(final_witness(entries)) if FINAL_WITNESS in entries else [b"\x01"]
    match rng.randrange(5):
        case 0:
            stack.insert(rng.randrange(len(stack) + 1), rng.choice((b"", b"\x01", b"\x51")))
        case 1:
            del stack[rng.randrange(len(stack))]
        case 2:
            stack = [high_s(each[:-1]) + each[-1:] if is_der(each) else each for each in stack]
        case 3:
            place = rng.randrange(len(stack))
            stack[place] = rng.randbytes(len(stack[place]))
        case _:
            stack.append(b"\x50annex")
    entries[FINAL_WITNESS] = compact_size(len(stack)) + b"".join(map(var_bytes, stack))


def is_der(data: bytes) -> bool:
    """Whether bytes look like a signature with a low S."""
    return len(data) in (71, 72) and data[0] == 0x30 and data[3] in (32, 33)


def _script_sig(rng: Random, entries: Entries) -> None:
    before = entries.get(FINAL_SCRIPT_SIG, b"")
    odd = rng.choice((b"\x51", b"\x61", b"\xb0", b"\x4c\x01\x07", b"\x00", b"\xab"))
    entries[FINAL_SCRIPT_SIG] = rng.choice((odd + before, before + odd))


_SPOILS: tuple[Callable[[Random, Entries], None], ...] = (
    _drop, _flip, _cut, _flip_key, _grow_key, _odd_field, _proprietary, _hash_type,
    _signature_type, _high_s, _witness, _script_sig, _drop, _flip, _high_s, _witness,
)  # fmt: skip


def drawings(seed: int, count: int, spoils: int) -> Iterator[Drawing]:
    """PSBTs with so many changes at most.

    Args:
        seed: draws all of them.
    """
    rng = Random(seed)
    for _ in range(count):
        drawing = Drawing(rng)
        for _ in range(rng.randint(0, spoils)):
            drawing.spoil()
        yield drawing
