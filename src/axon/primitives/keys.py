"""Keys of secp256k1: public keys, tweaks, signatures, the private key format of wallets (WIF).

The curve is libsecp256k1's, by `coincurve`; it is loaded when the first key is worked on, so that a
node which meets none does without.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import base58check_decode, base58check_encode
from axon.primitives.network import Network

COMPRESSED_SIZE: Final = 33
UNCOMPRESSED_SIZE: Final = 65
X_ONLY_SIZE: Final = 32
SECRET_SIZE: Final = 32
SCHNORR_SIZE: Final = 64
RECOVERABLE_SIZE: Final = 65

CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Secrets are from 1 to this, exclusive."""


def public_key(secret: bytes, *, compressed: bool = True) -> bytes:
    """The public key of a secret: 33 bytes, or 65 uncompressed.

    Raises:
        DecodeError: the secret is zero or not below the order of the curve.
    """
    from coincurve import PublicKey

    try:
        return bytes(PublicKey.from_secret(secret).format(compressed))
    except ValueError:
        raise DecodeError("a secret between 1 and the order of the curve") from None


def is_public_key(data: bytes) -> bool:
    """Whether bytes are a point of the curve: 33 bytes, or 65 that begin with 4.

    The hybrid form, which begins with 6 or 7, is not taken.
    """
    from coincurve import PublicKey

    if len(data) == UNCOMPRESSED_SIZE and data[0] != 4:
        return False
    if len(data) not in (COMPRESSED_SIZE, UNCOMPRESSED_SIZE):
        return False
    try:
        PublicKey(data)
    except ValueError:
        return False
    return True


def is_x_only_key(data: bytes) -> bool:
    """Whether 32 bytes are the x coordinate of a point (BIP 340)."""
    return len(data) == X_ONLY_SIZE and is_public_key(b"\x02" + data)


def add_to_public_key(key: bytes, tweak: bytes) -> bytes:
    """The point `key + tweak * G`, compressed.

    Args:
        key: 33 or 65 bytes.
        tweak: 32 bytes, big-endian.

    Raises:
        DecodeError: the tweak is not below the order of the curve, or the sum is no point.
    """
    from coincurve import PublicKey

    try:
        return bytes(PublicKey(key).add(tweak).format())
    except ValueError:
        raise DecodeError("a tweak that leads to a point of the curve") from None


def add_to_secret(secret: bytes, tweak: bytes) -> bytes:
    """`secret + tweak` modulo the order of the curve, 32 bytes.

    Raises:
        DecodeError: the tweak is not below the order, or the sum is zero.
    """
    number = int.from_bytes(tweak, "big")
    total = (int.from_bytes(secret, "big") + number) % CURVE_ORDER
    if number >= CURVE_ORDER or total == 0:
        raise DecodeError("a tweak that leads to a secret")
    return total.to_bytes(SECRET_SIZE, "big")


def tagged_hash(tag: str, data: bytes) -> bytes:
    """SHA-256 in the domain of a tag (BIP 340), 32 bytes."""
    prefix = sha256(tag.encode()).digest()
    return sha256(prefix + prefix + data).digest()


def taproot_output_key(internal: bytes, merkle_root: bytes = b"") -> bytes:
    """The x-only key that stands in a taproot output (BIP 341).

    Args:
        internal: 32 bytes, x-only.
        merkle_root: 32 bytes, of the script tree; empty if there is none.

    Raises:
        DecodeError: the internal key is no point.
    """
    tweak = tagged_hash("TapTweak", internal + merkle_root)
    return add_to_public_key(b"\x02" + internal, tweak)[1:]


def x_only_key(secret: bytes) -> bytes:
    """The public key of a secret as BIP 340 writes it: 32 bytes, the x coordinate alone.

    Raises:
        DecodeError: the secret is zero or not below the order of the curve.
    """
    return public_key(secret)[1:]


def sign_schnorr(secret: bytes, digest: bytes, entropy: bytes = bytes(32)) -> bytes:
    """A signature (BIP 340) of 64 bytes.

    Args:
        secret: 32 bytes, from 1 to the order of the curve, exclusive.
        digest: 32 bytes, from a hash that no other use of the key shares.
        entropy: 32 bytes that are mixed into the nonce. Without them the same digest is signed
            the same way, which is as safe where nobody measures the machine while it signs.
    """
    from coincurve import PrivateKey

    return bytes(PrivateKey(secret).sign_schnorr(digest, entropy))


def taproot_output_secret(secret: bytes, merkle_root: bytes = b"") -> bytes:
    """The secret of a taproot output whose internal key is that of this secret (BIP 341).

    Args:
        secret: 32 bytes.
        merkle_root: 32 bytes, of the script tree; empty if there is none.
    """
    key = public_key(secret)
    if key[0] == 3:  # An x-only key means the point with an even y.
        secret = (CURVE_ORDER - int.from_bytes(secret, "big")).to_bytes(SECRET_SIZE, "big")
    return add_to_secret(secret, tagged_hash("TapTweak", key[1:] + merkle_root))


