"""Messages between wallets: each has exactly one form of bytes, and nothing else is one."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from axon.errors import DecodeError
from axon.machine import Endpoint
from axon.payments.chainmessages import CF, GetCF, GetHdrs, GetProof, Hdrs, ProofMessage
from axon.payments.linkkeys import invoice_hint, wallet_magic
from axon.payments.linkmessages import (
    MAX_FEATURES,
    MAX_HELLO_BYTES,
    MAX_REASON_SIZE,
    Auth,
    Bye,
    Hello,
)
from axon.payments.messages import (
    ANSWERS,
    MAX_BULK_BYTES,
    MAX_DETAIL_SIZE,
    MAX_PAYLOAD_BYTES,
    MAX_QUERY_SIZE,
    MAX_RECEIPT_BYTES,
    MAX_URI_SIZE,
    GetInvoice,
    InvoiceMessage,
    LinkMessage,
    PayjoinAnswer,
    PayjoinOffer,
    PaymentMessage,
    ReceiptMessage,
    VerdictMessage,
    decode_link_message,
)
from axon.payments.partneraddress import PartnerAddress
from axon.payments.partnermessages import MAX_TOLD, GetPartners, Partners
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.header import Header
from axon.primitives.hosttext import onion_name
from axon.primitives.network import MAINNET, NETWORKS, REGTEST
from axon.wire.messages import Feature
from axon.wire.messages.headers import MAX_HEADERS, MAX_LOCATOR
from axon.wire.v2names import encode_name

KINDS = get_args(LinkMessage)
HASH = bytes(range(32))
TXID = Txid(HASH)
BLOCK = BlockHash(HASH)


def texts(most: int, least: int = 0) -> SearchStrategy[str]:
    signs = st.characters(min_codepoint=32, max_codepoint=126)
    return st.text(signs, min_size=least, max_size=min(most, 60))


hashes = st.binary(min_size=32, max_size=32)
txids = hashes.map(Txid)
blocks = hashes.map(BlockHash)
heights = st.integers(0, 2**32 - 1)
bulk = st.binary(min_size=1, max_size=300)
features = st.lists(
    st.builds(
        Feature,
        st.text(st.characters(max_codepoint=255), min_size=4, max_size=80),
        st.binary(max_size=512),
    ),
    max_size=MAX_FEATURES,
    unique_by=lambda feature: feature.feature_id,
).map(tuple)
verdicts = st.builds(
    VerdictMessage,
    txids,
    st.integers(1, 6),
    st.integers(-1, 2**31 - 1),
    st.integers(0, 65_535),
    st.just(""),
    texts(MAX_DETAIL_SIZE),
) | st.builds(
    VerdictMessage,
    txids,
    st.just(0),
    st.integers(-1, 2**31 - 1),
    st.integers(0, 65_535),
    texts(MAX_REASON_SIZE, 1),
    texts(MAX_DETAIL_SIZE),
)
hosts = st.sampled_from(["10.0.0.1", "127.0.0.1", "2001:db8::1", onion_name(HASH)])
partners = st.builds(PartnerAddress, hashes, st.builds(Endpoint, hosts, st.integers(1, 65_535)))
messages: SearchStrategy[LinkMessage] = st.one_of(
    st.builds(Hello, st.integers(1, 65_535), features, st.just(b"") | hashes),
    st.builds(Auth, st.binary(min_size=64, max_size=64)),
    st.just(GetInvoice()),
    st.builds(InvoiceMessage, texts(MAX_URI_SIZE, 1)),
    st.builds(PaymentMessage, bulk),
    verdicts,
    st.builds(PayjoinOffer, texts(MAX_QUERY_SIZE), bulk),
    st.builds(PayjoinAnswer, psbt=bulk),
    st.builds(PayjoinAnswer, texts(MAX_REASON_SIZE, 1), texts(MAX_DETAIL_SIZE)),
    st.builds(ReceiptMessage, st.text(min_size=1, max_size=60)),
    st.builds(GetProof, txids),
    st.builds(ProofMessage, txids, st.binary(max_size=300)),
    st.builds(GetHdrs, st.lists(blocks, max_size=MAX_LOCATOR).map(tuple), blocks),
    st.builds(
        Hdrs,
        st.lists(st.binary(min_size=80, max_size=80).map(Header), max_size=5).map(tuple),
    ),
    st.builds(GetCF, heights, blocks, st.booleans()),
    st.just(GetPartners()),
    st.builds(Partners, st.lists(partners, max_size=MAX_TOLD).map(tuple)),
    st.builds(CF, heights, blocks, hashes, st.lists(hashes, max_size=5).map(tuple)),
    st.builds(
        CF,
        heights,
        blocks,
        hashes,
        st.just(()),
        st.lists(st.binary(max_size=50), max_size=5).map(tuple),
    ),
    st.builds(Bye, texts(MAX_REASON_SIZE)),
)


@given(messages)
def test_what_is_written_is_read(message: LinkMessage) -> None:
    payload = message.encode()
    assert decode_link_message(message.command, payload) == message
    assert len(payload) <= MAX_PAYLOAD_BYTES


@given(st.sampled_from(KINDS), st.binary(max_size=200))
def test_any_bytes_are_one_message_in_one_form_or_none(
    kind: type[LinkMessage], data: bytes
) -> None:
    try:
        message = kind.decode(data)
    except DecodeError:
        return
    assert message.encode() == data


@given(messages, st.binary(min_size=1, max_size=3))
def test_nothing_may_stand_behind_a_message(message: LinkMessage, more: bytes) -> None:
    """Or it is part of it, where the last part is as long as the payload."""
    try:
        longer = decode_link_message(message.command, message.encode() + more)
    except DecodeError:
        return
    assert longer != message
    assert longer.encode() == message.encode() + more


@given(messages)
def test_a_message_cut_short_is_another_or_none(message: LinkMessage) -> None:
    payload = message.encode()
    for size in range(len(payload)):
        try:
            shorter = decode_link_message(message.command, payload[:size])
        except DecodeError:
            continue
        assert shorter.encode() == payload[:size]


def test_names_are_those_of_the_specification_in_their_long_form() -> None:
    names = "hello auth getinvoice invoice payment verdict pjoffer pjanswer receipt getproof proof"
    assert [kind.command for kind in KINDS] == [
        *names.split(),
        *"gethdrs hdrs getcf cf getpartners partners bye".split(),
    ]
    assert all(len(encode_name(kind.command)) == 13 for kind in KINDS)
    assert set(ANSWERS) | set(ANSWERS.values()) < {kind.command for kind in KINDS}


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        (Hello(), "0100 00 00"),
        (
            Hello(2, (Feature("BIP321", b"\x07"),), HASH),
            f"0200 01 09 06424950333231 0107 20{HASH.hex()}",
        ),
        (Auth(bytes(64)), "00" * 64),
        (GetInvoice(), ""),
        (InvoiceMessage("bitcoin:a"), b"bitcoin:a".hex()),
        (PaymentMessage(b"\x01\x02"), "0102"),
        (VerdictMessage(TXID, 5, 800_000, 8, "", "ok"), f"{HASH.hex()} 05 00350c00 0800 00 026f6b"),
        (VerdictMessage(TXID, 0, reason="no"), f"{HASH.hex()} 00 ffffffff 0000 026e6f 00"),
        (PayjoinOffer("v=1", b"psbt"), "03763d31 70736274"),
        (PayjoinAnswer(psbt=b"psbt"), "00 00 70736274"),
        (PayjoinAnswer("unavailable", "no"), "0b756e617661696c61626c65 026e6f"),
        (ReceiptMessage("é"), "c3a9"),
        (GetProof(TXID), HASH.hex()),
        (ProofMessage(TXID, b"\x05"), f"{HASH.hex()} 05"),
        (GetHdrs((BLOCK,)), f"01 {HASH.hex()} {bytes(32).hex()}"),
        (Hdrs((MAINNET.genesis.header,)), f"01 {MAINNET.genesis.header.raw.hex()}"),
        (GetCF(1, BLOCK, hashes_only=True), f"01000000 {HASH.hex()} 01"),
        (GetPartners(), ""),
        (
            Partners((PartnerAddress(HASH, Endpoint("10.0.0.1", 9735)),)),
            f"01 {HASH.hex()} 01 04 0a000001 2607",
        ),
        (
            CF(1, BLOCK, HASH, filters=(b"\x00", b"\x01\x02")),
            f"01000000 {HASH.hex()} {HASH.hex()} 00 02 0100 020102",
        ),
        (Bye("done"), "04646f6e65"),
    ],
)
def test_bytes_of_each_message(message: LinkMessage, payload: str) -> None:
    assert message.encode() == bytes.fromhex(payload)
    assert decode_link_message(message.command, message.encode()) == message


@pytest.mark.parametrize(
    ("command", "payload", "expected"),
    [
        ("ping", bytes(8), "a message between wallets"),
        ("", b"", "a message between wallets"),
        ("hello", bytes.fromhex("00000000"), "a version from 1"),
        ("hello", bytes.fromhex("01001100"), "at most 16 features"),
        ("hello", bytes.fromhex("0100000101"), "a hint of 32 bytes or none"),
        ("hello", bytes.fromhex("0100 02 05 0461626364 05 0461626364 00"), "as BIP 434 has it"),
        ("hello", bytes.fromhex("0100 02 06 046162636400 06 046162636400 00"), "each feature once"),
        ("auth", bytes(63), "a signature of 64 bytes"),
        ("auth", bytes(65), "a signature of 64 bytes"),
        ("getinvoice", b"\x00", "the end"),
        ("invoice", b"", "a URI of 1 to"),
        ("invoice", b"a" * (MAX_URI_SIZE + 1), "a URI of 1 to"),
        ("invoice", b"bitcoin:\x1b[2J", "printable ASCII"),
        ("payment", b"", "a packet of 1 to"),
        ("payment", bytes(MAX_BULK_BYTES + 1), "a packet of 1 to"),
        ("verdict", HASH + bytes.fromhex("07 00000000 0000 00 00"), "a level from 0 to 6"),
        ("verdict", HASH + bytes.fromhex("01 feffffff 0000 00 00"), "a height"),
        ("verdict", HASH + bytes.fromhex("00 00000000 0000 00 00"), "a reason where"),
        ("verdict", HASH + bytes.fromhex("01 00000000 0000 0161 00"), "a reason where"),
        ("verdict", HASH + bytes.fromhex("01 00000000 0000 00 017f"), "printable ASCII"),
        ("verdict", HASH + bytes.fromhex("01 00000000 0000 00 00 00"), "the end"),
        ("pjoffer", b"\x00", "a PSBT of 1 to"),
        ("pjoffer", b"\xfd\xe9\x03" + bytes(1_002), "at most 1000"),
        ("pjanswer", b"\x00\x00", "a PSBT of 1 to"),
        ("pjanswer", b"\x01a\x00psbt", "the end"),
        ("pjanswer", b"\x00\x01apsbt", "no message without an error"),
        ("receipt", b"", "a receipt of 1 to"),
        ("receipt", bytes(MAX_RECEIPT_BYTES + 1), "a receipt of 1 to"),
        ("receipt", b"\xff", "UTF-8"),
        ("getproof", bytes(31), "32 bytes"),
        ("proof", bytes(31), "32 bytes"),
        ("proof", bytes(400_033), "a proof of at most"),
        ("gethdrs", b"\x66" + bytes(32 * 103), "at most 101 hashes"),
        ("gethdrs", b"\x00" + bytes(33), "the end"),
        ("hdrs", b"\xfd\xd1\x07" + bytes(80 * (MAX_HEADERS + 1)), "at most 2000 headers"),
        ("hdrs", b"\x01" + bytes(79), "1 headers"),
        ("getcf", bytes(36) + b"\x02", "0 or 1"),
        ("getcf", bytes(38), "the end"),
        ("cf", bytes(68) + b"\x01" + bytes(32) + b"\x01\x00", "no filters behind hashes"),
        ("cf", bytes(68) + b"\xfd\xd1\x07", "at most 2000 filter hashes"),
        ("cf", bytes(69) + b"\xfd\xe9\x03" + bytes(1_001), "at most 1000 filters"),
        ("getpartners", b"\x00", "the end"),
        ("partners", b"\x11" + bytes(17 * 40), "at most 16 partners"),
        ("partners", b"\x01" + HASH + bytes.fromhex("01 04 00000000 0001"), "an endpoint"),
        ("partners", b"\x01" + HASH + bytes.fromhex("05 20") + bytes(34), "an endpoint"),
        ("bye", b"\x65" + b"a" * 101, "at most 100"),
        ("bye", b"\x01\n", "printable ASCII"),
        ("bye", b"", "a compact size"),
    ],
)
def test_what_is_no_message_says_why(command: str, payload: bytes, expected: str) -> None:
    with pytest.raises(DecodeError, match=expected):
        decode_link_message(command, payload)


def test_the_longest_hello_fits() -> None:
    many = tuple(
        Feature(f"{number:03}".ljust(80, "x"), bytes(512)) for number in range(MAX_FEATURES)
    )
    assert len(Hello(1, many, bytes(32)).encode()) == MAX_HELLO_BYTES


def test_secrets_show_in_no_text() -> None:
    secret = "secret-secret"
    shown = [
        Hello(hint=secret.encode()),
        Auth(secret.encode()),
        InvoiceMessage(secret),
        PaymentMessage(secret.encode()),
        PayjoinOffer("v=1", secret.encode()),
        PayjoinAnswer(psbt=secret.encode()),
        ReceiptMessage(secret),
        ProofMessage(TXID, secret.encode()),
    ]
    assert secret not in repr(shown)


def test_a_wallet_is_no_node_and_networks_are_apart() -> None:
    magics = [wallet_magic(network) for network in NETWORKS.values()]
    assert len(set(magics)) == len(magics)
    assert not set(magics) & {network.magic for network in NETWORKS.values()}
    assert wallet_magic(MAINNET).hex() == "5d3cbb52"
    assert wallet_magic(REGTEST).hex() == "ea0eb058"


def test_a_hint_is_of_one_invoice_on_one_connection() -> None:
    hint = invoice_hint(HASH, HASH)
    assert hint.hex() == "b954fec96c9a67aea0997f8d03fe3fd82a2071a60f4aec4f844a389d0417992c"
    assert invoice_hint(HASH, bytes(32)) != hint != invoice_hint(bytes(32), HASH)
