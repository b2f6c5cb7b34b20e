"""Step 2: two nodes, each server and client, one connection; and the first real wallets."""

from __future__ import annotations

from typing import Any, Final

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.story.checks import agreed
from axon.swarm.story.participants import Participant
from axon.swarm.story.runner import StoryRunner, fingerprint, names, short, wallets_of

TITLE: Final = "Two neurons"


def run(runner: StoryRunner) -> None:
    """A second node dials the first, each finds a block, both have both; two wallets dial them."""
    first = runner.nodes[0]
    runner.say("A node is a program that listens like a server and calls like a client.")
    second = runner.new_nodes(1)[0]
    pair = [first, second]
    runner.say("(The nodes of this story are told to trust each other, so they pass payments on")
    runner.say("at once. To others they tell them at random moments: that hides who paid.)")
    runner.say("Node 1 calls node 2. From now on both may speak at any time.")
    first.connect(second)
    runner.check("connections, at nodes 1, 2", "1", _counts(pair))
    runner.check(
        "who called whom", "1 called, 2 was called", f"1 {_role(first)}, 2 {_role(second)}"
    )
    before = _ids(pair)
    runner.until_one_tip(pair)
    runner.until_one_ledger(pair, fingerprint(first))
    runner.say("The ledger is a chain of blocks. Their names are long; here we show their ends.")
    runner.say("Node 1 finds a block, and node 2 the next one.")
    runner.until_one_tip(pair, runner.mine(first))
    tip = runner.mine(second)
    runner.until_one_tip(pair, tip)
    runner.check(
        "got a block over that connection",
        names(pair),
        names([node for node in pair if _got_block(node)]),
    )
    runner.check("still the same, only connection", before, _ids(pair))
    _install_wallets(runner, pair, tip)


def _install_wallets(runner: StoryRunner, pair: list[NodeProcess], tip: str) -> None:
    first, second = pair
    alice, carol = runner.alice, runner.carol
    runner.say("Alice and Carol install a wallet: a program with a small disk of its own. It keeps")
    runner.say("the heads of all blocks and checks by itself what nodes tell it. It is made of the")
    runner.say("12 words they had before. Alice's calls node 1, Carol's calls node 2.")
    runner.open_wallets({alice: [first], carol: [second]})
    runner.until_served_by([alice], [first])
    runner.until_served_by([carol], [second])
    runner.until_wallets_at([alice, carol], tip)
    runner.until_confirmed(pair, {alice: 50, carol: 50})
    runner.say("A wallet keeps the proof that a payment is in a block. Any node can check it.")
    for owner, judge in ((alice, second), (carol, first)):
        _check_proof(runner, owner, judge)


def _check_proof(runner: StoryRunner, owner: Participant, judge: NodeProcess) -> None:
    coin = str(owner.coins()[0]["txid"])
    proven = judge.rpc("verifytxoutproof", owner.wallet.rpc("gettxoutproof", coin))
    claim = f"what {judge.name} finds proven by {wallets_of([owner])}"
    runner.check(claim, short(coin), short(proven[-1]) if proven else "nothing")


def _peer(node: NodeProcess) -> dict[str, Any]:
    return node.peers()[0]


def _counts(nodes: list[NodeProcess]) -> str:
    return agreed([str(len(node.peers())) for node in nodes])


def _ids(nodes: list[NodeProcess]) -> str:
    return ", ".join(f"no. {peer['id']}" for node in nodes for peer in node.peers())


def _role(node: NodeProcess) -> str:
    return "was called" if _peer(node)["inbound"] else "called"


def _got_block(node: NodeProcess) -> bool:
    """Whole, or short where most of it was here (BIP 152)."""
    received = _peer(node)["bytesrecv_per_msg"]
    return any(received.get(each, 0) for each in ("block", "cmpctblock"))
