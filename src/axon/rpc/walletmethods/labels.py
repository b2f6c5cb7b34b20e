"""Labels on transactions, addresses and coins, and their exchange with other wallets (BIP 329)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.walletdaemon import WalletDaemon
from axon.wallet.labels import LabelKind
from axon.wallet.wallet import Wallet

_TXID: Final = re.compile(r"[0-9a-fA-F]{64}")


@method("wallet")
async def setlabel(daemon: WalletDaemon, target: str, label: str) -> Json:
    """Sets the label of a transaction, an address or a coin.

    Args:
        target: A txid, an address, or a coin as txid:vout
        label: The label; an empty one takes the label off

    Returns:
        null    (json null)
    """
    ref = target.strip()
    return await daemon.ask(_SetLabel(_kind(ref), ref, label))


@dataclass(frozen=True, slots=True)
class _SetLabel:
    kind: LabelKind
    ref: str
    label: str

    def run(self, wallet: Wallet) -> None:
        wallet.set_label(self.kind, self.ref, self.label)


@method("wallet")
async def exportlabels(daemon: WalletDaemon) -> Json:
    """Returns all labels and frozen coins as BIP 329 writes them.

    Returns:
        "str"    (string) Lines of JSON
    """
    return await daemon.ask(_ExportLabels())


@dataclass(frozen=True, slots=True)
class _ExportLabels:
    def run(self, wallet: Wallet) -> str:
        return wallet.export_labels()


@method("wallet")
async def importlabels(daemon: WalletDaemon, labels: str) -> Json:
    """Takes labels that a wallet has exported, line by line.

    What is malformed, of another wallet or of another network is left out and named.

    Args:
        labels: Lines of JSON as BIP 329 writes them

    Returns:
        {                        (json object)
          "taken" : n,           (numeric) lines that were taken
          "skipped" : n,         (numeric) lines that were left out
          "left_out" : [         (json array) the first hundred of them
            {                    (json object)
              "line" : n,        (numeric) which one, from 1
              "reason" : "str"   (string) why
            },
            ...
          ]
        }
    """
    return await daemon.ask(_ImportLabels(labels))


@dataclass(frozen=True, slots=True)
class _ImportLabels:
    labels: str

    def run(self, wallet: Wallet) -> Json:
        imported = wallet.import_labels(self.labels)
        return {
            "taken": imported.taken,
            "skipped": imported.skipped,
            "left_out": [{"line": each.line, "reason": each.reason} for each in imported.left_out],
        }


def _kind(ref: str) -> LabelKind:
    """What a text names, by its form."""
    if ":" in ref:
        return LabelKind.COIN
    return LabelKind.TRANSACTION if _TXID.fullmatch(ref) else LabelKind.ADDRESS
