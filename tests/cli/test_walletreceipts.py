"""`axon wallet receipt verify` as it is typed: no wallet, no network."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from axon.cli.wallet import main
from axon.payments.receipt import Receipt
from axon.primitives.hashes import to_hex
from tests.payments.receipts import BLOCK, MINED, PAYMENT, RECEIPT


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "receipt.txt"
    path.write_text(RECEIPT.encode())
    return path


def verified(path: Path | str, *words: str) -> int:
    return main(["receipt", "verify", str(path), *words])


def test_it_says_what_is_proved_and_what_is_not(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(written) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "VALID"
    assert f"  transaction  {to_hex(PAYMENT.txid)}" in lines
    assert lines.index("Proved:") < lines.index("Not proved:")
    assert any("in a block, or was ever sent" in line for line in lines)


def test_of_a_mined_payment_the_block_is_named(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written.write_text(MINED.encode())
    assert verified(written, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is True
    assert (told["amount"], told["network"], told["height"]) == (0.5, "regtest", 101)
    assert (told["txid"], told["blockhash"]) == (to_hex(PAYMENT.txid), to_hex(BLOCK.header.hash))
    assert len(told["proved"]) == 4
    assert any("work, not a chain" in each for each in told["not_proved"])


def forged() -> Receipt:
    return replace(RECEIPT, amount_sat=RECEIPT.amount_sat + 1)


def test_one_that_is_not_valid(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written.write_text(forged().encode())
    assert verified(written) == 1
    assert capsys.readouterr().out.startswith("NOT VALID: the signature is invalid")
    assert verified(written, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["valid"], told["proved"]) == (False, [])


def test_what_is_no_receipt(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written.write_bytes(b"\xff\xfe")
    assert verified(written) == 1
    assert "a text in UTF-8" in capsys.readouterr().err
    written.write_text("hello")
    assert verified(written) == 1
    assert capsys.readouterr().err.startswith("Error: expected a receipt")
    assert verified(written, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is False
    assert told["reason"].startswith("expected a receipt")


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified(tmp_path / "none") == 1
    assert "cannot read" in capsys.readouterr().err


def test_it_can_be_piped_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RECEIPT.encode().encode())))
    assert verified("-") == 0
    assert capsys.readouterr().out.startswith("VALID")


def test_it_is_called_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipt", "burn", "file"]) == 2
    assert "burn" in capsys.readouterr().err
