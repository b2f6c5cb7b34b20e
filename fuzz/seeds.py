"""`python -m fuzz.seeds`: writes the first inputs of every target into `corpus/`.

They are made here and not collected, so that anybody can make them again; inputs that once failed
(`crash-...`) are left alone. All of them together stay below a megabyte.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable
from random import Random
from typing import Final

from axon.chain.filters import basic_filter
from axon.consensus.kernel_log import parse_checked
from axon.machine import SECOND
from axon.mempool.persist import VERSION_PLAIN
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList, Subnet
from axon.p2p.compactblock import compact_block
from axon.p2p.peersfile import encode_anchors
from axon.payments.beef import encode_beef
from axon.payments.packet import Confirmed
from axon.payments.packetbuilder import make_packet
from axon.payments.packetfile import to_parts, to_text
from axon.primitives.address import encode_address
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.block import Block
from axon.primitives.descriptorchecksum import with_checksum
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.keys import encode_wif
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut, outpoint
from axon.wallet import records
from axon.wallet.psbtmaps import FINAL_WITNESS, UNSIGNED_TX, WITNESS_UTXO, Entries, PsbtMaps
from axon.wallet.seal import seal
from axon.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    BlockTxn,
    CFCheckpt,
    CFHeaders,
    CFilter,
    FeeFilter,
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
    Tx,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.v1 import V1Transport
from fuzz.engine import CORPUS
from fuzz.targets import TARGETS, chainorders, httprequests, links, nodecalls, walletcalls
from tests.payments.invoices import URI
from tests.payments.receipts import MINED, RECEIPT

RANDOM_SIZES: Final = (40, 200, 700)
"""Of the inputs of targets that read decisions: any bytes are a good beginning."""

NOW: Final = 1_700_000_000 * SECOND
_KEY: Final = bytes((2,)) + bytes.fromhex(
    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
)
_SECRET: Final = bytes(31) + b"\x01"
_V2_TALK: Final = b"\x00\x04ping\x08" + bytes(8) + b"\x02\x40\x03\x00\x00\x00" + b"\x04" + bytes(40)
"""A message, decoys, keys made anew, one message more, and bytes that are none."""
_MASTER: Final = ExtendedKey.from_seed(bytes(range(16)))

_SCRIPTS: Final = (
    b"\x00\x14" + bytes(range(20)),
    b"\x51\x20" + _KEY[1:],
    b"\x76\xa9\x14" + bytes(range(20)) + b"\x88\xac",
    b"\xa9\x14" + bytes(range(20)) + b"\x87",
    b"\x21" + _KEY + b"\xac",
    b"\x51" + b"\x21" + _KEY + b"\x21" + _KEY + b"\x52\xae",
    b"\x6a\x04axon",
    b"",
)
"""One of each form that a wallet makes."""

_PLAIN: Final = Transaction.build(
    2,
    [TxIn(outpoint(Txid(bytes(range(32))), 1), b"\x02\xab\xcd", 0xFFFF_FFFD)],
    [TxOut(5_000, script) for script in _SCRIPTS],
    7,
)
_WITNESSED: Final = Transaction.build(
    1,
    [TxIn(outpoint(_PLAIN.txid, index), b"", index, (bytes(71), _KEY)) for index in range(2)],
    [TxOut(4_000, _SCRIPTS[0])],
)
_COINBASE: Final = Transaction.build(
    1, [TxIn(NULL_OUTPOINT, b"\x51\x00", 0xFFFF_FFFF, (bytes(32),))], [TxOut(50, _SCRIPTS[1])]
)
_BLOCK: Final = Block.build(REGTEST.genesis.header, [_COINBASE, _PLAIN, _WITNESSED])
_TREE: Final = PartialMerkleTree.build(
    [Txid(bytes((place,)) * 32) for place in range(9)], [place in (2, 7) for place in range(9)]
)
_HOSTS: Final = (
    NetAddress.from_text("8.8.4.4", 8333),
    NetAddress.from_text("2a01:4f8::7", 18444),
    NetAddress(AddressNetwork.TORV3, bytes(range(32)), 9050),
    NetAddress(AddressNetwork.I2P, bytes(range(32)), 0),
    NetAddress(AddressNetwork.CJDNS, b"\xfc" + bytes(15), 1),
)
_TOLD: Final = tuple(TimedAddress(NOW // SECOND - 60, 1033, host) for host in _HOSTS)
_HASH: Final = REGTEST.genesis.hash
_ITEMS: Final = tuple(InvItem(kind, bytes((kind & 0xFF,)) * 32) for kind in InvType)
_FILTER: Final = basic_filter(_HASH, [script for script in _SCRIPTS if script])

MESSAGES: Final[tuple[Message, ...]] = (
    Version(70017, 1033, NOW // SECOND, _HOSTS[0], 7, "/axon:0.1.0/", 112),
    Verack(),
    WtxidRelay(),
    SendAddrV2(),
    SendHeaders(),
    SendCmpct(1, 2),
    FeeFilter(1_000),
    Ping(1),
    Pong(1),
    GetAddr(),
    Addr(_TOLD[:2]),
    AddrV2(_TOLD),
    Inv(_ITEMS),
    GetData(_ITEMS),
    NotFound(_ITEMS),
    GetHeaders((_HASH, _HASH), _HASH),
    Headers((REGTEST.genesis.header, MAINNET.genesis.header)),
    GetBlocks((_HASH,), _HASH),
    BlockMessage(_BLOCK.raw),
    compact_block(_BLOCK, 7),
    GetBlockTxn(_HASH, (1, 2, 300)),
    BlockTxn.build(_HASH, [_PLAIN, _WITNESSED]),
    Tx(_WITNESSED),
    MempoolMessage(),
    MerkleBlock(REGTEST.genesis.header, _TREE),
    GetCFilters(0, 1, _HASH),
    CFilter(0, _HASH, _FILTER),
    GetCFHeaders(0, 1, _HASH),
    CFHeaders(0, _HASH, bytes(32), (bytes(32), _HASH)),
    GetCFCheckpt(0, _HASH),
    CFCheckpt(0, _HASH, (bytes(32),)),
)
"""One of each."""


def _stream() -> bytes:
    transport = V1Transport(REGTEST.magic)
    return b"".join(transport.encode(each.command, each.encode()) for each in MESSAGES[:12])


def _primitives() -> dict[str, Iterable[bytes]]:
    addresses = [encode_address(script, MAINNET) for script in _SCRIPTS]
    texts = [text for text in addresses if text is not None]
    texts += [host.to_text() for host in _HOSTS] + ["::ffff:1.2.3.4", "64:ff9b::1.2.3.4"]
    return {
        "compact-size": [compact_size(number) for number in (0, 0xFC, 0xFD, 0xFFFF, 2**32)],
        "transaction": [_PLAIN.raw, _WITNESSED.raw, _COINBASE.raw],
        "block": [REGTEST.genesis.raw, _BLOCK.raw],
        "header": [REGTEST.genesis.header.raw],
        "target": [
            bytes.fromhex(bits) for bits in ("ffff001d", "ffff7f20", "00000101", "000080ff")
        ],
        "merkle-proof": [_TREE.encode(), PartialMerkleTree.build([Txid(_HASH)], [True]).encode()],
        "netaddress": [host.encode_v2() for host in _HOSTS]
        + [host.encode_v1() for host in _HOSTS[:2]],
        "script": _SCRIPTS,
        "block-filter": [b"\x00", _FILTER, basic_filter(BlockHash(bytes(32)), [b"\x51"])],
        "filter-of-scripts": [b"".join(compact_size(len(each)) + each for each in _SCRIPTS)],
        "address": [text.encode() for text in texts],
    }


def _text() -> dict[str, Iterable[bytes]]:
    xpub, xprv = _MASTER.public().encode(REGTEST), _MASTER.encode(REGTEST)
    hex_key = _KEY.hex()
    descriptors = (
        f"wpkh({xpub}/0/*)",
        f"tr({hex_key[2:]},{{pk({hex_key[2:]}),multi_a(1,{hex_key[2:]})}})",
        f"sh(wsh(sortedmulti(2,[01020304/48h/0']{xpub}/<0;1>/*,{hex_key})))",
        f"combo({encode_wif(_SECRET, REGTEST)})",
        f"pkh({xprv}/1h/2/*h)",
        "addr(bcrt1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnqzqzgj)",
        "raw(6a04deadbeef)",
        f"wsh(andor(pk({hex_key}),or_i(and_v(v:pkh({xpub}/0/*),older(5)),after(9)),0))",
        f"tr(musig({hex_key},{xpub}/0/*),and_v(v:pk({hex_key[2:]}),older(5)))",
    )
    calls: tuple[object, ...] = (
        {"jsonrpc": "2.0", "id": 1, "method": "speak", "params": ["a", 1, 0.5, True, []]},
        {"method": "speak", "params": {"text": "a", "amount": "0.1", "either": 3, "args": ["b"]}},
        [{"method": "help", "params": ["speak"], "id": None}, {"method": "x"}, 1],
        {"jsonrpc": "2.0", "method": "speak", "params": ["a", 1, 1, True, [], {"object": {}}]},
    )
    return {
        "descriptor": [with_checksum(text).encode() for text in descriptors[:3]]
        + [text.encode() for text in descriptors],
        "key": [text.encode() for text in (xpub, xprv, encode_wif(_SECRET, MAINNET), hex_key)],
        "endpoint": [b"a.example", b"a.example:1", b"[::1]:65535", b"::1", b"1.2.3.4:0", b"[::1"],
        "subnet": [b"1.2.3.4", b"1.2.3.0/24", b"1.2.3.0/255.255.0.0", b"2001:db8::/32"],
        "option-value": [b"0.1", b"-1", b"1e-8", b"10M", b"0xff", b"5000 sat", b"1.5 BTC", b"10/8"],
        "settings-file": [
            b"regtest=1\n[regtest]\nrpcport=1\nconnect=a\nconnect=0\n",
            b"# no\nnolisten=1\nmain.port=2 # two\nrpcuser=u\nrpcpassword=p\n",
            b"includeconf=x\n[test]\n[main]\nnoconnect=0\ndbcache=99999999999999999999\n",
        ],
        "command-line": [
            b"-regtest\n-rpcport=1\n--connect\na\nstop",
            b"-nolisten\n-noconnect=0\n-",
            b"-main.port=1",
        ],
        "json-rpc": [json.dumps(call).encode() for call in calls],
        "electrum-lines": [
            b'\x07{"id":0,"method":"server.version","params":["x",["1.4","1.6"]]}\n' * 2,
            b'\xff[{"id":"a","method":"blockchain.block.header","params":{"height":1}},5]\r\n\n',
            b'\x01{"jsonrpc":"2.0","method":"mempool.get_info"}\nGET / HTTP/1.1\n\n',
        ],
        "request-head": [
            b"\x07POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" * 2,
            b"\x01POST / HTTP/1.1\nContent-Length: 2\n\n{}\r\nGET / HTTP/1.0\n\n",
            b"\x05POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n2\r\n{}\r\n0\r\n\r\n",
        ],
        "typed-payment": [
            b"abandon " * 11 + b"about",
            b"aban, " * 11 + b"abou",
            b"1 " * 11 + b"4",
            "あいこくしん\u3000".encode() * 11 + "あおぞら".encode(),
            b"abandon " * 11 + b"\xff",  # A lone surrogate, as a file name or a terminal gives it.
            b"bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.1&label=a%20b&x=y",
            b"BITCOIN:?bc=1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa&req-x=1",
            b"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q",
        ],
    }


def _files() -> dict[str, Iterable[bytes]]:
    tables = AddrMan(Random(1), lab=True)
    tables.add(_TOLD, _HOSTS[0], NOW)
    tables.good(_HOSTS[0], NOW)
    bans = BanList()
    for text in ("1.2.3.0/24", "2001:db8::1"):
        bans.ban(Subnet.from_text(text), NOW, NOW // SECOND + 100)
    pool = VERSION_PLAIN.to_bytes(8, "little") + (1).to_bytes(8, "little")
    pool += _WITNESSED.raw + (1).to_bytes(8, "little") + bytes(8) + b"\x01" + bytes(40) + b"\x00"
    line = to_hex(_HASH).encode() + b" state="
    start = b"[validation:debug] BlockChecked: block hash="
    assert parse_checked(start + line + b"Valid") is not None
    made = (
        records.Mark(1, _HASH).encode(),
        records.Confirmation(1, _HASH, 2, 3).encode(),
        records.Seen(1, 2, True).encode(),
        records.encode_u32(1),
        records.encode_u64(1),
        b"label",
        b"d\x01",
        b"t" + bytes(32),
    )
    return {
        "peers-file": [tables.snapshot().encode(), tables.snapshot().encode()[:-32]],
        "anchors-file": [encode_anchors(_HOSTS[:2]), encode_anchors(_HOSTS[2:])[:-32]],
        "ban-list": [bans.encode(NOW), b'{"banned_nets":[{"version":2}]}'],
        "pool-file": [pool, (2).to_bytes(8, "little") + b"\x08" + bytes(8) + pool[8:]],
        "wallet-record": [bytes((kind,)) + value for kind, value in enumerate(made)],
        "sealed-secret": [seal(b"words", "passphrase", bytes(16), bytes(12), log_n=1)],
        "psbt": [
            b"psbt\xff\x01\x00" + compact_size(len(_PLAIN_UNSIGNED)) + _PLAIN_UNSIGNED
            + bytes(1 + 1 + len(_SCRIPTS)),
            b"cHNidP8=",
        ],
        "kernel-line": [line + b"Valid", line + b"bad-blk, why", b"X, high-hash, bad work\n"],
    }  # fmt: skip


def _partial() -> dict[str, Iterable[bytes]]:
    vectors = json.loads((CORPUS.parent.parent / "tests" / "vectors" / "psbt.json").read_text())
    valid = [text for name, text in vectors["valid"].items() if "370" not in name]
    key = _KEY.hex()
    scripts = (
        f"21{key}ac",
        f"21{key}ac7c21{key}ac9b",
        f"21{key}ad51b2",
        f"6321{key}ac6703010040b168",
        f"76a914{'00' * 20}88ac736476a914{'11' * 20}88ad5ab268",
        f"21{key}ac7c20{key[2:]}ac935287",
        f"20{key[2:]}ac20{key[2:]}ba519c",
        f"82012088a820{'22' * 32}87",
        f"5121{key}51ae",
    )
    return {
        "brought-psbt": [b64decode(text) for text in valid],
        "miniscript-of-script": [bytes.fromhex(script) for script in scripts],
    }


def _payjoin() -> dict[str, Iterable[bytes]]:
    script = b"\x00\x14" + bytes(20)
    coins = [TxIn(outpoint(Txid(bytes([number] * 32)), 0)) for number in (1, 2)]
    signed: Entries = {
        WITNESS_UTXO: TxOut(50_000, script).encode(),
        FINAL_WITNESS: b"\x02\x01\x30\x01\x02",
    }

    def psbt(inputs: list[TxIn], maps: list[Entries], amounts: list[int]) -> bytes:
        outputs = [TxOut(amounts[0], script), TxOut(amounts[1], b"\x51")]
        unsigned = Transaction.build(2, inputs, outputs).raw
        return PsbtMaps(0, {UNSIGNED_TX: unsigned}, tuple(maps), ({}, {})).encode()

    original = psbt(coins[:1], [signed], [20_000, 29_000])
    proposal = psbt(coins, [{}, signed], [19_900, 79_000])
    head = len(original).to_bytes(2, "little") + original
    return {
        "payjoin-request": [
            b"v=1&additionalfeeoutputindex=0&maxadditionalfeecontribution=182&minfeerate=1.5"
            b"&disableoutputsubstitution=true",
            b"shop.example:8080/pj?invoice=1",
        ],
        "payjoin-proposal": [head + proposal, head + original],
    }


_PLAIN_UNSIGNED: Final = Transaction.build(
    2, [TxIn(item.prevout, b"", item.sequence) for item in _PLAIN.inputs], _PLAIN.outputs, 7
).raw


def _wire() -> dict[str, Iterable[bytes]]:
    stream = _stream()
    genesis = REGTEST.genesis
    short = compact_block(genesis, 7).raw[80:]
    return {
        "compact-block": [
            len(short).to_bytes(2, "little") + short,
            (22).to_bytes(2, "little") + bytes(8) + b"\x02abcdefghijkl\x00" + _HASH + b"\x00",
        ],
        "compact-match": [bytes(8), bytes(8) + b"\x01\x50\x00\x07"],
        "compact-fetch": [
            bytes((5, 0, 1, 1, 1, 0, 5, 3, 0, 0)),
            bytes(
                (5, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 5, 3, 0, 1, 4, 0, 5, 3, 0, 3, 1, 1, 5, 3, 1, 0)
            ),
        ],
        "compact-pick": [b"\x02\x00\x01", b"\x01\xfd\xff\xff"],
        **{f"message-{each.command}": [each.encode()] for each in MESSAGES},
        "v1-stream": [
            bytes(8) + stream,
            bytes(range(8)) + stream[:-3],
            bytes(8) + stream[:40] + stream,
        ],
        "v1-messages": [
            b"\x04ping\x08" + bytes(8),
            b"\x0c" + b"versionabcde" + b"\xff" + bytes(255),
        ],
        "v2-stream": [
            b"\x00\x05noise\x00\x07" + bytes(4) + _V2_TALK,
            b"\x01\xc8" + bytes(200) + b"\x12\x01\x02\x03\x04\x05" + _V2_TALK,
            b"\x00\xff" + bytes(255) + b"\x13\x01\xff\xff\xff\xff" + _V2_TALK,
        ],
        "v2-detection": [
            bytes(5) + V1Transport(MAINNET.magic).encode("version", bytes(90)),
            bytes(5) + V1Transport(REGTEST.magic).encode("version", bytes(90)) + stream[:200],
            bytes(5) + bytes(range(64)) + bytes(4_200),
        ],
    }


def _packets() -> dict[str, Iterable[bytes]]:
    mined = Block.build(REGTEST.genesis.header, [_COINBASE, _PLAIN])
    proofs = [Confirmed.from_block(mined, 1, position) for position in range(2)]
    reward = Transaction.build(2, [TxIn(outpoint(_COINBASE.txid, 0))], [TxOut(40, _SCRIPTS[0])])
    child = Transaction.build(
        2,
        [TxIn(outpoint(each.txid, 0)) for each in (_WITNESSED, reward, _PLAIN)],
        [TxOut(1_000, _SCRIPTS[0])],
    )
    packets = [
        make_packet(_WITNESSED, proofs),
        make_packet(child, proofs, [reward, _WITNESSED]),
    ]
    return {
        "payment-packet": [packet.encode() for packet in packets],
        "payment-text": [
            to_text(packets[0]).encode(),
            "\n".join(reversed(to_parts(packets[1], 200))).encode(),
        ],
        "payment-beef": [encode_beef(packet) for packet in packets],
    }


def _calls() -> dict[str, Iterable[bytes]]:
    return {
        "node-calls": nodecalls.CALLS.examples(),
        "wallet-calls": walletcalls.CALLS.examples(),
    }


def _payments() -> dict[str, Iterable[bytes]]:
    script, signature = RECEIPT.invoice.script_pubkey, RECEIPT.signature.encode()
    signed = bytes((len(script),)) + script + signature
    return {
        "invoice": [URI.encode(), URI.partition("&axon=")[0].encode()],
        "receipt": [RECEIPT.encode().encode(), MINED.encode().encode()],
        "signed-message": [signed, b"\x01QsmpAA==", b"\x01QfulAAAA"],
    }


def inputs() -> dict[str, list[bytes]]:
    """The first inputs of every target."""
    made = _primitives() | _text() | _files() | _wire() | _packets() | _calls() | _payments()
    made |= _payjoin() | _partial() | httprequests.EXAMPLES | chainorders.EXAMPLES
    made["link-message"] = [links.message_input(each) for each in links.EXAMPLES]
    return {name: list(made[name]) if name in made else _any_bytes(name) for name in TARGETS}


def _any_bytes(name: str) -> list[bytes]:
    rng = Random(name)
    return [rng.randbytes(size) for size in RANDOM_SIZES]


def main() -> None:
    """Write them."""
    for name, made in inputs().items():
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("seed-*"):
            path.unlink()
        for place, data in enumerate(made):
            (folder / f"seed-{place}").write_bytes(data)


if __name__ == "__main__":
    main()
