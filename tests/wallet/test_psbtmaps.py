"""The maps of a PSBT against the vectors of BIP 174, 370 and 371, and both versions both ways."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.transaction import COIN, Transaction
from axon.wallet.draft import describe
from axon.wallet.errors import BadPsbt
from axon.wallet.payment import Payee, draft
from axon.wallet.psbt import Psbt, combine, finalize, read_psbt
from axon.wallet.psbtmaps import (
    FALLBACK_LOCKTIME,
    INPUT_COUNT,
    OUTPUT_COUNT,
    OUTPUT_INDEX,
    PREVIOUS_TXID,
    SEQUENCE,
    TX_MODIFIABLE,
    TX_VERSION,
    UNSIGNED_TX,
    VERSION,
    WITNESS_UTXO,
    PsbtMaps,
    as_version_0,
    as_version_2,
    lock_time,
    named_derivations,
)
from axon.wallet.signing import sign
from tests.wallet.scene import BOB, PASSPHRASE, Scene

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "psbt.json").read_text())
EMPTY = ("PSBT with 0 inputs", "tx that has 0 inputs and 0 outputs")


@pytest.mark.parametrize("name", VECTORS["valid"])
def test_valid_vectors(name: str) -> None:
    text = VECTORS["valid"][name]
    if name.endswith(EMPTY):
        with pytest.raises(BadPsbt, match="spends nothing yet"):
            read_psbt(text)
        return
    maps = PsbtMaps.decode(b64decode(text))
    assert PsbtMaps.decode(maps.encode()) == maps
    psbt = read_psbt(text)
    assert (psbt.version_2 is not None) == (maps.version == 2)
    again = PsbtMaps.decode(b64decode(psbt.base64))
    assert again.version == maps.version
    assert read_psbt(psbt.base64).transaction == psbt.transaction
    assert read_psbt(b64decode(text).hex()) == psbt


@pytest.mark.parametrize("name", VECTORS["invalid"])
def test_invalid_vectors(name: str) -> None:
    with pytest.raises(BadPsbt):
        read_psbt(VECTORS["invalid"][name])


@pytest.mark.parametrize("name", VECTORS["lock_times"])
def test_lock_times(name: str) -> None:
    expected, text = VECTORS["lock_times"][name]
    assert lock_time(PsbtMaps.decode(b64decode(text))) == expected
    assert read_psbt(text).transaction.locktime == expected


def funded() -> Scene:
    scene = Scene()
    scene.receive(COIN)
    return scene


def drafted(scene: Scene) -> Psbt:
    return draft(scene.wallet, [Payee(BOB.address(), COIN // 2)], feerate_sat_kvb=5_000).psbt


def in_version_2(psbt: Psbt, modifiable: int | None = 3) -> PsbtMaps:
    """The same payment as a program of today writes it."""
    maps, payment = PsbtMaps.decode(psbt.raw), psbt.transaction
    general = {key: value for key, value in maps.general.items() if key != UNSIGNED_TX} | {
        TX_VERSION: payment.version.to_bytes(4, "little"),
        FALLBACK_LOCKTIME: payment.locktime.to_bytes(4, "little"),
        INPUT_COUNT: bytes((len(payment.inputs),)),
        OUTPUT_COUNT: bytes((len(payment.outputs),)),
        VERSION: (2).to_bytes(4, "little"),
    }
    if modifiable is not None:
        general[TX_MODIFIABLE] = bytes((modifiable,))
    inputs = [
        entries
        | {
            PREVIOUS_TXID: item.prevout[:32],
            OUTPUT_INDEX: item.prevout[32:],
            SEQUENCE: item.sequence.to_bytes(4, "little"),
        }
        for entries, item in zip(maps.inputs, payment.inputs, strict=True)
    ]
    outputs = [
        entries | {b"\x03": item.amount_sat.to_bytes(8, "little"), b"\x04": item.script_pubkey}
        for entries, item in zip(maps.outputs, payment.outputs, strict=True)
    ]
    return PsbtMaps(2, general, tuple(inputs), tuple(outputs))


def test_version_2_is_the_same_payment() -> None:
    scene = funded()
    psbt = drafted(scene)
    new = in_version_2(psbt)
    assert as_version_0(new) == PsbtMaps.decode(psbt.raw)
    read = read_psbt(new.encode())
    assert (read.raw, read.transaction, read.spent) == (psbt.raw, psbt.transaction, psbt.spent)
    assert b64decode(read.base64) == new.encode()
    assert (
        describe(scene.wallet.ledger, read).recipients
        == describe(scene.wallet.ledger, psbt).recipients
    )
    assert isinstance(sign(scene.wallet, read, PASSPHRASE), Transaction)


def test_what_is_signed_comes_back_in_its_version_and_is_not_changed_any_more() -> None:
    """A payment of two, of which one has signed."""
    scene = funded()
    maps = in_version_2(drafted(scene))
    stranger = {PREVIOUS_TXID: bytes(32), OUTPUT_INDEX: bytes(4)}
    stranger[WITNESS_UTXO] = (1_000).to_bytes(8, "little") + b"\x16\x00\x14" + bytes(20)
    general = maps.general | {INPUT_COUNT: b"\x02"}
    joined = replace(maps, general=general, inputs=(*maps.inputs, stranger))
    psbt = read_psbt(joined.encode())
    signed = sign(scene.wallet, psbt, PASSPHRASE)
    assert isinstance(signed, Psbt)
    back = PsbtMaps.decode(b64decode(signed.base64))
    assert (back.version, back.general[TX_MODIFIABLE]) == (2, b"\x00")
    assert back.inputs[1] == stranger
    assert PsbtMaps.decode(b64decode(combine([psbt, signed]).base64)).version == 2
    with pytest.raises(BadPsbt, match="not signed by all"):
        finalize(signed)


def test_other_versions_are_named() -> None:
    maps = in_version_2(drafted(funded()))
    one = replace(maps, general=maps.general | {VERSION: (1).to_bytes(4, "little")})
    with pytest.raises(BadPsbt, match="version 1: axon reads versions 0 and 2"):
        read_psbt(one.encode())
    none = replace(maps, general=maps.general | {INPUT_COUNT: b"\x00"}, inputs=())
    with pytest.raises(BadPsbt, match="spends nothing yet"):
        read_psbt(none.encode())


def test_lock_times_that_exclude_each_other_are_named() -> None:
    maps = in_version_2(drafted(funded()))
    height, seconds = (100).to_bytes(4, "little"), (600_000_000).to_bytes(4, "little")
    two = (maps.inputs[0] | {b"\x12": height}, maps.inputs[0] | {b"\x11": seconds})
    both = replace(maps, general=maps.general | {INPUT_COUNT: b"\x02"}, inputs=two)
    with pytest.raises(BadPsbt, match="a height and others for a time"):
        read_psbt(both.encode())


@pytest.mark.parametrize("amount_sat", [-1, 21_000_000 * COIN + 1])
def test_no_output_of_version_2_holds_more_than_there_is(amount_sat: int) -> None:
    maps = in_version_2(drafted(funded()))
    first = maps.outputs[0] | {b"\x03": amount_sat.to_bytes(8, "little", signed=True)}
    with pytest.raises(DecodeError, match="an amount of money"):
        as_version_0(replace(maps, outputs=(first, *maps.outputs[1:])))


def test_flags_stay_until_somebody_signs() -> None:
    psbt = drafted(funded())
    before = in_version_2(psbt, modifiable=0xFF)
    unsigned = as_version_2(PsbtMaps.decode(psbt.raw), before)
    assert unsigned.general[TX_MODIFIABLE] == b"\xff"
    signed = PsbtMaps.decode(psbt.raw)
    signed = replace(signed, inputs=(signed.inputs[0] | {b"\x13": bytes(64)},))
    assert as_version_2(signed, before).general[TX_MODIFIABLE] == b"\xfc"


@given(st.binary(max_size=200))
def test_any_bytes_are_maps_or_refused(data: bytes) -> None:
    for head in (
        b"psbt\xff",
        b"psbt\xff" + bytes.fromhex("01fb0402000000" + "01040101" + "01050101"),
    ):
        try:
            maps = PsbtMaps.decode(head + data)
            if maps.version == 2:
                as_version_0(maps)
        except (DecodeError, BadPsbt):
            pass


def test_malformed_names_of_keys_are_left_out() -> None:
    key = b"\x02" * 33
    good = b"abcd" + (5).to_bytes(4, "little")
    entries = {
        b"\x06" + key: good,
        b"\x06" + key[:32]: b"abc",
        b"\x16" + key[:32]: b"\x01" + bytes(32) + good,
        b"\x16" + key[:31]: b"\xff",
        b"\x16" + key[:30]: b"",
        b"\x07": good,
    }
    found = [(each.public_key, each.fingerprint, each.path) for each in named_derivations(entries)]
    assert found == [(key, b"abcd", (5,)), (key[:32], b"abcd", (5,))]
