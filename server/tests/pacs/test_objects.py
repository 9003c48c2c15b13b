"""Result objects carry what was decided: values, places, references and UIDs, read back by highdicom and pydicom."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any  # values of DICOM attributes are of many types

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.sr.utils import find_content_items
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from tests.data.making import CR, DX
from tests.pacs.film_headers import (
    COLUMNS,
    ROWS,
    anomaly_map,
    film_result,
    grey,
    header,
    study_result,
    voi_lut,
)
from unseen.artifacts.research_only import LIMITS
from unseen_server.pacs import structured_report as codes
from unseen_server.pacs.identifiers import instance_uid, is_our_uid, is_ours, series_uid, uid_of
from unseen_server.pacs.objects import as_file, result_objects
from unseen_server.pacs.secondary_capture import burnt_in
from unseen_server.pacs.study_result import Kind, Replaced, StudyResult, outline, strongest_place

SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.33"
KINDS: tuple[Kind, ...] = ("sr", "capture", "overlay")
PEAK = (4.5 * ROWS / 15, 13.5 * COLUMNS / 20)  # the centre of the map's highest cell, row first


def read(made: Dataset) -> Any:  # Any: highdicom's classes have no types
    """Return the object as another program has it: written, read, and parsed where it is a report."""
    again = pydicom.dcmread(io.BytesIO(as_file(made)))
    return highdicom.sr.ComprehensiveSR.from_dataset(again) if again.Modality == "SR" else again


def report(result: StudyResult) -> Any:  # Any: as above
    (made,) = result_objects(result, ["sr"])
    return read(made)


def words(document: Any) -> dict[str, str]:
    """Return the texts and codes of a report: name → value."""
    items = find_content_items(document.content[0], recursive=True)
    texts = {one.name.meaning: one.TextValue for one in items if one.ValueType == "TEXT"}
    return texts | {one.name.meaning: one.value.value for one in items if one.ValueType == "CODE"}


def test_a_report_read_back_gives_what_was_decided() -> None:
    document = report(study_result(film_result(header())))
    (group,) = document.content.get_planar_roi_measurement_groups()
    measured = {one.name: (one.value, one.unit.value) for one in group.get_measurements()}
    assert measured == {codes.SCORE: (3.25, "1"), codes.PROBABILITY: (12.5, "%"), codes.PERCENTILE: (97.5, "%")}
    found = words(document)
    assert found["Decision"] == "read"
    assert found["Reason"] == "The score is above the threshold of the ward."
    assert found["Probability of being abnormal, of the study"] == "12.5 %"
    assert found["Place in the reading list"] == "Read before 97.5 % of the waiting studies"
    assert found["Priority; higher is read earlier"] == "0.875"
    assert (found["Policy, SHA-256"], found["Model weights, SHA-256"]) == ("ab" * 32, "cd" * 32)
    assert (found["Algorithm Name"], found["Algorithm Version"]) == ("ensemble-five", "1.2.3")
    assert found["Comment"] == LIMITS


def test_a_report_is_preliminary_and_unverified_and_of_the_films_study() -> None:
    document = report(study_result(film_result(header())))
    assert (document.PreliminaryFlag, document.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert document.StudyInstanceUID == "1.2.3" and document.SeriesInstanceUID != "1.2.3.1"
    assert document.content[0].ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert document.get_evidence() == [("1.2.3", "1.2.3.1", "1.2.3.4", CR)]


def test_the_point_lies_where_the_map_is_strongest_and_names_its_film() -> None:
    lateral = film_result(header(SOPInstanceUID="1.2.3.5", sop_class=DX), strongest=(7.25, 70.5), score=1.0)
    groups = report(study_result(film_result(header()), lateral)).content.get_planar_roi_measurement_groups()
    regions = [group.roi for group in groups]
    places = {str(one.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID): one for one in regions}
    assert set(places) == {"1.2.3.4", "1.2.3.5"}
    assert places["1.2.3.4"].value.tolist() == [[PEAK[1], PEAK[0]]]  # column first
    assert places["1.2.3.5"].value.tolist() == [[70.5, 7.25]]
    row, column = (int(value) for value in PEAK)
    on_film = np.kron(anomaly_map(), np.ones((ROWS // 15, COLUMNS // 20)))
    assert on_film[row, column] == on_film.max()


def test_a_map_on_a_part_of_the_film_is_placed_by_its_box() -> None:
    film = film_result(header(), box=(10.0, 20.0, 40.0, 80.0))
    assert strongest_place(film) == (10 + 4.5 * 30 / 15, 20 + 13.5 * 60 / 20)
    around = outline(film)
    assert around is not None
    assert (around.min(axis=0).tolist(), around.max(axis=0).tolist()) == ([16.0, 56.0], [22.0, 68.0])


@settings(max_examples=30)
@given(st.integers(0, 14), st.integers(0, 19))
def test_the_outline_holds_the_place_and_stays_on_the_film(row: int, column: int) -> None:
    values = np.zeros((15, 20))
    values[row, column] = 0.125
    film = film_result(header(), anomaly_map=values, box=(-5.0, -5.0, ROWS + 5.0, COLUMNS + 5.0))
    place, around = strongest_place(film), outline(film)
    assert place is not None and around is not None
    assert (around.min(axis=0) <= place).all() and (place <= around.max(axis=0)).all()
    assert (around >= 0).all() and (around <= (ROWS, COLUMNS)).all()


def test_a_map_of_zeros_has_no_place() -> None:
    film = film_result(header(), anomaly_map=np.zeros((4, 4)))
    assert strongest_place(film) is None and outline(film) is None


def test_an_unscored_study_has_a_report_that_names_its_films_and_no_measurements() -> None:
    film = film_result(header(), score=None, probability=None, percentile=None, anomaly_map=None)
    result = study_result(film, action="not_scored", probability=None, rank="", priority=2.0, reason="It is a lateral.")
    made = result_objects(result, KINDS)
    assert [one.Modality for one in made] == ["SR"]
    document = read(made[0])
    assert words(document)["Decision"] == "not_scored"
    assert words(document)["Probability of being abnormal, of the study"] == "not calibrated"
    containers = [item.name.meaning for item in document.content[0].ContentSequence if item.ValueType == "CONTAINER"]
    assert containers == ["Image Library", "Findings"]
    root = document.content[0]
    assert (root.name.meaning, root.ContentTemplateSequence[0].TemplateIdentifier) == ("X-Ray Report", "2000")
    assert document.get_evidence() == [("1.2.3", "1.2.3.1", "1.2.3.4", CR)]


def test_a_superseding_report_names_its_predecessors_and_no_other_objects() -> None:
    earlier = [
        Replaced(sop_class=SR_CLASS, instance="1.2.9.1", series="1.2.9"),
        Replaced(sop_class="1.2.840.10008.5.1.4.1.1.7", instance="1.2.9.2", series="1.2.8"),
    ]
    document = report(study_result(film_result(header()), decision="18", replaces=earlier))
    (study,) = document.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (instance,) = series.ReferencedSOPSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == ("1.2.3", "1.2.9")
    assert (instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID) == (SR_CLASS, "1.2.9.1")
    assert "no longer holds" in words(document)["Supersedes"]
    first = report(study_result(film_result(header())))
    assert "PredecessorDocumentsSequence" not in first and "Supersedes" not in words(first)
    assert first.SOPInstanceUID != document.SOPInstanceUID


def test_the_same_result_gives_the_same_bytes() -> None:
    def files() -> list[bytes]:
        return [as_file(made) for made in result_objects(study_result(film_result(header())), KINDS)]

    assert files() == files()


def test_no_time_but_the_decisions_is_written() -> None:
    made = datetime(2001, 2, 3, 4, 5, 6)
    for one in result_objects(study_result(film_result(header(StudyDate=None, StudyTime=None)), made=made), KINDS):
        elements = [element for element in one.iterall() if element.VR in ("DA", "TM", "DT") and element.value]
        times = {str(element.value)[:14] for element in elements}
        assert times - {"19600131"} <= {"20010203", "040506", "20010203040506"}, one.Modality


def test_times_are_in_the_zone_that_the_film_states() -> None:
    """A viewer read the decision's local time in the film's zone, or the film's time in its own: hours apart."""
    made = datetime(2026, 11, 25, 23, 30, 15, tzinfo=UTC)
    for written, day, time in (("+0530", "20261126", "050015"), ("-0330", "20261125", "200015")):
        film = header(TimezoneOffsetFromUTC=written)
        for one in map(read, result_objects(study_result(film_result(film), made=made), KINDS)):
            assert one.TimezoneOffsetFromUTC == written, one.Modality
            assert (one.StudyDate, one.StudyTime) == ("20261125", "101500"), "as in the film"
            assert (one.SeriesDate, one.SeriesTime) == (day, time)
            assert (one.InstanceCreationDate, one.InstanceCreationTime) == (day, time)
    unknown = header(TimezoneOffsetFromUTC="CET")
    for one in map(read, result_objects(study_result(film_result(unknown), made=made), KINDS)):
        assert "TimezoneOffsetFromUTC" not in one and (one.SeriesDate, one.SeriesTime) == ("20261125", "233015")


