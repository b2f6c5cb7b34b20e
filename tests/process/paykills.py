"""Two wallets that pay each other and are killed (kill -9) at any point of it, again and again.

    python -m tests.process.paykills --kills 1000 --seed 1

Alice and Bob are processes over one node; payjoin is on. Each round is one payment. Its payer, its
payee or both die: at a write or at a job, before or after it (`mortalwallet`), or when a clock says
so. While the victim is dead it is looked whether the first payment, which is good by itself, could
still be sent, from what the victim has on its disk. Then the victim is started again. After some
rounds all that is open is let settle, and the judge (`payjudge`) looks at everything.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any, Final

from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import AxonError
from axon.host.lightwallet import WALLET_FILE
from axon.machine import Endpoint
from axon.payments.book import DEAL
from axon.payments.deal import Deal, DealStage, Role
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction
from axon.rpc.amounts import format_amount
from axon.swarm.lab.forkserver import ForkServer
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import TooLate, free_port, wait_until
from axon.swarm.signer import Signer
from tests.process.conftest import loopback_host
from tests.process.mortalwallet import (
    AFTER,
    BEFORE,
    LATE_POINTS,
    PAYEE_POINTS,
    PAYER_POINTS,
    MortalWallet,
    fork_server,
)
from tests.process.payjudge import Attempt, Chain, Purse, Side, complaints
from tests.process.walletprocess import PASSPHRASE
from tests.rpc.lightwallet import account, make_wallet

COINS: Final = 24
"""Of each wallet at first."""

BATCH: Final = 50
"""Rounds until all is judged, and everything is made anew: wallets with few records start soon."""

BLOCK_EVERY: Final = 3

CLOCK_SHARE: Final = 0.3
LATE_SHARE: Final = 0.1
BOTH_SHARE: Final = 0.15
AGAIN_SHARE: Final = 0.5
"""Parts of the deaths that come by the clock or when a block has the payment; of the rounds in
which both die; of the payments that were never made, and are made once more."""

USUAL_S: Final = 0.5
"""From the draft to the receipt at least; how long it took last is the time in which the clock
kills."""

STRIKE_S: Final = 8.0
"""A victim that has not met its point by then is killed where it is."""

LOOK_S: Final = 0.05

SETTLE_S: Final = 120.0

_ENDED: Final = ("accepted", "settled", "refused", "expired")
_CAROL: Final = Signer("Carol")


@dataclass(frozen=True, slots=True)
class Death:
    """How one wallet dies.

    Args:
        victim: who.
        point: of `mortalwallet`; empty where the clock decides.
        moment: before or after it.
        delay_s: by the clock.
    """

    victim: Person
    point: str = ""
    moment: str = ""
    delay_s: float = 0.0

    @property
    def is_late(self) -> bool:
        """Whether it needs a block."""
        return any(self.point in points for points in LATE_POINTS.values())


@dataclass
class Tally:
    """What happened.

    Args:
        points: deaths by where they came; `clock` for those by the clock, `rest` for those who met
            no point.
        ends: payments by how they ended.
        fallbacks: how often a payment on a dead wallet's disk could be sent, or had been.
        faults: what must not be; empty if all is well.
    """

    rounds: int = 0
    kills: int = 0
    seconds: float = 0.0
    points: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    fallbacks: int = 0
    faults: list[str] = field(default_factory=list)

    def text(self) -> str:
        """A few lines for a person."""
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        points = ", ".join(f"{name} {count}" for name, count in sorted(self.points.items()))
        return "\n".join(
            [
                f"{self.kills} kills in {self.rounds} payments: {ends}; {self.fallbacks} payments "
                f"looked at on the disk of the dead; {self.seconds:.0f} s",
                f"where: {points}",
                *[f"FAULT: {fault}" for fault in self.faults],
            ]
        )


class Person:
    """Somebody with a wallet, which listens always in the same place.

    Args:
        wallet: its process.
    """

    def __init__(self, wallet: MortalWallet) -> None:
        self.wallet = wallet
        self.name = wallet.name
        host = loopback_host()
        self.endpoint = Endpoint(host, free_port(host))

    def start(self) -> None:
        """Be there, and ready to be paid."""
        self.wallet.disarm()
        self.wallet.serve()
        self.wallet.call("openpayments", PASSPHRASE, str(self.endpoint))

    def deal(self, invoice_id: str, role: str) -> dict[str, Any] | None:
        """What it says of a payment; None if it knows nothing, or says nothing."""
        with suppress(AxonError, AssertionError):
            for found in self.wallet.call("listdeals", invoice_id):
                if found["role"] == role:
                    return dict(found)
        return None

    def kept(self, role: Role, invoice_id: bytes) -> Deal | None:
        """What a dead wallet has of a payment on its disk."""
        with SqliteStore(self.wallet.wallet_folder / WALLET_FILE) as store:
            found = store.get(DEAL + bytes((role,)) + invoice_id)
        return None if found is None else Deal.decode(found, REGTEST)

    def holds_sat(self) -> int:
        """All that is in blocks."""
        mine = self.wallet.call("getbalances")["mine"]
        held_sat: int = round((mine["trusted"] + mine["immature"]) * COIN)
        return held_sat


class Rounds:
    """Payments over one node, until they are judged.

    Args:
        node: that mines.
        people: two.
        tally: is added to.
        seed: of all chance.
    """

    def __init__(
        self, node: NodeProcess, people: Sequence[Person], tally: Tally, seed: int
    ) -> None:
        self._node = node
        self._people = people
        self._tally = tally
        self._seed = seed
        self._first = {each.name: each.holds_sat() for each in people}
        self._begun: list[tuple[int, Person, Person, dict[str, Any], int]] = []
        self._mined: list[Transaction] = []
        self._height = 0
        self._usual_s = USUAL_S

    def run(self, number: int) -> None:
        """One payment, with its deaths."""
        rng = Random(f"{self._seed} {number}")
        payer, payee = rng.sample(self._people, 2)
        amount_sat = rng.randrange(COIN // 100, 10 * COIN)
        amount = format_amount(amount_sat).removesuffix(" BTC")
        invoice = payee.wallet.call("createinvoice", amount, payee.name, f"round {number}")
        self._begun.append((number, payer, payee, invoice, amount_sat))
        deaths = _draw(rng, payer, payee, self._usual_s)
        self._pay(payer, payee, invoice, amount, deaths)
        for death in deaths:
            self._bury(death, payer, invoice)
        for death in deaths:
            death.victim.start()
        self._end(payer, payee, invoice, amount, rng.random() < AGAIN_SHARE)
        self._tally.rounds += 1
        if number % BLOCK_EVERY == 0:
            self._mine()

    def _pay(
        self,
        payer: Person,
        payee: Person,
        invoice: dict[str, Any],
        amount: str,
        deaths: Sequence[Death],
    ) -> None:
        """Begin to pay, and wait until all who are to die are dead."""
        draft = payer.wallet.call("draftpayment", {invoice["address"]: amount}, {"fee_rate": 2})
        clocks = []
        for death in deaths:
            if death.point:
                death.victim.wallet.arm(death.point, death.moment)
            else:
                clocks.append(Timer(death.delay_s, death.victim.wallet.strike))
        for clock in clocks:
            clock.start()
        with suppress(AxonError):  # It died over it, which is looked at below.
            payer.wallet.call("payinvoice", invoice["uri"], draft["psbt"], PASSPHRASE, True)
        is_mined, began = False, time.monotonic()
        while any(death.victim.wallet.is_alive for death in deaths):
            stages = (_stage(payer, invoice, "payer"), _stage(payee, invoice, "payee"))
            if all(stage in _ENDED for stage in stages) and not is_mined:
                self._usual_s = max(USUAL_S, time.monotonic() - began)
                if not any(death.is_late for death in deaths):
                    break  # All is said; who still lives dies at rest.
                self._mine()
                is_mined = True
            if time.monotonic() > began + STRIKE_S:
                break
            time.sleep(LOOK_S)
        for clock in clocks:
            clock.join()

    def _bury(self, death: Death, payer: Person, invoice: dict[str, Any]) -> None:
        """See to it that a victim is dead, and look what it has left."""
        tally, victim = self._tally, death.victim
        died = not victim.wallet.is_alive
        tally.kills += 1
        name = f"{death.point} {death.moment}" if death.point else "clock"
        tally.points[name if died else "rest"] += 1
        victim.wallet.kill()
        role = Role.PAYER if victim is payer else Role.PAYEE
        deal = victim.kept(role, bytes.fromhex(invoice["id"]))
        if deal is None or deal.packet is None or deal.stage is DealStage.REFUSED:
            return
        tally.fallbacks += 1
        reason = self._objection(deal)
        if reason:
            tally.faults.append(f"round {tally.rounds}: {victim.name} cannot fall back: {reason}")

    def _objection(self, deal: Deal) -> str:
        """Why the payment that is good by itself can be sent no more; empty if it can, or if it or
        the joined one has been."""
        assert deal.packet is not None, "it was looked for"
        txids = {to_hex(txid) for txid in deal.txids}
        rivals = self._in_pool(deal)
        if rivals:
            return "" if rivals <= txids else f"a node has {sorted(rivals)} in its place"
        (told,) = self._node.rpc("testmempoolaccept", [deal.packet.transaction.raw.hex()])
        if told["allowed"] or self._is_mined(deal):
            return ""
        return str(told["reject-reason"])

    def _in_pool(self, deal: Deal) -> set[str]:
        """What the node has in its pool that pays the invoice."""
        found = set()
        for txid in self._node.rpc("getrawmempool"):
            raw = self._node.rpc("getrawtransaction", txid, True)
            if any(
                output["scriptPubKey"]["hex"] == deal.invoice.script_pubkey.hex()
                for output in raw["vout"]
            ):
                found.add(str(txid))
        return found

    def _is_mined(self, deal: Deal) -> bool:
        return bool(self._chain().paying(deal.invoice.script_pubkey))

    def _end(
        self, payer: Person, payee: Person, invoice: dict[str, Any], amount: str, again: bool
    ) -> None:
        """Let the payment go on until it is accepted, or was never made."""
        for person in (payer, payee):
            person.wallet.sync()
        if payer.deal(invoice["id"], "payer") is None and again:
            draft = payer.wallet.call("draftpayment", {invoice["address"]: amount}, {"fee_rate": 2})
            payer.wallet.call("payinvoice", invoice["uri"], draft["psbt"], PASSPHRASE, True)
            self._tally.ends["made once more"] += 1

        def has_ended() -> bool:
            stage = _stage(payer, invoice, "payer")
            return stage in ("", *_ENDED)

        try:
            wait_until(has_ended, SETTLE_S, "the payment ends", poll_s=LOOK_S)
        except TooLate:
            stages = (_stage(payer, invoice, "payer"), _stage(payee, invoice, "payee"))
            self._tally.faults.append(f"round {self._tally.rounds}: it hangs: {stages}")

    def _mine(self) -> None:
        self._node.rpc("generatetoaddress", 1, _CAROL.address())

    def _chain(self) -> Chain:
        node = self._node
        while self._height < node.height():
            self._height += 1
            raw = bytes.fromhex(node.rpc("getblock", node.rpc("getblockhash", self._height), 0))
            self._mined += Block.decode(raw).transactions
        return Chain(self._mined)

    # The end.

    def judge(self) -> None:
        """Let all that is open settle, and say what must not be."""
        with suppress(TooLate):  # The judge says of each what is wrong.
            wait_until(self._is_settled, SETTLE_S, "all is settled", poll_s=0.2)
        attempts = [
            Attempt(
                number,
                payer.name,
                payee.name,
                decode_address(invoice["address"], REGTEST),
                amount_sat,
                _side(payer, invoice, "payer"),
                _side(payee, invoice, "payee"),
            )
            for number, payer, payee, invoice, amount_sat in self._begun
        ]
        chain = self._chain()
        for attempt in attempts:
            self._tally.ends["settled" if chain.paying(attempt.script) else "undone"] += 1
        purses = [
            Purse(each.name, self._first[each.name], each.holds_sat(), self._spendable_sat(each))
            for each in self._people
        ]
        self._tally.faults += complaints(attempts, purses, chain)

    def _is_settled(self) -> bool:
        if self._node.rpc("getrawmempool"):
            self._mine()
            return False
        for person in self._people:
            person.wallet.sync()
            for deal in person.wallet.call("listdeals"):
                begun = deal["txid"] is not None and deal["stage"] not in ("refused", "expired")
                if begun and not (deal["stage"] == "settled" and deal["receipt"]):
                    return False
        return True

    @staticmethod
    def _spendable_sat(person: Person) -> int:
        everything = {_CAROL.address(): "all"}
        draft = person.wallet.call("draftpayment", everything, {"fee_rate": 1})
        spent_sat: int = round((draft["amount"] + draft["fee"]) * COIN)
        return spent_sat


def _last_words(person: Person) -> str:
    lives = "lives" if person.wallet.is_alive else "has died by itself"
    return f"{person.name} {lives}; it has said: {person.wallet.said()}"


def _draw(rng: Random, payer: Person, payee: Person, usual_s: float) -> list[Death]:
    """Who dies in a round, and how; by the clock within the time that a payment takes."""
    chosen = [(payer, "payer"), (payee, "payee")]
    if rng.random() >= BOTH_SHARE:
        chosen = [rng.choice(chosen)]
    deaths = []
    for victim, role in chosen:
        draw = rng.random()
        if draw < CLOCK_SHARE:
            deaths.append(Death(victim, delay_s=rng.random() * usual_s))
            continue
        early = PAYER_POINTS if role == "payer" else PAYEE_POINTS
        points = LATE_POINTS[role] if draw < CLOCK_SHARE + LATE_SHARE else early
        deaths.append(Death(victim, rng.choice(points), rng.choice((BEFORE, AFTER))))
    return deaths


def _stage(person: Person, invoice: dict[str, Any], role: str) -> str:
    deal = person.deal(invoice["id"], role)
    return "" if deal is None else str(deal["stage"])


def _side(person: Person, invoice: dict[str, Any], role: str) -> Side:
    deal = person.deal(invoice["id"], role)
    if deal is None:
        return Side()
    receipt = person.wallet.call("getreceipt", invoice["id"]) if deal["receipt"] else ""
    return Side(deal["stage"], deal["txid"] or "", receipt)


@contextmanager
def _scene(folder: Path, forks: ForkServer) -> Iterator[tuple[NodeProcess, list[Person]]]:
    """One node, and two wallets with ripe coins that listen for each other."""
    node = NodeProcess(
        "n1", folder / "n1", loopback_host(), options=("-connect=0",), trusted_door=True
    )
    people = []
    with node:
        node.start()
        try:
            for number, name in enumerate(("alice", "bob"), start=1):
                source = account(bytes([number]) * 16)
                make_wallet(folder / name / REGTEST.folder, name, source)
                person = Person(MortalWallet(forks, folder / name, name, [node.door]))
                people.append(person)
                person.start()
                node.rpc("generatetoaddress", COINS, person.wallet.call("getnewaddress"))
            node.rpc("generatetoaddress", 100, _CAROL.address())
            for person in people:
                person.wallet.sync()
            yield node, people
        finally:
            for person in people:
                person.wallet.kill()


def run(
    folder: Path, kills: int, seed: int, say: Callable[[str], None], batch: int = BATCH
) -> Tally:
    """So many kills at least, in batches; each is judged."""
    tally, began = Tally(), time.monotonic()
    with fork_server() as forks:
        while tally.kills < kills:
            with _scene(folder / f"batch{tally.rounds}", forks) as (node, people):
                rounds = Rounds(node, people, tally, seed)
                first = tally.rounds
                try:
                    while tally.kills < kills and tally.rounds < first + batch:
                        rounds.run(tally.rounds)
                    rounds.judge()
                except AxonError as error:
                    tally.faults += [f"round {tally.rounds}: {error}", *map(_last_words, people)]
                    return tally
            tally.seconds = time.monotonic() - began
            say(tally.text())
    return tally


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description="Payments whose wallets are killed.")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="axon-paykills-") as folder:
        tally = run(Path(folder), given.kills, given.seed, lambda text: print(text, flush=True))
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
