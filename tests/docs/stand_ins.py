"""Stand-ins for what a page presupposes at a reader's site: an archive, a PostgreSQL server, an identity provider.

Each is the real program or protocol, on this machine alone. A stand-in is a context; it yields what the page writes →
what stands for it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.pacs.conftest import film, in_bytes
from tests.pacs.orthanc_server import AE_TITLE, Orthanc
from tests.web.identity_provider import Provider
from tests.worklist import postgresql

StandIn = Callable[[Path, Mapping[str, str], Callable[..., str]], AbstractContextManager[dict[str, str]]]


@contextmanager
def archive(folder: Path, ports: Mapping[str, str], program: Callable[..., str]) -> Iterator[dict[str, str]]:
    """Orthanc with one study of January 2026, accession number 4711, patient P1. It knows the page's node."""
    folder.mkdir()
    orthanc = Orthanc(
        program=program("Orthanc"),
        folder=folder,
        ae_title=AE_TITLE,
        dicom_port=int(ports["4242"]),
        http_port=int(ports["8042"]),
        settings={"DicomModalities": {"triage": ["TRIAGE", "127.0.0.1", int(ports["11112"])]}},
    )
    orthanc.start()
    try:
        orthanc.put(in_bytes(film(1, AccessionNumber="4711", StudyDate="20260112")))
        yield {}
    finally:
        orthanc.stop(kill=True)


@contextmanager
def database(_folder: Path, _ports: Mapping[str, str], program: Callable[..., str]) -> Iterator[dict[str, str]]:
    """Yield an empty PostgreSQL database."""
    programs = postgresql.binaries() or Path(program("initdb")).parent
    with postgresql.server(programs) as url:
        yield {"postgresql://user@host/worklist": url.render_as_string(hide_password=False)}


@contextmanager
def provider(_folder: Path, _ports: Mapping[str, str], _program: Callable[..., str]) -> Iterator[dict[str, str]]:
    """An OpenID Connect provider, over HTTP."""
    running = Provider()
    try:
        yield {"https://login.hospital.example/realms/clinic": running.issuer}
    finally:
        running.close()


STAND_INS: dict[str, StandIn] = {"archive": archive, "database": database, "identity provider": provider}
