"""Payjoins over HTTP (BIP 78) between two real light clients beside a real full node."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from axon.primitives.hashes import Txid, from_hex
from axon.rpc.errors import Code
from tests.rpc.lightwallet import PASSPHRASE, LightWallet, account, make_wallet, open_wallet
from tests.rpc.running import Rig, running

MATURE = 101


def free_place() -> str:
    """An address and port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@dataclass(frozen=True, slots=True)
class Market:
    """Alice and Bob, each with ripe coins, and the node of both."""

    node: Rig
    alice: LightWallet
    bob: LightWallet

    def mine(self, count: int) -> None:
        """Blocks that both wallets see."""
        self.node.mine(count)
        for wallet in (self.alice, self.bob):
            while wallet.sync()["target"] < self.node.node.active.height:
                pass

    def pay(self, uri: str) -> dict[str, Any]:
        """Alice pays a URI, and the node has the payment."""
        address = re.split("[:?]", uri)[1]
        draft = self.alice.call("draftpayment", {address: "0.5"}, {"fee_rate": 2})
        sent = self.alice.call("payjoinpayment", uri, draft["psbt"], PASSPHRASE)
        wanted, pool = Txid(from_hex(sent["txid"])), self.node.node.pool
        assert self.node.wait(self.node.daemon.wait_for(lambda: wanted in pool, 20)), sent
        return dict(sent)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    folder = tmp_path_factory.mktemp("market")
    make_wallet(folder, "alice", account(bytes(16)))
    make_wallet(folder, "bob", account(bytes([1]) * 16))
    with (
        running(folder) as node,
        open_wallet(folder, "alice", node.endpoint) as alice,
        open_wallet(folder, "bob", node.endpoint) as bob,
    ):
        for wallet in (alice, bob):
            node.call("generatetoaddress", 2, wallet.call("getnewaddress"))
        found = Market(node, alice, bob)
        found.mine(MATURE)
        bob.call("openpayments", PASSPHRASE, "none", {"payjoin_http": free_place()})
        yield found


def foreign(market: Market) -> tuple[str, str]:
    """The id of an invoice of Bob, and its URI as one reads it who knows no links."""
    made = market.bob.call("createinvoice", "0.5", "Bob")
    assert "pj=http%3A%2F%2F127.0.0.1%3A" in made["uri"]
    assert market.bob.call("listdeals", made["id"])[0]["uri"] == made["uri"]
    return made["id"], re.sub("axon=[^&]*&", "", made["uri"])


def test_a_foreign_uri_is_paid_with_a_coin_of_both(market: Market) -> None:
    invoice, uri = foreign(market)
    sent = market.pay(uri)
    assert (sent["joined"], sent["why"]) == (True, "")
    assert len(market.node.call("getrawtransaction", sent["txid"], 1)["vin"]) == 2
    assert market.bob.call("listdeals", invoice)[0]["stage"] == "linked"
    market.mine(1)
    settled = market.bob.call("waitfordeal", invoice, "settled", 20_000)
    assert (settled["stage"], "pj=" in settled["uri"]) == ("settled", False)


def test_where_nobody_joins_it_is_sent_as_it_is(market: Market) -> None:
    _, uri = foreign(market)
    for place, why in (
        ("http%3A%2F%2F127.0.0.1%3A9%2Fpj", "not reached"),
        ("http%3A%2F%2Fshop.example%2Fpj", "onion service only"),
    ):
        sent = market.pay(re.sub("pj=[^&]*", f"pj={place}", uri))
        assert not sent["joined"]
        assert why in sent["why"]
        assert len(market.node.call("getrawtransaction", sent["txid"], 1)["vin"]) == 1
        market.mine(1)


def test_an_option_that_nobody_knows_is_refused_and_null_is_none(market: Market) -> None:
    address = market.bob.call("getnewaddress")
    told = market.alice.refusal("draftpayment", {address: "0.1"}, {"fe_rate": 9})
    assert told == (Code.TYPE, "Unexpected key fe_rate")
    told = market.bob.refusal("openpayments", PASSPHRASE, "none", {"payjon": False})
    assert told == (Code.TYPE, "Unexpected key payjon")
    place = {"payjoin_http": free_place(), "payjoin_url": None}
    assert market.bob.call("openpayments", PASSPHRASE, "none", place) == {"listening": None}
    assert market.bob.call("createinvoice", "0.5", "Bob", "", 3_600, {"endpoints": None})["uri"]


def test_what_cannot_be_a_place_for_payjoins_is_refused(market: Market) -> None:
    for choice, reason in (
        ({"payjoin_http": "192.0.2.1:8080"}, "on this machine"),
        ({"payjoin_http": "127.0.0.1:9", "payjoin_url": "http://shop.example"}, "service only"),
    ):
        code, told = market.bob.refusal("openpayments", PASSPHRASE, "none", choice)
        assert (code, reason in told) == (Code.MISC, True)
        refusal = market.alice.refusal("openpayments", "wrong", "none", choice)
        assert refusal == (code, told), "the passphrase was looked at first"
    for nowhere in ("here:there", "127.0.0.1:70000", ""):
        code, told = market.alice.refusal("openpayments", "wrong", nowhere)
        assert (code, "names no" in told) == (Code.PARAMETER, True)
    code, _ = market.alice.refusal("openpayments", "wrong", "127.0.0.1:9")
    assert code == Code.PASSPHRASE_INCORRECT
    address = market.bob.call("getnewaddress")
    code, told = market.alice.refusal(
        "payjoinpayment", f"bitcoin:{address}?amount=0.5", "", PASSPHRASE
    )
    assert (code, "names no payjoin endpoint" in told) == (Code.PARAMETER, True)
