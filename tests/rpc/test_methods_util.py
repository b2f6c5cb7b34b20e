"""Addresses, descriptors and indexes, asked of a real node."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from axon.errors import DecodeError
from axon.p2p.banlist import Subnet
from axon.primitives.address import decode_address
from axon.primitives.addressfaults import address_fault
from axon.primitives.descriptor import descriptor_checksum
from axon.primitives.netaddress import NetAddress
from axon.primitives.network import MAINNET, REGTEST
from axon.rpc.endpoints import parse_endpoint
from axon.rpc.errors import RpcError
from axon.rpc.shapes.addresses import address_json
from tests.rpc.running import Rig, running

ROOT = (
    "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJC"
    "CRUcMRvmDUjyEmNUWwx8UbK"
)
PUBLIC_ROOT = (
    "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ"
    "76uZPStJRJCTKvosUCJZL5B"
)
KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("node")) as rig:
        yield rig


def _checked(text: str) -> str:
    return f"{text}#{descriptor_checksum(text)}"


# Addresses. Facts of BIP 173 and BIP 350.


@pytest.mark.parametrize(
    ("text", "script", "is_script", "version"),
    [
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "76a914", False, None),
        ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "a914", True, None),
        (
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "0014751e76e8199196d454941c45d1b3a323f1433bd6",
            False,
            0,
        ),
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "0014751e76e8199196d454941c45d1b3a323f1433bd6",
            False,
            0,
        ),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            True,
            1,
        ),
        ("bc1pfeessrawgf", "51024e73", True, None),
        ("BC1SW50QGDZ25J", "6002751e", None, 16),
    ],
)
def test_addresses(text: str, script: str, is_script: bool | None, version: int | None) -> None:
    shown = address_json(text, MAINNET)
    assert shown["isvalid"] is True
    assert shown["address"] == (text.lower() if text.startswith("BC1") else text)
    assert shown["scriptPubKey"].startswith(script)
    assert shown.get("isscript") == is_script
    assert shown["iswitness"] == text.lower().startswith("bc1")
    assert shown.get("witness_version") == version
    if version is not None:
        assert shown["scriptPubKey"].endswith(shown["witness_program"])


@pytest.mark.parametrize(
    ("text", "reason", "places"),
    [
        ("", "Invalid checksum or length of Base58 address (P2PKH or P2SH)", []),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "Invalid or unsupported Segwit", []),
        (
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
            "Invalid checksum or length of Base58 address (P2PKH or P2SH)",
            [],
        ),
        ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "unsupported Base58-encoded address.", []),
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "Invalid Bech32 checksum",
            [41],
        ),
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
            "Version 0 witness address must use Bech32 checksum",
            [],
        ),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            "Version 1+ witness address must use Bech32m checksum",
            [],
        ),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7he",
            "Invalid Bech32 checksum",
            [61],
        ),
        (
            "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
            "Invalid Base 32 character",
            [59],
        ),
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4",
            "Invalid character or mixed case",
            [40],
        ),
        (
            "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
            "Invalid Bech32 v0 address program size (16 bytes), per BIP141",
            [],
        ),
        (
            "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
            "Invalid Bech32 address witness version",
            [],
        ),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
            "Invalid padding in Bech32 data section",
            [],
        ),
        ("bc1" + "q" * 90, "Bech32 string too long", [90, 91, 92]),
        ("bc1" + "Q" * 90, "Bech32 string too long", [90, 91, 92]),
        ("bc1" + "q" * 5_000, "Bech32 string too long", list(range(90, 1_000))),
        ("1" * 5_000, "Invalid or unsupported Segwit (Bech32) or Base58 encoding.", []),
        ("bc1", "Invalid separator position", [2]),
    ],
)
def test_texts_that_are_no_address(text: str, reason: str, places: list[int]) -> None:
    shown = address_json(text, MAINNET)
    assert list(shown) == ["isvalid", "error_locations", "error"]
    assert shown["isvalid"] is False
    assert reason in shown["error"]
    assert shown["error_locations"] == places


LONG: Final = 8_000_000
READERS: Final[dict[str, Callable[[str], object]]] = {
    "validateaddress": lambda text: address_json(text, REGTEST),
    "address": lambda text: decode_address(text, REGTEST),
    "addressfault": lambda text: address_fault(text, REGTEST),
    "endpoint": lambda text: parse_endpoint(text, 8333),
    "host": lambda text: NetAddress.from_text(text, 8333),
    "subnet": Subnet.from_text,
}


@pytest.mark.parametrize("piece", ["1", "bcrt1q", "a.", "1:", "[", "/1"])
@pytest.mark.parametrize("name", READERS)
def test_a_text_too_long_for_a_name_is_not_even_looked_at(name: str, piece: str) -> None:
    text = piece * (LONG // len(piece))
    tracemalloc.start()
    with contextlib.suppress(DecodeError, RpcError):
        assert READERS[name](text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < LONG // 20


def test_validateaddress(rig: Rig) -> None:
    alice = rig.alice.address()
    assert rig.call("validateaddress", address=alice)["scriptPubKey"] == rig.alice.script.hex()
    assert rig.call("validateaddress", "foo")["isvalid"] is False


# Descriptors.


def test_a_descriptor_in_canonical_form(rig: Rig) -> None:
    text = f"pkh({ROOT}/0'/*)"
    public = f"pkh({PUBLIC_ROOT}/0'/*)"
    assert rig.call("getdescriptorinfo", text) == {
        "descriptor": _checked(public),
        "checksum": descriptor_checksum(text),
        "isrange": True,
        "issolvable": True,
        "hasprivatekeys": True,
    }
    assert rig.call("getdescriptorinfo", _checked(text))["checksum"] == descriptor_checksum(text)
    shown = rig.call("getdescriptorinfo", f"addr({rig.alice.address()})")
    assert (shown["issolvable"], shown["hasprivatekeys"], shown["isrange"]) == (False,) * 3
    several = rig.call("getdescriptorinfo", f"wpkh({PUBLIC_ROOT}/<0;1>/*)")
    assert several["multipath_expansion"] == [
        _checked(f"wpkh({PUBLIC_ROOT}/{step}/*)") for step in (0, 1)
    ]
    assert several["descriptor"] == several["multipath_expansion"][0]
    assert rig.refusal("getdescriptorinfo", "") == (
        -5,
        "'' is not a valid descriptor function",
    )


def test_derived_addresses(rig: Rig) -> None:
    """Facts of Bitcoin Core's functional test of `deriveaddresses`."""
    fixed = (
        "wpkh(tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2At"
        "HcQJCCRUcMRvmDUjyEmNUWwx8UbK/1/1/{})"
    )
    addresses = [
        "bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5",
        "bcrt1qhku5rq7jz8ulufe2y6fkcpnlvpsta7rq4442dy",
        "bcrt1qpgptk2gvshyl0s9lqshsmx932l9ccsv265tvaq",
    ]
    assert rig.call("deriveaddresses", _checked(fixed.format(0))) == addresses[:1]
    family = _checked(fixed.format("*"))
    assert rig.call("deriveaddresses", family, [1, 2]) == addresses[1:]
    assert rig.call("deriveaddresses", descriptor=family, range=2) == addresses
    both = _checked(fixed.format("<0;2>"))
    assert rig.call("deriveaddresses", both) == [addresses[:1], addresses[2:]]
    combo = rig.call("deriveaddresses", _checked(fixed.format(0).replace("wpkh", "combo")))
    assert len(combo) == 3
    assert combo[1] == addresses[0]


