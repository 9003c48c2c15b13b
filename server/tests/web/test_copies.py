"""A film that came again in other bytes: every address of the copy answers as that of the film."""

from __future__ import annotations

import io

import pydicom
import pytest

from tests.data.making import compressed, dicom
from tests.web.conftest import Api
from tests.web.test_viewing import noise, sent
from unseen.screening.screener import Screener
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

UIDS = {"SOPInstanceUID": "1.2.3.4", "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1", "ViewPosition": "PA"}


def corrected(data: bytes) -> bytes:
    """Return the same instance, with another word in its header."""
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.BodyPartExamined = "CHEST"
    written = io.BytesIO()
    ds.save_as(written)
    return written.getvalue()


def test_every_address_of_a_copy_answers_as_that_of_its_film(api: Api, store: Store, screener: Screener) -> None:
    plain = dicom(noise(1), bits=12, **UIDS)
    film = sent(api, plain)
    copies = [sent(api, data) for data in (compressed(plain), corrected(plain))]
    Worker(store, lambda: screener).drain()
    assert len({film, *copies}) == 3 and store.studies.page(StudyQuery(tab="all")).rows[0].films == 1
    known = api.lead.get("/openapi.json").json()["paths"]
    paths = [path.removeprefix("/api/v1") for path, ways in known.items() if "/films/{film}" in path and "get" in ways]
    assert {"/films/{film}/about", "/films/{film}/look", "/films/{film}"} <= set(paths)
    for path in paths:
        model = {"what": "image", "model": screener.detector.weights_sha256}
        answers = [
            api.lead.get(path.replace("{what}", "image").format(film=name), params=model) for name in (film, *copies)
        ]
        assert [answer.status_code for answer in answers] == [answers[0].status_code] * 3, path
        assert answers[0].status_code == 200, (path, answers[0].text[:200])
    look = api.lead.get(f"/films/{copies[0]}/look").json()
    assert [one["score"] for one in look["models"]] == [
        one["score"] for one in api.lead.get(f"/films/{film}/look").json()["models"]
    ]


def test_an_erasure_removes_as_many_films_as_it_has_foreseen_and_their_copies(
    api: Api, store: Store, screener: Screener
) -> None:
    """Each copy in other bytes was counted as a film that was erased."""
    plain = dicom(noise(1), bits=12, **UIDS)
    film, *_ = [sent(api, data) for data in (plain, compressed(plain), corrected(plain))]
    Worker(store, lambda: screener).drain()
    wanted = {"patient": None, "issuer": None, "study": store.films.study(film)}
    shown = api.admin.post("/erasure/preview", json=wanted).json()
    gone = api.admin.post("/erasure", json=wanted | {"shown": shown["digest"]}).json()
    assert gone == {name: shown[name] for name in gone} == {"studies": 1, "films": 1, "maps": 1}
    assert not any(part["files"] for part in api.admin.get("/storage").json()["parts"] if part["kind"] != "database")


def test_a_copy_of_a_film_that_was_removed_is_not_found(api: Api, store: Store, screener: Screener) -> None:
    plain = dicom(noise(1), bits=12, **UIDS)
    film = sent(api, plain)
    copy = sent(api, compressed(plain))
    Worker(store, lambda: screener).drain()
    store.removal.retire_film(film, actor="ada")
    for name in (film, copy):
        for path in ("about", "look", ""):
            assert api.lead.get(f"/films/{name}/{path}".rstrip("/")).status_code == 404


def test_a_film_that_leaves_between_two_reads_is_not_found(
    api: Api, store: Store, screener: Screener, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sent(api, dicom(noise(1), bits=12, **UIDS))
    sent(api, dicom(noise(2), bits=12, **UIDS | {"SOPInstanceUID": "1.2.3.5"}))
    Worker(store, lambda: screener).drain()
    study = store.films.study

    def then_removed(film: str) -> str:
        found = study(film)
        store.removal.retire_film(film, actor="ada")
        return found

    monkeypatch.setattr(store.films, "study", then_removed)
    for path in ("about", "look"):
        assert api.lead.get(f"/films/{first}/{path}").status_code == 404
