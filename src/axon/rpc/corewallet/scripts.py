"""What is said of a script of a wallet: where it comes from, whose address it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axon.errors import DecodeError
from axon.primitives.address import decode_address, encode_address
from axon.primitives.descriptor import Descriptor, with_checksum
from axon.primitives.network import Network
from axon.rpc.amounts import Json
from axon.rpc.errors import Code, RpcError
from axon.rpc.shapes.addresses import address_json

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk


def script_from(address: str, network: Network, refusal: str | None = None) -> bytes:
    """The script of an address.

    Args:
        refusal: what to say of a text that is none; None for what is wrong with it.

    Raises:
        RpcError: -5, it is none.
    """
    try:
        return decode_address(address, network)
    except DecodeError:
        reason = refusal or address_json(address, network)["error"]
        raise RpcError(Code.NOT_FOUND, str(reason)) from None


def address_of(script: bytes, network: Network) -> str:
    """The address of a script; empty if it has none."""
    return encode_address(script, network) or ""


def descriptor_of(desk: DescriptorDesk, script: bytes) -> Descriptor | None:
    """The descriptor of one script of ours, its keys with their origins."""
    book = desk.wallet.ledger.book
    place = book.find(script)
    if place is None:
        return None
    family = book.parsed(place.keychain)
    scripts = family.scripts(place.index)
    return family.fixed(place.index)[scripts.index(script)]


def solved_text(desk: DescriptorDesk, script: bytes) -> str | None:
    """The same as text with its checksum; None if it does not say how to spend."""
    found = descriptor_of(desk, script)
    return with_checksum(str(found)) if found is not None and found.is_solvable else None


def parents(desk: DescriptorDesk, script: bytes) -> list[Json]:
    """The descriptors of the wallet that lead to a script."""
    book = desk.wallet.ledger.book
    place = book.find(script)
    return [] if place is None else [book.text(place.keychain)]


def with_address(script: bytes, network: Network) -> dict[str, Json]:
    """The address of a script as a field, if it has one."""
    address = encode_address(script, network)
    return {} if address is None else {"address": address}
