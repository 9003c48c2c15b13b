"""Mistakes with TLS: files that cannot be used stop the start with a sentence, and wrong clients hold no slot."""

from __future__ import annotations

import datetime
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.pacs.conftest import VERIFICATION, StartNode, associated, peer, soon
from tests.pacs.test_node_tls import tls
from unseen_server.pacs import certificates, request_reading
from unseen_server.pacs.config import PacsConfig, PacsConfigError
from unseen_server.pacs.listener import Listener
from unseen_server.pacs.transport import client_context, server_context

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PLAIN_SYNTAX = ["1.2.840.10008.1.2"]
DAY = datetime.timedelta(days=1)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(
    name: str,
    key: Key,
    *,
    by: tuple[x509.Certificate, Key] | None = None,
    begins: int = -1,
    ends: int = 30,
    usage: x509.ObjectIdentifier | None = None,
) -> x509.Certificate:
    """Return a certificate for 127.0.0.1, valid from and to so many days from now; without `by` an authority's own."""
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins * DAY)
        .not_valid_after(now + ends * DAY)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    if usage is not None:
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return made.sign(key if by is None else by[1], hashes.SHA256())


def pem(*parts: Any) -> bytes:
    """Certificates and keys, one after the other."""
    return b"".join(
        part.public_bytes(serialization.Encoding.PEM)
        if isinstance(part, x509.Certificate | x509.CertificateSigningRequest)
        else private(part)
        for part in parts
    )


def private(key: Key, *, passphrase: bytes = b"", old: bool = False) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL if old else serialization.PrivateFormat.PKCS8
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, how)


class Files:
    """An authority, the node's key and certificate, and those of a peer; `write` makes a `[tls]` of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_key, self.key, self.ward_key = new_key(), new_key(), new_key()
        self.ca = certificate("ca", self.ca_key)
        self.signed = (self.ca, self.ca_key)
        self.node = certificate("node", self.key, by=self.signed)
        self.ward = certificate("ward", self.ward_key, by=self.signed)

    def write(self, **instead: bytes) -> dict[str, object]:
        """Write node.crt, node.key, ca.crt, and the peer's files; `instead` names contents by key of [tls]."""
        usual = {"certificate": pem(self.node), "key": private(self.key), "ca": pem(self.ca)}
        names = {"certificate": "node.crt", "key": "node.key", "ca": "ca.crt"}
        for key, data in (usual | instead).items():
            (self.folder / names[key]).write_bytes(data)
        (self.folder / "ward.crt").write_bytes(pem(self.ward))
        (self.folder / "ward.key").write_bytes(private(self.ward_key))
        return tls(self.folder)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def config(files: Files, **instead: bytes) -> PacsConfig:
    found = PacsConfig.model_validate({"host": "127.0.0.1", "port": 0, "tls": files.write(**instead)})
    found._folder = files.folder
    return found


