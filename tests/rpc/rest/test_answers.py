"""Questions over REST, asked of a real node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from axon.chain.coins import MemoryStore
from axon.chain.filters import filter_hash
from axon.chain.txindex import TxIndex
from axon.mining.miner import mine
from axon.mining.template import next_template
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.hashes import filter_header, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, OutPoint, TxOut, outpoint
from axon.rpc.amounts import encode_json
from axon.rpc.rest.outputs import POOL_HEIGHT
from axon.rpc.rest.service import RestService
from tests.rpc.running import Rig, running

GENESIS = to_hex(REGTEST.genesis.hash)
NOBODY = "00" * 32
FORMATS = "output format not found (available: .bin, .hex, .json)"
JSON_ALONE = "output format not found (available: json)"
COUNT = "Header count is invalid or out of acceptable range (1-2000): "
HEADERS = "Invalid URI format. Expected /rest/headers/<hash>.<ext>?count=<count>"
FILTER_HEADERS = (
    "Invalid URI format. Expected"
    " /rest/blockfilterheaders/<filtertype>/<blockhash>.<ext>?count=<count>"
)


class Scene:
    """101 blocks, one in which Alice pays Bob, and two payments that wait in the pool."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.service = RestService()
        self.service.ready(rig.daemon)
        self.blocks = rig.mine(101)
        self.coin = rig.coinbase(self.blocks[0])
        outputs = [TxOut(30 * COIN, rig.bob.script), TxOut(20 * COIN - 1_000, rig.alice.script)]
        self.payment = rig.alice.pay([self.coin], outputs)
        rig.send(self.payment)
        self.blocks += rig.mine()
        self.block = self.blocks[-1]
        coin = rig.coinbase(self.blocks[1])
        self.parent = rig.alice.pay([coin], [TxOut(coin.amount_sat - 500, rig.alice.script)])
        rig.send(self.parent)

    def ask(self, path: str, body: bytes = b"") -> tuple[int, str, bytes]:
        """Status, content type and body of an answer; `<block>` and others are filled in."""
        for name, value in self.names.items():
            path = path.replace(f"<{name}>", value)
        reply = self.rig.wait(self.service.respond(f"/rest/{path}", body))
        return reply.status, reply.content_type, b"".join(reply.chunks)

    @property
    def names(self) -> dict[str, str]:
        return {
            "block": to_hex(self.block.hash),
            "first": to_hex(self.blocks[0].hash),
            "genesis": GENESIS,
            "nobody": NOBODY,
            "tx": to_hex(self.parent.txid),
            "coinbase": to_hex(REGTEST.genesis.transactions[0].txid),
        }

    def raw(self, path: str, body: bytes = b"") -> bytes:
        """An answer as bytes, which is the same in hex."""
        place, query = (path.partition("?")[0], path.partition("?")[2])
        tail = f"?{query}" if query else ""
        status, kind, data = self.ask(f"{place}.bin{tail}", body)
        assert (status, kind) == (200, "application/octet-stream")
        in_hex = self.ask(f"{place}.hex{tail}", body.hex().encode())
        assert in_hex == (200, "text/plain", data.hex().encode() + b"\n")
        return data

    def json(self, path: str) -> Any:
        status, kind, data = self.ask(path)
        assert (status, kind) == (200, "application/json")
        assert data.endswith(b"\n")
        return json.loads(data)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("node"), indexes=(TxIndex(MemoryStore()),)) as rig:
        made = Scene(rig)
        yield made
        made.service.close()


def called(scene: Scene, name: str, *args: object) -> Any:
    """What a call gives, as text would carry it."""
    return json.loads(encode_json(scene.rig.call(name, *args)))


def test_blocks(scene: Scene) -> None:
    assert scene.raw("block/<block>") == scene.block.raw
    assert scene.raw("block/notxdetails/<block>") == scene.block.raw
    assert scene.raw("block/<genesis>") == REGTEST.genesis.raw
    plain = scene.json("block/notxdetails/<block>.json")
    assert plain == called(scene, "getblock", to_hex(scene.block.hash), 1)
    whole = scene.json("block/<block>.json")
    assert whole["tx"][1]["vin"][0]["prevout"]["value"] == 50
    assert [each["txid"] for each in whole["tx"]] == plain["tx"]
    assert scene.json("block/<genesis>.json")["height"] == 0


