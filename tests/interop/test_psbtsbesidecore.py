"""PSBT calls beside those of Bitcoin Core, on PSBTs of every kind and stage, whole and damaged."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from random import Random

import pytest

from axon.errors import DecodeError
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint_index, outpoint_txid
from axon.psbt.keyring import NO_KEYS
from axon.psbt.partial import PartialTransaction, is_signed
from axon.psbt.signing import PsbtSigner, extract
from axon.psbt.stream import PsbtFault
from tests.consensus.test_inputs import STANDARD_ONLY, spender
from tests.interop.besidecore import BesideCore, beside_core
from tests.interop.psbtcases import SIGHASHES, TEXTS, Drawing, drawings, encoded
from tests.interop.test_besidecore import hold
from tests.psbt.test_musigs import WAYS
from tests.psbt.test_signing import VERIFY, WIFS, descriptor

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

CASES = 40
"""PSBTs of one seed."""

Calls = list[tuple[str, object]]


@pytest.fixture(name="both", scope="module")
def both_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BesideCore]:
    """Both nodes, with an empty chain."""
    with beside_core(tmp_path_factory.mktemp("psbts")) as both:
        yield both


def looked_at(text: str) -> Calls:
    return [
        ("decodepsbt", [text]),
        ("analyzepsbt", [text]),
        ("finalizepsbt", [text]),
        ("finalizepsbt", [text, False]),
        ("utxoupdatepsbt", [text]),
    ]


def worked_on(drawing: Drawing, rng: Random) -> Calls:
    described = [{"desc": text, "range": [3, 3]} for text in drawing.texts]
    private = [each if "*" in str(each["desc"]) else each["desc"] for each in described]
    calls: Calls = [
        ("utxoupdatepsbt", [drawing.text, private]),
        ("combinepsbt", [[drawing.text, encode(blanked(drawing.psbt, rng))]]),
    ]
    if not any("musig" in text for text in drawing.texts) and not has_bad_proof(drawing.psbt):
        calls += [
            ("descriptorprocesspsbt", [drawing.text, private]),
            ("descriptorprocesspsbt", [drawing.text, private, rng.choice(SIGHASHES), False]),
            ("descriptorprocesspsbt", [drawing.text, private, None, True, False]),
        ]
    return calls


def has_bad_proof(psbt: PartialTransaction) -> bool:
    """Whether an input is final by a proof that is none: Bitcoin Core then calls the PSBT complete,
    or answers with an internal error."""
    try:
        read = PartialTransaction.decode(encoded(psbt))
    except PsbtFault:
        return False
    signer = PsbtSigner(read, NO_KEYS, VERIFY)
    return any(
        is_signed(entries) and not signer.is_verified(index)
        for index, entries in enumerate(read.inputs)
    )


def blanked(psbt: PartialTransaction, rng: Random) -> PartialTransaction:
    """The same with some of its fields."""
    copy = psbt.copy()
    for entries in (*copy.inputs, *copy.outputs):
        for key in [key for key in entries if rng.random() < 0.4]:
            del entries[key]
    return copy


def encode(psbt: PartialTransaction) -> str:
    return b64encode(encoded(psbt)).decode()


@pytest.mark.parametrize("seed", range(6))
def test_psbts(both: BesideCore, seed: int) -> None:
    calls: Calls = []
    rng = Random(seed)
    for drawing in drawings(seed, CASES, spoils=seed % 3):
        calls += looked_at(drawing.text)
        calls += worked_on(drawing, rng)
    hold(both, calls)


def test_bytes_that_are_cut_or_changed(both: BesideCore) -> None:
    calls: Calls = []
    rng = Random(7)
    for drawing in drawings(7, 60, spoils=0):
        raw = bytearray(encoded(drawing.psbt))
        for _ in range(rng.randint(1, 3)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        for damaged in (raw, raw[: rng.randrange(len(raw))], raw + b"\x00"):
            calls += looked_at(b64encode(damaged).decode())
    hold(both, calls)


def test_signatures_of_all_signers_are_put_together(both: BesideCore) -> None:
    hold(both, [call for made in WAYS for call in looked_at(made().to_base64())])


def prevtxs(transaction: Transaction, spent: list[TxOut]) -> list[dict[str, object]]:
    """What is spent, as callers tell it."""
    return [
        {
            "txid": to_hex(outpoint_txid(item.prevout)),
            "vout": outpoint_index(item.prevout),
            "scriptPubKey": output.script_pubkey.hex(),
            "amount": f"{output.amount_sat / 10**8:.8f}",
        }
        for item, output in zip(transaction.inputs, spent, strict=True)
    ]


def test_raw_transactions_with_proofs(both: BesideCore) -> None:
    calls: Calls = []
    for script, script_sig, stack, _ in STANDARD_ONLY:
        transaction, spent = spender(script)
        (item,) = transaction.inputs
        proved = Transaction.build(
            2,
            [TxIn(item.prevout, script_sig, item.sequence, stack)],
            transaction.outputs,
        )
        told = {
            "txid": to_hex(outpoint_txid(item.prevout)),
            "vout": 0,
            "scriptPubKey": script.hex(),
            "amount": f"{spent[0].amount_sat / 10**8:.8f}",
        }
        for wifs in ([], WIFS[:1]):
            calls.append(("signrawtransactionwithkey", [proved.raw.hex(), wifs, [told]]))
    for seed in (11, 12):
        for drawing in drawings(seed, CASES, spoils=seed % 2):
            try:
                raw = extract(drawing.psbt)
            except DecodeError:
                continue
            told_all = prevtxs(raw, drawing.spent)
            for wifs in ([], WIFS):
                calls.append(("signrawtransactionwithkey", [raw.raw.hex(), wifs, told_all]))
    hold(both, calls)


def test_descriptors_of_the_cases(both: BesideCore) -> None:
    many = f"tr({TEXTS[-3][3:67]},thresh(1,pk({TEXTS[-3][3:67]}){',a:0' * 1_000}))"
    calls: Calls = [("getdescriptorinfo", [text]) for text in (*TEXTS, many)]
    calls.append(("decodescript", [descriptor(many).scripts()[0].hex()]))
    hold(both, calls)
