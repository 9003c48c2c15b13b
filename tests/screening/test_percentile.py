"""A score's percentile: one reference, one wording, in Python, in tables and on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unseen as un
from tests.screening.test_screener import Replayed, at, labelled
from unseen.artifacts import (
    FLAGGED_FROM,
    ReferenceNormals,
    card_of,
    installed_models,
    least_score,
    share_below,
    whole_percent,
)
from unseen.screening import Policy, Screener, calibrate

SCORES = st.lists(st.integers(0, 30).map(float), min_size=20, max_size=80)


@given(SCORES, st.integers(-1, 31).map(float))
def test_the_share_counts_ties_by_half_and_the_text_never_reaches_the_flag_before_the_share(
    normals: list[float], score: float
) -> None:
    share = ReferenceNormals.of(normals, "normals of this site").share(score)
    assert share is not None
    values = np.asarray(normals)
    assert share == pytest.approx(((values < score).sum() + (values == score).sum() / 2) / len(values))
    assert (int(whole_percent(share).split()[0]) >= 100 * FLAGGED_FROM) == (share >= FLAGGED_FROM)


@given(SCORES, st.floats(0.01, 1), st.floats(-2, 32))
def test_the_least_score_is_where_the_share_begins(normals: list[float], share: float, score: float) -> None:
    normals.sort()
    least, included = least_score(normals, share)
    found = share_below(score, normals)
    assert found is not None
    assert (found >= share) == (score >= least if included else score > least)


def test_a_finding_names_its_percentile_and_its_training_normals() -> None:
    finding = next(un.detectors.load("models/pca").score(un.data.phantoms.normals(1, size=64)))
    assert isinstance(finding, un.detectors.Finding) and finding.percentile is not None
    share = whole_percent(finding.percentile / 100)
    assert (
        finding.percentile_in_words
        == f"higher than {share} of the model's 279 training normals (of Montgomery and Shenzhen)"
    )


def test_installed_models_name_the_hospitals_of_their_card_and_no_other() -> None:
    for name in installed_models.shipped():
        card = card_of(name)
        if not card.normal_scores:
            continue
        words = ReferenceNormals.of_training(card.normal_scores, card).words
        assert words.endswith(" (of Montgomery and Shenzhen)") == ("hospital" in card.data.lower()), name
        assert "another" not in words


def test_the_hospitals_of_the_lung_finders_masks_are_not_those_of_the_normals() -> None:
    card = card_of("models/pca")
    _, finder, masks = card.data.partition("Lung finder")
    assert "Montgomery" in masks
    for data, hospitals in (("Normal films of Shenzhen Hospital. ", " (of Shenzhen)"), ("", "")):
        changed = card.model_copy(update={"data": data + finder + masks})
        words = ReferenceNormals.of_training(card.normal_scores, changed).words
        assert words == f"the model's 279 training normals{hospitals}"


def test_a_model_of_this_user_names_no_hospital_and_an_old_one_has_no_reference(tmp_path: Path) -> None:
    films = list(un.data.phantoms.normals(24, seed=3, size=64))
    detector = un.detectors.Dct(view=un.anatomy.View(size=32, frame="whole")).fit(films)
    bare = detector.score_film(films[0])
    assert isinstance(bare, un.detectors.Finding)
    assert bare.percentile is None
    assert bare.percentile_in_words == "no reference: this model keeps no scores of its training normals"
    detector.normal_scores, detector.normal_folds = (
        tuple(sorted(one.score for one in detector.score(films) if isinstance(one, un.detectors.Finding))),
        2,
    )
    un.detectors.save(detector, tmp_path / "own", data="normal films of General Hospital")
    loaded = un.detectors.load(tmp_path / "own")
    found = loaded.score_film(films[0])
    assert isinstance(found, un.detectors.Finding)
    assert found.reference.words == "the model's 24 training normals" and found.percentile is not None


def test_a_screener_compares_with_its_policys_normals_if_they_are_enough() -> None:
    screener = calibrate(Replayed(), labelled(), 0.10)
    (one,) = screener.screen([at(9.0)])
    assert one.finding is not None
    assert one.finding.percentile == 100 and one.finding.percentile_in_words == (
        "higher than all of 200 normals of the calibration"
    )
    few = calibrate(Replayed(), labelled(normals=10), 0.10)
    assert few.reference.words == (
        "no reference: this model keeps no scores of its training normals; a percentile needs 20 normals of the "
        "calibration, and there are 10"
    )


def test_no_probability_without_an_entered_prevalence() -> None:
    """The share of the labelled abnormals was taken: a film was likely abnormal since many such films were labelled."""
    without, entered = (calibrate(Replayed(), labelled(), 0.10, prevalence=one) for one in (None, 0.1))
    assert without.policy is not None and entered.policy is not None
    assert without.policy.probability is None and without.policy.prevalence is None
    assert entered.policy.prevalence == 0.1
    for score in (-9.0, 0.0, 9.0):
        assert without(at(score)).probability is None
        assert entered(at(score)).probability is not None
    ranks = [without(at(score)).priority for score in np.linspace(-4, 12, 200)]
    assert ranks == sorted(ranks) and len(set(ranks)) == 200, "beyond all normals the order is kept, too"
    assert all(0 <= rank <= 1 for rank in ranks)


def test_a_policy_of_an_earlier_format_shows_probabilities_only_for_another_share_than_the_labelled(
    tmp_path: Path,
) -> None:
    entered = calibrate(Replayed(), labelled(), 0.10, prevalence=60 / 260).policy
    assert entered is not None and entered.prevalence == 60 / 260, "whoever enters the labelled share has entered it"
    old = entered.model_copy(update={"format": 2})
    assert old.prevalence is None
    old.save(tmp_path / "old.json")
    read = Policy.load(tmp_path / "old.json")
    assert read == old and read.digest == old.digest
    assert Screener(Replayed(), read)(at(9.0)).probability is None
    other = calibrate(Replayed(), labelled(), 0.10, prevalence=0.1).policy
    assert other is not None and other.model_copy(update={"format": 2}).prevalence == 0.1
