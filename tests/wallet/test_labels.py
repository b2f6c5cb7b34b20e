"""Labels: on what they stand, and their exchange by BIP 329."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.hashes import Txid, sha256, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, outpoint
from axon.wallet.errors import BadLabel, CoinUnavailable
from axon.wallet.keys import watch
from axon.wallet.labels import (
    MAX_LABEL,
    MAX_LEFT_OUT,
    Imported,
    LabelKind,
    outpoint_ref,
    parse_outpoint,
)
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, Scene, new_wallet, source

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
        {"type": "tx", "ref": TX},
    ]
    wallet = new_wallet()
    imported = wallet.import_labels("\n\n".join(map(json.dumps, lines)))
    assert (imported.taken, imported.skipped) == (1, 4)
    assert [(each.line, each.reason) for each in imported.left_out] == [
        (1, "axon labels no 'xpub'"),
        (5, "expected texts for 'ref' and 'label'"),
        (7, "axon labels no 'None'"),
        (9, "it has no label"),
    ]
    assert wallet.label(LabelKind.TRANSACTION, TX) == "x" * MAX_LABEL


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "a JSON object"),
        ("7", "a JSON object"),
        ("[" * 100_000, "a JSON object"),
        ('{"type": "tx", "ref": "zz", "label": "x"}', "64 hex digits"),
        ('{"type": "output", "ref": "x", "spendable": false}', "txid:index"),
        (
            '{"type": "addr", "ref": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "label": "t"}',
            "regtest, not of test",
        ),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_taken(line: str, reason: str) -> None:
    wallet = new_wallet()
    good = json.dumps({"type": "tx", "ref": TX, "label": "x"})
    imported = wallet.import_labels(f"{line}\n{good}\n")
    assert (imported.taken, imported.skipped) == (1, 1)
    assert imported.left_out[0].line == 1
    assert reason in imported.left_out[0].reason
    assert wallet.label(LabelKind.TRANSACTION, TX) == "x"


def test_so_many_wrong_lines_are_named_and_all_are_counted() -> None:
    imported = new_wallet().import_labels("x\n" * (MAX_LEFT_OUT + 5))
    assert (imported.skipped, len(imported.left_out)) == (MAX_LEFT_OUT + 5, MAX_LEFT_OUT)


@pytest.mark.parametrize(
    "text",
    [
        "Loyer\u00a0: mai",  # A no-break space, as French keyboards write it.
        "家賃\u3000五月",
        "👨\u200d👩\u200d👧",
        "שכר\u200f",
    ],
)
def test_labels_are_any_text(text: str) -> None:
    wallet = new_wallet()
    wallet.set_label(LabelKind.TRANSACTION, TX, text)
    assert wallet.label(LabelKind.TRANSACTION, TX) == text
    other = new_wallet()
    assert other.import_labels(wallet.export_labels()).taken == 1
    assert other.export_labels() == wallet.export_labels()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\tb\r\n", "a b"),
        ("a\x00\x1b[31mb\x7f\x85", "a[31mb"),
        ("two\u2028lines", "two lines"),
        ("half \ud83d", "half"),
        ("turned \u202e00.1\u202c", "turned 00.1"),
        ("\x07", ""),
    ],
)
def test_control_characters_are_dropped(text: str, kept: str) -> None:
    wallet = new_wallet()
    wallet.set_label(LabelKind.TRANSACTION, TX, "before")
    wallet.set_label(LabelKind.TRANSACTION, TX, text)
    assert wallet.label(LabelKind.TRANSACTION, TX) == kept


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_files_of_other_systems(mark: str, ends: str) -> None:
    lines = [json.dumps({"type": "tx", "ref": TX, "label": "x"}), ""]
    wallet = new_wallet()
    assert wallet.import_labels(mark + ends.join(lines)) == Imported(taken=1, skipped=0)
    assert wallet.label(LabelKind.TRANSACTION, TX) == "x"


def origin_of(wallet: Wallet) -> str:
    """As other programs write it: the descriptor without key and path."""
    receive = wallet.source.descriptors.receive
    return receive[: receive.index("]") + 1].replace("'", "h") + ")"


def test_what_another_wallet_says_of_the_same_payment_is_not_ours() -> None:
    wallet = new_wallet()
    own = origin_of(wallet)
    lines = [
        {"type": "tx", "ref": TX, "label": "mine", "origin": own},
        {"type": "tx", "ref": TX, "label": "other", "origin": "wpkh([00000000/84h/1h/5h])"},
        {"type": "tx", "ref": TX, "label": "kind", "origin": own.replace("wpkh", "pkh")},
    ]
    imported = wallet.import_labels("\n".join(map(json.dumps, lines)))
    assert (imported.taken, imported.skipped) == (1, 2)
    assert imported.left_out[0].reason == "its origin is another wallet"
    assert wallet.label(LabelKind.TRANSACTION, TX) == "mine"
    lines[0] |= {
        "label": "in their spelling",
        "origin": own.replace("h", "'").replace("wpk'", "wpkh"),
    }
    assert wallet.import_labels(json.dumps(lines[0])).taken == 1


def test_where_origins_cannot_be_compared_a_label_is_taken() -> None:
    text = source().descriptors.receive
    bare = text[: text.index("[")] + text[text.index("]") + 1 :].partition("#")[0]
    wallet = new_wallet(made_of=watch(REGTEST, bare))
    line = {"type": "tx", "ref": TX, "label": "x", "origin": "wpkh([00000000/84h/1h/5h])"}
    assert wallet.import_labels(json.dumps(line)).taken == 1


def test_only_a_coin_of_ours_is_frozen() -> None:
    wallet: Wallet = new_wallet()
    with pytest.raises(CoinUnavailable, match="no unspent coin"):
        wallet.freeze(outpoint(TXID, 0))
    wallet.unfreeze(outpoint(TXID, 0))


def test_a_line_that_does_not_say_whether_a_coin_is_spendable_is_left_out() -> None:
    ref = f"{'ab' * 32}:0"
    line = f'{{"type": "output", "ref": "{ref}", "label": "rent", "spendable": "no"}}'
    imported = new_wallet().import_labels(line)
    assert (imported.taken, imported.skipped) == (0, 1)
    assert "'spendable'" in imported.left_out[0].reason


def test_a_coin_that_is_not_there_has_no_label() -> None:
    scene = Scene()
    point = scene.receive(COIN)
    txid = outpoint_ref(point).partition(":")[0]
    with pytest.raises(BadLabel, match="is no coin: that transaction's last one is number 1"):
        scene.wallet.set_label(LabelKind.COIN, f"{txid}:2", "keep")
    scene.wallet.set_label(LabelKind.COIN, f"{'11' * 32}:2", "of another wallet, perhaps")
