"""A person who mines and pays, so that blocks have something in them."""

from __future__ import annotations

from collections import deque

from axon.primitives.block import Block
from axon.primitives.transaction import TxOut, outpoint
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer, Spendable

COINBASE_MATURITY = 100
FEE_SAT = 10_000


class Market:
    """One signer that is paid by its own blocks and splits its coins in two, again and again.

    Args:
        signer: whose key signs.
    """

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.mined: list[str] = []
        """All blocks that a node said it had made, in their order."""
        self._ripening: deque[Spendable] = deque()  # At least as many blocks go by as are in it.
        self._ripe: deque[Spendable] = deque()

    def mine(self, node: NodeProcess, count: int = 1) -> list[str]:
        """Blocks on a node's tip that pay the signer; their hashes, once the node has them."""
        hashes: list[str] = node.rpc("generatetoaddress", count, self.signer.address())
        self.mined += hashes
        for block_hash in hashes:
            block = Block.decode(bytes.fromhex(node.rpc("getblock", block_hash, 0)))
            coinbase = block.transactions[0]
            coin = Spendable(outpoint(coinbase.txid, 0), coinbase.outputs[0].amount_sat)
            self._ripening.append(coin)
            if len(self._ripening) >= COINBASE_MATURITY:
                self._ripe.append(self._ripening.popleft())
        return hashes

    def pay(self, node: NodeProcess, count: int = 1) -> list[str]:
        """Payments to itself; their txids, once the node has them in its pool.

        A coin that the node refuses is not tried again: a lost branch may have made it.
        """
        txids: list[str] = []
        while len(txids) < count and self._ripe:
            coin = self._ripe.popleft()
            half = (coin.amount_sat - FEE_SAT) // 2
            if half < FEE_SAT:
                continue
            transaction = self.signer.pay([coin], [TxOut(half, self.signer.script)] * 2)
            try:
                txids.append(node.rpc("sendrawtransaction", transaction.encode().hex()))
            except RpcError:
                continue
            points = [outpoint(transaction.txid, index) for index in (0, 1)]
            self._ripe.extend(Spendable(point, half) for point in points)
        return txids
