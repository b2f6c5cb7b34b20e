"""The pool and fees, asked by RPC of a real node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from axon.machine import PeerId
from axon.primitives.block import Block
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.rpc.amounts import Amount
from tests.rpc.running import Rig, running
from tests.signing import Spendable

FEE = 1_000
UNKNOWN = "ab" * 32
MISSING = (-5, "Transaction not in mempool")


class Scene:
    """A chain of three transactions in the pool, and one beside it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        rig.call("generatetoaddress", 103, rig.alice.address())
        self.parent = self.pay(self.coin(1), fee_sat=FEE)
        self.child = self.spend(self.parent, fee_sat=3 * FEE)
        self.grandchild = self.spend(self.child, fee_sat=FEE)
        self.loner = self.pay(self.coin(2), fee_sat=9 * FEE, sequence=0xFFFF_FFFF)
        self.all = [self.parent, self.child, self.grandchild, self.loner]
        for transaction in self.all:
            rig.send(transaction)

    def coin(self, height: int) -> Spendable:
        entry = self.rig.node.active.at(height)
        assert entry is not None
        raw = self.rig.wait(self.rig.daemon.read_block(entry.hash))
        return self.rig.coinbase(Block.decode(raw))

    def pay(self, coin: Spendable, *, fee_sat: int, sequence: int = 0xFFFF_FFFD) -> Transaction:
        outputs = [TxOut(coin.amount_sat - fee_sat, self.rig.alice.script)]
        return self.rig.alice.pay([coin], outputs, sequence=sequence)

    def spend(self, parent: Transaction, *, fee_sat: int) -> Transaction:
        coin = Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat)
        return self.pay(coin, fee_sat=fee_sat, sequence=0xFFFF_FFFF)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("node")) as rig:
        yield Scene(rig)


def ids(*transactions: Transaction) -> list[str]:
    return [to_hex(item.txid) for item in transactions]


def test_pool_info(scene: Scene) -> None:
    info = scene.rig.call("getmempoolinfo")
    assert info == {
        "loaded": True,
        "size": 4,
        "bytes": sum(item.vsize for item in scene.all),
        "usage": scene.rig.node.pool.usage_bytes,
        "total_fee": Amount(14 * FEE),
        "maxmempool": 300_000_000,
        "mempoolminfee": Amount(100),
        "minrelaytxfee": Amount(100),
        "incrementalrelayfee": Amount(100),
        "unbroadcastcount": 4,
        "fullrbf": True,
        "permitbaremultisig": True,
        "maxdatacarriersize": 100_000,
        "limitclustercount": 64,
        "limitclustersize": 101_000,
        "optimal": True,
    }


def test_the_pool_by_ids_is_in_the_order_of_mining(scene: Scene) -> None:
    assert scene.rig.call("getrawmempool") == ids(
        scene.loner, scene.parent, scene.child, scene.grandchild
    )
    told = scene.rig.call("getrawmempool", mempool_sequence=True)
    assert sorted(told["txids"]) == sorted(ids(*scene.all))
    assert told["mempool_sequence"] == scene.rig.node.pool.sequence


def test_the_whole_pool(scene: Scene) -> None:
    told = scene.rig.call("getrawmempool", True)
    assert sorted(told) == sorted(ids(*scene.all))
    assert told[ids(scene.child)[0]] == scene.rig.call("getmempoolentry", *ids(scene.child))
    assert scene.rig.refusal("getrawmempool", True, True) == (
        -8,
        "Verbose results cannot contain mempool sequence values.",
    )


def test_an_entry(scene: Scene) -> None:
    parent, child, grandchild = scene.parent, scene.child, scene.grandchild
    entry = scene.rig.node.pool.require(child.txid)
    told = scene.rig.call("getmempoolentry", txid=to_hex(child.txid))
    assert told == {
        "vsize": child.vsize,
        "weight": child.weight_wu,
        "time": entry.time_us // 1_000_000,
        "height": 103,
        "descendantcount": 2,
        "descendantsize": child.vsize + grandchild.vsize,
        "ancestorcount": 2,
        "ancestorsize": child.vsize + parent.vsize,
        "wtxid": to_hex(child.wtxid),
        "chunkweight": child.weight_wu + parent.weight_wu,
        "fees": {
            "base": Amount(3 * FEE),
            "modified": Amount(3 * FEE),
            "ancestor": Amount(4 * FEE),
            "descendant": Amount(4 * FEE),
            "chunk": Amount(4 * FEE),
        },
        "depends": ids(parent),
        "spentby": ids(grandchild),
        "bip125-replaceable": True,  # Its parent says so.
        "unbroadcast": True,
    }
    loner = scene.rig.call("getmempoolentry", *ids(scene.loner))
    assert not loner["bip125-replaceable"]
    assert (loner["depends"], loner["spentby"]) == ([], [])
    assert scene.rig.refusal("getmempoolentry", UNKNOWN) == MISSING
    assert scene.rig.refusal("getmempoolentry", "ab")[0] == -8


