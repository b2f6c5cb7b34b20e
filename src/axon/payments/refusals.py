"""Why a payment is refused, in words for a person, and what its payer can do about it.

The pool gives Bitcoin Core's reasons; each of those that a payment can meet has a sentence here.
What to do is said by the payer's own wallet: what stands in a payee's message is the payee's word.
"""

from __future__ import annotations

from typing import Final

from axon.primitives.verdict import Rejected

_SENTENCES: Final = {
    "min relay fee not met": "pays too small a fee ({detail} sat), so nodes would not pass it on",
    "bad-txns-in-belowout": "pays out more than it takes in ({detail})",
    "bad-txns-inputvalues-outofrange": "spends amounts that no coin can have",
    "bad-txns-vout-negative": "has an output with a negative amount",
    "bad-txns-vout-toolarge": "has an output with more bitcoin than there are",
    "bad-txns-txouttotal-toolarge": "pays out more bitcoin than there are",
    "bad-txns-premature-spend-of-coinbase": "spends a block's reward before 100 blocks have passed",
    "non-final": "is locked until a later block or time",
    "non-BIP68-final": "spends a coin that is locked for longer (BIP 68)",
    "dust": "has an output so small that nodes would not pass it on",
    "tx-size": "is so large that nodes would not pass it on",
    "version": "has a version that nodes do not pass on",
    "scriptpubkey": "pays a script of a form that nodes do not pass on",
    "datacarrier": "carries more data than nodes pass on",
    "bare-multisig": "pays a bare multisig, which nodes here do not pass on",
    "scriptsig-size": "has an input script that is longer than nodes pass on",
    "scriptsig-not-pushonly": "has an input script that does more than nodes pass on",
    "bad-txns-nonstandard-inputs": "spends an output of a form that nodes do not pass on",
    "bad-witness-nonstandard": "has a witness of a form that nodes do not pass on",
    "bad-txns-too-many-sigops": "asks for more signature checks than nodes make",
    "TRUC-violation": "does not keep to the rules of version 3 transactions (BIP 431)",
    "too-large-cluster": "builds on more unconfirmed transactions than nodes keep together",
}


def in_words(who: str, refused: Rejected) -> str:
    """A refusal of the pool for a person.

    Args:
        who: the transaction, as the subject of the sentence.
        refused: why; a reason that is not known here is named as it is.
    """
    known = _SENTENCES.get(refused.reason)
    if known is None:
        return f"{who} would not be passed on by nodes ({refused})"
    return f"{who} {known.format(detail=refused.detail)}"


_ON_CHAIN: Final = "Pay its address on chain with axon wallet send"
_AGAIN: Final = "Bring your wallet up to date with axon wallet sync, and pay again"
_RESCAN: Final = "Let axon wallet rescan read the proofs of your coins anew, and pay again"
_ANEW: Final = "Draft the payment anew from the invoice"

_ADVICE: Final = {
    "block-above-tip": "Pay again when the payee's wallet has seen that block",
    "block-below-root": _ON_CHAIN,
    "block-not-in-chain": f"{_AGAIN}; if it is refused again, one of you is on another chain",
    "bad-coinbase-branch": _RESCAN,
    "bad-branch": _RESCAN,
    "repeated-leaf": _RESCAN,
    "inner-node-size": "Pay with another coin: --coin names it",
    "wrong-address": _ANEW,
    "wrong-amount": _ANEW,
    "min relay fee not met": "Pay again with a higher fee: --fee-rate names it",
    "non-final": "Pay again when that time has come, or with another coin: --coin names it",
    "non-BIP68-final": "Pay with another coin: --coin names it",
    "bad-txns-premature-spend-of-coinbase": "Pay with another coin: --coin names it",
    "dust": "Pay more, or leave no such change: --coin names the coins to spend",
    "too-large-cluster": "Pay again when a block has what it builds on",
    "coin-spent": _AGAIN,
    "coin-unknown": _ON_CHAIN,
    "txn-mempool-conflict": "Pay with another coin: --coin names it",
    "expired": "Ask the payee for a new invoice",
    "paid-already": "Ask the payee for a new invoice, if more is to be paid",
    "not-kept": f"{_ON_CHAIN}, or pay again when the next block has come",
}


def what_next(reason: str) -> str:
    """What a payer can do about a refusal, one sentence without its stop.

    Args:
        reason: of the payee's verdict.
    """
    return _ADVICE.get(reason, f"{_ON_CHAIN}, or ask the payee")
