"""An archive whose DICOMweb asks who calls: a user with a password, or a bearer token. The secrets lie in files."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pacs.conftest import film
from tests.pacs.orthanc_server import Orthanc, OrthancError, free_ports
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.check import check
from unseen_server.pacs.config import PacsConfig, load
from unseen_server.pacs.fetching import Fetched, fetch
from unseen_server.pacs.intake import Intake
from unseen_server.pacs.peer_search import is_there, studies
from unseen_server.pacs.sending import Accepted, NotReached, RefusedInstance, send
from unseen_server.worklist.store import Store

PASSWORD = "a long sentence: 14 ü"
PLACE = {"study": "1.2.3.1", "series": "1.2.3.1.1", "instance": "1.2.3.4.1"}


@pytest.fixture
def protected(tmp_path: Path, program: Callable[..., str]) -> Iterator[str]:
    """The DICOMweb of an Orthanc that serves only the user `unseen`."""
    folder = tmp_path / "orthanc"
    folder.mkdir()
    dicom_port, http_port = free_ports(2)
    running = Orthanc(
        program=program("Orthanc"),
        folder=folder,
        ae_title="ORTHANC",
        dicom_port=dicom_port,
        http_port=http_port,
        settings={"AuthenticationEnabled": True, "RegisteredUsers": {"unseen": PASSWORD}},
    )
    with pytest.raises(OrthancError, match="401"):
        running.start()  # it runs, and refuses whoever asks without a password
    try:
        yield running.dicomweb
    finally:
        running.stop(kill=True)


def configured(folder: Path, address: str, login: str = "") -> PacsConfig:
    path = folder / "pacs.toml"
    path.write_text(f'[[peers]]\nname = "archive"\ndicomweb = "{address}"\n{login}', encoding="utf-8")
    return load(path)


def with_password(folder: Path, address: str, password: str = PASSWORD) -> PacsConfig:
    (folder / "password").write_text(f"{password}\n", encoding="utf-8")
    return configured(folder, address, 'dicomweb_user = "unseen"\ndicomweb_password_file = "password"\n')


def test_a_protected_orthanc_is_checked_sent_to_searched_and_fetched_from(protected: str, tmp_path: Path) -> None:
    config = with_password(tmp_path, protected)
    peer = config.peer("archive")
    assert [(one.what, one.works) for one in check(config, peer)][-1] == ("DICOMweb", True)
    one = film(1)
    one.preamble = bytes(128)  # as our objects have it: Orthanc gives back the bytes that it was given
    assert send(config, peer, [one]) == [Accepted(instance="1.2.3.4.1")]
    assert is_there(config, peer, **PLACE)
    assert [one.uid for one in studies(config, peer, patient="P1")] == ["1.2.3.1"]
    with Store.open(tmp_path / "worklist") as store:
        assert fetch(config, peer, "1.2.3.1", Intake(store, config)) == Fetched(received=1, failed=0)


def test_without_the_password_each_answer_names_the_cure(protected: str, tmp_path: Path) -> None:
    for config in (configured(tmp_path, protected), with_password(tmp_path, protected, "wrong")):
        peer = config.peer("archive")
        *_, finding = check(config, peer)
        assert not finding.works and "401" in finding.sentence and "dicomweb_password_file" in finding.sentence
        (outcome,) = send(config, peer, [film(1)])
        assert isinstance(outcome, NotReached | RefusedInstance) and "dicomweb_password_file" in outcome.sentence
        assert "wrong" not in outcome.sentence


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Yield a server that answers with no study, and what the header Authorization of each request was."""
    seen: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/dicom-web", seen
        server.shutdown()
        thread.join()


def test_a_token_is_sent_as_it_is_now(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    with listening() as (address, seen):
        config = configured(tmp_path, address, 'dicomweb_token_file = "token"\n')
        assert studies(config, config.peer("archive"), patient="P1") == []
        token.write_text("second\n")
        assert studies(config, config.peer("archive"), patient="P1") == []
    assert set(seen[: len(seen) // 2]) == {"Bearer first"} and set(seen[len(seen) // 2 :]) == {"Bearer second"}


@pytest.mark.parametrize("text", ["", "one\ntwo\n", None])
def test_a_file_without_one_secret_is_named_and_nobody_is_asked(tmp_path: Path, text: str | None) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    with listening() as (address, seen):
        config = configured(tmp_path, address, 'dicomweb_token_file = "token"\n')
        token.unlink() if text is None else token.write_text(text)
        with pytest.raises(NotReachedError, match=f"was not asked: {token}"):
            studies(config, config.peer("archive"), patient="P1")
        *_, finding = check(config, config.peer("archive"))
        (outcome,) = send(config, config.peer("archive"), [film(1)])
    assert isinstance(outcome, NotReached) and str(token) in outcome.sentence
    assert not finding.works and str(token) in finding.sentence and not seen
