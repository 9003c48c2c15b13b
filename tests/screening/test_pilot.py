"""A pilot on an archive, and decisions as rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from studies.replayed import Replayed, replayed_film
from unseen.artifacts.research_only import LIMITS
from unseen.data.film import Film, NotRead
from unseen.evaluation.exported_scores import write_scores
from unseen.evaluation.intervals import Interval
from unseen.screening import Screener, calibrate
from unseen.screening.pilot import pilot, pilot_html
from unseen.screening.screener import DecisionRow, decision_rows


def films(prefix: str, *, normals: int, abnormals: int, seed: int, source: str = "ward") -> list[Film]:
    rng = np.random.default_rng(seed)
    return [
        replayed_film(f"{prefix}-n{i}", float(s), label="normal", source=source)
        for i, s in enumerate(rng.normal(size=normals))
    ] + [
        replayed_film(f"{prefix}-a{i}", float(s), label="abnormal", source=source)
        for i, s in enumerate(rng.normal(2, 1, size=abnormals))
    ]


CALIBRATION = films("c", normals=200, abnormals=100, seed=0)
ARCHIVE = films("archive", normals=300, abnormals=60, seed=1) + films(
    "other", normals=20, abnormals=5, seed=2, source="b"
)
UNREAD = NotRead(name="torn.png", reason="Truncated <b>.", label="abnormal", source="ward", patient="torn.png")


@pytest.fixture(scope="module")
def screener() -> Screener:
    return calibrate(Replayed(), CALIBRATION, 0.10)


def test_what_would_have_been_cleared_and_missed_is_counted(screener: Screener) -> None:
    assert screener.policy is not None
    threshold = screener.policy.sources["ward"].threshold
    assert threshold is not None
    found = pilot(screener, [*ARCHIVE, UNREAD])
    ward = next(group for group in found.groups if group.name == "ward")
    scores = [(float(f.columns["score"]), f.label) for f in ARCHIVE if f.source == "ward"]
    below = [label for score, label in scores if score < threshold]
    assert isinstance(ward.normals_cleared, Interval) and isinstance(ward.abnormals_cleared, Interval)
    assert ward.normals_cleared.value == pytest.approx(below.count("normal") / 300)
    assert ward.abnormals_cleared.value == pytest.approx(below.count("abnormal") / 61)  # the unread one is not missed
    assert len(found.missed) == below.count("abnormal") > 0
    assert (ward.not_scored, found.groups[0].normals, found.groups[0].abnormals) == (1, 320, 66)
    other = next(group for group in found.groups if group.name == "b")
    assert isinstance(other.normals_cleared, Interval) and other.normals_cleared.value == 0


def test_the_list_begins_with_what_was_not_scored_and_finds_the_abnormal_early(screener: Screener) -> None:
    from sklearn.metrics import roc_auc_score

    found = pilot(screener, [*ARCHIVE, UNREAD])
    assert found.studies[0].files == ("torn.png",)
    assert isinstance(found.top[0.25], Interval) and found.top[0.25].value > 0.6
    truth = [film.label == "abnormal" for film in ARCHIVE]
    expected = roc_auc_score(truth, [screener(film).priority for film in ARCHIVE])
    assert isinstance(found.auroc, Interval) and found.auroc.value == pytest.approx(expected)


def test_what_calibrated_is_left_out_with_its_patient(screener: Screener) -> None:
    again = replayed_film("again", 0.0, label="normal", source="ward", patient=CALIBRATION[0].patient)
    marked = replayed_film(CALIBRATION[0].name, 0.0, label="normal", source="ward")
    unlabelled = replayed_film("unlabelled", 0.0, source="ward")
    found = pilot(screener, [*ARCHIVE, marked, again, unlabelled])
    assert (found.left_out, found.unlabelled, len(found.studies)) == (2, 1, len(ARCHIVE))


def test_a_study_is_decided_by_all_its_films_also_those_without_a_label(screener: Screener) -> None:
    low = replayed_film("low", -5.0, label="abnormal", source="ward", patient="P", study="S")
    high = replayed_film("high", 5.0, source="ward", patient="P", study="S")
    alone, both = (pilot(screener, [*ARCHIVE, *some]) for some in ([low], [low, high]))
    assert [study.files for study in alone.missed if "low" in study.files] == [("low",)]
    assert [study.files for study in both.missed if "low" in study.files] == [], "the server would not clear it"
    assert [study.abnormal for study in both.studies if study.files == ("low", "high")] == [True]
    assert (both.unlabelled, len(both.studies)) == (0, len(ARCHIVE) + 1)


def test_intervals_count_patients_and_not_their_studies(screener: Screener) -> None:
    """Five studies of each patient, with one score, show no more than one of each."""
    once = [film for film in ARCHIVE if film.source == "ward"]
    fivefold = [replace(film, name=f"{film.name}-{i}", study=f"{film.study}-{i}") for film in once for i in range(5)]
    one, five = pilot(screener, once), pilot(screener, fivefold)
    assert (one.groups[0].abnormals, five.groups[0].abnormals) == (60, 300)
    for name in ("normals_cleared", "abnormals_cleared"):
        few, many = getattr(one.groups[0], name), getattr(five.groups[0], name)
        assert (many.value, many.low, many.high) == pytest.approx((few.value, few.low, few.high))
    assert isinstance(one.auroc, Interval) and isinstance(five.auroc, Interval)
    assert five.auroc.value == pytest.approx(one.auroc.value)
    assert five.auroc.high - five.auroc.low == pytest.approx(one.auroc.high - one.auroc.low, rel=0.15)


def test_copies_under_other_names_narrow_no_interval(screener: Screener) -> None:
    once = [film for film in ARCHIVE if film.source == "ward"]
    copies = [replace(film, name=f"copy-{film.name}", patient=f"copy of {film.patient}") for film in once]
    one, twice = pilot(screener, once), pilot(screener, [*once, *copies])
    for name in ("normals_cleared", "abnormals_cleared"):
        few, many = getattr(one.groups[0], name), getattr(twice.groups[0], name)
        assert (many.value, many.low, many.high) == pytest.approx((few.value, few.low, few.high))


def test_studies_of_one_priority_are_listed_without_regard_to_the_archives_order(screener: Screener) -> None:
    sick, well = (
        [replayed_film(f"{label}-{number}", 3.0, label=label, source="ward") for number in range(100)]  # type: ignore[arg-type]
        for label in ("abnormal", "normal")
    )
    first, last = (pilot(screener, archive).top[0.5] for archive in ([*sick, *well], [*well, *sick]))
    assert first == last and isinstance(first, Interval) and 0.35 < first.value < 0.65


def test_a_patient_with_an_unlabelled_calibration_film_is_left_out(screener: Screener) -> None:
    seen = replace(CALIBRATION[0], label=None)
    again = replayed_film("again", 0.0, label="normal", source="ward", patient=seen.patient)
    found = pilot(screener, [*ARCHIVE, seen, again])
    assert (found.left_out, found.unlabelled, len(found.studies)) == (1, 1, len(ARCHIVE))


def test_a_patient_of_the_calibration_is_left_out_under_another_name(screener: Screener) -> None:
    calibrated = CALIBRATION[0]
    shared = replayed_film("shared", 0.0, label="normal", source="ward", patient=calibrated.patient)
    copy = replace(shared, name="copy", patient="Q", study="copy")
    later = replayed_film("later", 0.0, label="normal", source="ward", patient="Q")
    found = pilot(screener, [*ARCHIVE, calibrated, shared, copy, later])
    assert (found.left_out, len(found.studies)) == (4, len(ARCHIVE))


def test_the_page_says_what_it_is_and_escapes_what_it_shows(screener: Screener) -> None:
    odd = replayed_film("<script>alert(1)</script>", -9.0, label="abnormal", source="ward")
    found = pilot(screener, [*ARCHIVE, odd, UNREAD])
    page = pilot_html(found, policy=screener.policy, model="models/pca")
    assert LIMITS in page and "<script" not in page and "&lt;script&gt;" in page and "Truncated &lt;b&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["missed"]
    ranked = pilot(Screener(Replayed()), ARCHIVE)
    assert "There is no policy" in pilot_html(ranked, policy=None, model="models/pca")


def station(films: list[Film], name: str) -> list[Film]:
    """Return films of a device of this name."""
    return [replace(film, tags={"StationName": name}) for film in films]


def test_groups_of_a_policy_with_a_source_tag_are_those_of_its_thresholds() -> None:
    one, other = (films(name, normals=60, abnormals=count, seed=4) for name, count in (("DX-1", 60), ("DX-2", 5)))
    screener = calibrate(Replayed(), [*station(one, "DX-1"), *station(other, "DX-2")], 0.10, source_tag="StationName")
    archive = films("a", normals=40, abnormals=40, seed=5), films("b", normals=40, abnormals=40, seed=6)
    front, second = (
        replayed_film(f"two-{i}", -5.0, label="normal", source="ward", patient="T", study="T") for i in "ab"
    )
    lateral = replace(front, name="side", patient="L", study="L", view_position="LATERAL")
    film = replace(front, name="front", patient="L", study="L")
    studies: list[Film | NotRead] = [
        *station(archive[0], "DX-1"), *station(archive[1], "DX-2"),
        *station([front], "DX-1"), *station([second], "DX-2"),  # one study of two devices
        *station([lateral], "DX-2"), *station([film], "DX-1"),  # a lateral film decides nothing
        UNREAD,
    ]  # fmt: skip
    found = pilot(screener, studies)
    groups = {group.name: group for group in found.groups}
    assert {name: (group.normals, group.abnormals) for name, group in groups.items()} == {
        "all": (82, 81), "DX-1": (41, 40), "DX-2": (40, 40), "unknown": (1, 1),
    }  # fmt: skip
    cleared = {name: group.normals_cleared for name, group in groups.items()}
    assert isinstance(cleared["DX-1"], Interval) and cleared["DX-1"].value > 0.3
    assert isinstance(cleared["DX-2"], Interval) and cleared["DX-2"].value == 0, "nothing is cleared from it"


def test_a_source_called_all_does_not_overwrite_the_totals(screener: Screener) -> None:
    named = [*films("x", normals=9, abnormals=3, seed=7, source="all"), *films("y", normals=5, abnormals=3, seed=8)]
    found = pilot(screener, named).to_json()
    assert isinstance(found["groups"], dict)
    counted = {name: group["normals"] for name, group in found["groups"].items() if isinstance(group, dict)}
    assert counted == {"all": 14, "source all": 9, "ward": 5}


def test_reliability_is_of_the_studies_with_a_probability() -> None:
    screener = calibrate(Replayed(), CALIBRATION, 0.10, prevalence=0.3)
    known = [film for film in ARCHIVE if film.source == "ward"]
    found, alone = pilot(screener, ARCHIVE), pilot(screener, known)
    assert found.reliability is not None and alone.reliability is not None
    assert sum(one.studies for one in found.reliability.bins) == found.reliability.studies == len(known)
    assert found.reliability.bins == alone.reliability.bins
    assert found.reliability.to_json()["studies"] == len(known)
    assert isinstance(found.auroc, Interval) and isinstance(alone.auroc, Interval)
    assert found.auroc.value != alone.auroc.value, "the order is of all studies"
    page = pilot_html(found, policy=screener.policy, model="m")
    assert f"of {len(known)} of {len(ARCHIVE)} studies: those with a probability" in page


def test_an_archive_of_other_sources_has_no_reliability() -> None:
    screener = calibrate(Replayed(), CALIBRATION, 0.10, prevalence=0.3)
    found = pilot(screener, films("z", normals=20, abnormals=20, seed=9, source="elsewhere"))
    assert found.reliability is not None and found.reliability.bins == ()
    assert "0 normal and 0 abnormal" in str(found.reliability.brier)


def test_an_empty_archive_is_a_page_too(screener: Screener) -> None:
    found = pilot(screener, [])
    assert "0 studies" in pilot_html(found, policy=screener.policy, model="m")


def test_rows_keep_their_order_and_a_film_is_cleared_only_with_its_study(screener: Screener, tmp_path: Path) -> None:
    calm = replayed_film("calm", -9.0, source="ward", patient="p", study="s")
    alone = replayed_film("alone", -9.0, source="ward")
    loud = replayed_film("loud", 9.0, source="ward", patient="p", study="s")
    rows = list(decision_rows(screener, [calm, UNREAD, alone, loud]))
    assert [(row.file, row.status, row.decision) for row in rows] == [
        ("calm", "scored", "read"), ("torn.png", "not_read", "not_scored"),
        ("alone", "scored", "clear"), ("loud", "scored", "read"),
    ]  # fmt: skip
    assert rows[0].reason == "another film of its study is not cleared"
    path = tmp_path / "decisions.parquet"
    assert write_scores(rows, path, kind=DecisionRow) == (4, 1)
    assert pl.read_parquet(path).columns == [
        "file", "status", "score", "reason", "map", "percentile", "reference", "probability", "decision",
    ]  # fmt: skip