def test_uids_follow_from_site_decision_kind_and_film() -> None:
    films = [film_result(header()), film_result(header(SOPInstanceUID="1.2.3.5"))]
    made = result_objects(study_result(*films), KINDS)
    assert [one.Modality for one in made] == ["SR", "OT", "OT", "PR", "PR"]
    assert len({one.SOPInstanceUID for one in made}) == 5 and len({one.SeriesInstanceUID for one in made}) == 3
    assert made[0].SOPInstanceUID == instance_uid(site="ward-7", decision="17", kind="sr")
    assert made[1].SOPInstanceUID == instance_uid(site="ward-7", decision="17", kind="capture", film="1.2.3.4")
    assert made[1].SeriesInstanceUID == series_uid(site="ward-7", decision="17", kind="capture")
    for other in (study_result(*films, site="ward-8"), study_result(*films, decision="18")):
        assert not {one.SOPInstanceUID for one in made} & {one.SOPInstanceUID for one in result_objects(other, KINDS)}


def test_a_uid_stays_what_it_was_in_earlier_versions() -> None:
    """An object keeps its UID when it is sent again after an update."""
    assert uid_of("instance", "ward-7", "17", "sr", "") == "2.25.156093169377471698517475992896486633392"
    assert series_uid(site="a", decision="1", kind="sr") == "2.25.156093169413463792344750174433989866748"


