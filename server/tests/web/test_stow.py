"""STOW-RS with dicomweb-client over a real server: what is acknowledged is kept once, and a bad part alone is
refused."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread, dcmwrite
from pydicom.uid import DeflatedExplicitVRLittleEndian
from requests import HTTPError

from tests.web.conftest import LOCAL, Api
from tests.web.running import until
from tests.worklist.conftest import Place, dicom_film, listed
from unseen.data.decoder_protocol import Refused
from unseen.data.leading_elements import leading_header
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

STUDY = "1.2.826.0.1.3680043.8.498.30"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
FOR_PROCESSING = f"{DX}.1"


def film(number: int, *, study: str = STUDY, **tags: Any) -> bytes:
    uids = {"SOPInstanceUID": f"{study}.1.{number}", "StudyInstanceUID": study, "PatientID": "P30"}
    return dicom_film(number, **uids | tags)


def related(*parts: bytes, kind: str = "application/dicom", end: bytes = b"\r\n--b--") -> dict[str, Any]:
    """Return a request as it goes over the line."""
    body = b"".join(f"\r\n--b\r\nContent-Type: {kind}\r\n\r\n".encode() + part for part in parts)
    return {
        "content": body + end,
        "headers": {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
    }


def post(api: Api, sent: dict[str, Any], study: str = "") -> Any:
    sent["headers"] |= dict(api.reader.headers)
    return api.nobody.post(f"{LOCAL}/dicom-web/studies{study and '/'}{study}", **sent)


def files(store: Store) -> list[Path]:
    return [path for path in (store.home / "films").rglob("*") if path.is_file()]


def items(answer: Any, tag: str) -> list[dict[str, Any]]:
    return answer.json().get(tag, {"Value": []})["Value"]


def reasons(answer: Any, tag: str = "00081198") -> list[int]:
    return [one["00081197"]["Value"][0] for one in items(answer, tag)]


def test_a_client_stores_several_instances_and_again_and_hears_of_each(api: Api, store: Store, port: int) -> None:
    authorization = {"Authorization": api.sender.headers["authorization"]}
    client = DICOMwebClient(f"http://127.0.0.1:{port}/dicom-web", headers=authorization, chunk_size=4096)
    sets = [dcmread(io.BytesIO(film(number))) for number in range(3)]
    twin = dcmread(io.BytesIO(film(9, SOPClassUID=FOR_PROCESSING, PresentationIntentType="FOR PROCESSING")))
    sent = [*sets, twin]
    for _ in range(2):
        answer = client.store_instances(sent)
        assert [one.ReferencedSOPInstanceUID for one in answer.ReferencedSOPSequence] == [
            one.SOPInstanceUID for one in sent
        ]
        assert "FailedSOPSequence" not in answer
        (row,) = store.studies.page(StudyQuery(tab="all")).rows
        assert (row.films, row.source) == (3, "ward 3"), "one study at once, without the twin For Processing"
        assert all(store.films.holds(one.SOPInstanceUID) for one in sent)
        assert len(files(store)) == 4
    other = dcmread(io.BytesIO(film(20, study=f"{STUDY}.9")))
    answer = client.store_instances([sets[0], other], study_instance_uid=STUDY)
    assert [one.ReferencedSOPInstanceUID for one in answer.FailedSOPSequence] == [other.SOPInstanceUID]
    assert answer.FailedSOPSequence[0].FailureReason == 0xA900
    with pytest.raises(HTTPError, match="409"):
        client.store_instances([other], study_instance_uid=STUDY)
    with pytest.raises(HTTPError, match="401"):
        DICOMwebClient(f"http://127.0.0.1:{port}/dicom-web").store_instances([other])
    assert not store.films.holds(other.SOPInstanceUID)
    assert store.audit.verify() is None


def test_a_bad_part_is_refused_and_the_others_are_kept(api: Api, store: Store) -> None:
    one, two = film(1), film(2)
    deflated = io.BytesIO()
    packed = dcmread(io.BytesIO(film(3)))
    packed.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dcmwrite(deflated, packed)
    nameless = film(4, SOPInstanceUID="")
    answer = post(api, related(one, b"not DICOM", deflated.getvalue(), nameless, two))
    assert (answer.status_code, answer.headers["content-type"]) == (202, "application/dicom+json")
    assert "Research use only" in answer.headers["intended-use"]
    assert [entry["00081155"]["Value"] for entry in items(answer, "00081199")] == [
        [f"{STUDY}.1.1"],
        [f"{STUDY}.1.2"],
    ]
    assert reasons(answer, "0008119A") == [0xC000, 0xC122, 0xC000]
    assert "00081198" not in answer.json()
    assert len(files(store)) == 2 and listed(store, "all") == [
        row.study for row in store.studies.page(StudyQuery(tab="all")).rows
    ]


def test_a_damaged_worklist_is_no_fault_of_an_object(place: Place) -> None:
    with place.open() as store:
        api = Api(store)
        with store.database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE jobs")
        answer = post(api, related(film(1)))
        assert (answer.status_code, reasons(answer)) == (409, [0xA700]), "out of resources: to be sent again"


def test_a_film_above_the_limit_is_refused_alone_and_its_rest_is_skipped(place: Place) -> None:
    with place.open(max_film_bytes=200_000) as store:
        api = Api(store)
        large = film(5) + bytes(3_000_000)
        answer = post(api, related(large, film(6)))
        assert (answer.status_code, reasons(answer)) == (202, [0xC001])  # not A700: it would be sent again for ever
        assert answer.headers["warning"] == (
            '299 unseen "An object has more than 200000 bytes, which is the limit; it was not stored. '
            'Export it in its ordinary size."'
        )
        assert len(files(store)) == 1
        assert "warning" not in post(api, related(film(7))).headers


def test_a_part_is_never_whole_in_memory(api: Api, store: Store, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 0
    taken = store.films.receive

    def measured(chunks: Any, **named: Any) -> Any:
        def seen() -> Iterator[bytes]:
            nonlocal largest
            for chunk in chunks:
                largest = max(largest, len(chunk))
                yield chunk

        return taken(seen(), **named)

    monkeypatch.setattr(store.films, "receive", measured)
    sent = related(film(7) + bytes(10_000_000))
    headers = sent["headers"] | {"Authorization": api.reader.headers["authorization"]}
    address = f"http://127.0.0.1:{port}/dicom-web/studies"
    assert httpx.post(address, content=sent["content"], headers=headers, timeout=60, verify=False).status_code == 200
    assert 0 < largest < 3 * 2**20
    (path,) = files(store)
    assert path.read_bytes() == film(7) + bytes(10_000_000)


def test_a_connection_that_is_cut_leaves_nothing_by_halves(api: Api, store: Store, port: int) -> None:
    sent = related(film(1), film(2) + bytes(3_000_000))
    head = (
        f"POST /dicom-web/studies HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {api.reader.headers['authorization']}"
        f"\r\nContent-Type: {sent['headers']['Content-Type']}\r\nContent-Length: {len(sent['content'])}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(head.encode() + sent["content"][:2_000_000])
        until(lambda: len(list((store.home / "films" / "incoming").iterdir())) == 1, 30)  # the second one is coming in
        until(lambda: store.films.holds(f"{STUDY}.1.1"), 30)
    until(lambda: not list((store.home / "films" / "incoming").iterdir()), 30)
    assert not store.films.holds(f"{STUDY}.1.2") and len(files(store)) == 1
    assert post(api, sent).status_code == 200, "what was kept of the first try is no obstacle"
    assert store.films.holds(f"{STUDY}.1.2") and len(files(store)) == 2


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"headers": {"Content-Type": "application/dicom"}}, 415, "multipart/related"),
        ({"headers": {"Content-Type": 'multipart/related; type="application/dicom+xml"; boundary=b'}}, 415, "related"),
        ({"headers": {"Content-Type": "multipart/related"}}, 400, "boundary"),
        ({"content": b"--b--\r\n"}, 400, "no part"),
        ({"content": b"--c\r\n\r\nx\r\n--c--"}, 400, "RFC 2387"),
        (related(film(1), end=b""), 400, "closing boundary"),
    ],
)
def test_what_is_no_store_request_is_a_sentence(
    api: Api, store: Store, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = post(api, related(film(1)) | changes)
    assert answer.status_code == status and words in answer.json()["error"]
    assert files(store) == []


def test_parts_of_another_type_are_refused(api: Api) -> None:
    answer = post(api, related(b"{}", kind="application/dicom+json"))
    assert (answer.status_code, reasons(answer, "0008119A")) == (409, [0xC000])
    assert post(api, related(film(1)), study="x").status_code == 422


def test_a_source_is_named_by_the_header_or_the_account(api: Api, store: Store) -> None:
    for number, (client, named) in enumerate(
        [(api.sender, "ward%203"), (api.sender, ""), (api.lead, "north"), (api.lead, ""), (api.reader, "")]
    ):
        sent = related(film(number, study=f"{STUDY}.{number}"))
        sent["headers"] |= dict(client.headers) | ({"X-Film-Source": named} if named else {})
        assert api.nobody.post(f"{LOCAL}/dicom-web/studies", **sent).status_code == 200
    sources = [row.source for row in store.studies.page(StudyQuery(tab="all")).rows]
    assert sorted(sources) == ["lea", "north", "unknown", "ward 3", "ward 3"]


def test_objects_of_another_source_than_the_accounts_are_refused_and_not_kept(api: Api, store: Store) -> None:
    for client in (api.sender, api.reader):
        for path in ("", f"/{STUDY}"):
            sent = related(film(1))
            sent["headers"] |= dict(client.headers) | {"X-Film-Source": "shenzhen"}
            answer = api.nobody.post(f"{LOCAL}/dicom-web/studies{path}", **sent)
            assert answer.status_code == 403 and "not the source 'shenzhen'" in answer.json()["error"]
    assert files(store) == []


def test_random_damage_to_a_header_is_refused_or_read_and_never_raises() -> None:
    whole, choice = film(1), np.random.default_rng(30)
    read = 0
    for _ in range(300):
        damaged = bytearray(whole[: choice.integers(132, 1500)])
        for at in choice.integers(132, len(damaged), 8):
            damaged[at] = choice.integers(256)
        try:
            leading_header(bytes(damaged))
            read += 1
        except Refused as error:
            assert str(error).endswith("."), error
    assert 0 < read < 300
