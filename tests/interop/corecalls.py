"""Calls with many forms of arguments, most of them faulty, for `test_besidecore`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coincurve import PublicKey

from axon.primitives.keys import encode_wif
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut
from tests.interop.besidecore import BesideCore

Calls = list[tuple[str, object]]

ZERO, ONES = "00" * 32, "11" * 32
WIF = encode_wif(bytes(31) + b"\x01", REGTEST)
ITS_ADDRESS = "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r"
SCRIPT_ADDRESS = "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc"
KEY_HASH = "751e76e8199196d454941c45d1b3a323f1433bd6"


class Scene:
    """A chain with two payments in a block, and one in the pools; both nodes know all of it."""

    def __init__(self, both: BesideCore) -> None:
        core, rig = both.core, both.rig
        self.alice, self.bob = rig.alice.address(), rig.bob.address()
        core.rpc("generatetoaddress", 105, self.alice)
        both.follow()
        blocks = [core.block(core.rpc("getblockhash", height)) for height in range(1, 5)]
        coins = [rig.coinbase(block) for block in blocks]
        data = TxOut(0, b"\x6a\x04abcd")
        change = TxOut(39 * COIN, rig.alice.script)
        one = rig.alice.pay(coins[:1], [TxOut(10 * COIN, rig.bob.script), data, change])
        two = rig.alice.pay(coins[1:2], [TxOut(10 * COIN, b"\x51\x02\x4e\x73"), change])
        core.rpc("generateblock", self.alice, [one.raw.hex(), two.raw.hex()])
        core.rpc("generatetoaddress", 2, self.alice)
        both.follow()
        self.pooled = rig.alice.pay(coins[2:3], [TxOut(49 * COIN, rig.bob.script)])
        core.rpc("sendrawtransaction", self.pooled.raw.hex(), 0)
        rig.call("sendrawtransaction", self.pooled.raw.hex(), 0)
        self.unsent = rig.alice.pay(coins[3:4], [TxOut(48 * COIN, rig.bob.script)])
        self.one, self.two = one, two
        self.block = core.rpc("getblockhash", 106)
        self.before = core.rpc("getblockhash", 105)
        self.raw_block = core.rpc("getblock", self.block, 0)
        self.proof = core.rpc("gettxoutproof", [txid(one)])
        self.key = rig.alice.public_key.hex()
        self.long_key = PublicKey(rig.alice.public_key).format(False).hex()
        self.spends = txid(blocks[2].transactions[0])
        self.draft = core.rpc(
            "createrawtransaction", [{"txid": ONES, "vout": 0}], {self.alice: "0.1"}
        )
        self.psbts = [
            core.rpc("createpsbt", [{"txid": txid(each), "vout": 0}], {self.alice: "0.1"})
            for each in (one, two)
        ]


def txid(transaction: Transaction) -> str:
    """As people read it."""
    return transaction.txid[::-1].hex()


def each(name: str, *variants: list[Any]) -> Calls:
    """One call with several lists of arguments."""
    return [(name, variant) for variant in variants]


def over(name: str, *values: object) -> Calls:
    """One call with several values of its only argument."""
    return [(name, [value]) for value in values]


def of_the_chain(scene: Scene) -> Calls:
    """Blocks, transactions and coins of the chain."""
    block, one, two, pooled = scene.block, txid(scene.one), txid(scene.two), txid(scene.pooled)
    calls = over("getblockstats", 0, 1, 106, 107, 109, -1, block, ZERO)
    calls += each(
        "getblockstats",
        [106, ["height", "avgfee"]],
        [106, ["x"]],
        [106, [1]],
        [106, []],
        [106, "x"],
    )
    calls += [("getdeploymentinfo", each_) for each_ in ([], [scene.before], [ZERO])]
    for level in (0, 1, 2, 3, True, False, -1, 5, "1", 1 << 40):
        calls += [("getblock", [block, level]), ("getrawtransaction", [one, level, block])]
        calls += [("getrawtransaction", [one, level])]
    for named in (
        {"blockhash": block, "verbosity": None},
        {"blockhash": block, "verbose": 1},
        {"blockhash": block, "verbosity": 1, "verbose": 1},
        {"blockhash": None},
        {"args": [block], "verbosity": 1},
        {"args": [block], "blockhash": block},
        {"nonsense": 1},
    ):
        calls.append(("getblock", named))
    calls += each("getblockheader", *[[block, each_] for each_ in (True, False, None, 1, "x")])
    calls += over("getblockhash", 106, -1, 109, 1 << 31, 1 << 63, 1 << 70, "106")
    calls += each("getchaintxstats", [], [5], [106], [-1], [200], [5, scene.before], [0])
    calls += each("gettxout", [one, 0], [one, 0, False], [pooled, 0], [pooled, 0, False])
    calls += each("gettxout", [one, 5], [one, -1], [one, 1 << 32], [one, 1])
    calls += each(
        "gettxoutproof", [[one]], [[one, two], block], [[one, one]], [[]], [["zz"]], [[one], ZERO],
        [[one], scene.before], [[pooled]], [[one, ONES]], [[1]],
    )  # fmt: skip
    proof = scene.proof
    calls += over("verifytxoutproof", proof, proof[:-2], proof + "00", "zz", "", "00" * 80, "0")
    calls += each("scantxoutset", ["start", ["raw(51024e73)"]], ["start", []], ["start"])
    calls += each("scantxoutset", ["status"], ["abort"], ["x"], ["start", ["x"]], ["start", [1]])
    calls += each("waitforblockheight", [5], [500, -1], [500, 1], [1 << 40])
    calls += each("waitforblock", [ZERO, 1], ["x"])
    return calls


def of_the_pool(scene: Scene) -> Calls:
    """Transactions in and for the pool."""
    one, pooled, unsent = scene.one, scene.pooled, scene.unsent
    name = txid(pooled)
    calls = over("getmempoolentry", ONES, "x")
    calls += each("getrawmempool", [], [False, True], [True, True], ["x"])
    calls += each("getmempoolancestors", [name], [ONES], ["x"])
    spent = {"txid": scene.spends, "vout": 0}
    calls += each(
        "gettxspendingprevout", [[spent]], [[]], [[{"txid": name}]], [[{"txid": name, "vout": -1}]],
        [[{**spent, "x": 1}]], [[spent], {"mempool_only": False}], [[spent], {"x": False}],
        [[spent], {"return_spending_tx": True}], [["x"]], [[{"txid": 1, "vout": 1}]],
    )  # fmt: skip
    raw = pooled.raw.hex()
    calls += over("testmempoolaccept", [raw], [one.raw.hex()], [], ["zz"], [raw] * 2, [1])
    calls += each("testmempoolaccept", [[raw] * 26], [[raw], 1], [[raw], "x"], [[unsent.raw.hex()]])
    calls += over("sendrawtransaction", unsent.raw.hex(), one.raw.hex(), raw, "zz")
    calls += over("sendrawtransaction", "0100000000010000000000000000026a0000000000")
    calls += each("sendrawtransaction", [unsent.raw.hex(), 2], [unsent.raw.hex(), -1])
    calls += over("submitpackage", [], [raw] * 2, ["zz", "zz"])
    calls += each(
        "prioritisetransaction", [name, 0, 1000], [name, None, 5], [name, 1, 5], [ONES, 0.0, 5],
        [name, 0, 1 << 63], [name, 0, 1.5],
    )  # fmt: skip
    calls.append(("getprioritisedtransactions", []))
    calls += each("getorphantxs", [], [1], [2], [3], [-1], [True])
    return calls


def of_scripts(scene: Scene) -> Calls:
    """Scripts, addresses, transactions as bytes, keys and messages."""
    key = scene.key
    scripts = [
        "", "51", "6a", "00", "zz", "0", f"a914{ZERO[:40]}87", f"0014{ZERO[:40]}", f"0020{ZERO}",
        f"5120{ZERO}", f"5120{ONES}", f"76a914{ZERO[:40]}88ac", f"21{key}ac", f"5121{key}51ae",
        "51024e73", "6a04deadbeef", "4c", "0101", "4c0101", "ba", "50", "ff", "ab", f"21{key}ad51",
        f"21{key}ac7c", f"5221{key}21{key}52ae", f"4104{'11' * 64}ac", "6351675268",
        f"a820{ONES}87",
        f"82012088a820{ONES}8821{key}ac", f"21{key}ac645ab268", "00" * 600, "51" * 10_001, "020500",
        "05ffffffff00", "05ffffffff80", "0480000080", "04ffffffff", "0181", "5a5a5a", f"6020{ZERO}",
    ]  # fmt: skip
    calls = over("decodescript", *scripts)
    for text in (
        scene.one.raw.hex(), scene.one.stripped.hex(), scene.one.raw.hex() + "00", "zz", "", "00",
        "0100000000000000000000", "01000000000100000000000000000000000000", "0200000000010100",
        "01000000000000000000",
    ):  # fmt: skip
        for witness in (None, True, False):
            calls += [
                ("decoderawtransaction", [text, witness]),
                ("converttopsbt", [text, False, witness]),
                ("converttopsbt", [text, True, witness]),
            ]
    own = scene.alice
    calls += over(
        "validateaddress", own, own.upper(), own[:-1], own[:-1] + "q", own[:5] + "b" + own[6:], "",
        "x", "1", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", SCRIPT_ADDRESS, SCRIPT_ADDRESS[:-1],
        "bcrt1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k0ylj56",
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "bcrt1", "bcrt1q", "bcrt1qqqqqqqq", "a" * 1200,
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "BCRT1Q" + own[6:], own * 2, own + " ", "é" + own,
        "bcrt1zw508d6qejxtdg4y5r3zaq8a3ll", "bcrt1" + "q" * 100,
    )  # fmt: skip
    calls += each(
        "createmultisig", [2, [key, key]], [1, [key], "bech32"], [1, [key], "p2sh-segwit"],
        [1, [key], "bech32m"], [1, [key], "x"], [0, [key]], [2, [key]], [1, ["zz"]],
        [1, ["02" * 33]],
        [1, ["00"]], [1, [key] * 21], [1, [key] * 16], [1 << 40, []], [1, [1]], ["1", []],
        [1, [scene.long_key], "bech32"], [1, [scene.long_key]],
    )  # fmt: skip
    calls += each("signmessagewithprivkey", [WIF, "hello"], ["x", "hello"], [WIF, "é中"], [WIF, 1])
    signature = (
        "H/9y5jSOVfhvBYqYpeY3jHqkx0MCCrWVHdyGpPLoqMrJLp1Gqpn5MyrpOHvqcR3KqzvHqsX6Wd9sXWAKfJtQgNc="
    )
    for where in (ITS_ADDRESS, own, "x", SCRIPT_ADDRESS):
        for signed in (signature, "x", "aaaa", signature[:-2]):
            calls.append(("verifymessage", [where, signed, "hello"]))
    return calls


def of_drafts(scene: Scene) -> Calls:
    """Transactions that are drafted and signed."""
    own, name = scene.alice, txid(scene.one)
    spent = {"txid": name, "vout": 0}
    calls: Calls = []
    inputs: list[Any]
    outputs: Any
    for inputs in (
        [], [{}], [{"txid": name}], [{"txid": name, "vout": -1}], [{"txid": name, "vout": 1 << 31}],
        [{"txid": name, "vout": "x"}], [{"txid": "x", "vout": 0}], [{"txid": 1, "vout": 0}],
        [{**spent, "sequence": -1}], [{**spent, "sequence": 1 << 32}], [{**spent, "sequence": "x"}],
        [{**spent, "sequence": 5}], ["x"], [1], [{**spent, "sequence": 0xFFFFFFFF}],
        [{"txid": name, "vout": 1.5}],
    ):  # fmt: skip
        calls.append(("createrawtransaction", [inputs, {own: "0.1"}]))
        calls.append(("createpsbt", [inputs, {own: "0.1"}, 0, True]))
    for outputs in (
        {}, [], {own: 0}, {own: -1}, {own: "x"}, {own: 21_000_001}, {own: None},
        {own: "1.123456789"},
        [{own: 1}, {own: 1}], [{own: 1}, {"data": "00"}], [{"data": "00"}, {"data": "01"}],
        {"data": "zz"}, {"data": ""}, {"data": 1}, {"x": 1}, [1], [{}], [{own: 1, scene.bob: 1}],
        {own.upper(): 1, own: 1}, "x", None, {own: True}, {own: []}, {own: "1e-8"}, {own + "x": 1},
    ):  # fmt: skip
        calls.append(("createrawtransaction", [[], outputs]))
    drafted = [[spent], {own: "0.1"}]
    for lock in (0, 1, -1, 1 << 32, 4294967295, "x", 1.5):
        calls.append(("createrawtransaction", [*drafted, lock]))
    for version in (0, 1, 2, 3, 4, -1, 1 << 32, 1 << 40, "x"):
        calls.append(("createrawtransaction", [*drafted, 0, None, version]))
    final = [{**spent, "sequence": 0xFFFFFFFF}]
    calls += each("createrawtransaction", [final, {own: "0.1"}, 0, True], [*drafted, 0, False])
    calls += _signed(scene.draft)
    calls += over("combinerawtransaction", [], ["zz"], [scene.draft], [1])
    one, two = scene.psbts
    calls += over("combinepsbt", [], [one], [one, two], [1], ["x"])
    calls += over("joinpsbts", [], [one], [one, one], [one, "x"], [one, 1])
    ranges = ("y", [5, 1], -1, [0, 1 << 31], [0, 1_000_001], [0], ["a", "b"])
    calls += each(
        "utxoupdatepsbt", [one], [one, [1]], [one, ["x"]], [one, [{}]], [one, [{"desc": 1}]], ["x"],
        *[[one, [{"desc": "raw(51)", "range": range_}]] for range_ in ranges],
    )  # fmt: skip
    calls += each("descriptorprocesspsbt", [one, [], "x"], [one, []], ["x", []], [one, ["x"], "y"])
    return calls


def _signed(draft: str) -> Calls:
    base = {"txid": ONES, "vout": 0}
    prevtxs: list[list[Any]] = [[], [1], [{}], [{"txid": ONES}], [base]]
    for script in (
        "zz", "51", f"76a914{ZERO[:40]}88ac", f"0014{ZERO[:40]}", f"0020{ZERO}", f"0014{KEY_HASH}",
        f"76a914{KEY_HASH}88ac", f"5120{ONES}", "6a", "", "00", "51024e73", f"6020{ONES}",
        f"a914{ZERO[:40]}87",
    ):  # fmt: skip
        prevtxs += [[{**base, "scriptPubKey": script}]]
        prevtxs += [[{**base, "scriptPubKey": script, "amount": 1}]]
        prevtxs += [[{**base, "scriptPubKey": script, "redeemScript": "51"}]]
    prevtxs += [
        [{**base, "scriptPubKey": "51", "amount": "x"}],
        [{"txid": "x", "vout": 0, "scriptPubKey": "51"}],
        [{"txid": ONES, "vout": -1, "scriptPubKey": "51"}],
        [{"txid": ONES, "vout": "x", "scriptPubKey": "51"}],
        [{**base, "scriptPubKey": f"0020{ZERO}", "witnessScript": "51"}],
        [{**base, "scriptPubKey": f"a914{ZERO[:40]}87", "redeemScript": 1}],
        [
            {
                **base,
                "scriptPubKey": "a914da1745e9b549bd0bfa1a569971c77eba30cd5a4b87",
                "redeemScript": "51",
            }
        ],
    ]
    calls = [("signrawtransactionwithkey", [draft, [WIF], each_]) for each_ in prevtxs]
    return calls + each(
        "signrawtransactionwithkey", [draft, ["x"]], [draft, [1]], ["zz", [WIF]],
        [draft, [WIF], None, "x"], [draft, [], [], "ALL"], [draft, [WIF], "x"],
    )  # fmt: skip


def of_the_rest(scene: Scene) -> Calls:
    """Peers, mining, control."""
    block = scene.raw_block
    calls: Calls = [
        ("deriveaddresses", ["raw(51)"]), ("deriveaddresses", ["x"]), ("getdescriptorinfo", ["x"]),
        ("help", ["nope"]), ("help", ["getblockcount", 1]), ("help", [1]), ("nope", []),
        ("getblockcount", {"x": 1}), ("getblockcount", [1]), ("uptime", [1]), ("getrpcinfo", [1]),
        ("echo", ["a", 1, None, {"x": [1.5]}]), ("echo", [None, None]), ("echo", []),
        ("echo", {"arg0": "a", "arg9": "b"}), ("echojson", [[1], {"a": None}]),
        ("logging", [["nope"]]), ("logging", ["x"]), ("logging", [[1]]), ("getmemoryinfo", ["x"]),
        ("getnodeaddresses", []), ("getnodeaddresses", [-1]), ("getnodeaddresses", [1, "x"]),
        ("getaddednodeinfo", ["x"]), ("setban", ["x", "add"]), ("setban", ["1.2.3.4", "remove"]),
        ("setban", ["1.2.3.4", "x"]), ("disconnectnode", []), ("disconnectnode", ["x"]),
        ("disconnectnode", ["", 99]), ("disconnectnode", ["x", 1]), ("addnode", ["x", "y"]),
        ("addnode", ["127.0.0.1:1", "remove"]), ("getpeerinfo", []), ("listbanned", []),
        ("addpeeraddress", ["x", 1]), ("addpeeraddress", ["1.2.3.4", -1]), ("getaddrmaninfo", []),
        ("estimatesmartfee", [0]), ("estimatesmartfee", [2000]), ("estimatesmartfee", [1, "x"]),
        ("setmocktime", [-1]), ("setmocktime", ["x"]), ("mockscheduler", [-1]),
        ("generateblock", ["x", []]), ("generateblock", [scene.alice, ["zz"]]),
        ("generateblock", [scene.alice, [ONES]]), ("generatetoaddress", [1, "x"]),
        ("generatetodescriptor", [1, "x"]), ("generatetoaddress", [0, scene.alice]),
        ("addconnection", ["127.0.0.1:1", "y"]), ("getblockfrompeer", [ZERO, 1]),
    ]  # fmt: skip
    calls += over("submitblock", block, block + "00", "zz", "", block[:-2])
    calls += over("submitheader", block[:160], "zz", ZERO * 2 + "00" * 16, block[:162], block[:158])
    proposal = {"rules": ["segwit"], "mode": "proposal"}
    calls += over(
        "getblocktemplate", {}, {"rules": []}, {"mode": "x"}, {"mode": 1}, proposal, {"rules": "x"},
        {**proposal, "data": "zz"}, {**proposal, "data": block},
    )  # fmt: skip
    calls.append(("getblocktemplate", []))
    calls += each("getnetworkhashps", [], [10], [-1], [0], [10, 50], [10, -1], [10, 1000], [-2])
    return calls


def usages(both: BesideCore) -> Iterator[tuple[str, object]]:
    """Every call that both have, with arguments of wrong types and numbers."""
    value: object
    for line in both.core.rpc("help").splitlines():
        name = line.partition(" ")[0]
        if not name or name == "==" or name in NOT_COMPARED or name not in both.rig.methods:
            continue
        yield name, [None] * 12
        yield name, {"nonsense": 1}
        usage = both.core.rpc("help", name).partition("\n")[0]
        if " " in usage.strip():
            for value in (True, 5, "x", [], {}):
                if name not in STEERING or value not in (True, 5):
                    yield name, [value]
            yield name, []


STEERING = frozenset(("setnetworkactive", "pruneblockchain", "estimatesmartfee"))
"""Calls that change something, or differ as `docs/bitcoind.md` says, if their argument is right."""

NOT_COMPARED = frozenset(
    (
        "stop", "help", "getblocktemplate", "waitfornewblock", "savemempool", "dumptxoutset",
        "getmemoryinfo", "logging", "getindexinfo", "loadtxoutset", "importmempool",
        "gettxoutsetinfo", "getmempoolinfo",
    )
)  # fmt: skip
"""What both answer for themselves."""
