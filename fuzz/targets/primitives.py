"""Bitcoin's values: bytes of strangers, read and written again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Final

from axon.chain.filters import basic_filter, decode_filter, filter_elements, match_any
from axon.errors import DecodeError
from axon.primitives.address import decode_address, encode_address
from axon.primitives.block import Block, witness_commitment
from axon.primitives.encoding import Reader, compact_size, read_compact_size
from axon.primitives.hashes import BlockHash, Txid, sha256d
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.merkle import PartialMerkleTree, fold_branch, merkle_branch, merkle_root
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.network import NETWORKS, REGTEST
from axon.primitives.script import is_push_only, is_unspendable, ops, push, witness_program
from axon.primitives.solver import asm, kind_of, last_push, p2sh_sigops, sigops, solve
from axon.primitives.solver import witness_sigops as count_witness_sigops
from axon.primitives.target import bits_to_target, difficulty, target_to_bits, work
from axon.primitives.transaction import Transaction, scan_transaction
from fuzz.source import Source

_KEY: Final = BlockHash(bytes(range(32)))
_QUOTIENT_BITS, _INVERSE_RATE = 19, 784_931  # BIP 158's P and M.


def number(data: bytes) -> None:
    """A compact size is read in one form only."""
    with suppress(DecodeError):
        value, end = read_compact_size(data, 0, 2**64 - 1)
        assert compact_size(value) == data[:end]


def transaction(data: bytes) -> None:
    """A transaction is its parts, and its hashes and sizes follow from them."""
    try:
        read = Transaction.decode(data)
    except DecodeError:
        return
    assert read.encode() == data
    built = Transaction.build(read.version, read.inputs, read.outputs, read.locktime)
    assert built == read
    assert (built.txid, built.wtxid) == (read.txid, read.wtxid)
    bare = Transaction.decode(read.stripped)
    assert bare.txid == read.txid == sha256d(read.stripped)
    assert not bare.has_witness
    assert read.wtxid == sha256d(data)
    assert read.weight_wu == 3 * len(read.stripped) + len(data)
    assert read.vsize == -(-read.weight_wu // 4)
    assert read.prevouts == tuple(item.prevout for item in read.inputs)
    assert scan_transaction(b"\x00" + data + b"\x00", 1) == (read, len(data) + 1)


def block(data: bytes) -> None:
    """A block is its header and its transactions."""
    try:
        read = Block.decode(data)
    except DecodeError:
        return
    assert read.encode() == data
    assert Block.build(read.header, read.transactions).raw == data
    assert read.weight_wu == 3 * len(read.stripped()) + len(data)
    assert read.stripped_size_bytes == len(read.stripped())
    commitment = witness_commitment(read)
    assert commitment is None or len(commitment) == 32
    elements = filter_elements(read, [])
    assert match_any(basic_filter(read.hash, elements), read.hash, elements) == bool(elements)


def header(data: bytes) -> None:
    """A header is its six fields."""
    try:
        read = Header.decode(data)
    except DecodeError:
        assert len(data) != HEADER_SIZE
        return
    fields = (read.version, read.prev, read.merkle_root, read.time, read.bits, read.nonce)
    assert Header.build(*fields).encode() == data
    assert read.hash == sha256d(data)


def target(data: bytes) -> None:
    """The compact form of a target, as far as it can be one."""
    bits = int.from_bytes(data[:4], "little")
    full = bits_to_target(bits)
    assert 0 <= full < 2**256
    assert bits_to_target(target_to_bits(full)) <= full
    assert work(bits) >= 0
    if full:
        assert difficulty(bits) > 0


def merkle_proof(data: bytes) -> None:
    """A partial Merkle tree from a peer, and one of our own."""
    with suppress(DecodeError):
        tree = PartialMerkleTree.decode(Reader(data))
        assert PartialMerkleTree.decode(Reader(tree.encode())) == tree
        _, matched = tree.extract()
        assert all(0 <= place < tree.total for place, _ in matched)
        assert all(left < right for (left, _), (right, _) in pairwise(matched))
    source = Source(data)
    count = 1 + source.below(40)
    txids = [Txid(sha256d(bytes((place,)))) for place in range(count)]
    matches = [source.flag() for _ in range(count)]
    root, matched = PartialMerkleTree.build(txids, matches).extract()
    assert root == merkle_root(txids)
    assert matched == [(place, txids[place]) for place in range(count) if matches[place]]
    for place in range(count):
        assert fold_branch(txids[place], merkle_branch(txids, place), place) == root


def netaddress(data: bytes) -> None:
    """A host in the old form and in that of BIP 155, as bytes and as text."""
    with suppress(DecodeError):
        reader = Reader(data)
        old = NetAddress.decode_v1(reader)
        if old.fits_v1:
            assert NetAddress.decode_v1(Reader(old.encode_v1())) == old
        _check_host(old)
    with suppress(DecodeError):
        reader = Reader(data)
        new = NetAddress.decode_v2(reader)
        if new is not None:
            assert new.encode_v2() == data[: reader.offset]
            _check_host(new)


def _check_host(address: NetAddress) -> None:
    for lab in (False, True):
        assert not address.is_routable(lab) or address.is_valid()
        assert address.group(lab)
    if address.is_valid():
        cjdns = address.network is AddressNetwork.CJDNS
        assert NetAddress.from_text(address.to_text(), address.port, cjdns=cjdns) == address


def script(data: bytes) -> None:
    """Any bytes can be a script: what it is, what it costs, how it is shown."""
    with suppress(DecodeError):
        items = list(ops(data))
        if is_push_only(data):
            assert all(opcode <= 0x60 for opcode, _ in items)
    solved = solve(data)
    assert kind_of(data)
    asm(data)
    asm(data, sighash=True)
    assert 0 <= sigops(data) <= 20 * len(data)
    assert 0 <= sigops(data, accurate=True) <= sigops(data)
    assert p2sh_sigops(data) >= 0
    last_push(data)
    is_unspendable(data)
    program = witness_program(data)
    assert program is None or 2 <= len(program[1]) <= 40
    source = Source(data)
    assert count_witness_sigops(source.piece(), source.piece(), (source.piece(), data)) >= 0
    assert next(ops(push(data[:520])))[1] == data[:520] or len(data) <= 1
    for network in NETWORKS.values():
        address = encode_address(data, network)
        assert address is None or decode_address(address, network) == data
    assert solved == solve(data)


def block_filter(data: bytes) -> None:
    """A filter of a stranger, held against a reader that takes it bit by bit."""
    naive = _slow_filter(data)
    try:
        numbers: list[int] | None = decode_filter(data)
    except DecodeError:
        numbers = None
    assert numbers == naive
    with suppress(DecodeError):
        match_any(data, _KEY, [data, b"\x51"])


def _slow_filter(data: bytes) -> list[int] | None:
    """The numbers of a filter, read as BIP 158 says; None if it is none."""
    try:
        count, offset = read_compact_size(data, 0, len(data) * 8)
    except DecodeError:
        return None
    bits = [byte >> place & 1 for byte in data[offset:] for place in range(7, -1, -1)]
    numbers: list[int] = []
    last = at = 0
    for _ in range(count):
        quotient = 0
        while at < len(bits) and bits[at]:
            quotient, at = quotient + 1, at + 1
        at += 1
        if at + _QUOTIENT_BITS > len(bits):
            return None
        remainder = 0
        for _ in range(_QUOTIENT_BITS):
            remainder, at = remainder << 1 | bits[at], at + 1
        last += quotient << _QUOTIENT_BITS | remainder
        numbers.append(last)
    return numbers if len(bits) - at < 8 and not any(bits[at:]) else None


def filter_of_scripts(data: bytes) -> None:
    """A filter of our own holds what was put in."""
    source = Source(data)
    elements: dict[bytes, None] = {}
    while not source.is_empty and len(elements) < 50:
        elements[source.piece() or b"\x51"] = None
    built = basic_filter(_KEY, list(elements))
    numbers = decode_filter(built)
    assert len(numbers) == len(elements)
    assert numbers == sorted(numbers)
    assert all(number < len(elements) * _INVERSE_RATE for number in numbers)
    assert all(match_any(built, _KEY, [element]) for element in elements)
    assert not match_any(built, _KEY, [])
    assert not match_any(built, _KEY, [b""])


def address(data: bytes) -> None:
    """An address as somebody typed it."""
    text = data.decode("latin-1")
    for network in NETWORKS.values():
        with suppress(DecodeError):
            script = decode_address(text, network)
            written = encode_address(script, network)
            assert written is not None
            assert written == (text.lower() if written.startswith(network.bech32_hrp) else text)
    with suppress(DecodeError):
        typed = NetAddress.from_text(text, REGTEST.port)
        assert NetAddress.from_text(typed.to_text(), REGTEST.port) == typed


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "compact-size": number,
    "transaction": transaction,
    "block": block,
    "header": header,
    "target": target,
    "merkle-proof": merkle_proof,
    "netaddress": netaddress,
    "script": script,
    "block-filter": block_filter,
    "filter-of-scripts": filter_of_scripts,
    "address": address,
}
