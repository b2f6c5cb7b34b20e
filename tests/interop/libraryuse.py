"""What bitcoinlib and python-bitcoinrpc read from a node, as JSON; run by their own Python.

Told the URL of the node's wallet, an address of the wallet, and the txid of a payment to it.
"""
# mypy: ignore-errors

import json
import sys

from bitcoinlib.services.bitcoind import BitcoindClient
from bitcoinrpc.authproxy import AuthServiceProxy, JSONRPCException


def with_bitcoinlib(url, address, txid):
    client = BitcoindClient("regtest", url)
    payment = client.gettransaction(txid)
    (listed,) = client.gettransactions(address)
    return {
        "count": client.blockcount(),
        "balance": client.getbalance([address]),
        "utxos": [(coin["txid"], coin["value"]) for coin in client.getutxos(address)],
        "input": payment.input_total,
        "fee": payment.fee,
        "status": payment.status,
        "listed": listed.txid,
        "raw": client.getrawtransaction(txid),
        "block": [tx.txid for tx in client.getblock(payment.block_height)["txs"]],
        "spent": client.isspent(txid, 0),
    }


def with_bitcoinrpc(url, address):
    proxy = AuthServiceProxy(url)
    try:
        proxy.getblockhash(1_000_000)
        refusal = None
    except JSONRPCException as error:
        refusal = [error.code, error.message]
    txid = proxy.sendtoaddress(address, 0.5)
    return {
        "best": proxy.getbestblockhash(),
        "count": proxy.getblockcount(),
        "refusal": refusal,
        "sent": txid,
        "amount": str(proxy.gettransaction(txid)["amount"]),
        "pool": proxy.getrawmempool(),
    }


def main():
    url, address, txid = sys.argv[1:]
    told = {
        "bitcoinlib": with_bitcoinlib(url, address, txid),
        "bitcoinrpc": with_bitcoinrpc(url, address),
    }
    print(json.dumps(told))


main()
