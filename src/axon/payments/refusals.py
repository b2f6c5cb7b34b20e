"""Why nodes would not take a payment, in words for a person.

The pool gives Bitcoin Core's reasons; each of those that a payment can meet has a sentence here.
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
