"""Who may call what: passwords, the cookie file and the lists of allowed methods.

Passwords are kept and compared as HMAC-SHA-256 under a salt, the form of `-rpcauth`; no plain text
is held. The cookie is a password for one run of the node, in a file that only its owner reads.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.drivers.aio.privatefiles import FILE_MODE, open_file
from axon.errors import ConfigError, disk_refusal

COOKIE_USER: Final = "__cookie__"
"""The name that goes with the password of the cookie file."""

COOKIE_MODES: Final = {"owner": 0o600, "group": 0o640, "all": 0o644}
"""`-rpccookieperms`."""


@dataclass(frozen=True, slots=True)
class _Entry:
    user: bytes
    salt: bytes
    digest_hex: bytes


class Credentials:
    """The users of one server and what proves that they are who they say."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def add(self, user: str, password: str) -> None:
        """Let in this user with this password."""
        salt = secrets.token_hex(16).encode()
        self._entries.append(_Entry(user.encode(), salt, _digest_hex(salt, password.encode())))

    def add_rpcauth(self, text: str) -> None:
        """Let in a user by `USER:SALT$HASH`.

        Raises:
            ConfigError: it is not of that form.
        """
        user, _, rest = text.partition(":")
        salt, _, digest_hex = rest.partition("$")
        if not (user and salt and digest_hex) or ":" in rest or "$" in digest_hex:
            raise ConfigError("Invalid -rpcauth argument.")
        self._entries.append(_Entry(user.encode(), salt.encode(), digest_hex.encode()))

    def user_of(self, header: str) -> str | None:
        """The user that an `Authorization` header proves to be; None if it proves nothing.

        Takes the same time whichever part of it is wrong.
        """
        scheme, _, encoded = header.partition(" ")
        if scheme != "Basic":
            return None
        try:
            user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        except ValueError:  # No base64, or no ASCII to begin with.
            return None
        proved = False
        for entry in self._entries:
            same_user = hmac.compare_digest(entry.user, user)
            digest_hex = _digest_hex(entry.salt, password)
            proved |= same_user & hmac.compare_digest(entry.digest_hex, digest_hex)
        return user.decode("utf-8", "replace") if proved and colon else None


def _digest_hex(salt: bytes, password: bytes) -> bytes:
    return hmac.digest(salt, password, "sha256").hex().encode()


class Whitelist:
    """The methods each user may call (`-rpcwhitelist`).

    Args:
        entries: `USER:method,method`; several for one user mean what all of them allow.
        default: whether users without an entry may call nothing (`-rpcwhitelistdefault`); None
            means yes as soon as there is any entry.
    """

    def __init__(self, entries: Iterable[str] = (), default: bool | None = None) -> None:
        self._methods: dict[str, frozenset[str]] = {}
        for entry in entries:
            user, _, names = entry.partition(":")
            methods = frozenset(names.replace(",", " ").split())
            self._methods[user] = self._methods.get(user, methods) & methods
        self._strict = bool(self._methods) if default is None else default

    def allows_any(self, user: str) -> bool:
        """Whether this user may call at least something."""
        return user in self._methods or not self._strict

    def allows(self, user: str, method: str) -> bool:
        """Whether this user may call this method."""
        methods = self._methods.get(user)
        return not self._strict if methods is None else method in methods


class SecretFile:
    """A file for the eyes of who runs the program, for as long as it runs.

    Args:
        path: where; a temporary file appears beside it for a moment.
        mode: permission bits.
        purpose: what it is, for an error: `the cookie file`.
    """

    def __init__(self, path: Path, purpose: str, mode: int = FILE_MODE) -> None:
        self.path = path
        self._purpose = purpose
        self._mode = mode
        self._content = ""

    def write(self, content: str) -> None:
        """Write it anew, all at once.

        Raises:
            ConfigError: the file cannot be written.
            DiskFullError: there is no room for it.
        """
        self._content = content
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        try:
            temporary.unlink(missing_ok=True)
            descriptor = open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with os.fdopen(descriptor, "w") as file:
                file.write(content)
                os.fchmod(descriptor, self._mode)
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            refused = f"Unable to write {self._purpose} {self.path}"
            raise disk_refusal(refused, error, ConfigError) from error

    def remove(self) -> None:
        """Remove the file, if it is still the one written here."""
        try:
            if self._content and self.path.read_text() == self._content:
                self.path.unlink()
        except OSError:
            return  # It is gone already, or the disk is; what it opens dies with the process.


class Cookie:
    """The file that holds a password for as long as the node runs.

    Args:
        path: where.
        mode: permission bits.
    """

    def __init__(self, path: Path, mode: int = FILE_MODE) -> None:
        self.path = path
        self._file = SecretFile(path, "the cookie file", mode)

    def write(self) -> str:
        """Write a new password, all at once, and return it.

        Raises:
            ConfigError: the file cannot be written.
            DiskFullError: there is no room for it.
        """
        password = secrets.token_hex(32)
        self._file.write(f"{COOKIE_USER}:{password}")
        return password

    def remove(self) -> None:
        """Remove the file, if it is still the one written here."""
        self._file.remove()


def read_cookie(path: Path) -> tuple[str, str] | None:
    """User and password from a cookie file; None if there is none."""
    try:
        user, colon, password = path.read_text().strip().partition(":")
    except (OSError, UnicodeDecodeError):
        return None
    return (user, password) if colon else None
