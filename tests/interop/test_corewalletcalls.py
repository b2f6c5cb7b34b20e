"""More calls of a node's wallets beside bitcoind's: limits, locks, options, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from axon.primitives.bip32 import ExtendedKey
from axon.primitives.network import REGTEST
from axon.rpc.amounts import encode_json
from axon.rpc.repeatedkeys import RepeatedKeys
from tests.interop.test_corewallet import FOREIGN, Asked, both_with_wallets

pytestmark = [pytest.mark.interop, pytest.mark.process]

XPRV = ExtendedKey.from_seed(b"a seed of tests.").encode(REGTEST)
NOTHING = "00" * 32


def _rich(node: Asked, name: str = "rich", count: int = 3) -> str:
    """A wallet with a few coins of a block that can be spent; its address."""
    node.do("createwallet", name)
    address: str = node.do("getnewaddress", "mine", at=name)
    node.do("generatetoaddress", count, address)
    node.do("generatetoaddress", 100, FOREIGN)
    return address


def _chains(node: Asked) -> None:
    node.do("createwallet", "long")
    address = node.do("getnewaddress", at="long")
    node.do("generatetoaddress", 1, address)
    node.do("generatetoaddress", 100, FOREIGN)
    for _ in range(27):
        answer = node.do("sendtoaddress", address, 1, at="long")
    node.answers.append(("the last of a chain", answer if isinstance(answer, dict) else "sent"))
    node.answers.append(("in the pool", len(node.do("getrawmempool"))))
    node.ask("send", {address: 1}, at="long")
    node.ask("walletcreatefundedpsbt", [], {address: 1}, at="long")
    node.ask("getbalances", at="long")
    node.ask("sendall", [FOREIGN], at="long")
    node.do("generatetoaddress", 1, FOREIGN)
    node.ask("sendtoaddress", address, 1, at="long")


def _choosing(node: Asked) -> None:
    address = _rich(node)
    other = node.do("getnewaddress", "", "legacy", at="rich")
    for amount in (0.3, 0.0001, 0.25, 0.9):
        node.do("sendtoaddress", address, amount, at="rich")
    node.do("sendmany", "", {address: 2, other: 3}, at="rich")
    node.do("generatetoaddress", 1, FOREIGN)
    wants: list[tuple[Any, dict[str, Any]]] = [
        ({FOREIGN: 0.1}, {}),
        ({FOREIGN: 120}, {}),
        ({FOREIGN: 0.1}, {"max_tx_weight": 100}),
        ({FOREIGN: 0.1}, {"max_tx_weight": 500_000}),
        ({FOREIGN: 0.1}, {"max_tx_weight": 600}),
        ({FOREIGN: 120}, {"max_tx_weight": 900}),
        ({FOREIGN: 0.1}, {"minconf": 50}),
        ({FOREIGN: 0.1}, {"minconf": 5_000}),
        ({FOREIGN: 0.1}, {"minconf": 3, "maxconf": 2}),
        ({FOREIGN: 0.1}, {"minconf": -1}),
        ({FOREIGN: 0.1}, {"maxconf": 1}),
        ({FOREIGN: 10}, {"maxconf": 1}),
        ({FOREIGN: 0.1}, {"changeAddress": other}),
        ({FOREIGN: 0.1}, {"change_type": "bech32m"}),
        ({FOREIGN: 0.1}, {"change_type": "foo"}),
        ({FOREIGN: 0.1}, {"change_type": "legacy", "changeAddress": other}),
        ({FOREIGN: 0.1}, {"changePosition": 7}),
        ({FOREIGN: 0.1}, {"subtractFeeFromOutputs": [0]}),
        ({FOREIGN: 0.1}, {"subtractFeeFromOutputs": [1]}),
        ({FOREIGN: 0.1}, {"subtractFeeFromOutputs": [0, 0]}),
        ({FOREIGN: 0.1}, {"subtractFeeFromOutputs": [-1]}),
        ({FOREIGN: 0.00001}, {"subtractFeeFromOutputs": [0], "fee_rate": 50}),
        ({FOREIGN: 0.1}, {"fee_rate": 0}),
        ({FOREIGN: 0.1}, {"fee_rate": 1}),
        ({FOREIGN: 0.1}, {"fee_rate": 100_000}),
        ({FOREIGN: 0.1}, {"fee_rate": "0.0001"}),
        ({FOREIGN: 0.1}, {"feeRate": 0.0001}),
        ({FOREIGN: 0.1}, {"feeRate": 0.0001, "fee_rate": 1}),
        ({FOREIGN: 0.1}, {"conf_target": 0}),
        ({FOREIGN: 0.1}, {"conf_target": 6, "estimate_mode": "foo"}),
        ({FOREIGN: 0.1}, {"add_inputs": False}),
        ({FOREIGN: 0.1}, {"lockUnspents": "x"}),
        ({FOREIGN: 0.1}, {"replaceable": False}),
        ([{FOREIGN: 0.1}, {"data": "c0ffee"}], {}),
        ([{"data": "c0ffee"}], {}),
        ({"data": "zz"}, {}),
        ({FOREIGN: 0}, {}),
        ({}, {}),
        ([{}], {}),
        ([FOREIGN], {}),
        (RepeatedKeys([(FOREIGN, 0.1), (FOREIGN, 0.2)]), {}),
        ([{FOREIGN: 0.1}, {FOREIGN: 0.2}], {}),
    ]
    for outputs, options in wants:
        node.ask("walletcreatefundedpsbt", [], outputs, 0, options, at="rich")
    for outputs, options in wants[:4]:
        node.ask("send", outputs, None, "unset", 3, {**options, "add_to_wallet": False}, at="rich")
    node.ask("sendmany", "", RepeatedKeys([(FOREIGN, 0.1), (FOREIGN, 0.2)]), at="rich")
    node.ask("createrawtransaction", [], RepeatedKeys([(FOREIGN, 0.1), (FOREIGN, 0.2)]))
    node.ask("walletcreatefundedpsbt", [{"txid": NOTHING, "vout": 0}], {FOREIGN: 0.1}, at="rich")
    node.ask("walletcreatefundedpsbt", [], {FOREIGN: 0.1}, 0, {}, True, 4, at="rich")
    node.ask("walletcreatefundedpsbt", [], {FOREIGN: 0.1}, 0, {}, True, 3, at="rich")
    node.ask("walletcreatefundedpsbt", [], {FOREIGN: 0.1}, -1, {}, at="rich")


def _setting_aside(node: Asked) -> None:
    address = _rich(node, "aside")
    node.do("encryptwallet", "horse", at="aside")
    given = {"lock_unspents": True}
    node.ask("send", {FOREIGN: 1}, None, "unset", None, given, at="aside")
    node.ask("listlockunspent", at="aside")
    node.do("lockunspent", True, at="aside")
    node.ask("sendall", [FOREIGN], None, "unset", None, given, at="aside")
    node.ask("listlockunspent", at="aside")
    node.do("lockunspent", True, at="aside")
    node.ask("walletcreatefundedpsbt", [], {FOREIGN: 1}, 0, {"lockUnspents": True}, at="aside")
    node.ask("listlockunspent", at="aside")
    node.ask("lockunspent", True, at="aside")
    node.ask("signmessage", node.do("getnewaddress", "", "legacy", at="aside"), "m", at="aside")
    node.ask("keypoolrefill", at="aside")
    node.ask("createwalletdescriptor", "bech32", at="aside")
    node.ask("importdescriptors", [{"desc": "x", "timestamp": 0}], at="aside")
    node.ask("signrawtransactionwithwallet", "00", at="aside")
    node.ask("walletpassphrase", "horse", 600, at="aside")
    node.ask("send", {FOREIGN: 1}, None, "unset", None, given, at="aside")
    node.ask("listlockunspent", at="aside")
    node.ask(
        "send", {FOREIGN: 1}, None, "unset", None, {**given, "add_to_wallet": False}, at="aside"
    )
    node.ask("listlockunspent", at="aside")
    node.ask("sendtoaddress", address, 400, at="aside")
    node.ask("lockunspent", True, [{"txid": NOTHING, "vout": 0}], at="aside")
    node.ask("lockunspent", False, [{"txid": NOTHING}], at="aside")
    node.ask("lockunspent", False, [{"txid": "z", "vout": 0}], at="aside")
    node.ask("lockunspent", False, [5], at="aside")
    node.ask("sendall", [FOREIGN, {address: 0.000_001}], at="aside")
    node.ask("sendall", [FOREIGN], None, "unset", 0.1, at="aside")
    node.ask("sendall", [FOREIGN], None, "unset", None, {"minconf": -1}, at="aside")
    node.ask("sendall", [FOREIGN], None, "unset", None, {"inputs": [], "send_max": 1}, at="aside")
    node.ask(
        "sendall", [FOREIGN], None, "unset", None,
        {"inputs": [{"txid": NOTHING, "vout": 0}]}, at="aside",
    )  # fmt: skip
    node.ask("sendall", [{FOREIGN: 400}, address], at="aside")
    node.ask("sendall", [FOREIGN, FOREIGN], at="aside")
    node.ask("sendall", [FOREIGN], 6, at="aside")
    node.ask("sendall", [FOREIGN], None, "unset", None, {"psbt": 1}, at="aside")
    node.ask("sendall", [FOREIGN], None, "unset", None, {"version": 3, "psbt": True}, at="aside")
    node.ask("sendall", [FOREIGN, address], None, "unset", None, {"psbt": True}, at="aside")


def _bumping(node: Asked) -> None:
    options: dict[str, Any]
    address = _rich(node, "bump")
    for options in (
        {"fee_rate": 1},
        {"fee_rate": 100_000},
        {"conf_target": 6, "fee_rate": 5},
        {"foo": 1},
        {"outputs": []},
        {"outputs": [{FOREIGN: 0.2}], "original_change_index": 0},
        {"original_change_index": 9},
        {"outputs": [{FOREIGN: 0.2}], "fee_rate": 60},
    ):
        paid = node.do("sendtoaddress", FOREIGN, 0.5, at="bump")
        node.ask("bumpfee", paid, options, at="bump")
        node.do("generatetoaddress", 1, FOREIGN)
    paid = node.do("sendtoaddress", FOREIGN, 0.5, at="bump")
    node.ask("psbtbumpfee", paid, at="bump")
    node.ask("psbtbumpfee", paid, {"fee_rate": 70}, at="bump")
    node.ask("bumpfee", NOTHING, at="bump")
    node.ask("bumpfee", "zz", at="bump")
    child = node.do("sendtoaddress", address, 149, at="bump")
    node.ask("bumpfee", paid, at="bump")
    node.ask("gettransaction", child, at="bump")
    node.ask("abandontransaction", paid, at="bump")
    node.ask("abandontransaction", NOTHING, at="bump")
    node.do("generatetoaddress", 1, FOREIGN)
    node.answers.append(("of a mined one", node.do("bumpfee", paid, at="bump")["code"]))
    node.ask("abandontransaction", paid, at="bump")
    final = node.do("sendtoaddress", FOREIGN, 0.5, "", "", False, False, at="bump")
    node.ask("gettransaction", final, at="bump")
    node.ask("bumpfee", final, at="bump")


def _refused_bumps(node: Asked) -> None:
    """Each refusal of Bitcoin Core, in its order."""
    address = _rich(node, "again", 5)
    change = node.do("getrawchangeaddress", at="again")
    paid = node.do("sendtoaddress", FOREIGN, 0.5, at="again")
    for name in ("bumpfee", "psbtbumpfee"):
        for wrong in (
            {"confTarget": 1, "conf_target": 1},
            {"confTarget": None, "conf_target": None},
            {"confTarget": "x"},
            {"conf_target": 0},
            {"conf_target": 1009, "estimate_mode": "economical"},
            {"conf_target": 6, "estimate_mode": "x"},
            {"estimate_mode": 5},
            {"fee_rate": "x"},
            {"fee_rate": -1},
            {"fee_rate": 0},
            {"fee_rate": 0.05},
            {"fee_rate": 0.5},
            {"fee_rate": "1.2345"},
            {"fee_rate": [1]},
            {"fee_rate": 10, "conf_target": 6},
            {"fee_rate": 10, "estimate_mode": "economical"},
            {"fee_rate": 100_000},
            {"replaceable": 1},
            {"replaceable": None},
            {"original_change_index": -1},
            {"original_change_index": 1.5},
            {"original_change_index": None},
            {"original_change_index": "0"},
            {"original_change_index": 2},
            {"original_change_index": 1 << 32},
            {"outputs": {}, "original_change_index": 5},
            {"outputs": {FOREIGN: 0.2}, "original_change_index": 0},
            {"outputs": 5},
            {"outputs": "x"},
            {"outputs": [5]},
            {"outputs": {FOREIGN: -1}},
            {"outputs": {FOREIGN: 0.000001}},
            {"outputs": {FOREIGN: 20_000}},
            {"outputs": {FOREIGN: 20_000}, "fee_rate": 100},
            {"outputs": [{FOREIGN: 0.2}, {FOREIGN: 0.3}]},
            {"outputs": {"data": "00" * 50_000}, "fee_rate": 2},
            {"unknown": 1},
            {"unknown": 1, "fee_rate": "x"},
        ):
            node.ask(name, paid, wrong, at="again")
        node.ask(name, NOTHING, {"outputs": {FOREIGN: 1}, "original_change_index": 9}, at="again")
        node.ask(name, NOTHING, {"original_change_index": 9}, at="again")
        node.ask(name, paid, [], at="again")
        node.ask(name, 5, at="again")
    node.ask("psbtbumpfee", paid, {"outputs": {change: 20}}, at="again")
    node.ask("psbtbumpfee", paid, {"outputs": {change: 20, FOREIGN: 1}}, at="again")
    node.ask("psbtbumpfee", paid, {"outputs": {}, "fee_rate": 80}, at="again")
    node.ask("bumpfee", paid, {"outputs": {change: 20}, "fee_rate": 90}, at="again")
    node.ask("bumpfee", paid, at="again")
    node.do("generatetoaddress", 1, FOREIGN)
    # One that Bitcoin Core cannot judge: it is not there.
    node.ask("bumpfee", paid, at="again")
    node.do("createwallet", "watching", True, at=None)
    node.ask("bumpfee", "zz", at="watching")
    node.ask("bumpfee", NOTHING, {"fee_rate": "x"}, at="watching")
    node.ask("psbtbumpfee", NOTHING, at="watching")
    node.do("encryptwallet", "horse", at="again")
    other = node.do("sendtoaddress", address, 0.5, at="again")
    node.ask("bumpfee", NOTHING, {"unknown": 1}, at="again")
    node.ask("bumpfee", NOTHING, at="again")
    node.ask("psbtbumpfee", NOTHING, at="again")
    assert isinstance(other, dict), "it is locked"


def _joint_bumps(node: Asked) -> None:
    """Payments of two wallets together: one of them can make another for more, to be signed."""
    _rich(node, "bank")
    for kind in ("bech32", "legacy", "p2sh-segwit"):
        ours, theirs = f"ours {kind}", f"theirs {kind}"
        for name in (ours, theirs):
            node.do("createwallet", name)
            paid = node.do("getnewaddress", "", kind, at=name)
            node.do("sendtoaddress", paid, 1, at="bank")
        node.do("generatetoaddress", 1, FOREIGN)
        coins = [node.do("listunspent", at=name)[0] for name in (ours, theirs)]
        inputs = [{"txid": coin["txid"], "vout": coin["vout"]} for coin in coins]
        change = node.do("getrawchangeaddress", at=ours)
        psbt = node.do("createpsbt", inputs, [{FOREIGN: 0.5}, {change: 1.4999}])
        for name in (ours, theirs):
            psbt = node.do("walletprocesspsbt", psbt, at=name)["psbt"]
        txid = node.do("sendrawtransaction", node.do("finalizepsbt", psbt)["hex"])
        for options in ({}, {"fee_rate": 60}, {"fee_rate": 61.5}, {"fee_rate": 20}):
            node.ask("psbtbumpfee", txid, options, at=ours)
        node.ask("bumpfee", txid, at=ours)


def _pruned_funds(node: Asked) -> None:
    """Transactions brought along with their proofs, and forgotten."""
    node.do("createwallet", "giver")
    node.do("generatetoaddress", 3, node.do("getnewaddress", at="giver"))
    node.do("generatetoaddress", 100, FOREIGN)
    node.do("createwallet", "pruned")
    address = node.do("getnewaddress", "paid", at="pruned")
    paid = node.do("sendtoaddress", address, 2, at="giver")
    (block,) = node.do("generatetoaddress", 1, FOREIGN)
    other = node.do("sendtoaddress", FOREIGN, 1, at="giver")
    (later,) = node.do("generatetoaddress", 1, FOREIGN)
    raw = node.do("gettransaction", paid, at="pruned")["hex"]
    strange = node.do("gettransaction", other, at="giver")["hex"]
    proof, stranger = node.do("gettxoutproof", [paid]), node.do("gettxoutproof", [other])
    node.ask("removeprunedfunds", paid, at="pruned")
    node.ask("getbalances", at="pruned")
    node.ask("listtransactions", at="pruned")
    node.ask("gettransaction", paid, at="pruned")
    node.ask("removeprunedfunds", paid, at="pruned")
    node.ask("removeprunedfunds", "zz", at="pruned")
    node.ask("removeprunedfunds", NOTHING, at="pruned")
    for wrong in (
        ("zz", proof),
        ("", proof),
        (raw, "zz"),
        (raw, ""),
        (raw, proof[:100]),
        (raw, proof[:-4]),
        (raw, proof[:72] + "00" * 32 + proof[136:]),
        (raw, stranger),
        (strange, proof),
        (strange, stranger),
    ):
        node.ask("importprunedfunds", *wrong, at="pruned")
    node.ask("importprunedfunds", raw, proof, at="pruned")
    node.ask("importprunedfunds", raw, proof, at="pruned")
    node.ask("getbalances", at="pruned")
    node.ask("listtransactions", at="pruned")
    node.ask("gettransaction", paid, at="pruned")
    spent = node.do("sendtoaddress", FOREIGN, 0.5, at="pruned")
    node.do("generatetoaddress", 1, FOREIGN)
    node.ask("removeprunedfunds", paid, at="pruned")
    node.ask("getbalances", at="pruned")
    node.ask("listtransactions", at="pruned")
    node.ask("gettransaction", spent, at="pruned")
    node.do("unloadwallet", "pruned")
    node.do("loadwallet", "pruned")
    node.ask("getbalances", at="pruned")
    node.ask("listtransactions", at="pruned")
    node.do("invalidateblock", later)
    node.do("syncwithvalidationinterfacequeue")
    node.ask("importprunedfunds", strange, stranger, at="giver")
    node.do("invalidateblock", block)
    node.do("syncwithvalidationinterfacequeue")
    node.ask("importprunedfunds", raw, proof, at="pruned")
    node.do("reconsiderblock", block)


def _listing(node: Asked) -> None:
    args: tuple[Any, ...]
    address = _rich(node, "list", 1)
    other = node.do("getnewaddress", "shop", "bech32m", at="list")
    node.do("sendmany", "", {address: 1, other: 2}, 0, "both", at="list")
    node.do("generatetoaddress", 1, FOREIGN)
    node.do("sendtoaddress", other, 0.5, at="list")
    for args in (
        (),
        (0,),
        (1, 2),
        (5, 1),
        (0, 99, [address]),
        (0, 99, [address, address]),
        (0, 99, ["zz"]),
        (0, 99, [], False),
        (0, 99, [], True, {"minimumAmount": 1.5}),
        (0, 99, [], True, {"maximumAmount": 1.5}),
        (0, 99, [], True, {"maximumCount": 1, "minimumAmount": 2.5, "maximumAmount": 2.5}),
        (0, 99, [], True, {"foo": 1}),
        (0, 99, [], True, {"minimumAmount": -1}),
        ("x",),
    ):
        node.ask("listunspent", *args, at="list")
    for args in (
        ("shop",),
        ("nobody",),
        ("",),
        ("*", -1),
        ("*", 1, -1),
        ("*", 3, 1),
        ("*", 0),
    ):
        node.ask("listtransactions", *args, at="list")
    for args in ((NOTHING,), ("zz",), (None, 0), (None, 3), (None, 1, False, True, True)):
        node.ask("listsinceblock", *args, at="list")
    for args in (
        (0,),
        (0, True),
        (0, False, False, other),
        (0, False, False, "zz"),
        (1, True, False, "", True),
    ):
        node.ask("listreceivedbyaddress", *args, at="list")
    node.ask("listreceivedbylabel", 0, True, at="list")
    node.ask("getreceivedbyaddress", other, 0, at="list")
    node.ask("getreceivedbyaddress", "zz", at="list")
    node.ask("getreceivedbylabel", "shop", 0, at="list")
    node.ask("getbalance", "*", 6, at="list")
    node.ask("getbalance", "x", at="list")
    node.ask("getbalance", "*", 0, True, True, at="list")
    node.ask("setlabel", FOREIGN, "friend", at="list")
    node.ask("setlabel", FOREIGN, "*", at="list")
    node.ask("setlabel", "zz", "x", at="list")
    node.ask("getaddressinfo", FOREIGN, at="list")
    node.ask("listlabels", "receive", at="list")
    node.ask("listlabels", "send", at="list")
    node.ask("listlabels", "foo", at="list")
    node.ask("getaddressesbylabel", "friend", at="list")
    node.ask("listaddressgroupings", at="list")
    node.ask("rescanblockchain", -1, at="list")
    node.ask("rescanblockchain", 99_999, at="list")
    node.ask("rescanblockchain", 0, 99_999, at="list")
    node.ask("rescanblockchain", 0, 3, at="list")
    node.ask("simulaterawtransaction", ["zz"], at="list")
    node.ask("simulaterawtransaction", [], at="list")
    node.ask("getwalletinfo", at="list")


def _descriptors(node: Asked) -> None:
    node.do("createwallet", "bring", False, True)
    texts = [
        f"wpkh({XPRV}/0/*)",
        f"tr({XPRV}/1/*)",
        f"combo({XPRV}/2/0)",
        f"pk({XPRV}/3/0)",
        f"sh(multi(1,{XPRV}/4/*,{XPRV}/5/*))",
        f"wsh(and_v(v:pk({XPRV}/6/*),older(2)))",
        f"wsh(sortedmulti(1,{XPRV}/7/*,{XPRV}/8/*))",
        f"sh(wsh(pkh({XPRV}/9/*)))",
        f"wpkh({XPRV}/<10;11>/*)",
        f"rawtr({XPRV}/12/0)",
        f"addr({FOREIGN})",
    ]
    for text in texts:
        found = node.do("getdescriptorinfo", text)
        whole = f"{text}#{found['checksum']}"
        ranged = {"range": [0, 5]} if "*" in text else {}
        for more in (
            {},
            {"active": True},
            {"label": "x"},
            {"internal": True},
            {"internal": True, "label": "y"},
            {"timestamp": "then"},
            {"range": [0, 2_000_000]},
            {"range": [3, 1]},
            {"range": "x"},
            {"next_index": 3},
        ):
            given = {"desc": whole, "timestamp": "now", **ranged, **more}
            node.ask("importdescriptors", [given], at="bring")
    node.ask("listdescriptors", at="bring")
    node.ask("gethdkeys", at="bring")
    node.ask("gethdkeys", {"active_only": True, "private": True}, at="bring")
    for kind in ("legacy", "p2sh-segwit", "bech32", "bech32m"):
        given = node.ask("getnewaddress", "", kind, at="bring")
        if isinstance(given, str):
            node.ask("getaddressinfo", given, at="bring")
        node.ask("getrawchangeaddress", kind, at="bring")
    node.ask("createwalletdescriptor", "bech32", at="bring")
    node.ask("createwalletdescriptor", "foo", at="bring")
    node.ask("createwalletdescriptor", "bech32", {"hdkey": "zz"}, at="bring")
    node.ask("createwalletdescriptor", "legacy", {"internal": True}, at="bring")
    listed = node.do("listdescriptors", at="bring")["descriptors"]
    node.answers.append(("active", sorted([each["active"] for each in listed])))
    node.ask("listdescriptors", True, at="bring")
    node.ask("getwalletinfo", at="bring")


def _odd(node: Asked) -> None:
    node.do("createwallet", "odd")
    node.ask("setwalletflag", "avoid_reuse", at="nobody")
    node.ask("setwalletflag", "foo", at="odd")
    node.ask("setwalletflag", "blank", at="odd")
    node.ask("walletprocesspsbt", "cHNidP8=", at="odd")
    node.ask("walletprocesspsbt", "", True, "ALL|NONE", at="odd")
    node.ask("signrawtransactionwithwallet", "zz", at="odd")
    node.ask("signrawtransactionwithwallet", "00", [], "foo", at="odd")
    node.ask("fundrawtransaction", "zz", at="odd")
    node.ask("fundrawtransaction", "0100000000000000000000", at="odd")
    node.ask("gettransaction", "zz", at="odd")
    node.ask("getnewaddress", 5, at="odd")
    node.ask("getrawchangeaddress", "foo", at="odd")
    node.ask("keypoolrefill", -1, at="odd")
    node.ask("keypoolrefill", 5, at="odd")
    node.ask("backupwallet", "/nowhere/at/all", at="odd")
    node.ask("unloadwallet", "rich", at="odd")
    node.ask("loadwallet", "")
    node.ask("restorewallet", "odd", "/nowhere")
    node.ask("walletdisplayaddress", "zz", at="odd")
    node.ask("abortrescan", at="odd")
    node.ask("sendtoaddress", FOREIGN, "x", at="odd")
    node.ask("sendtoaddress", FOREIGN, 0.1, "", "", False, True, 6, "unset", 1, at="odd")
    node.ask("sendmany", "", {}, at="odd")
    node.ask("sendmany", "", {FOREIGN: "x"}, at="odd")
    node.ask("sendmany", "", {FOREIGN: 0.1}, 0, "", ["zz"], at="odd")
    node.ask("signmessage", "zz", "m", at="odd")
    node.ask("signmessage", FOREIGN, "m", at="odd")


@pytest.fixture(scope="module", name="both")
def both_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asked, Asked]]:
    with both_with_wallets(tmp_path_factory.mktemp("wallets")) as both:
        yield both


@pytest.mark.parametrize(
    "act",
    [
        _chains,
        _choosing,
        _setting_aside,
        _bumping,
        _refused_bumps,
        _joint_bumps,
        _pruned_funds,
        _listing,
        _descriptors,
        _odd,
    ],
)
def test_both_answer_alike(both: tuple[Asked, Asked], act: Any) -> None:
    for node in both:
        node.answers.clear()
        act(node)
    axon, core = (node.answers for node in both)
    differences = [
        f"{call}\n  axon {encode_json(ours)[:900]}\n  core {encode_json(theirs)[:900]}"
        for (call, ours), (_, theirs) in zip(axon, core, strict=True)
        if encode_json(ours) != encode_json(theirs)
    ]
    assert not differences, "\n".join(differences)
