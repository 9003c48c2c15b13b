"""View position of a film: by its DICOM header, else by the manifest; what the header contradicts is logged."""

from __future__ import annotations

import csv
import io
import logging
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from tests.data.making import dicom, image
from unseen.data import Film, ManifestError, films, loader, projection_of, stated_projection, stated_view
from unseen.data.film_projection import stated_beam
from unseen.data.manifest import VIEW_POSITIONS, parse_manifest, stream_manifest
from unseen.data.manifest_view import is_contradicted
from unseen.data.missing_cells import MISSING

PIXELS = np.random.default_rng(0).integers(0, 4095, (48, 48), dtype=np.uint16)
PNG = image((PIXELS >> 4).astype(np.uint8))
UNKNOWN = ("", " ", "NA", "NaN", "None", "null")
TERMS = st.sampled_from(VIEW_POSITIONS)
PROJECTIONS = st.sampled_from(("frontal", "lateral", "uncertain"))


def written(rows: list[tuple[str, str]], column: str = "view_position") -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("file", column), *rows])
    return text.getvalue().encode()


@given(st.lists(st.sampled_from((*VIEW_POSITIONS, *UNKNOWN)), max_size=9), st.sampled_from(("", " ")))
def test_a_manifest_states_defined_terms_or_nothing(cells: list[str], around: str) -> None:
    rows = [(f"{place}.png", f"{around}{cell}{around}") for place, cell in enumerate(cells)]
    found = parse_manifest(written(rows, " View_Position "), path=Path("ward/m.csv"))
    assert [entry.view_position for entry in found] == [cell if cell in VIEW_POSITIONS else None for cell in cells]
    assert all(entry.columns == {} for entry in found)


@given(st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=90), st.integers(0, 3))
@example("pa", 0)
@example("FRONTAL", 1)
@example("PA\\AP", 2)
def test_another_view_position_is_an_error_with_file_line_and_remedy(cell: str, before: int) -> None:
    assume(cell.strip() not in VIEW_POSITIONS and cell.strip() not in MISSING)
    rows = [("a.png", "PA")] * before + [("b.png", cell)]
    with pytest.raises(ManifestError) as caught:
        parse_manifest(written(rows), path=Path("ward/m.csv"))
    assert str(caught.value).startswith(f"ward/m.csv, line {before + 2}: the view_position is ")
    assert str(caught.value).endswith("one of AP, PA, LL, RL, RLD, LLD, RLO, LLO, or empty where it is not known.")


@pytest.mark.usefixtures("forked_readers")
def test_a_parquet_manifest_states_the_same(tmp_path: Path) -> None:
    table = {"file": ["a.png", "b.png", "c.png"], "view_position": ["AP", None, "LL"]}
    pl.DataFrame(table).write_parquet(tmp_path / "m.parquet")
    assert [entry.view_position for entry in stream_manifest(tmp_path / "m.parquet")] == ["AP", None, "LL"]
    pl.DataFrame({"file": ["a.png"], "view_position": ["frontal"]}).write_parquet(tmp_path / "m.parquet")
    with pytest.raises(ManifestError, match=r"m\.parquet, row 1: the view_position is 'frontal'"):
        list(stream_manifest(tmp_path / "m.parquet"))


