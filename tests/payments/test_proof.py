"""What a payee believes of a packet, and each reason for which he believes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.errors import DecodeError
from axon.mempool.policy import Policy
from axon.payments.packet import Confirmed, Packet, bare
from axon.payments.proof import check_packet, check_proof
from axon.payments.verdict import CoinClaim, PaymentLevel, Wanted
from axon.primitives.hashes import BlockHash, sha256d
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_branch, merkle_root
from axon.primitives.transaction import (
    COIN,
    MAX_MONEY_SAT,
    NULL_OUTPOINT,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from axon.primitives.verdict import Accepted, Rejected
from tests.payments.payscene import (
    ALICE,
    BOB,
    CAROL,
    MALLORY,
    POLICY,
    WANTED,
    PayChain,
    coin_of,
    funding,
    kernel,
    made_up_coin,
    pays_bob,
    refused,
)
from tests.scriptcheck import check_scripts
from tests.signatures import high_s
from tests.signing import Spendable

SHORT = Transaction.build(
    2, [TxIn(made_up_coin("short").outpoint)], [TxOut(0, b"\x51\x02\x4e\x73")]
)
"""64 bytes without its signature, as an inner node has; it pays an anchor."""


@pytest.fixture(scope="module")
def chain() -> PayChain:
    """Alice was paid in blocks 2 and 3; block 1 rewards her."""
    chain = PayChain()
    chain.mine(miner=ALICE.script)
    chain.mine(funding("others"), funding(1), funding("more"))
    chain.mine(funding(2), funding(3))
    chain.pass_blocks(100)
    return chain


def proved(chain: PayChain, packet: Packet, *claims: CoinClaim, fee_sat: int = 1_000) -> None:
    checked = chain.check(packet)
    assert checked.verdict.level is PaymentLevel.FUNDED, checked.verdict
    assert (checked.verdict.reason, checked.verdict.detail) == ("", "")
    assert (checked.verdict.height, checked.verdict.peers) == (chain.height, 0)
    assert checked.claims == claims
    assert (checked.fee_sat, checked.wait_height) == (fee_sat, 0)


def claim(transaction: Transaction, height: int, index: int = 0) -> CoinClaim:
    output = transaction.outputs[index]
    return CoinClaim(
        outpoint(transaction.txid, index), output.script_pubkey, output.amount_sat, height
    )


# What is proved.


def test_a_payment_of_one_coin(chain: PayChain) -> None:
    packet = chain.packet(pays_bob(funding(1)), funding(1))
    proved(chain, packet, claim(funding(1), 2))


def test_coins_of_two_blocks(chain: PayChain) -> None:
    parents = [funding(3), funding(1), funding(2)]
    payment = pays_bob(*parents, fee_sat=2_000)
    packet = chain.packet(payment, *parents)
    assert [(item.height, item.position) for item in packet.confirmed] == [(2, 2), (3, 1), (3, 2)]
    claims = claim(funding(3), 3), claim(funding(1), 2), claim(funding(2), 3)
    proved(chain, packet, *claims, fee_sat=2_000)


def test_two_outputs_of_one_transaction(chain: PayChain) -> None:
    split = ALICE.pay(
        [coin_of(funding(1))], [TxOut(COIN, ALICE.script), TxOut(COIN - 500, ALICE.script)]
    )
    here = PayChain()
    here.mine(split)
    payment = ALICE.pay([coin_of(split, 1), coin_of(split)], [TxOut(COIN, BOB.script)])
    packet = here.packet(payment, split)
    assert len(packet.confirmed) == 1
    proved(here, packet, claim(split, 1, 1), claim(split, 1, 0), fee_sat=COIN - 500)


def test_a_ripe_reward(chain: PayChain) -> None:
    reward = chain.blocks[1].transactions[0]
    packet = chain.packet(pays_bob(reward), reward)
    assert packet.confirmed[0].position == 0
    proved(chain, packet, claim(reward, 1))


def test_unconfirmed_ancestors_with_what_they_spend(chain: PayChain) -> None:
    first = ALICE.pay([coin_of(funding(1))], [TxOut(2 * COIN - 500, ALICE.script)])
    second = ALICE.pay(
        [coin_of(first), coin_of(funding(2))], [TxOut(4 * COIN - 1_500, ALICE.script)]
    )
    payment = pays_bob(second)
    packet = chain.packet(payment, second, funding(2), first, funding(1))
    assert packet.unconfirmed == (first, second)
    proved(chain, packet, claim(funding(1), 2), claim(funding(2), 3))


def test_any_amount_may_be_wanted_and_outputs_add_up(chain: PayChain) -> None:
    packet = chain.packet(pays_bob(funding(1), amount_sat=5_000), funding(1))
    assert chain.check(packet, Wanted(BOB.script, 0)).verdict.level is PaymentLevel.FUNDED
    halves = [TxOut(COIN // 2, BOB.script)] * 2
    packet = chain.packet(ALICE.pay([coin_of(funding(1))], halves), funding(1))
    assert chain.check(packet).verdict.level is PaymentLevel.FUNDED


def test_only_the_coins_of_a_proved_packet_are_claimed(chain: PayChain) -> None:
    """So nobody looks for spends of what does not exist, and counts that as a proof."""
    packet = chain.packet(pays_bob(funding(1)), funding(1))
    checked = check_packet(packet, WANTED, chain.headers, lambda *_, **__: Rejected("why"), POLICY)
    refused(checked, "script-verify-failed")


# What it pays.


def test_another_address(chain: PayChain) -> None:
    packet = chain.packet(pays_bob(funding(1)), funding(1))
    refused(chain.check(packet, Wanted(CAROL.script, COIN)), "wrong-address", "address")


def test_too_little(chain: PayChain) -> None:
    packet = chain.packet(pays_bob(funding(1), amount_sat=COIN - 1), funding(1))
    refused(chain.check(packet), "wrong-amount", "99999999 sat", "100000000 sat")


def test_nothing_at_all(chain: PayChain) -> None:
    payment = ALICE.pay([coin_of(funding(1))], [TxOut(0, BOB.script), TxOut(COIN, ALICE.script)])
    checked = chain.check(chain.packet(payment, funding(1)), Wanted(BOB.script, 0))
    refused(checked, "wrong-address")


# Whose coins.


def test_a_signature_of_somebody_else(chain: PayChain) -> None:
    payment = pays_bob(funding(1), payer=MALLORY)
    refused(chain.check(chain.packet(payment, funding(1))), "script-verify-failed", "not signed")


def test_a_signature_that_nodes_do_not_relay(chain: PayChain) -> None:
    """Blocks may have one with a high S; no pool takes it, so the payee would wait in vain."""
    payment = pays_bob(funding(1))
    signature, key = payment.inputs[0].witness
    tall = replace(payment.inputs[0], witness=(high_s(signature[:-1]) + signature[-1:], key))
    payment = Transaction.build(2, [tall], payment.outputs, 0)
    spent = [funding(1).outputs[0]]
    assert check_scripts(payment, spent, relayed=False) == Accepted()
    checked = chain.check(chain.packet(payment, funding(1)))
    refused(
        checked, "script-verify-failed", "Non-canonical signature: S value is unnecessarily high"
    )


def test_an_ancestor_that_is_not_signed(chain: PayChain) -> None:
    stolen = MALLORY.pay([coin_of(funding(1))], [TxOut(2 * COIN - 500, MALLORY.script)])
    payment = pays_bob(stolen, payer=MALLORY)
    checked = chain.check(chain.packet(payment, stolen, funding(1)))
    refused(checked, "script-verify-failed", "the unconfirmed transaction", "not signed")


def test_an_output_that_is_not_there(chain: PayChain) -> None:
    payment = ALICE.pay(
        [Spendable(outpoint(funding(1).txid, 2), 2 * COIN)], [TxOut(COIN, BOB.script)]
    )
    checked = chain.check(chain.packet(payment, funding(1)))
    refused(checked, "no-such-output", "2 outputs")


def test_one_coin_twice_in_one_payment(chain: PayChain) -> None:
    payment = pays_bob(funding(1), funding(1))
    refused(chain.check(chain.packet(payment, funding(1))), "spent-twice", "spent twice")


def test_one_coin_in_the_payment_and_in_its_ancestor(chain: PayChain) -> None:
    before = ALICE.pay([coin_of(funding(1))], [TxOut(COIN, ALICE.script)])
    payment = pays_bob(before, funding(1))
    checked = chain.check(chain.packet(payment, before, funding(1)))
    refused(checked, "spent-twice", "another input")


def test_a_coin_that_a_block_in_the_packet_has_spent(chain: PayChain) -> None:
    here = PayChain()
    here.mine(funding(1))
    spender = ALICE.pay([coin_of(funding(1))], [TxOut(COIN, ALICE.script)])
    here.mine(spender)
    payment = pays_bob(funding(1), spender)
    checked = here.check(here.packet(payment, funding(1), spender))
    refused(checked, "spent-twice", "a transaction of block 2")


# Its proofs.


def one(chain: PayChain) -> tuple[Packet, Confirmed]:
    packet = chain.packet(pays_bob(funding(1)), funding(1))
    return packet, packet.confirmed[0]


def with_proof(packet: Packet, proof: Confirmed) -> Packet:
    return replace(packet, confirmed=(proof,))


def test_a_block_above_the_tip(chain: PayChain) -> None:
    packet, proof = one(chain)
    above = with_proof(packet, replace(proof, height=chain.height + 1))
    checked = chain.check(above)
    refused(checked, "block-above-tip", f"block {chain.height + 1}", f"end with {chain.height}")
    assert checked.wait_height == chain.height + 1


def test_a_block_below_the_first_header(chain: PayChain) -> None:
    class Young:
        tip_height = chain.height

        def header_at(self, height: int) -> Header | None:
            return chain.headers.header_at(height) if height > 50 else None

    packet, _ = one(chain)
    checked = check_packet(packet, WANTED, Young(), kernel, POLICY)
    refused(checked, "block-below-root", "before your headers begin")
    assert checked.wait_height == 0


def test_a_block_of_another_chain(chain: PayChain) -> None:
    other = PayChain()
    other.mine(funding("something else"))
    other.mine(funding(1))
    other.pass_blocks(2)
    packet, _ = one(other)
    refused(chain.check(packet), "block-not-in-chain", "block 2")
    packet, proof = one(chain)
    refused(chain.check(with_proof(packet, replace(proof, height=3))), "block-not-in-chain")
    lied = replace(proof, block_hash=BlockHash(bytes(32)))
    refused(chain.check(with_proof(packet, lied)), "block-not-in-chain")


def test_another_coinbase(chain: PayChain) -> None:
    packet, proof = one(chain)
    other = replace(proof, coinbase=chain.proof(funding(2)).coinbase)
    refused(chain.check(with_proof(packet, other)), "bad-coinbase-branch", "coinbase")
    branch = tuple(reversed(proof.coinbase_branch))
    refused(
        chain.check(with_proof(packet, replace(proof, coinbase_branch=branch))),
        "bad-coinbase-branch",
    )


def test_another_branch_or_place(chain: PayChain) -> None:
    packet, proof = one(chain)
    branch = tuple(reversed(proof.branch))
    refused(chain.check(with_proof(packet, replace(proof, branch=branch))), "bad-branch", "not in")
    refused(chain.check(with_proof(packet, replace(proof, position=1))), "bad-branch")


def test_a_transaction_that_was_never_mined(chain: PayChain) -> None:
    _, proof = one(chain)
    lie = bare(funding("never"))
    packet = Packet(pays_bob(lie), (replace(proof, transaction=lie),), ())
    refused(chain.check(packet), "bad-branch")


def test_the_copy_that_evens_out_a_tree(chain: PayChain) -> None:
    """Block 3 has three transactions: the third stands at place 2, and its copy at 3."""
    payment = pays_bob(funding(3))
    packet = chain.packet(payment, funding(3))
    (proof,) = packet.confirmed
    assert proof.position == 2
    assert check_proof(proof, chain.headers) is None
    copy = replace(packet, confirmed=(replace(proof, position=3),))
    refused(chain.check(copy), "repeated-leaf", "copy")


# Inner nodes and transactions.


def test_a_transaction_of_64_bytes_proves_nothing() -> None:
    assert len(SHORT.stripped) == 64
    chain = PayChain()
    chain.mine(SHORT, funding(1))
    payment = ALICE.pay([coin_of(funding(1)), coin_of(SHORT)], [TxOut(COIN, BOB.script)])
    checked = chain.check(chain.packet(payment, funding(1), SHORT))
    refused(checked, "inner-node-size", "64 bytes")


def test_an_unconfirmed_one_of_64_bytes_neither(chain: PayChain) -> None:
    short = Transaction.build(2, [TxIn(coin_of(funding(1)).outpoint)], SHORT.outputs)
    assert len(short.stripped) == 64
    payment = ALICE.pay([coin_of(short)], [TxOut(COIN, BOB.script)])
    refused(chain.check(chain.packet(payment, funding(1), short)), "inner-node-size")


def test_an_inner_node_passed_off_as_a_transaction() -> None:
    """Two leaves that together are a transaction of 64 bytes: it is said to be one level higher."""
    chain = PayChain()
    coinbase = chain.mine().transactions[0]
    node = SHORT.stripped
    leaves = [coinbase.txid, sha256d(b"another"), node[:32], node[32:]]
    block_hash = chain.mine_root(merkle_root(leaves))
    above = [sha256d(leaves[0] + leaves[1]), SHORT.txid]
    payment = ALICE.pay([coin_of(SHORT)], [TxOut(COIN, BOB.script)])
    bare_coinbase = bare(coinbase)
    proof = Confirmed(
        SHORT, 2, block_hash, 1, merkle_branch(above, 1), bare_coinbase, merkle_branch(above, 0)
    )
    refused(chain.check(Packet(payment, (proof,), ())), "inner-node-size")
    verdict = check_proof(proof, chain.headers)
    assert verdict is not None
    assert verdict.reason == "bad-coinbase-branch"  # Nor could it be shown at that depth.


def test_half_of_a_transaction_passed_off_as_a_leaf() -> None:
    """A leaf of 64 bytes whose right half is the txid of a coin that never was: one level lower."""
    chain = PayChain()
    coinbase = chain.mine().transactions[0]
    bare_coinbase = bare(coinbase)
    fake = bare(funding("made up"))
    left = bytes(32)
    leaf = sha256d(left + fake.txid)
    block_hash = chain.mine_root(merkle_root([coinbase.txid, leaf]))
    branch = (left, coinbase.txid)
    payment = pays_bob(fake)
    for shown in [(leaf, leaf), (left, leaf), (fake.txid, leaf)]:
        proof = Confirmed(fake, 2, block_hash, 3, branch, bare_coinbase, shown)
        refused(chain.check(Packet(payment, (proof,), ())), "bad-coinbase-branch", "that depth")
    with pytest.raises(DecodeError, match="as deep as"):  # The coinbase where it really is.
        Packet(payment, (Confirmed(fake, 2, block_hash, 3, branch, bare_coinbase, (leaf,)),), ())


def test_a_coinbase_of_64_bytes_shows_no_depth() -> None:
    chain = PayChain()
    short = Transaction.build(2, [TxIn(NULL_OUTPOINT, b"\x01\x02")], [TxOut(0, b"\x51" * 2)])
    assert len(short.stripped) == 64
    parent = bare(funding(1))
    tree = [short.txid, parent.txid]
    block_hash = chain.mine_root(merkle_root(tree))
    proof = Confirmed(
        parent, 1, block_hash, 1, merkle_branch(tree, 1), short, merkle_branch(tree, 0)
    )
    refused(chain.check(Packet(pays_bob(parent), (proof,), ())), "inner-node-size")


# Whether nodes would take it.


def test_a_fee_that_is_too_small(chain: PayChain) -> None:
    packet = chain.packet(pays_bob(funding(1), fee_sat=10), funding(1))
    refused(chain.check(packet), "min relay fee not met", "it pays too small a fee (10 < 15 sat)")
    packet = chain.packet(pays_bob(funding(1), fee_sat=1_000), funding(1))
    dear = Policy(min_relay_feerate_sat_kvb=10_000)
    refused(chain.check(packet, policy=dear), "min relay fee not met")


def test_an_ancestor_whose_fee_is_too_small(chain: PayChain) -> None:
    first = ALICE.pay([coin_of(funding(1))], [TxOut(2 * COIN - 1, ALICE.script)])
    checked = chain.check(chain.packet(pays_bob(first), first, funding(1)))
    refused(checked, "min relay fee not met", "the unconfirmed transaction")


def test_more_paid_out_than_taken_in(chain: PayChain) -> None:
    packet = chain.packet(pays_bob(funding(1), amount_sat=3 * COIN), funding(1))
    refused(chain.check(packet), "bad-txns-in-belowout", "more than it takes in")


@pytest.mark.parametrize(
    ("amounts", "reason"),
    [
        ((-1,), "bad-txns-vout-negative"),
        ((MAX_MONEY_SAT + 1,), "bad-txns-vout-toolarge"),
        ((MAX_MONEY_SAT,), "bad-txns-txouttotal-toolarge"),
        ((1,), "dust"),
        ((1, 1), "dust"),
    ],
)
def test_amounts_that_cannot_be(chain: PayChain, amounts: tuple[int, ...], reason: str) -> None:
    outputs = [TxOut(COIN, BOB.script), *[TxOut(amount, CAROL.script) for amount in amounts]]
    payment = ALICE.pay([coin_of(funding(1))], outputs)
    refused(chain.check(chain.packet(payment, funding(1))), reason)


def test_coins_with_more_bitcoin_than_there_are() -> None:
    """No valid block has one, but whoever has headers alone does not know whether it is valid."""
    chain = PayChain()
    parent = CAROL.pay([made_up_coin(1)], [TxOut(MAX_MONEY_SAT + 1, ALICE.script)])
    chain.mine(parent)
    payment = ALICE.pay([coin_of(parent)], [TxOut(COIN, BOB.script)])
    checked = chain.check(chain.packet(payment, parent))
    refused(checked, "bad-txns-inputvalues-outofrange")


def test_a_reward_that_is_not_ripe(chain: PayChain) -> None:
    here = PayChain()
    reward = here.mine(miner=ALICE.script).transactions[0]
    here.pass_blocks(98)  # The next block would have it at depth 99.
    packet = here.packet(pays_bob(reward), reward)
    refused(here.check(packet), "bad-txns-premature-spend-of-coinbase", "100 blocks")
    here.pass_blocks(1)
    assert here.check(packet).verdict.level is PaymentLevel.FUNDED


def test_a_lock_by_height(chain: PayChain) -> None:
    def locked(height: int) -> Packet:
        return chain.packet(pays_bob(funding(1), locktime=height), funding(1))

    refused(chain.check(locked(chain.height + 1)), "non-final", "locked")
    assert chain.check(locked(chain.height)).verdict.level is PaymentLevel.FUNDED


def test_a_lock_by_time(chain: PayChain) -> None:
    median = chain.tree.best.median_time_past()

    def locked(time: int) -> Packet:
        return chain.packet(pays_bob(funding(1), locktime=time), funding(1))

    refused(chain.check(locked(median)), "non-final")
    assert chain.check(locked(median - 1)).verdict.level is PaymentLevel.FUNDED


def test_a_relative_lock(chain: PayChain) -> None:
    blocks = chain.height + 1 - 2
    half_minutes = (chain.tree.best.median_time_past() - _median(chain, 1)) // 512

    def locked(sequence: int) -> Packet:
        return chain.packet(pays_bob(funding(1), sequence=sequence), funding(1))

    assert chain.check(locked(blocks)).verdict.level is PaymentLevel.FUNDED
    refused(chain.check(locked(blocks + 1)), "non-BIP68-final", "locked for longer")
    assert chain.check(locked(1 << 22 | half_minutes)).verdict.level is PaymentLevel.FUNDED
    refused(chain.check(locked(1 << 22 | half_minutes + 1)), "non-BIP68-final")


def _median(chain: PayChain, height: int) -> int:
    entry = chain.tree.best.ancestor(height)
    assert entry is not None
    return entry.median_time_past()


def test_an_unconfirmed_coin_is_locked_from_now_on(chain: PayChain) -> None:
    first = ALICE.pay([coin_of(funding(1))], [TxOut(2 * COIN - 500, ALICE.script)])
    payment = pays_bob(first, sequence=1)
    refused(chain.check(chain.packet(payment, first, funding(1))), "non-BIP68-final")


def test_forms_that_nodes_do_not_pass_on(chain: PayChain) -> None:
    def paying(script: bytes, amount_sat: int = 10_000) -> Transaction:
        outputs = [TxOut(COIN, BOB.script), TxOut(amount_sat, script)]
        return ALICE.pay([coin_of(funding(1))], outputs)

    def checked(payment: Transaction, policy: Policy = POLICY) -> str:
        found = chain.check(chain.packet(payment, funding(1)), policy=policy)
        refused(found, found.verdict.reason)
        return found.verdict.reason

    key = b"\x21" + ALICE.public_key
    assert checked(pays_bob(funding(1), version=4)) == "version"
    assert checked(paying(b"\x51\x51")) == "scriptpubkey"
    silent = Policy(max_datacarrier_bytes=0)
    assert checked(paying(b"\x6a\x01\x00", 0), silent) == "datacarrier"
    strict = Policy(permit_bare_multisig=False)
    assert checked(paying(b"\x51" + key + b"\x51\xae"), strict) == "bare-multisig"
    assert checked(
        paying(b"\x6a" + b"\x4e" + (99_990).to_bytes(4, "little") + bytes(99_990), 0)
    ) == ("tx-size")


def with_script_sig(payment: Transaction, script_sig: bytes) -> Transaction:
    (entry,) = payment.inputs
    return Transaction.build(2, [replace(entry, script_sig=script_sig)], payment.outputs)


def test_inputs_that_nodes_do_not_pass_on(chain: PayChain) -> None:
    def reason(payment: Transaction, parent: Transaction, chain: PayChain = chain) -> str:
        return chain.check(chain.packet(payment, parent)).verdict.reason

    payment = pays_bob(funding(1))
    pushes = b"\x4d\x72\x06" + bytes(1_650)
    assert reason(with_script_sig(payment, pushes), funding(1)) == "scriptsig-size"
    assert reason(with_script_sig(payment, b"\x76"), funding(1)) == "scriptsig-not-pushonly"
    (entry,) = payment.inputs
    here = PayChain()
    odd = CAROL.pay([made_up_coin("odd")], [TxOut(2 * COIN, b"\x51\x51")])
    anchors = [TxOut(2 * COIN, b"\x51\x02\x4e\x73")] * 2
    anchor = CAROL.pay([made_up_coin("anchor")], anchors)
    here.mine(odd, anchor)
    plain = replace(entry, prevout=coin_of(odd).outpoint, witness=())
    assert (
        reason(Transaction.build(2, [plain], payment.outputs), odd, here)
        == "bad-txns-nonstandard-inputs"
    )
    outputs = [TxOut(COIN, BOB.script)]
    stuffed = replace(entry, prevout=coin_of(anchor).outpoint, witness=(b"stuff",))
    assert (
        reason(Transaction.build(2, [stuffed], outputs), anchor, here) == "bad-witness-nonstandard"
    )


def test_more_signature_checks_than_nodes_make(chain: PayChain) -> None:
    key = b"\x21" + ALICE.public_key
    outputs = [TxOut(COIN, BOB.script), *[TxOut(10_000, b"\x51" + key + b"\x51\xae")] * 201]
    payment = ALICE.pay([coin_of(funding(1))], outputs)
    checked = chain.check(chain.packet(payment, funding(1)))
    refused(checked, "bad-txns-too-many-sigops", "signature checks")


def test_version_3_keeps_to_its_rules(chain: PayChain) -> None:
    first = ALICE.pay([coin_of(funding(1))], [TxOut(2 * COIN - 500, ALICE.script)], version=3)
    packet = chain.packet(pays_bob(first, version=3), first, funding(1))
    assert chain.check(packet).verdict.level is PaymentLevel.FUNDED
    packet = chain.packet(pays_bob(first), first, funding(1))
    refused(chain.check(packet), "TRUC-violation", "BIP 431")


def test_more_unconfirmed_ones_than_nodes_keep_together(chain: PayChain) -> None:
    wide = CAROL.pay([made_up_coin("wide")], [TxOut(COIN, ALICE.script)] * 64)
    here = PayChain()
    here.mine(wide)
    parents = [
        ALICE.pay([coin_of(wide, index)], [TxOut(COIN - 500, ALICE.script)]) for index in range(64)
    ]
    packet = here.packet(pays_bob(*parents, fee_sat=100_000), wide, *parents)
    refused(here.check(packet), "too-large-cluster", "keep together")
    packet = here.packet(pays_bob(*parents[:63], fee_sat=100_000), wide, *parents[:63])
    assert here.check(packet).verdict.level is PaymentLevel.FUNDED
