"""PSBTs that are told what is known here of their coins, and signed with descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.chain.txindex import TxIndex
from axon.consensus.inputs import InputVerifier
from axon.errors import DecodeError
from axon.primitives.hashes import Txid
from axon.primitives.network import Network
from axon.primitives.script import is_p2sh, witness_program
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.psbt.described import add_descriptor
from axon.psbt.fields import NON_WITNESS_UTXO, WITNESS_UTXO
from axon.psbt.keyring import Keyring
from axon.psbt.partial import PartialTransaction, is_signed
from axon.psbt.signing import (
    PsbtSigner,
    SignOutcome,
    are_verified,
    drop_parents,
    extract,
    update_output,
)
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.indexes import find_confirmed, is_ready
from axon.rpc.methods.finding import find_outputs
from axon.rpc.methods.psbts import read_psbt
from axon.rpc.methods.scanobjects import read_scan_object
from axon.rpc.shapes.drafts import parse_sighash

_DESCRIPTORS: Final = '["",{"desc":"str","range":n or [n,n]},...]'
MISMATCH: Final = "Specified sighash value does not match value stored in PSBT"


@method("rawtransactions", shown={"descriptors": _DESCRIPTORS})
async def utxoupdatepsbt(daemon: Daemon, psbt: str, descriptors: list[Json] | None = None) -> Json:
    """Updates all segwit inputs and outputs in a PSBT with data from output descriptors, the UTXO
    set, txindex, or the mempool.

    Args:
        psbt: A base64 string of a PSBT
        descriptors: An array of either strings or objects {"desc":"str","range":n or [n,n]}

    Returns:
        "str"    (string) The base64-encoded partially signed transaction with inputs updated
    """
    keyring = Keyring()
    await daemon.off_loop(_fill, keyring, descriptors or [], daemon, private=False)
    read = await daemon.off_loop(read_psbt, psbt)
    await _process(daemon, read, keyring, None, finalize=False)
    return await daemon.off_loop(read.to_base64)


@method("rawtransactions", shown={"descriptors": _DESCRIPTORS})
async def descriptorprocesspsbt(
    daemon: Daemon,
    psbt: str,
    descriptors: list[Json],
    sighashtype: str | None = None,
    bip32derivs: bool = True,
    finalize: bool = True,
) -> Json:
    """Update all segwit inputs in a PSBT with information from output descriptors, the UTXO set or
    the mempool.
    Then, sign the inputs we are able to with information from the output descriptors.

    Args:
        psbt: The transaction base64 string
        descriptors: An array of either strings or objects {"desc":"str","range":n or [n,n]}
        sighashtype: The signature hash type to sign with if not specified by the PSBT: DEFAULT,
            ALL, NONE, SINGLE, or one of the last three with |ANYONECANPAY
        bip32derivs: Include BIP 32 derivation paths for public keys if we know them
        finalize: Also finalize inputs if possible

    Returns:
        {                              (json object)
          "psbt" : "str",              (string) The base64-encoded partially signed transaction
          "complete" : true|false,     (boolean) If the transaction has all signatures
          "hex" : "hex"                (string, optional) The network transaction if complete
        }
    """
    keyring = Keyring()
    await daemon.off_loop(_fill, keyring, descriptors, daemon, private=True)
    hash_type = parse_sighash(sighashtype)
    if not bip32derivs:
        keyring.origins.clear()
    read = await daemon.off_loop(read_psbt, psbt)
    await _process(daemon, read, keyring, hash_type, finalize=finalize)
    return await daemon.off_loop(_processed, read, daemon)


def _processed(psbt: PartialTransaction, daemon: Daemon) -> Json:
    whole = all(map(is_signed, psbt.inputs)) and are_verified(psbt, InputVerifier(), daemon.go_on)
    shown: dict[str, Json] = {"psbt": psbt.to_base64(), "complete": whole}
    if whole:
        shown["hex"] = extract(psbt).raw.hex()
    return shown


def _fill(keyring: Keyring, descriptors: Sequence[Json], daemon: Daemon, *, private: bool) -> None:
    """Take in what descriptors say; slow for families.

    Raises:
        RpcError: one is none.
    """
    network: Network = daemon.node.network
    for each in descriptors:
        text, found, (low, high) = read_scan_object(each, network)
        for index in range(low, high + 1):
            daemon.go_on()
            for descriptor in found:
                try:
                    add_descriptor(keyring, descriptor, index, private=private)
                except DecodeError as error:
                    raise RpcError(
                        Code.NOT_FOUND, f"Cannot derive script without private keys: '{text}'"
                    ) from error


async def _process(
    daemon: Daemon,
    psbt: PartialTransaction,
    keyring: Keyring,
    hash_type: int | None,
    *,
    finalize: bool,
) -> None:
    """Say in a PSBT what is known here of its inputs and outputs, and sign what a keyring can."""
    wanted: list[OutPoint] = []
    await is_ready(daemon, TxIndex.name)
    prevouts = await daemon.off_loop(lambda: psbt.transaction.prevouts)
    async for prevout, entries in daemon.in_turns(zip(prevouts, psbt.inputs, strict=True)):
        if NON_WITNESS_UTXO in entries:
            continue
        parent = await _find(daemon, outpoint_txid(prevout))
        if parent is None:
            wanted.append(prevout)
        elif outpoint_index(prevout) < len(parent.outputs):
            entries[NON_WITNESS_UTXO] = parent.raw
    coins = await find_outputs(daemon, wanted)
    await daemon.off_loop(_sign_all, psbt, keyring, coins, hash_type, finalize, daemon)


async def _find(daemon: Daemon, txid: Txid) -> Transaction | None:
    """A transaction of a block, where there is an index of them, or of the pool."""
    confirmed = await find_confirmed(daemon, txid)
    if confirmed is not None:
        return confirmed.transaction
    entry = daemon.node.pool.get(txid)
    return None if entry is None else entry.transaction


def _sign_all(
    psbt: PartialTransaction,
    keyring: Keyring,
    coins: dict[OutPoint, TxOut | None],
    hash_type: int | None,
    finalize: bool,
    daemon: Daemon,
) -> None:
    for prevout, entries in zip(psbt.transaction.prevouts, psbt.inputs, strict=True):
        coin = coins.get(prevout)
        if coin is not None and _is_segwit(coin.script_pubkey, keyring):
            entries[WITNESS_UTXO] = coin.encode()
    signer = PsbtSigner(psbt, keyring, InputVerifier(), daemon.go_on)
    for index, entries in enumerate(psbt.inputs):
        if is_signed(entries):
            continue
        outcome, _ = signer.sign(index, hash_type, finalize=finalize)
        if outcome is SignOutcome.SIGHASH_MISMATCH:
            raise RpcError(Code.DESERIALIZATION, MISMATCH)
    for index in range(len(psbt.outputs)):
        daemon.go_on()
        update_output(psbt, index, keyring)
    drop_parents(psbt)


def _is_segwit(script: bytes, keyring: Keyring) -> bool:
    """Whether an output is a witness output, perhaps behind a script hash."""
    if is_p2sh(script):
        script = keyring.scripts.get(script[2:22], b"")
    return witness_program(script) is not None
