"""Hidden names of patients: an allow-list of header elements, keyed hashes, safe exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.datadict import dictionary_VR, keyword_dict, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.cli.conftest import *  # noqa: F403  # `say`
from tests.cli.conftest import Say
from tests.data.making import dicom, written
from tests.web.confidentiality_profile import REMOVED_OR_REPLACED
from tests.web.conftest import Api
from tests.web.test_viewing import noise, sent
from unseen.screening.screener import Screener
from unseen_server.web.harmless_elements import HARMLESS, HIDDEN, harmless_lines
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

PERSON = {"PatientID": "PN4711", "PatientName": "Doe^Jane", "AccessionNumber": "ACC17"}


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Store]:
    """A store that holds patients and accession numbers as they are."""
    with Store.open(tmp_path / "plain", pseudonymise=False) as opened:
        yield opened


def test_no_element_of_the_list_is_removed_by_the_confidentiality_profile() -> None:
    tags = {keyword: tag_for_keyword(keyword) for keyword in HARMLESS}
    assert None not in tags.values(), "every element is one of the standard"
    assert not [keyword for keyword, tag in tags.items() if tag in REMOVED_OR_REPLACED]
    free = {"PN", "LT", "ST", "UT", "UC", "UR", "SH", "DA", "TM", "DT", "AE", "AS", "UN", "OB", "OW"}
    texts = {keyword: dictionary_VR(tag) for keyword, tag in tags.items() if tag is not None}
    assert not {keyword for keyword, kind in texts.items() if set(kind.split(" or ")) & free}
    assert {keyword for keyword, kind in texts.items() if kind == "LO"} == {"Manufacturer", "ManufacturerModelName"}


def marked(marks: dict[str, str]) -> bytes:
    """A film with a mark of its own in every text element of the standard that can be set, and in private ones."""
    ds = pydicom.dcmread(io.BytesIO(dicom(noise(1), bits=12)))
    for number, (keyword, tag) in enumerate(keyword_dict.items()):
        kind = dictionary_VR(tag)
        if kind not in ("LO", "SH", "PN", "LT", "ST", "UT", "UC") or keyword in HARMLESS or tag >> 16 in (0, 2, 4):
            continue
        mark = f"M{number}X"
        setattr(ds, keyword, mark)
        marks[mark] = keyword
    block = ds.private_block(0x0041, "ACME M0CREATORX", create=True)
    marks["M0CREATORX"] = "private creator"
    block.add_new(0x01, "LO", "M0PRIVATEX")
    block.add_new(0x02, "SQ", Sequence([_item(PatientName="M0NESTEDX", Rows=4711)]))
    marks |= {"M0PRIVATEX": "private", "M0NESTEDX": "private item", "4711": "a number in a private item"}
    ds.RequestAttributesSequence = Sequence([_item(ScheduledProcedureStepDescription="M0ORDERX", Columns=4712)])
    marks |= {"M0ORDERX": "order", "4712": "a number in an order"}
    ds.add_new(0x00091001, "UN", b"M0UNKNOWNX")
    ds.add_new(0x00280009, "LO", "M0WRONGVRX")  # FrameIncrementPointer, with another representation
    marks |= {"M0UNKNOWNX": "unknown", "M0WRONGVRX": "another representation"}
    return written(ds)


def _item(**tags: object) -> Dataset:
    item = Dataset()
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize("role", ["lead", "admin"])
def test_no_mark_in_any_text_element_is_shown_where_names_are_hidden(api: Api, store: Store, role: str) -> None:
    marks: dict[str, str] = {}
    film = sent(api, marked(marks))
    assert len(marks) > 500
    answer = getattr(api, role).get(f"/films/{film}/elements").raise_for_status()
    lines = answer.json()["elements"]
    assert not {mark: keyword for mark, keyword in marks.items() if mark in answer.text}
    names = {name: value for _, name, _, value in lines}
    assert names["Rows"] == "130" and names["Modality"] and names["Institution Address"] == HIDDEN
    assert not [line for line in lines if int(line[0].split("(")[1][:4], 16) % 2], "no private element has a line"
    store.settings.change(actor="ada", identity="lead")
    shown = api.lead.get(f"/films/{film}/elements").text
    assert "M0PRIVATEX" in shown and "M0CREATORX" in shown


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (["(0028,0010)", "Rows", "US", "130"], "130"),
        (["(0028,0010)", "Rows", "LT", "Doe, Jane"], HIDDEN),
        (["(0018,0060)", "KVP", "DS", "Doe"], HIDDEN),
        (["(0028,0030)", "Pixel Spacing", "DS", "[0.14, 0.14]"], "[0.14, 0.14]"),
        (["(0008,0008)", "Image Type", "CS", "['DERIVED', 'PRIMARY']"], "['DERIVED', 'PRIMARY']"),
        (["(0018,5101)", "View Position", "CS", "Doe^Jane"], HIDDEN),
        (["(0008,0016)", "SOP Class UID", "UI", "1.2.840.10008.5.1.4.1.1.1"], "1.2.840.10008.5.1.4.1.1.1"),
        (["(0008,0016)", "SOP Class UID", "UI", "Doe"], HIDDEN),
        (["(0010,0010)", "Patient's Name", "PN", ""], ""),
    ],
)
def test_a_value_is_shown_only_in_the_form_of_its_element(line: list[str], value: str) -> None:
    ((_, _, _, shown),) = harmless_lines([line])
    assert shown == value


def test_what_follows_a_hidden_sequence_is_shown_again() -> None:
    lines = [
        ["(0040,0275)", "Request Attributes Sequence", "SQ", "1 items"],
        ["> (0028,0010)", "Rows", "US", "4711"],
        ["> > (0028,0011)", "Columns", "US", "4712"],
        ["(0028,3010)", "VOI LUT Sequence", "SQ", "1 items"],
        ["> (0028,3002)", "LUT Descriptor", "US", "[256, 0, 8]"],
        ["> (0028,3003)", "LUT Explanation", "LO", "Doe"],
        ["(0009,1001)", "Private tag data", "SQ", "1 items"],
        ["> (0028,0010)", "Rows", "US", "4713"],
        ["(0028,0010)", "Rows", "US", "130"],
    ]
    shown = harmless_lines(lines)
    assert [(tag, value) for tag, _, _, value in shown] == [
        ("(0040,0275)", HIDDEN),
        ("(0028,3010)", "1 items"),
        ("> (0028,3002)", "[256, 0, 8]"),
        ("> (0028,3003)", HIDDEN),
        ("(0028,0010)", "130"),
    ]


def test_a_study_shows_no_text_of_institution_or_station_where_names_are_hidden(
    api: Api, store: Store, screener: Screener
) -> None:
    origin = {"InstitutionName": "St. Anna", "StationName": "DOE-ROOM", "DetectorID": "SN-99", "Manufacturer": "ACME"}
    window = {"WindowCenter": ["100", "200"], "WindowWidth": ["50", "60"]}
    names = {"WindowCenterWidthExplanation": ["HARDER", "Doe, Jane"]}
    film = sent(api, dicom(noise(1), bits=12, **PERSON, **origin, **window, **names))
    Worker(store, lambda: screener).drain()
    study = store.studies.page(StudyQuery(tab="all")).rows[0].study
    for path in (f"/studies/{study}", f"/films/{film}", f"/films/{film}/about"):
        text = api.lead.get(path).raise_for_status().text
        assert not [one for one in ("St. Anna", "DOE-ROOM", "SN-99", "Doe", "PN4711", "ACC17") if one in text], path
    assert [one["name"] for one in api.lead.get(f"/films/{film}/about").json()["windows"]] == [
        "HARDER",
        "Window 2",
        "Whole range",
    ]
    tags = api.reader.get(f"/studies/{study}").json()["films"][0]["tags"]
    assert tags["Manufacturer"] == "ACME" and tags["Modality"]
    store.settings.change(actor="ada", identity="lead")
    assert api.lead.get(f"/studies/{study}").json()["films"][0]["tags"]["InstitutionName"] == "St. Anna"
    assert "St. Anna" not in api.reader.get(f"/studies/{study}").text


def test_a_store_without_pseudonyms_shows_keyed_hashes_where_names_are_hidden(plain: Store, screener: Screener) -> None:
    api = Api(plain)
    data = dicom(noise(1), bits=12, **PERSON)
    film = api.lead.post("/films", content=data, headers={"X-Film-Name": "Doe_Jane.dcm"}).json()["film"]
    Worker(plain, lambda: screener).drain()
    (row,) = plain.studies.page(StudyQuery(tab="all")).rows
    paths = (f"/studies/{row.study}", f"/films/{film}", f"/films/{film}/about", "/export/studies.csv")
    hash_of = plain.names.sealed("patient", "PN4711")
    for identity, sees in (("nobody", ()), ("lead", ("lead", "admin"))):
        plain.settings.change(actor="ada", identity=identity)  # type: ignore[arg-type]
        for role in ("reader", "lead", "admin"):
            for path in paths if role != "reader" else paths[:3]:
                text = getattr(api, role).get(path).raise_for_status().text
                found = {one for one in ("PN4711", "ACC17", "PN47", "Doe") if one in text}
                assert bool(found) is (role in sees), (identity, role, path, found)
    plain.settings.change(actor="ada", identity="nobody")
    assert api.lead.get(f"/studies/{row.study}").json()["patient"] == hash_of
    assert api.reader.get(f"/films/{film}/about").json()["person"]["patient"] == hash_of[:8]
    (exported,) = csv.DictReader(io.StringIO(api.lead.get("/export/studies.csv").text))
    assert (exported["patient"], exported["accession"]) == (hash_of, plain.names.sealed("accession", "ACC17"))
    for text, found in (("PN4711", 1), ("PN47", 0), ("ACC", 0)):  # else it could be found out character by character
        assert api.lead.post("/studies/search", json={"tab": "all", "text": text}).json()["total"] == found
    plain.settings.change(actor="ada", identity="lead")
    assert api.lead.post("/studies/search", json={"tab": "all", "text": "PN47"}).json()["total"] == 1
    assert api.reader.post("/studies/search", json={"tab": "all", "text": "PN47"}).json()["total"] == 0
    with Store.open(plain.home.parent / "other", pseudonymise=False) as other:
        assert other.names.sealed("patient", "PN4711") != hash_of, "another site's key gives another hash"


def test_an_export_of_the_shell_hides_numbers_as_the_site_has_set(
    plain: Store, screener: Screener, say: Say, tmp_path: Path
) -> None:
    plain.films.receive(dicom(noise(1), bits=12, **PERSON), name="a", source="ward")
    Worker(plain, lambda: screener).drain()
    for identity, shown in (("nobody", False), ("lead", True)):
        plain.settings.change(actor="ada", identity=identity)  # type: ignore[arg-type]
        done = say("export", tmp_path / identity, "--folder", plain.home)
        assert done.code == 0, done.err
        assert ("PN4711" in (tmp_path / identity / "studies.csv").read_text(encoding="utf-8")) is shown
        assert (b"PN4711" in (tmp_path / identity / "studies.parquet").read_bytes()) is shown


def test_an_exported_text_is_no_formula_of_a_spreadsheet(api: Api, store: Store, screener: Screener) -> None:
    sources = ['=HYPERLINK("http://evil.example")', "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]
    sources += ["\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "ward"]
    for number, source in enumerate(sources):
        store.films.receive(dicom(noise(number), bits=12), name=str(number), source=source)
    Worker(store, lambda: screener).drain()
    exported = io.StringIO(api.lead.get("/export/studies.csv").text, newline="")
    rows = list(csv.DictReader(exported))
    assert [row["source"] for row in rows] == [f"'{source}" for source in sources[:-1]] + ["ward"]
    for table in ("studies", "findings", "decisions", "reports"):
        for row in csv.reader(io.StringIO(api.lead.get(f"/export/{table}.csv").text, newline="")):
            for cell in row:
                assert not cell.startswith(tuple("=+@\t\r\n\uff1d\uff0b\uff0d\uff20")), cell
                assert not cell.startswith("-") or float(cell) <= 0
    assert {row.source for row in store.studies.page(StudyQuery(tab="all")).rows} == set(sources), (
        "the list shows it as it is"
    )
