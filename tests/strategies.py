"""What Hypothesis draws: every primitive and every message, each in all its legal forms."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from axon.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    BlockTxn,
    CFCheckpt,
    CFHeaders,
    CFilter,
    CmpctBlock,
    Feature,
    FeeFilter,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetAddr,
    GetBlocks,
    GetBlockTxn,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvItem,
    InvType,
    MempoolMessage,
    MerkleBlock,
    Message,
    NotFound,
    Ping,
    Pong,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    StaleTip,
    Tx,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.messages.compactblocks import Prefilled
from axon.wire.messages.staletips import MAX_STALE_HEADERS


def u8() -> SearchStrategy[int]:
    """8 bits, unsigned."""
    return st.integers(0, 2**8 - 1)


def u16() -> SearchStrategy[int]:
    """16 bits, unsigned."""
    return st.integers(0, 2**16 - 1)


def u32() -> SearchStrategy[int]:
    """32 bits, unsigned."""
    return st.integers(0, 2**32 - 1)


def u64() -> SearchStrategy[int]:
    """64 bits, unsigned."""
    return st.integers(0, 2**64 - 1)


def i32() -> SearchStrategy[int]:
    """32 bits, signed."""
    return st.integers(-(2**31), 2**31 - 1)


def i64() -> SearchStrategy[int]:
    """64 bits, signed."""
    return st.integers(-(2**63), 2**63 - 1)


def hashes() -> SearchStrategy[bytes]:
    """Any 32 bytes."""
    return st.binary(min_size=32, max_size=32)


def block_hashes() -> SearchStrategy[BlockHash]:
    """Any 32 bytes as a block's name."""
    return hashes().map(BlockHash)


def txids() -> SearchStrategy[Txid]:
    """Any 32 bytes as a transaction's name."""
    return hashes().map(Txid)


# Primitives.


def headers() -> SearchStrategy[Header]:
    """Any 80 bytes; hardly ever with proof of work."""
    return st.binary(min_size=HEADER_SIZE, max_size=HEADER_SIZE).map(Header)


def outpoints() -> SearchStrategy[OutPoint]:
    """Names of outputs."""
    return st.builds(outpoint, txids(), u32())


def scripts() -> SearchStrategy[bytes]:
    """Any bytes, now and then long enough for a compact size of three bytes."""
    return st.one_of(
        st.binary(max_size=40),
        st.builds(lambda byte, size: byte * size, st.binary(min_size=1, max_size=1), u16()),
    ).map(lambda script: script[:600])


def tx_outs() -> SearchStrategy[TxOut]:
    """Outputs with legal amounts."""
    return st.builds(TxOut, st.integers(0, MAX_MONEY_SAT), scripts())


def tx_ins() -> SearchStrategy[TxIn]:
    """Inputs with and without witness."""
    witness = st.lists(st.binary(max_size=80), max_size=3).map(tuple)
    return st.builds(TxIn, outpoints(), scripts(), u32(), witness)


def transactions() -> SearchStrategy[Transaction]:
    """Well-formed transactions, with and without witness; nothing signs them."""
    inputs = st.lists(tx_ins(), min_size=1, max_size=3)
    outputs = st.lists(tx_outs(), max_size=3)
    return st.builds(Transaction.build, u32(), inputs, outputs, u32())


def coinbases() -> SearchStrategy[Transaction]:
    """Transactions whose only input spends nothing."""
    inputs = st.builds(TxIn, st.just(NULL_OUTPOINT), st.binary(min_size=2, max_size=100))
    outputs = st.lists(tx_outs(), min_size=1, max_size=3)
    return st.builds(lambda coinbase, outs: Transaction.build(2, [coinbase], outs), inputs, outputs)


def blocks() -> SearchStrategy[Block]:
    """Well-formed blocks, coinbase first; the header fits nothing."""
    return st.builds(
        lambda header, coinbase, rest: Block.build(header, [coinbase, *rest]),
        headers(),
        coinbases(),
        st.lists(transactions(), max_size=3),
    )


