"""A node's wallets beside bitcoind's: the same calls to both, on a chain of each, answers compared.

Keys, transactions and times are each node's own, and so is the order of outputs; all else is equal:
fields and their order, amounts, fees, confirmations, refusals.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from axon.rpc.amounts import Json, encode_json
from axon.rpc.client import RpcClient
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from tests.interop.foreign import BitcoindProcess

pytestmark = [pytest.mark.interop, pytest.mark.process]

OPTIONS: Final = ("-fallbackfee=0.0002", "-keypool=20")
TYPES: Final = ("bech32", "bech32m", "legacy", "p2sh-segwit")
FOREIGN: Final = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
PLACES: Final = frozenset({"vout", "n", "changepos", "locktime"})
"""Numbers that chance decides: the order of outputs, and now and then a lower locktime."""

_OWN: Final = (
    (re.compile(r"tp(ub|rv)[1-9A-HJ-NP-Za-km-z]{100,}"), "KEY"),
    (re.compile(r"cHNidP[A-Za-z0-9+/=]+"), "PSBT"),
    (re.compile(r"^[A-Za-z0-9+/]{87}=$"), "SIGNATURE"),
    (re.compile(r"\b(bcrt1[a-z0-9]{30,}|[2mn][1-9A-HJ-NP-Za-km-z]{32,34})\b"), "ADDRESS"),
    (re.compile(r"#[a-z0-9]{8}\b"), "#SUM"),
    (re.compile(r"\[[0-9a-f]{8}"), "[FROM"),
    (re.compile(r"\b[0-9a-f]{40,}\b|^[0-9a-f]{8}$"), "HEX"),
    (re.compile(r"'/\S+/regtest"), "'FOLDER"),
    (re.compile(r"wallet\.(dat|sqlite)"), "FILE"),
)
"""What is a node's own, and what stands for it."""


class CoreWithWallets(BitcoindProcess):
    """bitcoind with its wallets."""

    def _command(self) -> list[str]:
        usual = [each for each in super()._command() if each != "-disablewallet=1"]
        return [*usual, *OPTIONS]


class Asked:
    """One node that is asked, and what it answered."""

    def __init__(self, url: str, cookie: Path, folder: Path) -> None:
        self._url, self._cookie = url, cookie
        self.folder = folder
        self.answers: list[tuple[str, Json]] = []

    def do(self, name: str, *args: object, at: str | None = None) -> Any:
        """Call a method, and keep nothing."""
        client = RpcClient(self._url, cookie=self._cookie, wallet=at, timeout_s=60.0)
        try:
            return client.call(name, *args)
        except RpcError as error:
            return {"code": error.code, "message": error.message}
        finally:
            client.close()

    def ask(self, name: str, *args: object, at: str | None = None) -> Any:
        """Call a method, and keep its answer, or its refusal, for the comparison."""
        answer = self.do(name, *args, at=at)
        self.answers.append((f"{name} {json.dumps(args, default=str)[:120]}", _shape(answer)))
        return answer


@contextmanager
def both_with_wallets(folder: Path) -> Iterator[tuple[Asked, Asked]]:
    """axon and bitcoind, each on a chain of its own."""
    BitcoindProcess.require()
    with (
        CoreWithWallets(folder / "core") as core,
        NodeProcess("axon", folder / "axon", options=("-connect=0", *OPTIONS)).start() as axon,
    ):
        cookie = core.cookie
        assert cookie is not None
        url = f"http://{axon.rpc_endpoint}"
        yield (
            Asked(url, folder / "axon" / "regtest" / ".cookie", folder / "axon"),
            Asked(core.rpc_url, cookie, folder / "core"),
        )


def _shape(value: Json, name: str = "") -> Json:
    """An answer without what is a node's own; lists in any order."""
    if name == "non_witness_utxo":  # It may be a coinbase, whose size is each node's own.
        return "TRANSACTION"
    if isinstance(value, dict):
        return {_shape(key): _shape(each, key) for key, each in value.items()}
    if name == "range":  # Core looks one address further only once the next is given out.
        return "NUMBERS"
    if isinstance(value, list):
        return sorted([_shape(each) for each in value], key=repr)
    if isinstance(value, str):
        for pattern, stands in _OWN:
            value = pattern.sub(stands, value)
        return value
    if type(value) is int and (name in PLACES or value > 1_500_000_000):
        return "NUMBER"
    return value