def test_parts_of_blocks(scene: Scene) -> None:
    raw = scene.block.raw
    assert scene.raw("blockpart/<block>?offset=0&size=80") == scene.block.header.raw
    assert scene.raw(f"blockpart/<block>?offset=80&size={len(raw) - 80}") == raw[80:]


def test_headers(scene: Scene) -> None:
    joined = b"".join([block.header.raw for block in scene.blocks])
    assert scene.raw("headers/<first>") == joined[: 5 * 80]
    assert scene.raw("headers/<first>?count=2000") == joined
    assert scene.raw("headers/3/<first>") == joined[: 3 * 80]
    assert scene.raw("headers/<nobody>") == b""
    shown = scene.json("headers/<first>.json?count=2")
    hashes = [to_hex(block.hash) for block in scene.blocks[:2]]
    assert shown == [called(scene, "getblockheader", each) for each in hashes]


def test_hashes_by_height(scene: Scene) -> None:
    assert scene.ask("blockhashbyheight/102.bin")[2] == scene.block.hash
    shown = to_hex(scene.block.hash)
    assert scene.ask("blockhashbyheight/102.hex")[2] == shown.encode() + b"\n"
    assert scene.json("blockhashbyheight/0102.json") == {"blockhash": shown}


def test_filters(scene: Scene) -> None:
    shown = called(scene, "getblockfilter", to_hex(scene.block.hash))
    data = bytes.fromhex(shown["filter"])
    assert scene.raw("blockfilter/basic/<block>") == b"\x00" + scene.block.hash + var_bytes(data)
    assert scene.json("blockfilter/basic/<block>.json") == {"filter": shown["filter"]}
    assert scene.json("blockfilterheaders/basic/<block>.json") == [shown["header"]]
    before = scene.raw("blockfilterheaders/basic/101/<first>")[-32:]
    assert to_hex(filter_header(filter_hash(data), before)) == shown["header"]
    assert scene.raw("blockfilterheaders/basic/<nobody>?count=3") == b""


def test_the_chain_its_rules_and_the_pool(scene: Scene) -> None:
    assert scene.json("chaininfo.json") == called(scene, "getblockchaininfo")
    assert scene.json("chaininfoANYTHING.json")["blocks"] == 102
    assert scene.json("deploymentinfo.json") == called(scene, "getdeploymentinfo")
    first = to_hex(scene.blocks[0].hash)
    assert scene.json("deploymentinfo/<first>.json") == called(scene, "getdeploymentinfo", first)
    info = scene.json("mempool/info.json")
    assert info["size"] == 1
    assert info["total_fee"] == 0.00000500
    name = to_hex(scene.parent.txid)
    assert list(scene.json("mempool/contents.json")) == [name]
    assert scene.json("mempool/contents.json?verbose=false") == [name]
    counted = scene.json("mempool/contents.json?verbose=false&mempool_sequence=true")
    assert counted == called(scene, "getrawmempool", False, True)


def test_transactions(scene: Scene) -> None:
    assert scene.raw("tx/<tx>") == scene.parent.raw
    shown = scene.json("tx/<tx>.json")
    assert shown["txid"] == to_hex(scene.parent.txid)
    assert shown["hex"] == scene.parent.raw.hex()
    assert "blockhash" not in shown
    confirmed = to_hex(scene.payment.txid)
    assert scene.raw(f"tx/{confirmed}") == scene.payment.raw
    shown = scene.json(f"tx/{confirmed}.json")
    named = called(scene, "getrawtransaction", confirmed, 1)
    assert shown == {name: named[name] for name in shown}, "less its place in the chain"
    assert shown["blockhash"] == to_hex(scene.block.hash)


def test_without_an_index_a_confirmed_transaction_is_not_found(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("node")) as rig:
        service = RestService()
        service.ready(rig.daemon)
        txid = to_hex(rig.mine()[0].transactions[0].txid)
        reply = rig.wait(service.respond(f"/rest/tx/{txid}.json", b""))
        service.close()
    assert (reply.status, reply.chunks) == (404, (f"{txid} not found\r\n".encode(),))


def output(coin: OutPoint, scene: Scene) -> bytes:
    """An output as its transaction has it."""
    for transaction in (scene.payment, scene.parent, scene.blocks[0].transactions[0]):
        if coin[:32] == transaction.txid:
            found = transaction.outputs[int.from_bytes(coin[32:], "little")]
            return found.amount_sat.to_bytes(8, "little") + var_bytes(found.script_pubkey)
    raise AssertionError("no such output")


