"""Objects are valid by an independent validator, whatever the film's header is like, and the header's text is kept."""

from __future__ import annotations

import functools
import io
import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from tests.pacs.film_headers import FULL, film_result, header, headers, phantoms, study_result
from unseen.artifacts.research_only import LIMITS
from unseen.data.decoder_protocol import DecoderLimits
from unseen.data.dicom import read_dicom
from unseen.data.grey_scale import grey_values
from unseen_server.pacs.header_repair import HeaderError, repaired
from unseen_server.pacs.objects import as_file, result_objects
from unseen_server.pacs.study_result import Kind

KINDS: tuple[Kind, ...] = ("sr", "capture", "overlay")
GARBLED = [keyword for keyword in FULL if not keyword.endswith("UID")]
Made = Callable[[str], list[Dataset]]
Validate = Callable[[list[Dataset]], list[str]]


@pytest.fixture(scope="module")
def films() -> dict[str, Dataset]:
    return headers()


@pytest.fixture(scope="module")
def made_of(films: dict[str, Dataset]) -> Made:
    """`made_of("Cyrillic")`: the three objects of this header."""
    return functools.cache(lambda name: result_objects(study_result(film_result(films[name])), KINDS))


@pytest.fixture
def errors(program: Callable[..., str], tmp_path: Path) -> Validate:
    """The errors that dciodvfy finds in objects, each of which it must recognise as what it is."""
    validator, file = program("dciodvfy"), tmp_path / "object.dcm"

    def validate(objects: list[Dataset]) -> list[str]:
        lines: list[str] = []
        for made in objects:
            file.write_bytes(as_file(made))
            report = subprocess.run([validator, "-new", str(file)], capture_output=True, text=True).stderr
            assert {"SR": "ComprehensiveSR", "PR": "GrayscaleSoftcopy"}.get(str(made.Modality), "SCImage") in report
            lines += [f"{made.Modality}: {line}" for line in report.splitlines() if line.startswith("Error")]
        return lines

    return validate


@pytest.mark.parametrize("every", [25, pytest.param(1, marks=pytest.mark.nightly)])
def test_no_object_has_an_error_over_fifty_headers(
    films: dict[str, Dataset], made_of: Made, errors: Validate, every: int
) -> None:
    assert len(films) >= 50
    assert {name: lines for name in list(films)[::every] if (lines := errors(made_of(name)))} == {}


def test_no_object_of_other_results_has_an_error(errors: Validate) -> None:
    film, other = header(), header(SOPInstanceUID="1.2.3.5")
    unscored = {"score": None, "probability": None, "percentile": None, "anomaly_map": None}
    results = [
        study_result(film_result(film), film_result(other)),
        study_result(film_result(film), film_result(other, **unscored)),
        study_result(film_result(film, **unscored), action="not_scored", probability=None, priority=2.0, rank=""),
        study_result(film_result(film, probability=None, percentile=None), policy_digest="", action="clear"),
        study_result(film_result(film, score=-1.23456789e-17)),
        study_result(film_result(film), model_name="m" * 100, version="v" * 100, station="S" * 16),
    ]
    assert [errors(result_objects(result, KINDS)) for result in results] == [[]] * len(results)


def test_dcmtk_reads_the_report_and_renders_its_words(
    made_of: Made, program: Callable[..., str], tmp_path: Path
) -> None:
    """Its reader checks the content tree's relationships, which dciodvfy does not."""
    report, file = made_of("Cyrillic")[0], tmp_path / "report.dcm"
    file.write_bytes(as_file(report))
    done = subprocess.run([program("dsrdump"), "+Pl", str(file)], capture_output=True, text=True)
    assert done.returncode == 0 and "E:" not in done.stderr, done.stderr
    for text in ("Люкceмбypг^Анна", "PRELIMINARY", "UNVERIFIED", LIMITS, '"Anomaly score")="3.25"', "(POINT,54/18)"):
        assert text in done.stdout, text


