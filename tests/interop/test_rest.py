"""REST clients that others wrote, bitcoin-core of npm and bitcoin-core-rpc of PyPI; and the
answers of Bitcoin Core itself.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.foreign import BitcoindProcess
from tests.interop.installed import require, require_npm

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
HEIGHT = 103
FEE_SAT = 10_000
LIMIT_S = 60.0
OWN_FIELDS = ("usage", "fullrbf", "mempool_sequence")

PYTHON_CLIENT = """
import json, sys
from bitcoin_core_rpc import BitcoinCoreRestClient, HttpError
url, block, txid, output = sys.argv[1:]
client = BitcoinCoreRestClient(url)
told = {
    "info": client.get_json("/chaininfo.json"),
    "block": client.get_json(f"/block/{block}.json"),
    "raw": client.get_bin(f"/block/{block}.bin").hex(),
    "headers": client.get_bin(f"/headers/2/{block}.bin").hex(),
    "spent": client.get_json(f"/spenttxouts/{block}.json"),
    "filter": client.get_json(f"/blockfilter/basic/{block}.json"),
    "transaction": client.get_json(f"/tx/{txid}.json"),
    "unspent": client.get_json(f"/getutxos/checkmempool/{output}.json"),
    "pool": client.get_json("/mempool/contents.json"),
}
try:
    client.get_bin("/tx/" + "00" * 32 + ".bin")
except HttpError as error:
    told["refused"] = error.status