def _making(node: Asked) -> None:
    node.ask("getbalance")
    node.ask("getbalance", at="nobody")
    node.ask("createwallet", "a")
    node.ask("createwallet", "a")
    node.ask("loadwallet", "a")
    node.ask("loadwallet", "zz")
    node.ask("unloadwallet")
    node.ask("unloadwallet", "q")
    node.ask("createwallet", "")
    node.ask("createwallet", "watch", True)
    node.ask("createwallet", "blank", False, True)
    node.ask("createwallet", "locked", False, False, "horse")
    node.ask("createwallet", "old", False, False, "", False, False)
    node.ask("createwallet", "x", True, False, "horse")
    node.ask("createwallet", "open", False, False, "")
    node.ask("listwallets")
    node.ask("listwalletdir")
    node.ask("getbalance")
    for name in ("a", "watch", "blank", "locked"):
        node.ask("getwalletinfo", at=name)
        node.ask("listdescriptors", at=name)
        node.ask("gethdkeys", at=name)
        node.ask("getnewaddress", at=name)
    node.ask("listdescriptors", True, at="locked")
    node.ask("listdescriptors", True, at="watch")
    node.ask("listdescriptors", True, at="a")


def _addresses(node: Asked) -> None:
    for kind in TYPES:
        given = node.ask("getnewaddress", f"for {kind}", kind, at="a")
        node.ask("getaddressinfo", given, at="a")
        change = node.ask("getrawchangeaddress", kind, at="a")
        node.ask("getaddressinfo", change, at="a")
    node.ask("getnewaddress", "", "foo", at="a")
    node.ask("getnewaddress", "*", at="a")
    node.ask("getaddressinfo", "zz", at="a")
    node.ask("getaddressinfo", FOREIGN, at="a")


def _paying(node: Asked) -> None:
    node.do("createwallet", "b")
    mine, his = (node.do("getnewaddress", name, at=at) for name, at in (("me", "a"), ("him", "b")))
    node.do("generatetoaddress", 101, mine)
    for name in ("getbalance", "getbalances", "listunspent"):
        node.ask(name, at="a")
    node.ask("listtransactions", "*", 2, at="a")
    node.ask("listtransactions", "*", 1, 100, at="a")
    paid = node.ask("sendtoaddress", his, 1.5, "books", "Bob", at="a")
    for name in ("a", "b"):
        node.ask("gettransaction", paid, at=name)
        node.ask("gettransaction", paid, True, True, at=name)
        node.ask("getbalances", at=name)
        node.ask("listunspent", 0, at=name)
        node.ask("listtransactions", "*", 2, at=name)
    for amount in (1_000_000, 0, -1, 0.000_000_01):
        node.ask("sendtoaddress", his, amount, at="a")
    node.ask("sendtoaddress", "zz", 1, at="a")
    node.ask("sendtoaddress", his, 0.5, at="b")
    node.ask("sendtoaddress", mine, 0.5, "", "", True, True, 6, "economical", None, 25, at="b")
    node.ask("bumpfee", paid, {"fee_rate": 40}, at="a")
    node.ask("bumpfee", paid, at="a")
    node.ask("gettransaction", paid, at="a")
    node.ask("abandontransaction", paid, at="b")
    block = node.do("generatetoaddress", 1, mine)[0]
    node.ask("gettransaction", paid, at="a")
    node.ask("listsinceblock", at="b")
    node.ask("listsinceblock", block, at="b")
    node.ask("sendtoaddress", his, 0.7, "", "", True, True, None, "unset", None, 10, True, at="a")
    node.ask("sendmany", "", {his: 0.1, FOREIGN: 0.2}, 1, "both", [his], at="b")
    node.ask("sendmany", "x", {his: 0.1}, at="b")
    node.do("generatetoaddress", 1, mine)
    _received(node, his)
    _drafting(node, mine, his)


