"""The client against the real server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.rpc.amounts import Amount
from axon.rpc.asyncclient import AsyncRpcClient
from axon.rpc.auth import Cookie, Credentials, Whitelist
from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from tests.rpc.serving import Web, serving


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving() as served:
        yield served


@pytest.fixture
def client(web: Web) -> Iterator[RpcClient]:
    with RpcClient(f"http://alice:secret@{web.endpoint}") as made:
        yield made


def test_results(client: RpcClient) -> None:
    assert client.call("getblockhash", 3) == f"{3:064x}"
    assert client.call("getblockhash", height=3) == f"{3:064x}"
    assert client.call("echo") is None
    assert client.call("money", Decimal("0.00000001")) == [
        Decimal("0.00000001"),
        {"fee": Decimal("-0.00000001")},
        1,
    ]
    assert client.call("money", Amount(5))[2] == 5
    assert client.call("whoami") == ["alice", None]


def test_errors(client: RpcClient) -> None:
    with pytest.raises(RpcError, match="Block height out of range") as caught:
        client.call("getblockhash", 101)
    assert caught.value.code == -8
    with pytest.raises(RpcError, match="specified twice"):
        client.call("getblockhash", 5, height=5)


def test_batch(client: RpcClient) -> None:
    first, second = client.batch([("getblockhash", [1]), ("nope", [])])
    assert first == f"{1:064x}"
    assert isinstance(second, RpcError)
    assert second.code == -32601
    assert client.batch([]) == []


def test_one_connection_is_kept(web: Web, client: RpcClient) -> None:
    client.call("echo")
    before = len(web.server._web.connections)
    for _ in range(5):
        client.call("echo")
    assert len(web.server._web.connections) == before


def test_a_connection_is_opened_as_the_caller_says(web: Web) -> None:
    asked: list[tuple[Endpoint, float | None]] = []

    def connect(server: Endpoint, timeout_s: float | None) -> socket.socket:
        asked.append((server, timeout_s))
        return socket.create_connection((web.endpoint.host, web.endpoint.port), timeout_s)

    nowhere = "http://alice:secret@[fc00:1::1]:18443"
    with RpcClient(nowhere, timeout_s=7.0, connect=connect) as client:
        assert client.call("whoami")[0] == "alice"
        client.call("echo")
    assert asked == [(Endpoint("fc00:1::1", 18443), 7.0)], "and kept"


def test_wallet_paths(web: Web) -> None:
    with RpcClient(f"http://alice:secret@{web.endpoint}", wallet="a b/c") as client:
        assert client.call("whoami") == ["alice", "a b/c"]


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:18443", "localhost", "", "https://127.0.0.1:18443", "http://127.0.0.1", "http://:1",
     "http://a:b", "http://a:99999", "http://[::1", "http://127.0.0.1:18443/wallet/w"],
)  # fmt: skip
def test_a_url_of_another_form_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigError, match=r"URL|HOST:PORT"):
        RpcClient(url, password="secret")
    with pytest.raises(ConfigError, match=r"URL|HOST:PORT"):
        AsyncRpcClient(url, password="secret")


@pytest.mark.parametrize(
    "url",
    ["http://u:hunter2@host", "https://u:hunter2@host:1", "http://u:hunter2@host:x",
     "u:hunter2@h:1", "http://u:hunter2@[::1", "http://u:hunter2/@host:1", "http://u://hunter2@host"],
)  # fmt: skip
def test_a_url_that_is_refused_shows_no_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RpcClient(url)
    assert "hunter2" not in str(caught.value)


def test_a_login_in_a_url_is_percent_encoded() -> None:
    credentials = Credentials()
    credentials.add("a@b", "p:/%")
    with (
        serving(credentials=credentials) as web,
        RpcClient(f"http://a%40b:p%3A%2F%25@{web.endpoint}") as client,
    ):
        assert client.call("whoami") == ["a@b", None]


def test_a_server_that_takes_too_long_is_not_said_to_be_away() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        RpcClient(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.05) as client,
        pytest.raises(Unreachable, match=r"No answer from the server .* \(timed out\)"),
    ):
        client.call("echo")


def test_a_wrong_password(web: Web) -> None:
    with (
        RpcClient(f"http://{web.endpoint}", user="alice", password="no") as client,
        pytest.raises(Unauthorized, match="Incorrect rpcuser or rpcpassword"),
    ):
        client.call("echo")


def test_a_method_not_for_this_user() -> None:
    with (
        serving(whitelist=Whitelist(["alice:echo"])) as web,
        RpcClient(f"http://alice:secret@{web.endpoint}") as client,
        pytest.raises(Unauthorized, match="not for this user"),
    ):
        client.call("whoami")


def test_nobody_there() -> None:
    with serving() as web:
        url = f"http://alice:secret@{web.endpoint}"
    with RpcClient(url) as client, pytest.raises(Unreachable, match="Could not connect"):
        client.call("echo")


def test_a_restarted_server_is_found_again_with_its_new_cookie(tmp_path: Path) -> None:
    path = tmp_path / ".cookie"

    def credentials() -> Credentials:
        made = Credentials()
        made.add("__cookie__", Cookie(path).write())
        return made

    with serving(credentials=credentials()) as web:
        endpoint = web.endpoint
        client = RpcClient(f"http://{endpoint}", cookie=path)
        assert client.call("whoami") == ["__cookie__", None]
    with serving(credentials=credentials(), endpoint=Endpoint(endpoint.host, endpoint.port)):
        assert client.call("whoami") == ["__cookie__", None]
    client.close()


def test_a_missing_cookie(web: Web, tmp_path: Path) -> None:
    with (
        RpcClient(f"http://{web.endpoint}", cookie=tmp_path / "none") as client,
        pytest.raises(Unauthorized, match=r"No file .*none"),
    ):
        client.call("echo")


def test_a_call_that_may_have_been_carried_out_is_not_sent_again() -> None:
    """A new connection that ends without an answer: nobody knows how far the call has come."""
    calls: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                stream, _ = listener.accept()
                with stream:
                    calls.append(stream.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            with RpcClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
                for number in (1, 2):
                    with pytest.raises(Unreachable):
                        client.call("sendpayment")
                    assert len(calls) == number
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # It wakes `accept`, which a close does not.
            thread.join()
