"""The methods of a wallet, asked of a real light client beside a real full node."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from axon.drivers.aio.walletfile import SqliteStore
from axon.host.lightwallet import WALLET_FILE
from axon.host.settings import LightSettings
from axon.primitives.address import decode_address, encode_address
from axon.primitives.block import Block
from axon.primitives.hashes import Txid, from_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN
from axon.rpc.amounts import Number
from axon.rpc.dispatch import Registry
from axon.rpc.errors import Code
from axon.rpc.walletmethods import WALLET_MODULES
from axon.wallet.psbt import read_psbt
from axon.wallet.wallet import Wallet
from tests.rpc.lightwallet import PASSPHRASE, LightWallet, account, make_wallet, open_wallet
from tests.rpc.running import Rig, running
from tests.signing import Signer
from tests.wallet.scene import paying

BOB = Signer("bob").address()
MATURE = 101
COINS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """A node, and a wallet with ripe coins that knows it."""

    node: Rig
    wallet: LightWallet
    address: str

    def mine(self, count: int = 1) -> list[Block]:
        """Blocks that pay to nobody's wallet, seen by ours."""
        blocks = self.node.mine(count)
        while self.wallet.sync()["target"] < self.node.node.active.height:
            pass
        return blocks

    def pooled(self, txid: str) -> None:
        """Wait until the node has a payment in its pool."""
        pool, wanted = self.node.node.pool, Txid(from_hex(txid))
        assert self.node.wait(self.node.daemon.wait_for(lambda: wanted in pool, 20)), txid

    def balance(self) -> dict[str, int]:
        mine = self.wallet.call("getbalances")["mine"]
        return {name: sat(amount) for name, amount in mine.items()}

    def entry(self, txid: str) -> Any:
        return self.wallet.call("gettransaction", txid)


def fund(node: Rig, wallet: LightWallet, coins: int = 1) -> None:
    """Mine ripe coins for a wallet, and have it see them."""
    node.call("generatetoaddress", coins, wallet.call("getnewaddress"))
    node.mine(MATURE)
    while wallet.sync()["target"] < node.node.active.height:
        pass


def sat(amount: Number) -> int:
    return round(amount * COIN)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("wallets")
    make_wallet(folder, "alice", account(bytes(16)))
    with running(folder) as node, open_wallet(folder, "alice", node.endpoint) as wallet:
        address = wallet.call("getnewaddress", "mined")
        node.call("generatetoaddress", COINS, address)
        found = Place(node, wallet, address)
        found.mine(MATURE)
        yield found


def test_each_method_has_a_help_text(place: Place) -> None:
    registry = Registry(WALLET_MODULES)
    for name in registry.methods:
        assert place.wallet.call("help", name).startswith(name)
    assert "== Wallet ==" in place.wallet.call("help")


def test_what_was_mined_is_there(place: Place) -> None:
    assert place.balance()["trusted"] >= 0
    coins = place.wallet.call("listunspent")
    mined = [coin for coin in coins if coin["address"] == place.address]
    assert mined
    assert all(coin["label"] == "mined" and coin["spendable"] for coin in mined)
    entries = place.wallet.call("listtransactions", 100)
    generated = [entry for entry in entries if entry["category"] == "generate"]
    assert len(generated) == COINS
    assert {sat(entry["amount"]) for entry in generated} == {50 * COIN}
    assert [entry["blockheight"] for entry in generated] == list(range(COINS, 0, -1))
    info = place.wallet.call("getwalletinfo")
    assert (info["walletname"], info["chain"], info["kind"]) == ("alice", "regtest", "bip84")
    assert info["lastprocessedblock"]["hash"] == place.node.call("getbestblockhash")


