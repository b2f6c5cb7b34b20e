"""Calls whose options, or objects in a list, hold what nobody knows, null, or another type."""

from __future__ import annotations

from collections.abc import Sequence

from tests.interop.corecalls import ONES, WIF, Calls, Scene


def of_options(scene: Scene) -> Calls:
    """Of a node without wallets."""
    spent = {"txid": scene.spends, "vout": 0}
    coin = {"txid": ONES, "vout": 0, "x": 1}
    descriptor = {"desc": "raw(51024e73)", "x": 1}
    held = {**coin, "scriptPubKey": "51", "amount": 1}
    of_outputs: Sequence[object] = (
        {"x": 1},
        {"mempool_only": None},
        {"mempool_only": "x"},
        {"x": 1, "mempool_only": "x"},
        {"return_spending_tx": None},
        {"return_spending_tx": 1},
        [],
    )
    of_files: Sequence[object] = (
        {"x": 1},
        {"use_current_time": None},
        {"use_current_time": "x"},
        {"apply_unbroadcast_set": 1},
        {"apply_fee_delta_priority": [], "x": None},
    )
    calls: Calls = [("gettxspendingprevout", [[spent], given]) for given in of_outputs]
    calls += [("importmempool", ["/nonexistent", given]) for given in of_files]
    calls += [
        ("dumptxoutset", ["/dev/null", kind, given])
        for kind in ("latest", "rollback", "")
        for given in ({"x": 1}, {"rollback": True}, {"rollback": -1}, {"rollback": "x"})
    ]
    calls += [
        ("scantxoutset", ["start", [descriptor]]),
        ("scantxoutset", ["start", [{"x": 1}]]),
        ("createrawtransaction", [[coin], {scene.alice: "0.1"}]),
        ("createrawtransaction", [[], {scene.alice: "0.1", "x": 1}]),
        ("createrawtransaction", [[], [{scene.alice: "0.1", "x": 1}]]),
        ("createpsbt", [[coin], {scene.alice: "0.1"}]),
        ("signrawtransactionwithkey", [scene.draft, [WIF], [held]]),
        ("signrawtransactionwithkey", [scene.draft, [WIF], [{"x": 1}]]),
        ("utxoupdatepsbt", [scene.psbts[0], [descriptor]]),
        ("descriptorprocesspsbt", [scene.psbts[0], [descriptor]]),
        ("getdescriptoractivity", [[scene.block], [descriptor]]),
        ("getblocktemplate", [{"x": 1}]),
        ("getblocktemplate", [{"mode": "x", "x": 1}]),
        ("getblocktemplate", [{"rules": "x", "mode": "template"}]),
        ("gettxspendingprevout", {"outputs": [spent], "x": 1}),
        ("importmempool", {"filepath": "/nonexistent", "use_current_time": "x"}),
        ("importmempool", {"filepath": "/nonexistent", "options": {}, "use_current_time": True}),
    ]
    return calls