def test_an_image_with_a_view_position_has_the_projection_of_a_dicom_file_with_it(tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(PNG)
    for term in VIEW_POSITIONS:
        (tmp_path / f"{term}.dcm").write_bytes(dicom(PIXELS, bits=12, ViewPosition=term))
    rows = [row for term in VIEW_POSITIONS for row in (("film.png", term), (f"{term}.dcm", ""))]
    (tmp_path / "m.csv").write_bytes(written(rows))
    found = list(films(tmp_path / "m.csv"))
    for stated, header in zip(found[::2], found[1::2], strict=True):
        assert isinstance(stated, Film) and isinstance(header, Film)
        assert stated.view_position == header.view_position
        assert stated.projection == projection_of(stated) == projection_of(header)
    (tmp_path / "m.csv").write_bytes(written([("film.png", "")]))
    [silent] = films(tmp_path / "m.csv")
    assert isinstance(silent, Film) and silent.view_position is silent.projection is None


@pytest.mark.parametrize("ahead", [False, True])
def test_the_header_has_priority_and_each_contradiction_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, ahead: bool
) -> None:
    headers = ("AP", "PA", "AP_SUPINE", "LL", "CHEST")
    for name in headers:
        (tmp_path / f"{name}.dcm").write_bytes(dicom(PIXELS, bits=12, ViewPosition=name))
    rows = [(f"{header}.dcm", term) for header, term in product(headers, ("AP", "LL", ""))]
    (tmp_path / "m.csv").write_bytes(written(rows))
    listed = films(tmp_path / "m.csv")
    with caplog.at_level(logging.WARNING, logger="unseen"):
        for _ in range(2):
            found = list(listed.read_ahead(2)) if ahead else list(listed)
            for film, (file, _) in zip(found, rows, strict=True):
                assert isinstance(film, Film) and f"{film.view_position}.dcm" == file
                assert film.projection == stated_projection(view_position=film.view_position)
    [record] = caplog.records
    assert record.getMessage() == (
        "the manifest's view_position contradicts the DICOM header of 5 films: AP.dcm (manifest LL, header 'AP'), "
        "PA.dcm (manifest AP, header 'PA'), PA.dcm (manifest LL, header 'PA'), …. The header is used. "
        "Correct the manifest"
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_of_a_training_loop_log_contradictions_too(tmp_path: Path, workers: int) -> None:
    for name in ("AP", "PA"):
        (tmp_path / f"{name}.dcm").write_bytes(dicom(PIXELS, bits=12, ViewPosition=name))
    (tmp_path / "m.csv").write_bytes(written([("AP.dcm", "AP"), ("PA.dcm", "AP")]))
    log = logging.FileHandler(tmp_path / "log")  # a reading process writes to it, too
    logging.getLogger("unseen").addHandler(log)
    try:
        [batch] = loader(tmp_path / "m.csv", size=16, batch_size=2, workers=workers)
    finally:
        logging.getLogger("unseen").removeHandler(log)
        log.close()
    assert batch["file"] == ["AP.dcm", "PA.dcm"]
    assert (tmp_path / "log").read_text(encoding="utf-8") == (
        "the manifest's view_position contradicts the DICOM header of 1 film: PA.dcm (manifest AP, header 'PA'). The "
        "header is used. Correct the manifest\n"
    )


def test_a_header_without_view_position_takes_the_manifests_where_it_states_no_other_projection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sides = {"silent": [], "frontal": ["L", "F"], "lateral": ["A", "F"]}
    for name, orientation in sides.items():
        data = dicom(PIXELS, bits=12, ViewPosition=None, PatientOrientation=orientation)
        (tmp_path / f"{name}.dcm").write_bytes(data)
    (tmp_path / "m.csv").write_bytes(written([(f"{name}.dcm", term) for name in sides for term in ("AP", "RL")]))
    with caplog.at_level(logging.WARNING, logger="unseen"):
        found = [(film.view_position, film.projection) for film in films(tmp_path / "m.csv") if isinstance(film, Film)]
    assert found == [
        ("AP", "uncertain"), ("RL", "lateral"),
        ("AP", "frontal"), (None, "frontal"),
        (None, "lateral"), ("RL", "lateral"),
    ]  # fmt: skip
    [record] = caplog.records
    assert "of 2 films: frontal.dcm (manifest RL, header 'frontal'), lateral.dcm (manifest AP, header 'lateral'). " in (
        record.getMessage()
    )


@given(st.sampled_from((None, "", "PA", "AP_SUPINE", "LL", "XYZ")), st.none() | PROJECTIONS, st.none() | TERMS)
def test_a_manifest_never_changes_what_a_header_states(
    header: str | None, projection: str | None, manifest: str | None
) -> None:
    view, found = stated_view(view_position=header, projection=projection, manifest=manifest)  # type: ignore[arg-type]
    if header or manifest is None:
        assert (view, found) == (header, projection)
    if projection in ("frontal", "lateral"):
        assert found == projection
    if projection == "uncertain":
        assert found != "frontal"
    if projection is None and not header and manifest is not None:
        assert (view, found) == (manifest, stated_projection(view_position=manifest))


def test_the_manifest_adds_the_beam_to_a_header_that_says_only_frontal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = {
        ("FRONTAL", "PA"): ("PA", "frontal"),
        ("FRONTAL", "LLD"): ("FRONTAL", "frontal"),
        ("CHEST", "PA"): ("CHEST", "uncertain"),
        ("CHEST", "LL"): ("CHEST", "uncertain"),
        ("AP AXIAL", "AP"): ("AP AXIAL", "uncertain"),
    }
    for header in ("FRONTAL", "CHEST", "AP AXIAL"):
        (tmp_path / f"{header}.dcm").write_bytes(dicom(PIXELS, bits=12, ViewPosition=header))
    (tmp_path / "m.csv").write_bytes(written([(f"{header}.dcm", term) for header, term in expected]))
    with caplog.at_level(logging.WARNING, logger="unseen"):
        found = [(film.view_position, film.projection) for film in films(tmp_path / "m.csv") if isinstance(film, Film)]
    assert found == list(expected.values())
    assert not caplog.records


@pytest.mark.parametrize("position", [None, "FRONTAL"])
def test_the_beam_of_a_view_code_has_priority_and_its_contradiction_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, position: str | None
) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "399348003", "SCT", "antero-posterior"
    (tmp_path / "a.dcm").write_bytes(dicom(PIXELS, bits=12, ViewPosition=position, ViewCodeSequence=[code]))
    (tmp_path / "m.csv").write_bytes(written([("a.dcm", term) for term in ("PA", "AP", "")]))
    with caplog.at_level(logging.WARNING, logger="unseen"):
        found = [(film.view_position, film.projection) for film in films(tmp_path / "m.csv") if isinstance(film, Film)]
    assert found == [("AP", "frontal"), ("AP", "frontal"), (position, "frontal")]
    [record] = caplog.records
    assert "of 1 film: a.dcm (manifest PA, header 'AP'). " in record.getMessage()


def test_a_newline_in_a_header_or_a_name_adds_no_line_to_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = dicom(PIXELS, bits=12, ViewPosition="AP_READY")  # pydicom warns of a newline
    (tmp_path / "a\nb.dcm").write_bytes(data.replace(b"AP_READY", b"AP\nREADY"))
    (tmp_path / "m.csv").write_bytes(written([("a\nb.dcm", "PA")]))
    with caplog.at_level(logging.WARNING, logger="unseen"):
        [film] = films(tmp_path / "m.csv")
    assert isinstance(film, Film)
    [record] = caplog.records
    assert "of 1 film: 'a\\nb.dcm' (manifest PA, header 'AP\\nREADY'). " in record.getMessage()
    assert record.getMessage().isprintable()


@given(st.sampled_from((*VIEW_POSITIONS, "FRONTAL", "CHEST", "AP AXIAL")), TERMS)
def test_terms_contradict_each_other_where_projection_or_beam_are_stated_and_differ(header: str, manifest: str) -> None:
    projections = {stated_projection(view_position=one) for one in (header, manifest)} - {"uncertain"}
    beams = {stated_beam(one) for one in (header, manifest)} - {None}
    assert is_contradicted(manifest, header) == (len(projections) == 2 or len(beams) == 2)