@pytest.mark.long
def test_a_payment_goes_out_and_is_confirmed(place: Place) -> None:
    before = place.balance()["trusted"]
    draft = place.wallet.call("draftpayment", {BOB: 1.5}, {"fee_rate": 2})
    assert [each["address"] for each in draft["recipients"]] == [BOB]
    assert sat(draft["amount"]) == 150_000_000
    assert sat(draft["fee"]) == pytest.approx(2 * draft["vsize"], abs=2)
    spent = sum(sat(each["amount"]) for each in draft["inputs"])
    assert spent == 150_000_000 + sat(draft["fee"]) + sat(draft["change"])
    assert place.wallet.call("importpsbt", draft["psbt"])["fee"] == draft["fee"]

    sent = place.wallet.call("sendpayment", draft["psbt"], PASSPHRASE, {"wait": 20_000})
    assert sent["peers"] == 1
    assert sent["spread"]["given"] == 1
    place.pooled(sent["txid"])
    assert place.balance()["trusted"] == before - 150_000_000 - sat(draft["fee"])
    entry = place.entry(sent["txid"])
    assert (entry["category"], entry["state"], entry["confirmations"]) == ("send", "unconfirmed", 0)
    assert sat(entry["amount"]) == -150_000_000 - sat(draft["fee"])
    assert entry["addresses"] == [BOB]
    code, _ = place.wallet.refusal("gettxoutproof", sent["txid"])
    assert code == Code.NOT_FOUND

    place.mine()
    entry = place.entry(sent["txid"])
    assert (entry["state"], entry["confirmations"], entry["spread"]) == ("confirmed", 1, None)
    proof = place.wallet.call("gettxoutproof", sent["txid"])
    assert sent["txid"] in place.node.call("verifytxoutproof", proof)


def test_a_payment_uri_stands_for_an_address(place: Place) -> None:
    draft = place.wallet.call("draftpayment", {f"BITCOIN:{BOB.upper()}?amount=0.1&x=y": 0.1})
    assert [each["address"] for each in draft["recipients"]] == [BOB]
    assert "fee_question" not in draft
    draft = place.wallet.call("draftpayment", {f"bitcoin:{BOB}": 0.00001})
    assert "more than 5 %" in draft["fee_question"]


def test_a_fee_is_raised(place: Place) -> None:
    draft = place.wallet.call("draftpayment", {BOB: 0.1})
    first = place.wallet.call("sendpayment", draft["psbt"], PASSPHRASE)["txid"]
    code, told = place.wallet.refusal("draftbump", first, 1.5)
    assert code == Code.PARAMETER
    named = re.search(r"at least (2\.[01]) sat/vB", told)  # A signature may be a byte shorter.
    assert named is not None, told
    assert place.wallet.call("draftbump", first, float(named[1]))["replaces"] == first
    draft = place.wallet.call("draftbump", first, 5)
    assert draft["replaces"] == first
    sent = place.wallet.call("sendpayment", draft["psbt"], PASSPHRASE)
    place.pooled(sent["txid"])
    assert place.node.call("getrawmempool") == [sent["txid"]]
    assert place.entry(first)["state"] == "replaced"
    place.mine()
    assert place.entry(sent["txid"])["state"] == "confirmed"
    assert place.entry(first)["state"] == "replaced"
    code, _ = place.wallet.refusal("draftbump", sent["txid"], 9)
    assert code == Code.WALLET


def test_a_fee_that_nothing_but_the_payment_can_pay(place: Place) -> None:
    coin, *others = place.wallet.call("listunspent")
    places = [f"{each['txid']}:{each['vout']}" for each in others]
    chosen = {"coins": [{"txid": coin["txid"], "vout": coin["vout"]}]}
    everything = place.wallet.call("draftpayment", {BOB: "all"}, chosen | {"fee_rate": 1})
    amount, fee = everything["amount"].text, everything["fee"].text
    named = place.wallet.call("draftpayment", {BOB: amount}, chosen | {"fee": fee})
    first = place.wallet.call("sendpayment", named["psbt"], PASSPHRASE)["txid"]
    place.wallet.call("lockunspent", False, places)
    code, told = place.wallet.refusal("draftbump", first, 5)
    assert code == Code.INSUFFICIENT_FUNDS
    assert "let the payment itself get smaller" in told
    smaller = place.wallet.call("draftbump", first, 5, {"reduce_payment": True})
    place.wallet.call("lockunspent", True, places)
    assert sat(smaller["reduced"]) == sat(named["amount"]) - sat(smaller["amount"]) > 0
    sent = place.wallet.call("sendpayment", smaller["psbt"], PASSPHRASE)
    place.pooled(sent["txid"])
    place.mine()


