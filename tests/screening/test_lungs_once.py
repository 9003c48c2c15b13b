"""A film's lungs are found once by each finder, whoever asks, and scores stay the same."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from unseen.anatomy.found_lungs import FoundLungs, share_finders
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts.bundle import card_of
from unseen.artifacts.installed_models import located
from unseen.cli import app
from unseen.data.film import Film
from unseen.data.phantoms import normals
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.gate_in_bundle import add_gate
from unseen.detectors.saved import load
from unseen.screening.gate import Gate
from unseen.screening.policy import Policy
from unseen.screening.screener import Screener, gate_in

PCA, ROI_SURE, ALIGNED = "models/pca", "models/roi-sure", "models/ensemble-aligned"
FILMS = [film for film in normals(2, size=128) if isinstance(film, Film)]
SHIPPED = Path("tests/detectors/shipped_films")


def lenient_gate() -> Gate:
    """The gate of models/pca with limits that phantoms keep to: it looks at a film in full and lets it through."""
    gate = gate_in(PCA)
    assert gate is not None
    gate.thresholds |= dict.fromkeys(("handling", "mirrored", "lungs", "unlike"), 1e9)
    return gate


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count the calls of `find` by any lung finder, by the film's name."""
    counted: Counter[str] = Counter()
    find = LungFinder.find

    def counting(self: LungFinder, film: Film) -> NDArray[np.bool_]:
        counted[film.name] += 1
        return find(self, film)

    monkeypatch.setattr(LungFinder, "find", counting)
    yield counted


@pytest.fixture(scope="module")
def pca() -> Detector:
    return load(PCA)


def test_a_screener_finds_lungs_once_and_decides_as_before(pca: Detector, found: Counter[str]) -> None:
    screened = list(Screener(pca, gate=lenient_gate()).screen(FILMS))
    assert found == {film.name: 1 for film in FILMS}
    alone = list(pca.score(FILMS))
    for one, other in zip(screened, alone, strict=True):
        assert isinstance(other, Finding) and one.finding is not None
        assert one.finding.score == other.score and one.finding.parts == other.parts
        assert np.array_equal(one.finding.anomaly_map, other.anomaly_map)


def test_lungs_that_were_found_are_taken(pca: Detector, found: Counter[str]) -> None:
    film = FILMS[0]
    lungs = FoundLungs(film)
    assert pca.score_film(film, lungs) is not None and Screener(pca).screen_film(film, lungs).finding is not None
    assert found == {film.name: 1}


def test_lungs_of_another_film_are_refused(pca: Detector) -> None:
    with pytest.raises(ValueError, match=FILMS[1].name):
        pca.look(FILMS[0], FoundLungs(FILMS[1]))
    with pytest.raises(ValueError, match=FILMS[1].name):
        Screener(pca, gate=lenient_gate()).screen_film(FILMS[0], FoundLungs(FILMS[1]))


def test_equal_finders_are_shared_and_others_are_not(found: Counter[str]) -> None:
    models = [load(PCA), load(ROI_SURE), load(ALIGNED)]
    before = [[one.score for one in model.score(FILMS) if isinstance(one, Finding)] for model in models]
    own = models[2].finder
    share_finders([*models, object()])
    assert models[1].finder is models[0].finder and models[2].finder is own is not models[0].finder
    found.clear()
    for number, film in enumerate(FILMS):
        lungs = FoundLungs(film)
        for model, scores in zip(models, before, strict=True):
            outcome = model.score_film(film, lungs)
            assert isinstance(outcome, Finding) and outcome.score == scores[number]
    assert found == {film.name: 2 for film in FILMS}, "one for the two equal finders, one for the other"


def test_a_finders_digest_is_that_of_its_settings_and_weights() -> None:
    def drawn(**settings: int) -> LungFinder:
        return LungFinder(LungFinder.Config(features=4, depth=2, **settings))

    other = drawn()
    weights = other.network.state_dict()
    name = next(iter(weights))
    other.network.load_state_dict(weights | {name: weights[name] + 1})
    assert drawn().digest == drawn().digest
    assert len({drawn().digest, drawn(size=32).digest, other.digest}) == 3


@pytest.mark.parametrize("with_policy", [False, True])
def test_the_score_command_finds_lungs_once(
    with_policy: bool, pca: Detector, found: Counter[str], tmp_path: Path
) -> None:
    gate, model = lenient_gate(), shutil.copytree(located(Path(PCA)), tmp_path / "model")
    add_gate(model, gate)
    made = Policy(
        model="pca",
        weights_sha256=load(model).weights_sha256,
        model_parts=card_of(model).digests,
        max_miss_rate=0.1,
        confidence=0.95,
        level=0.95,
        gate=gate.thresholds,
    )
    made.save(tmp_path / "policy.json")
    words = ["score", str(model), "--data", str(SHIPPED)]
    result = CliRunner().invoke(app, [*words, "--policy", str(tmp_path / "policy.json")] if with_policy else words)
    assert result.exit_code == 0 and len(found) == len(list(SHIPPED.iterdir())), result.output
    assert set(found.values()) == {1} and "not scored" not in result.output
