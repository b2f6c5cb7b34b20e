"""What a wallet signs of transactions and PSBTs that others made; what they would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from axon.consensus.inputs import InputVerifier
from axon.primitives.transaction import OutPoint, Transaction, TxOut, outpoint, outpoint_txid
from axon.psbt.keyring import Keyring
from axon.psbt.partial import PartialTransaction
from axon.psbt.signing import extract
from axon.rpc.amounts import Amount, Json
from axon.rpc.corewallet.access import require_unlocked
from axon.rpc.corewallet.reach import seen_by, wallet_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import find_outputs
from axon.rpc.methods.psbts import read_psbt
from axon.rpc.parameters import expect_texts
from axon.rpc.shapes.drafts import parse_sighash
from axon.rpc.shapes.prevtxs import read_prevtxs
from axon.rpc.shapes.signed import sign_transaction
from axon.rpc.shapes.transactions import decode_hex_transaction

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

MAX_SIMULATED = 1_000
"""Transactions of one call."""


@method("wallet")
async def walletprocesspsbt(
    daemon: Daemon,
    call: Call,
    psbt: str,
    sign: bool = True,
    sighashtype: str | None = None,
    bip32derivs: bool = True,
    finalize: bool = True,
) -> Json:
    """Update a PSBT with input information from our wallet and then sign inputs that we can sign
    for. Requires wallet passphrase to be set with walletpassphrase call if wallet is encrypted.

    Args:
        psbt: The transaction base64 string
        sign: Also sign the transaction when updating (requires wallet to be unlocked)
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
    wallet = await seen_by(daemon, call)
    read = await daemon.off_loop(read_psbt, psbt)
    hash_type = parse_sighash(sighashtype)
    return await wallet.ask(_Process(read, sign, hash_type, bip32derivs, finalize))


@dataclass(frozen=True, slots=True)
class _Process:
    psbt: PartialTransaction
    sign: bool
    hash_type: int | None
    derivations: bool
    finalize: bool

    def run(self, desk: DescriptorDesk) -> Json:
        if self.sign:
            require_unlocked(desk)
        psbt = self.psbt
        whole = desk.process(
            psbt,
            sign=self.sign,
            hash_type=self.hash_type,
            derivations=self.derivations,
            finalize=self.finalize,
        )
        shown: dict[str, Json] = {"psbt": psbt.to_base64(), "complete": whole}
        if whole:
            shown["hex"] = extract(psbt).raw.hex()
        return shown


_PREVTXS: Final = (
    '[{"txid":"hex","vout":n,"scriptPubKey":"hex","redeemScript":"hex","witnessScript":"hex",'
    '"amount":amount},...]'
)


@method("wallet", shown={"prevtxs": _PREVTXS})
async def signrawtransactionwithwallet(
    daemon: Daemon,
    call: Call,
    hexstring: str,
    prevtxs: list[Json] | None = None,
    sighashtype: str | None = None,
) -> Json:
    """Sign inputs for raw transaction (serialized, hex-encoded). Requires wallet passphrase to be
    set with walletpassphrase call if wallet is encrypted.

    Args:
        hexstring: The transaction hex string
        prevtxs: The previous dependent transaction outputs, each {"txid":"hex","vout":n,
            "scriptPubKey":"hex","redeemScript":"hex","witnessScript":"hex","amount":amount}
        sighashtype: The signature hash type: DEFAULT, ALL, NONE, SINGLE, or one of the last three
            with |ANYONECANPAY

    Returns:
        {                             (json object)
          "hex" : "hex",              (string) The hex-encoded raw transaction with signature(s)
          "complete" : true|false,    (boolean) If the transaction has a complete set of signatures
          "errors" : [ {...}, ... ]   (json array, optional) Script verification errors
        }
    """
    wallet = wallet_of(daemon, call)
    transaction = await daemon.off_loop(decode_hex_transaction, hexstring)
    await wallet.ask(_RequireKeys())
    known: dict[OutPoint, TxOut | None] = dict(await find_outputs(daemon, transaction.prevouts))
    keyring = Keyring()
    await daemon.off_loop(read_prevtxs, prevtxs or [], known, keyring)
    hash_type = parse_sighash(sighashtype) or 0
    return await wallet.ask(_SignRaw(transaction, known, keyring, hash_type))