def test_a_payment_of_all_gets_smaller_as_it_was_meant_to(place: Place) -> None:
    coin = place.wallet.call("listunspent")[0]
    chosen = {"coins": [{"txid": coin["txid"], "vout": coin["vout"]}], "fee_rate": 1}
    draft = place.wallet.call("draftpayment", {BOB: "all"}, chosen)
    first = place.wallet.call("sendpayment", draft["psbt"], PASSPHRASE)["txid"]
    for rate in (5, 9):
        raised = place.wallet.call("draftbump", first, rate)
        assert len(raised["inputs"]) == 1
        assert sat(raised["reduced"]) > 0
        first = place.wallet.call("sendpayment", raised["psbt"], PASSPHRASE)["txid"]
    place.pooled(first)
    place.mine()


def test_a_stale_draft_is_not_sent(place: Place) -> None:
    """Two payments drafted over the same coin: the second would take the first one's place."""
    first = place.wallet.call("draftpayment", {BOB: 0.2})
    dearer = place.wallet.call("draftpayment", {BOB: 0.3}, {"coins": first["inputs"]})
    sent = place.wallet.call("sendpayment", first["psbt"], PASSPHRASE)
    place.pooled(sent["txid"])
    code, told = place.wallet.refusal("sendpayment", dearer["psbt"], PASSPHRASE)
    assert code == Code.PARAMETER
    assert f"promised to {sent['txid']}" in told
    place.mine()
    code, told = place.wallet.refusal("sendpayment", dearer["psbt"], PASSPHRASE)
    assert code == Code.PARAMETER
    assert "in a block" in told
    assert place.entry(sent["txid"])["state"] == "confirmed"


def test_signed_elsewhere_and_sent_here(place: Place) -> None:
    draft = place.wallet.call("draftpayment", [{BOB: 0.1}, {place.address: "0.2"}])
    signed = place.wallet.call("signpsbt", draft["psbt"], PASSPHRASE)
    assert signed["complete"]
    assert signed["txid"] not in place.node.call("getrawmempool")
    assert not place.wallet.call("importpsbt", draft["psbt"])["complete"]
    shown = place.wallet.call("importpsbt", signed["hex"])
    assert shown["complete"]
    assert shown["txid"] == signed["txid"]
    for name in ("recipients", "amount", "fee", "change", "inputs"):
        assert shown[name] == draft[name]
    sent = place.wallet.call("sendpayment", signed["hex"])
    assert sent["txid"] == signed["txid"]
    place.pooled(sent["txid"])
    assert place.wallet.call("sendrawtransaction", signed["hex"]) == signed["txid"]
    assert place.wallet.call("combinepsbt", [draft["psbt"]] * 2) == draft["psbt"]
    code, told = place.wallet.refusal("finalizepsbt", draft["psbt"])
    assert code == Code.DESERIALIZATION
    assert "signatures are missing" in told
    place.mine()


def test_frozen_coins_stay(place: Place) -> None:
    coins = place.wallet.call("listunspent")
    names = [f"{coin['txid']}:{coin['vout']}" for coin in coins]
    assert place.wallet.call("lockunspent", False, names)
    assert place.balance()["frozen"] == sum(sat(coin["amount"]) for coin in coins)
    assert len(place.wallet.call("listlockunspent")) == len(coins)
    code, told = place.wallet.refusal("draftpayment", {BOB: 0.1})
    assert code == Code.INSUFFICIENT_FUNDS
    assert "frozen" in told
    point = {"txid": coins[0]["txid"], "vout": coins[0]["vout"]}
    code, _ = place.wallet.refusal("draftpayment", {BOB: 0.1}, {"coins": [point]})
    assert code == Code.PARAMETER
    assert place.wallet.call("lockunspent", True, [point])
    draft = place.wallet.call("draftpayment", {BOB: "all"})
    assert [each["txid"] for each in draft["inputs"]] == [point["txid"]]
    assert place.wallet.call("lockunspent", True)
    assert place.balance()["frozen"] == 0


