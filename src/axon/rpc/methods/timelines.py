"""What happened to the newest blocks, and who had to do with them."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import Final

from axon.machine import MILLISECOND, SECOND, Instant
from axon.p2p.blocktimelines import TIMELINES_KEPT, BlockTimeline, PeerMoment
from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError

USUAL: Final = 10
"""Blocks that are told of where nobody says how many."""


@method("network")
def getblocktimeline(daemon: Daemon, count: int = USUAL) -> Json:
    """Returns what happened to the newest blocks here: who announced each, of whom it was asked,
    who gave it, how long its validation took and to how many peers it was relayed. Of axon's own.

    Args:
        count: How many blocks, the newest first; what is older than the last 1200 is forgotten

    Returns:
        [                                (json array)
          {                              (json object)
            "hash" : "hex",              (string) The block hash
            "height" : n,                (numeric) Its height
            "time" : n,                  (numeric) UNIX time when it was first heard of, with
                                         microseconds; all that follows is in seconds after that
            "announced" : [              (json array) Who told of it, the first one first
              {                          (json object)
                "peer" : n,              (numeric) Peer index
                "after" : n,             (numeric) When
                "by" : "str"             (string) The message: headers, inv or cmpctblock
              },
              ...
            ],
            "asked" : [ {...}, ... ],    (json array) Of whom it was asked: peer, after, and by
                                         where only what was missing was asked for: getblocktxn
            "waiting" : n,               (numeric, optional) For how long it has been asked of the
                                         last of these and has not come, in seconds
            "stalled" : [ {...}, ... ],  (json array) Who was asked and kept us waiting too long
            "received" : n,              (numeric, optional) When it was whole
            "rebuilt" : {                (json object, optional) If it came as a compact block, how
                                         many of its transactions were
              "prefilled" : n,           (numeric) sent with it
              "pool" : n,                (numeric) in the pool
              "extra" : n,               (numeric) kept beside the pool
              "requested" : n            (numeric) asked for
            },
            "sender" : n,                (numeric, optional) Who gave it; missing if it was
                                         submitted here
            "validation_ms" : n,         (numeric, optional) From then until its verdict, in
                                         milliseconds
            "refused" : "str",           (string, optional) Why it is not valid
            "relayed" : n,               (numeric, optional) When peers were told of it
            "relayed_to" : n             (numeric) How many peers were
          },
          ...
        ]
    """
    if not 0 < count <= TIMELINES_KEPT:
        raise RpcError(Code.PARAMETER, f"Invalid count, must be between 1 and {TIMELINES_KEPT}")
    now = daemon.clock.now()
    return [_timeline_json(each, now) for each in islice(daemon.node.timelines.newest(), count)]


def _timeline_json(timeline: BlockTimeline, now: Instant) -> dict[str, Json]:
    began_at = timeline.began_at
    shown: dict[str, Json] = {
        "hash": to_hex(timeline.hash),
        "height": timeline.height,
        "time": began_at / SECOND,
        "announced": [_moment_json(each, began_at) for each in timeline.announced],
        "asked": [_moment_json(each, began_at) for each in timeline.asked],
    }
    if timeline.asked and timeline.received_at is None:
        shown["waiting"] = _after(now, timeline.asked[-1].at)
    shown["stalled"] = [_moment_json(each, began_at) for each in timeline.stalled]
    if timeline.received_at is not None:
        shown["received"] = _after(timeline.received_at, began_at)
        if timeline.sender is not None:
            shown["sender"] = timeline.sender
    if timeline.rebuilt is not None:
        shown["rebuilt"] = asdict(timeline.rebuilt)
    if timeline.validation_us is not None:
        shown["validation_ms"] = timeline.validation_us / MILLISECOND
    if timeline.reason:
        shown["refused"] = timeline.reason
    if timeline.relayed_at is not None:
        shown["relayed"] = _after(timeline.relayed_at, began_at)
    return {**shown, "relayed_to": timeline.relayed_to}


def _moment_json(moment: PeerMoment, began_at: Instant) -> dict[str, Json]:
    by: dict[str, Json] = {"by": moment.command} if moment.command else {}
    return {"peer": moment.peer, "after": _after(moment.at, began_at), **by}


def _after(at: Instant, began_at: Instant) -> float:
    return (at - began_at) / SECOND
