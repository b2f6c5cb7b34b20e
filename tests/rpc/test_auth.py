"""Passwords, whitelists and the cookie file."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import ConfigError
from axon.rpc.auth import COOKIE_MODES, Cookie, Credentials, Whitelist, read_cookie

# HMAC-SHA-256 of "pässword" under the key "salt", by openssl.
_DIGEST = "d86e5956098f9a6b2f9e69de0ebe5f0b10b97602c9d3f0760cc7571104422984"


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def test_a_user_is_known_by_the_password() -> None:
    credentials = Credentials()
    credentials.add("alice", "a:b")
    credentials.add("bob", "")
    assert credentials.user_of(basic("alice:a:b")) == "alice"
    assert credentials.user_of(basic("bob:")) == "bob"
    for wrong in ("alice:", "alice:a", "bob:a:b", "carol:a:b", "", "alice", "bob"):
        assert credentials.user_of(basic(wrong)) is None


def test_other_schemes_prove_nothing() -> None:
    credentials = Credentials()
    credentials.add("alice", "secret")
    proof = basic("alice:secret").removeprefix("Basic ")
    for scheme in ("Bearer", "basic", "Digest", ""):
        assert credentials.user_of(f"{scheme} {proof}") is None


def test_nobody_else_can_read_a_cookie_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []

    def seen(descriptor: int, mode: int) -> None:
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        fchmod(descriptor, mode)

    fchmod = os.fchmod
    monkeypatch.setattr(os, "fchmod", seen)
    Cookie(tmp_path / ".cookie", COOKIE_MODES["all"]).write()
    assert modes == [0o600]
    assert (tmp_path / ".cookie").stat().st_mode & 0o777 == 0o644


def test_rpcauth() -> None:
    credentials = Credentials()
    credentials.add_rpcauth(f"carol:salt${_DIGEST}")
    assert credentials.user_of(basic("carol:pässword")) == "carol"
    assert credentials.user_of(basic("carol:password")) is None
    assert credentials.user_of(basic(f"carol:{_DIGEST}")) is None


@pytest.mark.parametrize(
    "text", ["", "carol", "carol:salt", "carol:$x", "a:b:c$d", "a:b$c$d", ":b$c"]
)
def test_rpcauth_of_another_form(text: str) -> None:
    with pytest.raises(ConfigError, match="Invalid -rpcauth argument"):
        Credentials().add_rpcauth(text)


@given(
    st.text()
    | st.text().map("Basic {}".format)
    | st.binary().map(lambda data: "Basic " + base64.b64encode(data).decode())
)
def test_no_header_breaks_it(header: str) -> None:
    credentials = Credentials()
    credentials.add("alice", "secret")
    assert credentials.user_of(header) is None


def test_no_password_is_held_as_text() -> None:
    credentials = Credentials()
    credentials.add("alice", "open sesame")
    assert "open sesame" not in repr(vars(credentials))


def test_whitelists_of_one_user_are_cut_down_to_what_all_allow() -> None:
    whitelist = Whitelist(["alice:a, b,c", "alice:b,c,d", "bob"])
    assert [name for name in "abcd" if whitelist.allows("alice", name)] == ["b", "c"]
    assert whitelist.allows_any("bob")
    assert not whitelist.allows("bob", "a")
    assert not whitelist.allows_any("carol")


def test_without_whitelists_all_is_allowed_unless_the_default_says_no() -> None:
    assert Whitelist().allows("alice", "a")
    assert not Whitelist(default=True).allows_any("alice")


@pytest.mark.parametrize("mode", COOKIE_MODES.values())
def test_cookie(tmp_path: Path, mode: int) -> None:
    cookie = Cookie(tmp_path / ".cookie", mode)
    password = cookie.write()
    assert (tmp_path / ".cookie").read_text() == f"__cookie__:{password}"
    assert len(password) == 64
    assert stat.S_IMODE((tmp_path / ".cookie").stat().st_mode) == mode
    assert read_cookie(tmp_path / ".cookie") == ("__cookie__", password)
    assert cookie.write() != password
    assert [path.name for path in tmp_path.iterdir()] == [".cookie"]
    cookie.remove()
    assert not list(tmp_path.iterdir())
    cookie.remove()


def test_a_cookie_written_by_another_is_left_alone(tmp_path: Path) -> None:
    first, second = Cookie(tmp_path / ".cookie"), Cookie(tmp_path / ".cookie")
    first.write()
    second.write()
    first.remove()
    assert (tmp_path / ".cookie").exists()


def test_a_half_written_cookie_of_the_past_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".cookie.tmp").write_text("half")
    password = Cookie(tmp_path / ".cookie").write()
    assert read_cookie(tmp_path / ".cookie") == ("__cookie__", password)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Unable to write the cookie file"):
        Cookie(tmp_path / "no" / ".cookie").write()
    assert read_cookie(tmp_path / "no" / ".cookie") is None