def test_labels_travel(place: Place) -> None:
    coin = place.wallet.call("listunspent")[0]
    place.wallet.call("setlabel", f"{coin['txid']}:{coin['vout']}", "the first")
    assert place.wallet.call("listunspent")[0]["label"] == "the first"
    place.wallet.call("setlabel", coin["txid"], "wages")
    assert place.entry(coin["txid"])["label"] == "wages"
    taproot = encode_address(b"\x51\x20" + bytes(32), REGTEST) or ""
    assert len(taproot) == len(coin["txid"])
    place.wallet.call("setlabel", taproot, "Carol")
    exported = place.wallet.call("exportlabels")
    for text in ("the first", "wages", "Carol", "mined"):
        assert text in exported
    for target in (f"{coin['txid']}:{coin['vout']}", coin["txid"], taproot):
        place.wallet.call("setlabel", target, "")
    assert place.wallet.call("importlabels", exported) == {
        "taken": 4,
        "skipped": 0,
        "left_out": [],
    }
    assert place.wallet.call("exportlabels") == exported
    code, _ = place.wallet.refusal("setlabel", "nonsense", "x")
    assert code == Code.INVALID_LABEL


def test_addresses_and_descriptors(place: Place) -> None:
    address = place.wallet.call("getnewaddress", "rent")
    listed = {each["address"]: each for each in place.wallet.call("listaddresses")}
    assert listed[place.address]["used"]
    assert (listed[address]["used"], listed[address]["label"]) == (False, "rent")
    assert all(each["change"] for each in place.wallet.call("listaddresses", True))
    public = place.wallet.call("listdescriptors")["descriptors"]
    assert [each["internal"] for each in public] == [False, True]
    assert all("tpub" in each["desc"] for each in public)
    code, told = place.wallet.refusal("listdescriptors", True, "wrong")
    assert code == Code.PASSPHRASE_INCORRECT
    assert "wrong" not in told
    private = place.wallet.call("listdescriptors", True, PASSPHRASE)["descriptors"]
    assert all("tprv" in each["desc"] for each in private)


def test_the_chain_as_far_as_it_is_seen(place: Place) -> None:
    info = place.wallet.sync()
    height = place.node.node.active.height
    assert (info["scanned"], info["target"], info["filter_headers"]) == (height,) * 3
    assert (info["peers"], info["filter_peers"], info["agreed"]) == (1, 1, 1)
    assert info["disputed"] is None
    assert (info["clock_behind"], abs(info["clock_offset"]) < 60) == (False, True)
    for said in (info, place.wallet.call("getbalances"), place.wallet.call("getwalletinfo")):
        asof = said["asof"]
        assert (asof["height"], asof["hash"]) == (height, info["bestblockhash"])
        assert (asof["synced"], asof["nodes_asked"], asof["nodes_agree"]) == (True, 1, 1)
        assert abs(time.time() - asof["time"] - asof["age"]) < 60
    assert place.wallet.call("getblockcount") == height
    assert place.wallet.call("getbestblockhash") == place.node.call("getbestblockhash")
    assert place.wallet.call("getblockhash", 7) == place.node.call("getblockhash", 7)
    assert place.wallet.refusal("getblockhash", height + 1)[0] == Code.PARAMETER


def test_a_rescan_finds_the_same(place: Place) -> None:
    before = place.wallet.call("listtransactions", 100), place.balance()
    assert place.wallet.refusal("rescanblockchain", 1_000_000)[0] == Code.PARAMETER
    assert place.wallet.call("rescanblockchain", 0) == {"start_height": 0}
    assert place.wallet.sync()["scanned"] == place.node.node.active.height
    assert (place.wallet.call("listtransactions", 100), place.balance()) == before


def test_nodes_come_and_go(place: Place) -> None:
    (peer,) = place.wallet.call("getpeerinfo")
    assert peer["addr"] == str(place.node.endpoint)
    assert (peer["filters"], peer["synced_headers"]) == ("agrees", place.node.node.active.height)
    assert "COMPACT_FILTERS" in peer["servicesnames"]
    assert place.wallet.call("getconnectioncount") == 1
    assert place.wallet.refusal("addnode", "127.0.0.1:99999", "add")[0] == Code.PARAMETER
    assert place.wallet.refusal("addnode", "127.0.0.1", "remove")[0] == Code.NODE_NOT_ADDED
    assert place.wallet.refusal("addnode", "127.0.0.1", "invite")[0] == Code.MISC
    assert place.wallet.refusal("disconnectnode", "127.0.0.1:1")[0] == Code.NODE_NOT_CONNECTED
    place.wallet.call("disconnectnode", "", peer["id"])
    place.wallet.call("addnode", str(place.node.endpoint), "onetry")
    place.mine()  # Somebody tells of it.


