"""The generators' results: what is measured, how a weight is chosen, rows of a small problem end to end, the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from studies import recipe_files as recipes
from studies.imaging.published import NEAR
from studies.priors import __main__ as command
from studies.priors.comparing import GRIDS, LATENT, Effort, asked_of, compared, prior_of
from studies.priors.page import PAPER, SHOWN, priors_page, screen_of, write_page
from studies.priors.pattern import FEW, MANY, claims_of, verdict
from studies.priors.problems import KINDS, PROBLEMS, Problem, measured, named
from studies.row_files import read_study
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_study
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.lab.operators import Blurred, FourierSpokes, MaskedPixels, RandomMixtures, Views
from unseen.physics.identity import Identity
from unseen.priors.latent_prior import LatentPrior
from unseen.priors.principal_subspace import PrincipalSubspace
from unseen.priors.search_settings import Search
from unseen.priors.tv import TV
from unseen.runs.generator_training import Images

TINY = """
seed = 0
[view]
pictures = "shapes"
size = 32
limit = 64
[method]
key = "{kind}"
latent = 3
features = 4
[training]
epochs = 1
batch_size = 8
precision = "fp32"
threads = 1
"""
QUICK = Effort(
    tested=4,
    validating=3,
    trying=Search(restarts=2, iterations=5),
    solving=Search(restarts=2, iterations=8),
    variation=30,
)


def pictures(n: int = 12, size: int = 32) -> Images:
    drawn = torch.rand(3, n, 1, size, size, generator=torch.Generator().manual_seed(5))
    return Images(drawn[0], drawn[1], drawn[2], tuple(i // 2 for i in range(n)), "drawn")


@pytest.mark.parametrize(
    "made",
    [FourierSpokes(spokes=6), Views(views=4), Blurred(sigma=1.0), RandomMixtures(measured=0.1), MaskedPixels()],
    ids=lambda made: str(made.kind),
)
def test_noise_is_the_stated_share_of_the_measurements(made: Any) -> None:
    problem = Problem("x", "x", "priors/shapes", {"a": made}, (), noise=0.2)
    validation, test = measured(problem, "a", pictures(40), tested=40, validating=40)
    clean = test.A(test.x)
    noise = test.y - clean
    seen = clean.abs() > 0 if test.A.observed() is not None else torch.ones_like(clean, dtype=torch.bool)
    share = (noise.abs().square().sum() / clean.abs().square().sum()).sqrt()
    assert float(share) == pytest.approx(0.2, rel=0.06)
    assert not bool(noise[~seen].abs().sum()), "what is not observed has no noise"
    per_part = noise[seen].real if noise.is_complex() else noise[seen]
    assert float(per_part.std()) == pytest.approx(test.sigma, rel=0.06)
    assert validation.sigma == test.sigma and not torch.equal(validation.x, test.x)


def test_images_are_spread_over_all_there_are() -> None:
    problem = Problem("x", "x", "priors/shapes", {"a": MaskedPixels()}, (), noise=0.1)
    all_of = pictures(12)
    _, test = measured(problem, "a", all_of, tested=4, validating=2)
    assert torch.equal(test.x, all_of.testing[[0, 3, 6, 9]])


def test_every_method_has_a_grid_of_the_same_size_in_nats() -> None:
    assert {len(grid) for grid in GRIDS.values()} == {8} and set(GRIDS) == {"tv", *LATENT}
    G = PrincipalSubspace.fit(torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0)), components=2)
    # λ nats for ‖A x − y‖²/(2σ²) is λσ² for ‖A x − y‖²/2
    variation = prior_of("tv", 100.0, 0.1, None)
    assert isinstance(variation, TV) and variation.weight == pytest.approx(1.0)
    y, A = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1)), Identity((1, 8, 8))
    for method in LATENT:
        prior = prior_of(method, 4.0, 0.5, G)
        assert isinstance(prior, LatentPrior)
        solution = prior.solve(y, A)
        u, z = solution.residual, solution.z
        misfit = (solution.x - y).square().sum() / (2 * 0.5**2)
        left = {"range": torch.zeros(()), "soft": u.square().sum(), "sparse": u.abs().sum()}[method]
        nats = (4.0 if method == "range" else 0.5) * G.penalty(z).sum() + 4.0 * left
        assert float(solution.value) == pytest.approx(float(misfit + nats), rel=1e-3)


@pytest.mark.slow
def test_the_weight_is_the_best_of_the_grid_on_validation_images() -> None:
    problem = Problem("x", "x", "priors/shapes", {"a": MaskedPixels()}, (), noise=0.1)
    given = pictures(6, size=16)
    G = PrincipalSubspace.fit(given.training, components=3)
    validation, test = measured(problem, "a", given, tested=4, validating=3)
    done = compared(validation, test, asked_of(["vae"]), {"vae": G}.__getitem__, effort=QUICK)
    found = {(one.method, one.generator): one for one in done}
    assert list(found) == [("direct", ""), ("tv", ""), *((method, "vae") for method in LATENT)]
    for (method, _), one in found.items():
        assert one.x.shape == test.x.shape
        if method != "direct":
            assert one.chosen is not None and one.chosen.candidates == GRIDS[method]
            assert one.chosen.best == GRIDS[method][int(one.chosen.errors.mean(1).argmin())]
    oracle, reached = found["tv", ""].oracle, (found["tv", ""].x - test.x).square().flatten(1).mean(1)
    assert oracle is not None and bool((oracle <= reached.double() * 1.01).all())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of a small problem with generators trained on the spot, as the command does it."""
    folder = tmp_path_factory.mktemp("priors")

    def load(name: str) -> Recipe:
        return Recipe.from_toml(TINY.format(kind=name.removeprefix("priors/shapes-")), name=name)

    problem = Problem(
        "shapes-inpainting",
        "A square and a disc: inpainting",
        "priors/shapes",
        {"80 % dropped": MaskedPixels(dropped=0.8), "50 % dropped": MaskedPixels(dropped=0.5)},
        ("80 % dropped",),
        noise=0.05,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSEEN_RUNS", str(folder / "runs"))
        patch.setattr(recipes, "load", load)
        for _ in range(2):  # the second time everything is found
            command.run_problem(problem, rows=folder / "rows", docs=folder / "docs", effort=QUICK)
            if not (folder / "docs" / "done").exists():
                (folder / "docs" / "done").touch()
    return folder


@pytest.mark.nightly
@pytest.mark.slow
def test_rows_say_what_was_done_and_are_written_once(ran: Path) -> None:
    rows = {name.removeprefix("priors/"): row for name, row in read_study("priors", ran / "rows").items()}
    assert len(rows) == (2 + 3 * 3) + (2 + 3)
    written = (ran / "rows" / "priors.jsonl").stat().st_mtime_ns
    assert written < (ran / "docs" / "done").stat().st_mtime_ns, "the second time nothing is written"
    row = rows["shapes-inpainting-80-dropped-soft-wgan-gp-0"]
    assert row["operator"] == {"kind": "mask", "dropped": 0.8} and row["trained_by"] == "priors/shapes-wgan-gp"
    assert row["weight"] in GRIDS["soft"] and len(row["weights_tried"]) == 8 and row["n"]["tested"] == 4
    assert len(row["by_picture"]["psnr"]) == 4 and row["training"]["epochs"] == 1
    mean = sum(row["by_picture"]["psnr"]) / 4
    assert row["metrics"]["psnr"]["value"] == pytest.approx(mean, abs=1e-3)
    assert "psnr_oracle" in rows["shapes-inpainting-80-dropped-tv-0"]["metrics"]
    assert (ran / "runs" / "priors" / "figures" / "shapes-inpainting-80-dropped.png").is_file()


@pytest.mark.nightly
@pytest.mark.slow
def test_the_page_holds_the_rows_figures(ran: Path) -> None:
    page = write_page(ran / "rows", docs=ran / "docs").read_text(encoding="utf-8")
    row = read_study("priors", ran / "rows")["priors/shapes-inpainting-80-dropped-tv-0"]
    assert f"{row['metrics']['psnr_oracle']['value']:.2f} [" in page
    assert "| soft GAN |" in page and "--only brain-mri`" in page and "Research use only." in page


def slices(values: dict[str, float], level: str, kind: str = "vae") -> list[dict[str, Any]]:
    return [
        {
            "level": level,
            "method": method,
            "generator": "" if method == "tv" else kind,
            "by_picture": {"psnr": [value + 0.01 * i for i in range(8)]},
            "units": [i // 2 for i in range(8)],
        }
        for method, value in values.items()
    ]


def test_the_pattern_is_told_line_by_line() -> None:
    rows = slices({"tv": 18.0, "range": 21.0, "soft": 23.0}, FEW) + slices(
        {"tv": 30.0, "range": 28.0, "soft": 29.0}, MANY
    )
    told = {(claim.level, claim.words): verdict(claim) for claim in claims_of(rows)}
    assert told == {
        (FEW, "range − TV"): "holds",
        (MANY, "TV − range"): "holds",
        (FEW, "soft − TV"): "holds",
        (FEW, "soft − range"): "holds",
        (MANY, "soft − TV"): "**does not hold**",
        (MANY, "soft − range"): "holds",
    }


def test_the_pages_figures_are_those_of_the_committed_rows() -> None:
    rows = list(committed_study("priors").values())
    shown = {path.stem for path in (ROOT / "docs" / "images" / "priors").glob("*.png")}
    outlook = list(committed_study("outlook").values())
    page = priors_page(rows, pictures=shown, outlook=outlook)
    assert (ROOT / "docs" / "results-priors.md").read_text(encoding="utf-8") == page


def test_problems_have_their_generators() -> None:
    names = recipes.names()
    for problem in PROBLEMS:
        assert all(problem.recipe_of(kind) in names for kind in KINDS)
        assert set(problem.everywhere) <= set(problem.levels) and named(problem.name) is problem
    with pytest.raises(RecipeError, match="brain-mri"):
        named("nothing")


def test_the_page_states_the_metric_of_the_published_figures() -> None:
    page = priors_page(list(committed_study("priors").values()))
    assert "does not state the peak of its PSNR" in page
    assert "+3.4 dB at 10 spokes; −0.7 dB at 30 spokes" in page


def test_zero_filled_image_agrees_with_the_source_or_the_page_explains_the_difference() -> None:
    rows = list(committed_study("priors").values())
    page = (ROOT / "docs" / "results-priors.md").read_text(encoding="utf-8")
    ours = {row["level"]: row for row in rows if (row["problem"], row["method"]) == (SHOWN, "direct")}
    for level, printed in PAPER.items():
        difference = ours[level]["metrics"]["psnr"]["value"] - printed["direct"]
        if abs(difference) > NEAR:
            assert f"{difference:+.1f} dB at {level}".replace("-", "−") in page
            assert "The organ, the resolution and the share of measured frequencies differ" in page


def test_conclusions_on_priors_have_the_generators_training() -> None:
    first = (ROOT / "docs" / "results-priors.md").read_text(encoding="utf-8").partition("## ")[0]
    overview = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    for text in (first, overview):
        assert "40 epochs; 8 features; 64 of the source's 800 latent numbers" in text
    assert re.search(r"cases, with VAEs of [\d to]+ epochs, [\d to]+ features and [\d to]+ latent numbers\.", first)


def test_the_sources_pattern_has_our_training_and_its_order_is_in_words_without_decibels() -> None:
    page = priors_page(list(committed_study("priors").values()))
    pattern = page.partition("### Comparison with the source's pattern")[2].partition("## ")[0]
    before = pattern.partition("| generator | measured |")[0]
    assert "GAN: 60 epochs; 8 features; 64 latent numbers. Convergence is not known." in before
    assert "statements about these trainings only" in before
    assert "| *the source's" not in page
    assert "the source's *soft*, TV, *range*, A†; ours TV, *soft*, A†, *range*" in page


def test_the_first_screen_names_the_best_prior_where_tv_is_best_and_a_trend_only_where_there_is_one() -> None:
    rows = committed_study("priors").values()
    told = screen_of(list(rows))
    assert told is not None
    assert re.search(r"TV is best \(30\.99 .* dB; sparse VAE 27\.99 .* dB\): the gain of a prior", told.sentences[1])
    assert "(VAE: " in told.answer.answer and "TV is best" in told.answer.answer

    def improved(row: Any, level: str) -> Any:  # Any: JSON
        if row["problem"] != SHOWN or row["level"] != level or row["generator"] != "vae":
            return row
        better = {"value": 40.0, "low": 39.0, "high": 41.0}
        return row | {"metrics": row["metrics"] | {"psnr": better}}

    changed = screen_of([improved(row, "20 spokes") for row in rows])
    assert changed is not None and changed.sentences[1].endswith(" dB).") and "the gain" not in changed.sentences[1]
