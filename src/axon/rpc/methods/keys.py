"""Keys that callers bring: transactions and messages signed with them, scripts of several."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from axon.consensus.inputs import InputVerifier
from axon.errors import DecodeError
from axon.primitives.address import decode_address, encode_address
from axon.primitives.descriptorchecksum import with_checksum
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import hash160, sha256, sha256d
from axon.primitives.keys import (
    COMPRESSED_SIZE,
    decode_wif,
    is_public_key,
    recover_public_key,
    sign_recoverable,
)
from axon.primitives.network import Network
from axon.primitives.script import OP_CHECKMULTISIG, push, push_number
from axon.primitives.solver import MAX_MULTISIG_KEYS, PUBKEYHASH, solve
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.psbt.keyring import Keyring
from axon.psbt.partial import decode_base64
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import find_outputs
from axon.rpc.parameters import Int32, expect_texts, unhex
from axon.rpc.shapes.drafts import parse_sighash
from axon.rpc.shapes.prevtxs import read_prevtxs
from axon.rpc.shapes.signed import combine_signatures, sign_transaction
from axon.rpc.shapes.transactions import decode_hex_transaction

MESSAGE_MAGIC: Final = b"Bitcoin Signed Message:\n"
MAX_REDEEM_SCRIPT: Final = 520
ADDRESS_TYPES: Final = ("legacy", "p2sh-segwit", "bech32")


def _secret(text: str, network: Network) -> tuple[bytes, bool]:
    """A private key of a caller, and whether its public key is compressed.

    Raises:
        RpcError: -5, it is none.
    """
    try:
        return decode_wif(text, network)
    except DecodeError as error:
        raise RpcError(Code.NOT_FOUND, "Invalid private key") from error


@method("util")
def signmessagewithprivkey(daemon: Daemon, privkey: str, message: str) -> Json:
    """Sign a message with the private key of an address

    Args:
        privkey: The private key to sign the message with.
        message: The message to create a signature of.

    Returns:
        "str"    (string) The signature of the message encoded in base 64
    """
    secret, compressed = _secret(privkey, daemon.node.network)
    signature = sign_recoverable(secret, message_hash(message), compressed=compressed)
    return b64encode(signature).decode()


@method("util")
def verifymessage(daemon: Daemon, address: str, signature: str, message: str) -> Json:
    """Verify a signed message.

    Args:
        address: The bitcoin address to use for the signature.
        signature: The signature provided by the signer in base 64 encoding (see signmessage).
        message: The message that was signed.

    Returns:
        true|false    (boolean) If the signature is verified or not.
    """
    try:
        solved = solve(decode_address(address, daemon.node.network))
    except DecodeError as error:
        raise RpcError(Code.NOT_FOUND, "Invalid address") from error
    if solved.kind != PUBKEYHASH:
        raise RpcError(Code.TYPE, "Address does not refer to key")
    raw = decode_base64(signature)
    if raw is None:
        raise RpcError(Code.TYPE, "Malformed base64 encoding")
    key = recover_public_key(message_hash(message), raw)
    return key is not None and hash160(key) == solved.parts[0]


def message_hash(message: str) -> bytes:
    """What is signed of a message, in the format of old: 32 bytes."""
    return sha256d(var_bytes(MESSAGE_MAGIC) + var_bytes(message.encode("utf-8", "surrogatepass")))


@method("util")
async def createmultisig(
    daemon: Daemon, nrequired: Int32, keys: list[str], address_type: str = "legacy"
) -> Json:
    """Creates a multi-signature address with n signatures of m keys required.
    It returns a json object with the address and redeemScript.

    Args:
        nrequired: The number of required signatures out of the m keys.
        keys: The hex-encoded public keys.
        address_type: The address type to use. Options are "legacy", "p2sh-segwit", and "bech32".

    Returns:
        {                            (json object)
          "address" : "str",         (string) The value of the new multisig address.
          "redeemScript" : "hex",    (string) The hex-encoded redemption script.
          "descriptor" : "str",      (string) The descriptor for this multisig
          "warnings" : [ ... ]       (json array, optional) Any warnings resulting from its creation
        }
    """
    return await daemon.off_loop(_multisig, nrequired, keys, address_type, daemon.node.network)


def _multisig(required: int, texts: list[Json], kind: str, network: Network) -> Json:
    keys = [_public_key(text) for text in expect_texts(texts)]
    if kind == "bech32m":
        raise RpcError(Code.NOT_FOUND, "createmultisig cannot create bech32m multisig addresses")
    if kind not in ADDRESS_TYPES:
        raise RpcError(Code.NOT_FOUND, f"Unknown address type '{kind}'")
    if required < 1:
        raise RpcError(
            Code.PARAMETER, "a multisignature address must require at least one key to redeem"
        )
    if len(keys) < required:
        raise RpcError(
            Code.PARAMETER,
            f"not enough keys supplied (got {len(keys)} keys, but need at least {required} to"
            " redeem)",
        )
    if len(keys) > MAX_MULTISIG_KEYS:
        raise RpcError(
            Code.PARAMETER,
            "Number of keys involved in the multisignature address creation >"
            f" {MAX_MULTISIG_KEYS}\nReduce the number",
        )
    body = push_number(required) + b"".join(map(push, keys)) + push_number(len(keys))
    redeem = body + bytes((OP_CHECKMULTISIG,))
    wanted = kind
    if any(len(key) != COMPRESSED_SIZE for key in keys):
        kind = "legacy"
    if kind == "legacy" and len(redeem) > MAX_REDEEM_SCRIPT:
        raise RpcError(
            Code.PARAMETER,
            f"redeemScript exceeds size limit: {len(redeem)} > {MAX_REDEEM_SCRIPT}",
        )
    inner = f"multi({required},{','.join([key.hex() for key in keys])})"
    witness = b"\x00\x20" + sha256(redeem)
    if kind == "bech32":
        script, descriptor = witness, f"wsh({inner})"
    elif kind == "p2sh-segwit":
        script, descriptor = _behind_hash(witness), f"sh(wsh({inner}))"
    else:
        script, descriptor = _behind_hash(redeem), f"sh({inner})"
    shown: dict[str, Json] = {
        "address": encode_address(script, network),
        "redeemScript": redeem.hex(),
        "descriptor": with_checksum(descriptor),
    }
    if kind != wanted:
        shown["warnings"] = [
            "Unable to make chosen address type, please ensure no uncompressed public keys are"
            " present."
        ]
    return shown


def _behind_hash(script: bytes) -> bytes:
    return b"\xa9\x14" + hash160(script) + b"\x87"


def _public_key(text: str) -> bytes:
    """A public key of a caller.

    Raises:
        RpcError: -5, it is none.
    """
    key = unhex(text)
    if key is None or not key:
        raise RpcError(Code.NOT_FOUND, f'Pubkey "{text}" must be a hex string')
    if len(key) not in (33, 65):
        raise RpcError(
            Code.NOT_FOUND, f'Pubkey "{text}" must have a length of either 33 or 65 bytes'
        )
    if not is_public_key(key):
        raise RpcError(Code.NOT_FOUND, f'Pubkey "{text}" must be cryptographically valid.')
    return key


@method(
    "rawtransactions",
    shown={
        "privkeys": '["privatekey",...]',
        "prevtxs": '[{"txid":"hex","vout":n,"scriptPubKey":"hex","redeemScript":"hex",'
        '"witnessScript":"hex","amount":amount},...]',
    },
)
async def signrawtransactionwithkey(
    daemon: Daemon,
    hexstring: str,
    privkeys: list[str],
    prevtxs: list[Json] | None = None,
    sighashtype: str | None = None,
) -> Json:
    """Sign inputs for raw transaction (serialized, hex-encoded).
    The second argument is an array of base58-encoded private keys that will be the only keys used
    to sign the transaction.
    The third optional argument (may be null) is an array of previous transaction outputs that this
    transaction depends on but may not yet be in the block chain.

    Args:
        hexstring: The transaction hex string
        privkeys: The base58-encoded private keys for signing
        prevtxs: The previous dependent transaction outputs, each {"txid":"hex","vout":n,
            "scriptPubKey":"hex","redeemScript":"hex","witnessScript":"hex","amount":amount}
        sighashtype: The signature hash type: DEFAULT, ALL, NONE, SINGLE, or one of the last three
            with |ANYONECANPAY

    Returns:
        {                             (json object)
          "hex" : "hex",              (string) The hex-encoded raw transaction with signature(s)
          "complete" : true|false,    (boolean) If the transaction has a complete set of signatures
          "errors" : [                (json array, optional) Script verification errors
            {                         (json object)
              "txid" : "hex",         (string) The hash of the referenced, previous transaction
              "vout" : n,             (numeric) The index of the output to spent and used as input
              "witness" : [ "hex", ... ],
              "scriptSig" : "hex",    (string) The hex-encoded signature script
              "sequence" : n,         (numeric) Script sequence number
              "error" : "str"         (string) Verification or signing error related to the input
            },
            ...
          ]
        }
    """
    transaction = await daemon.off_loop(decode_hex_transaction, hexstring)
    keyring = await daemon.off_loop(_keyring, privkeys, daemon.node.network)
    coins = await find_outputs(daemon, await daemon.off_loop(_prevouts, transaction))
    known: dict[OutPoint, TxOut | None] = dict(coins)
    await daemon.off_loop(read_prevtxs, prevtxs or [], known, keyring)
    hash_type = parse_sighash(sighashtype) or 0

    def sign() -> Json:
        verify = InputVerifier()
        signed = sign_transaction(transaction, known, keyring, hash_type, verify, daemon.go_on)
        return signed.to_json()

    return await daemon.off_loop(sign)


def _prevouts(transaction: Transaction) -> tuple[OutPoint, ...]:
    """What a transaction spends; slow for one of many inputs or outputs."""
    return transaction.prevouts


def _keyring(texts: list[Json], network: Network) -> Keyring:
    """The keys of a caller; slow for many.

    Raises:
        RpcError: one is none.
    """
    keyring = Keyring()
    for text in expect_texts(texts):
        secret, compressed = _secret(text, network)
        keyring.add_secret(secret, compressed=compressed)
    return keyring


@method("rawtransactions", shown={"txs": '["hexstring",...]'})
async def combinerawtransaction(daemon: Daemon, txs: list[str]) -> Json:
    """Combine multiple partially signed transactions into one transaction.
    The combined transaction may be another partially signed transaction or a fully signed
    transaction.

    Args:
        txs: The hex strings of partially signed transactions

    Returns:
        "str"    (string) The hex-encoded raw transaction with signature(s)
    """
    variants = await daemon.off_loop(_variants, txs)
    coins = await find_outputs(daemon, await daemon.off_loop(_prevouts, variants[0]))
    return await daemon.off_loop(_merged, variants, coins)


def _variants(texts: list[Json]) -> list[Transaction]:
    found = [
        decode_hex_transaction(
            text,
            f"TX decode failed for tx {place}. Make sure the tx has at least one input.",
        )
        for place, text in enumerate(expect_texts(texts))
    ]
    if not found:
        raise RpcError(Code.DESERIALIZATION, "Missing transactions")
    return found


def _merged(variants: list[Transaction], coins: Mapping[OutPoint, TxOut | None]) -> str:
    spent: list[TxOut] = []
    for prevout in variants[0].prevouts:
        output = coins.get(prevout)
        if output is None:
            raise RpcError(Code.VERIFY, "Input not found or already spent")
        spent.append(output)
    return combine_signatures(variants, spent, InputVerifier()).raw.hex()