@pytest.mark.parametrize(
    ("recipients", "options", "code", "told"),
    [
        ({}, {}, Code.NOT_FOUND, "somebody to pay"),
        ({"nonsense": 1}, {}, Code.NOT_FOUND, "cannot be paid"),
        ({"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": 1}, {}, Code.NOT_FOUND, "not of main"),
        ({BOB: -1}, {}, Code.TYPE, "out of range"),
        ({BOB: "0.000000001"}, {}, Code.TYPE, "Invalid amount"),
        ({BOB: 0.00000001}, {}, Code.TYPE, "dust"),
        ({f"bitcoin:{BOB}?amount=0.2": 0.1}, {}, Code.TYPE, "asks for 0.20000000 BTC, not for 0.1"),
        ({f"bitcoin:{BOB}?amount=0.2": "all"}, {}, Code.TYPE, "not for all"),
        ({f"bitcoin:{BOB}?req-x=": 0.1}, {}, Code.NOT_FOUND, "requires 'req-x'"),
        ({BOB: 20_000_000}, {}, Code.INSUFFICIENT_FUNDS, "can be spent"),
        ([BOB, 1], {}, Code.PARAMETER, "expected recipients"),
        ({BOB: 1}, {"fee_rate": 0}, Code.PARAMETER, "positive"),
        ({BOB: 1}, {"fee_rate": 0.01}, Code.PARAMETER, "below"),
        ({BOB: 1}, {"fee_rate": 90_000}, Code.PARAMETER, "more than any payment needs"),
        ({BOB: 1}, {"fee": 1, "fee_rate": 1}, Code.PARAMETER, "Name one of"),
        ({BOB: 1}, {"coins": ["nonsense"]}, Code.PARAMETER, "txid:index"),
        ({BOB: 1}, {"coins": [f"{1:064x}:0"]}, Code.PARAMETER, "no unspent coin"),
        ({BOB: 1}, {"conf_target": 0}, Code.PARAMETER, "between 1 and 1008"),
    ],
)
def test_what_cannot_be_paid(
    place: Place, recipients: Any, options: dict[str, Any], code: Code, told: str
) -> None:
    given, text = place.wallet.refusal("draftpayment", recipients, options)
    assert (given, told in text) == (code, True), text


def test_what_cannot_be_signed_or_sent(place: Place) -> None:
    draft = place.wallet.call("draftpayment", {BOB: 0.1})
    code, told = place.wallet.refusal("sendpayment", draft["psbt"], "wrong")
    assert code == Code.PASSPHRASE_INCORRECT
    assert "wrong" not in told
    assert place.wallet.refusal("signpsbt", "cHNidP8=", PASSPHRASE)[0] == Code.DESERIALIZATION
    assert place.wallet.refusal("sendrawtransaction", "00")[0] == Code.DESERIALIZATION
    foreign = place.node.mine()[0].transactions[0].raw.hex()
    assert place.wallet.refusal("sendrawtransaction", foreign)[0] == Code.NOT_FOUND
    before, unsigned = place.balance(), read_psbt(draft["psbt"]).transaction.raw.hex()
    for method in ("sendrawtransaction", "sendpayment"):
        code, told = place.wallet.refusal(method, unsigned)
        assert code == Code.DESERIALIZATION
        assert "missing or wrong" in told
    assert place.balance() == before
    assert place.wallet.refusal("gettransaction", f"{1:064x}")[0] == Code.NOT_FOUND
    assert place.wallet.refusal("sendpayment", draft["psbt"], "x", {"wait": -1})[0] < 0


def test_too_many_unused_addresses(tmp_path: Path) -> None:
    make_wallet(tmp_path, "carol", account(bytes(15) + b"\x01"))
    with open_wallet(tmp_path, "carol") as wallet:
        for _ in range(20):
            wallet.call("getnewaddress")
        assert wallet.refusal("getnewaddress")[0] == Code.KEYPOOL_RAN_OUT
        assert wallet.call("getnewaddress", "", True)
        info = wallet.call("getsyncinfo")
        assert (info["scanned"], info["peers"], info["synced"]) == (-1, 0, False)
        assert not wallet.call("waitforsync", 50)["synced"]
        assert wallet.call("uptime") >= 0


