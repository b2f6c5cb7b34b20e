"""A wallet that is served, asked as Core would be: the same names and positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from axon.primitives.transaction import Transaction
from axon.rpc.errors import Code
from tests.rpc.lightwallet import PASSPHRASE, LightWallet, account, make_wallet, open_wallet
from tests.rpc.running import Rig, running
from tests.signing import Signer

BOB: Final = Signer("bob").address()
MATURE: Final = 101


@pytest.fixture(scope="module", name="pair")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, LightWallet]]:
    folder = tmp_path_factory.mktemp("wallets")
    make_wallet(folder, "alice", account(bytes(16)))
    with running(folder) as node, open_wallet(folder, "alice", node.endpoint) as wallet:
        node.call("generatetoaddress", 3, wallet.call("getnewaddress", "mined", "bech32"))
        node.mine(MATURE)
        _seen(node, wallet)
        yield node, wallet


def _seen(node: Rig, wallet: LightWallet) -> None:
    while wallet.sync()["target"] < node.node.active.height:
        pass


def test_positions_are_cores(pair: tuple[Rig, LightWallet]) -> None:
    node, wallet = pair
    assert wallet.call("getnewaddress", "", "bech32").startswith("bcrt1q")
    assert wallet.call("getnewaddress", label="", beyond_gap=True).startswith("bcrt1q")
    assert wallet.refusal("getnewaddress", "", "legacy")[0] == Code.KEYPOOL_RAN_OUT
    assert wallet.refusal("getnewaddress", "", "foo") == (-5, "Unknown address type 'foo'")
    ours = wallet.call("listtransactions", 10)
    assert wallet.call("listtransactions", "*", 10, 0) == ours[::-1]
    assert wallet.call("listtransactions", "*", 1, 1) == ours[1:2]
    assert wallet.call("listtransactions", "mined", 10) == ours[::-1]
    assert wallet.call("listtransactions", "none", 10) == []
    coins = wallet.call("listunspent", 1, 9_999_999)
    assert coins == wallet.call("listunspent")
    assert wallet.call("listunspent", 1, 9_999_999, [BOB]) == []
    assert wallet.call("listunspent", 1, 103, [], True, {"minimumAmount": 1}) == coins[1:]
    assert wallet.call("getbalance", "*", 1) == wallet.call("getbalance") == 150
    assert wallet.call("getbalance", "*", 104) == 50
    assert wallet.refusal("getbalance", "all")[0] == -32
    txid = coins[0]["txid"]
    shown = wallet.call("gettransaction", txid, True)
    assert shown == wallet.call("gettransaction", txid)
    assert wallet.call("gettransaction", txid, True, True)["decoded"]["txid"] == txid
    assert wallet.call("rescanblockchain", 0, 5) == {"start_height": 0, "stop_height": 5}
    assert wallet.refusal("rescanblockchain", 5, 3)[0] == Code.PARAMETER
    _seen(node, wallet)
    assert wallet.call("estimatesmartfee", 6, "CONSERVATIVE")["blocks"] == 6
    assert wallet.refusal("estimatesmartfee", 6, "fast")[0] == Code.PARAMETER


def test_what_programs_ask_first(pair: tuple[Rig, LightWallet]) -> None:
    _, wallet = pair
    assert wallet.call("listwallets") == ["alice"]
    assert wallet.refusal("loadwallet", "alice")[0] == Code.WALLET_ALREADY_LOADED
    assert wallet.refusal("loadwallet", "bob")[0] == Code.WALLET_NOT_FOUND
    assert wallet.refusal("createwallet", "bob")[0] == Code.WALLET
    chain = wallet.call("getblockchaininfo")
    assert (chain["chain"], chain["blocks"]) == ("regtest", chain["headers"])
    assert wallet.call("getnetworkinfo")["connections"] == 1
    mine = wallet.call("listunspent")[0]["address"]
    info = wallet.call("getaddressinfo", mine)
    assert info["ismine"]
    assert info["labels"] == ["mined"]
    assert not info["ischange"]
    assert not wallet.call("getaddressinfo", BOB)["ismine"]
    assert wallet.refusal("getaddressinfo", "zz")[0] == Code.NOT_FOUND
    assert wallet.call("validateaddress", BOB)["isvalid"]
    assert wallet.call("getreceivedbyaddress", mine) == 150
    assert wallet.refusal("getreceivedbyaddress", BOB)[0] == Code.WALLET


def test_the_keys_are_open_for_a_time(pair: tuple[Rig, LightWallet]) -> None:
    _, wallet = pair
    assert wallet.refusal("sendtoaddress", BOB, 1)[0] == Code.UNLOCK_NEEDED
    assert wallet.refusal("walletpassphrase", "mule", 60)[0] == Code.PASSPHRASE_INCORRECT
    assert wallet.refusal("sendtoaddress", BOB, 1)[0] == Code.UNLOCK_NEEDED
    assert wallet.call("walletpassphrase", PASSPHRASE, 600) is None
    txid = wallet.call("sendtoaddress", BOB, 1.5, "books", fee_rate=2)
    entry = wallet.call("listtransactions", "*", 1, 0)[0]
    assert (entry["txid"], entry["label"]) == (txid, "books")
    assert wallet.call("sendmany", "", {BOB: 0.1}, fee_rate=2) != txid
    assert wallet.refusal("sendtoaddress", BOB, 1_000)[0] == Code.INSUFFICIENT_FUNDS
    draft: Any = wallet.call("walletcreatefundedpsbt", [], {BOB: 0.3}, 0, {"fee_rate": 3})
    assert draft["fee"] > 0
    assert draft["changepos"] in (0, 1)
    assert not wallet.call("walletprocesspsbt", draft["psbt"], False)["complete"]
    signed = wallet.call("walletprocesspsbt", draft["psbt"])
    final = wallet.call("finalizepsbt", signed["psbt"])
    assert signed["complete"]
    assert final["hex"] == signed["hex"]
    assert Transaction.decode(bytes.fromhex(final["hex"])).outputs[1 - draft["changepos"]]
    assert wallet.call("walletlock") is None
    assert wallet.refusal("walletprocesspsbt", draft["psbt"])[0] == Code.UNLOCK_NEEDED
