"""Refusals of calibration, policies, pilots and the gate, each in a sentence; nothing of it is cleared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from studies.replayed import Replayed, replayed_film
from unseen.data.film import Film, NotRead
from unseen.detectors.finding import Finding
from unseen.screening import Policy, PolicyError, Screener, calibrate
from unseen.screening.decision import FIRST_PRIORITY
from unseen.screening.drift_watch import DriftReference, judge_window
from unseen.screening.guarantee import Guarantee, GuaranteeError
from unseen.screening.pilot import pilot
from unseen.screening.policy import SourcePolicy
from unseen.screening.policy_summary import policy_lines
from unseen.screening.screener import decision_rows

WARD = SourcePolicy(abnormals=60, normals=(0.1, 0.2), threshold=0.15, allowed_misses=0)


def films(normals: int = 100, abnormals: int = 60) -> list[Film]:
    rng = np.random.default_rng(0)
    return [
        replayed_film(f"{label}{i}", float(score), label=label, source="ward")  # type: ignore[arg-type]
        for label, count, middle in (("normal", normals, 0.0), ("abnormal", abnormals, 2.0))
        for i, score in enumerate(rng.normal(middle, 1, size=count))
    ]


@pytest.fixture(scope="module")
def screener() -> Screener:
    return calibrate(Replayed(), films(), 0.10, prevalence=0.375)


class Blind(Replayed):
    """Scores no film."""

    def score(self, films: Iterable[Film | NotRead]) -> Iterator[Finding | NotRead]:
        for film in films:
            yield NotRead(name=film.name, reason="No lungs were found.", source=film.source, patient=film.patient)


@pytest.mark.parametrize("name", ["unknown", " Unknown ", "", "  "])
def test_a_policy_has_no_source_without_a_name(name: str) -> None:
    with pytest.raises(ValidationError, match="give the source a name"):
        Policy(model="m", weights_sha256="a" * 64, max_miss_rate=0.1, confidence=0.95, level=0.95, sources={name: WARD})


def test_a_huge_policy_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    with path.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(PolicyError, match="2147483648 bytes is no policy"):
        Policy.load(path)


def test_a_policy_with_a_right_digest_and_wrong_values_is_refused(screener: Screener, tmp_path: Path) -> None:
    assert screener.policy is not None
    path = tmp_path / "policy.json"
    screener.policy.save(path)
    body = {key: value for key, value in json.loads(path.read_text()).items() if key != "digest"}
    body["max_miss_rate"] = 3.0
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    path.write_text(json.dumps(body | {"digest": hashlib.sha256(text.encode()).hexdigest()}))
    with pytest.raises(PolicyError, match=r"max_miss_rate.*Calibrate again"):
        Policy.load(path)


def test_a_film_that_the_detector_cannot_score_is_not_scored_and_comes_first(screener: Screener) -> None:
    assert screener.policy is not None
    blind = Screener(Blind(), screener.policy)
    decision = blind(replayed_film("a", -9.0, source="ward"))
    assert (decision.action, decision.priority, decision.score) == ("not_scored", FIRST_PRIORITY, None)
    assert decision.reason == "No lungs were found."


def test_unread_labelled_films_keep_their_study_from_calibrating_a_threshold() -> None:
    unread = NotRead(name="torn.png", reason="Truncated.", label="abnormal", source="ward", patient="torn")
    steps: list[int] = []
    known = [*films(), unread]
    policy = calibrate(Replayed(), known, 0.10, progress=steps.append).policy
    without = calibrate(Replayed(), films(), 0.10).policy
    assert policy is not None and without is not None
    assert policy.sources["ward"].threshold == without.sources["ward"].threshold
    assert steps == list(range(1, len(known) + 1))


def test_films_without_a_label_and_lateral_films_are_no_studies_of_a_calibration() -> None:
    lateral = replace(films(1, 0)[0], name="l", patient="l", study="l", view_position="LL")
    policy = calibrate(Replayed(), [*films(), lateral], 0.10).policy
    without = calibrate(Replayed(), films(), 0.10).policy
    assert policy is not None and without is not None and policy.sources == without.sources


def test_rows_report_progress_and_keep_maps_where_there_are_any(screener: Screener, tmp_path: Path) -> None:
    steps: list[int] = []
    maps = tmp_path / "new" / "maps"
    unread = NotRead(name="torn.png", reason="Truncated.", source="ward", patient="torn")
    rows = list(decision_rows(screener, [unread], maps=maps, progress=steps.append))
    assert maps.is_dir() and [row.map for row in rows] == [None] and steps == [1]


def test_a_pilot_reports_progress_and_counts_films_without_a_label_apart(screener: Screener) -> None:
    steps: list[int] = []
    found = pilot(screener, [*films(20, 5), replayed_film("bare", 0.0, source="ward")], progress=steps.append)
    assert steps == list(range(1, 27)) and found.groups[0].normals + found.groups[0].abnormals <= 25


@pytest.mark.parametrize("calibration", [0, -1])
def test_calibrations_of_a_lifetime_are_counted_from_one(calibration: int) -> None:
    with pytest.raises(GuaranteeError, match="the first is 1"):
        Guarantee(0.1, 0.95).spent(calibration)


def test_a_window_without_a_score_is_judged_by_its_refusals_alone() -> None:
    reference = DriftReference(
        normals=(0.0, 1.0), abnormals=(2.0, 3.0), prevalence=0.1, not_scored=0, false_alarms=0.05
    )
    alarm = judge_window([], 200, reference)
    assert alarm is not None and alarm.kind == "refusals"
    assert judge_window([], 0, reference) is None


def test_a_policy_in_words_has_each_source_and_what_is_missing() -> None:
    few = SourcePolicy(abnormals=3, normals=(0.1, 0.2), threshold=None, allowed_misses=None)
    given = {"model": "pca", "weights_sha256": "a" * 64, "max_miss_rate": 0.1, "confidence": 0.95, "level": 0.95}
    words = "\n".join(policy_lines(Policy.model_validate(given | {"sources": {"ward": WARD, "clinic": few}})))
    assert "ward" in words and "clinic" in words and "10 %" in words and "95 %" in words
    nothing = "\n".join(policy_lines(Policy.model_validate(given | {"sources": {"clinic": few}})))
    assert "clinic" in nothing and "ward" not in nothing and "No probabilities" in nothing
    nowhere = "\n".join(policy_lines(Policy.model_validate(given | {"sources": {}})))
    assert "No study has a source" in nowhere
    sampled = "5 % of the cleared studies should be read nevertheless, as an audit sample."
    assert sampled in words and "audit" not in nothing and "audit" not in nowhere
    one = WARD.model_copy(update={"abnormals": 1, "normals": tuple(range(40)), "cleared_normals": 1})
    of_one = "\n".join(policy_lines(Policy.model_validate(given | {"sources": {"ward": one}})))
    assert "from 1 abnormal study (" in of_one
    assert "1 of its 40 normal studies is cleared: 2.5 % (95 % confidence interval 0.1 to 13.2 %)" in of_one
    lost = WARD.model_copy(update={"not_scored": 7})
    assert "7 studies were not scored" in "\n".join(
        policy_lines(Policy.model_validate(given | {"sources": {"ward": lost}}))
    )


def test_a_calibrated_policy_in_words_has_the_prevalence_of_its_probabilities(screener: Screener) -> None:
    assert screener.policy is not None
    assert "Probabilities are for a prevalence of 37.5 %, as entered." in "\n".join(policy_lines(screener.policy))
