"""From the draft of a payment to its receipt: two wallets on one machine, each its own process.

payinvoice: sign, prove, dial, hello, auth, packet -> Bob's verdict -> [payjoin] -> receipt
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer
from bench.reaching import resident_mb
from bench.table import Row
from tests.process.walletprocess import PASSPHRASE, WalletProcess

LIMIT_PLAIN_S: Final = 0.5
LIMIT_JOINED_S: Final = 2.0
LIMIT_MB: Final = 100

_NOBODY: Final = Signer("Carol")
_PATIENCE_S: Final = 60.0
_ROUNDS: Final = 5
_COINS: Final = 2 * _ROUNDS


def measure(rounds: int = _ROUNDS) -> Row:
    """The row."""
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name, _people(Path(name)) as people:
        _, _, bob = people
        plain = median([_pay(*people, joins=False) for _ in range(rounds)])
        joined = median([_pay(*people, joins=True) for _ in range(rounds)])
        assert bob.pid is not None
        memory_mb = resident_mb(bob.pid)
    holds = plain <= LIMIT_PLAIN_S and joined <= LIMIT_JOINED_S and memory_mb <= LIMIT_MB
    return Row(
        "a payment from wallet to wallet: from the draft to the receipt, without and with payjoin; "
        "memory of the wallet that listens",
        f"{plain:.2f} s, {joined:.2f} s; {memory_mb:.0f} MB",
        f"<= {LIMIT_PLAIN_S} s, {LIMIT_JOINED_S:.0f} s; <= {LIMIT_MB} MB",
        holds,
        [
            "Signed by the payer, whose passphrase scrypt opens each time, proved by a packet of "
            "one parent, checked by libbitcoinkernel, its coins looked up by filters "
            f"from a node. Median of {rounds} each, over loopback.",
        ],
    )


def _pay(node: NodeProcess, alice: WalletProcess, bob: WalletProcess, *, joins: bool) -> float:
    """One payment, and a block with it; seconds until the receipt."""
    invoice = bob.call("createinvoice", "0.1", "Bob", "tea")
    draft = alice.call("draftpayment", {invoice["address"]: "0.1"}, {"fee_rate": 2})
    begun = time.perf_counter()
    told = alice.call(
        "payinvoice", invoice["uri"], draft["psbt"], PASSPHRASE, joins, {"wait": 60_000}
    )
    seconds = time.perf_counter() - begun
    assert (told["stage"], told["joined"]) == ("accepted", joins), told
    wait_until(lambda: told["txid"] in node.rpc("getrawmempool"), _PATIENCE_S, "a node has it")
    node.rpc("generatetoaddress", 1, _NOBODY.address())

    def is_settled() -> bool:
        stages = [each.call("listdeals", invoice["id"])[0]["stage"] for each in (alice, bob)]
        return stages == ["settled", "settled"]

    wait_until(is_settled, _PATIENCE_S, "both know that it is settled")
    return seconds


@contextmanager
def _people(folder: Path) -> Iterator[tuple[NodeProcess, WalletProcess, WalletProcess]]:
    """Alice and Bob, with coins enough, in sync with one node."""
    node = NodeProcess("n1", folder / "n1", options=("-connect=0",), trusted_door=True)
    alice, bob = (WalletProcess(folder / name, name, [node.door]) for name in ("alice", "bob"))
    with node, alice, bob:
        node.start()
        for wallet in (alice, bob):
            wallet.json("create", "--no-confirm", wallet.signing())
            node.rpc("generatetoaddress", _COINS, wallet.json("receive")["address"])
        node.rpc("generatetoaddress", 100, _NOBODY.address())
        for wallet in (alice, bob):
            wallet.serve().sync()
        bob.call("openpayments", PASSPHRASE)
        yield node, alice, bob
