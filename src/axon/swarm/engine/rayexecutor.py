"""Ray (ray.io) as a `concurrent.futures.Executor`: whose machines run, which of them is lost, and
what runs where, is Ray's to say.

It is an optional part (`axon-node[ray]`), imported when it is asked for and never before. `ray`
begins a cluster of this machine, or joins the one that runs here; `ray://HEAD` is a client of a
cluster elsewhere, at the port of its client server. All machines must have the same axon: each
worker compares the fingerprint of its code before it runs anything.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from axon.swarm.engine.seeds import EngineFailed
from axon.swarm.engine.source import source_fingerprint

ADDRESS_VARIABLE: Final = "RAY_ADDRESS"
"""Of the environment: by it Ray itself is told which cluster to join where none is named."""

CLIENT_PORT: Final = 10_001
"""Of a head's client server, where none is named."""

DIAL_LIMIT_S: Final = 5.0
"""For a first connection to the head: Ray itself tries for half a minute, and says less."""

HEAD_MISSES: Final = 3
"""So often in a row the head may not answer."""

JOIN_TRIES: Final = 3
"""A head starts a server for each client by a fork, in which gRPC now and then crashes."""

MAX_RETRIES: Final = 10
"""So many workers may be lost with one call; what takes each of them with it is not for ever."""

_SERVER_LOST: Final = ("Starting Ray client server failed", "Proxy failed to Connect to backend")
"""In what a head says whose server for a client has ended at once, or a little later."""

_T = TypeVar("_T")


def check_head(address: str) -> tuple[str, int]:
    """Host and port of `HEAD[:PORT]`, which must answer a dial.

    Raises:
        EngineFailed: it is none, or nobody listens there.
    """
    host, colon, port = address.rpartition(":") if ":" in address else (address, "", "")
    number = int(port) if port.isdecimal() and len(port) < 6 else 0
    if not host or (colon and not 0 < number < 65_536):
        raise EngineFailed(f"ray://{address!s:.80} names no machine: ray://HOST or ray://HOST:PORT")
    number = number or CLIENT_PORT
    try:
        socket.create_connection((host.strip("[]"), number), DIAL_LIMIT_S).close()
    except OSError as error:
        raise EngineFailed(
            f"no head of a Ray cluster answers at {host}:{number}: {error}; ray start --head there "
            f"begins one, with a server for ray:// at port {CLIENT_PORT}"
        ) from None
    return host, number


class RayExecutor(Executor):
    """A cluster, as long as it is open.

    Args:
        head: `HOST[:PORT]` of a client server; None for the cluster of this machine.

    Raises:
        EngineFailed: Ray is not installed, or there is no such cluster.
    """

    def __init__(self, head: str | None = None) -> None:
        address, named = None, os.environ.get(ADDRESS_VARIABLE, "")
        if head is None and named.startswith("ray://"):
            head = named.removeprefix("ray://")
        if head is not None:
            host, port = check_head(head)
            address = f"ray://{host}:{port}"
        elif ":" in named:
            check_head(named)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Else Ray tells its makers of it.
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "120")  # See _watch_head.
        self._ray = _load()
        _join(partial(self._ray.init, address, log_to_driver=False, logging_level="ERROR"))
        self._waiting: set[Future[Any]] = set()
        self._closed = threading.Event()
        watched = head or self._ray.get_runtime_context().gcs_address
        threading.Thread(
            target=self._watch_head, args=(watched,), name="ray head", daemon=True
        ).start()
        # Ray prints what befalls its machines among our results, and has no option against it.
        self._ray._private.worker._worker_logs_enabled = False
        # A call that fails does so everywhere; one whose worker is lost runs again elsewhere.
        self._call = self._ray.remote(max_retries=MAX_RETRIES, retry_exceptions=False)(_checked)

    def submit(self, run: Callable[..., _T], /, *given: Any, **named: Any) -> Future[_T]:
        """Have it called by some worker.

        The future fails as the call does; with `EngineFailed` where Ray cannot have it called.
        """
        try:
            reference = self._call.remote(source_fingerprint(), run, given, named)
        except ConnectionError as error:
            raise BrokenExecutor(f"the Ray cluster is gone: {_last_line(error)}") from error
        future: Future[_T] = Future()
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        reference.future().add_done_callback(partial(_settle, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Leave the cluster, which drops all that was asked of it here; end it if it is ours."""
        self._closed.set()
        self._ray.shutdown()

    def _watch_head(self, address: str) -> None:
        """Fail all that is waited for once the head is gone.

        Ray itself tries for a minute or two and then ends this process, with a code that would say:
        a run has failed.
        """
        missed = 0
        while missed < HEAD_MISSES and not self._closed.wait(DIAL_LIMIT_S):
            missed = 0 if _answers(address) else missed + 1
        if not self._closed.is_set():
            for future in list(self._waiting):
                with suppress(InvalidStateError):  # Its result was just coming in.
                    future.set_exception(EngineFailed(f"the Ray head at {address} is gone"))


def _answers(address: str) -> bool:
    try:
        check_head(address)
    except EngineFailed:
        return False
    return True


def _load() -> Any:
    try:
        import ray
    except ImportError as error:
        raise EngineFailed(
            f"Ray is not installed ({error}): pip install 'axon-node[ray]'"
        ) from None
    return ray


def _join(init: Callable[[], object]) -> None:
    """Join the cluster; once more where its head could not start a server for us.

    Raises:
        EngineFailed: it cannot be joined.
    """
    for left in reversed(range(JOIN_TRIES)):
        try:
            init()
        except (ConnectionError, RuntimeError, ValueError, SystemExit) as error:
            if left == 0 or not any(said in str(error) for said in _SERVER_LOST):
                told = f"the Ray cluster cannot be joined: {_last_line(error)}"
                raise EngineFailed(told) from error
        else:
            return


def _last_line(error: BaseException) -> str:
    """Of what an error says: Ray's own have whole traces in them."""
    lines = str(error).strip().splitlines()
    return f"{lines[-1] if lines else error!r:.300}"


def _settle(future: Future[_T], theirs: Future[_T]) -> None:
    """Give a future what Ray's has."""
    error = theirs.exception()
    with suppress(InvalidStateError):  # It was dropped, or the head is gone.
        if error is None:
            future.set_result(theirs.result())
        else:
            future.set_exception(_told(error))


def _told(error: BaseException) -> BaseException:
    """An error of the call itself; or what became of its workers, in a sentence."""
    from ray import exceptions

    if isinstance(error, exceptions.RayTaskError):
        cause = error.cause
        if isinstance(cause, ImportError):
            return EngineFailed(f"a worker has not all that axon needs: {cause}")
        return cause if isinstance(cause, BaseException) else error
    if isinstance(error, exceptions.RayError):
        return EngineFailed(
            f"a run lost its worker {MAX_RETRIES + 1} times, or Ray could not start one: "
            f"{_last_line(error)}"
        )
    if isinstance(error, ConnectionError):
        return BrokenExecutor(f"the Ray cluster is gone: {_last_line(error)}")
    return error


def _checked(source: str, run: Callable[..., _T], given: tuple[Any, ...], named: Any) -> _T:
    """On a worker: call it, if the code here is the same."""
    if source != source_fingerprint():
        raise EngineFailed(
            f"{socket.gethostname()} has other code than this machine: {source_fingerprint()} and "
            f"not {source}; all machines need the same axon"
        )
    return run(*given, **named)
