"""How far changes of the consensus rules are, as `getdeploymentinfo` shows them.

Most are buried: they hold from a height that is written down. The others are decided by signals.
"""

from __future__ import annotations

from collections.abc import Sequence

from axon.chain.deployments import ACTIVE, LOCKED_IN, STARTED, Deployment, deployments, run_down
from axon.chain.headertree import HeaderEntry
from axon.primitives.hashes import from_hex
from axon.primitives.network import Network
from axon.rpc.amounts import Json

_P2SH_EXCEPTIONS = {
    from_hex("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22"),
    from_hex("00000000dd30457c001f4095d208cc1296b0eed002427aa599874af7a432b105"),
}
_TAPROOT_EXCEPTIONS = {
    from_hex("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad"),
}


def deployment_json(deployment: Deployment, entry: HeaderEntry) -> dict[str, Json]:
    """How far it is at a block."""
    since, state = deployment.history(entry.parent)[-1]
    next_since, next_state = deployment.history(entry)[-1]
    bip9: dict[str, Json] = {
        "start_time": deployment.start_time,
        "timeout": deployment.timeout,
        "min_activation_height": deployment.min_height,
        "status": state,
        "since": since,
        "status_next": next_state,
    }
    if state in (STARTED, LOCKED_IN):
        bip9 = {"bit": deployment.bit, **bip9, **_signals_json(deployment, entry, state)}
    shown: dict[str, Json] = {"type": "bip9"}
    if next_state == ACTIVE:
        shown["height"] = next_since
    return {**shown, "active": next_state == ACTIVE, "bip9": bip9}


def _signals_json(deployment: Deployment, entry: HeaderEntry, state: str) -> dict[str, Json]:
    elapsed = entry.height % deployment.period + 1
    signalled = [deployment.signals(each) for each in run_down(entry, elapsed)][::-1]
    count = sum(signalled)
    statistics: dict[str, Json] = {"period": deployment.period, "elapsed": elapsed, "count": count}
    if state == STARTED:
        statistics["threshold"] = deployment.threshold
        statistics["possible"] = deployment.period - deployment.threshold >= elapsed - count
    marks = "".join("#" if each else "-" for each in signalled)
    return {"statistics": statistics, "signalling": marks}


def deployments_json(entry: HeaderEntry, network: Network) -> dict[str, Json]:
    """All deployments as they are at a block."""
    buried = {
        "bip34": network.bip34_height,
        "bip66": network.bip66_height,
        "bip65": network.bip65_height,
        "csv": network.csv_height,
        "segwit": network.segwit_height,
    }
    shown: dict[str, Json] = {
        name: {"type": "buried", "active": entry.height + 1 >= height, "height": height}
        for name, height in buried.items()
    }
    decided = deployments(network).items()
    return shown | {name: deployment_json(each, entry) for name, each in decided}


def script_flags(entry: HeaderEntry, network: Network) -> Sequence[str]:
    """The script rules that hold inside a block, by name."""
    height = entry.height
    if entry.hash in _P2SH_EXCEPTIONS:
        always: tuple[str, ...] = ()
    elif entry.hash in _TAPROOT_EXCEPTIONS:
        always = ("P2SH", "WITNESS")
    else:
        always = ("P2SH", "TAPROOT", "WITNESS")
    later = {
        "CHECKLOCKTIMEVERIFY": network.bip65_height,
        "CHECKSEQUENCEVERIFY": network.csv_height,
        "DERSIG": network.bip66_height,
        "NULLDUMMY": network.segwit_height,
    }
    return sorted([*always, *(name for name, start in later.items() if height >= start)])
