"""Act 2: two nodes, each server and client, one connection; and the first real wallets."""

from __future__ import annotations

from typing import Any, Final

from axon.swarm.lab.processes import NodeProcess
from axon.swarm.story.checks import agreed
from axon.swarm.story.participants import Person
from axon.swarm.story.runner import Stage, fingerprint, names, short, wallets_of

TITLE: Final = "Two neurons"


def play(stage: Stage) -> None:
    """A second node dials the first, each finds a block, both have both; two wallets dial them."""
    first = stage.nodes[0]
    stage.say("A node is a program that listens like a server and calls like a client.")
    second = stage.new_nodes(1)[0]
    pair = [first, second]
    stage.say("(The nodes of this story are told to trust each other, so they pass payments on")
    stage.say("at once. To others they tell them at random moments: that hides who paid.)")
    stage.say("Node 1 calls node 2. From now on both may speak at any time.")
    first.connect(second)
    stage.check("connections, at nodes 1, 2", "1", _counts(pair))
    stage.check("who called whom", "1 called, 2 was called", f"1 {_role(first)}, 2 {_role(second)}")
    before = _ids(pair)
    stage.until_one_tip(pair)
    stage.until_one_ledger(pair, fingerprint(first))
    stage.say("The ledger is a chain of blocks. Their names are long; here we show their ends.")
    stage.say("Node 1 finds a block, and node 2 the next one.")
    stage.until_one_tip(pair, stage.mine(first))
    tip = stage.mine(second)
    stage.until_one_tip(pair, tip)
    stage.check(
        "got a whole block over that connection",
        names(pair),
        names([node for node in pair if _got_block(node)]),
    )
    stage.check("still the same, only connection", before, _ids(pair))
    _install_wallets(stage, pair, tip)


def _install_wallets(stage: Stage, pair: list[NodeProcess], tip: str) -> None:
    first, second = pair
    alice, carol = stage.alice, stage.carol
    stage.say("Alice and Carol install a wallet: a program with a small disk of its own. It keeps")
    stage.say("the heads of all blocks and checks by itself what nodes tell it. It is made of the")
    stage.say("12 words they had before. Alice's calls node 1, Carol's calls node 2.")
    stage.open_wallets({alice: [first], carol: [second]})
    stage.until_served_by([alice], [first])
    stage.until_served_by([carol], [second])
    stage.until_wallets_at([alice, carol], tip)
    stage.until_confirmed(pair, {alice: 50, carol: 50})
    stage.say("A wallet keeps the proof that a payment is in a block. Any node can check it.")
    for owner, judge in ((alice, second), (carol, first)):
        _check_proof(stage, owner, judge)


def _check_proof(stage: Stage, owner: Person, judge: NodeProcess) -> None:
    coin = str(owner.coins()[0]["txid"])
    proven = judge.rpc("verifytxoutproof", owner.wallet.rpc("gettxoutproof", coin))
    claim = f"what {judge.name} finds proven by {wallets_of([owner])}"
    stage.check(claim, short(coin), short(proven[-1]) if proven else "nothing")


def _peer(node: NodeProcess) -> dict[str, Any]:
    return node.peers()[0]


def _counts(nodes: list[NodeProcess]) -> str:
    return agreed([str(len(node.peers())) for node in nodes])


def _ids(nodes: list[NodeProcess]) -> str:
    return ", ".join(f"no. {peer['id']}" for node in nodes for peer in node.peers())


def _role(node: NodeProcess) -> str:
    return "was called" if _peer(node)["inbound"] else "called"


def _got_block(node: NodeProcess) -> bool:
    return int(_peer(node)["bytesrecv_per_msg"].get("block", 0)) > 0
