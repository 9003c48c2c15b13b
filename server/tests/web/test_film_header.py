"""Header of a film and its readers: windows, frames, elements, priors; pseudonyms by default."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.data.making import dicom, written
from tests.web.conftest import Api, look_at, said
from tests.web.test_viewing import noise, sent
from tests.worklist.conftest import Judged
from tests.worklist.reporting import look_and_report
from unseen.data import Entry, read_film
from unseen.screening.screener import Screener
from unseen_server.web.harmless_elements import HIDDEN
from unseen_server.worklist import details
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store

PERSON = {
    "PatientID": "4711", "PatientName": "Doe^Jane", "AccessionNumber": "A-17", "StudyDate": "20251103",
    "PatientBirthDate": "19600101", "PatientSex": "F", "PatientAge": "065Y",
}  # fmt: skip


def test_names_are_shown_to_the_roles_that_the_site_has_set(api: Api, store: Store, screener: Screener) -> None:
    film = sent(api, dicom(noise(1), bits=12, **PERSON))
    Worker(store, lambda: screener).drain()
    path = f"/films/{film}/about"
    for identity, sees in (("nobody", ()), ("lead", ("lead", "admin")), ("reader", ("reader", "lead", "admin"))):
        store.settings.change(actor="ada", identity=identity)  # type: ignore[arg-type]
        for role in ("reader", "lead", "admin"):
            answer = getattr(api, role).get(path).raise_for_status()
            person = answer.json()["person"]
            assert (person["sex"], person["age"]) == ("F", "065Y"), "those name nobody"
            assert person["named"] is (role in sees)
            if role in sees:
                assert (person["patient"], person["name"], person["accession"]) == ("4711", "Doe Jane", "A-17")
                assert (person["study_date"], person["birth_date"]) == ("2025-11-03", "1960-01-01")
            else:
                assert not [text for text in PERSON.values() if text not in ("F", "065Y") and text in answer.text]
                assert len(person["patient"]) == 8 == len(person["accession"])
    assert api.reader.get("/films/f-" + "0" * 20 + "/about").status_code == 404


@pytest.mark.parametrize(
    ("written", "shown"), [("19600000", ""), ("00000000", ""), ("20261332", ""), ("1960.01.01", "1960-01-01")]
)
def test_a_date_that_is_no_day_is_not_shown(
    api: Api, store: Store, screener: Screener, written: str, shown: str
) -> None:
    """Headers have zeros where a part of a date is unknown; such a date stopped the viewer before the report."""
    dates = {"StudyDate": written, "PatientBirthDate": written}
    first, own = (sent(api, dicom(noise(n), bits=12, StudyInstanceUID=f"1.{n}", **PERSON | dates)) for n in (1, 2))
    Worker(store, lambda: screener).drain()
    store.settings.change(actor="ada", identity="reader")
    person = api.reader.get(f"/films/{own}/about").raise_for_status().json()["person"]
    assert (person["study_date"], person["birth_date"], person["patient"]) == (shown, shown, "4711")
    (prior,) = api.reader.get(f"/studies/{store.films.study(own)}/priors").raise_for_status().json()["priors"]
    assert (prior["study"], prior["study_date"]) == (store.films.study(first), shown)


def test_elements_are_for_leads_and_without_names_where_those_are_hidden(api: Api, store: Store) -> None:
    film = sent(api, dicom(noise(1), bits=12, **PERSON))
    path = f"/films/{film}/elements"
    assert api.reader.get(path).status_code == 403
    answer = api.lead.get(path)
    lines = {name: value for _, name, _, value in answer.json()["elements"]}
    assert lines["Rows"] == "130" and lines["Patient ID"] == lines["Patient's Name"] == lines["Study Date"] == HIDDEN
    assert not [text for text in ("4711", "Doe", "A-17", "20251103", "19600101") if text in answer.text]
    store.settings.change(actor="ada", identity="lead")
    assert {name: value for _, name, _, value in api.lead.get(path).json()["elements"]}["Patient ID"] == "4711"
    broken = sent(api, b"this is no film at all")
    assert api.lead.get(f"/films/{broken}/elements").status_code == 422


def test_priors_are_of_the_same_patient_frontal_films_first_without_scores(
    api: Api, store: Store, judged: Judged
) -> None:
    first = judged(1, PatientID="4711").study
    store.studies.claim(first, "ann")
    look_and_report(store, first, "ann", "abnormal")
    own = judged(2, PatientID="4711").study
    judged(3, PatientID="4712")
    alone = judged(4).study
    answer = api.reader.get(f"/studies/{own}/priors").raise_for_status()
    (prior,) = answer.json()["priors"]
    assert (prior["study"], prior["outcome"]) == (first, "abnormal") and "score" not in answer.text
    assert api.reader.get(f"/studies/{alone}/priors").json()["priors"] == []
    assert api.reader.get("/studies/s-" + "0" * 20 + "/priors").status_code == 404


def test_priors_are_in_the_order_of_their_study_dates_which_are_shown_with_names(
    api: Api, store: Store, screener: Screener
) -> None:
    """Priors that an archive sends later came before newer studies, and could not be told apart."""
    films = [
        sent(api, dicom(noise(n), bits=12, PatientID="4711", StudyInstanceUID=f"1.{n}", StudyDate=date))
        for n, date in enumerate(("20261129", "20240115", "20190704"), start=1)
    ]
    Worker(store, lambda: screener).drain()
    own, newer, older = (store.films.study(film) for film in films)
    path = f"/studies/{own}/priors"
    priors = api.reader.get(path).raise_for_status().json()["priors"]
    assert [(one["study"], one["study_date"]) for one in priors] == [(newer, ""), (older, "")]
    store.settings.change(actor="ada", identity="reader")
    priors = api.reader.get(path).raise_for_status().json()["priors"]
    assert [(one["study"], one["study_date"]) for one in priors] == [(newer, "2024-01-15"), (older, "2019-07-04")]


def test_priors_of_one_day_are_in_the_order_of_their_study_times(api: Api, store: Store, screener: Screener) -> None:
    """Of two films of one morning, that which the archive sent last was first."""
    times = ("08:15", "143000", "")
    films = [
        sent(api, dicom(noise(n), bits=12, PatientID="4711", StudyInstanceUID=f"1.{n}", StudyDate=day, StudyTime=time))
        for n, (day, time) in enumerate([("20261129", "120000"), *(("20261128", time) for time in reversed(times))])
    ]
    Worker(store, lambda: screener).drain()
    own, untimed, afternoon, morning = (store.films.study(film) for film in films)
    priors = api.reader.get(f"/studies/{own}/priors").raise_for_status().json()["priors"]
    assert [one["study"] for one in priors] == [afternoon, morning, untimed]


def test_more_priors_than_one_answer_holds_are_counted_and_come_with_the_next(
    api: Api, judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A patient with more than 20 other studies seemed to have 20."""
    monkeypatch.setattr(details, "MOST_PRIORS", 2)
    *others, own = [judged(n, PatientID="4711").study for n in range(1, 5)]
    path = f"/studies/{own}/priors"
    first, rest = (api.reader.get(path, params=f"skip={skip}").raise_for_status().json() for skip in (0, 2))
    assert (first["total"], rest["total"]) == (3, 3)
    assert [one["study"] for one in first["priors"] + rest["priors"]] == others[::-1], "the latest received first"
    assert api.reader.get(path, params="skip=-1").status_code == 422


