"""Blocks that are only proposed (BIP 23), or handed in: axon and bitcoind give the same reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from axon.mining.template import commitment_script
from axon.primitives.block import Block
from axon.primitives.hashes import ZERO_HASH, sha256d
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.script import push, push_number
from axon.primitives.transaction import (
    COIN,
    MAX_MONEY_SAT,
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
)
from tests.interop.poolpair import (
    ANYONE,
    MINE,
    TRUE,
    Coin,
    PoolPair,
    behind_hash,
    output_of,
    pool_pair,
    spend,
)

pytestmark = [pytest.mark.interop, pytest.mark.process, pytest.mark.timeout(300)]

NONCE = (ZERO_HASH,)
MULTISIG = b"\x51" + push(b"\x02" * 33) + b"\x51\xae"
OUTPUT = TxOut(50 * COIN, ANYONE)


@pytest.fixture(name="pair", scope="module")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoolPair]:
    with pool_pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


class Draft:
    """The next block, and how it can be changed."""

    def __init__(self, pair: PoolPair) -> None:
        raw = pair.core.rpc("generateblock", MINE, [], False)["hex"]
        self.base = Block.decode(bytes.fromhex(raw))
        self.height = pair.core.rpc("getblockcount") + 1
        self.subsidy = self.base.transactions[0].outputs[0].amount_sat

    def coinbase(
        self,
        *outputs: TxOut,
        script_sig: bytes | None = None,
        witness: tuple[bytes, ...] = NONCE,
        behind: Sequence[Transaction] = (),
        locktime: int = 0,
        sequence: int = 0xFFFFFFFF,
        commits: bool = True,
    ) -> Transaction:
        """A first transaction."""
        begin = push_number(self.height) + b"\x00" if script_sig is None else script_sig
        made = list(outputs or [TxOut(self.subsidy, ANYONE)])
        if commits:
            made.append(TxOut(0, commitment_script(behind)))
        item = TxIn(NULL_OUTPOINT, begin, sequence, witness)
        return Transaction.build(2, [item], made, locktime)

    def block(
        self,
        *behind: Transaction,
        first: Transaction | None = None,
        **fields: int | bytes,
    ) -> bytes:
        """The bytes of a block with these behind the coinbase."""
        everything = [first or self.coinbase(behind=behind), *behind]
        return self.whole(everything, **fields)

    def whole(self, everything: Sequence[Transaction], **fields: int | bytes) -> bytes:
        """The bytes of a block with exactly these."""
        base = self.base.header
        values = {
            "version": base.version,
            "prev": base.prev,
            "root": merkle_root([each.txid for each in everything]) if everything else bytes(32),
            "time": base.time,
            "bits": base.bits,
            "nonce": 0,
            **fields,
        }
        header = Header.build(*values.values())  # type: ignore[arg-type]
        return Block.build(header, list(everything)).raw


def proposals(draft: Draft, coins: Sequence[Coin], pair: PoolPair) -> dict[str, bytes]:
    """Blocks by what is odd about them."""
    base, make, first = draft.base.header, draft.block, draft.coinbase
    coin, other, young = coins[0], coins[1], pair.young_coinbase(50)
    good = spend([coin])
    child = spend([output_of(good)])
    bad_script = spend([replace(coin, witness=(b"\x52",))])
    heavy = [spend([each], vsize=900_000) for each in coins[2:4]]
    sigops = [TxOut(0, MULTISIG)] * 1_000
    median = pair.core.rpc("getblockchaininfo")["mediantime"]
    wrong = first(witness=NONCE, behind=[child])
    subsidy = draft.subsidy
    return {
        "nothing": make(),
        "one": make(good),
        "parent and child": make(good, child),
        "child and parent": make(child, good),
        "bytes behind it": make(good) + b"\x00\x01",
        "cut short": make(good)[:-1],
        "no bytes": b"",
        "a header": base.raw,
        "no transaction": draft.whole([]),
        "another parent": make(prev=bytes(32)),
        "the parent's parent": make(prev=bytes.fromhex(_before(pair))[::-1]),
        "another root": make(root=bytes(32)),
        "too easy": make(bits=0x207FFFFE),
        "no target": make(bits=0),
        "too old": make(time=median),
        "just not too old": make(time=median + 1),
        "two hours ahead": make(time=base.time + 7_300),
        **{f"version {version}": make(version=version) for version in (-1, 0, 1, 2, 3, 4, 1 << 29)},
        "no coinbase": draft.whole([good]),
        "two coinbases": make(first(script_sig=b"abc")),
        "a coinbase behind": draft.whole([good, first()]),
        **{
            f"script of {size}": make(first=first(script_sig=bytes(size)))
            for size in (0, 1, 2, 101)
        },
        "another height": make(first=first(script_sig=push_number(draft.height + 1) + b"\x00")),
        "a longer height": make(first=first(script_sig=b"\x4c" + push_number(draft.height) + b"a")),
        "more than it may": make(first=first(TxOut(subsidy + 1, ANYONE))),
        "the fee, too": make(good, first=first(TxOut(subsidy + 1_000, ANYONE), behind=[good])),
        "a satoshi more": make(good, first=first(TxOut(subsidy + 1_001, ANYONE), behind=[good])),
        "less": make(first=first(TxOut(1, ANYONE))),
        "negative": make(first=first(TxOut(-1, ANYONE))),
        "too much money": make(first=first(TxOut(MAX_MONEY_SAT + 1, ANYONE))),
        "final coinbase of later": make(first=first(locktime=draft.height)),
        "coinbase of later": make(first=first(locktime=draft.height, sequence=0)),
        "coinbase of now": make(first=first(locktime=draft.height - 1, sequence=0)),
        "no nonce": make(first=first(witness=())),
        "two nonces": make(first=first(witness=(bytes(32), bytes(32)))),
        "a short nonce": make(first=first(witness=(bytes(31),))),
        "another nonce": make(first=first(witness=(b"\x01" * 32,))),
        "another commitment": make(good, first=wrong),
        "no commitment": make(first=first(witness=(), commits=False)),
        "witness, no commitment": make(good, first=first(witness=(), commits=False)),
        "nonce, no commitment": make(first=first(commits=False)),
        "the same twice": make(good, good),
        "rivals": make(good, spend([coin], fee=2_000)),
        "unknown coin": make(spend([replace(coin, point=OutPoint(b"\x05" * 36))])),
        "from nothing": make(spend([coin], fee=-1)),
        "too young": make(spend([young])),
        "negative output": make(spend([coin], TxOut(-1, ANYONE))),
        "large output": make(spend([coin], TxOut(MAX_MONEY_SAT + 1, ANYONE), change=None)),
        "no output": make(spend([coin], change=None)),
        "no input": make(Transaction.build(2, [], [OUTPUT])),
        "the same input twice": make(spend([coin, coin])),
        "null input": make(spend([coin, replace(other, point=NULL_OUTPOINT)])),
        "not final": make(spend([coin], locktime=draft.height)),
        "final": make(spend([coin], locktime=draft.height - 1)),
        "too young by age": make(spend([replace(coin, sequence=1_000)])),
        "wrong script": make(bad_script),
        "wrong script behind a good one": make(spend([other]), bad_script),
        "stripped": make(spend([replace(coin, witness=())])),
        "not standard": make(spend([coin], TxOut(0, TRUE), version=77)),
        "heavy": make(*heavy[:1]),
        "too heavy": make(*heavy),
        "too long": make(spend([coins[2]], vsize=1_000_100)),
        "signature checks": make(spend([coin], *sigops, fee=1_000)),
        "many in the coinbase": make(first=first(OUTPUT, *[TxOut(0, MULTISIG)] * 1_001)),
        "behind hashes": make(spend(_checking(coins))),
    }


def _checking(coins: Sequence[Coin]) -> list[Coin]:
    """Coins whose scripts make 20,000 checks each."""
    return [coin for coin in coins if len(coin.witness[0]) > 1_000]


def _before(pair: PoolPair) -> str:
    return str(pair.core.rpc("getblockhash", pair.core.rpc("getblockcount") - 1))


CHECKS = b"\x00\x63" + b"\xac" * 8_000 + b"\x68\x51"
"""Signature checks that are counted and never made."""


def test_reasons(pair: PoolPair) -> None:
    free = pair.coins(4, amount_sat=2 * COIN)
    guarded = pair.fund(*[behind_hash(CHECKS)] * 11)
    coins = [*free, *[replace(each, witness=(CHECKS,)) for each in guarded]]
    draft = Draft(pair)
    for note, raw in proposals(draft, coins, pair).items():
        request = {"mode": "proposal", "rules": ["segwit"], "data": raw.hex()}
        pair.same("getblocktemplate", request, note=note)
    ten = draft.block(spend(coins[4:14]))
    request = {"mode": "proposal", "data": ten.hex()}
    pair.same("getblocktemplate", request, note="as many checks as there may be")
    known = pair.core.rpc("getblock", pair.core.rpc("getbestblockhash"), 0)
    for text in (known, known + "00", known[:-2], "zz"):
        pair.same("getblocktemplate", {"mode": "proposal", "data": text}, note="known")
        pair.same("submitblock", text, note="known")
    pair.settle()


def mined(raw: bytes) -> bytes:
    """The same with a nonce that proves work."""
    for nonce in range(1 << 16):
        head = raw[:76] + nonce.to_bytes(4, "little")
        if sha256d(head)[31] < 0x7F:
            return head + raw[80:]
    raise AssertionError("every second nonce will do")


def test_submitted(pair: PoolPair) -> None:
    coins = pair.coins(5, amount_sat=2 * COIN)
    draft = Draft(pair)
    for note, raw in proposals(draft, coins, pair).items():
        if len(raw) < 81 or note in ("no bytes", "nothing", "one", "parent and child"):
            continue
        whole = mined(raw)
        proposed = {"mode": "proposal", "data": whole.hex()}
        if pair.same("getblocktemplate", proposed, note=note) is None:
            continue  # A good one would be the tip from here on.
        for times in range(2):
            pair.same("submitblock", whole.hex(), note=f"{note}, {times}")
    pair.same("submitblock", mined(draft.block()).hex() + "0001", note="bytes behind it")
    pair.settle()


def test_templates(pair: PoolPair) -> None:
    coins = iter(pair.coins(20))
    parent = spend([next(coins)], TxOut(1_000, ANYONE), TxOut(2_000, ANYONE), fee=500)
    pair.send(parent)
    pair.send(spend([output_of(parent, 2), output_of(parent, 0)], fee=3_000))
    one, two = spend([next(coins)], fee=700), spend([next(coins)], fee=900)
    pair.send(one)
    pair.send(two)
    pair.send(spend([output_of(two), output_of(one), next(coins)], fee=5_000))
    for fee in (1_000, 2_000, 3_000):
        pair.send(spend([next(coins)], fee=fee, vsize=200))
    core, axon = (
        rpc("getblocktemplate", {"rules": ["segwit"]}) for rpc in (pair.core.rpc, pair.axon.rpc)
    )
    for own in ("curtime", "longpollid"):
        del core[own], axon[own]
    assert axon == core
    requests: tuple[dict[str, object], ...] = (
        {},
        {"rules": []},
        {"rules": [1]},
        {"rules": ["segwit", 1]},
        {"rules": "segwit"},
        {"mode": "x"},
        {"mode": 1},
        {"mode": "proposal"},
        {"mode": "proposal", "data": 1},
        {"mode": "proposal", "data": ""},
        {"rules": ["segwit"], "longpollid": "x"},
        {"rules": ["segwit"], "longpollid": "00" * 31},
        {"longpollid": "00" * 32, "rules": []},
    )
    for request in requests:
        pair.same("getblocktemplate", request)
    pair.settle()


def test_blocks_that_are_here(pair: PoolPair) -> None:
    """Of which it counts whether they were on the chain once, are invalid, or neither."""

    def judged(raw: str) -> str:
        core, axon = (
            rpc("getblocktemplate", {"mode": "proposal", "data": raw, "rules": ["segwit"]})
            for rpc in (pair.core.rpc, pair.axon.rpc)
        )
        assert axon == core
        return str(core)

    def both(method: str, *params: object) -> None:
        for node in (pair.core, pair.axon):
            node.rpc(method, *params)

    aside = pair.core.rpc("generateblock", "raw(5151)", [], False)["hex"]
    pair.mine()
    name = pair.core.rpc("getbestblockhash")
    once = pair.core.rpc("getblock", name, 0)
    both("submitblock", aside)
    assert judged(once) == "duplicate"
    assert judged(aside) == "duplicate-inconclusive"
    both("invalidateblock", name)
    assert judged(once) == "duplicate-invalid"
    assert judged(aside) == "duplicate", "it is the tip now"
    pair.mine()
    both("reconsiderblock", name)
    assert judged(once) == "duplicate", "it is stale, and was the tip once"