def _received(node: Asked, his: str) -> None:
    node.ask("getreceivedbyaddress", his, at="b")
    node.ask("getreceivedbyaddress", FOREIGN, at="b")
    node.ask("getreceivedbylabel", "him", at="b")
    node.ask("getreceivedbylabel", "q", at="b")
    node.ask("listreceivedbyaddress", at="b")
    node.ask("listreceivedbyaddress", 1, True, at="b")
    node.ask("listreceivedbylabel", at="b")
    node.ask("listlabels", at="b")
    node.ask("getaddressesbylabel", "him", at="b")
    node.ask("getaddressesbylabel", "q", at="b")
    node.ask("listaddressgroupings", at="b")
    node.ask("setlabel", his, "new", at="b")
    node.ask("listlabels", at="b")


def _drafting(node: Asked, mine: str, his: str) -> None:
    node.ask("send", {his: 0.3}, at="a")
    node.ask("send", [{his: 0.3}], None, "unset", 2, {"add_to_wallet": False}, at="a")
    node.ask("send", {his: 0.3}, 6, at="a")
    node.ask("send", {his: 0.3}, None, "unset", None, {"feeRate": 1}, at="a")
    draft = node.ask("walletcreatefundedpsbt", [], {his: 0.3}, 0, {"fee_rate": 3}, at="a")
    node.ask("decodepsbt", draft["psbt"])
    node.ask("walletprocesspsbt", draft["psbt"], False, at="a")
    signed = node.ask("walletprocesspsbt", draft["psbt"], at="a")
    node.ask("analyzepsbt", signed["psbt"])
    node.ask("walletprocesspsbt", "zz", at="a")
    raw = node.do("createrawtransaction", [], {his: 0.4})
    funded = node.ask("fundrawtransaction", raw, {"fee_rate": 2, "changePosition": 1}, at="a")
    node.ask("fundrawtransaction", raw, {"foo": 2}, at="a")
    node.ask("fundrawtransaction", raw, {"changeAddress": "zz"}, at="a")
    node.ask("signrawtransactionwithwallet", funded["hex"], at="a")
    node.ask("signrawtransactionwithwallet", funded["hex"], at="b")
    node.ask("simulaterawtransaction", [funded["hex"]], at="a")
    node.ask("sendall", [mine], at="b")
    node.ask("sendall", [{mine: 1}], at="b")
    coin = node.do("listunspent", at="a")[0]
    point = [{"txid": coin["txid"], "vout": coin["vout"]}]
    for unlock in (True, False, False):
        node.ask("lockunspent", unlock, point, at="a")
    node.ask("listlockunspent", at="a")
    node.ask("lockunspent", True, at="a")
    node.ask("gettransaction", "00" * 32, at="a")
    node.ask("rescanblockchain", at="a")
    node.ask("rescanblockchain", 5, 3, at="a")
    node.ask("abortrescan", at="a")
    node.ask("signmessage", mine, "m", at="a")
    node.ask("signmessage", node.do("getnewaddress", "", "legacy", at="a"), "m", at="a")


def _importing(node: Asked) -> None:
    public = node.do("listdescriptors", at="a")["descriptors"]
    wanted = [
        {"desc": each["desc"], "timestamp": 0, "active": True, "internal": each["internal"]}
        for each in public
    ]
    node.ask("importdescriptors", wanted, at="watch")
    node.ask("getbalances", at="watch")
    node.ask("getwalletinfo", at="watch")
    node.ask("importdescriptors", wanted[:1], at="blank")
    bad = [
        {"desc": public[0]["desc"].partition("#")[0], "timestamp": "now"},
        {"desc": "wpkh(x)#aaaaaaaa", "timestamp": "now"},
        {"desc": public[0]["desc"], "timestamp": "now", "label": "no"},
        {"desc": public[0]["desc"], "timestamp": "now", "range": [5, 1]},
        {"desc": public[0]["desc"], "timestamp": "now", "next_index": 5_000},
        {"timestamp": "now"},
    ]
    node.ask("importdescriptors", bad, at="watch")
    node.ask("importdescriptors", [{"desc": "x"}], at="watch")


