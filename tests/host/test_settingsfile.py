"""`settings.json`: what is written comes back, and a disk that says no is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.host.settingsfile import (
    MAX_BYTES,
    keep_settings_file,
    read_settings_file,
    set_loaded_at_start,
    write_settings_file,
)


def test_what_is_written_comes_back_without_the_note_for_people(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    assert read_settings_file(path) == {}
    values: dict[str, object] = {"wallet": ["alice", "bob"], "prune": "550", "listen": False}
    write_settings_file(path, values)
    assert read_settings_file(path) == values
    assert "axon writes this file" in json.loads(path.read_text())["_warning_"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_start_makes_the_file_and_leaves_what_is_there(tmp_path: Path) -> None:
    keep_settings_file(None)
    path = tmp_path / "settings.json"
    keep_settings_file(path)
    assert read_settings_file(path) == {}
    write_settings_file(path, {"wallet": ["alice"]})
    keep_settings_file(path)
    assert read_settings_file(path) == {"wallet": ["alice"]}


def test_a_wallet_that_is_loaded_at_the_start_leaves_the_rest_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"dbcache": 5.50, "prune": 550, "wallet": "alice", "listen": false}')
    for name, yes in (("bob", True), ("carol", True), ("bob", True), ("mallory", False)):
        set_loaded_at_start(path, name, yes)
    lines = path.read_text().splitlines()
    assert [line.strip(" ,") for line in lines if "wallet" not in line][2:5] == [
        '"dbcache": 5.50',
        '"prune": 550',
        '"bob"',
    ]
    assert read_settings_file(path)["wallet"] == ["bob", "carol"]
    set_loaded_at_start(path, "bob", False)
    assert read_settings_file(path)["wallet"] == ["carol"]


def test_who_changes_no_settings_file_by_half(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"wallet": ["alice"], "wallet": []}')
    with pytest.raises(ConfigError, match="Found duplicate key wallet in settings file"):
        set_loaded_at_start(path, "bob", True)
    assert path.read_text() == '{"wallet": ["alice"], "wallet": []}'


def test_what_is_no_settings_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for text in ("", "{", "[]", '{"a": 1, "a": 2}', " " * MAX_BYTES + "{}"):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"^Settings file could not be read:\n- "):
            read_settings_file(path)
    with pytest.raises(ConfigError, match="Please check permissions"):
        read_settings_file(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^Settings file could not be written:\n- Unable to"):
        write_settings_file(tmp_path / "missing" / "settings.json", {})