print(json.dumps(told, default=str))
"""


class Scene:
    """A node with REST: in block 102 Alice pays Bob, who sends half of it on in the pool."""

    def __init__(self, axon: NodeProcess) -> None:
        self.axon = axon
        axon.rpc("generatetoaddress", 101, ALICE.address())
        raw = axon.rpc("getblock", axon.rpc("getblockhash", 1), 0)
        (coinbase,) = Block.decode(bytes.fromhex(raw)).transactions
        coin = Spendable(outpoint(coinbase.txid, 0), coinbase.outputs[0].amount_sat)
        self.paid = ALICE.pay([coin], [TxOut(COIN, BOB.script), TxOut(48 * COIN, ALICE.script)])
        axon.rpc("sendrawtransaction", self.paid.raw.hex(), 0)
        (self.block,) = axon.rpc("generatetoaddress", 1, ALICE.address())
        axon.rpc("generatetoaddress", 1, ALICE.address())
        coin = Spendable(outpoint(self.paid.txid, 0), COIN)
        self.waiting: Transaction = BOB.pay([coin], [TxOut(COIN - FEE_SAT, ALICE.script)])
        axon.rpc("sendrawtransaction", self.waiting.raw.hex(), 0)
        indexed = lambda: axon.rpc("getindexinfo", "txindex")["txindex"]["synced"]  # noqa: E731
        wait_until(indexed, LIMIT_S, "the index")

    @property
    def outputs(self) -> list[str]:
        """Spent in the pool, unspent, and made in the pool."""
        paid, waiting = to_hex(self.paid.txid), to_hex(self.waiting.txid)
        return [f"{paid}-0", f"{paid}-1", f"{waiting}-0"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    options = ("-connect=0", "-rest", "-txindex")
    with NodeProcess("axon", tmp_path_factory.mktemp("axon"), options=options).start() as axon:
        yield Scene(axon)


def check_common(scene: Scene, told: dict[str, Any]) -> None:
    """What both ask for, against what calls say."""
    rpc, txid = scene.axon.rpc, to_hex(scene.paid.txid)
    assert told["info"]["bestblockhash"] == rpc("getbestblockhash")
    assert told["raw"] == rpc("getblock", scene.block, 0)
    paid = told["block"]["tx"][1]
    assert (paid["txid"], told["block"]["height"]) == (txid, 102)
    assert float(paid["vin"][0]["prevout"]["value"]) == 50
    assert (told["transaction"]["txid"], told["transaction"]["blockhash"]) == (txid, scene.block)
    assert told["transaction"]["hex"] == scene.paid.raw.hex()
    assert list(told["pool"]) == [to_hex(scene.waiting.txid)]
    assert told["unspent"]["bitmap"] == "011"
    assert [float(each["value"]) for each in told["unspent"]["utxos"]] == [48, 0.9999]
    assert told["unspent"]["chainHeight"] == HEIGHT


def test_bitcoin_core_of_npm(scene: Scene) -> None:
    folder = require_npm("bitcoin-core")
    script = Path(__file__).with_name("restclient.js")
    port, txid = scene.axon.rpc_endpoint.port, to_hex(scene.paid.txid)
    words = [str(folder), str(port), scene.block, txid, *scene.outputs]
    told = json.loads(run(["node", str(script), *words]))
    check_common(scene, told)
    rpc = scene.axon.rpc
    assert told["summary"]["tx"] == rpc("getblock", scene.block, 1)["tx"]
    hashes = [scene.block, rpc("getbestblockhash")]
    assert [each["hash"] for each in told["headers"]] == hashes
    assert told["rawHeaders"] == "".join(rpc("getblockheader", each, False) for each in hashes)
    assert told["rawTransaction"].strip() == scene.paid.raw.hex()
    assert told["poolInfo"]["size"] == 1
    assert told["refused"] == {"code": 404, "text": f"{'00' * 32} not found"}


def test_bitcoin_core_rpc_of_pypi(scene: Scene) -> None:
    program = require("bitcoin-core-rpc")
    url = f"http://127.0.0.1:{scene.axon.rpc_endpoint.port}"
    words = [url, scene.block, to_hex(scene.paid.txid), "/".join(scene.outputs)]
    told = json.loads(run([str(program), "-c", PYTHON_CLIENT, *words]))
    check_common(scene, told)
    rpc = scene.axon.rpc
    hashes = (scene.block, rpc("getbestblockhash"))
    assert told["headers"] == "".join(rpc("getblockheader", each, False) for each in hashes)
    assert [float(each["value"]) for each in told["spent"][1]] == [50]
    assert told["filter"]["filter"] == rpc("getblockfilter", scene.block)["filter"]
    assert told["refused"] == 404


class RestBitcoind(BitcoindProcess):
    """Bitcoin Core with REST."""

    def _command(self) -> list[str]:
        return [*super()._command(), "-rest", "-txindex", "-blockfilterindex=basic"]


FORMATS: Final = (".json", ".hex", ".bin", "", ".xml", ".")
IN_EACH_FORMAT: Final = """
tx/{tx} tx/{none} tx/abc block/{block} block/{genesis} block/{none} block/xyz
block/notxdetails/{block} blockhashbyheight/102 blockhashbyheight/-1 blockhashbyheight/999
blockhashbyheight/1x headers/{block} headers/2/{genesis} headers/{none} blockfilter/basic/{block}
blockfilter/basic/{none} blockfilterheaders/basic/{block} blockfilterheaders/basic/2/{block}
mempool/info deploymentinfo/{none} spenttxouts/{block} spenttxouts/{genesis} spenttxouts/{none}
getutxos/{paid}-0/{paid}-1/{tx}-0 getutxos/checkmempool/{paid}-0/{paid}-1/{tx}-0/{none}-7 getutxos
getutxos/checkmempool
""".split()
AS_THEY_ARE: Final = """
mempool/contents.json?verbose=false mempool/contents.json?verbose=1 mempool/other.json mempool/
mempool/contents.json?verbose=false&mempool_sequence=true
mempool/contents.json?mempool_sequence=true
mempool/contents.json?verbose=false&mempool_sequence=yes mempool/contents.json?verbose=fal%73e
mempool/contents.json?verbose=false# mempool headers/{block}.json?count=0
headers/{block}.json?count=2001 headers/{block}.json?count=2000 headers/{block}.json?count=+1
headers/{block}.json?count=%31 headers/{block}.json?count= headers/{block}.json?count=%
headers/{block}.json?count=99999999999999999999 headers/1/2/{block}.json headers//{block}.json
headers/x/{block}.json headers/ headers blockpart/{block}.bin blockpart/{block}.bin?offset=1
blockpart/{block}.bin?size=1 blockpart/{block}.hex?offset=3&size=5
blockpart/{block}.bin?offset=0&size=0 blockpart/{block}.bin?offset=0&size=99999
blockpart/{block}.bin?offset=18446744073709551615&size=2 blockpart/{block}.json?offset=0&size=9
blockpart/{none}.bin?offset=0&size=1 blockfilter/basic.json blockfilter/extended/{block}.json
blockfilterheaders/basic.json blockfilterheaders/basic/{block}.json?count=0
blockfilterheaders/basic/1/2/{block}.json blockfilterheaders/extended/{block}.json
spenttxouts/{block}/x.json getutxos/{paid}.json getutxos/{paid}-x.json getutxos/{paid}-0-1.json
getutxos/{paid}-4294967296.json getutxos//.json tx/{tx}.json.hex tx/{tx}?x.json tx/{tx}.json?a?b
tx/%20.json tx/ tx nothing blockhashbyheight/2147483648.json blockhashbyheight/0001.json
""".split()
BODIES: Final = (
    b"",
    b"zz",
    b"\x00",
    b"\x01\x00",
    b"\x01\x05abc",
    b"\x01\xff" + b"\xff" * 8,
    b"0 1 00",
)


def test_answers_are_those_of_bitcoin_core(scene: Scene, tmp_path: Path) -> None:
    RestBitcoind.require()
    axon = scene.axon
    with RestBitcoind(tmp_path / "core") as core:
        for height in range(1, HEIGHT + 1):
            core.rpc("submitblock", axon.rpc("getblock", axon.rpc("getblockhash", height), 0))
        core.rpc("sendrawtransaction", scene.waiting.raw.hex(), 0)
        indexes = core.rpc("getindexinfo").values
        wait_until(lambda: all(each["synced"] for each in indexes()), LIMIT_S, "its indexes")
        names = {
            "tx": to_hex(scene.waiting.txid),
            "paid": to_hex(scene.paid.txid),
            "none": "00" * 32,
            "block": scene.block,
            "genesis": axon.rpc("getblockhash", 0),
        }
        paths = [f"{path}{each}" for path in IN_EACH_FORMAT for each in FORMATS] + AS_THEY_ARE
        asked: list[tuple[str, str, bytes | None]]
        asked = [("GET", path.format(**names), None) for path in paths]
        asked += [("POST", f"getutxos{each}", body) for each in FORMATS for body in BODIES]
        ports = axon.rpc_endpoint.port, int(core.rpc_url.rpartition(":")[2])
        different = [
            (verb, path, body)
            for verb, path, body in asked
            if len({answered(port, verb, path, body) for port in ports}) > 1
        ]
    assert not different


def answered(port: int, verb: str, path: str, body: bytes | None) -> tuple[int, str | None, str]:
    """Status, type and body; of JSON what does not depend on the program's memory or version."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.request(verb, f"/rest/{path}", body)
    reply = connection.getresponse()
    kind, data = reply.headers.get("Content-Type"), reply.read().decode("latin-1")
    connection.close()
    if kind == "application/json":
        shown = json.loads(data)
        if isinstance(shown, dict):
            shown = {name: value for name, value in shown.items() if name not in OWN_FIELDS}
        data = json.dumps(shown, sort_keys=True)
    return reply.status, kind, data


def run(command: list[str]) -> str:
    """What a program prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