def test_what_a_block_spends(scene: Scene) -> None:
    spent = output(scene.coin.outpoint, scene)
    assert scene.raw("spenttxouts/<block>") == bytes((2, 0, 1)) + spent
    assert scene.raw("spenttxouts/<genesis>") == bytes((1, 0))
    empty, (shown,) = scene.json("spenttxouts/<block>.json")
    assert empty == []
    assert shown["value"] == 50
    assert shown["scriptPubKey"]["hex"] == scene.rig.alice.script.hex()


def test_unspent_outputs(scene: Scene) -> None:
    paid, change = outpoint(scene.payment.txid, 0), outpoint(scene.payment.txid, 1)
    waiting, gone = outpoint(scene.parent.txid, 0), scene.rig.coinbase(scene.blocks[1]).outpoint
    asked = [paid, gone, waiting, scene.coin.outpoint, change]
    names = "/".join([f"{to_hex(coin[:32])}-{coin[32]}" for coin in asked])
    head = (102).to_bytes(4, "little") + scene.block.hash
    confirmed = bytes(4) + (102).to_bytes(4, "little")
    alone = [confirmed + output(paid, scene), confirmed + output(change, scene)]
    first = bytes(4) + (2).to_bytes(4, "little") + output(scene.coin.outpoint, scene)
    expected = head + b"\x01" + bytes((0b10011,)) + b"\x03" + alone[0] + first + alone[1]
    assert scene.raw(f"getutxos/{names}") == expected
    unconfirmed = bytes(4) + POOL_HEIGHT.to_bytes(4, "little") + output(waiting, scene)
    pooled = head + b"\x01" + bytes((0b10101,)) + b"\x03" + alone[0] + unconfirmed + alone[1]
    assert scene.raw(f"getutxos/checkmempool/{names}") == pooled
    listed = compact_size(len(asked)) + b"".join(asked)
    assert scene.raw("getutxos", b"\x00" + listed) == expected, "as BIP 64 has it"
    assert scene.raw("getutxos", b"\x01" + listed) == pooled
    assert scene.raw("getutxos", listed) == pooled, "as bitcoind reads it"
    shown = scene.json(f"getutxos/checkmempool/{names}.json")
    assert [shown[name] for name in ("chainHeight", "chaintipHash", "bitmap")] == [
        102,
        to_hex(scene.block.hash),
        "10101",
    ]
    assert [each["height"] for each in shown["utxos"]] == [102, POOL_HEIGHT, 102]
    assert [each["value"] for each in shown["utxos"]] == [30, 49.999995, 19.99999]


def test_a_block_that_left_the_chain(scene: Scene) -> None:
    """Its own bytes and filter stay; the chain's headers no longer lead to it."""
    rig = scene.rig
    rig.call("generateblock", rig.alice.address(), [])
    lost = rig.call("getbestblockhash")
    raw = rig.call("getblock", lost, 0)
    parent = scene.block
    branch = []
    for _ in range(2):
        branch.append(sibling(parent, rig))
        parent = branch[-1]
        rig.submit(parent)
    assert rig.call("getbestblockhash") == to_hex(branch[-1].hash)
    scene.blocks += branch
    assert scene.raw(f"block/{lost}").hex() == raw
    assert scene.raw(f"headers/{lost}") == b""
    assert scene.json(f"block/notxdetails/{lost}.json")["confirmations"] == -1
    assert scene.ask(f"blockfilter/basic/{lost}.json")[0] == 200
    assert scene.raw(f"blockfilterheaders/basic/{lost}") == b""
    assert scene.json(f"spenttxouts/{lost}.json") == [[]]
    scene.block = parent


