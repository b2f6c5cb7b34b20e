"""Questions about unspent outputs and proofs, asked of a real node."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.chain.coins import Coin
from axon.primitives.descriptor import descriptor_checksum
from axon.primitives.hashes import ZERO_HASH, BlockHash, Txid, hash160, to_hex
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, OutPoint, TxOut, outpoint
from axon.rpc.amounts import Amount
from axon.rpc.coinscan import LOOK_UP_EACH, CoinScan, CoinSnapshot
from axon.rpc.errors import RpcError
from axon.rpc.methods.coins import MAX_TXIDS
from tests.rpc.running import Rig, running

ROOT = (
    "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJC"
    "CRUcMRvmDUjyEmNUWwx8UbK"
)
"""The key of Bitcoin Core's own functional test of `scantxoutset`."""

FIRST_KEY = "026dbd8b2315f296d36e6b6920b1579ca75569464875c7ebe869b536a7d9503c8c"


class Scene:
    """Alice pays Bob, himself to a bare key, and to the first child of `ROOT`; then sends more."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        first, second, *_ = rig.mine(102)
        self.bare = b"\x21" + rig.bob.public_key + b"\xac"
        self.family = b"\x76\xa9\x14" + hash160(bytes.fromhex(FIRST_KEY)) + b"\x88\xac"
        self.payment = rig.alice.pay(
            [rig.coinbase(first)],
            [
                TxOut(30 * COIN, rig.bob.script),
                TxOut(10 * COIN, self.bare),
                TxOut(10 * COIN - 1_000, self.family),
            ],
        )
        rig.send(self.payment)
        (self.block,) = rig.mine()
        self.waiting = rig.alice.pay(
            [rig.coinbase(second)], [TxOut(50 * COIN - 1_000, rig.bob.script)]
        )
        rig.send(self.waiting)
        self.second = second


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("node")) as rig:
        yield Scene(rig)


def test_a_confirmed_output(scene: Scene) -> None:
    rig, txid = scene.rig, to_hex(scene.payment.txid)
    shown = rig.call("gettxout", txid, 0)
    assert list(shown) == ["bestblock", "confirmations", "value", "scriptPubKey", "coinbase"]
    assert shown["bestblock"] == to_hex(scene.block.hash)
    assert shown["confirmations"] == 1
    assert shown["value"] == Amount(30 * COIN)
    assert shown["scriptPubKey"]["address"] == rig.bob.address()
    assert shown["coinbase"] is False
    bare = rig.call("gettxout", txid=txid, n=1)["scriptPubKey"]
    assert bare["type"] == "pubkey"
    assert "address" not in bare
    assert bare["desc"].startswith(f"pk({rig.bob.public_key.hex()})#")
    assert rig.call("gettxout", txid, 3) is None
    assert rig.refusal("gettxout", txid, -1) == (-1, "JSON integer out of range")
    coinbase = to_hex(scene.block.transactions[0].txid)
    assert rig.call("gettxout", coinbase, 0)["coinbase"] is True
    assert rig.call("gettxout", coinbase, 1) is None, "the commitment can never be spent"


def test_outputs_spent_and_made_in_the_pool(scene: Scene) -> None:
    rig, spent = scene.rig, to_hex(scene.second.transactions[0].txid)
    assert rig.call("gettxout", spent, 0) is None
    assert rig.call("gettxout", spent, 0, False)["confirmations"] == 102
    made = to_hex(scene.waiting.txid)
    shown = rig.call("gettxout", made, 0)
    assert (shown["confirmations"], shown["coinbase"]) == (0, False)
    assert shown["value"] == Amount(50 * COIN - 1_000)
    assert rig.call("gettxout", made, 0, False) is None


def test_all_coins_in_sum(scene: Scene) -> None:
    rig = scene.rig
    shown = rig.call("gettxoutsetinfo")
    assert list(shown) == [
        "height", "bestblock", "txouts", "bogosize", "hash_serialized_3", "total_amount",
        "transactions", "disk_size",
    ]  # fmt: skip
    assert shown["height"] == 103
    assert shown["bestblock"] == to_hex(scene.block.hash)
    assert shown["txouts"] == 102 + 3, "a coinbase a block, less one that was spent; three made"
    assert shown["transactions"] == 102 + 1
    # The fee went to the miner of the last block.
    assert shown["total_amount"] == Amount(103 * 50 * COIN)
    none = rig.call("gettxoutsetinfo", "none")
    assert "hash_serialized_3" not in none
    assert none["txouts"] == shown["txouts"]
    assert rig.refusal("gettxoutsetinfo", "foo") == (-8, "'foo' is not a valid hash_type")
    assert rig.refusal("gettxoutsetinfo", "none", 5) == (
        -8,
        "Querying specific block heights requires coinstatsindex",
    )


def _scan(scene: Scene, *objects: object) -> list[tuple[str, int]]:
    found = scene.rig.call("scantxoutset", "start", list(objects))
    assert found["success"] is True
    assert found["height"] == 103
    assert found["bestblock"] == to_hex(scene.block.hash)
    assert found["txouts"] == 105
    total = sum(each["amount"].sat for each in found["unspents"])
    assert found["total_amount"] == Amount(total)
    return [(each["desc"], each["amount"].sat) for each in found["unspents"]]


def _checked(text: str) -> str:
    return f"{text}#{descriptor_checksum(text)}"


def test_scan_for_an_address_and_a_script(scene: Scene) -> None:
    bob = scene.rig.bob
    found = scene.rig.call("scantxoutset", "start", [f"addr({bob.address()})"])
    assert found["unspents"] == [
        {
            "txid": to_hex(scene.payment.txid),
            "vout": 0,
            "scriptPubKey": bob.script.hex(),
            "desc": _checked(f"addr({bob.address()})"),
            "amount": Amount(30 * COIN),
            "coinbase": False,
            "height": 103,
            "blockhash": to_hex(scene.block.hash),
            "confirmations": 1,
        }
    ]
    assert _scan(scene, f"raw({scene.bare.hex()})") == [
        (_checked(f"pk({bob.public_key.hex()})"), 10 * COIN)
    ]
    assert len(_scan(scene, _checked(f"addr({scene.rig.alice.address()})"))) == 102
    assert _scan(scene, "raw(00)") == []


def test_scan_for_keys_and_families(scene: Scene) -> None:
    bob = scene.rig.bob
    fingerprint, key = hash160(bob.public_key)[:4].hex(), bob.public_key.hex()
    assert sorted(_scan(scene, {"desc": f"combo({key})"})) == [
        (_checked(f"pk([{fingerprint}]{key})"), 10 * COIN),
        (_checked(f"wpkh([{fingerprint}]{key})"), 30 * COIN),
    ]
    expected = [(f"pkh([0c5f9a1e/0h/0h/0]{FIRST_KEY})#rthll0rg", 10 * COIN - 1_000)]
    family = f"combo({ROOT}/0h/0h/*)"
    assert _scan(scene, {"desc": family, "range": 1}) == expected
    assert _scan(scene, {"desc": f"pkh({ROOT}/0h/<0h;1h>/*)", "range": [0, 0]}) == expected
    assert _scan(scene, {"desc": family, "range": [1, 2]}) == []
    # Found once, however often it is asked for.
    assert _scan(scene, {"desc": family, "range": 1}, {"desc": family, "range": 2}) == expected


def test_scan_refusals(scene: Scene) -> None:
    refusal = scene.rig.refusal
    assert refusal("scantxoutset", "start") == (
        -1,
        "scanobjects argument is required for the start action",
    )
    assert refusal("scantxoutset", "nonsense", []) == (-8, "Invalid action 'nonsense'")
    assert refusal("scantxoutset", "start", [5])[1] == (
        "Scan object needs to be either a string or an object"
    )
    assert refusal("scantxoutset", "start", [{}]) == (
        -8,
        "Descriptor needs to be provided in scan object",
    )
    assert refusal("scantxoutset", "start", ["raw(00)#00000000"])[0] == -5
    for bounds, reason in (
        ([-1, 10], "Range should be greater or equal than 0"),
        ([2, 1], "Range specified as [begin,end] must not have begin after end"),
        ([0, 1, 2], "Range must be specified as end or as [begin,end]"),
        ([0, 1_000_001], "Range is too large"),
        (1 << 31, "End of range is too high"),
        ("1", "Range must be specified as end or as [begin,end]"),
    ):
        asked = [{"desc": f"combo({ROOT}/*)", "range": bounds}]
        assert refusal("scantxoutset", "start", asked) == (-8, reason)
    hardened = (
        "wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstx"
    )
    hardened += "YSnhyswJ76uZPStJRJCTKvosUCJZL5B/1h)"
    assert refusal("scantxoutset", "start", [hardened]) == (
        -5,
        f"Cannot derive script without private keys: '{hardened}'",
    )
    # A refused scan is no scan in progress.
    assert scene.rig.call("scantxoutset", "status") is None
    assert scene.rig.call("scantxoutset", "abort") is False


def test_a_scan_is_watched_and_broken_off(scene: Scene) -> None:
    daemon = scene.rig.daemon

    async def pretend(scan: CoinScan | None) -> None:
        daemon.scan = scan

    scan = CoinScan({b"": None})
    scene.rig.wait(pretend(scan))
    assert scene.rig.call("scantxoutset", "status") == {"progress": 0}
    assert scene.rig.refusal("scantxoutset", "start", ["raw(00)"]) == (
        -8,
        'Scan already in progress, use action "abort" or "status"',
    )
    assert scene.rig.call("scantxoutset", "abort") is True
    scene.rig.wait(pretend(None))
    coins = [
        (outpoint(Txid(bytes((number * 16, 0)) + bytes(30)), 0), Coin(1, False, 1, b""))
        for number in range(16)
        for _ in range(LOOK_UP_EACH)
    ]
    assert not scan.run(CoinSnapshot(BlockHash(ZERO_HASH), 1, coins[0], iter(coins[1:])))
    assert scan.seen == LOOK_UP_EACH
    whole = CoinScan({b"": None})

    def watched() -> Iterator[tuple[OutPoint, Coin]]:
        for place, item in enumerate(coins):
            if place == len(coins) // 2:
                assert 40 <= whole.progress <= 50
            yield item

    rest = watched()
    first = next(rest)
    snapshot = CoinSnapshot(BlockHash(ZERO_HASH), 1, first, rest)
    assert whole.run(snapshot)
    assert len(whole.found) == len(coins)
    assert whole.progress == 100


def test_an_empty_set_of_coins() -> None:
    scan = CoinScan({b"": None})
    assert scan.run(CoinSnapshot(BlockHash(ZERO_HASH), 0, None, iter(())))
    assert scan.seen == 0


# Proofs.


def test_proofs_that_transactions_are_in_a_block(scene: Scene) -> None:
    rig, txid = scene.rig, to_hex(scene.payment.txid)
    coinbase = to_hex(scene.block.transactions[0].txid)
    by_coin = rig.call("gettxoutproof", [txid])
    by_block = rig.call("gettxoutproof", [txid], to_hex(scene.block.hash))
    assert by_coin == by_block
    names = [each.txid for each in scene.block.transactions]
    tree = PartialMerkleTree.build(names, [False, True])
    assert by_coin == (scene.block.header.raw + tree.encode()).hex()
    assert rig.call("verifytxoutproof", by_coin) == [txid]
    both = rig.call("gettxoutproof", [txid, coinbase])
    assert sorted(rig.call("verifytxoutproof", both)) == sorted([txid, coinbase])


def test_no_proof(scene: Scene) -> None:
    refusal, txid = scene.rig.refusal, to_hex(scene.payment.txid)
    assert refusal("gettxoutproof", []) == (-8, "Parameter 'txids' cannot be empty")
    assert refusal("gettxoutproof", [txid, txid]) == (
        -8,
        f"Invalid parameter, duplicated txid: {txid}",
    )
    assert refusal("gettxoutproof", ["00"])[0] == -8
    assert refusal("gettxoutproof", ["00" * 32]) == (-5, "Transaction not yet in block")
    assert refusal("gettxoutproof", [txid], "00" * 32) == (-5, "Block not found")
    assert refusal("gettxoutproof", [txid], to_hex(REGTEST.genesis.hash)) == (
        -5,
        "Not all transactions found in specified or retrieved block",
    )
    spent = to_hex(scene.rig.mine()[0].transactions[0].txid)
    assert refusal("gettxoutproof", [txid, spent])[0] == -5


def test_no_more_transactions_are_looked_for_than_a_block_can_have(scene: Scene) -> None:
    strangers = [f"{number:064x}" for number in range(MAX_TXIDS)]
    began = time.monotonic()
    told = scene.rig.refusal("gettxoutproof", strangers)
    assert told == (-5, "Transaction not yet in block")
    told = scene.rig.refusal("gettxoutproof", [*strangers, "11" * 32])
    assert told == (-5, "Not all transactions found in specified or retrieved block")
    assert time.monotonic() - began < 10.0
    names = [to_hex(scene.payment.txid), *strangers[1:]]
    assert scene.rig.refusal("gettxoutproof", names)[1].startswith("Not all transactions")


def test_forged_proofs(scene: Scene) -> None:
    rig = scene.rig
    proof = bytes.fromhex(rig.call("gettxoutproof", [to_hex(scene.payment.txid)]))
    assert rig.refusal("verifytxoutproof", "zz")[0] == -8
    assert rig.refusal("verifytxoutproof", proof[:100].hex())[0] == -1
    assert rig.refusal("verifytxoutproof", "")[0] == -8
    flipped = bytearray(proof)
    flipped[90] ^= 1
    assert rig.call("verifytxoutproof", bytes(flipped).hex()) == []
    other = bytearray(proof)
    other[76] ^= 1  # Another nonce: a block that nobody knows.
    assert rig.refusal("verifytxoutproof", bytes(other).hex()) == (-5, "Block not found in chain")


def test_a_proof_over_fewer_leaves_than_the_block_has(scene: Scene) -> None:
    """An inner node shown as a transaction: the root fits, the number of leaves does not."""
    rig = scene.rig
    leaf = PartialMerkleTree(1, (True,), (scene.block.header.merkle_root,))
    proof = scene.block.header.raw + leaf.encode()
    assert rig.call("verifytxoutproof", proof.hex()) == []


def test_scan_while_blocks_come(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        rig.mine(5)
        scans = []
        for _ in range(5):
            scans.append(rig.begin("gettxoutsetinfo"))
            rig.mine()
        for scan in scans:
            shown = scan.result(10)
            assert shown["total_amount"] == Amount(shown["height"] * 50 * COIN)
            assert shown["bestblock"] == rig.call("getblockhash", shown["height"])


def test_a_node_that_stops_goes_through_no_coins(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        rig.mine(3)

        async def take() -> CoinSnapshot:
            return await rig.daemon.coin_snapshot()

        begun = rig.wait(take())
        rig.daemon.interrupt()
        with pytest.raises(RpcError, match="Shutting down"):
            list(begun.items())
        assert rig.refusal("gettxoutsetinfo") == (-9, "Shutting down")
        assert rig.call("getblockcount") == 3
