"""TLS by the BCP 195 profile, with DCMTK's programs as the peer: who shows no certificate of ours is refused."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pacs.conftest import StartNode, dcmtk, peer
from tests.pacs.test_node import REJECTED_CALLING, rejection

Program = Callable[..., str]
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def tls(folder: Path) -> dict[str, object]:
    names = {"certificate": "node.crt", "key": "node.key", "ca": "ca.crt"}
    return {"port": 0, **{key: str(folder / name) for key, name in names.items()}}


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory, program: Program) -> Path:
    """An authority, and certificates of it for the node and for a peer; another authority's for a stranger."""
    program("openssl")
    folder = tmp_path_factory.mktemp("certificates")
    for authority in ("ca", "other"):
        new = ("-subj", f"/CN={authority}", "-keyout", f"{authority}.key", "-out", f"{authority}.crt")
        openssl(folder, "req", "-x509", "-days", "30", *CURVE, *new)
    for name, authority in (("node", "ca"), ("ward", "ca"), ("stranger", "other")):
        openssl(folder, "req", *CURVE, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
        signed = ("-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-extfile", "names", "-out", f"{name}.crt")
        openssl(folder, "x509", "-req", "-days", "30", "-in", f"{name}.csr", *signed)
    return folder


def echo_by_tls(program: Program, folder: Path, port: int | None, *words: object) -> subprocess.CompletedProcess[str]:
    return dcmtk(
        program("echoscu"), *words, "+cf", folder / "ca.crt", "-aet", "WARD", "-aec", "TRIAGE", "127.0.0.1", port
    )


def test_a_peer_that_must_encrypt_is_rejected_without(start_node: StartNode, certificates: Path) -> None:
    node = start_node(peers=[peer(tls=True)], tls=tls(certificates))
    assert rejection(node.port) == REJECTED_CALLING


def test_tls_with_a_certificate_of_the_authority_is_answered(
    start_node: StartNode, certificates: Path, program: Program
) -> None:
    node = start_node(tls=tls(certificates), peers=[peer(tls=True)])
    words = ("+tls", certificates / "ward.key", certificates / "ward.crt")
    done = echo_by_tls(program, certificates, node.node.listener.tls_port, *words)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_tls_without_a_certificate_of_the_authority_is_refused(
    start_node: StartNode, certificates: Path, program: Program, who: str
) -> None:
    node = start_node(tls=tls(certificates))
    words = ("+tla",) if who == "nobody" else ("+tls", certificates / f"{who}.key", certificates / f"{who}.crt")
    done = echo_by_tls(program, certificates, node.node.listener.tls_port, *words)
    assert done.returncode != 0


def test_a_silent_client_of_tls_holds_up_nobody(start_node: StartNode, certificates: Path, program: Program) -> None:
    node = start_node(tls=tls(certificates))
    words = ("+tls", certificates / "ward.key", certificates / "ward.crt")
    port = node.node.listener.tls_port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port)):
        done = echo_by_tls(program, certificates, port, "--socket-timeout", 5, *words)
        assert done.returncode == 0, done.stderr


def test_old_tls_is_refused(start_node: StartNode, certificates: Path) -> None:
    node = start_node(tls=tls(certificates))
    port = node.node.listener.tls_port
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(certificates / "ward.crt", certificates / "ward.key")
    context.load_verify_locations(certificates / "ca.crt")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA")  # no forward secrecy: not in BCP 195
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port or 0)) as plain:
        context.wrap_socket(plain, server_hostname="127.0.0.1")