def partial_merkle_trees() -> SearchStrategy[PartialMerkleTree]:
    """Sound proofs in the form in which they are read: flags in whole bytes."""

    def build(leaves: list[tuple[Txid, bool]]) -> PartialMerkleTree:
        tree = PartialMerkleTree.build([leaf[0] for leaf in leaves], [leaf[1] for leaf in leaves])
        padding = (False,) * (-len(tree.flags) % 8)
        return PartialMerkleTree(tree.total, tree.flags + padding, tree.hashes)

    leaf = st.tuples(txids(), st.booleans())
    return st.lists(leaf, min_size=1, max_size=20, unique_by=lambda pair: pair[0]).map(build)


_NOTABLE_HOSTS: Final = (
    "0.0.0.0",
    "127.0.0.1",
    "10.1.2.3",
    "8.8.8.8",
    "255.255.255.255",
    "::",
    "::1",
    "2001:db8::1",
    "2001:470:abcd::1",
    "2002:102:304::1",
    "64:ff9b::102:304",
    "fe80::1",
    "fd6b:88c0:8724::1",
    "2a01:4f8::1",
)

_HOST_SIZES: Final = {
    AddressNetwork.IPV4: 4,
    AddressNetwork.IPV6: 16,
    AddressNetwork.TORV3: 32,
    AddressNetwork.I2P: 32,
    AddressNetwork.CJDNS: 16,
}
_EMBEDDED: Final = (bytes(10) + b"\xff\xff", bytes.fromhex("fd87d87eeb43"))


def net_addresses(*networks: AddressNetwork) -> SearchStrategy[NetAddress]:
    """Addresses of these networks, of all if none is named; also such as name no host."""

    def drawn(network: AddressNetwork) -> SearchStrategy[NetAddress]:
        size = _HOST_SIZES[network]
        hosts = st.binary(min_size=size, max_size=size)
        if network is AddressNetwork.CJDNS:  # Nearly all of them in the one range that is valid.
            hosts |= hosts.map(lambda host: b"\xfc" + host[1:])
        if network is AddressNetwork.IPV6:  # IPv4 and Tor version 2 have forms of their own.
            hosts = hosts.filter(lambda host: not host.startswith(_EMBEDDED))
        return st.builds(NetAddress, st.just(network), hosts, u16())

    wanted = networks or tuple(AddressNetwork)
    notable = [NetAddress.from_text(host, 8333) for host in _NOTABLE_HOSTS]
    listed = [address for address in notable if address.network in wanted]
    return st.one_of(*map(drawn, wanted), *([st.sampled_from(listed)] if listed else []))


def v1_addresses() -> SearchStrategy[NetAddress]:
    """Addresses that fit into the 16-byte form."""
    return net_addresses(AddressNetwork.IPV4, AddressNetwork.IPV6)


def timed_addresses(
    addresses: SearchStrategy[NetAddress] | None = None,
) -> SearchStrategy[TimedAddress]:
    """Addresses as gossip passes them on."""
    chosen = net_addresses() if addresses is None else addresses
    return st.builds(TimedAddress, u32(), u64(), chosen)


# Messages.


def inv_items() -> SearchStrategy[InvItem]:
    """Things of known and unknown kinds."""
    return st.builds(InvItem, st.one_of(st.sampled_from(InvType).map(int), u32()), hashes())


def versions() -> SearchStrategy[Version]:
    """Version messages."""
    user_agents = st.text(st.characters(max_codepoint=255), max_size=256)
    return st.builds(
        Version,
        version=i32(),
        services=u64(),
        time=i64(),
        receiver=v1_addresses(),
        nonce=u64(),
        user_agent=user_agents,
        start_height=i32(),
        relay=st.booleans(),
        receiver_services=u64(),
        sender=v1_addresses(),
        sender_services=u64(),
    )


