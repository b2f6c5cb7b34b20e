"""Inputs of several owners: each signs where the PSBT names a key of its words, and only there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import bdkpython as bdk
import pytest

from axon.consensus.scripts import verify_scripts
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut
from axon.primitives.verdict import Accepted
from axon.wallet import cosigning
from axon.wallet.cosigning import fingerprints, named_inputs
from axon.wallet.draft import describe
from axon.wallet.errors import BadPsbt
from axon.wallet.keys import AccountKind, Mnemonic, new_words, root_key, watch
from axon.wallet.payment import Payee, draft
from axon.wallet.psbt import Psbt, combine, finalize, read_psbt
from axon.wallet.psbtmaps import DERIVATION, NON_WITNESS_UTXO, WITNESS_SCRIPT, PsbtMaps
from axon.wallet.signing import sign
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, PASSPHRASE, Scene, new_wallet, source

ALICE, CAROL, DAVE = (new_words(bytes([number]) * 16) for number in (1, 2, 3))


def owner(words: str, kind: AccountKind = AccountKind.BIP84) -> Wallet:
    return new_wallet(made_of=source(kind, words))


def account_key(words: str) -> str:
    """The key of account 0 with its origin."""
    text = source(words=words).descriptors.receive
    return text[text.index("[") : text.index("/0/*")]


def multisig_key(words: str) -> str:
    """A key at the path of BIP 48, which no account of axon has."""
    return key_at(words, "48h/1h/0h/2h")


def key_at(words: str, path: str) -> str:
    derived = root_key(Mnemonic(words), REGTEST).derive(bdk.DerivationPath(f"m/{path}"))
    return str(derived.as_public()).removesuffix("/*")


def shared(text: str) -> tuple[Scene, Psbt]:
    """A wallet that watches what several own, and a payment from it."""
    scene = Scene(new_wallet(made_of=watch(REGTEST, text)))
    scene.receive(COIN)
    made = draft(scene.wallet, [Payee(BOB.address(), COIN // 2)], feerate_sat_kvb=5_000)
    return scene, made.psbt


def signed_by(words: str, psbt: Psbt) -> Psbt | Transaction:
    return sign(owner(words), psbt, PASSPHRASE)


def check(scene: Scene, payment: Transaction) -> None:
    spent = [scene.wallet.ledger.output(prevout) for prevout in payment.prevouts]
    assert verify_scripts(payment, [output for output in spent if output]) == Accepted()


@pytest.mark.parametrize("key", [account_key, multisig_key])
@pytest.mark.parametrize("form", ["wsh({})", "sh(wsh({}))", "sh({})"])
def test_two_of_three_sign_one_after_the_other(form: str, key: Callable[[str], str]) -> None:
    keys = ",".join(f"{key(words)}/<0;1>/*" for words in (ALICE, CAROL, DAVE))
    scene, psbt = shared(form.format(f"sortedmulti(2,{keys})"))
    first = signed_by(ALICE, psbt)
    assert isinstance(first, Psbt)
    with pytest.raises(BadPsbt, match="not signed by all"):
        finalize(first)
    both = signed_by(DAVE, first)
    assert isinstance(both, Transaction)
    check(scene, both)
    # The same from two copies.
    other = signed_by(CAROL, psbt)
    assert isinstance(other, Psbt)
    check(scene, finalize(combine([first, other])))


def taproot_leaf() -> tuple[Scene, Psbt]:
    internal = account_key(CAROL)
    return shared(f"tr({internal}/<0;1>/*,pk({multisig_key(ALICE)}/<0;1>/*))")


def test_a_taproot_leaf_of_ours_is_signed() -> None:
    scene, psbt = taproot_leaf()
    done = signed_by(ALICE, psbt)
    assert isinstance(done, Transaction)
    check(scene, done)
    done = signed_by(CAROL, psbt)
    assert isinstance(done, Transaction)
    check(scene, done)


def test_another_account_of_the_same_words_is_signed() -> None:
    account = key_at(ALICE, "84h/1h/7h")
    scene, psbt = shared(f"wpkh({account}/<0;1>/*)")
    done = signed_by(ALICE, psbt)
    assert isinstance(done, Transaction)
    check(scene, done)


def test_what_can_be_signed_is_said_before() -> None:
    keys = ",".join(f"{account_key(words)}/<0;1>/*" for words in (ALICE, CAROL))
    _, psbt = shared(f"wsh(sortedmulti(2,{keys}))")
    told = describe(owner(ALICE).ledger, psbt)
    assert [(item.ours, item.named) for item in told.inputs] == [(False, True)]
    stranger = describe(owner(DAVE).ledger, psbt)
    assert [(item.ours, item.named) for item in stranger.inputs] == [(False, False)]
    with pytest.raises(BadPsbt, match="nothing to sign"):
        signed_by(DAVE, psbt)
    done = signed_by(CAROL, combine([psbt]))
    assert isinstance(done, Psbt)
    final = signed_by(ALICE, done)
    assert isinstance(final, Transaction)
    assert final.vsize <= told.vsize <= final.vsize + 3


def two_of_two() -> tuple[Scene, Psbt]:
    keys = ",".join(f"{account_key(words)}/<0;1>/*" for words in (ALICE, CAROL))
    return shared(f"wsh(sortedmulti(2,{keys}))")


def with_entries(psbt: Psbt, change: dict[bytes, bytes | None]) -> Psbt:
    maps = PsbtMaps.decode(psbt.raw)
    entries = dict(maps.inputs[0])
    for key, value in change.items():
        if value is None:
            del entries[key]
        else:
            entries[key] = value
    return read_psbt(replace(maps, inputs=(entries,)).encode())


def test_an_amount_that_nobody_proves_is_not_signed_for() -> None:
    _, psbt = two_of_two()
    with pytest.raises(BadPsbt, match="without its previous transaction"):
        signed_by(ALICE, with_entries(psbt, {NON_WITNESS_UTXO: None}))


def test_scripts_that_do_not_fit_are_not_signed() -> None:
    _, psbt = two_of_two()
    with pytest.raises(BadPsbt, match="nothing to sign"):
        signed_by(ALICE, with_entries(psbt, {WITNESS_SCRIPT: b"\x51"}))


def test_a_fingerprint_alone_is_not_a_key() -> None:
    """Another key under our fingerprint, as somebody may write who wants a signature."""
    _, psbt = two_of_two()
    (own,) = fingerprints(owner(ALICE).ledger)
    entries = PsbtMaps.decode(psbt.raw).inputs[0]
    names = {key: entries[key] for key in entries if key[0] == DERIVATION}
    foreign = next(key for key, value in names.items() if value[:4] != own)
    mine = next(key for key, value in names.items() if value[:4] == own)
    lying = with_entries(psbt, {mine: None, foreign: own + names[foreign][4:]})
    with pytest.raises(BadPsbt, match="its words do not lead to"):
        signed_by(ALICE, lying)


def test_beside_a_shared_input_our_own_is_signed() -> None:
    alice = Scene(owner(ALICE))
    alice.receive(COIN, "hers")
    own = draft(alice.wallet, [Payee(BOB.address(), COIN // 2)], feerate_sat_kvb=5_000).psbt
    _, psbt = two_of_two()
    maps = [PsbtMaps.decode(each.raw) for each in (own, psbt)]
    inputs = [*own.transaction.inputs, *psbt.transaction.inputs]
    both = Transaction.build(2, inputs, [TxOut(2 * COIN - 9_000, BOB.script)])
    joined = PsbtMaps(0, {b"\x00": both.raw}, maps[0].inputs + maps[1].inputs, ({},))
    signed = sign(alice.wallet, read_psbt(joined.encode()), PASSPHRASE)
    assert isinstance(signed, Psbt)
    assert signed.transaction.inputs[0].witness
    after = PsbtMaps.decode(signed.raw).inputs[1]
    assert sum(key[0] == 0x02 for key in after) == 1
    assert after.items() >= maps[1].inputs[0].items()


def test_so_many_names_no_wallet_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    _, psbt = two_of_two()
    monkeypatch.setattr(cosigning, "MAX_NAMED_KEYS", 0)
    with pytest.raises(BadPsbt, match="names more than 0 keys"):
        named_inputs(owner(ALICE).ledger, psbt)
