"""The wallets that are attacked: Bob listens, Alice is an honest payer; and what they meet.

One node has their chain. Alice pays Bob again and again while strangers attack him, or while
whoever she pays attacks her.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

from axon.errors import AxonError
from axon.machine import Endpoint
from axon.primitives.network import REGTEST
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_port
from axon.swarm.signer import Signer
from axon.wallet.keys import new_words
from tests.process.conftest import loopback_host
from tests.process.walletprocess import PASSPHRASE, WalletProcess
from tests.rpc.lightwallet import account, make_wallet

COINS: Final = 20
"""Of Alice, Bob and Mallory each."""

MALLORY: Final = Signer("Mallory")
AMOUNT: Final = "0.01"

ENTROPY: Final = {"alice": bytes([1]) * 16, "bob": bytes([2]) * 16}

LONGEST_S: Final = 90.0
"""How long a payment may take: a payer settles it without the payee after a minute."""

_LOOK_S: Final = 0.1
_CAROL: Final = Signer("Carol")


@dataclass(frozen=True, slots=True)
class Scene:
    """A node, Alice, Bob, and where he listens; Mallory has the coins of blocks 1 to `COINS`."""

    node: NodeProcess
    alice: WalletProcess
    bob: WalletProcess
    endpoint: Endpoint
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask_bob(self, method: str, *args: object) -> Any:
        """Call a method of his wallet, from any thread."""
        with self._lock:
            return self.bob.call(method, *args)

    def invoice(
        self, lifetime_s: int = 3_600, endpoints: Sequence[Endpoint] = ()
    ) -> dict[str, Any]:
        """An invoice of Bob's, as he tells it."""
        reached = {"endpoints": [str(each) for each in endpoints]}
        made: dict[str, Any] = self.ask_bob(
            "createinvoice", AMOUNT, "Bob", "tea", lifetime_s, reached
        )
        return made

    def mine(self) -> None:
        """Find a block."""
        self.node.rpc("generatetoaddress", 1, _CAROL.address())

    def begin(self, uri: str, address: str) -> dict[str, Any]:
        """Alice pays; how far she is at once."""
        draft = self.alice.call("draftpayment", {address: AMOUNT}, {"fee_rate": 2})
        told: dict[str, Any] = self.alice.call("payinvoice", uri, draft["psbt"], PASSPHRASE, True)
        return told

    def await_end(self, invoice_id: str, limit_s: float = LONGEST_S) -> dict[str, Any]:
        """What has become of a payment of Alice's, once she has a receipt or a refusal."""
        until = time.monotonic() + limit_s
        while True:
            (deal,) = self.alice.call("listdeals", invoice_id)
            if deal["stage"] in ("accepted", "settled", "refused") or time.monotonic() > until:
                return dict(deal)
            time.sleep(_LOOK_S / 4)

    def secrets(self) -> list[str]:
        """What may stand in no log: what opens a wallet, and who is paid how."""
        found = [PASSPHRASE]
        for wallet in (self.alice, self.bob):
            found.append(new_words(ENTROPY[wallet.name]))
            for deal in wallet.call("listdeals"):
                found += [deal["uri"], deal["id"], deal["address"]]
        return found


@contextmanager
def scene() -> Iterator[Scene]:
    """Both wallets served and in sync; Bob is open for payments."""
    with TemporaryDirectory(prefix="axon-attack-") as name:
        folder, host = Path(name), loopback_host()
        node = NodeProcess("n1", folder / "n1", host, options=("-connect=0",), trusted_door=True)
        wallets = []
        for person, entropy in ENTROPY.items():
            make_wallet(folder / person / REGTEST.folder, person, account(entropy))
            wallets.append(WalletProcess(folder / person, person, [node.door], ("--debug",)))
        alice, bob = wallets
        endpoint = Endpoint(host, free_port(host))
        with node, alice, bob:
            node.start()
            node.rpc("generatetoaddress", COINS, MALLORY.address())
            for wallet in wallets:
                wallet.serve()
                node.rpc("generatetoaddress", COINS, wallet.call("getnewaddress"))
            node.rpc("generatetoaddress", 100, _CAROL.address())
            for wallet in wallets:
                wallet.sync()
            bob.call("openpayments", PASSPHRASE, str(endpoint))
            yield Scene(node, alice, bob, endpoint)


@dataclass
class Met:
    """What the honest met.

    Args:
        payments_s: from the signature to the receipt, each payment that Alice made.
        memory_mb: of Bob: at first, at most.
        faults: what went wrong for them.
    """

    payments_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=lambda: [0.0, 0.0])
    faults: list[str] = field(default_factory=list)


class Honest:
    """Alice pays Bob while a `with` block runs, and once more behind it; `met` afterwards.

    Args:
        scene: with both.
        pays: whether she does; else Bob is only looked at.
    """

    def __init__(self, scene: Scene, *, pays: bool) -> None:
        self._scene = scene
        self._pays = pays
        self._ended = threading.Event()
        self.met = Met()

    def __enter__(self) -> Self:
        self.met.memory_mb = [self._resident_mb()] * 2
        work = [self._look, *([self._pay] if self._pays else [])]
        self._threads = [threading.Thread(target=self._repeat, args=(each,)) for each in work]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, work: Any) -> None:
        while True:
            try:
                work()
            except (AxonError, OSError, AssertionError) as error:
                self.met.faults.append(f"{type(error).__name__}: {error}"[:200])
                return
            if self._ended.wait(_LOOK_S):
                return

    def _pay(self) -> None:
        made = self._scene.invoice()
        began = time.monotonic()
        self._scene.begin(made["uri"], made["address"])
        deal = self._scene.await_end(made["id"])
        self.met.payments_s.append(time.monotonic() - began)
        if deal["stage"] not in ("accepted", "settled"):
            self.met.faults.append(f"a payment is {deal['stage']} after {LONGEST_S:.0f} s")
        self._scene.mine()

    def _look(self) -> None:
        self.met.memory_mb[1] = max(self.met.memory_mb[1], self._resident_mb())

    def _resident_mb(self) -> float:
        status = Path(f"/proc/{self._scene.bob.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024
