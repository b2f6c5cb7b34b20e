"""What a wallet knows, as JSON: transactions, coins, drafts. Called in the wallet's lane."""

from __future__ import annotations

from collections.abc import Sequence

from axon.primitives.address import encode_address
from axon.primitives.hashes import to_hex
from axon.primitives.network import COINBASE_MATURITY
from axon.primitives.transaction import outpoint_index, outpoint_txid
from axon.rpc.amounts import Amount, Json
from axon.wallet.coins import WalletCoin
from axon.wallet.draft import Draft, Recipient, fee_question
from axon.wallet.finished import FinishedPayment, signature_fault
from axon.wallet.history import HistoryEntry, PaymentState
from axon.wallet.labels import LabelKind
from axon.wallet.wallet import Wallet


def entry_json(wallet: Wallet, entry: HistoryEntry) -> dict[str, Json]:
    """A transaction as `listtransactions` shows it."""
    shown: dict[str, Json] = {
        "txid": to_hex(entry.txid),
        "category": _category(entry),
        "state": str(entry.state),
        "amount": Amount(entry.net_sat),
        "confirmations": entry.confirmations,
        "time": entry.time_s,
        "label": entry.label or _address_label(wallet, entry.addresses),
        "addresses": list(entry.addresses),
    }
    if entry.sent_sat and entry.fee_sat is not None:
        shown["fee"] = Amount(entry.fee_sat)
    if entry.disputed:
        shown["disputed"] = True
    confirmation = wallet.ledger.confirmed.get(entry.txid)
    if confirmation is not None:
        shown |= {"blockheight": confirmation.height, "blockhash": to_hex(confirmation.hash)}
    return shown


def _category(entry: HistoryEntry) -> str:
    if entry.coinbase:
        if entry.state is not PaymentState.CONFIRMED:
            return "orphan"
        return "generate" if entry.confirmations > COINBASE_MATURITY else "immature"
    if entry.net_sat >= 0:
        return "receive"
    return "self" if entry.net_sat == -(entry.fee_sat or 0) else "send"


def _address_label(wallet: Wallet, addresses: tuple[str, ...]) -> str:
    labels = [wallet.label(LabelKind.ADDRESS, address) for address in addresses]
    return next(filter(None, labels), "")


def coin_json(wallet: Wallet, coin: WalletCoin) -> dict[str, Json]:
    """A coin as `listunspent` shows it."""
    return {
        "txid": to_hex(outpoint_txid(coin.outpoint)),
        "vout": outpoint_index(coin.outpoint),
        "address": coin.address,
        "label": coin.label or wallet.label(LabelKind.ADDRESS, coin.address),
        "amount": Amount(coin.amount_sat),
        "confirmations": coin.confirmations,
        "spendable": coin.spendable,
        "frozen": coin.frozen,
        "immature": coin.immature,
        "safe": coin.trusted,
        "change": coin.change,
    }


def draft_json(draft: Draft) -> dict[str, Json]:
    """What a payment would do, as `draftpayment` shows it."""
    shown: dict[str, Json] = {
        "psbt": draft.psbt.base64,
        "recipients": _recipients(draft.recipients),
        "amount": Amount(draft.amount_sat),
        "fee": Amount(draft.fee_sat),
        "feerate": draft.feerate_sat_kvb / 1_000,
        "vsize": draft.vsize,
        "change": Amount(draft.change_sat),
        "inputs": [
            {
                "txid": to_hex(outpoint_txid(item.outpoint)),
                "vout": outpoint_index(item.outpoint),
                "amount": Amount(item.amount_sat),
                "address": item.address,
                "ours": item.ours,
                "named": item.named,
            }
            for item in draft.inputs
        ],
    }
    question = fee_question(draft)
    if question is not None:
        shown["fee_question"] = question
    if draft.replaces is not None:
        shown["replaces"] = to_hex(draft.replaces)
    if draft.reduced_sat:
        shown["reduced"] = Amount(draft.reduced_sat)
    if draft.child_of is not None:
        shown["child_of"] = to_hex(draft.child_of)
    return shown


def finished_json(wallet: Wallet, made: FinishedPayment) -> dict[str, Json]:
    """What a finished transaction does, as `importpsbt` shows it."""
    transaction = made.transaction
    shown: dict[str, Json] = {
        "complete": not signature_fault(wallet, made),
        "txid": to_hex(transaction.txid),
        "recipients": _recipients(made.recipients),
        "amount": Amount(made.amount_sat),
        "vsize": transaction.vsize,
        "change": Amount(made.change_sat),
    }
    if made.fee_sat is not None:
        shown |= {"fee": Amount(made.fee_sat), "feerate": made.fee_sat / transaction.vsize}
    inputs: list[Json] = []
    for item in made.inputs:
        output = item.output
        inputs.append(
            {
                "txid": to_hex(outpoint_txid(item.outpoint)),
                "vout": outpoint_index(item.outpoint),
                "amount": None if output is None else Amount(output.amount_sat),
                "address": None
                if output is None
                else encode_address(output.script_pubkey, wallet.network),
                "ours": item.ours,
                "named": False,
            }
        )
    return shown | {"inputs": inputs}


def _recipients(recipients: Sequence[Recipient]) -> list[Json]:
    return [
        {
            "address": recipient.address,
            "script": recipient.script.hex(),
            "amount": Amount(recipient.amount_sat),
            "ours": recipient.ours,
        }
        for recipient in recipients
    ]