@dataclass(frozen=True, slots=True)
class _RequireKeys:
    def run(self, desk: DescriptorDesk) -> None:
        require_unlocked(desk)


@dataclass(frozen=True, slots=True)
class _SignRaw:
    transaction: Transaction
    known: Mapping[OutPoint, TxOut | None]
    keyring: Keyring
    hash_type: int

    def run(self, desk: DescriptorDesk) -> Json:
        known = dict(self.known)
        for prevout in self.transaction.prevouts:
            if known.get(prevout) is None:
                known[prevout] = desk.wallet.ledger.output(prevout)
        scripts = [output.script_pubkey for output in known.values() if output is not None]
        own = desk.keyring_of(scripts)
        own.scripts |= self.keyring.scripts
        signed = sign_transaction(
            self.transaction, known, own, self.hash_type, InputVerifier(), lambda: None
        )
        return signed.to_json()


@method(
    "wallet",
    shown={"rawtxs": '["rawtx",...]', "options": '{"include_watchonly":bool,...}'},
)
async def simulaterawtransaction(
    daemon: Daemon,
    call: Call,
    rawtxs: list[str] | None = None,
    *,
    include_watchonly: Json = None,
) -> Json:
    """Calculate the balance change resulting in the signing and broadcasting of the given
    transaction(s).

    Args:
        rawtxs: An array of hex strings of raw transactions.
        include_watchonly: No longer used

    Returns:
        {                         (json object)
          "balance_change" : n    (numeric) The wallet balance change (negative means decrease).
        }
    """
    del include_watchonly
    wallet = await seen_by(daemon, call)
    if rawtxs is None:
        raise RpcError(Code.TYPE, "JSON value of type null is not of expected type array")
    texts = expect_texts(rawtxs)
    if len(texts) > MAX_SIMULATED:
        raise RpcError(Code.PARAMETER, f"at most {MAX_SIMULATED} transactions at a time")
    failed = "Transaction hex string decoding failure."
    items = [await daemon.off_loop(decode_hex_transaction, text, failed) for text in texts]
    made = {outpoint(item.txid, place) for item in items for place in range(len(item.outputs))}
    wanted = [point for item in items for point in item.prevouts if point not in made]
    found = await find_outputs(daemon, wanted)
    return await wallet.ask(_Simulate(tuple(items), found))


@dataclass(frozen=True, slots=True)
class _Simulate:
    items: tuple[Transaction, ...]
    found: Mapping[OutPoint, TxOut | None]

    def run(self, desk: DescriptorDesk) -> Json:
        book = desk.wallet.ledger.book
        new: dict[OutPoint, TxOut] = {}
        spent: dict[OutPoint, None] = {}
        change_sat = 0
        for item in self.items:
            for point in item.prevouts:
                if point in spent:
                    raise RpcError(
                        Code.PARAMETER,
                        "Transaction(s) are spending the same output more than once",
                    )
                output = new.get(point) or self.found.get(point)
                if output is None or self._is_gone(desk, point):
                    raise RpcError(
                        Code.PARAMETER,
                        "One or more transaction inputs are missing or have been spent already",
                    )
                spent[point] = None
                if book.find(output.script_pubkey):
                    change_sat -= output.amount_sat
            for place, output in enumerate(item.outputs):
                new[outpoint(item.txid, place)] = output
                if book.find(output.script_pubkey):
                    change_sat += output.amount_sat
        return {"balance_change": Amount(change_sat)}

    def _is_gone(self, desk: DescriptorDesk, point: OutPoint) -> bool:
        own = {item.txid for item in self.items}
        if outpoint_txid(point) in own or point not in desk.wallet.ledger.owned:
            return False
        return desk.wallet.holdings.how_spent(point).name != "NO"