@given(st.lists(st.text(), max_size=4))
def test_every_uid_is_valid_and_ours(names: list[str]) -> None:
    uid = uid_of(*names)
    assert uid.is_valid and is_our_uid(uid) and not is_our_uid(pydicom.uid.generate_uid(prefix=None))


def test_the_loop_guard_knows_our_objects_and_no_others() -> None:
    made = result_objects(study_result(film_result(header())), KINDS)
    assert all(is_ours(one) for one in made)
    for one in made:
        renamed, stripped = read(one), read(one)
        renamed.SOPInstanceUID = "1.2.3.9"  # an archive that gives new UIDs
        del stripped.DeviceUID  # and one that drops what it does not know
        assert is_ours(renamed) and is_ours(stripped)
    film, report_of_others = header(), Dataset()
    report_of_others.Modality, report_of_others.SOPInstanceUID = "SR", "2.25.329800735698586629295641978511506172918"
    report_of_others.DeviceUID = ["1.2.3", "1.2.4"]
    assert not any(is_ours(one) for one in (film, report_of_others, Dataset()))


def test_the_sentence_on_research_use_is_in_every_object() -> None:
    sr, capture, overlay = result_objects(study_result(film_result(header())), KINDS)
    assert LIMITS in words(read(sr)).values()
    assert LIMITS in overlay.GraphicAnnotationSequence[0].TextObjectSequence[1].UnformattedTextValue
    assert capture.BurnedInAnnotation == "YES"
    assert all(one.SeriesDescription.startswith("Research use only: ") for one in (sr, capture, overlay))
    film = film_result(header())
    band, empty = burnt_in(film, [LIMITS])[384:], burnt_in(film, [""])[384:]  # the film itself is 384 × 512
    assert (band > 128).any() and not (empty > 0).any()


