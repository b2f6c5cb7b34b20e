"""Alice pays Bob, and he joins in: two wallets of real keys, each on a chain of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from axon.chain.store import MemoryStore, Store
from axon.payments.payjoin import Declined, Offer, Proposal, Trouble
from axon.payments.payjoinreceiver import JoinPolicy, answer
from axon.payments.payjoinsender import make_offer
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut
from axon.primitives.verdict import Accepted
from axon.wallet.keys import AccountKind, new_words
from axon.wallet.payment import Payee, draft
from axon.wallet.psbt import Psbt
from axon.wallet.psbtmaps import UNSIGNED_TX, Entries, PsbtMaps
from axon.wallet.signing import sign
from tests.scriptcheck import check_scripts
from tests.wallet.scene import PASSPHRASE, Scene, new_wallet, source

ALICE_WORDS = new_words(bytes([1] * 16))
BOB_WORDS = new_words(bytes([2] * 16))
AMOUNT_SAT = COIN // 5
FEERATE_SAT_KVB = 2_000


scripts_hold = check_scripts
"""By libbitcoinkernel, as a wallet that runs has it."""


def check_original(transaction: Transaction, spent: Sequence[TxOut]) -> str:
    """What a receiver asks of an original, as far as these tests have it."""
    return "" if scripts_hold(transaction, spent) == Accepted() else "a signature is wrong"


def new_scene(words: str, kind: AccountKind, store: Store | None = None) -> Scene:
    """A wallet and its chain."""
    return Scene(new_wallet(store, source(kind, words)))


@dataclass
class Join:
    """A payment of Alice's to Bob.

    Args:
        kind: of her coins.
        bobs_kind: of his; None for the same.
        alices_sat, bobs_sat: what their coins hold.
    """

    kind: AccountKind = AccountKind.BIP84
    bobs_kind: AccountKind | None = None
    alices_sat: Sequence[int] = (COIN,)
    bobs_sat: Sequence[int] = (COIN // 2,)
    alice: Scene = field(init=False)
    bob: Scene = field(init=False)
    script: bytes = field(init=False)
    store: MemoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.alice = new_scene(ALICE_WORDS, self.kind)
        self.store = MemoryStore()
        self.bob = new_scene(BOB_WORDS, self.bobs_kind or self.kind, self.store)
        for number, amount in enumerate(self.alices_sat):
            self.alice.receive(amount, f"alice {number}")
        for number, amount in enumerate(self.bobs_sat):
            self.bob.receive(amount, f"bob {number}")
        self.script = self.bob.script()

    def pay(
        self, amount_sat: int = AMOUNT_SAT, feerate_sat_kvb: int = FEERATE_SAT_KVB
    ) -> Transaction:
        """The original, signed."""
        made = draft(
            self.alice.wallet, [Payee(self.script, amount_sat)], feerate_sat_kvb=feerate_sat_kvb
        )
        signed = sign(self.alice.wallet, made, PASSPHRASE)
        assert isinstance(signed, Transaction)
        return signed

    def offer(self, original: Transaction | None = None, *, fixed: bool = False) -> Offer:
        """What Alice hands over."""
        signed = self.pay() if original is None else original
        offer = make_offer(self.alice.wallet, signed, self.script, fixed_output=fixed)
        assert isinstance(offer, Offer), offer
        return offer

    def ask(
        self,
        offer: Offer,
        *,
        script: bytes | None = None,
        amount_sat: int | None = None,
        policy: JoinPolicy | None = None,
        check: Callable[[Transaction, Sequence[TxOut]], str] = check_original,
        seed: int = 1,
        now_s: int | None = None,
    ) -> Proposal | Declined:
        """What Bob says."""
        return answer(
            self.bob.wallet,
            offer,
            self.script if script is None else script,
            amount_sat,
            policy or JoinPolicy(),
            check_original=check,
            choose=Random(seed),
            passphrase=PASSPHRASE,
            now_s=self.bob.now_s if now_s is None else now_s,
        )

    def join(self, offer: Offer, *, policy: JoinPolicy | None = None, seed: int = 1) -> Proposal:
        """What Bob says, if he joins in."""
        said = self.ask(offer, policy=policy, seed=seed)
        assert isinstance(said, Proposal), said
        return said


@dataclass
class Editable:
    """The parts of a PSBT, to be put together otherwise."""

    version: int
    inputs: list[TxIn]
    outputs: list[TxOut]
    locktime: int
    general: Entries
    input_maps: list[Entries]
    output_maps: list[Entries]

    @classmethod
    def of(cls, raw: bytes) -> Editable:
        """Of a PSBT's bytes."""
        maps = PsbtMaps.decode(raw)
        unsigned = Transaction.decode(maps.general[UNSIGNED_TX])
        return cls(
            unsigned.version,
            list(unsigned.inputs),
            list(unsigned.outputs),
            unsigned.locktime,
            dict(maps.general),
            [dict(each) for each in maps.inputs],
            [dict(each) for each in maps.outputs],
        )

    def encode(self) -> bytes:
        """Its bytes."""
        unsigned = Transaction.build(self.version, self.inputs, self.outputs, self.locktime)
        general = self.general | {UNSIGNED_TX: unsigned.raw}
        return PsbtMaps(0, general, tuple(self.input_maps), tuple(self.output_maps)).encode()

    def place_of(self, psbt: Psbt) -> int:
        """The first input that another PSBT has, too."""
        return next(
            place
            for place, item in enumerate(self.inputs)
            if item.prevout in psbt.transaction.prevouts
        )

    def lower(self, place: int, by_sat: int) -> None:
        """Take something off an output."""
        output = self.outputs[place]
        self.outputs[place] = replace(output, amount_sat=output.amount_sat - by_sat)

    def drop_output(self, place: int) -> None:
        """Leave an output out."""
        del self.outputs[place], self.output_maps[place]

    def drop_input(self, place: int) -> None:
        """Leave an input out."""
        del self.inputs[place], self.input_maps[place]

    def repeat_input(self, place: int) -> None:
        """Add an input once more."""
        self.inputs.append(self.inputs[place])
        self.input_maps.append(self.input_maps[place])


def refused(said: Proposal | Declined, trouble: Trouble, reason: str) -> None:
    """It is refused so, and for this reason."""
    assert isinstance(said, Declined)
    assert said.trouble is trouble
    assert reason in said.reason
