"""Films over HTTP: kept before they are acknowledged, once, whatever they are called and however they are sent."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import event

from tests.web.conftest import Api, MakeApi, said
from tests.worklist.conftest import MakePlace, dicom_film, own_place, png
from unseen.screening.screener import Screener
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

place = own_place

RAW = {"Content-Type": "application/octet-stream"}


def kept(store: Store) -> dict[str, bytes]:
    """Return every file of the store's films, by its name."""
    return {path.name: path.read_bytes() for path in (store.home / "films").rglob("*") if path.is_file()}


def test_a_film_is_on_the_disk_when_it_is_acknowledged(api: Api, store: Store) -> None:
    film = png(1)
    answer = api.sender.post(
        "/films", content=film, headers=RAW | {"X-Film-Name": "a.png", "X-Film-Source": "ward%203"}
    )
    assert answer.status_code == 201
    told = answer.json()
    digest = hashlib.sha256(film).hexdigest()
    assert told == {
        "sha256": digest,
        "film": told["film"],
        "study": told["study"],
        "state": "received",
        "already": False,
    }
    assert kept(store) == {digest: film}
    found = store.studies.details(told["study"], blind=False)
    assert found.entry.source == "ward 3"
    assert found.history[0].actor == "sid"


def test_the_same_bytes_again_get_the_same_answer(api: Api, store: Store) -> None:
    first = api.reader.post("/films", content=png(1), headers=RAW)
    again = api.other.post("/films", files={"file": ("other.png", png(1))})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"already": True}
    assert store.studies.page(StudyQuery(tab="all")).total == 1


def test_a_form_says_source_and_name_before_its_file(api: Api, store: Store) -> None:
    told = api.lead.post("/films", data={"source": "ward", "name": "x.png"}, files={"file": ("y.png", png(2))}).json()
    assert store.studies.page(StudyQuery(tab="all", source="ward", text="y.png")).rows == ()
    assert [row.study for row in store.studies.page(StudyQuery(tab="all", source="ward", text="x.png")).rows] == [
        told["study"]
    ]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the database has no part in it
def test_a_form_is_written_to_the_worklist_alone(
    api: Api, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No copy in the system's temporary folder, which may be another disk."""
    film = os.urandom(3 * 2**20)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError), tempfile.TemporaryFile():
        pass
    answer = api.reader.post("/films", files={"file": ("a.png", film)})
    assert answer.status_code == 201
    assert kept(store) == {hashlib.sha256(film).hexdigest(): film}


def form(*parts: tuple[str, bytes], end: bytes = b"--x--\r\n") -> dict[str, Any]:
    """Return a form as it goes over the line; each part is its Content-Disposition and its data."""
    body = b"".join(
        b"--x\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n"
        for head, data in parts
    )
    return {"content": body + end, "headers": {"Content-Type": "multipart/form-data; boundary=x"}}


FILE = ('name="file"; filename="a.png"', b"bytes")


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the database has no part in it
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (form(FILE, ('name="source"', b"w")), "comes after the file"),
        (form(FILE, FILE), "several files"),
        (form(('name="source"', b"w")), "no file"),
        (form(('name="colour"', b"red"), FILE), "none of source, name, file"),
        (form(FILE, end=b""), "cut off"),
        (form(('name="source"', b"w" * 70_000), FILE), "beside its file"),
        (form(('name="name"', "a\u202egnp.exe".encode()), FILE), "control characters"),
        ({"content": b"--y\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, "must be"),
        ({"content": b"--\r\n", "headers": {"Content-Type": "multipart/form-data"}}, "boundary"),
        ({"content": b"", "headers": RAW}, "no bytes"),
        ({"content": b"x", "headers": RAW | {"X-Film-Name": "a%00b"}}, "control characters"),
        ({"content": b"x", "headers": RAW | {"X-Film-Name": "n" * 1001}}, "1,001 characters"),
        ({"content": b"x", "headers": RAW | {"X-Film-Source": "n" * 201}}, "201 characters"),
    ],
)
def test_what_is_not_a_film_with_a_label_is_refused_and_leaves_nothing(
    api: Api, store: Store, sent: dict[str, Any], sentence: str
) -> None:
    answer = api.reader.post("/films", **sent)
    assert answer.status_code == 422, answer.text
    assert sentence in said(answer)
    assert kept(store) == {} and store.studies.page(StudyQuery(tab="all")).total == 0


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the database has no part in it
def test_a_form_of_another_kind_is_refused(api: Api) -> None:
    assert api.reader.post("/films", data={"file": "x"}).status_code == 415


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/x", "/etc/passwd", "..\\..\\x.png", "a" * 1000, "<b>x</b>", "x'; DROP TABLE films;--"]
)
def test_a_name_is_a_label_and_never_a_path(make_place: MakePlace, name: str, tmp_path: Path) -> None:
    place = make_place("sqlite")
    (place.home / "worklist.sqlite").unlink()  # a store that keeps names as they are
    before = {path for path in tmp_path.rglob("*") if place.home not in path.parents}
    with place.open(pseudonymise=False) as store:
        store.settings.change(actor="ada", identity="reader")
        api = Api(store)
        told = api.reader.post("/films", content=png(3), headers=RAW | {"X-Film-Name": quote(name, safe="")}).json()
        assert api.reader.get(f"/films/{told['film']}").json()["film"]["name"] == name
        assert list(kept(store)) == [told["sha256"]]
    assert {path for path in tmp_path.rglob("*") if place.home not in path.parents} == before


