"""Calls of a node's wallets: the lock, descriptors brought along, PSBTs, replaced payments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from axon.host.fullnode import RunningNode, full_node
from axon.host.openwallet import WALLET_FILE
from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.keys import public_key
from axon.primitives.network import REGTEST
from axon.rpc.amounts import Amount
from tests.host.test_nodewallets import COIN_AGE, refusal, settings, trusted

KEY = ExtendedKey.from_seed(b"a seed of tests.").encode(REGTEST)
OPEN_KEY = b"axonopen"
"""Before a key that no passphrase seals."""


def run(folder: Path, act: Callable[[RunningNode], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with full_node(settings(folder)) as node:
            await act(node)

    asyncio.run(inside())


async def rich(node: RunningNode, name: str, **options: object) -> str:
    """A wallet with a coin of 50 that can be spent, and 100 that cannot yet; its address."""
    await node.call("createwallet", name, **options)
    address: str = await node.call_wallet(name, "getnewaddress")
    await node.call("generatetoaddress", COIN_AGE, address)
    return address


def test_a_wallet_is_locked_and_unlocked(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        call = node.call_wallet
        address = await rich(node, "alice")
        for method, args in (
            ("walletpassphrase", ("x", 1)),
            ("walletlock", ()),
            ("walletpassphrasechange", ("x", "y")),
        ):
            assert await refusal(node, "alice", method, *args) == -15
        assert await refusal(node, "alice", "encryptwallet", "") == -8
        folder = tmp_path / "wallets" / "alice"
        assert any(OPEN_KEY in path.read_bytes() for path in folder.iterdir())
        await call("alice", "encryptwallet", "horse")
        assert not any(OPEN_KEY in path.read_bytes() for path in folder.iterdir())
        assert await refusal(node, "alice", "encryptwallet", "horse") == -15
        assert await refusal(node, "alice", "sendtoaddress", address, 1) == -13
        assert await refusal(node, "alice", "walletpassphrase", "donkey", 60) == -14
        assert await refusal(node, "alice", "walletpassphrase", "horse", -1) == -8
        assert (await call("alice", "getwalletinfo"))["unlocked_until"] == 0
        await call("alice", "walletpassphrase", "horse", 60)
        assert (await call("alice", "getwalletinfo"))["unlocked_until"] > 0
        assert await call("alice", "sendtoaddress", address, 1), "old coins are spent all the same"
        await call("alice", "walletlock")
        assert await refusal(node, "alice", "sendtoaddress", address, 1) == -13
        await call("alice", "walletpassphrasechange", "horse", "mule")
        await call("alice", "walletpassphrase", "mule", 0)
        await asyncio.sleep(0.05)  # It is over at once, by the loop's clock.
        assert await refusal(node, "alice", "signmessage", address, "m") == -13

    run(tmp_path, act)


def test_descriptors_are_brought_along_and_found_in_old_blocks(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        call = node.call_wallet
        await rich(node, "alice")
        await node.call("createwallet", "watch", disable_private_keys=True)
        listed = (await call("alice", "listdescriptors"))["descriptors"]
        wanted = [
            {"desc": each["desc"], "timestamp": 0, "active": True, "internal": each["internal"]}
            for each in listed
        ]
        answers = await call("watch", "importdescriptors", wanted)
        assert all(each["success"] for each in answers)
        assert await trusted(node, "watch") == 50 * 10**8
        bad: list[Any] = [
            {"desc": "wpkh(x)", "timestamp": "now"},
            {"desc": listed[0]["desc"], "timestamp": "now", "label": "no"},
            {"timestamp": "now"},
        ]
        codes = [each["error"]["code"] for each in await call("watch", "importdescriptors", bad)]
        assert codes == [-5, -8, -8]
        private = (await call("alice", "listdescriptors", True))["descriptors"][0]
        (refused,) = await call(
            "watch", "importdescriptors", [{"desc": private["desc"], "timestamp": "now"}]
        )
        assert refused["error"]["code"] == -4
        assert await refusal(node, "watch", "importdescriptors", [{"desc": "x"}]) == -3
        address = await call("alice", "getnewaddress")
        drafted = await call("watch", "walletcreatefundedpsbt", [], [{address: 1}])
        assert not (await call("watch", "walletprocesspsbt", drafted["psbt"], False))["complete"]
        signed = await call("alice", "walletprocesspsbt", drafted["psbt"])
        assert signed["complete"]
        assert await node.call("sendrawtransaction", signed["hex"])
        assert await refusal(node, "watch", "sendtoaddress", address, 1) == -4

    run(tmp_path, act)


def test_a_key_signs_for_scripts_of_others_that_name_it(tmp_path: Path) -> None:
    other = public_key(b"\x07" * 32).hex()

    async def act(node: RunningNode) -> None:
        call = node.call_wallet
        await rich(node, "alice")
        await node.call("createwallet", "mallory")
        for form in ("wsh(multi(1,{},{}))", "sh(multi(1,{},{}))", "tr({0})", "tr({1},pk({0}))"):
            info = await call("alice", "getaddressinfo", await call("alice", "getnewaddress"))
            own = f"[{info['hdmasterfingerprint']}{info['hdkeypath'][1:]}]{info['pubkey']}"
            descriptor = await checksummed(node, form.format(own, other))
            (address,) = await node.call("deriveaddresses", descriptor)
            txid = await call("alice", "sendtoaddress", address, 1)
            payment = await node.call("getrawtransaction", txid, 1)
            (place,) = [each["n"] for each in payment["vout"] if each["value"].sat == 10**8]
            coin = {"txid": txid, "vout": place}
            drafted = await node.call("createpsbt", [coin], [{info["address"]: "0.9999"}])
            filled = await node.call("utxoupdatepsbt", drafted, [descriptor])
            assert not (await call("mallory", "walletprocesspsbt", filled))["complete"]
            signed = await call("alice", "walletprocesspsbt", filled)
            assert signed["complete"], form
            assert await node.call("sendrawtransaction", signed["hex"]), form

    run(tmp_path, act)


def test_an_import_that_cannot_be_derived_leaves_nothing_behind(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        call = node.call_wallet
        await node.call("createwallet", "keys", blank=True)
        for tail in (
            f"wpkh({KEY}/0/*h)",
            f"wsh(and_v(v:pk({KEY}/84h/1h/0h/0/*),older(10)))",
            f"tr({KEY}/0/*,and_v(v:pk({KEY}/1h/*),older(3)))",
        ):
            given = {"desc": await checksummed(node, tail), "timestamp": "now", "range": [0, 5]}
            (answer,) = await call("keys", "importdescriptors", [given])
            assert answer["error"]["code"] == -4
        assert (await call("keys", "listdescriptors"))["descriptors"] == []
        last = {
            "desc": await checksummed(node, f"wpkh({KEY}/0/*)"),
            "timestamp": "now",
            "range": [HARDENED - 3, HARDENED - 1],
        }
        assert (await call("keys", "importdescriptors", [last]))[0]["success"]
        await node.call("unloadwallet", "keys")
        assert (await node.call("loadwallet", "keys"))["name"] == "keys"

    run(tmp_path, act)


def test_an_import_gives_no_address_out_twice_and_watches_no_less(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        call = node.call_wallet
        await node.call("createwallet", "alice")
        given = [await call("alice", "getnewaddress") for _ in range(3)]
        listed = (await call("alice", "listdescriptors", True))["descriptors"]
        (own,) = [
            each
            for each in listed
            if each["desc"].startswith("wpkh(") and each["active"] and not each["internal"]
        ]
        again = {"desc": own["desc"], "timestamp": "now", "active": True, "next_index": 0}
        first, last = own["range"]
        (answer,) = await call("alice", "importdescriptors", [again | {"range": [first, last - 1]}])
        assert answer["error"] == {
            "code": -4,
            "message": f"Could not add descriptor '{own['desc']}': new range must include current"
            f" range = [{first},{last}]",
        }
        (answer,) = await call("alice", "importdescriptors", [again | {"range": [first, last]}])
        assert answer["success"]
        assert await call("alice", "getnewaddress") not in given

    run(tmp_path, act)


async def checksummed(node: RunningNode, text: str) -> str:
    """The descriptor with its checksum; private keys stay in it."""
    found: Any = await node.call("getdescriptorinfo", text)
    return f"{text}#{found['checksum']}"


def test_a_payment_is_replaced_and_all_is_sent(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        call = node.call_wallet
        mined = await rich(node, "alice")
        await node.call("createwallet", "bob")
        to_bob = await call("bob", "getnewaddress", "", "bech32m")
        txid = await call("alice", "sendtoaddress", to_bob, 1)
        bumped = await call("alice", "bumpfee", txid)
        assert bumped["fee"].sat > bumped["origfee"].sat
        assert await node.call("getrawmempool") == [bumped["txid"]]
        assert (await call("alice", "gettransaction", txid))["replaced_by_txid"] == bumped["txid"]
        assert await refusal(node, "alice", "bumpfee", txid) == -4
        assert await refusal(node, "alice", "bumpfee", bumped["txid"], {"fee_rate": 1}) == -8
        old = await call("bob", "gettransaction", txid)
        assert old["mempoolconflicts"] == [bumped["txid"]]
        assert (await call("bob", "getbalances"))["mine"]["untrusted_pending"] == Amount(10**8)
        await node.call("generatetoaddress", 1, mined)
        assert (await call("bob", "gettransaction", txid))["confirmations"] == -1
        assert (await call("bob", "gettransaction", bumped["txid"]))["confirmations"] == 1
        sent = await call("bob", "sendall", [mined])
        assert sent["complete"]
        assert await trusted(node, "bob") == 0
        raw = await node.call("createrawtransaction", [], {to_bob: 2})
        funded = await call("alice", "fundrawtransaction", raw)
        signed = await call("alice", "signrawtransactionwithwallet", funded["hex"])
        assert signed["complete"]
        change = await call("alice", "simulaterawtransaction", [signed["hex"]])
        assert change["balance_change"] == Amount(-(2 * 10**8) - funded["fee"].sat)
        foreign = await call("bob", "signrawtransactionwithwallet", funded["hex"])
        assert not foreign["complete"]
        assert foreign["errors"]
        out = await call("alice", "send", {to_bob: 1}, None, None, 5, {"add_to_wallet": False})
        assert out["complete"]
        assert "psbt" in out
        assert await refusal(node, "alice", "send", {to_bob: 1}, 6) == -8

    run(tmp_path, act)


def test_messages_are_signed_and_labels_kept(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        call = node.call_wallet
        mined = await rich(node, "alice")
        legacy = await call("alice", "getnewaddress", "shop", "legacy")
        signature = await call("alice", "signmessage", legacy, "hello")
        assert await node.call("verifymessage", legacy, signature, "hello")
        assert not await node.call("verifymessage", legacy, signature, "goodbye")
        assert await refusal(node, "alice", "signmessage", mined, "hello") == -3
        await call("alice", "sendtoaddress", legacy, 1)
        await node.call("generatetoaddress", 1, mined)
        assert await call("alice", "getreceivedbyaddress", legacy) == Amount(10**8)
        assert await call("alice", "getreceivedbylabel", "shop") == Amount(10**8)
        assert await call("alice", "listlabels") == ["", "shop"]
        found = await call("alice", "getaddressesbylabel", "shop")
        assert found == {legacy: {"purpose": "receive"}}
        assert await refusal(node, "alice", "getaddressesbylabel", "none") == -11
        assert await refusal(node, "alice", "getreceivedbylabel", "none") == -4
        coin = (await call("alice", "listunspent"))[0]
        point = [{"txid": coin["txid"], "vout": coin["vout"]}]
        assert await call("alice", "lockunspent", False, point)
        assert await refusal(node, "alice", "lockunspent", False, point) == -8
        assert await call("alice", "listlockunspent") == point
        assert coin not in await call("alice", "listunspent")
        copy = tmp_path / "copy"
        await call("alice", "backupwallet", str(copy))
        assert await refusal(node, None, "restorewallet", "alice", str(copy)) == -36
        await node.call("restorewallet", "again", str(copy))
        own = tmp_path / "wallets" / "alice"  # What is open is neither written over nor read.
        assert await refusal(node, "alice", "backupwallet", str(own)) == -4
        assert await refusal(node, "again", "backupwallet", str(own / WALLET_FILE)) == -4
        assert await refusal(node, None, "restorewallet", "more", str(own / WALLET_FILE)) == -4
        assert await trusted(node, "again") == await trusted(node, "alice")

    run(tmp_path, act)
