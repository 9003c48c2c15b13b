"""Certificate, key and authorities of the table [tls], checked before the node listens.

Each mistake is one sentence with the key of pacs.toml, the file, the cause and the remedy. OpenSSL alone names neither
file nor remedy, and asks at the terminal for the passphrase of an encrypted key.
"""

from __future__ import annotations

import re
import ssl
import time
from pathlib import Path
from typing import Final

from unseen_server.pacs.config import PacsConfig, PacsConfigError, Tls

# RFC 9325 (BCP 195), 4.2; TLS 1.3 brings its own
OLDEST: Final = ssl.TLSVersion.TLSv1_2
CIPHERS: Final = ":".join(
    f"ECDHE-{key}-{cipher}" for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384") for key in ("ECDSA", "RSA")
)

_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_CERTIFICATES: Final = {"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"}
_WANTED: Final = {
    "certificate": "the node's certificate",
    "key": "its private key",
    "ca": "the authorities' certificates",
}
_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_CLOCK: Final = "compare this machine's clock"

_HANDSHAKE: Final = {
    "HTTP_REQUEST": "it sends plain HTTP to the port of TLS",
    "WRONG_VERSION_NUMBER": "it sends plain text to the port of TLS, or an unknown version of TLS",
    "UNSUPPORTED_PROTOCOL": "it offers only versions before TLS 1.2",
    "VERSION_TOO_LOW": "it offers only versions before TLS 1.2",
    "NO_SHARED_CIPHER": "it offers no cipher suite of BCP 195",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate",
    "CERTIFICATE_VERIFY_FAILED": "ca of [tls] does not accept its certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not accept the authority of the node's certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept the node's certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept the node's certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the node's certificate has expired for it: compare both clocks",
}
"""Sentences for OpenSSL's reasons why a handshake failed."""


def why_refused(error: OSError | ValueError) -> str:
    """Return why a handshake failed, for the log.

    Example:
        >>> why_refused(OSError(104, "Connection reset by peer"))
        'Connection reset by peer'
    """
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    sentence = _HANDSHAKE.get(str(reason))
    if isinstance(error, ssl.SSLCertVerificationError):
        sentence = f"{sentence} ({error.verify_message})"
    return (sentence or str(reason)).replace("\n", " ")[:120]


def load(context: ssl.SSLContext, config: PacsConfig) -> None:
    """Load the files of the table [tls] into a context.

    Args:
        context: Context of a server or a client; it gets the oldest version and the cipher suites of BCP 195, too.
        config: The node's configuration.

    Raises:
        PacsConfigError: A file cannot be used; the sentence names it, the cause and the remedy.
    """
    tls = config.tls
    if tls is None:
        raise PacsConfigError("pacs.toml has no table [tls]. Add it, with certificate, key and ca")
    context.minimum_version = OLDEST
    context.set_ciphers(CIPHERS)
    certificate, key, ca = (_checked(config, tls, name) for name in ("certificate", "key", "ca"))
    _load_own(context, certificate, key)
    _check_dates(certificate, key)
    _load_authorities(context, ca)


def check(config: PacsConfig) -> None:
    """Check the files of the table [tls], where there is one. Raises PacsConfigError."""
    if config.tls is not None:
        load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), config)


def _mistake(name: str, file: Path, cause: str, remedy: str) -> PacsConfigError:
    return PacsConfigError(f"tls.{name}: {file}: {cause}. {remedy}")


def _checked(config: PacsConfig, tls: Tls, name: str) -> Path:
    """Return the file of a key of [tls], of which the type is right."""
    file = config.file(getattr(tls, name))
    try:
        data = file.read_bytes()
    except OSError as error:
        remedy = "Give a PEM file that the user of the node may read"
        raise _mistake(name, file, f"cannot be read ({error.strerror})", remedy) from error
    labels = {label.decode() for label in _BEGIN.findall(data)}
    if not labels:
        raise _mistake(name, file, *_no_pem(name, file, data))
    keys = {label for label in labels if label.endswith("PRIVATE KEY")}
    if name == "key":
        if not keys:
            found = "a certificate" if labels & _CERTIFICATES else sorted(labels)[0].lower()
            raise _mistake(name, file, f"holds no private key, but {found}", "Give the key's PEM file")
        if "ENCRYPTED PRIVATE KEY" in keys or b"Proc-Type: 4,ENCRYPTED" in data:
            remedy = (
                f"Write it without one: `openssl pkey -in {file.name} -out node.key`, readable by the node's user alone"
            )
            raise _mistake(
                name, file, "is encrypted with a passphrase, and nobody types it when the node starts", remedy
            )
    elif not labels & _CERTIFICATES:
        if "CERTIFICATE REQUEST" in labels or "NEW CERTIFICATE REQUEST" in labels:
            cause, remedy = "is a request for a certificate", "Have the authority sign it, and give what it returns"
        elif keys:
            cause, remedy = "holds a private key and no certificate", f"Give {_WANTED[name]}"
        else:
            cause, remedy = f"holds no certificate, but {sorted(labels)[0].lower()}", f"Give {_WANTED[name]}"
        raise _mistake(name, file, cause, remedy)
    return file


