"""The vectors of docs/payments.md: what other wallets are to make and to read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from axon.payments.packet import Packet
from axon.payments.packetfile import PartCollector, from_text, to_parts, to_text
from axon.payments.proof import check_packet
from axon.payments.verdict import PaymentLevel, Wanted
from axon.primitives.hashes import to_hex
from axon.primitives.header import Header
from axon.primitives.transaction import outpoint_index, outpoint_txid
from tests.payments.payscene import POLICY, kernel

ROOT = Path(__file__).parent.parent.parent
VECTORS: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "packet.json").read_text())
PACKETS: list[dict[str, Any]] = VECTORS["packets"]


class Headers:
    """The headers of the vectors, from the genesis block of regtest on."""

    def __init__(self) -> None:
        self._headers = [Header(bytes.fromhex(raw)) for raw in VECTORS["headers"]]
        self.tip_height = len(self._headers) - 1

    def header_at(self, height: int) -> Header | None:
        return self._headers[height] if height <= self.tip_height else None


@pytest.mark.parametrize("vector", PACKETS, ids=[item["name"] for item in PACKETS])
def test_a_packet(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["packet"])
    packet = Packet.decode(data)
    assert packet.encode() == data
    assert to_hex(packet.transaction.txid) == vector["txid"]
    assert [item.raw.hex() for item in packet.unconfirmed] == vector["unconfirmed"]
    assert vector["confirmed"] == [
        {
            "height": item.height,
            "block": to_hex(item.block_hash),
            "position": item.position,
            "txid": to_hex(item.transaction.txid),
            "coinbase": to_hex(item.coinbase.txid),
        }
        for item in packet.confirmed
    ]
    wanted = Wanted(bytes.fromhex(vector["script_pubkey"]), vector["amount_sat"])
    checked = check_packet(packet, wanted, Headers(), kernel, POLICY)
    assert checked.verdict.level is PaymentLevel.FUNDED
    assert checked.fee_sat == vector["fee_sat"]
    assert vector["claims"] == [
        {
            "outpoint": f"{to_hex(outpoint_txid(claim.outpoint))}:{outpoint_index(claim.outpoint)}",
            "amount_sat": claim.amount_sat,
            "height": claim.height,
        }
        for claim in checked.claims
    ]
    assert to_text(packet) == vector["text"]
    assert from_text(vector["text"]) == packet
    assert to_parts(packet, VECTORS["part_bytes"]) == vector["parts"]
    collector = PartCollector()
    found = [collector.take(text) for text in reversed(vector["parts"])]
    assert found[-1] == packet


def test_the_page_shows_the_first_vector() -> None:
    """Its hex, in pieces with words behind them."""
    page = (ROOT / "docs" / "payments.md").read_text()
    block = page.split("```packet\n")[1].split("```")[0]
    shown = "".join(line.split(" ")[0] for line in block.splitlines() if line)
    assert shown == PACKETS[0]["packet"]
