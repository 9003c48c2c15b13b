"""Projection that a film's header states: frontal, lateral or uncertain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.data.making import data_set, dicom
from unseen.data import Film, films, projection_of, stated_projection
from unseen.data.film_projection import projection_of_header, stated_beam

PIXELS = np.random.default_rng(0).integers(0, 4095, (48, 48), dtype=np.uint16)


def header(**tags: Any) -> Dataset:
    return data_set(PIXELS, bits=12, **tags)


def view_code(value: str, meaning: str = "", scheme: str = "SCT") -> list[Dataset]:
    code = Dataset()
    code.CodeValue, code.CodeMeaning, code.CodingSchemeDesignator = value, meaning, scheme
    return [code]


@pytest.mark.parametrize(
    "written",
    [
        "PA", "AP", "pa", " PA ", "P A", "A.P.", "P-A", "A/P", "AP_SUPINE", "PA_ERECT", "AP SUPINE", "AP PORTABLE",
        "CHEST PA",
        "POSTERO ANTERIOR", "POSTERO-ANTERIOR", "POSTEROANTERIOR", "ANTEROPOSTERIOR", "FRONTAL", "PA\\AP",
    ],
)  # fmt: skip
def test_spellings_of_frontal_view_positions_are_frontal(written: str) -> None:
    assert stated_projection(view_position=written) == "frontal"


@pytest.mark.parametrize(
    ("written", "beam"),
    [
        ("AP", "AP"), ("ap", "AP"), ("A.P.", "AP"), ("AP_SUPINE", "AP"), ("APSUPINE", "AP"), ("AP AXIAL", "AP"),
        ("CHEST AP PORTABLE", "AP"), ("ANTERO-POSTERIOR", "AP"), ("PA", "PA"), (" p a ", "PA"), ("PA_ERECT", "PA"),
        ("POSTEROANTERIOR", "PA"), ("DORSOVENTRAL", "PA"), ("", None), ("FRONTAL", None), ("LL", None), ("XYZ", None),
        ("PA\\AP", None), ("AP LAT", None), ("PAPA", None),
    ],
)  # fmt: skip
def test_a_view_position_states_ap_or_pa_by_its_words(written: str, beam: str | None) -> None:
    assert stated_beam(written) == beam


@pytest.mark.parametrize(
    "written",
    [
        "LL", "RL", "LAT", "LLAT", "RLAT", "LATERAL", "LATERAL LEFT", "LEFT LATERAL", "LEFT_LAT", "L LAT", "LAT R",
        "Lat.",
        "RT LAT",
        "LATERO-LATERAL", "LLO", "RLO", "PROFIL", "PERFIL", "SEITLICH",
    ],
)  # fmt: skip
def test_spellings_of_lateral_view_positions_are_lateral(written: str) -> None:
    assert stated_projection(view_position=written) == "lateral"
    assert projection_of_header(header(ViewPosition=written, PatientOrientation=["L", "F"])) == "lateral"


@pytest.mark.parametrize(
    "written",
    [
        "", "   ", "AXIAL", "AP AXIAL", "AP LORDOTIC", "LORDOTIC", "LLD", "RLD", "LATERAL DECUBITUS", "AP DECUB", "RAO",
        "LPO",
        "PA OBLIQUE", "OBLIQUE", "AP LAT", "PA/LAT", "XYZ", "CHEST", "NONE", "PAPA", "APEX", "PATIENT", "LATENT",
    ],
)  # fmt: skip
def test_other_and_unknown_view_positions_are_uncertain(written: str) -> None:
    assert stated_projection(view_position=written) == "uncertain"


def test_an_unknown_view_position_is_not_made_frontal_by_a_default_orientation() -> None:
    assert stated_projection(view_position="BOCZNE", orientation="L\\F") == "uncertain"


@pytest.mark.parametrize(
    ("value", "meaning", "scheme", "expected"),
    [
        ("272479007", "postero-anterior", "SCT", "frontal"),
        ("399348003", "", "SCT", "frontal"),
        ("R-10206", "antero-posterior", "SRT", "frontal"),
        ("R-40888", "", "SRT", "frontal"),
        ("R-10202", "", "SRT", "frontal"),
        ("R-10236", "left lateral", "SRT", "lateral"),
        ("399198007", "", "SCT", "lateral"),
        ("399067008", "", "SCT", "lateral"),
        ("R-10241", "axial", "SRT", "uncertain"),
        ("399312000", "antero-posterior oblique", "SCT", "uncertain"),
        ("V12", "Chest PA", "99VENDOR", "frontal"),
        ("V13", "Chest lateral", "99VENDOR", "lateral"),
        ("V14", "Chest", "99VENDOR", "uncertain"),
    ],
)
def test_view_codes_state_the_projection(value: str, meaning: str, scheme: str, expected: str) -> None:
    codes = view_code(value, meaning, scheme)
    assert projection_of_header(header(ViewPosition="", ViewCodeSequence=codes)) == expected


def test_view_position_and_view_code_that_disagree_are_uncertain() -> None:
    assert projection_of_header(header(ViewPosition="PA", ViewCodeSequence=view_code("399173006"))) == "uncertain"
    assert projection_of_header(header(ViewPosition="LL", ViewCodeSequence=view_code("272479007"))) == "uncertain"


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (["L", "F"], "frontal"), (["R", "F"], "frontal"), (["F", "R"], "frontal"), (["A", "F"], "lateral"),
        (["P", "F"], "lateral"), (["F", "A"], "lateral"), (["A", "L"], "uncertain"), (["LA", "F"], "uncertain"),
        (["L"], "uncertain"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("position", [None, ""])
def test_patient_orientation_counts_where_no_view_is_written(
    position: str | None, orientation: list[str], expected: str
) -> None:
    assert projection_of_header(header(ViewPosition=position, PatientOrientation=orientation)) == expected


@pytest.mark.parametrize(
    ("keyword", "text", "expected"),
    [
        ("SeriesDescription", "Chest LAT", "lateral"),
        ("ProtocolName", "Thorax lateral", "lateral"),
        ("AcquisitionDeviceProcessingDescription", "CHEST,LATERAL", "lateral"),
        ("PerformedProcedureStepDescription", "XR thorax seitlich", "lateral"),
        ("SeriesDescription", "Thorax p.a.", "frontal"),
        ("ProtocolName", "CHEST_AP_PORTABLE", "frontal"),
        ("SeriesDescription", "Chest PA and lateral", "uncertain"),
        ("SeriesDescription", "Chest", "uncertain"),
        ("SeriesDescription", "Bilateral chest", "uncertain"),
        ("StudyDescription", "Chest PA", "uncertain"),
    ],
)
def test_descriptions_count_where_no_view_is_written(keyword: str, text: str, expected: str) -> None:
    assert projection_of_header(header(ViewPosition=None, **{keyword: text})) == expected


@pytest.mark.parametrize(
    "tags",
    [
        {"PatientOrientation": ["A", "F"]},
        {"SeriesDescription": "Chest lateral"},
        {"ProtocolName": "Decubitus left"},
        {"PatientOrientation": ["A", "L"]},
    ],
)
def test_a_frontal_view_position_that_other_attributes_contradict_is_uncertain(tags: dict[str, Any]) -> None:
    assert projection_of_header(header(ViewPosition="PA", **tags)) == "uncertain"


def test_descriptions_of_the_whole_examination_do_not_contradict_the_view() -> None:
    tags = {"SeriesDescription": "Chest PA/LAT", "PerformedProcedureStepDescription": "XR CHEST 2 VIEWS"}
    assert projection_of_header(header(ViewPosition="PA", **tags)) == "frontal"
    assert projection_of_header(header(ViewPosition="LL", **tags)) == "lateral"


def test_orientation_and_description_that_disagree_are_uncertain() -> None:
    tags = {"PatientOrientation": ["L", "F"], "SeriesDescription": "Chest LAT"}
    assert projection_of_header(header(ViewPosition=None, **tags)) == "uncertain"


def test_a_film_that_is_read_has_the_projection_of_its_header_and_an_image_counts_as_frontal(tmp_path: Path) -> None:
    from PIL import Image

    for name, tags in (("pa", {}), ("none", {"ViewPosition": None}), ("side", {"ViewPosition": "LLAT"})):
        (tmp_path / f"{name}.dcm").write_bytes(dicom(PIXELS, bits=12, **tags))
    Image.fromarray((PIXELS >> 4).astype(np.uint8)).save(tmp_path / "image.png")
    found = {Path(film.name).name: film for film in films(tmp_path)}
    assert all(isinstance(film, Film) for film in found.values())
    assert {name: projection_of(film) for name, film in found.items() if isinstance(film, Film)} == {
        "pa.dcm": "frontal",
        "none.dcm": "uncertain",
        "side.dcm": "lateral",
        "image.png": "frontal",
    }