def sibling(parent: Block, rig: Rig) -> Block:
    """A block with nothing but a coinbase, on any block."""
    entry = rig.node.headers.get(parent.hash)
    assert entry is not None
    template = next_template(REGTEST, entry, (), entry.time + 1, rig.node.settings.limits)
    block = mine(template.build(rig.bob.script), 100_000)
    assert block is not None
    return block


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("tx/<tx>", 404, FORMATS),
        ("tx/<tx>.xml", 400, "Invalid hash: <tx>.xml"),
        ("tx/abc.json", 400, "Invalid hash: abc"),
        ("tx/.json", 400, "Invalid hash: "),
        ("tx/", 400, "Invalid hash: "),
        ("tx/<nobody>.json", 404, "<nobody> not found"),
        ("tx/<coinbase>.json", 404, "<coinbase> not found"),
        ("tx/<tx>/x.json", 400, "Invalid hash: <tx>/x"),
        ("tx/%20.json", 400, "Invalid hash: %20"),
        ("tx/<tx>.json?a?b", 400, "Invalid hash: <tx>.json?a"),
        ("block/<block>", 404, FORMATS),
        ("block/xyz.bin", 400, "Invalid hash: xyz"),
        ("block/<nobody>.hex", 404, "<nobody> not found"),
        ("block/notxdetails/<nobody>.json", 404, "<nobody> not found"),
        ("block/notxdetails/<block>.", 404, FORMATS),
        ("blockpart/<block>.bin", 400, "Block part offset missing or invalid"),
        ("blockpart/<block>.bin?size=1", 400, "Block part offset missing or invalid"),
        ("blockpart/<block>.bin?offset=-1&size=1", 400, "Block part offset missing or invalid"),
        ("blockpart/<block>.bin?offset=1", 400, "Block part size missing or invalid"),
        ("blockpart/<block>.bin?offset=1&size=x", 400, "Block part size missing or invalid"),
        (
            "blockpart/<block>.bin?offset=0&size=0",
            400,
            "Bad block part offset/size 0/0 for <block>",
        ),
        (
            "blockpart/<block>.hex?offset=1&size=99999",
            400,
            "Bad block part offset/size 1/99999 for <block>",
        ),
        ("blockpart/<nobody>.bin?offset=0&size=0", 404, "<nobody> not found"),
        (
            "blockpart/<block>.json?offset=0&size=1",
            400,
            "JSON output is not supported for this request type",
        ),
        ("blockpart/<block>?offset=0&size=1", 404, FORMATS),
        ("headers/<block>", 404, FORMATS),
        ("headers/<block>.json?count=0", 400, f"{COUNT}0"),
        ("headers/<block>.json?count=2001", 400, f"{COUNT}2001"),
        ("headers/<block>.json?count=-1", 400, f"{COUNT}-1"),
        ("headers/<block>.json?count=", 400, COUNT),
        ("headers/x/<block>.json", 400, f"{COUNT}x"),
        ("headers//<block>.json", 400, COUNT),
        ("headers/1/2/<block>.json", 400, HEADERS),
        ("headers/5/xyz.json", 400, "Invalid hash: xyz"),
        ("headers/", 400, "Invalid hash: "),
        (
            "headers/<block>.json?count=%",
            400,
            "URI parsing failed, it likely contained RFC 3986 invalid characters",
        ),
        ("blockhashbyheight/1x.json", 400, "Invalid height: 1x"),
        ("blockhashbyheight/-1.json", 400, "Invalid height: -1"),
        ("blockhashbyheight/.json", 400, "Invalid height: "),
        ("blockhashbyheight/a<b>c.json", 400, "Invalid height: abc"),
        ("blockhashbyheight/2147483648.json", 400, "Invalid height: 2147483648"),
        ("blockhashbyheight/2147483647.json", 404, "Block height out of range"),
        ("blockhashbyheight/999999", 404, "Block height out of range"),
        ("blockhashbyheight/1", 404, FORMATS),
        (
            "blockfilter/basic.json",
            400,
            "Invalid URI format. Expected /rest/blockfilter/<filtertype>/<blockhash>",
        ),
        ("blockfilter/basic/xyz.json", 400, "Invalid hash: xyz"),
        ("blockfilter/extended/<block>.json", 400, "Unknown filtertype extended"),
        ("blockfilter/basic/<nobody>.json", 404, "<nobody> not found"),
        ("blockfilter/basic/<block>", 404, FORMATS),
        ("blockfilterheaders/basic.json", 400, FILTER_HEADERS),
        ("blockfilterheaders/basic/1/2/<block>.json", 400, FILTER_HEADERS),
        ("blockfilterheaders/basic/<block>.json?count=0", 400, f"{COUNT}0"),
        ("blockfilterheaders/basic/xyz.json", 400, "Invalid hash: xyz"),
        ("blockfilterheaders/extended/<block>.json", 400, "Unknown filtertype extended"),
        ("blockfilterheaders/basic/<block>", 404, FORMATS),
        ("chaininfo", 404, JSON_ALONE),
        ("chaininfo.bin", 404, JSON_ALONE),
        ("deploymentinfo.hex", 404, JSON_ALONE),
        ("deploymentinfo/xyz.json", 400, "Invalid hash: xyz"),
        ("deploymentinfo/<nobody>.json", 400, "Block not found"),
        (
            "mempool/other.json",
            400,
            "Invalid URI format. Expected /rest/mempool/<info|contents>.json",
        ),
        ("mempool/", 400, "Invalid URI format. Expected /rest/mempool/<info|contents>.json"),
        ("mempool/info.bin", 404, JSON_ALONE),
        ("mempool/contents", 404, JSON_ALONE),
        (
            "mempool/contents.json?verbose=1",
            400,
            'The "verbose" query parameter must be either "true" or "false".',
        ),
        (
            "mempool/contents.json?verbose=false&mempool_sequence=yes",
            400,
            'The "mempool_sequence" query parameter must be either "true" or "false".',
        ),
        (
            "mempool/contents.json?mempool_sequence=true",
            400,
            'Verbose results cannot contain mempool sequence values. (hint: set "verbose=false")',
        ),
        (
            "spenttxouts/<block>/x.json",
            400,
            "Invalid URI format. Expected /rest/spenttxouts/<hash>.<ext>",
        ),
        ("spenttxouts/xyz.json", 400, "Invalid hash: xyz"),
        ("spenttxouts/<nobody>.bin", 404, "<nobody> not found"),
        ("spenttxouts/<block>", 404, FORMATS),
        ("getutxos.json", 400, "Error: empty request"),
        ("getutxos/checkmempool.json", 400, "Error: empty request"),
        ("getutxos/<tx>.json", 400, "Parse error"),
        ("getutxos/<tx>-x.json", 400, "Parse error"),
        ("getutxos/<tx>-0-1.json", 400, "Parse error"),
        ("getutxos/<tx>-4294967296.json", 400, "Parse error"),
        ("getutxos/xyz-0.json", 400, "Parse error"),
        ("getutxos//.json", 400, "Parse error"),
        ("getutxos/<tx>-0", 404, FORMATS),
        (
            "getutxos/" + "/".join(["<tx>-0"] * 16) + ".json",
            400,
            "Error: max outpoints exceeded (max: 15, tried: 16)",
        ),
    ],
)
def test_what_cannot_be_answered(scene: Scene, path: str, status: int, text: str) -> None:
    for name, value in scene.names.items():
        text = text.replace(f"<{name}>", value)
    assert scene.ask(path) == (status, "text/plain", f"{text}\r\n".encode())