def test_kin(scene: Scene) -> None:
    call, refusal = scene.rig.call, scene.rig.refusal
    parent, child, grandchild = ids(scene.parent, scene.child, scene.grandchild)
    assert call("getmempoolancestors", grandchild) == [child, parent]
    assert call("getmempooldescendants", txid=parent) == [child, grandchild]
    assert call("getmempoolancestors", parent) == []
    above = call("getmempoolancestors", child, True)
    assert above == {parent: call("getmempoolentry", parent)}
    below = call("getmempooldescendants", child, True)
    assert below == {grandchild: call("getmempoolentry", grandchild)}
    assert refusal("getmempoolancestors", UNKNOWN) == MISSING
    assert refusal("getmempooldescendants", UNKNOWN) == MISSING


def test_who_spends_an_output(scene: Scene) -> None:
    call, refusal = scene.rig.call, scene.rig.refusal
    spent, unspent = {"txid": ids(scene.parent)[0], "vout": 0}, {"txid": UNKNOWN, "vout": 3}
    assert call("gettxspendingprevout", [spent, unspent]) == [
        {**spent, "spendingtxid": ids(scene.child)[0]},
        unspent,
    ]
    told = call("gettxspendingprevout", [spent], {"return_spending_tx": True})
    assert told[0]["spendingtx"] == scene.child.raw.hex()
    assert refusal("gettxspendingprevout", [unspent], {"mempool_only": False}) == (
        -1,
        "Mempool lacks a relevant spend, and txospenderindex is unavailable.",
    )


@pytest.mark.parametrize(
    ("outputs", "code", "text"),
    [
        ([], -8, "Invalid parameter, outputs are missing"),
        ([1], -3, "JSON value of type number is not of expected type object"),
        ([{"vout": 0}], -3, "Missing txid"),
        ([{"txid": UNKNOWN}], -3, "Missing vout"),
        (
            [{"txid": UNKNOWN, "vout": "0"}],
            -3,
            "JSON value of type string for field vout is not of expected type number",
        ),
        ([{"txid": UNKNOWN, "vout": 0, "more": 1}], -3, "Unexpected key more"),
        ([{"txid": UNKNOWN, "vout": -1}], -8, "Invalid parameter, vout cannot be negative"),
        ([{"txid": UNKNOWN, "vout": 1 << 31}], -1, "JSON integer out of range"),
        ([{"txid": "ab", "vout": 0}], -8, "txid must be of length 64 (not 2, for 'ab')"),
    ],
)
def test_what_names_no_output(scene: Scene, outputs: object, code: int, text: str) -> None:
    assert scene.rig.refusal("gettxspendingprevout", outputs) == (code, text)


def test_saving(scene: Scene) -> None:
    path = str(scene.rig.daemon.folder / "mempool.dat")
    assert scene.rig.call("savemempool") == {"filename": path}
    scene.rig.daemon.pool_loaded = False
    try:
        assert scene.rig.call("getmempoolinfo")["loaded"] is False
        refused = scene.rig.refusal("savemempool")
        assert refused == (-1, "The mempool was not loaded yet")
    finally:
        scene.rig.daemon.pool_loaded = True


def test_priorities(scene: Scene) -> None:
    call, refusal = scene.rig.call, scene.rig.refusal
    grandchild = ids(scene.grandchild)[0]
    try:
        assert call("prioritisetransaction", grandchild, 0, 50 * FEE) is True
        assert call("prioritisetransaction", txid=UNKNOWN, fee_delta=-7) is True
        assert call("getprioritisedtransactions") == {
            grandchild: {"fee_delta": 50 * FEE, "in_mempool": True, "modified_fee": 51 * FEE},
            UNKNOWN: {"fee_delta": -7, "in_mempool": False},
        }
        assert call("getrawmempool")[-1] == ids(scene.loner)[0]
        fees = call("getmempoolentry", grandchild)["fees"]
        assert (fees["base"], fees["modified"]) == (Amount(FEE), Amount(51 * FEE))
        assert fees["ancestor"] == Amount(55 * FEE)
    finally:
        call("prioritisetransaction", grandchild, None, -50 * FEE)
        call("prioritisetransaction", UNKNOWN, 0.0, 7)
    assert call("getprioritisedtransactions") == {}
    assert refusal("prioritisetransaction", grandchild, 1, 1) == (
        -8,
        "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.",
    )
    assert refusal("prioritisetransaction", grandchild, "x", 1)[0] == -3
    assert refusal("prioritisetransaction", grandchild)[0] == -1