def test_a_payment_that_nobody_took_goes_out_at_the_next_start(tmp_path: Path) -> None:
    """It is written down before anybody hears of it."""
    make_wallet(tmp_path, "alice", account(bytes(16)))
    with running(tmp_path) as node:
        with open_wallet(tmp_path, "alice", node.endpoint) as wallet:
            fund(node, wallet)
        with open_wallet(tmp_path, "alice") as wallet:
            draft = wallet.call("draftpayment", {BOB: 1})
            sent = wallet.call("sendpayment", draft["psbt"], PASSPHRASE)
            assert set(sent["spread"].values()) == {0}
            assert (sent["delivery"], sent["refusals"]) == ("kept", [])
            (waiting,) = wallet.call("waitfordelivery", 10_000)
            assert (waiting["txid"], waiting["delivery"]) == (sent["txid"], "kept")
        assert node.call("getrawmempool") == []
        with open_wallet(tmp_path, "alice", node.endpoint) as wallet:
            wallet.sync()
            (waiting,) = wallet.call("waitfordelivery", 10_000)
            assert waiting["delivery"] in ("handed over", "accepted")
        with open_wallet(tmp_path, "alice", node.endpoint) as wallet:
            Place(node, wallet, "").pooled(sent["txid"])
            began = time.monotonic()
            (waiting,) = wallet.call("waitfordelivery", 10_000)
            assert waiting["delivery"] in ("handed over", "accepted"), "known from before"
            assert time.monotonic() - began < 5
            shown = wallet.call("listtransactions", 1)[0]["delivery"]
            assert shown in (waiting["delivery"], "accepted")


