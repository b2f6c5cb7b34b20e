"""Addresses against the vectors of BIP 173 and BIP 350, and against their own encoder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.address import (
    base58check_decode,
    base58check_encode,
    decode_address,
    encode_address,
)
from axon.primitives.network import MAINNET, NETWORKS, REGTEST, TESTNET4, Network

VALID = [
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    (
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
    ),
    ("BC1SW50QGDZ25J", "6002751e"),
    (
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac"),
    ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87"),
]

INVALID = [
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jJ0",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "bc1gmk9yu",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "",
    "1",
    "0OIl",
]


@pytest.mark.parametrize(("text", "script_hex"), VALID)
def test_known_addresses(text: str, script_hex: str) -> None:
    script = bytes.fromhex(script_hex)
    assert decode_address(text, MAINNET) == script
    encoded = encode_address(script, MAINNET)
    assert encoded == (text.lower() if text.lower().startswith("bc1") else text)


@pytest.mark.parametrize("text", INVALID)
def test_refused_addresses(text: str) -> None:
    with pytest.raises(DecodeError):
        decode_address(text, MAINNET)


@pytest.mark.parametrize(
    ("network", "form"),
    [
        (MAINNET, "an address of main (bc1..., 1..., 3...)"),
        (TESTNET4, "an address of testnet4 (tb1..., m.../n..., 2...)"),
        (REGTEST, "an address of regtest (bcrt1..., m.../n..., 2...)"),
    ],
)
def test_what_is_no_address_is_told_how_one_begins(network: Network, form: str) -> None:
    for text in ("", "aaaa"):
        with pytest.raises(DecodeError) as refused:
            decode_address(text, network)
        assert str(refused.value) == f"expected {form} with a valid base58 checksum"
    with pytest.raises(DecodeError) as refused:
        decode_address("n0pe", network)
    assert str(refused.value) == f"expected {form} with a base58 character at character 1"
    with pytest.raises(DecodeError) as refused:
        decode_address(base58check_encode(bytes(33)), network)
    assert str(refused.value) == f"expected {form}"


def test_an_address_of_another_network_is_named() -> None:
    with pytest.raises(DecodeError, match="of regtest, not of main"):
        decode_address(VALID[0][0], REGTEST)


@given(
    st.sampled_from([MAINNET, TESTNET4, REGTEST]),
    st.integers(0, 16),
    st.binary(min_size=2, max_size=40),
)
def test_witness_round_trip(network: Network, version: int, program: bytes) -> None:
    script = bytes((0x50 + version if version else 0, len(program))) + program
    text = encode_address(script, network)
    if version == 0 and len(program) not in (20, 32):
        assert text is None
    else:
        assert text is not None
        assert decode_address(text, network) == script


@given(st.binary(max_size=60))
def test_base58_round_trip(payload: bytes) -> None:
    assert base58check_decode(base58check_encode(payload)) == payload


@given(st.text(max_size=100), st.sampled_from(sorted(NETWORKS)))
def test_any_text_is_an_address_or_a_decode_error(text: str, name: str) -> None:
    network = NETWORKS[name]
    try:
        script = decode_address(text, network)
    except DecodeError:
        return
    assert encode_address(script, network) is not None