def test_addresses_that_cannot_be_derived(rig: Rig) -> None:
    refusal = rig.refusal
    assert refusal("deriveaddresses", "a") == (-5, "Missing checksum")
    family, one = _checked(f"wpkh({PUBLIC_ROOT}/*)"), _checked(f"wpkh({KEY})")
    assert refusal("deriveaddresses", family) == (
        -8,
        "Range must be specified for a ranged descriptor",
    )
    assert refusal("deriveaddresses", one, [0, 2]) == (
        -8,
        "Range should not be specified for an un-ranged descriptor",
    )
    for bounds, reason in (
        (10_000_000_000, "End of range is too high"),
        ([1_000_000_000, 1_001_000_000], "Range is too large"),
        ([2, 0], "Range specified as [begin,end] must not have begin after end"),
        ([-1, 0], "Range should be greater or equal than 0"),
    ):
        assert refusal("deriveaddresses", family, bounds) == (-8, reason)
    hardened = _checked(f"wpkh({PUBLIC_ROOT}/1h/*)")
    assert refusal("deriveaddresses", hardened, 0)[0] == -5
    for bare in (f"pk({KEY})", f"multi(1,{KEY})", "raw(51)"):
        assert refusal("deriveaddresses", _checked(bare)) == (
            -5,
            "Descriptor does not have a corresponding address",
        )


def test_indexes(rig: Rig) -> None:
    rig.mine(2)
    name = "basic block filter index"
    expected = {name: {"synced": True, "best_block_height": 2}}
    assert rig.call("getindexinfo") == expected
    assert rig.call("getindexinfo", name) == expected
    assert rig.call("getindexinfo", "foo") == {}
    assert rig.node.network is REGTEST
