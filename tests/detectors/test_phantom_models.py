"""The models that ship for simulated films: small, of phantoms alone, and better than chance on lesions that other code
makes. `studies/phantom_screener.py` measures them on many more films.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from studies import phantom_reconstructors, phantom_screener
from studies.row_files import read_study
from unseen.artifacts.bundle import card_of
from unseen.artifacts.installed_models import located, shipped
from unseen.artifacts.research_only import LIMITS
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.finding import Finding
from unseen.detectors.lesion_segmentation import Outliner
from unseen.evaluation.psnr_ssim import psnr
from unseen.evaluation.roc import auroc
from unseen.reconstruction.direct_methods import pseudo_inverse
from unseen.reconstruction.saved import load as load_reconstructor
from unseen.screening.policy import Policy
from unseen.screening.screener import Screener, load

ROWS = Path(__file__).parents[2] / "studies" / "results"
RECONSTRUCTORS = tuple(phantom_reconstructors.RECIPES)
NAMES = ("phantom-screener", *RECONSTRUCTORS)


def test_together_they_are_small() -> None:
    files = [path for name in NAMES for path in located(Path("models") / name).iterdir()]
    assert sum(path.stat().st_size for path in [*files, located(phantom_screener.POLICY)]) <= 3_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_card_states_that_it_has_seen_no_person(name: str) -> None:
    card = card_of(Path("models") / name)
    assert Path("models") / name in shipped()
    assert card.licence == "Apache-2.0" and "simulated" in card.data and "no film of a person" in card.data
    assert card.limits.startswith(LIMITS)


def test_the_rows_are_of_the_model_that_ships() -> None:
    rows = read_study("phantom_screener", ROWS).values()
    assert len(rows) == len(phantom_screener.TEST)
    assert {row["model_digest"] for row in rows} == {card_of(phantom_screener.NAME).digest}
    cards = {name: card_of(Path("models") / name).weights_sha256 for name in RECONSTRUCTORS}
    rows = read_study("phantom_reconstructors", ROWS).values()
    assert {row["recipe"].partition("/")[2]: row["weights"] for row in rows} == cards


def test_the_page_states_which_aims_its_rows_miss_with_the_training() -> None:
    rows = sorted(read_study("phantom_screener", ROWS).values(), key=lambda row: row["seed"])
    told = phantom_screener.page_table(rows)
    assert told in phantom_screener.PAGE.read_text(encoding="utf-8"), "Run python -m studies.phantom_screener page"
    assert "Trained for 6,732 steps" in told and "with 12 features at 256 px" in told
    assert "pneumothorax on 1 of 3 seeds" in told
    low = rows[0] | {"figures": rows[0]["figures"] | {"consolidation": {"value": 0.5, "low": 0.4, "high": 0.6}}}
    assert "consolidation on 1 of 3 seeds" in phantom_screener.page_table([low, *rows[1:]])
    assert "At obvious contrast every aim is reached." in told


@pytest.fixture(scope="module")
def pairs() -> list[Film]:
    return list(phantoms.twins(6, seed=4901, contrast="obvious"))


@pytest.fixture(scope="module")
def screener() -> Screener:
    """The model that ships, with its policy."""
    return load(phantom_screener.NAME, phantom_screener.POLICY)


@pytest.fixture(scope="module")
def found(screener: Screener, pairs: list[Film]) -> list[Finding]:
    return [one for one in screener.detector.score(pairs) if isinstance(one, Finding)]


def test_lesions_of_other_code_score_higher(pairs: list[Film], found: list[Finding]) -> None:
    films = pairs
    assert len(found) == 12
    # 0.96 on 60 pairs, with a standard error of some 0.06 on six
    assert auroc([film.label == "abnormal" for film in films], [one.score for one in found]) >= 0.7
    assert all(one.percentile is not None for one in found)
    inside = [
        found.viewed.on_grid(found.film.lesion).reshape(-1)[np.argmax(found.anomaly_map)] > 0.5
        for found in found[1::2]
        if found.film.lesion is not None
    ]
    assert sum(inside) >= 3


def test_the_layout_of_memory_changes_no_score_by_more_than_a_millionth(screener: Screener) -> None:
    detector = screener.detector
    network = detector.modules()["network"]
    assert isinstance(network, Outliner)
    views = [detector.look(film) for film in phantoms.twins(1, seed=4902, contrast="moderate")]
    fast = [detector.judge(view).score for view in views]
    layouts: list[bool] = []

    def rearranged(unet: torch.nn.Module, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        layouts.append(given[0].is_contiguous(memory_format=torch.channels_last))
        return (given[0].contiguous(),)

    hook = network.unet.register_forward_pre_hook(rearranged)
    slow = [detector.judge(view).score for view in views]
    hook.remove()
    assert all(layouts) and len(layouts) == 4 * len(views)  # each calculates two copies
    assert fast == pytest.approx(slow, rel=0, abs=1e-6)


def test_its_policy_is_of_this_model_and_reads_a_large_lesion(
    screener: Screener, pairs: list[Film], found: list[Finding]
) -> None:
    policy = Policy.load(phantom_screener.POLICY)
    assert screener.policy == policy and not policy.mismatch(card_of(phantom_screener.NAME).digests)
    consolidations = [film for film in pairs if film.columns["kind"] == "consolidation"]
    scores = {one.film.pixel_sha256: one.score for one in found}
    screened = list(screener.screen(consolidations, scores=scores))
    assert len(screened) == len(consolidations) > 0 and all(one.decision.action != "clear" for one in screened)


@pytest.mark.parametrize("name", RECONSTRUCTORS)
def test_a_reconstructor_improves_on_the_pseudo_inverse(name: str) -> None:
    x, y, process = phantom_reconstructors.measurements(name, 4, seed=phantom_reconstructors.CHOSEN_BY)
    f = load_reconstructor(Path("models") / name)
    with torch.inference_mode():
        assert float(psnr(f(y), x).mean()) > float(psnr(pseudo_inverse(y, process), x).mean()) + 1
