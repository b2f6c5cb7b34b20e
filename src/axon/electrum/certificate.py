"""The server's certificate: the operator's, or one that it makes for itself.

Electrum wallets take a certificate that nobody vouches for, and remember it; so one that was made
stays the same over restarts. Its key is readable for its owner alone.
"""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from axon.drivers.aio.privatefiles import write_atomically
from axon.electrum.settings import ElectrumSettings
from axon.errors import ConfigError, disk_refusal

CERTIFICATE_NAME: Final = "electrum-cert.pem"
KEY_NAME: Final = "electrum-key.pem"

VALID_DAYS: Final = 3_650

_log: Final = logging.getLogger("axon")


def server_context(settings: ElectrumSettings, folder: Path) -> ssl.SSLContext:
    """What TLS needs, from TLS 1.2 on; in a thread.

    Args:
        folder: where a certificate of its own is, or will be.

    Raises:
        ConfigError: certificate or key cannot be read, or do not belong together.
        StorageError: they cannot be written.
    """
    certificate = settings.certificate or folder / CERTIFICATE_NAME
    key = settings.key or (settings.certificate or folder / KEY_NAME)
    if settings.certificate is None:
        if not (certificate.exists() and key.exists()):
            _make(certificate, key)
        _log.info("Electrum server: the certificate is self-signed, %s", certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # A handshake costs credit; this one would not.
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"The certificate {certificate} with the key {key} cannot be used: {reason}"
        ) from error
    return context


def _make(certificate: Path, key: Path) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "axon Electrum server")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(secret, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8
    try:
        write_atomically(key, secret.private_bytes(pem, plain, serialization.NoEncryption()))
        write_atomically(certificate, signed.public_bytes(pem))
    except OSError as error:
        raise disk_refusal(f"cannot write {certificate}", error) from error
