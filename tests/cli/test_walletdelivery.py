"""What is said of a payment that was brought out."""

from __future__ import annotations

from typing import Any

import pytest

from axon.cli.walletdelivery import tell_sent
from axon.rpc.deliverytext import delivery_line

REFUSAL = {"addr": "10.0.0.1:8333", "reason": "it asks for 5 sat/vB, and this pays 1"}
AGAIN = " It is written down and will be offered again whenever this wallet runs; do not pay a"


def sent(word: str, peers: int = 1, **counts: int) -> dict[str, Any]:
    spread = {"offered": peers, "given": 0, "echoed": 0, "held": 0, "refused": 0} | counts
    refusals = [REFUSAL] if word == "refused" else []
    return {
        "txid": "abcd", "delivery": word, "peers": peers, "spread": spread, "refusals": refusals
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "code", "name", "told"),
    [
        (sent("kept"), 3, "kept", "No node has fetched it yet." + AGAIN),
        (
            sent("handed over", 2, given=1),
            4,
            "sent",
            "One node fetched it, and nobody has shown it since." + AGAIN,
        ),
        (
            sent("refused", given=1, refused=1),
            5,
            "refused",
            "It was refused: fetched and not kept by 10.0.0.1:8333 (it asks for 5 sat/vB, and this"
            " pays 1)." + AGAIN,
        ),
        (
            sent("accepted", given=1, held=1),
            0,
            "sent",
            "One node took it into the pool; no other node is there to confirm that it spreads.",
        ),
        (sent("accepted"), 0, "sent", "A node has shown that it has it."),
        (
            sent("handed over"),
            4,
            "sent",
            "A node fetched it in an earlier run, and nobody has shown it since." + AGAIN,
        ),
        (sent("accepted", 3, given=2, held=2), 0, "sent", "2 nodes took it into the pool."),
        (
            sent("spreading", 3, given=2, echoed=1),
            0,
            "sent",
            "It spreads: 2 nodes fetched it, and one node got it from others.",
        ),
        (
            sent("replaced"),
            5,
            "replaced",
            "It was refused: another payment that spends",
        ),
        (sent("confirmed") | {"spread": None}, 0, "sent", "It is in a block already."),
    ],
)
def test_sent_is_said_when_a_node_has_it(
    answer: dict[str, Any],
    code: int,
    name: str,
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tell_sent(answer) == code
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{name}: abcd"
    assert second.startswith(told)
    assert second == delivery_line(answer)


def test_a_node_that_is_behind_is_named_and_refuses_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = {"addr": "10.0.0.1:8333", "reason": "it is behind, at block 5"}
    assert tell_sent({**sent("handed over", 2, given=1), "refusals": [known]}) == 4
    assert (
        "One node fetched it, and nobody has shown it since: 10.0.0.1:8333 (it is behind, at block"
        " 5)."
    ) in capsys.readouterr().out
