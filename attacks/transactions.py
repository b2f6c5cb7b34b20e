"""Transactions that nobody wants: invalid, without a fee, against one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from attacks.attack import Attack
from attacks.strangers import strangers
from attacks.victim import ADDRESS, next_block, submit
from axon.primitives.hashes import sha256
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.wire.messages import Tx

COIN_SAT: Final = 100_000_000
CROWD: Final = 30
VARIANTS: Final = 5_000
"""Different transactions that are sent again and again: more than reject filters need to see."""

_TRUE: Final = b"\x51"
_FALSE: Final = b"\x00"


def _spend(coin: OutPoint, script: bytes, left_sat: int, number: int) -> Transaction:
    payment = TxOut(left_sat, b"\x00\x14" + number.to_bytes(20, "big"))
    return Transaction.build(2, [TxIn(coin, witness=(script,))], [payment])


def _invalid(coin: OutPoint, number: int) -> Transaction:
    """Its script ends with false: known only when it is run."""
    return _spend(coin, _FALSE, COIN_SAT - 10_000, number)


def _free(coin: OutPoint, number: int) -> Transaction:
    return _spend(coin, _TRUE, COIN_SAT, number)


def _against(coin: OutPoint, number: int) -> Transaction:
    """It pays no more than the one that is there, and so replaces nothing."""
    return _spend(coin, _TRUE, COIN_SAT - 10_000, number)


def _flood(
    variant: Callable[[OutPoint, int], Transaction],
    script: bytes,
    node: NodeProcess,
    seconds: float,
) -> None:
    coin = _coin(node, script)
    if variant is _against:
        node.rpc("sendrawtransaction", _against(coin, 0).raw.hex())
    before: Sequence[str] = node.rpc("getrawmempool")
    messages = [Tx(variant(coin, number)) for number in range(1, VARIANTS + 1)]
    with strangers(node.p2p, CROWD) as crowd:
        crowd.flood(messages, seconds)
    assert node.rpc("getrawmempool") == before, "what nobody wants is in the pool"


def _coin(node: NodeProcess, script: bytes) -> OutPoint:
    """One that this script, shown, spends."""
    mined = submit(node, next_block(node, [TxOut(COIN_SAT, b"\x00\x20" + sha256(script))]))
    node.rpc("generatetoaddress", 100, ADDRESS)
    return OutPoint(mined.transactions[0].txid + bytes(4))


def _attack(
    name: str, variant: Callable[[OutPoint, int], Transaction], script: bytes = _TRUE
) -> Attack:
    return Attack(name, partial(_flood, variant, script), memory_mb=30 + 7 * CROWD)


ATTACKS: Final = (
    _attack("transactions-invalid", _invalid, _FALSE),
    _attack("transactions-free", _free),
    _attack("transactions-against", _against),
)
