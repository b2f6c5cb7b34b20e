"""Labels of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axon.primitives.address import encode_address
from axon.rpc.amounts import Json
from axon.rpc.corewallet.access import label_from
from axon.rpc.corewallet.reach import wallet_of
from axon.rpc.corewallet.scripts import address_of, script_from
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk


def address_book(desk: DescriptorDesk) -> Iterator[tuple[str, bytes, str, bool]]:
    """Addresses that were given out or labelled: address, script, label, whether it is ours."""
    wallet = desk.wallet
    book, met = wallet.ledger.book, dict[str, None]()
    for script in book.scripts():
        label = wallet.holdings.book_label(script)
        address = encode_address(script, wallet.network)
        if label is not None and address is not None:
            met[address] = None
            yield address, script, label, True
    for address, label in desk.address_labels():
        if address not in met:
            yield address, script_from(address, wallet.network), label, False


@method("wallet")
async def setlabel(daemon: Daemon, call: Call, address: str, label: str) -> Json:
    """Sets the label associated with the given address.

    Args:
        address: The bitcoin address to be associated with a label.
        label: The label to assign to the address.

    Returns:
        null    (json null)
    """
    script = script_from(address, daemon.node.network, "Invalid Bitcoin address")
    text = label_from(label)
    canonical = address_of(script, daemon.node.network)
    await wallet_of(daemon, call).ask(_SetLabel(canonical, text))


@dataclass(frozen=True, slots=True)
class _SetLabel:
    address: str
    label: str

    def run(self, desk: DescriptorDesk) -> None:
        desk.wallet.set_label(self.address, self.label)


@method("wallet")
async def listlabels(daemon: Daemon, call: Call, purpose: str = "") -> Json:
    """Returns the list of all labels, or labels that are assigned to addresses with a specific
    purpose.

    Args:
        purpose: Address purpose to list labels for ('send', 'receive'). An empty string is the same
            as not providing this argument.

    Returns:
        [ "str", ... ]    (json array) The labels
    """
    if purpose not in ("", "send", "receive"):
        raise RpcError(
            Code.PARAMETER,
            "Invalid 'purpose' argument, must be a known purpose string, typically 'send', or"
            " 'receive'.",
        )
    return await wallet_of(daemon, call).ask(_ListLabels(purpose))


@dataclass(frozen=True, slots=True)
class _ListLabels:
    purpose: str

    def run(self, desk: DescriptorDesk) -> Json:
        wanted = {"send": (False,), "receive": (True,)}.get(self.purpose, (True, False))
        return sorted({label for _, _, label, ours in address_book(desk) if ours in wanted})


@method("wallet")
async def getaddressesbylabel(daemon: Daemon, call: Call, label: str) -> Json:
    """Returns the list of addresses assigned the specified label.

    Args:
        label: The label.

    Returns:
        {                        (json object) with addresses as keys
          "address" : {          (json object)
            "purpose" : "str"    (string) Purpose of address ("send" or "receive")
          },
          ...
        }
    """
    found = await wallet_of(daemon, call).ask(_ByLabel(label_from(label)))
    if not found:
        raise RpcError(Code.INVALID_LABEL, f"No addresses with label {label}")
    return found


@dataclass(frozen=True, slots=True)
class _ByLabel:
    label: str

    def run(self, desk: DescriptorDesk) -> dict[str, Json]:
        return {
            address: {"purpose": "receive" if ours else "send"}
            for address, _, label, ours in address_book(desk)
            if label == self.label
        }