def _no_pem(name: str, file: Path, data: bytes) -> tuple[str, str]:
    """Return cause and remedy of a file without any PEM block."""
    if not data.strip():
        return "is empty", f"Write {_WANTED[name]} into it, in PEM format"
    if data[:1] == b"\x30":  # a SEQUENCE of ASN.1
        command = "pkey" if name == "key" else "x509"
        return (
            "is in DER or PKCS #12 format, not in PEM format",
            f"Convert it: `openssl {command} -inform DER -in {file.name} -out {file.stem}.pem`, "
            f"or `openssl pkcs12 -nodes -in {file.name} -out {file.stem}.pem`",
        )
    return "is no PEM file", f"Give {_WANTED[name]}, in PEM format"


def _load_own(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (ssl.SSLError, ValueError) as error:
        reason = str(getattr(error, "reason", None) or error)
        if reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):  # the last: another type
            raise _mistake(
                "key",
                key,
                f"is not the key of the certificate {certificate}",
                "Give the key with which the certificate was requested; the first certificate of the file must be the "
                f"node's. `openssl x509 -noout -pubkey -in {certificate.name}` and "
                f"`openssl pkey -pubout -in {key.name}` print the same where they belong together",
            ) from error
        weak = reason.endswith(("_TOO_SMALL", "_TOO_WEAK"))
        name, file = ("certificate", certificate) if weak or not _is_sound(certificate) else ("key", key)
        raise _mistake(
            name, file, f"cannot be used ({reason})", f"Give {_WANTED[name]} again, in PEM format"
        ) from error


def _no_passphrase() -> bytes:
    raise ValueError("it is encrypted")


def _is_sound(certificate: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(certificate)
    except ssl.SSLError:
        return False
    return True


def _check_dates(certificate: Path, key: Path) -> None:
    """Check by a handshake in memory that a client that trusts the certificate accepts it now."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key, password=_no_passphrase)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself is trusted, whoever signed it
    client.load_verify_locations(certificate)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for end in ends * 2:  # the client says hello, and has the certificate in its second turn
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            if error.verify_code == _EXPIRED:
                cause, remedy = "has expired", f"Get a new certificate from the authority, or {_CLOCK}"
            elif error.verify_code == _NOT_YET_VALID:
                cause, remedy = "is not valid yet", f"{_CLOCK.capitalize()}, or get a certificate that is valid now"
            else:
                cause, remedy = f"is not accepted ({error.verify_message})", "Get a certificate for a server and client"
            see = f"`openssl x509 -noout -dates -in {certificate.name}` shows its dates"
            raise _mistake("certificate", certificate, cause, f"{remedy}; {see}") from error


def _load_authorities(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except ssl.SSLError as error:
        remedy = f"Give {_WANTED['ca']} again, in PEM format"
        raise _mistake("ca", ca, f"cannot be used ({error.reason or error})", remedy) from error
    if not context.cert_store_stats()["x509"]:
        raise _mistake("ca", ca, "holds no certificate", f"Write {_WANTED['ca']} into it, in PEM format")
    now, authorities = time.time(), context.get_ca_certs()
    valid = [
        one
        for one in authorities
        if ssl.cert_time_to_seconds(str(one["notBefore"])) <= now <= ssl.cert_time_to_seconds(str(one["notAfter"]))
    ]
    if authorities and not valid:
        last = max(authorities, key=lambda one: ssl.cert_time_to_seconds(str(one["notAfter"])))
        dates = f"from {last['notBefore']} to {last['notAfter']}"
        remedy = f"Get the authority's current certificate, or {_CLOCK}"
        raise _mistake("ca", ca, f"no authority in it is valid now; the last one is so {dates}", remedy)
