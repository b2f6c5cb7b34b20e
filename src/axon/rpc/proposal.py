"""A proposed block put to `consensus.proposal`, with the coins and the scripts that it needs."""

from __future__ import annotations

from axon.consensus.proposal import check_spending, check_unproved, outpoints_to_find
from axon.node.jobs import VerifyScripts
from axon.primitives.block import Block
from axon.primitives.verdict import Accepted, Rejected, Verdict
from axon.rpc.daemon import Daemon

INCONCLUSIVE = "inconclusive"
"""BIP 22's word where not enough is known to decide."""


async def check_proposal(daemon: Daemon, block: Block) -> Verdict:
    """Validate a block as if it had enough work.

    Returns:
        `inconclusive...` for a block that does not build on the tip, and while the coins are behind
        it.
    """
    node = daemon.node
    network, parent = node.network, node.active.tip
    now = daemon.clock.now()
    rejected = await daemon.off_loop(check_unproved, block, parent, network, now)
    if rejected is not None:
        return rejected
    if not node.follows or node.active.tip is not parent:
        return Rejected(INCONCLUSIVE)
    points = await daemon.off_loop(outpoints_to_find, block)
    tip, coins = await daemon.read_coins(points)
    if tip is not parent:
        return Rejected(INCONCLUSIVE)
    to_verify = await daemon.off_loop(check_spending, block, parent, network, coins)
    if isinstance(to_verify, Rejected):
        return to_verify
    for transaction, spent in to_verify:
        verdict = await daemon.run(VerifyScripts(transaction, spent, relayed=False))
        if isinstance(verdict, Rejected):
            # The word is that for a transaction by itself; Core's differs for blocks.
            reason = f"block-{verdict.reason.removeprefix('mempool-')}"
            return Rejected(reason, verdict.detail)
    return Accepted()
