"""Act 4: a node that comes late gets the ledger, and what was waiting before it came."""

from __future__ import annotations

from typing import Final

from axon.swarm.story.runner import Stage, fingerprint, names

TITLE: Final = "A late joiner"


def play(stage: Stage) -> None:
    """A payment waits, a fourth node comes, learns all, and finds the block that confirms it."""
    bob, carol = stage.bob, stage.carol
    third = stage.nodes[2]
    old = list(stage.nodes)
    stage.say("A payment waits, and no block is found yet.")
    waiting = [stage.pay(bob, carol, 10)]
    stage.until_waiting(old, waiting)

    fourth = stage.new_nodes(1)[0]
    stage.check(f"blocks that {fourth.name} knows", "0", str(fourth.height()))
    stage.say(f"It calls one node, {third.name}, asks for all blocks and checks each itself. Then")
    stage.say("it is told which payments wait. (The fingerprint is one number made of all coins:")
    stage.say("equal fingerprints, equal ledgers.)")
    fourth.connect(third)
    stage.until(
        f"blocks that {fourth.name} knows", str(third.height()), lambda: str(fourth.height())
    )
    stage.until_one_ledger([fourth], fingerprint(third))
    stage.until_waiting([fourth], waiting)
    stage.until_total([fourth], bob, 40)

    stage.say(f"Now the newcomer finds the next block, and {names(old)} take it.")
    block = stage.mine(fourth)
    stage.until_one_tip(stage.nodes, block)
    stage.until_waiting(stage.nodes, ())
    stage.until_all_have(stage.nodes, (30, 40, 30))
    stage.until_state([bob, carol], waiting[0], "confirmed")
