"""What became of a payment, in words."""

from __future__ import annotations

from typing import Any

import pytest

from axon.rpc.deliverytext import delivery_line, nodes_text

SPREAD = {"offered": 2, "given": 1, "echoed": 0, "held": 0, "refused": 0}
SENT: dict[str, Any] = {"txid": "abcd", "peers": 2, "spread": SPREAD, "refusals": []}


def test_who_refused_and_has_gone_is_not_named() -> None:
    line = delivery_line(SENT | {"delivery": "refused"})
    assert line.startswith("It was refused: whoever fetched it does not keep it.")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("kept", "No node has fetched it yet."),
        ("handed over", "A node fetched it in an earlier run, and nobody has shown it since."),
        ("accepted", "A node has shown that it has it."),
        ("replaced", "It was refused: another payment"),
        ("confirmed", "It is in a block already."),
    ],
)
def test_what_only_earlier_runs_know_is_in_no_block(word: str, told: str) -> None:
    line = delivery_line(SENT | {"delivery": word, "spread": None})
    assert line.startswith(told)


def test_numbers_of_nodes() -> None:
    assert [nodes_text(count) for count in (0, 1, 1_234)] == ["0 nodes", "one node", "1,234 nodes"]
