"""Whether the chain on the disk is whole, and which states of it there are."""

from __future__ import annotations

import logging
from typing import Final

from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.methods.chain import verification_progress
from axon.rpc.parameters import Int32
from axon.rpc.shapes.blocks import target_json
from axon.rpc.verification import SCRIPTS_LEVEL, ChainDoubt, TipMoved, Verification

DEFAULT_LEVEL: Final = 3
DEFAULT_DEPTH: Final = 6

_log = logging.getLogger("axon")


@method("blockchain")
async def verifychain(
    daemon: Daemon, checklevel: Int32 = DEFAULT_LEVEL, nblocks: Int32 = DEFAULT_DEPTH
) -> Json:
    """Verifies blockchain database.

    What is compared are libbitcoinkernel's blocks and undo data with each other and with the coins
    of this node; the library's own coins cannot be read.

    Args:
        checklevel: How thorough the block verification is:
            - level 0 reads the blocks from disk
            - level 1 verifies work, Merkle roots and witness commitments
            - level 2 reads what the blocks spent
            - level 3 undoes the blocks in memory and compares that with the coins
            - level 4 verifies scripts, fees and rewards again
            each level includes the checks of the previous levels
        nblocks: The number of blocks to check (0=all).

    Returns:
        true|false    (boolean) Verification finished successfully. If false, check debug log for
                      reason.
    """
    level = max(0, min(SCRIPTS_LEVEL, checklevel))
    while True:
        await daemon.caught_up()
        node = daemon.node
        tip = node.active.tip
        wanted = tip.height if nblocks <= 0 else min(nblocks, tip.height)
        depth = min(wanted, tip.height - max(0, node.chain.pruned_below - 1))
        check = Verification(daemon, level, tip, depth)
        try:
            complete = await daemon.off_loop(check.run)
        except TipMoved:
            continue
        except ChainDoubt as doubt:
            _log.error("Verification error: %s", doubt)
            return False
        if not complete:
            _log.warning("Skipped verification of level >=3: too many coins were spent")
        _log.info("Verification: the last %s blocks were looked at", depth)
        return complete and depth == wanted  # The others were pruned.


@method("blockchain")
def getchainstates(daemon: Daemon) -> Json:
    """Return information about chainstates.

    There is one: libbitcoinkernel offers no way to begin with a UTXO set.

    Returns:
        {                                    (json object)
          "headers" : n,                     (numeric) the height of the best known header
          "chainstates" : [                  (json array)
            {                                (json object)
              "blocks" : n,                  (numeric) number of blocks in this chainstate
              "bestblockhash" : "hex",       (string) blockhash of the tip
              "bits" : "hex",                (string) its target in compact form
              "target" : "hex",              (string) its target
              "difficulty" : n,              (numeric) difficulty of the tip
              "verificationprogress" : n,    (numeric) progress towards the network tip
              "coins_db_cache_bytes" : n,    (numeric) size of the coinsdb cache
              "coins_tip_cache_bytes" : n,   (numeric) size of the coinstip cache
              "validated" : true|false       (boolean) whether the chainstate is fully validated
            }
          ]
        }
    """
    tip = daemon.node.active.tip
    return {
        "headers": daemon.node.headers.best.height,
        "chainstates": [
            {
                "blocks": tip.height,
                "bestblockhash": to_hex(tip.hash),
                **target_json(tip.bits),
                "verificationprogress": verification_progress(daemon),
                "coins_db_cache_bytes": daemon.caches.database_bytes,
                "coins_tip_cache_bytes": daemon.caches.coins_bytes,
                "validated": True,
            }
        ],
    }
