"""`axon swarm audit` as a person types it: nodes that answer, files, nodes that lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from axon.cli.swarm import main
from axon.swarm.audit.auditreport import SCHEMA
from tests.swarm.audit.pretend import PretendNetwork, mesh, star

PASSWORD = "hunter2"
VECTORS = Path(__file__).parents[1] / "vectors"


def saved(network: PretendNetwork, folder: Path) -> Path:
    """A folder for each node, as the help tells to make them."""
    for name, answers in network.answers.items():
        (folder / name).mkdir(parents=True)
        for call, answer in answers.items():
            (folder / name / f"{call}.json").write_text(json.dumps(answer))
    return folder


def test_a_mesh_in_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(saved(mesh(4), tmp_path))]) == 0
    said = capsys.readouterr().out
    assert "NONE FOUND UP TO 3. By reading, nothing was harmed: 4 nodes" in said
    assert "not seen:" in said


def test_a_star_in_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--lab", "--json", str(VECTORS / "auditstar.json")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == SCHEMA
    assert {"component": "hub", "kind": "node"} in told["single_points"]


def test_nodes_folder_by_folder_and_what_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(mesh(3), tmp_path)
    command = ["audit", *(str(folder / name) for name in ("n1", "n2", "n3"))]
    assert main([*command, "--wallet", "shop=n1,n2", "--miner", "n3"]) == 1
    assert "SPOF FOUND: n3 (node)." in capsys.readouterr().out
    assert main([*command, "--miner", "n3", "--leave-out", "template"]) == 0
    assert "left out: template" in capsys.readouterr().out


def test_an_empty_file_is_a_call_that_was_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(mesh(3), tmp_path)
    (folder / "n2" / "getindexinfo.json").write_text("")
    assert main(["audit", str(folder)]) == 0
    assert "n2 did not answer getindexinfo" in capsys.readouterr().out


def test_an_as_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = mesh(3, [f"250.{place}.0.1" for place in range(1, 4)])
    command = ["audit", str(saved(network, tmp_path)), "--asmap"]
    assert main([*command, str(VECTORS / "asmap.raw")]) == 1
    assert "SPOF FOUND: AS1000 (AS)." in capsys.readouterr().out
    (tmp_path / "damaged").write_bytes(b"\xff" * 40)
    assert main([*command, str(tmp_path / "damaged")]) == 3
    assert 'damaged": expected an AS map without' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"{", "n1/getpeerinfo.json: expected JSON"),
        (b"[" * 100_000, "n1/getpeerinfo.json: expected JSON"),
        (b"\xff\xfe\x00", "n1/getpeerinfo.json: expected JSON"),
        (b" " * (17 << 20), "n1/getpeerinfo.json: expected at most 16,777,216 bytes"),
        (b"{}", "n1: getpeerinfo: expected a list"),
        (b"", "n1/getpeerinfo.json: expected JSON"),
    ],
    ids=["cut", "deep", "bytes", "long", "form", "empty"],
)
def test_a_file_that_is_not_what_it_should_be(
    content: bytes, error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(mesh(2), tmp_path)
    (folder / "n1" / "getpeerinfo.json").write_bytes(content)
    assert main(["audit", str(folder)]) == 3
    assert error in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--node", f"http://u:{PASSWORD}@127.0.0.1:1"], "--node takes NAME=..."),
        (["--node", f"n1=http://u:{PASSWORD}@127.0.0.1"], "is no URL"),
        (["--node", f"n1=https://u:{PASSWORD}@127.0.0.1:1"], "is no URL"),
        (["--node", f"n1=http://u:{PASSWORD}@127.0.0.1:1"], "n1: getpeerinfo: Could not connect"),
        (["--node", "n1=nowhere"], "n1: 'nowhere' is no URL"),
        (["--node", "a b=http://127.0.0.1:1"], "is no name"),
        (["--cookie", "n1=x"], "there is no --node n1"),
        (["nowhere"], "nowhere: cannot be read: No such file"),
    ],
)
def test_what_is_called_wrongly_is_told_without_secrets(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["audit", *arguments], home=tmp_path) == 3
    said = capsys.readouterr().err
    assert error in said
    assert PASSWORD not in said


def test_a_folder_without_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(tmp_path)]) == 3
    assert "expected getpeerinfo.json, in it or in a folder" in capsys.readouterr().err


class Server(ThreadingHTTPServer):
    """Says nothing of clients that have heard enough."""

    def handle_error(self, request: object, client_address: object) -> None: ...


@contextmanager
def answering(answers: dict[str, Any]) -> Iterator[str]:
    """A server that gives these answers; bytes stand for a whole body. Its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = answers.get(asked["method"])
            if answer is None:
                told: Any = {"error": {"code": -32601, "message": "Method not found"}}
            else:
                told = {"result": answer, "error": None}
            body = answer if isinstance(answer, bytes) else json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://u:{PASSWORD}@127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_nodes_that_run_are_asked(capsys: pytest.CaptureFixture[str]) -> None:
    network = star(2)
    del network.answers["n1"]["getindexinfo"]
    with (
        answering(network.answers["hub"]) as hub,
        answering(network.answers["n1"]) as n1,
        answering(network.answers["n2"]) as n2,
    ):
        asked = [("hub", hub), ("n1", n1), ("n2", n2)]
        command = [word for name, url in asked for word in ("--node", f"{name}={url}")]
        assert main(["audit", *command]) == 1
    said = capsys.readouterr().out
    assert "SPOF FOUND: hub (node)." in said
    assert "n1 did not answer getindexinfo" in said
    assert PASSWORD not in said


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "no JSON": ({"getpeerinfo": b"<html>\x1b[2J"}, "n1: getpeerinfo: server returned HTTP"),
    "deep": ({"getpeerinfo": b"[" * 200_000}, "n1: getpeerinfo: server returned HTTP"),
    "long": ({"getpeerinfo": bytes(17 << 20)}, "the answer is longer than 16,777,216 bytes"),
    "a long name": (
        {"getnetworkinfo": {"subversion": "x" * 10**7}, "getpeerinfo": []},
        "n1: getnetworkinfo.subversion: expected a text of at most 256 characters",
    ),
    "a million peers": (
        {"getpeerinfo": [0] * 10**6, "getnetworkinfo": {"subversion": "", "localservices": "0"}},
        "n1: getpeerinfo: expected a list of at most 10,000, found a list of 1,000,000",
    ),
    "an error without end": (
        {"getpeerinfo": json.dumps({"error": {"code": -1, "message": "\x1b[2J" * 10**6}}).encode()},
        "n1: getpeerinfo: ?[2J",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_node_that_lies_gives_one_clear_error(
    lie: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, error = LIES[lie]
    with answering(answers) as url:
        assert main(["audit", "--node", f"n1={url}"]) == 3
    said = capsys.readouterr().err
    assert error in said
    assert len(said) < 500
    assert said.strip().isprintable()
    assert PASSWORD not in said