def test_the_patient_of_a_film_that_cannot_be_shown_is_named(api: Api, store: Store, screener: Screener) -> None:
    """A reader is to tell the sender whose film is cut off."""
    film = sent(api, dicom(noise(1), bits=12, **PERSON)[:-1000])
    text = sent(api, b"this is no film at all")
    Worker(store, lambda: screener).drain()
    assert api.reader.get(f"/films/{film}/about").status_code == 422
    path = f"/films/{film}/person"
    hidden = api.reader.get(path).raise_for_status()
    assert not [one for one in PERSON.values() if one not in ("F", "065Y") and one in hidden.text]
    store.settings.change(actor="ada", identity="reader")
    person = api.reader.get(path).raise_for_status().json()
    assert (person["patient"], person["name"], person["accession"]) == ("4711", "Doe Jane", "A-17")
    assert (person["study_date"], person["sex"]) == ("2025-11-03", "F")
    assert api.reader.get(f"/films/{text}/person").raise_for_status().json()["name"] == ""
    assert api.reader.get("/films/f-" + "0" * 20 + "/person").status_code == 404


def test_the_patient_is_named_whatever_stands_before_the_name_in_the_header(
    api: Api, store: Store, screener: Screener
) -> None:
    """A sequence of group 0008 with hundreds of items precedes the patient's name; a number may hold a backslash."""
    ds = pydicom.dcmread(io.BytesIO(dicom(noise(1), bits=12, **PERSON | {"PatientID": "47\\11"})))
    items = [Dataset() for _ in range(700)]
    for number, item in enumerate(items):
        item.ReferencedSOPInstanceUID = f"1.2.{number}"
    ds.ReferencedImageSequence = items
    film = sent(api, written(ds)[:-1000])
    Worker(store, lambda: screener).drain()
    store.settings.change(actor="ada", identity="reader")
    person = api.reader.get(f"/films/{film}/person").raise_for_status().json()
    assert (person["patient"], person["name"], person["birth_date"]) == ("47\\11", "Doe Jane", "1960-01-01")


