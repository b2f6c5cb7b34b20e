"""`axon rpc` against a real server. Sleeps 1 s in all: that is the patience under test."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.cli.rpc import main
from axon.machine import Endpoint
from axon.rpc.auth import Cookie, Credentials
from tests.rpc.serving import Web, serving


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving() as served:
        yield served


class Cli:
    def __init__(self, web: Web, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._port, self._folder, self._capsys = web.endpoint.port, folder, capsys

    def __call__(self, *arguments: str, login: bool = True) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        options = [f"-datadir={self._folder}", "-regtest", f"-rpcport={self._port}"]
        if login:
            options += ["-rpcuser=alice", "-rpcpassword=secret"]
        code = main([*options, *arguments])
        return (code, *self._capsys.readouterr())


@pytest.fixture
def cli(web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(web, tmp_path, capsys)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["getblockhash", "7"], f"{7:064x}\n"),
        (["echo"], ""),
        (["echo", "5"], "5\n"),
        (["echo", "text"], "text\n"),
        (["echo", "true"], "true\n"),
        (["echo", '"quoted"'], "quoted\n"),
        (["echo", '{"a":[1.50,{}]}'], '{\n  "a": [\n    1.50,\n    {}\n  ]\n}\n'),
        (["echo", "12" * 32], "12" * 32 + "\n"),
        (["work", "5"], "5\n"),
        (
            ["money", "0.1"],
            '[\n  0.10000000,\n  {\n    "fee": -0.10000000\n  },\n  10000000\n]\n',
        ),
        (["-named", "getblockhash", "height=7"], f"{7:064x}\n"),
        (["-named", "getblockhash", "7"], f"{7:064x}\n"),
        (["-named", "work", "name=a=b"], "a=b\n"),
        (["-rpcwallet=w", "whoami"], '[\n  "alice",\n  "w"\n]\n'),
        (["help", "echo"], "echo ( value )\n\nGives back what it gets.\n\nArguments:\n"
         "1. value    (json, optional)\n"),
    ],
)  # fmt: skip
def test_results(cli: Cli, arguments: list[str], output: str) -> None:
    assert cli(*arguments) == (0, output, "")


def test_errors(cli: Cli) -> None:
    assert cli("getblockhash", "101") == (
        8,
        "",
        "error code: -8\nerror message:\nBlock height out of range\n",
    )
    code, _, told = cli("getblockhash", "x")
    assert code == 3
    assert "JSON value of type string is not of expected type number" in told
    assert cli("nope") == (32601, "", "error code: -32601\nerror message:\nMethod not found\n")


def test_refusals(cli: Cli) -> None:
    assert cli() == (1, "", "error: too few parameters (need at least command)\n")
    code, _, told = cli("echo", login=False)
    assert code == 1
    assert told.startswith("error: Authorization failed: No file ")
    code, _, told = cli("-rpcpassword=wrong", "echo")
    assert (code, told) == (1, "error: Authorization failed: Incorrect rpcuser or rpcpassword\n")
    code, _, told = cli("-foo", "echo")
    assert told == "Error parsing command line arguments: Invalid parameter -foo\n"


def test_arguments_from_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("getblockhash\n7\n"))
    assert cli("-stdin") == (0, f"{7:064x}\n", "")
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\necho\n1\n"))
    assert cli("-rpcpassword=wrong", "-stdinrpcpass", "-stdin") == (0, "1\n", "")


def test_where_nobody_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as web:
        port = web.endpoint.port
    assert main([f"-datadir={tmp_path}", "-regtest", f"-rpcport={port}", "uptime"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(
        f"error: timeout on transient error: Could not connect to the server 127.0.0.1:{port} "
        "(Connection refused)\n\nMake sure that a node runs there"
    )


def test_what_is_wrong_before_anybody_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, told in (
        ([], "Error: too few parameters"),
        (["-regtest", "-signet", "x"], "Error: Invalid combination of -regtest"),
        (["-conf=nope", "x"], "Error reading configuration file: specified config file"),
        (["-getinfo", "-netinfo"], "error: Only one of -getinfo, -netinfo may be specified."),
        (["-regtest", "-getinfo", "x"], "error: -getinfo takes no arguments"),
        (["-regtest", "-color=x", "-getinfo"], "error: Invalid value for -color option."),
        (["-netinfo", "x"], "error: invalid -netinfo level argument: x"),
        (["-stdinwalletpassphrase", "x"], "error: -stdinwalletpassphrase is only applicable"),
    ):
        assert main([*([f"-datadir={tmp_path}"] if arguments else []), *arguments]) == 1
        assert capsys.readouterr().err.startswith(told)


def test_the_first_line_of_the_version_names_the_interface(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["-version"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"axon RPC client version v31\.\d+\.\d+ \(axon .+\)", first)


def test_help_needs_no_node(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-h"]) == 0
    assert capsys.readouterr().out.startswith("Usage: axon rpc")


def test_settings_of_the_configuration_file(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bitcoin.conf").write_text(
        "regtest=1\nrpcuser=alice\nrpcpassword=secret\n"
        f"[regtest]\nrpcport={web.endpoint.port}\nlisten=0\n"
    )
    assert main([f"-datadir={tmp_path}", "echo", "1"]) == 0
    assert capsys.readouterr().out == "1\n"
    assert main([f"-datadir={tmp_path}", "-rpcconnect=127.0.0.2", "echo"]) == 1
    assert "Could not connect to the server 127.0.0.2" in capsys.readouterr().err


def test_patience(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The node appears, warms up and is ready only after the call began."""
    with serving() as web:
        port = web.endpoint.port
    options = [f"-datadir={tmp_path}", "-regtest", f"-rpcport={port}", "-rpcwait"]
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main([*options, "echo", "1"])))
    thread.start()
    (tmp_path / "regtest").mkdir()
    credentials = Credentials()
    credentials.add("__cookie__", Cookie(tmp_path / "regtest" / ".cookie").write())
    endpoint = Endpoint("127.0.0.1", port)
    with serving(credentials=credentials, endpoint=endpoint, ready=False) as web:
        web.until(lambda: bool(web.server._slots._taken))  # It has called, or is about to.
        web.inside(lambda: web.server.ready(web.daemon))
        thread.join()
    assert codes == [0]
    assert capsys.readouterr().out == "1\n"
    assert main([*options, "-rpcwaittimeout=1", "-rpcclienttimeout=1", "echo"]) == 1
    assert "timeout on transient error" in capsys.readouterr().err
