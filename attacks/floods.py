"""Floods: more messages than anybody needs, small or long, from one stranger or from thirty."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

from attacks.attack import Attack
from attacks.strangers import strangers
from axon.primitives.hashes import ZERO_HASH, BlockHash
from axon.primitives.header import Header
from axon.primitives.netaddress import NetAddress, TimedAddress
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.wire.messages import (
    Addr,
    AddrV2,
    GetAddr,
    GetBlocks,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvItem,
    InvType,
    Message,
    NotFound,
    Ping,
    Tx,
)
from axon.wire.messages.headers import MAX_LOCATOR
from axon.wire.v1 import V1Transport
from tests.process.blocks import headers_on

CROWD: Final = 30

_WITNESS_ITEMS: Final = 3_800_000

_GENESIS: Final = REGTEST.genesis
_RNG: Final = Random(7)


def _items(kind: InvType, count: int = 50_000) -> tuple[InvItem, ...]:
    return tuple(InvItem(kind, _RNG.randbytes(32)) for _ in range(count))


def _addresses(count: int) -> tuple[TimedAddress, ...]:
    now = int(time.time())
    hosts = [
        ".".join(str(byte) for byte in (_RNG.randrange(1, 120), *_RNG.randbytes(3)))
        for _ in range(count)
    ]
    return tuple(TimedAddress(now, 9, NetAddress.from_text(host, 8333)) for host in hosts)


def _orphan(inputs: int) -> Message:
    spent = [TxIn(OutPoint(_RNG.randbytes(32) + bytes(4))) for _ in range(inputs)]
    return Tx(Transaction.build(2, spent, [TxOut(1_000, b"\x00\x14" + bytes(20))]))


def _heavy() -> Message:
    """Nearly 4 MB, with a witness of millions of empty items."""
    body = bytes(36) + b"\x00" + bytes(4) + b"\x01" + bytes(8) + b"\x00"
    witness = b"\xfe" + _WITNESS_ITEMS.to_bytes(4, "little") + bytes(_WITNESS_ITEMS)
    return Tx(Transaction.decode(b"\x02" + bytes(3) + b"\x00\x01\x01" + body + witness + bytes(4)))


def _locator() -> tuple[BlockHash, ...]:
    return (*[BlockHash(_RNG.randbytes(32)) for _ in range(MAX_LOCATOR - 1)], _GENESIS.hash)


def _unknown_parent() -> Header:
    genesis = _GENESIS.header
    return Header.build(1, BlockHash(bytes(32)), _RNG.randbytes(32), genesis.time, genesis.bits, 0)


FLOODS: Final[dict[str, Callable[[], Sequence[Message]]]] = {
    "inv": lambda: [Inv(_items(InvType.WTX))],
    "inv-blocks": lambda: [Inv(_items(InvType.BLOCK))],
    "notfound": lambda: [NotFound(_items(InvType.WTX))],
    "getdata-unknown": lambda: [GetData(_items(InvType.WITNESS_BLOCK))],
    "addr": lambda: [Addr(_addresses(1_000))],
    "addrv2": lambda: [AddrV2(_addresses(1_000))],
    "getaddr": lambda: [GetAddr()],
    "getblocks": lambda: [GetBlocks((_GENESIS.hash,), BlockHash(ZERO_HASH))],
    "getheaders": lambda: [GetHeaders(_locator(), BlockHash(ZERO_HASH))],
    "headers-unconnected": lambda: [Headers((headers_on(_unknown_parent(), 1)[0],))],
    "headers-low-work": lambda: [Headers(tuple(headers_on(_GENESIS.header, 100)))],
    "orphans": lambda: [_orphan(1_000) for _ in range(30)],
    "orphans-small": lambda: [_orphan(1) for _ in range(2_000)],
    "heavy-transactions": lambda: [_heavy()],
    "ping": lambda: [Ping(7)],
}
"""Messages by name; each is sent again and again."""


def _flood(name: str, count: int, node: NodeProcess, seconds: float) -> None:
    messages = FLOODS[name]()
    with strangers(node.p2p, count) as crowd:
        crowd.flood(messages, seconds)


def _bytes_flood(data: bytes, count: int, node: NodeProcess, seconds: float) -> None:
    with strangers(node.p2p, count) as crowd:
        crowd.flood_bytes(data, seconds)


def _damaged() -> bytes:
    frame = bytearray(V1Transport(REGTEST.magic).encode("ping", bytes(8)))
    frame[20] ^= 1
    return bytes(frame) * 2_000


def _unknown() -> bytes:
    return V1Transport(REGTEST.magic).encode("zzz", b"") * 2_700


def _attack(name: str, run: Callable[[NodeProcess, float], None], count: int) -> Attack:
    # What waits of a peer: the limit of its inbox, and what is on its way into it.
    return Attack(name, run, memory_mb=30 + 7 * count)


ATTACKS: Final = (
    *[_attack(f"{name}-1", partial(_flood, name, 1), 1) for name in FLOODS],
    *[_attack(f"{name}-{CROWD}", partial(_flood, name, CROWD), CROWD) for name in FLOODS],
    _attack("damaged-messages", partial(_bytes_flood, _damaged(), CROWD), CROWD),
    _attack("unknown-messages", partial(_bytes_flood, _unknown(), CROWD), CROWD),
)