def test_pa_comes_before_lateral_then_by_series(api: Api, store: Store, screener: Screener) -> None:
    views = [("LL", 1), ("AP", 3), ("PA", 2)]
    films = [
        sent(api, dicom(noise(n), bits=12, ViewPosition=view, SeriesNumber=series, StudyInstanceUID="1.2"))
        for n, (view, series) in enumerate(views)
    ]
    Worker(store, lambda: screener).drain()
    (row,) = api.lead.post("/studies/search", json={"tab": "all"}).json()["rows"]
    study = api.reader.get(f"/studies/{row['study']}").json()
    assert [film["film"] for film in study["films"]] == [films[2], films[1], films[0]]
    assert [film["view_position"] for film in study["films"]] == ["PA", "AP", "LL"]


def test_of_a_film_of_frames_every_frame_must_be_painted(api: Api, store: Store, screener: Screener) -> None:
    frames = np.stack([noise(number) for number in range(3)])
    ds = pydicom.dcmread(io.BytesIO(dicom(frames[0], bits=12)))
    ds.NumberOfFrames = 3
    ds.PixelData = frames.tobytes()
    film = sent(api, written(ds))
    Worker(store, lambda: screener).drain()
    answers = [api.reader.get(f"/films/{film}/pixels?frame={number}") for number in range(3)]
    for number, answer in enumerate(answers):
        assert (np.frombuffer(answer.content, "<u2").reshape(130, 90) == frames[number]).all()
        assert answer.headers["x-film-frames"] == "3"
    assert api.reader.get(f"/films/{film}/pixels?frame=3").status_code == 422
    assert api.reader.get(f"/films/{film}/about").json()["frames"] == 3
    tickets = [answer.headers["x-film-ticket"] for answer in answers]
    for given in (tickets[:1], tickets[:2], tickets[::-1]):
        refused = api.reader.post(f"/films/{film}/seen", json={"ticket": given[0], "further": given[1:]})
        assert refused.status_code == 409 and "a frame is missing" in said(refused)
    body = {"ticket": tickets[0], "further": tickets[1:]}
    assert api.reader.post(f"/films/{film}/seen", json=body).status_code == 204


def test_a_draft_is_its_writers_alone(api: Api, judged: Judged) -> None:
    study = judged(1).study
    path = f"/studies/{study}"
    assert api.reader.put(f"{path}/draft", json={"note": "left apex"}).status_code == 204
    assert api.reader.get(path).json()["draft"] == "left apex" and api.other.get(path).json()["draft"] == ""
    assert api.reader.put(f"{path}/draft", json={"note": "x" * 20_001}).status_code == 422
    assert api.nobody.put(f"{path}/draft", json={"note": "x"}).status_code == 401
    api.reader.post(f"{path}/claim").raise_for_status()
    look_at(api.reader, study)
    api.reader.post(f"{path}/report", json={"outcome": "normal", "note": "left apex"}).raise_for_status()
    assert api.reader.get(path).json()["draft"] == ""
    api.reader.post(f"{path}/undo").raise_for_status()
    assert api.reader.get(path).json()["draft"] == "left apex"


def test_the_film_is_first_shown_on_the_grey_scale_in_which_it_is_scored(api: Api, store: Store) -> None:
    """Half of the bits, with a window and without one, and an image of 8 bits."""
    stored = noise(3, bits=11)
    window = {"WindowCenter": 1024, "WindowWidth": 2048}
    dark = dicom(stored, bits=12, StudyInstanceUID="1.2.1", SOPInstanceUID="1.2.1.1")
    shown = dicom(stored, bits=12, StudyInstanceUID="1.2.2", SOPInstanceUID="1.2.2.1", **window)
    for data in (dark, shown):
        film = sent(api, data)
        about = api.reader.get(f"/films/{film}/about").json()
        first = [*about["windows"], *about["luts"]][about["first"]]
        assert (first["centre"], first["width"], first["function"]) == (1024, 2048, "LINEAR")
        found = read_film(Entry(name=film, path=store.films.path(film), source="", patient=film, study=film))
        assert np.abs(found.pixels - stored / 2047).max() < 1e-6  # type: ignore[union-attr]