def verify_schnorr(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature (BIP 340) is one of this key.

    Args:
        key: x-only; one that is no point of the curve has signed nothing.
        message: a digest of 32 bytes; the BIP allows any size.
        signature: of 64 bytes; one of another size is none.
    """
    from coincurve import PublicKeyXOnly

    if len(signature) != SCHNORR_SIZE or not is_x_only_key(key):
        return False
    return bool(PublicKeyXOnly(key).verify(signature, message))


def sign_ecdsa(secret: bytes, digest: bytes) -> bytes:
    """A signature in DER without its hash type: at most 71 bytes, low R and low S.

    The nonce is RFC 6979's; as in Bitcoin Core a counter is mixed into it until R is low.

    Args:
        secret: 32 bytes, from 1 to the order of the curve, exclusive.
        digest: 32 bytes.
    """
    from coincurve import PrivateKey
    from coincurve._libsecp256k1 import ffi

    key = PrivateKey(secret)
    signature, counter = key.sign(digest, hasher=None), 0
    while signature[3] > SECRET_SIZE:
        counter += 1
        entropy = ffi.new("unsigned char[32]", counter.to_bytes(32, "little"))
        signature = key.sign(digest, hasher=None, custom_nonce=(ffi.NULL, entropy))
    return bytes(signature)


def verify_ecdsa(key: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether a signature in DER, without its hash type, is one of this key, with a low S.

    Args:
        key: 33 or 65 bytes; one that is no point of the curve has signed nothing.
        digest: the 32 bytes that were signed.
    """
    from coincurve import PublicKey

    try:
        return bool(PublicKey(key).verify(signature, digest, hasher=None))
    except ValueError:
        return False


def has_low_s(signature: bytes) -> bool:
    """Whether the S of a signature in strict DER is at most half of the order of the curve."""
    return 2 * int.from_bytes(signature[6 + signature[3] :], "big") <= CURVE_ORDER


def with_low_s(signature: bytes) -> bytes:
    """The one of two signatures that say the same, in strict DER, that has a low S."""
    if has_low_s(signature):
        return signature
    begin = 6 + signature[3]
    low = CURVE_ORDER - int.from_bytes(signature[begin:], "big")
    if low <= 0:
        return signature  # No number of the curve: nobody has signed.
    s = low.to_bytes(low.bit_length() // 8 + 1, "big")  # With a zero in front of a top bit.
    body = signature[2 : begin - 1] + bytes((len(s),)) + s
    return bytes((0x30, len(body))) + body


def sign_recoverable(secret: bytes, digest: bytes, *, compressed: bool = True) -> bytes:
    """A signature that tells its key, as signed messages of old do; see `recover_public_key`.

    Args:
        secret: 32 bytes, from 1 to the order of the curve, exclusive.
        digest: the 32 bytes to sign.
        compressed: whether the key that it tells has 33 bytes.

    Returns:
        65 bytes.
    """
    from coincurve import PrivateKey

    signed = bytes(PrivateKey(secret).sign_recoverable(digest, hasher=None))
    return bytes((27 + signed[64] + (4 if compressed else 0),)) + signed[:64]


def recover_public_key(digest: bytes, signature: bytes) -> bytes | None:
    """The key behind a signature that tells it, as signed messages of old do.

    Args:
        digest: the 32 bytes that were signed.
        signature: 65 bytes: a header of 27 to 34, from 31 on for a compressed key, then r and s.

    Returns:
        33 bytes, or 65 where the header says so; None if no key can have signed so.
    """
    from coincurve import PublicKey

    if len(signature) != RECOVERABLE_SIZE or not 27 <= signature[0] <= 34:
        return None
    header = signature[0] - 27
    try:
        key = PublicKey.from_signature_and_message(
            signature[1:] + bytes((header & 3,)), digest, hasher=None
        )
    except ValueError:
        return None
    return bytes(key.format(compressed=header >= 4))


def decode_wif(text: str, network: Network) -> tuple[bytes, bool]:
    """A secret and whether its public key is written compressed.

    Raises:
        DecodeError: it is no private key of this network.
    """
    payload = base58check_decode(text)
    compressed = len(payload) == SECRET_SIZE + 2 and payload[-1] == 1
    if payload[:1] != bytes((network.wif_prefix,)):
        raise DecodeError(f"a private key of {network.name}")
    if not compressed and len(payload) != SECRET_SIZE + 1:
        raise DecodeError(f"a private key of {network.name}")
    secret = payload[1 : SECRET_SIZE + 1]
    if not 0 < int.from_bytes(secret, "big") < CURVE_ORDER:
        raise DecodeError("a secret between 1 and the order of the curve")
    return secret, compressed


def encode_wif(secret: bytes, network: Network, *, compressed: bool = True) -> str:
    """A secret of 32 bytes in the wallet import format: base58 with a checksum."""
    mark = b"\x01" if compressed else b""
    return base58check_encode(bytes((network.wif_prefix,)) + secret + mark)
