"""Receipts: what is signed, what comes back from a file, and all that makes one worthless."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import WalletError
from axon.payments import bip322
from axon.payments.receipt import BadReceipt, Receipt, ReceiptVerdict, issue, verify
from axon.payments.receiptproof import BadProof, MinedProof
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, sha256, sha256d, to_hex
from axon.primitives.header import Header
from axon.primitives.merkle import PartialMerkleTree, merkle_root
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.target import meets_target
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.wallet.keys import AccountKind
from tests.payments.receipts import (
    BLOCK,
    INVOICE,
    MINED,
    OTHERS,
    PAID_SAT,
    PAYMENT,
    RECEIPT,
    TIME_S,
    invoice_of,
    proof_of,
    worked,
)
from tests.scriptcheck import check_scripts
from tests.wallet.scene import PASSPHRASE, make_block, new_wallet, paying, source


def judged(receipt: Receipt) -> ReceiptVerdict:
    """As it is read from its file."""
    return verify(Receipt.decode(receipt.encode()), check_scripts)


def test_it_can_be_read_by_a_person() -> None:
    lines = RECEIPT.encode().splitlines()
    assert lines[:8] == [
        "-----BEGIN BITCOIN SIGNED MESSAGE-----",
        "Receipt for a payment in bitcoin",
        "Received: 0.50000000 BTC",
        f"Address: {INVOICE.address}",
        "Network: regtest",
        f"Transaction: {to_hex(PAYMENT.txid)}",
        "Time: 2025-11-30 11:53:20 UTC (1764503600)",
        "For: Bob's café: 2 coffees",
    ]
    assert lines[8].startswith("Invoice: bitcoin:")
    assert lines[9:11] == ["-----BEGIN SIGNATURE-----", INVOICE.address]
    assert lines[12:] == ["-----END BITCOIN SIGNED MESSAGE-----"]


def test_another_program_checks_text_address_and_signature() -> None:
    """Nothing but what stands in the file, by the rules of BIP 322."""
    inside = RECEIPT.encode().split("-----\n")
    message, rest = inside[1].rsplit("\n", 1)[0], inside[2].split("\n")
    script = decode_address(rest[0], REGTEST)
    assert bip322.verify_message(message, script, rest[1], check_scripts).is_valid


@pytest.mark.parametrize("receipt", [RECEIPT, MINED], ids=["unmined", "mined"])
def test_it_comes_back_from_its_file(receipt: Receipt) -> None:
    assert Receipt.decode(receipt.encode()) == receipt
    mailed = "Dear Alice,\r\n" + receipt.encode().replace("\n", "  \r\n") + "\r\nBob\r\n"
    assert Receipt.decode(mailed) == receipt


@pytest.mark.parametrize("kind", AccountKind)
def test_each_kind_of_wallet_gives_receipts(kind: AccountKind) -> None:
    wallet = new_wallet(made_of=source(kind))
    invoice = invoice_of(wallet, label="", message="")
    made = issue(wallet, invoice, PAYMENT.txid, PAID_SAT, TIME_S, PASSPHRASE)
    assert "For:" not in made.message
    assert judged(made).is_valid


def test_what_is_proved_without_a_block() -> None:
    verdict = judged(RECEIPT)
    assert verdict.is_valid
    assert len(verdict.proved) == 2
    assert "received 0.50000000 BTC" in verdict.proved[0]
    assert any("in a block, or was ever sent" in each for each in verdict.unproved)
    assert any("as a person or a shop" in each for each in verdict.unproved)


def test_what_is_proved_with_one() -> None:
    verdict = judged(MINED)
    assert verdict.is_valid
    assert "pays 0.50000000 BTC to this address" in verdict.proved[2]
    assert to_hex(BLOCK.header.hash) in verdict.proved[3]
    assert any("work, not a chain" in each and "height 101" in each for each in verdict.unproved)


def test_a_part_of_the_amount_is_told() -> None:
    part = issue(new_wallet(), INVOICE, PAYMENT.txid, 10_000, TIME_S, PASSPHRASE)
    verdict = judged(part)
    assert verdict.is_valid
    assert any("the invoice asks for 0.50000000 BTC" in each for each in verdict.unproved)


# What makes one worthless.


def test_a_signature_by_another_address_is_none() -> None:
    mallory = new_wallet(made_of=source(AccountKind.BIP86))
    script = decode_address(mallory.new_address(), REGTEST)
    forged = bip322.sign_message(mallory, script, RECEIPT.message, PASSPHRASE)
    assert "signature is invalid" in judged(replace(RECEIPT, signature=forged)).reason


@pytest.mark.parametrize("signature", ["", "smpAA==", "no base64", RECEIPT.signature[:-4]])
def test_a_damaged_signature_is_none(signature: str) -> None:
    assert "signature is invalid" in judged(replace(RECEIPT, signature=signature)).reason


CHANGES: list[dict[str, Any]] = [
    {"txid": Txid(sha256(b"another"))},
    {"amount_sat": PAID_SAT + 1},
    {"time_s": TIME_S + 1},
]


@pytest.mark.parametrize("changes", CHANGES, ids=[next(iter(each)) for each in CHANGES])
def test_what_it_says_cannot_be_changed(changes: dict[str, Any]) -> None:
    assert "signature is invalid" in judged(replace(RECEIPT, **changes)).reason


def test_it_cannot_be_put_under_another_invoice() -> None:
    other = replace(RECEIPT, invoice=invoice_of(new_wallet(), label="Rob"))
    assert "signature is invalid" in judged(other).reason


def test_an_invoice_that_is_not_signed_is_noticed() -> None:
    changed = replace(INVOICE, amount_sat=PAID_SAT * 2)
    with pytest.raises(BadReceipt, match="does not fit"):
        judged(replace(RECEIPT, invoice=changed))
    verdict = verify(replace(RECEIPT, invoice=changed), check_scripts)
    assert verdict.reason == "the invoice in it is not signed by its key"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("0.50000000", "0.5", "do not fit together"),
        ("2025-11-30", "2025-11-29", "do not fit together"),
        ("For: Bob", "For: Rob", "do not fit together"),
        ("Network: regtest", "Network: signet", "cannot be read"),
        ("Network: regtest", "Network: moon", "is missing"),
        ("Time:", "Tide:", "is missing"),
        ("Receipt for", "Recipe for", "do not fit together"),
        (f"\n{INVOICE.address}\n", "\nbcrt1qother\n", "do not fit together"),
        ("-----BEGIN BITCOIN", "-----BEGUN BITCOIN", "expected a receipt"),
        ("-----END BITCOIN SIGNED MESSAGE-----", "", "expected a receipt"),
        ("Received: 0.50000000 BTC", "Received: much", "cannot be read"),
        ("Received: 0.50000000 BTC", "Received: 0.00000000 BTC", "for nothing"),
        (f"Transaction: {to_hex(PAYMENT.txid)}", "Transaction: 12", "cannot be read"),
        ("&axon=", "&nota=", "without a signed invoice"),
    ],
)
def test_lines_that_are_changed(before: str, after: str, says: str) -> None:
    text = RECEIPT.encode()
    assert before in text
    with pytest.raises(BadReceipt, match=says):
        Receipt.decode(text.replace(before, after))


def test_two_in_one_file_are_none() -> None:
    with pytest.raises(BadReceipt, match="expected a receipt"):
        Receipt.decode(RECEIPT.encode() * 2)


def test_a_receipt_has_a_largest_size() -> None:
    with pytest.raises(BadReceipt, match="at most"):
        Receipt.decode("x" * 2_000_001)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(BadReceipt):
        Receipt.decode(text)


@given(st.data())
def test_any_line_can_be_another(data: st.DataObject) -> None:
    lines = MINED.encode().splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    lines[place] = data.draw(st.text(max_size=80))
    try:
        receipt = Receipt.decode("\n".join(lines))
    except WalletError:
        return
    if verify(receipt, check_scripts).is_valid:  # A line that says nothing, or marks without which
        assert replace(receipt, proof=None) == RECEIPT  # the proof is not read.


# The proof.


def refused(proof: MinedProof) -> str:
    return judged(replace(RECEIPT, proof=proof)).reason


def test_a_proof_of_another_transaction() -> None:
    assert "transaction in the proof is another one" in refused(proof_of(BLOCK, 3))
    other = replace(MINED.proof or proof_of(BLOCK, 4), block=proof_of(BLOCK, 3).block)
    assert "Merkle proof is of another transaction" in refused(other)


def test_a_proof_without_the_coinbase() -> None:
    assert "leaves out the coinbase" in refused(proof_of(BLOCK, 4, coinbase=False))


def test_a_header_without_work() -> None:
    lazy = BLOCK.header
    for nonce in range(1_000):
        lazy = Header.build(4, lazy.prev, lazy.merkle_root, lazy.time, lazy.bits, nonce)
        if not meets_target(lazy.hash, lazy.bits):
            break
    proof = proof_of(BLOCK, 4)
    assert "has not the work" in refused(replace(proof, block=lazy.raw + proof.block[80:]))


def test_a_header_with_an_easier_target_than_the_network_has() -> None:
    with pytest.raises(BadProof, match="has not the work of a block of main"):
        proof_of(BLOCK, 4).check(PAYMENT.txid, MAINNET)


def test_a_header_of_another_block() -> None:
    other = worked(make_block(REGTEST.genesis.hash, 1, OTHERS))
    proof = proof_of(BLOCK, 4)
    assert "does not lead to the header" in refused(
        replace(proof, block=other.header.raw + proof.block[80:])
    )


@pytest.mark.parametrize("cut", [0, 40, 80, 90, 200])
def test_a_proof_that_is_cut_short(cut: int) -> None:
    proof = proof_of(BLOCK, 4)
    verdict = verify(replace(RECEIPT, proof=replace(proof, block=proof.block[:cut])), check_scripts)
    assert "Merkle proof is damaged" in verdict.reason


def test_a_proof_with_bytes_behind_its_end() -> None:
    proof = proof_of(BLOCK, 4)
    assert "Merkle proof is damaged" in refused(replace(proof, block=proof.block + b"\0"))


def small_transaction() -> Transaction:
    """One of 64 bytes without its witness, as an inner node of a tree has them."""
    item = TxIn(OutPoint(bytes(31) + b"\x01" + bytes(4)))
    small = Transaction.build(2, [item], [TxOut(PAID_SAT, b"\x51" * 4)])
    assert len(small.stripped) == 64
    return small


def test_a_transaction_of_64_bytes() -> None:
    small = small_transaction()
    block = worked(make_block(REGTEST.genesis.hash, 1, [small]))
    with pytest.raises(BadProof, match="64 bytes"):
        proof_of(block, 1).check(small.txid, REGTEST)


def test_a_transaction_below_a_transaction_of_64_bytes() -> None:
    """Of 64 mined bytes the second half is the name of a payment that nobody mined.

    The tree seems to be one level deeper there; the coinbase cannot be shown at that depth.
    """
    half = sha256(b"first half of 64 bytes")
    first = make_block(REGTEST.genesis.hash, 1).transactions[0].txid
    seeming = sha256d(half + PAYMENT.txid)
    block = make_block(REGTEST.genesis.hash, 1)
    root = merkle_root([first, seeming])
    header = Header.build(4, block.header.prev, root, block.header.time, block.header.bits, 0)
    header = worked(Block.build(header, block.transactions)).header
    tree = PartialMerkleTree(4, (True, False, True, False, True), (first, half, PAYMENT.txid))
    assert tree.extract()[0] == root
    with pytest.raises(BadProof, match="leaves out the coinbase"):
        MinedProof(1, header.raw + tree.encode(), PAYMENT).check(PAYMENT.txid, REGTEST)


def test_a_transaction_that_pays_less_to_the_address() -> None:
    payment = paying(INVOICE.script_pubkey, PAID_SAT - 1)
    block = worked(make_block(REGTEST.genesis.hash, 1, [payment]))
    made = issue(new_wallet(), INVOICE, payment.txid, PAID_SAT, TIME_S, PASSPHRASE)
    verdict = judged(replace(made, proof=proof_of(block, 1)))
    assert verdict.reason == (
        "the transaction pays 0.49999999 BTC to this address, not 0.50000000 BTC"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Height: 101", "Height: -1"),
        ("Height: 101", "Hight: 101"),
        ("Merkle proof:", "Merkle:"),
        (f"Block: {to_hex(BLOCK.header.hash)}", f"Block: {to_hex(BlockHash(bytes(32)))}"),
        ("Transaction:\n", "Transaction:\nzz"),
    ],
)
def test_a_proof_whose_lines_are_changed(before: str, after: str) -> None:
    assert before in MINED.encode()
    with pytest.raises(BadReceipt, match="proof of this receipt is damaged"):
        Receipt.decode(MINED.encode().replace(before, after))


@given(st.integers(0, 2**32 - 1))
def test_dates_are_those_of_the_calendar(time_s: int) -> None:
    line = replace(RECEIPT, time_s=time_s).message.splitlines()[5]
    assert line == f"Time: {datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S} UTC ({time_s})"


def test_the_receipt_on_the_page_is_valid() -> None:
    page = (Path(__file__).parents[2] / "docs" / "payments.md").read_text()
    shown = Receipt.decode(page.split("## The receipt")[1].replace("\n    ", "\n"))
    assert shown == MINED
