"""Step 5: a miner pays himself 500 instead of 50, and every node refuses his block."""

from __future__ import annotations

from typing import Final

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer
from axon.swarm.story.checks import agreed
from axon.swarm.story.runner import WHOLE_REWARD, StoryRunner, fingerprint, names
from axon.swarm.story.scriptpeer import ScriptPeer, block_on

TITLE: Final = "The cheat"

GREED: Final = 500
"""Coins that the cheat pays himself."""

RULE: Final = "bad-cb-amount"
"""How nodes call the rule that he breaks: the amount of a block's own new coins."""

_NAME: Final = "cheat"
_PING: Final = 4711


def run(runner: StoryRunner) -> None:
    """The same block twice: with 500 it is refused by all, with 50 it is taken."""
    nodes = runner.nodes
    signer = Signer("the cheat")
    before, tip = fingerprint(nodes[0]), nodes[0].tip()
    runner.say("A program that is no node speaks the nodes' language over a real connection.")
    runner.say("It asks for the chain and mines the next block: a good one, with proof of work,")
    runner.say(f"but its miner pays himself {GREED} coins where the rule gives {WHOLE_REWARD}.")
    with _caller(runner, nodes[0]) as peer:
        headers = peer.headers()
    # One for each: a block that one node has been given, the others have heard of from it, as they
    # pass blocks on as soon as their work is proved, and look at the rest meanwhile (BIP 152).
    cheats = [Signer(f"the cheat at {node.name}") for node in nodes]
    bad = [block_on(headers, each.script, GREED * COIN) for each in cheats]

    runner.say("It calls each node with such a block, and each asks for it and looks at it.")
    ended = [_hand_over(runner, *given) for given in zip(nodes, bad, strict=True)]
    runner.check(f"the caller is hung up on, by {names(nodes)}", "yes", agreed(ended))
    runner.until(
        f"the rule that refused the block, by {names(nodes)}",
        RULE,
        lambda: agreed([_refusal(*given) for given in zip(nodes, bad, strict=True)]),
    )
    runner.check(
        f"the block is marked, at {names(nodes)}",
        "invalid",
        agreed([_mark(*given) for given in zip(nodes, bad, strict=True)]),
    )
    runner.check(
        f"connections to the cheat, at {names(nodes)}",
        "0",
        agreed([str(_callers(node)) for node in nodes]),
    )
    runner.until_one_tip(nodes, tip)
    runner.until_one_ledger(nodes, before)
    runner.until_wallets_at(runner.participants, tip)

    runner.say(f"Is it the {GREED}? The same program offers the same block with {WHOLE_REWARD}.")
    good = block_on(headers, signer.script, WHOLE_REWARD * COIN)
    with _caller(runner, nodes[0]) as peer:
        peer.offer(good)
        runner.until_one_tip(nodes, to_hex(good.hash))
        answered = "yes" if peer.is_answered(_PING) else "no"
        runner.check(f"{nodes[0].name} still speaks with this caller", "yes", answered)
    runner.until_wallets_at(runner.participants, to_hex(good.hash))


def _caller(runner: StoryRunner, node: NodeProcess) -> ScriptPeer:
    """A connection at the door for strangers."""
    return ScriptPeer(node.p2p, REGTEST, _NAME, runner.now_s())


def _hand_over(runner: StoryRunner, node: NodeProcess, block: Block) -> str:
    with _caller(runner, node) as peer:
        peer.offer(block)
        return "yes" if peer.is_disconnected() else "no"


def _refusal(node: NodeProcess, block: Block) -> str:
    """Why a node refused a block, as its log says."""
    log = (node.network_folder / "debug.log").read_text(errors="replace")
    for line in log.splitlines():
        if f"block {to_hex(block.hash)} from peer=" in line and "refused: " in line:
            return line.rpartition("refused: ")[2]
    return "not refused"


def _mark(node: NodeProcess, block: Block) -> str:
    """How a node lists a block among the ends of all branches that it knows."""
    name = to_hex(block.hash)
    found = [str(tip["status"]) for tip in node.rpc("getchaintips") if tip["hash"] == name]
    return found[0] if found else "unknown"


def _callers(node: NodeProcess) -> int:
    return sum(peer["subver"] == f"/{_NAME}/" for peer in node.peers())