@pytest.mark.parametrize("path", ["", "nothing", "tx", "mempool", "/tx/<tx>.json"])
def test_there_is_nothing_else(scene: Scene, path: str) -> None:
    assert scene.ask(path) == (404, "text/html; charset=ISO-8859-1", b"")


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("getutxos.bin", b"\x01", "Parse error"),
        ("getutxos.bin", b"\x01\x00", "Parse error"),
        ("getutxos.bin", b"\x01\xff" + b"\xff" * 8, "Parse error"),
        ("getutxos.hex", b"0101", "Parse error"),
        ("getutxos.json", b"\x01\x00", "Error: empty request"),
        (
            "getutxos/<tx>-0.bin",
            b"\x01",
            "Combination of URI scheme inputs and raw post data is not allowed",
        ),
        ("getutxos/checkmempool.bin", b"\x01\x01" + bytes(36), "Error: empty request"),
        (
            "getutxos.bin",
            b"\x01\x10" + bytes(36 * 16),
            "Error: max outpoints exceeded (max: 15, tried: 16)",
        ),
    ],
)
def test_bodies_that_ask_nothing(scene: Scene, path: str, body: bytes, text: str) -> None:
    assert scene.ask(path, body) == (400, "text/plain", f"{text}\r\n".encode())


def test_hex_that_is_none_asks_for_no_output(scene: Scene) -> None:
    status, _, data = scene.ask("getutxos.hex", b"zz")
    assert status == 200
    assert data.endswith(b"0000\n")
