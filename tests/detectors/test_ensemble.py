"""An ensemble's scale, its members, and the time that they took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.detectors.conftest import QUICK, Make
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.data.film import Film
from unseen.detectors.dae import Dae
from unseen.detectors.ensemble import Ensemble
from unseen.detectors.errors import FitError
from unseen.detectors.even_choice import evenly
from unseen.detectors.pca import Pca
from unseen.detectors.saved import save
from unseen.training.history import History
from unseen.training.settings import Training

SOME = Training(epochs=3, batch_size=8, seed=3, device="cpu", threads=1)
SMALL = {"key": "dae", "settings": {"features": 4}}


@pytest.mark.parametrize("by", [pytest.param("deviation", marks=pytest.mark.nightly), "rank"])
def test_an_ensemble_places_each_member_among_normals_that_it_did_not_learn_from(
    by: str, make: Make, normals: list[Film], incoming: list[Film], finder: CrossFittedLungs
) -> None:
    """The scale, by hand: members learnt without a fifth of the films, and that fifth's scores."""
    members = ({"key": "pca", "settings": {"components": 8}}, {"key": "dct", "settings": {"coefficients": 6}})
    detector = make("ensemble", members=members, by=by).fit(normals, finder=finder, training=SOME)
    kept_out = [int(digest, 16) % 5 == 0 for digest in detector.training_films]
    assert 2 <= sum(kept_out) < len(normals)
    learnt_from = [film for film, out in zip(normals, kept_out, strict=True) if not out]
    others = [film for film, out in zip(normals, kept_out, strict=True) if out]
    expected = []
    for member in members:
        part, whole = (
            make(member["key"], **member["settings"]).fit(films, finder=finder, training=SOME)
            for films in (learnt_from, normals)
        )
        known = np.array([part.judge(part.look(film)).score for film in others])
        scores = np.array([whole.judge(whole.look(film)).score for film in incoming])
        if by == "deviation":
            expected.append((scores - known.mean()) / known.std(ddof=1))
        else:
            expected.append((known[:, None] < scores).mean(axis=0))
    judged = [detector.judge(detector.look(film)) for film in incoming]
    parts = np.array([list(one.parts.values()) for one in judged]).T
    assert parts == pytest.approx(np.array(expected), rel=1e-4)
    assert [one.score for one in judged] == pytest.approx(np.mean(expected, axis=0), rel=1e-4)


def test_of_many_held_out_films_an_ensemble_asks_some_from_all_over_the_list(
    make: Make, normals: list[Film], finder: CrossFittedLungs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Films of one hospital lie together in a list, and the scale of normals must not be one hospital's."""
    monkeypatch.setattr("unseen.detectors.ensemble.MOST", 2)
    asked: list[torch.Tensor] = []
    judge = Pca.judge
    monkeypatch.setattr(Pca, "judge", lambda self, viewed: asked.append(viewed.image) or judge(self, viewed))
    members = ({"key": "pca", "settings": {"components": 8}}, {"key": "pca", "settings": {"components": 4}})
    detector = make("ensemble", members=members).fit(normals, finder=finder, training=SOME)
    held_out = [film for film in normals if int(film.pixel_sha256, 16) % 5 == 0]
    assert len(held_out) > 2, "else there is nothing to leave out"
    expected = [detector.look(held_out[place]).image for place in evenly(range(len(held_out)), 2)]
    assert len(asked) == 4 and all(torch.equal(one, other) for one, other in zip(asked, 2 * expected, strict=True))


def test_ddad_is_no_member_of_an_ensemble() -> None:
    with pytest.raises(FitError, match="members learn from normals alone, and ddad does not"):
        Ensemble(members=[{"key": "ddad"}, {"key": "dct"}], size=32)


def test_a_method_is_a_member_twice_with_another_seed(normals: list[Film], finder: CrossFittedLungs) -> None:
    twice = Ensemble(members=[SMALL, {**SMALL, "seed": 1}, SMALL], size=32)
    twice.fit(normals, finder=finder, training=QUICK)
    first, second, third = (list(member.modules()["network"].state_dict().values()) for member in twice.members)
    assert all(torch.equal(a, b) for a, b in zip(first, third, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    written = twice.config.model_dump(mode="json")["members"]
    assert [member.get("seed") for member in written] == [None, 1, None]  # as recipes without it always were


def test_a_card_has_the_budget_of_each_trained_member(
    normals: list[Film], finder: CrossFittedLungs, tmp_path: Path
) -> None:
    fitted = Ensemble(members=[{"key": "dct"}, SMALL], size=32).fit(normals, finder=finder, training=QUICK)
    card = save(fitted, tmp_path / "model")
    steps, epochs = (int(card.facts[f"1-dae training_{name}"]) for name in ("steps", "epochs"))
    assert epochs == QUICK.epochs and steps >= epochs
    assert card.budget.startswith(f"dae: {steps} step") and "dct" not in card.budget
    assert "not recorded" not in card.budget
    old = card.model_copy(update={"facts": {"training_seconds": 1.0}})
    assert old.budget.endswith("Training steps are not recorded in this bundle.") and "dct" not in old.budget


@pytest.mark.nightly
def test_a_training_that_goes_on_tells_the_time_of_all_its_pieces(
    normals: list[Film], finder: CrossFittedLungs, tmp_path: Path
) -> None:
    def told() -> float:
        fitted = Ensemble(members=[SMALL, {"key": "dct"}], size=32).fit(
            normals, finder=finder, training=SOME, folder=tmp_path
        )
        return fitted.facts["training_seconds"]

    first, again = told(), told()
    logs = list(tmp_path.glob("0-dae-*/log.csv"))
    assert len(logs) == 2
    assert min(first, again) >= sum(History.from_log(log).seconds for log in logs) - 0.01


@pytest.mark.nightly
def test_it_was_trained_where_its_members_were(
    normals: list[Film], finder: CrossFittedLungs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dae, "clock", lambda self, elapsed: (1000.0, "cuda:0"))
    fitted = Ensemble(members=[{"key": "dct"}, SMALL], size=32).fit(normals, finder=finder, training=QUICK)
    assert fitted.trained_on.startswith("cuda:0 (") and 2000 <= fitted.facts["training_seconds"] < 2100


def test_the_map_is_of_all_members_that_see_the_same_part_of_the_film(
    normals: list[Film], finder: CrossFittedLungs
) -> None:
    whole = {"frame": "whole", "size": 32}
    members = [{"key": "pca", "settings": {"components": 4}}, {**SMALL, "view": {"size": 16}}, {**SMALL, "view": whole}]
    detector = Ensemble(members=members, size=32).fit(normals, finder=finder, training=QUICK)
    seen = detector.look(normals[0])
    first, second, _ = (member.judge(view) for member, view in zip(detector.members, (seen, *seen.also), strict=True))
    larger = functional.interpolate(torch.from_numpy(second.anomaly_map)[None, None], size=(32, 32), mode="bilinear")
    brightness = detector.scale.brightness.numpy()
    expected = (first.anomaly_map / brightness[0] + larger[0, 0].numpy() / brightness[1]) / 2
    assert detector.judge(seen).anomaly_map == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_too_few_films_are_reported_with_the_settings_of_one_member_alone() -> None:
    members = [{"key": "pca", "settings": {"components": 40}}, {"key": "dct"}]
    with pytest.raises(
        FitError, match=r"ensemble with its member pca with these settings \(components=40.*there are 9"
    ) as told:
        Ensemble(members=members).check_number(9)
    assert "members=" not in str(told.value)
