"""The program as a whole: how it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from axon.cli.main import main


@pytest.mark.parametrize(
    "arguments",
    [
        ["node", "--help"],
        ["sim", "--seeds", "1", "--nodes", "2"],
        ["wallet", "list", "-regtest", "--json"],
        ["swarm", "runs", "--json"],
    ],
)
def test_a_reader_that_leaves_early_is_no_fault(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        ended = subprocess.run(
            [sys.executable, "-m", "axon", *arguments],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nod"], "there is no command 'nod': did you mean node? See axon --help"),
        (["frobnicate"], "there is no command 'frobnicate'; see axon --help"),
        (["wallet", "blance"], "there is no command 'blance': did you mean balance? See axon wall"),
        (["wallet", "list", "--jsno"], "--jsno: did you mean --json? See axon wallet list --help"),
        (["swarm", "dwn"], "there is no command 'dwn': did you mean down? See axon swarm --help"),
        (["sim", "atack", "stall"], "there is no command 'atack': did you mean attack? See axon"),
        (["sim", "--sed", "3"], "--sed: did you mean --seeds? See axon sim --help"),
        (["demo", "--reprot=x"], "'--reprot=x': did you mean --report? See axon demo --help"),
    ],
)
def test_a_word_that_nobody_knows_is_guessed(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["wallet", "balance", "--json"], 2),
        (["swarm", "kill", "--json"], 3),
        (["demo", "--json", "x"], 2),
    ],
)
def test_what_is_refused_is_json_where_the_result_would_be(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    out, err = capsys.readouterr()
    error = json.loads(err)["error"]
    assert (out, error["code"]) == ("", code)
    assert error["message"]
