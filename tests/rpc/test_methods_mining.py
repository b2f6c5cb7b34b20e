"""Mining by RPC, on a real node with libbitcoinkernel."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.mining.miner import mine
from axon.mining.template import assemble
from axon.primitives.block import Block
from axon.primitives.hashes import from_hex, sha256, to_hex
from axon.primitives.header import Header
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.rpc.amounts import Amount
from tests.rpc.running import Rig, running
from tests.signing import Spendable

FEE = 1_000
RULES = {"rules": ["segwit"]}
TOO_MANY = 50 * COIN + 1


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("node")) as started:
        started.call("generatetoaddress", 110, started.alice.address())
        yield started


def tip_block(rig: Rig) -> Block:
    raw = rig.wait(rig.daemon.read_block(rig.node.active.tip.hash))
    return Block.decode(raw)


def spendable(rig: Rig, height: int) -> Spendable:
    entry = rig.node.active.at(height)
    assert entry is not None
    return rig.coinbase(Block.decode(rig.wait(rig.daemon.read_block(entry.hash))))


def pay_bob(rig: Rig, coin: Spendable, fee_sat: int = FEE) -> Transaction:
    return rig.alice.pay([coin], [TxOut(coin.amount_sat - fee_sat, rig.bob.script)])


def remade(block: Block, **changes: int) -> Block:
    """The same block with another time or other bits, its work not proved."""
    old = block.header
    fields = {"version": old.version, "time": old.time, "bits": old.bits, "nonce": 0} | changes
    header = Header.build(
        fields["version"], old.prev, old.merkle_root, fields["time"], fields["bits"], 0
    )
    return Block.build(header, block.transactions)


def proposed(rig: Rig) -> Block:
    """The block of a template, its work not proved."""
    return rig.node.template(rig.daemon.now_s).build(rig.bob.script, b"proposed")


def proposal(rig: Rig, block: Block) -> object:
    return rig.call("getblocktemplate", {"mode": "proposal", "data": block.raw.hex()})


# Blocks on demand.


def test_generating_to_an_address(rig: Rig) -> None:
    height = rig.node.active.height
    hashes = rig.call("generatetoaddress", nblocks=3, address=rig.bob.address())
    assert rig.node.active.height == height + 3
    assert hashes[-1] == rig.call("getbestblockhash")
    block = tip_block(rig)
    assert block.transactions[0].outputs[0].script_pubkey == rig.bob.script
    assert rig.node.follows
    assert rig.call("generatetoaddress", 0, rig.bob.address()) == []


def test_blocks_signal_what_is_not_decided(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        rig.call("generatetoaddress", 143, rig.bob.address())
        assert tip_block(rig).header.version == 0x2000_0000
        told = rig.call("getblocktemplate", RULES)
        assert (told["version"], told["vbavailable"]) == (0x3000_0000, {"testdummy": 28})
        assert told["rules"] == ["csv", "!segwit", "taproot"]
        rig.call("generatetoaddress", 2 * 144, rig.bob.address())
        assert tip_block(rig).header.version == 0x3000_0000
        told = rig.call("getblocktemplate", RULES)
        assert (told["version"], told["vbavailable"]) == (0x2000_0000, {})
        assert told["rules"] == ["csv", "!segwit", "taproot", "testdummy"]
        since_change = rig.call("getblockcount") % 144 + 1
        assert rig.call("getnetworkhashps", -1) == rig.call("getnetworkhashps", since_change)


def test_two_coinbases_of_one_second_differ(rig: Rig) -> None:
    rig.call("generatetoaddress", 2, rig.bob.address())
    last = tip_block(rig)
    before = Block.decode(rig.wait(rig.daemon.read_block(last.header.prev)))
    scripts = [block.transactions[0].inputs[0].script_sig[-8:] for block in (before, last)]
    assert scripts[0] != scripts[1]


def test_block_times(rig: Rig) -> None:
    real = rig.daemon.now_s
    try:
        rig.call("setmocktime", real + 1_000)
        rig.call("generatetoaddress", 1, rig.bob.address())
        assert rig.node.active.tip.time == real + 1_000
        rig.call("setmocktime", real - 1_000)
        rig.call("generatetoaddress", 1, rig.bob.address())
        parent = rig.node.active.tip.parent
        assert parent is not None
        assert rig.node.active.tip.time == parent.median_time_past() + 1
    finally:
        rig.call("setmocktime", 0)


def test_an_address_of_another_kind_is_refused(rig: Rig) -> None:
    for address in ("nonsense", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"):
        assert rig.refusal("generatetoaddress", 1, address) == (-5, "Error: Invalid address")


def test_without_tries_there_are_no_blocks(rig: Rig) -> None:
    height = rig.node.active.height
    assert rig.call("generatetoaddress", 1, rig.bob.address(), 0) == []
    assert rig.node.active.height == height


def test_generating_to_a_descriptor(rig: Rig) -> None:
    rig.call("generatetodescriptor", 1, f"raw({rig.bob.script.hex()})")
    assert tip_block(rig).transactions[0].outputs[0].script_pubkey == rig.bob.script
    key = rig.bob.public_key.hex()
    rig.call("generatetodescriptor", num_blocks=1, descriptor=f"combo({key})")
    assert tip_block(rig).transactions[0].outputs[0].script_pubkey == rig.bob.script


def test_descriptors_that_stand_for_no_single_script(rig: Rig) -> None:
    xpub = (
        "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPSt"
        "JRJCTKvosUCJZL5B"
    )
    assert rig.refusal("generatetodescriptor", 1, f"wpkh({xpub}/*)") == (
        -8,
        "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?",
    )
    assert rig.refusal("generatetodescriptor", 1, f"wpkh({xpub}/<0;1>/2)") == (
        -8,
        "Multipath descriptor not accepted",
    )
    assert rig.refusal("generatetodescriptor", 1, "nonsense")[0] == -5


def test_a_block_of_chosen_transactions(rig: Rig) -> None:
    left_out = pay_bob(rig, spendable(rig, 1))
    chosen = pay_bob(rig, spendable(rig, 2))
    unknown = pay_bob(rig, spendable(rig, 3))
    rig.send(left_out)
    rig.send(chosen)
    made = rig.call("generateblock", rig.bob.address(), [to_hex(chosen.txid), unknown.raw.hex()])
    block = tip_block(rig)
    assert list(made) == ["hash"]
    assert made["hash"] == to_hex(block.hash)
    assert [item.txid for item in block.transactions[1:]] == [chosen.txid, unknown.txid]
    subsidy = rig.node.network.subsidy_sat(rig.node.active.height)
    assert block.transactions[0].outputs[0].amount_sat == subsidy
    assert rig.call("getrawmempool") == [to_hex(left_out.txid)]
    rig.call("generatetoaddress", 1, rig.alice.address())
    assert rig.call("getrawmempool") == []


def test_a_block_that_is_not_submitted(rig: Rig) -> None:
    height = rig.node.active.height
    made = rig.call("generateblock", f"raw({rig.bob.script.hex()})", [], False)
    assert rig.node.active.height == height
    block = Block.decode(bytes.fromhex(made["hex"]))
    assert to_hex(block.hash) == made["hash"]
    assert rig.call("submitblock", made["hex"]) is None
    assert rig.node.active.tip.hash == block.hash


def test_a_block_of_bad_transactions_is_not_made(rig: Rig) -> None:
    coin = spendable(rig, 4)
    first, second = pay_bob(rig, coin), pay_bob(rig, coin, fee_sat=2 * FEE)
    code, text = rig.refusal(
        "generateblock", rig.bob.address(), [first.raw.hex(), second.raw.hex()]
    )
    assert code == -25
    assert text.startswith("TestBlockValidity failed: bad-txns-inputs-missingorspent")
    stolen = Transaction.build(
        2, [TxIn(coin.outpoint, witness=(bytes(71), bytes(33)))], first.outputs
    )
    code, text = rig.refusal("generateblock", rig.bob.address(), [stolen.raw.hex()])
    assert (code, text.split(":")[0]) == (-25, "TestBlockValidity failed")
    txid = "00" * 32
    assert rig.refusal("generateblock", rig.bob.address(), [txid]) == (
        -5,
        f"Transaction {txid} not in mempool.",
    )
    assert rig.refusal("generateblock", rig.bob.address(), ["0000"]) == (
        -22,
        "Transaction decode failed for 0000. Make sure the tx has at least one input.",
    )
    assert rig.refusal("generateblock", "nobody", []) == (
        -5,
        "Error: Invalid address or descriptor",
    )


# Templates.


def test_a_template_needs_the_segwit_rule(rig: Rig) -> None:
    for request in ({}, {"rules": ["csv"]}):
        code, text = rig.refusal("getblocktemplate", request)
        assert code == -8
        assert text.startswith("getblocktemplate must be called with the segwit rule set")
    code, text = rig.refusal("getblocktemplate")
    assert (code, text.partition(" ")[0]) == (-1, "getblocktemplate")
    assert rig.refusal("getblocktemplate", {"mode": "guess"}) == (-8, "Invalid mode")
    assert rig.refusal("getblocktemplate", {"mode": 1}) == (-8, "Invalid mode")


def test_a_template_is_a_block_that_can_be_mined(rig: Rig) -> None:
    parent = pay_bob(rig, spendable(rig, 5))
    child = rig.bob.pay(
        [Spendable(parent.txid + bytes(4), parent.outputs[0].amount_sat)],  # type: ignore[arg-type]
        [TxOut(parent.outputs[0].amount_sat - 5 * FEE, rig.alice.script)],
    )
    rig.send(parent)
    rig.send(child)
    told = rig.call("getblocktemplate", RULES)
    tip = rig.node.active.tip
    assert told["previousblockhash"] == to_hex(tip.hash)
    assert told["height"] == tip.height + 1
    assert told["bits"] == "207fffff"
    assert told["target"] == "7fffff" + "00" * 29
    assert told["mintime"] == tip.median_time_past() + 1
    assert told["coinbasevalue"] == rig.node.network.subsidy_sat(told["height"]) + 6 * FEE
    assert told["longpollid"].startswith(to_hex(tip.hash))
    assert "!segwit" in told["rules"]
    first, second = told["transactions"]
    assert [first["txid"], second["txid"]] == [to_hex(parent.txid), to_hex(child.txid)]
    assert (first["depends"], second["depends"]) == ([], [1])
    assert (first["fee"], second["fee"]) == (FEE, 5 * FEE)
    assert first["data"] == parent.raw.hex()
    assert first["hash"] == to_hex(parent.wtxid)
    assert first["weight"] == parent.weight_wu
    assert first["sigops"] == 1
    built = proposed(rig)
    committed = built.transactions[0].outputs[-1].script_pubkey.hex()
    assert told["default_witness_commitment"] == committed
    info = rig.call("getmininginfo")
    assert info["currentblocktx"] == 2
    assert info["currentblockweight"] == 8_000 + parent.weight_wu + child.weight_wu
    # The template with a proof is accepted, and without one it would be.
    assert proposal(rig, built) is None
    proved = mine(built, 100_000)
    assert proved is not None
    assert rig.call("submitblock", proved.raw.hex()) is None
    assert rig.call("getrawmempool") == []
    assert proposal(rig, proved) == "duplicate"


def test_a_block_that_was_the_tip_once_is_known_as_valid(rig: Rig) -> None:
    (once,) = rig.mine()
    rig.call("invalidateblock", to_hex(once.hash))
    assert proposal(rig, once) == "duplicate-invalid"
    rig.mine(2, rig.bob)  # Not the same block again.
    rig.call("reconsiderblock", to_hex(once.hash))
    assert rig.node.active.tip.hash != once.hash
    assert proposal(rig, once) == "duplicate"


def test_a_template_names_what_each_input_spends(rig: Rig) -> None:
    rig.mine(12)
    one, two = spendable(rig, 10), spendable(rig, 11)
    halves = [TxOut(one.amount_sat // 2 - FEE, rig.bob.script)] * 2
    first = rig.alice.pay([one], halves)
    second = rig.alice.pay([two], [TxOut(two.amount_sat - 2 * FEE, rig.bob.script)])
    coins = [(first, 1), (second, 0), (first, 0)]
    spent = [Spendable(outpoint(item.txid, i), item.outputs[i].amount_sat) for item, i in coins]
    both = rig.bob.pay(spent, [TxOut(sum(c.amount_sat for c in spent) - 90_000, rig.bob.script)])
    for transaction in (first, second, both):
        rig.send(transaction)
    told = {each["txid"]: each for each in rig.call("getblocktemplate", RULES)["transactions"]}
    places = {txid: place for place, txid in enumerate(told, 1)}
    first_at, second_at = places[to_hex(first.txid)], places[to_hex(second.txid)]
    assert told[to_hex(both.txid)]["depends"] == [first_at, second_at, first_at]
    rig.mine()


def test_proposals_are_judged_without_work(rig: Rig) -> None:
    good = proposed(rig)
    tip = rig.node.active.tip
    assert tip.parent is not None
    assert proposal(rig, good) is None
    assert proposal(rig, remade(good, bits=0x1D00FFFF)) == "bad-diffbits"
    assert proposal(rig, remade(good, time=tip.median_time_past())) == "time-too-old"
    assert proposal(rig, remade(good, time=good.header.time + 8_000)) == "time-too-new"
    assert proposal(rig, Block.build(good.header, [])) == "bad-txnmrklroot"
    other = Header.build(4, tip.parent.hash, good.header.merkle_root, good.header.time, 0, 0)
    assert proposal(rig, Block.build(other, good.transactions)) == "inconclusive-not-best-prevblk"
    height = tip.height + 1
    rich = rig.node.template(rig.daemon.now_s).build(rig.bob.script)
    assert rich.transactions[0].outputs[0].amount_sat == rig.node.network.subsidy_sat(height)
    paid = [TxOut(TOO_MANY, rig.bob.script), rich.transactions[0].outputs[-1]]
    first = rich.transactions[0]
    greedy = Transaction.build(2, first.inputs, paid, first.locktime)
    header = Header.build(
        rich.header.version, tip.hash, greedy.txid, rich.header.time, rich.header.bits, 0
    )
    assert proposal(rig, Block.build(header, [greedy])) == "bad-cb-amount"


def test_what_follows_a_block_is_left_aside(rig: Rig) -> None:
    built = proposed(rig)
    asked = {"mode": "proposal", "data": built.raw.hex() + "00"}
    assert rig.call("getblocktemplate", asked) is None
    proved = mine(built, 100_000)
    assert proved is not None
    assert rig.call("submitblock", proved.raw.hex() + "00ff") is None
    assert rig.call("getbestblockhash") == to_hex(proved.hash)


def test_the_reason_of_a_script_is_that_of_a_block(rig: Rig) -> None:
    guard = b"\x00\x20" + sha256(b"\x51")
    coin = next(rig.coinbase(block) for block in rig.mine(101))
    paid = rig.alice.pay([coin], [TxOut(coin.amount_sat, guard)])
    spends = [TxIn(outpoint(paid.txid, 0), witness=(b"\x52",))]
    wrong = Transaction.build(2, spends, [TxOut(coin.amount_sat, guard)])
    template = rig.node.template(rig.daemon.now_s)
    block = assemble(
        template.parent,
        [paid, wrong],
        [TxOut(template.subsidy_sat, guard)],
        version=template.version,
        time=template.time,
        bits=template.bits,
    )
    reason = "block-script-verify-flag-failed (Witness program hash mismatch)"
    assert proposal(rig, block) == reason
    proved = mine(block, 100_000)
    assert proved is not None
    assert rig.call("submitblock", proved.raw.hex()) == reason


def test_what_is_no_proposal(rig: Rig) -> None:
    missing = (-3, "Missing data String key for proposal")
    assert rig.refusal("getblocktemplate", {"mode": "proposal"}) == missing
    assert rig.refusal("getblocktemplate", {"mode": "proposal", "data": "00"}) == (
        -22,
        "Block decode failed",
    )


def test_a_long_poll_is_answered_by_the_next_block(rig: Rig) -> None:
    told = rig.call("getblocktemplate", RULES)
    waiting = rig.begin("getblocktemplate", {**RULES, "longpollid": told["longpollid"]})
    assert rig.call("uptime") >= 0  # It holds nobody up.
    assert not waiting.done()
    rig.call("generatetoaddress", 1, rig.bob.address())
    assert waiting.result(20)["height"] == told["height"] + 1
    # What it waits for has happened already.
    again = rig.call("getblocktemplate", {**RULES, "longpollid": told["longpollid"]})
    assert again["height"] == told["height"] + 1
    code, _ = rig.refusal("getblocktemplate", {**RULES, "longpollid": "short"})
    assert code == -8


def test_a_template_is_made_anew_when_the_pool_has_changed_for_a_while(rig: Rig) -> None:
    start = max(rig.daemon.now_s, rig.node.active.tip.time) + 100
    try:
        rig.call("setmocktime", start)
        rig.call("generatetoaddress", 1, rig.bob.address())
        before = rig.call("getblocktemplate", RULES)
        rig.send(pay_bob(rig, spendable(rig, 6)))
        rig.call("setmocktime", start + 2)
        soon = rig.call("getblocktemplate", RULES)
        assert (soon["transactions"], soon["longpollid"]) == ([], before["longpollid"])
        assert soon["curtime"] == start + 2
        rig.call("setmocktime", start + 8)
        later = rig.call("getblocktemplate", RULES)
        assert len(later["transactions"]) == 1
        assert later["longpollid"] != before["longpollid"]
    finally:
        rig.call("setmocktime", 0)
        rig.call("generatetoaddress", 1, rig.alice.address())


# Blocks and headers handed in.


def test_blocks_known_and_unknown(rig: Rig) -> None:
    block = mine(proposed(rig), 100_000)
    assert block is not None
    assert rig.call("submitblock", block.raw.hex(), "ignored") is None
    assert rig.call("submitblock", hexdata=block.raw.hex()) == "duplicate"
    for data in ("", "00", "zz"):
        assert rig.refusal("submitblock", data) == (-22, "Block decode failed")


def test_a_miner_may_leave_the_coinbase_without_witness(rig: Rig) -> None:
    rig.send(pay_bob(rig, spendable(rig, 7)))
    block = mine(proposed(rig), 100_000)
    assert block is not None
    assert len(block.transactions) == 2
    first = block.transactions[0]
    bare = Transaction.build(
        first.version,
        [TxIn(item.prevout, item.script_sig, item.sequence) for item in first.inputs],
        first.outputs,
        first.locktime,
    )
    handed_in = Block.build(block.header, [bare, *block.transactions[1:]])
    assert handed_in.raw != block.raw
    assert rig.call("submitblock", handed_in.raw.hex()) is None
    assert rig.node.active.tip.hash == block.hash


def test_bad_blocks_are_refused_by_name(rig: Rig) -> None:
    template = rig.node.template(rig.daemon.now_s)
    first = template.build(rig.bob.script).transactions[0]
    greedy = Transaction.build(
        2, first.inputs, [TxOut(TOO_MANY, rig.bob.script), first.outputs[-1]], first.locktime
    )
    header = Header.build(
        template.version, template.parent.hash, greedy.txid, template.time, template.bits, 0
    )
    block = mine(Block.build(header, [greedy]), 100_000)
    assert block is not None
    assert rig.call("submitblock", block.raw.hex()) == "bad-cb-amount"
    assert rig.call("submitblock", block.raw.hex()) == "duplicate-invalid"


def test_a_header_with_other_transactions_is_forgotten(rig: Rig) -> None:
    block = proposed(rig)
    old = block.header
    header = Header.build(old.version, old.prev, bytes(32), old.time, old.bits, 0)
    other = mine(Block.build(header, block.transactions), 100_000)
    assert other is not None
    for _ in range(2):
        assert rig.call("submitblock", other.raw.hex()) == "bad-txnmrklroot"
    assert rig.node.headers.get(other.hash) is None


def test_headers(rig: Rig) -> None:
    block = mine(proposed(rig), 100_000)
    assert block is not None
    height = rig.node.active.height
    assert rig.call("submitheader", block.header.raw.hex()) is None
    assert rig.node.headers.best.hash == block.hash
    assert rig.node.active.height == height
    assert rig.call("submitheader", hexdata=block.raw.hex()) is None  # Known, and the rest ignored.
    assert rig.call("submitblock", block.raw.hex()) is None
    failed = (-22, "Block header decode failed")
    assert rig.refusal("submitheader", "00" * 79) == failed
    assert rig.refusal("submitheader", "xx" * 80) == failed
    orphan = Header.build(4, from_hex("11" * 32), bytes(32), 0, 0x207FFFFF, 0)  # type: ignore[arg-type]
    text = f"Must submit previous header ({'11' * 32}) first"
    assert rig.refusal("submitheader", orphan.raw.hex()) == (-25, text)
    old = remade(proposed(rig), time=1_300_000_000)
    proved = mine(old, 100_000)
    assert proved is not None
    assert rig.refusal("submitheader", proved.header.raw.hex()) == (-25, "time-too-old")


# Figures.


def test_network_hashes_per_second(rig: Rig) -> None:
    tip = rig.node.active.tip
    fourth = tip.ancestor(tip.height - 4)
    assert fourth is not None
    times = [entry.time for height in range(tip.height - 4, tip.height + 1)
             if (entry := tip.ancestor(height)) is not None]  # fmt: skip
    rate = (tip.chainwork - fourth.chainwork) / (max(times) - min(times))
    assert rig.call("getnetworkhashps", 4) == rate
    assert rig.call("getnetworkhashps", nblocks=-1, height=1) > 0
    assert rig.call("getnetworkhashps", 120, 0) == 0
    assert rig.refusal("getnetworkhashps", 0) == (
        -8,
        "Invalid nblocks. Must be a positive number or -1.",
    )
    missing = (-8, "Block does not exist at specified height")
    assert rig.refusal("getnetworkhashps", 1, tip.height + 1) == missing
    assert rig.refusal("getnetworkhashps", 1, -2) == missing


def test_mining_info(rig: Rig) -> None:
    info = rig.call("getmininginfo")
    tip = rig.node.active.tip
    assert info["blocks"] == tip.height
    assert info["bits"] == "207fffff"
    assert info["chain"] == "regtest"
    assert info["pooledtx"] == len(rig.node.pool)
    assert info["blockmintxfee"] == Amount(1)
    assert info["next"]["height"] == tip.height + 1
    assert info["next"]["target"] == info["target"]
    assert info["networkhashps"] == rig.call("getnetworkhashps")
    assert info["warnings"] == []


def test_feerates_of_a_template_are_logged_where_that_is_asked_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    payment = pay_bob(rig, spendable(rig, 9), fee_sat=1_234)
    rig.call("sendrawtransaction", payment.raw.hex())
    monkeypatch.setattr(rig.daemon, "logs_feerates", True)
    with caplog.at_level(logging.INFO, "axon"):
        rig.wait(rig.daemon.fresh_template())
    feerate_sat_kvb = 1_234_000 // payment.vsize
    wanted = f"fee rate 0.{feerate_sat_kvb:08d} BTC/kvB txid {to_hex(payment.txid)}"
    assert wanted in [record.getMessage() for record in caplog.records]
