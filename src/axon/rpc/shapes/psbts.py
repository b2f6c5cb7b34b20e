"""PSBTs as JSON, field by field as Bitcoin Core 31 shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from axon.primitives.address import base58check_encode
from axon.primitives.keyexpression import path_text
from axon.primitives.network import Network
from axon.primitives.solver import asm, solve
from axon.primitives.transaction import MAX_MONEY_SAT, Transaction
from axon.psbt.analysis import InputNeeds, PsbtNeeds
from axon.psbt.fields import (
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    HASH160,
    HASH256,
    NON_WITNESS_UTXO,
    PARTIAL_SIG,
    PROPRIETARY,
    REDEEM_SCRIPT,
    RIPEMD160,
    SHA256,
    SIGHASH,
    TAP_INTERNAL_KEY,
    TAP_KEY_SIG,
    TAP_MERKLE_ROOT,
    WITNESS_SCRIPT,
    WITNESS_UTXO,
    XPUB,
    Entries,
    ordered_input,
    ordered_output,
    proprietary_parts,
)
from axon.psbt.gathered import split_participants, split_tap_origin
from axon.psbt.partial import PartialTransaction, xpub_place
from axon.psbt.signing import final_witness
from axon.psbt.stream import PsbtStream, read_output
from axon.psbt.taptrees import decode_tree
from axon.rpc.amounts import Amount, Json, made_list
from axon.rpc.shapes.transactions import script_json, transaction_json

_SIGHASHES: Final = {
    0x01: "ALL",
    0x02: "NONE",
    0x03: "SINGLE",
    0x81: "ALL|ANYONECANPAY",
    0x82: "NONE|ANYONECANPAY",
    0x83: "SINGLE|ANYONECANPAY",
}
_KNOWN_INPUT: Final = frozenset(
    (*range(0x09), *range(0x0A, 0x0E), *range(0x13, 0x19), 0x1A, 0x1B, 0x1C, PROPRIETARY)
)
_KNOWN_OUTPUT: Final = frozenset((0, 1, 2, 5, 6, 7, 8, PROPRIETARY))
_PREIMAGES: Final = (
    (RIPEMD160, "ripemd160_preimages"),
    (SHA256, "sha256_preimages"),
    (HASH160, "hash160_preimages"),
    (HASH256, "hash256_preimages"),
)

_Fields = Sequence[tuple[bytes, bytes]]


def psbt_json(psbt: PartialTransaction, network: Network) -> dict[str, Json]:
    """What `decodepsbt` says; slow for long ones, whose inputs and outputs are lazy lists."""
    xpubs = [item for item in psbt.general.items() if item[0][0] == XPUB]
    rest = sorted([item for item in psbt.general.items() if item[0][0] != XPUB])
    shown: dict[str, Json] = {
        "tx": transaction_json(psbt.transaction, network, with_hex=False),
        "global_xpubs": [
            {
                "xpub": base58check_encode(key[1:]),
                "master_fingerprint": value[:4].hex(),
                "path": _path(value),
            }
            for key, value in sorted(xpubs, key=lambda item: xpub_place(*item))
        ],
        "psbt_version": 0,
        "proprietary": _proprietary(rest),
        "unknown": {key.hex(): value.hex() for key, value in rest if key[0] != PROPRIETARY},
    }

    def input_json(place: int) -> Json:
        return _input_json(psbt.inputs[place], network)

    def output_json(place: int) -> Json:
        return _output_json(psbt.outputs[place])

    shown["inputs"] = made_list(input_json, range(len(psbt.inputs)))
    shown["outputs"] = made_list(output_json, range(len(psbt.outputs)))
    fee_sat = _fee(psbt)
    if fee_sat is not None:
        shown["fee"] = Amount(fee_sat)
    return shown


def _fee(psbt: PartialTransaction) -> int | None:
    """What the miner gets; None where it is not known what goes in, or a sum is no money."""
    total_sat = 0
    for index in range(len(psbt.inputs)):
        output = psbt.spent_output(index)
        if output is None or not 0 <= output.amount_sat <= MAX_MONEY_SAT - total_sat:
            return None
        total_sat += output.amount_sat
    paid_sat = 0
    for each in psbt.transaction.outputs:
        if not 0 <= each.amount_sat <= MAX_MONEY_SAT - paid_sat:
            return None
        paid_sat += each.amount_sat
    return total_sat - paid_sat


def _path(origin: bytes) -> str:
    steps = [int.from_bytes(origin[at : at + 4], "little") for at in range(4, len(origin), 4)]
    return f"m{path_text(steps, apostrophe=False)}"


def _proprietary(fields: Iterable[tuple[bytes, bytes]]) -> list[Json]:
    found: list[Json] = []
    for key, value in fields:
        if key[0] == PROPRIETARY:
            identifier, subtype = proprietary_parts(key)
            found.append(
                {
                    "identifier": identifier.hex(),
                    "subtype": subtype,
                    "key": key.hex(),
                    "value": value.hex(),
                }
            )
    return found


def _bare_script_json(script: bytes) -> dict[str, Json]:
    """A script behind a hash: asm, hex, type."""
    return {"asm": asm(script), "hex": script.hex(), "type": solve(script).kind}


def _of(fields: _Fields, kind: int) -> list[tuple[bytes, bytes]]:
    """The fields of one type: what stands behind the type, and the value."""
    return [(key[1:], value) for key, value in fields if key[0] == kind]


def _input_json(entries: Entries, network: Network) -> dict[str, Json]:
    fields, shown = ordered_input(entries), dict[str, Json]()
    if WITNESS_UTXO in entries:
        output = read_output(PsbtStream(entries[WITNESS_UTXO]))
        shown["witness_utxo"] = {
            "amount": Amount(output.amount_sat),
            "scriptPubKey": script_json(output.script_pubkey, network),
        }
    if NON_WITNESS_UTXO in entries:
        parent = Transaction.decode(entries[NON_WITNESS_UTXO])
        shown["non_witness_utxo"] = transaction_json(parent, network, with_hex=False)
    signatures = _of(fields, PARTIAL_SIG)
    if signatures:
        shown["partial_signatures"] = {key.hex(): value.hex() for key, value in signatures}
    if SIGHASH in entries:
        shown["sighash"] = _SIGHASHES.get(entries[SIGHASH][0], "")
    for key, name in ((REDEEM_SCRIPT, "redeem_script"), (WITNESS_SCRIPT, "witness_script")):
        if key in entries:
            shown[name] = _bare_script_json(entries[key])
    _add_derivations(shown, _of(fields, 0x06))
    if FINAL_SCRIPT_SIG in entries:
        script = entries[FINAL_SCRIPT_SIG]
        shown["final_scriptSig"] = {"asm": asm(script, True), "hex": script.hex()}
    if FINAL_WITNESS in entries:
        shown["final_scriptwitness"] = [item.hex() for item in final_witness(entries)]
    for kind, name in _PREIMAGES:
        preimages = _of(fields, kind)
        if preimages:
            shown[name] = {digest.hex(): value.hex() for digest, value in preimages}
    _add_taproot(shown, entries, fields)
    _add_musig2(shown, fields)
    _add_rest(shown, fields, _KNOWN_INPUT)
    return shown


def _add_derivations(shown: dict[str, Json], derivations: _Fields) -> None:
    if derivations:
        shown["bip32_derivs"] = [
            {
                "pubkey": key.hex(),
                "master_fingerprint": origin[:4].hex(),
                "path": _path(origin),
            }
            for key, origin in derivations
        ]


def _add_taproot(shown: dict[str, Json], entries: Entries, fields: _Fields) -> None:
    if TAP_KEY_SIG in entries:
        shown["taproot_key_path_sig"] = entries[TAP_KEY_SIG].hex()
    signatures = _of(fields, 0x14)
    if signatures:
        shown["taproot_script_path_sigs"] = [
            {"pubkey": key[:32].hex(), "leaf_hash": key[32:].hex(), "sig": value.hex()}
            for key, value in signatures
        ]
    leaves: dict[bytes, list[Json]] = {}
    for control, leaf in _of(fields, 0x15):
        leaves.setdefault(leaf, []).append(control.hex())
    if leaves:
        shown["taproot_scripts"] = [
            {"script": leaf[:-1].hex(), "leaf_ver": leaf[-1], "control_blocks": controls}
            for leaf, controls in leaves.items()
        ]
    _add_tap_derivations(shown, _of(fields, 0x16))
    if TAP_INTERNAL_KEY in entries:
        shown["taproot_internal_key"] = entries[TAP_INTERNAL_KEY].hex()
    if TAP_MERKLE_ROOT in entries:
        shown["taproot_merkle_root"] = entries[TAP_MERKLE_ROOT].hex()


def _add_tap_derivations(shown: dict[str, Json], derivations: _Fields) -> None:
    found: list[Json] = []
    for key, value in derivations:
        hashes, origin = split_tap_origin(value)
        found.append(
            {
                "pubkey": key.hex(),
                "master_fingerprint": origin[:4].hex(),
                "path": _path(origin),
                "leaf_hashes": [each.hex() for each in sorted(hashes)],
            }
        )
    if found:
        shown["taproot_bip32_derivs"] = found


def _add_musig2(shown: dict[str, Json], fields: _Fields) -> None:
    _add_participants(shown, _of(fields, 0x1A))
    for kind, name, label in (
        (0x1B, "musig2_pubnonces", "pubnonce"),
        (0x1C, "musig2_partial_sigs", "partial_sig"),
    ):
        found: list[Json] = []
        for key, value in _of(fields, kind):
            entry = {"participant_pubkey": key[:33].hex(), "aggregate_pubkey": key[33:66].hex()}
            if any(key[66:]):
                entry["leaf_hash"] = key[66:].hex()
            found.append({**entry, label: value.hex()})
        if found:
            shown[name] = found


def _add_participants(shown: dict[str, Json], participants: _Fields) -> None:
    if participants:
        shown["musig2_participant_pubkeys"] = [
            {
                "aggregate_pubkey": key.hex(),
                "participant_pubkeys": [each.hex() for each in split_participants(value)],
            }
            for key, value in participants
        ]


def _add_rest(shown: dict[str, Json], fields: _Fields, known: frozenset[int]) -> None:
    proprietary = _proprietary(fields)
    if proprietary:
        shown["proprietary"] = proprietary
    unknown = {key.hex(): value.hex() for key, value in fields if key[0] not in known}
    if unknown:
        shown["unknown"] = unknown


def _output_json(entries: Entries) -> dict[str, Json]:
    fields, shown = ordered_output(entries), dict[str, Json]()
    for kind, name in ((b"\x00", "redeem_script"), (b"\x01", "witness_script")):
        if kind in entries:
            shown[name] = _bare_script_json(entries[kind])
    _add_derivations(shown, _of(fields, 0x02))
    if b"\x05" in entries:
        shown["taproot_internal_key"] = entries[b"\x05"].hex()
    if b"\x06" in entries:
        shown["taproot_tree"] = [
            {"depth": depth, "leaf_ver": version, "script": script.hex()}
            for depth, version, script in decode_tree(entries[b"\x06"])
        ]
    _add_tap_derivations(shown, _of(fields, 0x07))
    _add_participants(shown, _of(fields, 0x08))
    _add_rest(shown, fields, _KNOWN_OUTPUT)
    return shown


def needs_json(needs: PsbtNeeds) -> dict[str, Json]:
    """What `analyzepsbt` says."""
    shown: dict[str, Json] = {}
    if needs.inputs:
        shown["inputs"] = [_input_needs_json(each) for each in needs.inputs]
    if needs.vsize is not None:
        shown["estimated_vsize"] = needs.vsize
        shown["estimated_feerate"] = Amount((needs.fee_sat or 0) * 1000 // needs.vsize)
    if needs.fee_sat is not None:
        shown["fee"] = Amount(needs.fee_sat)
    shown["next"] = needs.next.name.lower()
    if needs.error:
        shown["error"] = needs.error
    return shown


def _input_needs_json(needs: InputNeeds) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "has_utxo": needs.has_output,
        "is_final": needs.is_final,
        "next": needs.next.name.lower(),
    }
    found, missing = needs.missing, dict[str, Json]()
    if found.keys:
        missing["pubkeys"] = [each.hex() for each in found.keys]
    if found.redeem_script:
        missing["redeemscript"] = found.redeem_script.hex()
    if found.witness_script:
        missing["witnessscript"] = found.witness_script.hex()
    if found.signatures:
        missing["signatures"] = [each.hex() for each in found.signatures]
    if missing:
        shown["missing"] = missing
    return shown
