"""Labels: on what they stand, and their exchange by BIP 329."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.hashes import Txid, sha256, to_hex
from axon.primitives.transaction import COIN, outpoint
from axon.wallet.errors import BadLabel, CoinUnavailable
from axon.wallet.labels import MAX_LABEL, Imported, LabelKind, outpoint_ref, parse_outpoint
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, Scene, new_wallet

TXID = Txid(sha256(b"some"))
TX, COIN_REF = to_hex(TXID), f"{to_hex(TXID)}:7"


@given(st.binary(min_size=32, max_size=32), st.integers(0, 999_999))
def test_coins_are_written_as_they_are_read(txid: bytes, index: int) -> None:
    point = outpoint(Txid(txid), index)
    assert parse_outpoint(outpoint_ref(point)) == point


@pytest.mark.parametrize(
    "text", ["", "x", TX, TX + ":", TX + ":-1", TX + ":x", ":1", TX[1:] + ":1", TX + ":²"]
)
def test_what_is_no_coin(text: str) -> None:
    with pytest.raises(BadLabel, match="txid:index"):
        parse_outpoint(text)


def test_labels_stand_on_three_things() -> None:
    scene = Scene()
    point = scene.receive(COIN)
    txid_hex, address = to_hex(Txid(point[:32])), scene.wallet.coins()[0].address
    wallet = scene.wallet
    wallet.set_label(LabelKind.TRANSACTION, txid_hex, "wages")
    wallet.set_label(LabelKind.ADDRESS, address.upper(), "for Bob")
    wallet.set_label(LabelKind.COIN, outpoint_ref(point), "keep")
    assert wallet.history()[0].label == "wages"
    assert wallet.addresses()[0].label == "for Bob"
    assert wallet.coins()[0].label == "keep"
    wallet.set_label(LabelKind.COIN, outpoint_ref(point), "")
    assert wallet.coins()[0].label == ""
    assert wallet.label(LabelKind.TRANSACTION, txid_hex) == "wages"


@pytest.mark.parametrize(
    ("kind", "ref", "text", "says"),
    [
        (LabelKind.TRANSACTION, "zz", "x", "64 hex digits"),
        (
            LabelKind.ADDRESS,
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "x",
            "regtest, not of main",
        ),
        (LabelKind.COIN, TX, "x", "txid:index"),
        (LabelKind.TRANSACTION, TX, "x" * (MAX_LABEL + 1), "at most 255"),
        (LabelKind.TRANSACTION, TX, "two\nlines", "one line"),
    ],
)
def test_wrong_labels(kind: LabelKind, ref: str, text: str, says: str) -> None:
    with pytest.raises(BadLabel, match=says):
        new_wallet().set_label(kind, ref, text)


def test_labels_travel() -> None:
    scene = Scene()
    point = scene.receive(COIN)
    scene.wallet.set_label(LabelKind.TRANSACTION, TX, "größer – ₿")
    scene.wallet.set_label(LabelKind.ADDRESS, BOB.address(), "Bob")
    scene.wallet.set_label(LabelKind.COIN, COIN_REF, "elsewhere")
    scene.wallet.freeze(point)
    text = scene.wallet.export_labels()
    assert [json.loads(line) for line in text.splitlines()] == [
        {"type": "addr", "ref": BOB.address(), "label": "Bob"},
        {"type": "output", "ref": COIN_REF, "label": "elsewhere", "spendable": True},
        {"type": "tx", "ref": TX, "label": "größer – ₿"},
        {"type": "output", "ref": outpoint_ref(point), "spendable": False},
    ]
    other = Scene()
    other.receive(COIN)
    assert other.wallet.import_labels(text) == Imported(taken=4, skipped=0)
    assert other.wallet.export_labels() == text
    assert other.wallet.coins()[0].frozen


def test_foreign_lines_are_skipped_and_long_labels_cut() -> None:
    lines = [
        {"type": "xpub", "ref": "xpub...", "label": "key"},
        {"type": "tx", "ref": TX, "label": "x" * 500, "origin": "wpkh()"},
        {"type": "tx", "ref": 7},
        {"ref": TX},
    ]
    wallet = new_wallet()
    text = "\n\n".join(map(json.dumps, lines))
    assert wallet.import_labels(text) == Imported(taken=1, skipped=3)
    assert wallet.label(LabelKind.TRANSACTION, TX) == "x" * MAX_LABEL


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "7",
        "[" * 100_000,
        '{"type": "tx", "ref": "zz", "label": "x"}',
        '{"type": "output", "ref": "x", "spendable": false}',
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_taken(line: str) -> None:
    wallet = new_wallet()
    good = json.dumps({"type": "tx", "ref": TX, "label": "x"})
    with pytest.raises(BadLabel, match="line 2"):
        wallet.import_labels(f"{good}\n{line}\n")
    assert wallet.export_labels() == ""


def test_only_a_coin_of_ours_is_frozen() -> None:
    wallet: Wallet = new_wallet()
    with pytest.raises(CoinUnavailable, match="no unspent coin"):
        wallet.freeze(outpoint(TXID, 0))
    wallet.unfreeze(outpoint(TXID, 0))