def test_more_bytes_than_a_film_may_have_are_refused_while_they_come(place: Any) -> None:
    with place.open(max_film_bytes=200_000) as store:
        api = Api(store)
        promised = api.reader.post("/films", content=b"x" * 300_000, headers=RAW)
        assert promised.status_code == 413 and "limit" in said(promised)
        asked = 0

        def endless() -> Iterator[bytes]:
            nonlocal asked
            for _ in range(100):
                asked += 1
                yield os.urandom(65536)

        streamed = api.reader.post("/films", content=endless(), headers=RAW)
        assert streamed.status_code == 413
        in_a_form = api.reader.post("/films", files={"file": ("a.png", b"x" * 210_000)})
        assert in_a_form.status_code == 413 and "200000 bytes" in said(in_a_form)
        assert kept(store) == {}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the database has no part in it
def test_a_full_server_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unseen_server.web.upload_limits.UploadPlaces._may", lambda places, account: False)
    monkeypatch.setattr("unseen_server.web.upload_limits.WAIT_S", 0.0)
    answer = api.reader.post("/films", content=png(1), headers=RAW)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_full_disk_is_said_and_leaves_nothing(api: Api, store: Store) -> None:
    reader = api.reader  # signed in before the disk is full
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        answer = reader.post("/films", content=b"x" * 100_000, headers=RAW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status_code == 507 and "the disk is full" in said(answer)
    assert str(store.home) not in answer.text
    assert kept(store) == {}
    assert api.reader.post("/films", content=b"x" * 100_000, headers=RAW).status_code == 201


def test_a_database_that_cannot_be_written_is_said_without_a_time_to_try_again(make_place: MakePlace) -> None:
    with make_place("sqlite").open() as store:
        reader = Api(store).reader

        def only_read(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA query_only = ON")

        event.listen(store.database.engine, "checkout", only_read)
        answer = reader.post("/films", content=png(1), headers=RAW)
        event.remove(store.database.engine, "checkout", only_read)
        assert answer.status_code == 503 and "the database cannot be written" in said(answer)
        assert "retry-after" not in answer.headers and str(store.home) not in answer.text


def test_a_locked_database_is_said_and_leaves_nothing(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    with place.open(patience_s=0.2) as store:
        api = Api(store)
        reader = api.reader  # signed in before the database is locked
        other = sqlite3.connect(place.home / "worklist.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locked = reader.post("/films", content=png(1), headers=RAW)
        assert (locked.status_code, locked.headers["retry-after"]) == (503, "1")
        assert "try again" in said(locked) and str(store.home) not in locked.text
        assert kept(store) == {}
        other.execute("ROLLBACK")
        other.close()
        assert api.reader.post("/films", content=png(1), headers=RAW).status_code == 201


def test_a_film_is_asked_after_and_its_study_found(api: Api, judged: Any) -> None:
    one = judged(1, "read", 0.7, StudyInstanceUID="1.2")
    two = judged(2, "not_scored", StudyInstanceUID="1.2", reason="not a chest")
    told = api.lead.get(f"/films/{two.film_id}").json()
    assert told["film"]["film"] == two.film_id
    assert told["study"]["study"] == api.reader.get(f"/films/{one.film_id}").json()["study"]["study"]
    assert (told["study"]["state"], told["study"]["reason"]) == ("not_scored", "not a chest")
    assert told["decision"]["action"] == "not_scored"
    for nothing in ("f-" + "0" * 20, one.study, "x", "f-%00"):
        assert api.lead.get(f"/films/{nothing}").status_code == 404


@pytest.mark.parametrize("make", [png, dicom_film])
def test_a_film_is_scored_and_its_map_and_picture_are_shown(
    api: Api, store: Store, screener: Screener, make: Callable[[int], bytes]
) -> None:
    rng = np.random.default_rng(0)
    data = make(1)
    if make is png:
        picture = Image.fromarray(rng.integers(0, 255, (300, 200), dtype=np.uint8))
        written = io.BytesIO()
        picture.save(written, format="PNG")
        data = written.getvalue()
    film = api.reader.post("/films", content=data, headers=RAW).json()["film"]
    assert api.lead.get(f"/films/{film}/map.npy").status_code == 404
    assert Worker(store, lambda: screener).drain() == 1
    told = api.lead.get(f"/films/{film}").json()
    assert told["study"]["state"] in ("to_read", "not_scored")

    shown = api.reader.get(f"/films/{film}/preview.png", params={"size": 128})
    assert shown.headers["content-type"] == "image/png"
    picture = Image.open(io.BytesIO(shown.content))
    assert (picture.mode, max(picture.size)) == ("L", 128 if make is png else 48)
    if told["film"]["findings"][0]["map_sha256"] is None:
        return
    numbers = np.load(io.BytesIO(api.lead.get(f"/films/{film}/map.npy").content), allow_pickle=False)
    assert numbers.dtype == np.float32 and numbers.ndim == 2
    grey = api.lead.get(f"/films/{film}/map.png")
    assert np.array(Image.open(io.BytesIO(grey.content))).max() == 255
    assert float(grey.headers["x-map-high"]) == pytest.approx(float(numbers.max()), rel=1e-4)
    colours = api.lead.get(f"/films/{film}/map.png", params={"colours": "cividis", "high": 1e9})
    assert np.array(Image.open(io.BytesIO(colours.content))).shape[2] == 3
    assert api.lead.get(f"/films/{film}/map.npy", params={"model": "0" * 64}).status_code == 404
    assert api.lead.get(f"/films/{film}/map.npy", params={"model": "../../x"}).status_code == 422


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the database has no part in it
def test_what_cannot_be_read_is_a_sentence_and_no_picture(api: Api) -> None:
    film = api.reader.post("/films", content=b"\x89PNG\r\n\x1a\n" + b"x" * 100, headers=RAW).json()["film"]
    answer = api.reader.get(f"/films/{film}/preview.png")
    assert answer.status_code == 422 and said(answer).startswith("The film cannot be shown: ")


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the database has no part in it
def test_bytes_that_have_changed_on_the_disk_are_not_shown(api: Api, store: Store) -> None:
    told = api.reader.post("/films", content=png(1), headers=RAW).json()
    path = store.films.path(told["film"])
    path.chmod(0o600)
    path.write_bytes(png(2))
    answer = api.reader.get(f"/films/{told['film']}/preview.png")
    assert answer.status_code == 422 and "damaged" in said(answer)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the database has no part in it
def test_ranges_and_conditions_change_nothing(api: Api) -> None:
    film = api.reader.post("/films", content=png(1), headers=RAW).json()["film"]
    whole = api.reader.get(f"/films/{film}/preview.png")
    for odd in (
        {"Range": "bytes=0-10"},
        {"Range": "bytes=-1,5-2,999999999999999999999-"},
        {"If-Match": '"x"'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "yesterday"},
    ):
        answer = api.reader.get(f"/films/{film}/preview.png", headers=odd)
        assert (answer.status_code, answer.content) == (200, whole.content)


def test_no_log_line_names_a_film_or_what_was_searched(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="unseen")
    told = api.reader.post("/films", content=png(1), headers=RAW | {"X-Film-Name": "Doe^John.png"}).json()
    api.reader.post("/studies/search", json={"text": "Doe^John.png"})
    api.reader.post("/studies/search", json={"text": "Doe^John.png", "limit": 0})
    assert f"film.acknowledged id={told['film']}" in caplog.text
    assert "Doe" not in caplog.text


def test_uploading_again_tells_where_the_study_stands_now(make_api: MakeApi, judged: Any) -> None:
    api = make_api()
    receipt = judged(5, "read")
    again = api.reader.post("/films", content=png(5), headers=RAW)
    assert (again.json()["state"], again.json()["film"]) == ("to_read", receipt.film_id)
    assert json.loads(again.content)["already"] is True