Wrong = Callable[[Files], dict[str, bytes]]
WRONG: dict[str, tuple[Wrong, str, str, str]] = {
    "key of another certificate": (
        lambda files: {"key": private(new_key())},
        "node.key",
        "is not the key of the certificate .*node.crt",
        "Give the key with which",
    ),
    "key of another type": (
        lambda files: {"key": private(rsa.generate_private_key(65537, 2048))},
        "node.key",
        "is not the key of the certificate .*node.crt",
        "Give the key with which",
    ),
    "authority before the node's certificate": (
        lambda files: {"certificate": pem(files.ca, files.node)},
        "node.key",
        "is not the key of the certificate",
        "the first certificate of the file must be the node's",
    ),
    "expired": (
        lambda files: {"certificate": pem(certificate("node", files.key, by=files.signed, begins=-30, ends=-1))},
        "node.crt",
        "has expired",
        "Get a new certificate",
    ),
    "not valid yet": (
        lambda files: {"certificate": pem(certificate("node", files.key, by=files.signed, begins=2))},
        "node.crt",
        "is not valid yet",
        "Compare this machine's clock",
    ),
    "for other purposes": (
        lambda files: {
            "certificate": pem(
                certificate("node", files.key, by=files.signed, usage=ExtendedKeyUsageOID.EMAIL_PROTECTION)
            )
        },
        "node.crt",
        "is not accepted",
        "Get a certificate for a server",
    ),
    "encrypted key": (
        lambda files: {"key": private(files.key, passphrase=b"secret")},
        "node.key",
        "is encrypted with a passphrase",
        "openssl pkey -in node.key",
    ),
    "encrypted key of the old form": (
        lambda files: {"key": private(files.key, passphrase=b"secret", old=True)},
        "node.key",
        "is encrypted with a passphrase",
        "openssl pkey -in node.key",
    ),
    "key and certificate exchanged": (
        lambda files: {"certificate": private(files.key), "key": pem(files.node)},
        "node.crt",
        "holds a private key and no certificate",
        "Give the node's certificate",
    ),
    "certificate as key": (
        lambda files: {"key": pem(files.node)},
        "node.key",
        "holds no private key, but a certificate",
        "Give the key's PEM file",
    ),
    "public key as key": (
        lambda files: {
            "key": files.key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        },
        "node.key",
        "holds no private key, but public key",
        "Give the key's PEM file",
    ),
    "request as certificate": (
        lambda files: {
            "certificate": pem(
                x509.CertificateSigningRequestBuilder()
                .subject_name(files.node.subject)
                .sign(files.key, hashes.SHA256())
            )
        },
        "node.crt",
        "is a request for a certificate",
        "Have the authority sign it",
    ),
    "certificate in DER": (
        lambda files: {"certificate": files.node.public_bytes(serialization.Encoding.DER)},
        "node.crt",
        "is in DER or PKCS #12 format",
        "openssl x509 -inform DER -in node.crt",
    ),
    "key in DER": (
        lambda files: {
            "key": files.key.private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        },
        "node.key",
        "is in DER or PKCS #12 format",
        "openssl pkey -inform DER -in node.key",
    ),
    "PKCS 12": (
        lambda files: {
            "certificate": pkcs12.serialize_key_and_certificates(
                b"node", files.key, files.node, None, serialization.NoEncryption()
            )
        },
        "node.crt",
        "is in DER or PKCS #12 format",
        "openssl pkcs12",
    ),
    "text as certificate": (lambda files: {"certificate": b"hello\n"}, "node.crt", "is no PEM file", "in PEM format"),
    "empty certificate": (lambda files: {"certificate": b""}, "node.crt", "is empty", "in PEM format"),
    "empty key": (lambda files: {"key": b"\n"}, "node.key", "is empty", "in PEM format"),
    "empty authority": (lambda files: {"ca": b""}, "ca.crt", "is empty", "the authorities' certificates"),
    "text as authority": (lambda files: {"ca": b"# none yet\n"}, "ca.crt", "is no PEM file", "in PEM format"),
    "key as authority": (
        lambda files: {"ca": private(files.ca_key)},
        "ca.crt",
        "holds a private key and no certificate",
        "the authorities' certificates",
    ),
    "expired authority": (
        lambda files: {"ca": pem(certificate("ca", files.ca_key, begins=-30, ends=-1))},
        "ca.crt",
        "no authority in it is valid now",
        "Get the authority's current certificate",
    ),
    "damaged certificate": (
        lambda files: {"certificate": pem(files.node)[:200] + b"\n-----END CERTIFICATE-----\n"},
        "node.crt",
        "cannot be used",
        "in PEM format",
    ),
    "damaged key": (
        lambda files: {"key": private(files.key)[:100] + b"\n-----END PRIVATE KEY-----\n"},
        "node.key",
        "cannot be used",
        "in PEM format",
    ),
    "damaged authority": (
        lambda files: {"ca": pem(files.ca)[:200] + b"\n-----END CERTIFICATE-----\n"},
        "ca.crt",
        "cannot be used",
        "in PEM format",
    ),
    "short key": (
        lambda files: {
            "certificate": pem(certificate("node", key := rsa.generate_private_key(65537, 1024), by=files.signed)),
            "key": private(key),
        },
        "node.crt",
        "cannot be used .*TOO_SMALL",
        "in PEM format",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_file_that_cannot_be_used_stops_the_start_with_a_sentence(
    start_node: StartNode, files: Files, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, name, cause, remedy = WRONG[what]
    listened: list[object] = []
    serve = Listener._serve
    monkeypatch.setattr(Listener, "_serve", lambda *words, **more: (listened.append(words), serve(*words, **more))[1])
    with pytest.raises(PacsConfigError) as raised:
        start_node(tls=files.write(**wrong(files)), peers=[peer(tls=True)])
    sentence = str(raised.value)
    with pytest.raises(PacsConfigError, match=cause):
        raise raised.value
    assert sentence.startswith("tls.") and name in sentence.split(": ")[1] and remedy in sentence
    assert listened == [], "it listens"


@pytest.mark.parametrize("key", ["certificate", "key", "ca"])
@pytest.mark.parametrize("how", ["absent", "a folder"])
def test_a_file_that_cannot_be_read_is_named(files: Files, key: str, how: str) -> None:
    found = config(files)
    assert found.tls is not None
    file = Path(getattr(found.tls, key))
    file.unlink()
    if how == "a folder":
        file.mkdir()
    with pytest.raises(PacsConfigError, match=rf"tls.{key}: .*{file.name}: cannot be read \(.*Give a PEM file"):
        certificates.check(found)


@pytest.mark.parametrize("made", [server_context, client_context])
def test_calls_to_peers_check_the_files_too(files: Files, made: Callable[[PacsConfig], ssl.SSLContext]) -> None:
    assert made(config(files)).minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.raises(PacsConfigError, match="has expired"):
        made(config(files, certificate=pem(certificate("node", files.key, by=files.signed, begins=-30, ends=-1))))


def test_good_files_of_other_forms_are_taken(files: Files) -> None:
    middle_key = new_key()
    middle = certificate("middle", middle_key)
    for instead in (
        {"certificate": pem(files.node, middle)},
        {"certificate": pem(files.node, files.key), "key": pem(files.node, files.key)},
        {"key": private(files.key, old=True)},
        {"ca": pem(certificate("old", new_key(), begins=-30, ends=-1), files.ca)},
        {"ca": pem(files.ward)},
        {"certificate": b"subject: node\n" + pem(files.node)},
        {"certificate": pem(certificate("node", files.key, by=files.signed, usage=ExtendedKeyUsageOID.SERVER_AUTH))},
    ):
        certificates.check(config(files, **instead))


# clients --------------------------------------------------------------------------------------------------------------


def hello(version: bytes) -> bytes:
    """A ClientHello of an old version, with a suite of its time."""
    body = version + os.urandom(32) + b"\0" + bytes.fromhex("0004002f0035") + b"\x01\x00"
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x00" + len(message).to_bytes(2) + message


def answer(port: int, data: bytes) -> bytes:
    """Return the answer of the port until it closes."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(30)
        connection.sendall(data)
        found = b""
        try:
            while piece := connection.recv(4096):
                found += piece
        except ConnectionResetError:
            pass
        return found


def associate(files: Files, port: int) -> bool:
    """Return whether the known peer's association by TLS is accepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(files.folder / "ward.crt", files.folder / "ward.key")
    context.load_verify_locations(files.folder / "ca.crt")
    with associated(port, [(VERIFICATION, PLAIN_SYNTAX)], tls_args=(context, "localhost")) as association:
        return bool(association.is_established) and association.send_c_echo().Status == 0x0000


WRONG_CLIENTS = {
    "SSL 3.0": (hello(b"\x03\x00"), "before TLS 1.2"),
    "TLS 1.0": (hello(b"\x03\x01"), "before TLS 1.2"),
    "TLS 1.1": (hello(b"\x03\x02"), "before TLS 1.2"),
    "an association": (bytes.fromhex("0100000000cd0001") + b"\0" * 199, "plain text to the port of TLS"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "plain HTTP to the port of TLS"),
}


@pytest.mark.parametrize("what", WRONG_CLIENTS)
def test_a_client_that_speaks_no_tls_of_today_is_refused_and_named(
    start_node: StartNode, files: Files, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    data, why = WRONG_CLIENTS[what]
    with caplog.at_level(logging.WARNING, "unseen"):
        node = start_node(tls=files.write(), peers=[peer(tls=True)], limits={"associations": 1})
        port = node.node.listener.tls_port
        assert port is not None
        found = answer(port, data)
    assert found[:1] in (b"", b"\x15"), "an alert, or nothing"
    soon(lambda: f"why=it {'offers' if 'TLS 1.2' in why else 'sends'}" in caplog.text, "the line of the log")
    assert why in caplog.text and "pacs.tls_refused" in caplog.text
    assert node.node.listener.associations == 0
    assert associate(files, port)


def test_tls_sent_to_the_port_without_it_is_named(
    start_node: StartNode, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "unseen"):
        node = start_node(tls=files.write(), peers=[peer()])
        assert answer(node.port, hello(b"\x03\x03")) == b""
        soon(lambda: "it sends TLS to the port without TLS" in caplog.text, "the line of the log")


@pytest.mark.parametrize(
    "how", ["a byte at a time", *(pytest.param(one, marks=pytest.mark.nightly) for one in ("silent", "half a hello"))]
)
def test_a_stalled_handshake_holds_no_slot(
    start_node: StartNode, files: Files, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    assert request_reading.IDENTIFY_S == 10.0
    monkeypatch.setattr(request_reading, "IDENTIFY_S", 1.0)
    node = start_node(tls=files.write(), peers=[peer(tls=True)], limits={"associations": 1})
    port = node.node.listener.tls_port
    assert port is not None
    ends = threading.Event()
    stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(request_reading.WAITING_EACH)]
    data = hello(b"\x03\x03")

    def drip() -> None:
        for number in range(len(data)):
            for connection in stalled:
                try:
                    connection.sendall(data[number : number + 1])
                except OSError:
                    return
            if ends.wait(0.2):
                return

    if how == "half a hello":
        for connection in stalled:
            connection.sendall(data[:20])
    dripping = threading.Thread(target=drip)
    if how == "a byte at a time":
        dripping.start()
    try:
        soon(lambda: node.node.listener.unidentified > 0, "the connections to be accepted")
        assert node.node.listener.associations == 0, "no place is taken before a peer is identified"
        soon(lambda: node.node.listener.unidentified == 0, "the connections to be closed")
        assert associate(files, port)
    finally:
        ends.set()
        if dripping.ident is not None:
            dripping.join()
        for connection in stalled:
            connection.close()
