"""Scripts and keys that a signer has, with where the keys come from."""

from __future__ import annotations

from dataclasses import dataclass, field

from axon.primitives.hashes import hash160
from axon.primitives.keys import public_key
from axon.psbt.taptrees import TapSpend


@dataclass(slots=True)
class Keyring:
    """What a signer has.

    Args:
        scripts: by their hash160.
        keys: public keys by their hash160.
        origins: where public keys come from (fingerprint of 4 bytes, then 32 bits for each step),
            by their hash160.
        secrets: 32 bytes, by the hash160 of the public key.
        spends: what taproot outputs need, by their x-only key.
        aggregates: participants of aggregate keys (BIP 327), by the aggregate of 33 bytes.
    """

    scripts: dict[bytes, bytes] = field(default_factory=dict)
    keys: dict[bytes, bytes] = field(default_factory=dict)
    origins: dict[bytes, bytes] = field(default_factory=dict)
    secrets: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    spends: dict[bytes, TapSpend] = field(default_factory=dict)
    aggregates: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)

    def add_script(self, script: bytes) -> None:
        """Take in what may stand behind a hash."""
        self.scripts.setdefault(hash160(script), script)

    def add_key(self, key: bytes, origin: bytes | None = None) -> None:
        """Take in a public key of 33 or 65 bytes."""
        name = hash160(key)
        self.keys.setdefault(name, key)
        if origin is not None:
            self.origins.setdefault(name, origin)

    def add_secret(self, secret: bytes, *, compressed: bool = True) -> None:
        """Take in a private key of 32 bytes, and its public key."""
        key = public_key(secret, compressed=compressed)
        self.add_key(key)
        self.secrets[hash160(key)] = secret

    def x_only_secret(self, key: bytes) -> bytes | None:
        """The secret behind an x-only key of 32 bytes."""
        for first in (b"\x02", b"\x03"):
            secret = self.secrets.get(hash160(first + key))
            if secret is not None:
                return secret
        return None

    def x_only_origin(self, key: bytes) -> bytes | None:
        """Where an x-only key comes from."""
        for first in (b"\x02", b"\x03"):
            origin = self.origins.get(hash160(first + key))
            if origin is not None:
                return origin
        return None


NO_KEYS = Keyring()
"""What somebody has who has nothing; nobody adds to it."""