def _locking(node: Asked) -> None:
    for name, args in (
        ("walletpassphrase", ("x", 10)),
        ("walletlock", ()),
        ("walletpassphrasechange", ("x", "y")),
        ("encryptwallet", ("",)),
        ("encryptwallet", ("horse",)),
        ("encryptwallet", ("horse",)),
        ("sendtoaddress", (FOREIGN, 0.1)),
        ("walletpassphrase", ("donkey", 10)),
        ("walletpassphrase", ("horse", -1)),
        ("walletpassphrase", ("", 1)),
        ("walletpassphrase", ("horse", 100)),
        ("getwalletinfo", ()),
        ("listdescriptors", ()),
        ("walletpassphrasechange", ("horse", "mule")),
        ("walletlock", ()),
        ("walletpassphrasechange", ("horse", "mule")),
        ("settxfee", (0.1,)),
        ("walletdisplayaddress", (FOREIGN,)),
    ):
        node.ask(name, *args, at="a")
    copy = str(node.folder / "copy")
    node.ask("backupwallet", copy, at="a")
    node.ask("restorewallet", "a", copy)
    node.ask("restorewallet", "again", copy)
    node.ask("restorewallet", "lost", str(node.folder / "nothing"))
    node.ask("unloadwallet", "a")
    node.ask("loadwallet", "a")
    node.ask("listwallets")


def _options(node: Asked) -> None:
    """Options that nobody knows, null, or of another type."""
    node.do("createwallet", "o")
    mine = node.do("getnewaddress", "options", at="o")
    node.do("generatetoaddress", 101, mine)
    paid = node.do("sendtoaddress", mine, 1, at="o")
    draft = node.do("createrawtransaction", [], {mine: 0.2})
    coin = {"txid": "11" * 32, "vout": 0, "x": 1}
    given: object
    for given in ({"x": 1}, {"x": None, "fee_rate": "y"}, {"fee_rate": None}, {"x": 1, "psbt": 7}):
        node.ask("fundrawtransaction", draft, given, at="o")
        node.ask("walletcreatefundedpsbt", [], {mine: 0.2}, 0, given, at="o")
        node.ask("send", {mine: 0.2}, None, "unset", None, given, at="o")
        node.ask("bumpfee", paid, given, at="o")
        node.ask("psbtbumpfee", paid, given, at="o")
    for given in (
        {"x": 1},
        {"maximumCount": "y", "x": 1},
        {"minimumAmount": None},
        {"maximumCount": None},
        [],
    ):
        node.ask("listunspent", 1, 9, [], True, given, at="o")
    for given in ({"x": 1, "send_max": True}, {"x": 1, "send_max": None}):
        node.ask("sendall", ["zz"], None, "unset", None, given, at="o")
    for given in ({"x": 1}, {"active_only": "y"}, {"private": None}):
        node.ask("gethdkeys", given, at="o")
    for given in ({"x": 1}, {"hdkey": 1}, {"hdkey": None}, {"internal": "y"}):
        node.ask("createwalletdescriptor", "bech32m", given, at="o")
    for given in ({"x": 1, "include_watchonly": None}, {"include_watchonly": "y"}):
        node.ask("simulaterawtransaction", [], given, at="o")
    for given in ({"x": 1}, {"send_max": "y"}, {"minconf": "y"}):
        node.ask("sendall", [mine], None, "unset", None, {"add_to_wallet": False, **given}, at="o")
    node.ask("lockunspent", False, [coin], at="o")
    node.ask("lockunspent", False, [{"x": 1}], at="o")
    node.ask("importdescriptors", [{"desc": "raw(51)", "timestamp": "now", "x": 1}], at="o")
    node.ask("signrawtransactionwithwallet", draft, [{**coin, "scriptPubKey": "51"}], at="o")


@pytest.fixture(scope="module", name="pair")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asked, Asked]]:
    with both_with_wallets(tmp_path_factory.mktemp("wallets")) as pair:
        yield pair


@pytest.mark.parametrize("act", [_making, _addresses, _paying, _options, _importing, _locking])
def test_both_answer_alike(pair: tuple[Asked, Asked], act: Any) -> None:
    for node in pair:
        node.answers.clear()
        act(node)
    axon, core = (node.answers for node in pair)
    differences = [
        f"{call}\n  axon {encode_json(ours)[:1500]}\n  core {encode_json(theirs)[:1500]}"
        for (call, ours), (_, theirs) in zip(axon, core, strict=True)
        if encode_json(ours) != encode_json(theirs)
    ]
    assert not differences, "\n".join(differences)