def test_a_feerate_is_not_known_at_first(scene: Scene) -> None:
    told = scene.rig.call("estimatesmartfee", 6)
    assert told["errors"] == ["Insufficient data or no feerate found"]
    assert "feerate" not in told
    for target in (0, 1009):
        assert scene.rig.refusal("estimatesmartfee", target) == (
            -8,
            "Invalid conf_target, must be between 1 and 1008",
        )
    assert scene.rig.call("estimatesmartfee", 1008, "CONSERVATIVE")["blocks"] == 0
    assert scene.rig.refusal("estimatesmartfee", 6, "hasty") == (
        -8,
        'Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"',
    )


def test_a_feerate_that_was_learnt(scene: Scene) -> None:
    """The estimator of the node, taught by hand: enough blocks would take too long."""
    fees = scene.rig.node.transactions.fees
    pool = scene.rig.node.pool

    async def learn() -> None:
        entry = pool.require(scene.loner.txid)
        height = entry.height
        fees.height = height
        for step in range(1, 40):
            entry.height = fees.height
            fees.entered(entry)
            fees.block_connected(height + step, (entry,))
        entry.height = height

    scene.rig.wait(learn())
    told = scene.rig.call("estimatesmartfee", conf_target=2)
    assert told["feerate"] == Amount(9 * FEE * 1_000 // scene.loner.vsize)
    assert told["blocks"] == 2
    raw = scene.rig.call("estimaterawfee", 2)
    assert [(name, raw[name]["decay"], raw[name]["scale"]) for name in raw] == [
        ("short", 0.962, 1),
        ("medium", 0.9952, 2),
        ("long", 0.99931, 24),
    ]
    assert raw["short"]["feerate"] == told["feerate"]
    assert raw["short"]["pass"]["withintarget"] == raw["short"]["pass"]["totalconfirmed"]
    assert raw["short"]["pass"]["endrange"] == 1e99
    assert raw["long"]["errors"]
    assert list(scene.rig.call("estimaterawfee", 49)) == ["long"]


def test_what_one_horizon_says_is_asked_for_rightly(scene: Scene) -> None:
    range_text = "Invalid conf_target, must be between 1 and 1008"
    assert scene.rig.refusal("estimaterawfee", 0) == (-8, range_text)
    assert scene.rig.refusal("estimaterawfee", 1009) == (-8, range_text)
    for threshold in (-0.1, 1.5):
        assert scene.rig.refusal("estimaterawfee", 6, threshold) == (-8, "Invalid threshold")


def test_orphans(scene: Scene) -> None:
    parent = Txid(bytes(32))
    orphan = Transaction.build(
        2, [TxIn(outpoint(parent, 5), witness=(b"x",))], [TxOut(1_000, scene.rig.bob.script)]
    )
    assert scene.rig.call("getorphantxs") == []
    orphanage = scene.rig.node.transactions.orphans

    async def add() -> None:
        orphanage.add(orphan, PeerId(4))

    scene.rig.wait(add())
    assert scene.rig.call("getorphantxs", 0) == ids(orphan)
    told = {
        "txid": to_hex(orphan.txid),
        "wtxid": to_hex(orphan.wtxid),
        "bytes": orphan.size_bytes,
        "vsize": orphan.vsize,
        "weight": orphan.weight_wu,
        "from": [4],
    }
    assert scene.rig.call("getorphantxs", 1) == [told]
    assert scene.rig.call("getorphantxs", verbosity=2) == [{**told, "hex": orphan.raw.hex()}]
    assert scene.rig.refusal("getorphantxs", 3) == (-8, "Invalid verbosity value 3")
    assert scene.rig.refusal("getorphantxs", True) == (
        -3,
        "Verbosity was boolean but only integer allowed",
    )