def test_a_capture_shows_the_film_and_the_map_where_they_are() -> None:
    plain = burnt_in(film_result(header(), anomaly_map=np.zeros((15, 20))), ["-"]).astype(int)
    marked = burnt_in(film_result(header()), ["-"]).astype(int)
    assert plain.shape == marked.shape and plain.shape[1] == 512
    assert (plain[:384, :, 0] == plain[:384, :, 2]).all(), "grey where the map is zero"
    differing = np.argwhere((plain != marked).any(axis=2)) / (512 / COLUMNS)  # rows and columns on the film
    top, left, bottom, right = 2 * ROWS / 15, 11 * COLUMNS / 20, 7 * ROWS / 15, 17 * COLUMNS / 20  # a cell around it
    assert (differing >= (top, left)).all() and (differing <= (bottom, right)).all()
    warm = (marked[..., 0] - marked[..., 2])[:384]
    peak, edge = ((int(row * 512 / COLUMNS), int(column * 512 / COLUMNS)) for row, column in (PEAK, (14.0, 62.0)))
    assert warm[peak] > warm[edge] > 0
    large = film_result(header(Rows=3000, Columns=2500), pixels=np.zeros((3000, 2500), np.float32))
    assert burnt_in(large, [LIMITS]).shape[1] == round(2500 * 2048 / 3000)


def test_a_capture_shows_the_grey_values() -> None:
    """Values between 0.4 and 0.6 stay pale: a capture has no window of its own."""
    pale = np.float32(0.4) + np.float32(0.2) * grey()
    plain = burnt_in(film_result(header(), anomaly_map=np.zeros((15, 20)), pixels=pale), ["-"])[:384].astype(int)
    assert plain.min() >= 0.4 * 255 - 1 and plain.max() <= 0.6 * 255 + 1


def test_a_capture_keeps_millimetres() -> None:
    (capture,) = result_objects(study_result(film_result(header())), ["capture"])
    assert [float(value) for value in capture.PixelSpacing] == pytest.approx([0.14 * COLUMNS / 512] * 2)
    assert capture.PatientOrientation == ["L", "F"]
    (unknown,) = result_objects(study_result(film_result(header(PatientOrientation=None))), ["capture"])
    assert not unknown.PatientOrientation


def test_a_presentation_state_shows_the_film_as_the_film_asks_to_be() -> None:
    window = {"WindowCenter": [2000, 1800], "WindowWidth": [4096, 3000]}
    dark = header(PhotometricInterpretation="MONOCHROME1", RescaleSlope="2", RescaleIntercept="-5", **window)
    (state,) = result_objects(study_result(film_result(dark)), ["overlay"])
    assert state.PresentationLUTShape == "INVERSE" and (state.RescaleSlope, state.RescaleIntercept) == (2, -5)
    assert (state.SoftcopyVOILUTSequence[0].WindowCenter, state.SoftcopyVOILUTSequence[0].WindowWidth) == (2000, 4096)
    assert state.DisplayedAreaSelectionSequence[0].DisplayedAreaBottomRightHandCorner == [COLUMNS, ROWS]
    (curved,) = result_objects(study_result(film_result(header(VOILUTSequence=[voi_lut(-1024)]))), ["overlay"])
    table = curved.SoftcopyVOILUTSequence[0].VOILUTSequence[0]
    values = np.frombuffer(table.LUTData, "<u2")
    assert list(table.LUTDescriptor) == [4096, -1024, 16]
    assert np.abs(values / 65535 - np.arange(4096) ** 2 // 4096 / 4095).max() < 1e-5
    assert curved.PresentationLUTShape == "IDENTITY"


def test_a_presentation_state_marks_the_place_on_its_film() -> None:
    (state,) = result_objects(study_result(film_result(header())), ["overlay"])
    (annotation,) = state.GraphicAnnotationSequence
    assert annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4"
    point, line = annotation.GraphicObjectSequence
    assert list(point.GraphicData) == [PEAK[1], PEAK[0]]
    corners = np.reshape(line.GraphicData, (-1, 2))
    assert corners[0].tolist() == corners[-1].tolist()
    assert corners.min(axis=0).tolist() == [12 * COLUMNS / 20, 3 * ROWS / 15]
    assert corners.max(axis=0).tolist() == [16 * COLUMNS / 20, 6 * ROWS / 15]


def test_what_is_the_callers_mistake_raises() -> None:
    film = film_result(header())
    for result in (study_result(), study_result(film, film_result(header(StudyInstanceUID="1.2.4")))):
        with pytest.raises(ValueError, match="Give"):
            result_objects(result, ["sr"])
    with pytest.raises(ValueError, match="pixels"):
        result_objects(study_result(replace(film, pixels=None)), ["capture"])
    assert len(result_objects(study_result(replace(film, pixels=None)), ["sr", "overlay"])) == 2
