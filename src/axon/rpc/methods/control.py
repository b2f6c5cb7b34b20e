"""The node itself: its log, its clock, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from axon.machine import SECOND
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import expect_text

MAX_MOCK_TIME_S: Final = (2**63 - 1) // 10**9
"""What fits into 64 bits as nanoseconds."""

MAX_DELTA_S: Final = 3600


@method("control", hidden=("wait",))
async def stop(daemon: Daemon, wait: int = 0) -> Json:
    """Request a graceful shutdown of axon.

    Args:
        wait: how long to wait in ms

    Returns:
        "str"    (string) A string with the content 'axon stopping'
    """
    if wait > 0:
        await asyncio.sleep(wait / 1000)
    daemon.stop()
    return "axon stopping"


@method(
    "control",
    shown={"include": '["include_category",...]', "exclude": '["exclude_category",...]'},
)
def logging(
    daemon: Daemon, include: list[str] | None = None, exclude: list[str] | None = None
) -> Json:
    """Gets and sets the logging configuration.
    When called without an argument, returns the list of categories with status that are currently
    being debug logged or not.
    When called with arguments, adds or removes categories from debug logging and return the lists
    above. The arguments are evaluated in order "include", "exclude".

    In addition, "all" and "1" stand for every category.

    Args:
        include: The categories to add to debug logging
        exclude: The categories to remove from debug logging

    Returns:
        {                             (json object) keys are the logging categories
          "category" : true|false,    (boolean) if being debug logged or not
          ...
        }
    """
    _switch(include or [], daemon.logs.enable)
    _switch(exclude or [], daemon.logs.disable)
    return dict(sorted(daemon.logs.categories().items()))


def _switch(names: list[str], switch: Callable[[str], bool]) -> None:
    for name in map(expect_text, names):
        if not switch(name):
            raise RpcError(Code.PARAMETER, f"unknown logging category {name}")


@method("control")
def getmemoryinfo(daemon: Daemon, mode: str = "stats") -> Json:  # noqa: ARG001
    """Returns an object containing information about memory usage.

    Args:
        mode: determines what kind of information is returned. "stats" returns general statistics
            about memory usage in the daemon. "mallocinfo" is not available.

    Returns:
        {                         (json object)
          "locked" : {            (json object) Memory that may not be swapped out; this program
                                  has no such
            "used" : n,           (numeric) Number of bytes used
            "free" : n,           (numeric) Number of bytes available
            "total" : n,          (numeric) Total number of bytes managed
            "locked" : n,         (numeric) Amount of bytes that succeeded locking
            "chunks_used" : n,    (numeric) Number allocated chunks
            "chunks_free" : n     (numeric) Number unused chunks
          }
        }
    """
    if mode == "mallocinfo":
        raise RpcError(Code.PARAMETER, "mallocinfo mode not available")
    if mode != "stats":
        raise RpcError(Code.PARAMETER, f"unknown mode {mode}")
    names = ("used", "free", "total", "locked", "chunks_used", "chunks_free")
    return {"locked": dict.fromkeys(names, 0)}


@method("hidden")
def setmocktime(daemon: Daemon, timestamp: int) -> Json:
    """Set the local time to given timestamp (-regtest only).

    Args:
        timestamp: UNIX epoch time. Pass 0 to go back to using the system time.

    Returns:
        null    (json null)
    """
    if not daemon.node.network.is_test:
        message = "setmocktime is for regression testing (-regtest mode) only"
        raise RpcError(Code.MISC, message)
    if not 0 <= timestamp <= MAX_MOCK_TIME_S:
        message = f"Mocktime must be in the range [0, {MAX_MOCK_TIME_S}], not {timestamp}."
        raise RpcError(Code.PARAMETER, message)
    daemon.clock.set_mock(timestamp * SECOND if timestamp else None)
    return None


@method("hidden")
async def mockscheduler(daemon: Daemon, delta_time: int) -> Json:
    """Bump the scheduler into the future (-regtest only).

    What is done now and then is due so much earlier: our own transactions that nobody asked for
    are announced again, known addresses are written down, outbound peers too many are given up.

    Args:
        delta_time: Number of seconds to forward the scheduler into the future.

    Returns:
        null    (json null)
    """
    if not daemon.node.network.is_test:
        message = "mockscheduler is for regression testing (-regtest mode) only"
        raise RpcError(Code.MISC, message)
    if not 1 <= delta_time <= MAX_DELTA_S:
        message = f"delta_time must be between 1 and {MAX_DELTA_S} seconds (1 hr)"
        raise RpcError(Code.MISC, message)
    daemon.node.transactions.txrelay.bring_forward(delta_time * SECOND)
    daemon.node.private.bring_forward(delta_time * SECOND)
    daemon.node.maintenance.bring_forward(delta_time * SECOND)
    _look_again(daemon)
    await daemon.save_peers()
    return None


def _look_again(daemon: Daemon) -> None:
    """Have all who wait for an instant look at the clock, which goes on as it was."""
    clock = daemon.clock
    clock.set_mock(clock.now() if clock.is_mocked else None)


_ECHOED: Final = {f"arg{place}": f'"arg{place}"' for place in range(10)}


@method("hidden", shown=_ECHOED)
def echo(
    daemon: Daemon,  # noqa: ARG001
    call: Call,
    arg0: Json = None,  # noqa: ARG001
    arg1: Json = None,  # noqa: ARG001
    arg2: Json = None,  # noqa: ARG001
    arg3: Json = None,  # noqa: ARG001
    arg4: Json = None,  # noqa: ARG001
    arg5: Json = None,  # noqa: ARG001
    arg6: Json = None,  # noqa: ARG001
    arg7: Json = None,  # noqa: ARG001
    arg8: Json = None,  # noqa: ARG001
    arg9: Json = None,  # noqa: ARG001
) -> Json:
    """Simply echo back the input arguments. This command is for testing.

    Returns:
        [ ... ]    (json array) The arguments as they came in
    """
    return list(call.given)


@method("hidden", shown=_ECHOED)
def echojson(
    daemon: Daemon,  # noqa: ARG001
    call: Call,
    arg0: Json = None,  # noqa: ARG001
    arg1: Json = None,  # noqa: ARG001
    arg2: Json = None,  # noqa: ARG001
    arg3: Json = None,  # noqa: ARG001
    arg4: Json = None,  # noqa: ARG001
    arg5: Json = None,  # noqa: ARG001
    arg6: Json = None,  # noqa: ARG001
    arg7: Json = None,  # noqa: ARG001
    arg8: Json = None,  # noqa: ARG001
    arg9: Json = None,  # noqa: ARG001
) -> Json:
    """Simply echo back the input arguments. This command is for testing.

    Returns:
        [ ... ]    (json array) The arguments as they came in
    """
    return list(call.given)


@method("zmq")
def getzmqnotifications(daemon: Daemon) -> Json:
    """Returns information about the active ZeroMQ notifications.

    Returns:
        [                        (json array)
          {                      (json object)
            "type" : "str",      (string) Type of notification
            "address" : "str",   (string) Address of the publisher
            "hwm" : n            (numeric) Outbound message high water mark
          },
          ...
        ]
    """
    return [
        {
            "type": notifier.name,
            "address": notifier.address,
            "hwm": notifier.high_water_mark,
        }
        for notifier in daemon.notifiers
    ]