def test_the_validator_finds_what_is_wrong(errors: Validate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: an age that is copied as it stands, as highdicom alone would."""
    monkeypatch.setattr("unseen_server.pacs.objects.repaired", lambda film: with_age(repaired(film), film.PatientAge))
    assert errors(result_objects(study_result(film_result(header(PatientAge="about 60"))), KINDS))


def with_age(film: Dataset, age: str) -> Dataset:
    film.PatientAge = age
    return film


KEPT = [
    ("Japanese, three writings", "PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("Cyrillic", "PatientName", "Люкceмбypг^Анна"),
    ("Chinese", "PatientName", "Wang^XiaoDong=王^小东"),
    ("Latin-1", "ReferringPhysicianName", "Größe"),
    ("UTF-8 undeclared", "PatientName", "Müll^Jane"),
    ("no character of its set", "PatientName", "Müll^Jane"),
    ("control characters", "PatientName", "Doe^Jane"),
    ("two patient IDs", "PatientID", "p-17"),
    ("identifiers too long", "AccessionNumber", ""),
    ("birth date of an older edition", "PatientBirthDate", "19600131"),
    ("date range", "StudyDate", ""),
    ("times with colons", "StudyTime", "101500"),
    ("sex in words", "PatientSex", "F"),
    ("nothing of the patient", "PatientID", ""),
]
KEPT_TOO = [  # in `make nightly`
    ("Japanese, half-width", "PatientName", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎"),
    ("Japanese, half-width", "StudyDescription", "胸部"),
    ("Greek", "PatientName", "Διονυσιος"),
    ("Korean", "PatientName", "Hong^Gildong=洪^吉洞=홍^길동"),
    ("UTF-8", "PatientName", "Łukasz^Żółć"),
    ("UTF-8 declared by a wrong name", "PatientName", "Müll^Jane"),
    ("first value empty", "AccessionNumber", "A-2"),
    ("birth date that is none", "PatientBirthDate", ""),
    ("sex unknown", "PatientSex", ""),
]


@pytest.mark.parametrize(
    ("name", "attribute", "text"), [*KEPT, *(pytest.param(*row, marks=pytest.mark.nightly) for row in KEPT_TOO)]
)
def test_what_can_be_kept_is_kept_as_utf8_and_the_rest_is_empty(
    made_of: Made, name: str, attribute: str, text: str
) -> None:
    for made in made_of(name):
        again = pydicom.dcmread(io.BytesIO(as_file(made)))
        assert again.SpecificCharacterSet == "ISO_IR 192"
        value = again[attribute].value
        assert ("" if value is None else str(value)) == text


@pytest.mark.parametrize(
    ("age", "kept"), [("066Y", "066Y"), ("66y", "066Y"), ("3M", "003M"), ("066", None), ("about 60", None)]
)
def test_an_age_is_kept_only_with_its_unit(age: str, kept: str | None) -> None:
    assert repaired(header(PatientAge=age)).get("PatientAge") == kept


@pytest.mark.parametrize("examples", [4, pytest.param(25, marks=pytest.mark.nightly)])
def test_any_bytes_in_a_header_give_objects_that_can_be_written_and_read(examples: int) -> None:
    settings(max_examples=examples)(given(st.data())(_written_and_read_whatever_its_bytes))()


def _written_and_read_whatever_its_bytes(data: st.DataObject) -> None:
    keywords = data.draw(st.lists(st.sampled_from(GARBLED), unique=True, max_size=4))
    film = header()
    for keyword in keywords:
        tag, value = film[keyword].tag, data.draw(st.binary(max_size=80))
        film[tag] = RawDataElement(tag, film[keyword].VR, len(value), value, 0, False, True, True)
    film.SpecificCharacterSet = data.draw(st.sampled_from(["", "ISO_IR 192", "GB18030", "ISO 2022 IR 87", "no set"]))
    for made in result_objects(study_result(film_result(film)), KINDS):
        again = pydicom.dcmread(io.BytesIO(as_file(made)))
        assert again.StudyInstanceUID == "1.2.3" and len(str(again.AccessionNumber)) <= 16
        str(again)


def test_the_films_own_header_is_not_altered(films: dict[str, Dataset], made_of: Made) -> None:
    for name, _, _ in KEPT:
        made_of(name)
    assert {name for name, film in headers().items() if film != films[name]} == set()


@pytest.mark.parametrize("attribute", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows"])
def test_a_film_that_nothing_can_refer_to_is_refused_by_the_attributes_name(attribute: str) -> None:
    film = header()
    delattr(film, attribute)
    with pytest.raises(HeaderError, match=attribute):
        repaired(film)


def test_no_name_reaches_the_log_or_a_warning(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    caplog.set_level(logging.DEBUG)
    people = ("PatientName", "PatientSex", "PatientAge", "PatientBirthDate", "ReferringPhysicianName")
    odd = header(**dict.fromkeys(people, "Singlename"))
    result_objects(study_result(film_result(odd)), KINDS)
    assert "Singlename" not in caplog.text
    assert not [one for one in recwarn.list if "Singlename" in str(one.message)]


def test_a_phantoms_pixels_become_a_capture(errors: Validate) -> None:
    for data in phantoms().values():
        film = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
        decoded = read_dicom(data, bare=False, limits=DecoderLimits())
        assert errors(result_objects(study_result(film_result(film, pixels=grey_values(decoded))), KINDS)) == []


def test_real_films_headers_give_valid_objects_too(errors: Validate, shared_data: Path) -> None:
    """Public CR and DX films, and the CR films that come with pydicom."""
    theirs = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "77654033"
    paths = [*sorted((shared_data / "cxr_raw").glob("*.dcm")), *sorted(theirs.glob("CR*/*"))]
    films = [pydicom.dcmread(path, stop_before_pixels=True, force=True) for path in paths]  # one has no preamble
    assert len(films) >= 5
    for film in films:
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
            if not film.get(keyword):  # taken out when the film was made public
                setattr(film, keyword, "1.2.3")
        assert errors(result_objects(study_result(film_result(film)), KINDS)) == []
