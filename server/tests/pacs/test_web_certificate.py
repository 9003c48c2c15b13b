"""DICOMweb by https with a certificate of the site's own authority: `ca` of [tls] is accepted, no unknown one."""

# ruff: noqa: F811  fixtures are taken by their names
from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pacs.conftest import film
from tests.pacs.test_node_tls import certificates  # noqa: F401  a fixture
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.check import check
from unseen_server.pacs.config import PacsConfig, load
from unseen_server.pacs.peer_search import studies
from unseen_server.pacs.sending import NotReached, send


class _NoStudy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom+json")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address(certificates: Path) -> Iterator[str]:
    """A server with a certificate of the authority `ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "node.crt", certificates / "node.key")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _NoStudy) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}/dicom-web"
        server.shutdown()
        thread.join()


def configured(folder: Path, address: str, certificates: Path, authority: str | None) -> PacsConfig:
    lines = ["[[peers]]", 'name = "archive"', f'dicomweb = "{address}"']
    if authority is not None:
        files = {"certificate": "ward.crt", "key": "ward.key", "ca": f"{authority}.crt"}
        lines += ["[tls]", *(f'{key} = "{certificates / name}"' for key, name in files.items())]
    path = folder / "pacs.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return load(path)


def test_the_authority_of_tls_is_accepted(address: str, certificates: Path, tmp_path: Path) -> None:
    config = configured(tmp_path, address, certificates, "ca")
    assert studies(config, config.peer("archive"), patient="P1") == []
    assert [one.works for one in check(config, config.peer("archive"))][-1]


@pytest.mark.parametrize("authority", [None, "other"])
def test_an_unknown_authority_is_refused_and_the_cure_is_named(
    address: str, certificates: Path, tmp_path: Path, authority: str | None
) -> None:
    config = configured(tmp_path, address, certificates, authority)
    with pytest.raises(NotReachedError, match=r"certificate is not accepted.*ca of \[tls\]"):
        studies(config, config.peer("archive"), patient="P1")
    (outcome,) = send(config, config.peer("archive"), [film(1)])
    assert isinstance(outcome, NotReached) and "ca of [tls]" in outcome.sentence
