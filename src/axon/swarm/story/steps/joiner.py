"""Step 4: a node that comes late gets the ledger, and what was waiting before it came."""

from __future__ import annotations

from typing import Final

from axon.swarm.story.runner import StoryRunner, fingerprint, names

TITLE: Final = "A late joiner"


def run(runner: StoryRunner) -> None:
    """A payment waits, a fourth node comes, learns all, and finds the block that confirms it."""
    bob, carol = runner.bob, runner.carol
    third = runner.nodes[2]
    old = list(runner.nodes)
    runner.say("A payment waits, and no block is found yet.")
    waiting = [runner.pay(bob, carol, 10)]
    runner.until_waiting(old, waiting)

    fourth = runner.new_nodes(1)[0]
    runner.check(f"blocks that {fourth.name} knows", "0", str(fourth.height()))
    runner.say(f"It calls one node, {third.name}, asks for all blocks and checks each itself. Then")
    runner.say("it is told which payments wait. (The fingerprint is one number made of all coins:")
    runner.say("equal fingerprints, equal ledgers.)")
    fourth.connect(third)
    runner.until(
        f"blocks that {fourth.name} knows", str(third.height()), lambda: str(fourth.height())
    )
    runner.until_one_ledger([fourth], fingerprint(third))
    runner.until_waiting([fourth], waiting)
    runner.until_total([fourth], bob, 40)

    runner.say(f"Now the newcomer finds the next block, and {names(old)} take it.")
    block = runner.mine(fourth)
    runner.until_one_tip(runner.nodes, block)
    runner.until_waiting(runner.nodes, ())
    runner.until_all_have(runner.nodes, (30, 40, 30))
    runner.until_state([bob, carol], waiting[0], "confirmed")
