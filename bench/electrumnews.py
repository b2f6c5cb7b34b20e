"""How soon Electrum wallets are told of a block that concerns all of them.

A node serves wallets that are subscribed to ten thousand scripts; then a block of three thousand
transactions pays every one of these. Meanwhile one more wallet asks the same server something
small, again and again.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from axon.machine import Endpoint
from axon.primitives.address import encode_address
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_port
from bench.pace import Pace
from bench.reaching import processor_s
from bench.table import Row

LIMIT_S: Final = 1.0
WAIT_LIMIT_S: Final = 0.1
"""So long may another caller wait at most."""

SCRIPTS: Final = 10_000
TRANSACTIONS: Final = 3_000
WALLETS: Final = 10

_ANYBODY: Final = b"\x51"
_GUARD: Final = b"\x00\x20" + sha256(_ANYBODY).digest()
_PATIENCE_S: Final = 120.0


def measure(scripts: int = SCRIPTS, transactions: int = TRANSACTIONS) -> Row:
    """The row."""
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        endpoint = Endpoint("127.0.0.1", free_port())
        options = ("-connect=0", f"-electrum={endpoint}")
        with NodeProcess("axon", Path(name), options=options).start() as node:
            block, paid = _block(node, scripts, transactions)
            with Pace() as pace:
                told = asyncio.run(_told(node, endpoint, block, paid))
    seconds, accepted_s, longest_s, used_s = told
    return Row(
        f"electrum: a block of {transactions:,} transactions, until wallets with {scripts:,} "
        "subscribed scripts are told of each",
        f"{seconds:.2f} s; another caller waits {longest_s * 1e3:.0f} ms at most",
        f"{pace.limit(LIMIT_S, 's')}, {pace.limit(WAIT_LIMIT_S * 1e3, 'ms')}",
        seconds <= LIMIT_S * pace.slowness and longest_s <= WAIT_LIMIT_S * pace.slowness,
        [
            f"From the answer to submitblock, which took {accepted_s:.2f} s, to the last of the "
            f"statuses, {WALLETS} wallets over loopback; the block touches every script. From the "
            f"call of submitblock on the node used {used_s:.2f} s of processors. The other caller "
            "sends a ping of the protocol every 5 ms.",
        ],
    )


def _block(node: NodeProcess, scripts: int, transactions: int) -> tuple[str, list[bytes]]:
    """A block that pays new scripts, in hex and not submitted, and these scripts."""
    address = encode_address(_GUARD, REGTEST)
    node.rpc("generatetoaddress", 101, address)
    raw = node.rpc("getblock", node.rpc("getblockhash", 1), 0)
    first = Block.decode(bytes.fromhex(raw)).transactions[0]
    each_sat = first.outputs[0].amount_sat // transactions - 1
    split = _spend(outpoint(first.txid, 0), [TxOut(each_sat, _GUARD)] * transactions)
    node.rpc("generateblock", address, [split.raw.hex()])
    paid = [
        b"\x00\x14" + sha256(number.to_bytes(4, "big")).digest()[:20] for number in range(scripts)
    ]
    payments = [
        _spend(
            outpoint(split.txid, number),
            [TxOut(each_sat // 10, script) for script in paid[number::transactions]],
        )
        for number in range(transactions)
    ]
    raws = [payment.raw.hex() for payment in payments]
    made = node.rpc("generateblock", address, raws, False)
    return made["hex"], paid


def _spend(point: OutPoint, outputs: Sequence[TxOut]) -> Transaction:
    return Transaction.build(2, [TxIn(point, witness=(_ANYBODY,))], outputs)


async def _told(
    node: NodeProcess, endpoint: Endpoint, block: str, paid: Sequence[bytes]
) -> tuple[float, float, float, float]:
    """Seconds until all are told, until the block is accepted, a caller's longest wait; and of
    processors, which the node used meanwhile."""
    assert node.pid is not None
    ready = asyncio.Event()
    done = asyncio.Event()
    async with asyncio.timeout(_PATIENCE_S), asyncio.TaskGroup() as tasks:
        shares = [paid[number::WALLETS] for number in range(WALLETS)]
        waiting = [asyncio.Event() for _ in shares]
        wallets = [
            tasks.create_task(_wallet(endpoint, share, event))
            for share, event in zip(shares, waiting, strict=True)
        ]
        for event in waiting:
            await event.wait()
        other = tasks.create_task(_other(endpoint, ready, done))
        await ready.wait()
        used_before, began = processor_s(node.pid) or 0.0, time.perf_counter()
        refused: Any = await asyncio.to_thread(node.rpc, "submitblock", block)
        assert refused is None, refused
        accepted = time.perf_counter()
        ends = await asyncio.gather(*wallets)
        used = (processor_s(node.pid) or 0.0) - used_before
        done.set()
        longest = await other
    return max(ends) - accepted, accepted - began, longest, used


async def _wallet(endpoint: Endpoint, scripts: Sequence[bytes], ready: asyncio.Event) -> float:
    """When the last status of these scripts was told."""
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, limit=1 << 24)
    for number, script in enumerate(scripts):
        params = [to_hex(sha256(script).digest())]
        asked = {"id": number, "method": "blockchain.scripthash.subscribe", "params": params}
        writer.write(json.dumps(asked).encode() + b"\n")
    for _ in scripts:
        assert json.loads(await reader.readline())["result"] is None
    ready.set()
    left = {to_hex(sha256(script).digest()) for script in scripts}
    while left:
        told = json.loads(await reader.readline())
        left.discard(told["params"][0])
    ended = time.perf_counter()
    writer.close()
    return ended


async def _other(endpoint: Endpoint, ready: asyncio.Event, done: asyncio.Event) -> float:
    """The longest wait of a caller who asks something small."""
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    longest = 0.0
    while not done.is_set():
        began = time.perf_counter()
        writer.write(b'{"id": 1, "method": "server.ping"}\n')
        await reader.readline()
        longest = max(longest, time.perf_counter() - began)
        ready.set()
        await asyncio.sleep(0.005)
    writer.close()
    return longest
