"""Stamps a file as a calendar of OpenTimestamps does, with python-bitcoinlib; run by their Python.

Told the file; the node is found as its library finds it, in ~/.bitcoin/bitcoin.conf. Writes
FILE.ots and says as JSON what became of the payment.
"""
# mypy: ignore-errors

import json
import sys
from pathlib import Path

import bitcoin
import bitcoin.rpc
from bitcoin.core import CMutableTransaction, CMutableTxOut, b2lx
from bitcoin.core.script import OP_RETURN, CScript
from opentimestamps.bitcoin import make_timestamp_from_block
from opentimestamps.core.op import OpSHA256
from opentimestamps.core.serialize import StreamSerializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile


def main():
    bitcoin.SelectParams("regtest")
    proxy = bitcoin.rpc.Proxy()
    letter = Path(sys.argv[1])
    with letter.open("rb") as file:
        digest = OpSHA256().hash_fd(file)
    before = proxy.getbalance()
    bare = CMutableTransaction([], [CMutableTxOut(0, CScript([OP_RETURN, digest]))])
    funded = proxy.fundrawtransaction(bare)
    signed = proxy.signrawtransactionwithwallet(funded["tx"])
    txid = proxy.sendrawtransaction(signed["tx"])
    waiting = proxy.getrawmempool()
    (block_hash,) = proxy.generatetoaddress(1, proxy.getnewaddress())
    height = proxy.getblockcount()
    stamp = make_timestamp_from_block(digest, proxy.getblock(block_hash), height)
    with letter.with_name(letter.name + ".ots").open("wb") as file:
        DetachedTimestampFile(OpSHA256(), stamp).serialize(StreamSerializationContext(file))
    told = {
        "complete": signed["complete"],
        "fee": funded["fee"],
        "txid": b2lx(txid),
        "pool": [b2lx(each) for each in waiting],
        "block": b2lx(block_hash),
        "height": height,
        "before": before,
        "coins": sum(coin["amount"] for coin in proxy.listunspent(minconf=1)),
        "seen": b2lx(proxy.getrawtransaction(txid, True)["blockhash"]),
    }
    print(json.dumps(told))


main()