def test_what_was_said_of_payments_is_known_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy wallet is closed as soon as it has said who has its payments."""
    make_wallet(tmp_path, "alice", account(bytes(16)))
    with running(tmp_path) as node:
        with open_wallet(tmp_path, "alice", node.endpoint) as wallet:
            fund(node, wallet, 2)
        with open_wallet(tmp_path, "alice") as wallet:
            for amount in (1, 2):
                draft = wallet.call("draftpayment", {BOB: amount})
                wallet.call("sendpayment", draft["psbt"], PASSPHRASE)
        note = Wallet.note_delivery

        def note_late(self: Wallet, txid: Txid, *, shown: bool) -> None:
            time.sleep(0.3)
            note(self, txid, shown=shown)

        monkeypatch.setattr(Wallet, "note_delivery", note_late)
        with open_wallet(tmp_path, "alice", node.endpoint) as wallet:
            wallet.sync()
            said = wallet.call("waitfordelivery", 10_000)
    assert len(said) == 2
    assert "kept" not in [payment["delivery"] for payment in said]
    with open_wallet(tmp_path, "alice") as wallet:
        known = wallet.call("waitfordelivery")
        assert [payment["delivery"] for payment in known] == [
            payment["delivery"] for payment in said
        ]


@pytest.mark.process
def test_what_a_node_refuses_is_not_called_sent(tmp_path: Path) -> None:
    """Two devices with one seed: the second pays less for a coin that the first has spent."""
    make_wallet(tmp_path / "one", "alice", account(bytes(16)))
    make_wallet(tmp_path / "two", "alice", account(bytes(16)))
    with running(tmp_path) as node:
        with open_wallet(tmp_path / "one", "alice", node.endpoint) as first:
            fund(node, first)
            draft = first.call("draftpayment", {BOB: 1}, {"fee_rate": 10})
            sent = first.call("sendpayment", draft["psbt"], PASSPHRASE, {"wait": 30_000})
            assert sent["delivery"] == "accepted"
        with open_wallet(tmp_path / "two", "alice", node.endpoint) as second:
            second.sync()
            draft = second.call("draftpayment", {BOB: 2}, {"fee_rate": 2})
            sent = second.call("sendpayment", draft["psbt"], PASSPHRASE, {"wait": 40_000})
            assert sent["delivery"] in ("refused", "replaced")
            assert sent["txid"] not in node.call("getrawmempool")


@pytest.mark.process
def test_what_another_device_has_sent_is_with_the_node_that_told_of_it(tmp_path: Path) -> None:
    make_wallet(tmp_path / "one", "alice", account(bytes(16)))
    make_wallet(tmp_path / "two", "alice", account(bytes(16)))
    with running(tmp_path, announce_pool=True) as node:
        with open_wallet(tmp_path / "one", "alice", node.endpoint) as first:
            fund(node, first)
            draft = first.call("draftpayment", {BOB: 1})
            sent = first.call("sendpayment", draft["psbt"], PASSPHRASE, {"wait": 30_000})
        with open_wallet(tmp_path / "two", "alice", node.endpoint) as second:
            second.sync()
            entry = waited_for(second, sent["txid"])
            assert (entry["category"], entry["delivery"]) == ("send", "accepted")
        with open_wallet(tmp_path / "two", "alice") as second:
            (waiting,) = second.call("waitfordelivery")
            assert (waiting["txid"], waiting["delivery"]) == (sent["txid"], "accepted")
            second.call("rescanblockchain", 0)
            assert second.call("listtransactions", 1)[0]["delivery"] == "accepted"


def test_a_payment_that_its_sender_bumped_is_in_one_sum(tmp_path: Path) -> None:
    make_wallet(tmp_path, "alice", account(bytes(16)))
    with SqliteStore(LightSettings(REGTEST, tmp_path).wallet_folder("alice") / WALLET_FILE) as disk:
        wallet = Wallet.load(disk)
        script = decode_address(wallet.new_address(), REGTEST)
        for fee_sat in (1_000, 2_000, 3_000):
            wallet.take_unconfirmed(paying(script, 4 * COIN, "coin", fee_sat), int(time.time()))
        wallet.take_unconfirmed(paying(script, COIN, "other"), int(time.time()))
    with open_wallet(tmp_path, "alice") as light:
        mine = light.call("getbalances")["mine"]
        assert (sat(mine["untrusted_pending"]), sat(mine["disputed"])) == (COIN, 4 * COIN)
        assert sat(mine["trusted"]) == 0


@pytest.mark.process
def test_a_payment_goes_to_the_node_that_is_not_behind(tmp_path: Path) -> None:
    make_wallet(tmp_path, "alice", account(bytes(16)))
    with running(tmp_path / "good") as node, running(tmp_path / "behind") as behind:
        with open_wallet(tmp_path, "alice", node.endpoint) as wallet:
            fund(node, wallet, 4)
        with open_wallet(tmp_path, "alice", behind.endpoint, node.endpoint) as wallet:
            wallet.sync()
            for _ in range(4):  # Who listens is drawn by chance.
                draft = wallet.call("draftpayment", {BOB: 10})
                sent = wallet.call("sendpayment", draft["psbt"], PASSPHRASE, {"wait": 20_000})
                assert sent["delivery"] == "accepted"
                assert sent["txid"] in node.call("getrawmempool")
            peers = wallet.call("getpeerinfo")
            assert all(peer["headers_told"] for peer in peers)
            best = node.call("getblockcount")
            assert best > 0
            assert {peer["synced_headers"]: peer.get("behind") for peer in peers} == {
                best: None,
                -1: 0,
            }


def waited_for(wallet: LightWallet, txid: str) -> Any:
    """The entry of a transaction that a wallet is about to hear of."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for entry in wallet.call("listtransactions", 100):
            if entry["txid"] == txid:
                return entry
        time.sleep(0.1)
    raise AssertionError(f"nobody told of {txid}")


def test_fees_by_target_come_from_the_last_blocks(place: Place) -> None:
    told = place.wallet.call("estimatesmartfee", 6)
    assert (sat(told["feerate"]), told["blocks"]) == (1_000, 6)
    draft = place.wallet.call("draftpayment", {BOB: 1}, {"conf_target": 2})
    assert sat(draft["fee"]) == pytest.approx(draft["vsize"], abs=2)
    code, message = place.wallet.refusal("estimatesmartfee", 1_009)
    assert (code, "between 1 and 1008" in message) == (Code.PARAMETER, True)