def stale_tips() -> SearchStrategy[StaleTip]:
    """A branch whose headers build on each other."""

    def branch(fork: BlockHash, drawn: list[Header], have_block: bool) -> StaleTip:
        previous, built = fork, []
        for header in drawn:
            built.append(Header(header.raw[:4] + previous + header.raw[36:]))
            previous = built[-1].hash
        return StaleTip(fork, tuple(built), have_block)

    drawn = st.lists(headers(), min_size=1, max_size=MAX_STALE_HEADERS)
    return st.builds(branch, block_hashes(), drawn, st.booleans())


def messages() -> SearchStrategy[Message]:
    """Any message that we speak, in any legal form."""
    return st.one_of(*MESSAGES.values())


_LOCATORS = st.lists(block_hashes(), max_size=5).map(tuple)
_ITEMS = st.lists(inv_items(), max_size=5).map(tuple)
_HASHES = st.lists(hashes(), max_size=5).map(tuple)
_FEATURE_IDS = st.binary(min_size=4, max_size=80).map(lambda name: name.decode("latin-1"))
_NONCES = st.one_of(st.none(), u64())

MESSAGES: Final[dict[type[Message], SearchStrategy[Message]]] = {
    Version: versions(),
    Verack: st.just(Verack()),
    WtxidRelay: st.just(WtxidRelay()),
    SendAddrV2: st.just(SendAddrV2()),
    Feature: st.builds(Feature, _FEATURE_IDS, st.binary(max_size=512)),
    SendHeaders: st.just(SendHeaders()),
    SendCmpct: st.builds(SendCmpct, u8(), u64()),
    FeeFilter: st.builds(FeeFilter, i64()),
    Ping: st.builds(Ping, _NONCES),
    Pong: st.builds(Pong, _NONCES),
    GetAddr: st.just(GetAddr()),
    Addr: st.builds(Addr, st.lists(timed_addresses(v1_addresses()), max_size=5).map(tuple)),
    AddrV2: st.builds(AddrV2, st.lists(timed_addresses(), max_size=5).map(tuple)),
    Inv: st.builds(Inv, _ITEMS),
    GetData: st.builds(GetData, _ITEMS),
    NotFound: st.builds(NotFound, _ITEMS),
    GetHeaders: st.builds(GetHeaders, _LOCATORS, block_hashes()),
    Headers: st.builds(Headers, st.lists(headers(), max_size=5).map(tuple)),
    GetBlocks: st.builds(GetBlocks, _LOCATORS, block_hashes()),
    CmpctBlock: st.builds(
        CmpctBlock.build,
        headers(),
        u64(),
        st.lists(st.binary(min_size=6, max_size=6), max_size=5),
        transactions().map(lambda transaction: [Prefilled(0, transaction)]),
    ),
    GetBlockTxn: st.builds(
        GetBlockTxn,
        block_hashes(),
        st.lists(st.integers(0, 0xFFFF), unique=True, max_size=5).map(sorted).map(tuple),
    ),
    BlockTxn: st.builds(BlockTxn.build, block_hashes(), st.lists(transactions(), max_size=3)),
    BlockMessage: blocks().map(lambda block: BlockMessage(block.raw)),
    Tx: st.builds(Tx, transactions()),
    MempoolMessage: st.just(MempoolMessage()),
    MerkleBlock: st.builds(MerkleBlock, headers(), partial_merkle_trees()),
    FilterLoad: st.builds(FilterLoad, st.binary(max_size=300), u32(), u32(), u8()),
    FilterAdd: st.builds(FilterAdd, st.binary(max_size=600)),
    FilterClear: st.just(FilterClear()),
    GetCFilters: st.builds(GetCFilters, u8(), u32(), block_hashes()),
    CFilter: st.builds(CFilter, u8(), block_hashes(), st.binary(max_size=300)),
    GetCFHeaders: st.builds(GetCFHeaders, u8(), u32(), block_hashes()),
    CFHeaders: st.builds(CFHeaders, u8(), block_hashes(), hashes(), _HASHES),
    GetCFCheckpt: st.builds(GetCFCheckpt, u8(), block_hashes()),
    CFCheckpt: st.builds(CFCheckpt, u8(), block_hashes(), _HASHES),
    StaleTip: stale_tips(),
}
"""How each message is drawn."""
