"""Further experiments with the thesis's GANs, on a tiny set, and their sections, which say what their rows say."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studies.adversarial import arms, noise, training
from studies.adversarial.arms import ARMS, NOISE, NOISE_WIDE, PLOTTED, SURE, WIDE_ARMS, WIDE_PLOTTED, Arm
from studies.adversarial.page import FULL_SIZE, WITHOUT_NOISE, adversarial_blocks
from studies.figures.thesis_rates_and_losses import losses, rates
from studies.gpu_queue.entries import Work, noise_entry
from studies.gpu_queue.returned import merge
from studies.gpu_queue.slot import DONE, FOUND, STOPPED, run
from studies.pages.budgets import NIH_ORIGINAL_STEPS, NIH_STEPS
from studies.row_files import read_study
from unseen.evaluation.roc import auroc
from unseen.runs.cohort import cohort_of
from unseen.training.limits import RunLimits

Row = dict[str, Any]  # Any: JSON
ROOT = Path(__file__).parents[2]


@pytest.fixture
def films(split_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny set in the place of those of the study."""
    monkeypatch.setenv("UNSEEN_DATA", str(split_set))
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path))
    split = 'manifest = "set/manifest.csv"\nsplit = "set/splits.csv"'
    tiny = {"thesis": split + '\ncolumn = "thesis"', "fold-0": split, "nih": 'manifest = "set/manifest.csv"'}
    monkeypatch.setattr(arms, "_DATA", tiny)


def tiny(method: str, question: str = "instance-noise", films: arms.Cohort = "thesis", **settings: object) -> Arm:
    return Arm(question, "0", films, method, {"features": 4, "latent": 8, **settings}, (2, 4), 32)


def test_recipes_of_all_arms_are_valid_and_differ() -> None:
    found = [one.recipe(0) for one in ARMS]
    assert len({recipe.name for recipe in found}) == len(ARMS) == len(committed() | {r.name for r in found})
    assert {one.question for one in ARMS} == set(arms.QUESTIONS)
    for arm, sigma in noise.CELLS:
        for question, features in ((NOISE, 16), (NOISE_WIDE, 64)):
            settings = noise.cell(arm, sigma, question).recipe(0).method.settings
            assert settings.get("encoding") == ("sure_f" if arm == arms.SURE else "izi_f")
            assert settings.get("sigma") == (sigma if arm == arms.SURE else None)
            assert settings["features"] == features


def test_wide_arms_are_the_narrow_ones_with_the_thesiss_width_pixels_and_steps() -> None:
    def without_size(arm: Arm) -> Row:
        recipe = arm.recipe(0)
        settings = {name: value for name, value in recipe.method.settings.items() if name != "features"}
        return {"settings": settings, "view": recipe.view | {"size": None}, "training": recipe.training}

    assert {one.question for one in WIDE_ARMS} == set(arms.WIDE_QUESTIONS)
    for wide in WIDE_ARMS:
        [narrow] = [one for one in ARMS if f"{one.question}-wide" == wide.question and one.name == wide.name]
        assert without_size(wide) == without_size(narrow)
        assert (wide.px, wide.settings["features"], wide.budget) == (256, 64, (70, 32))


def committed() -> set[str]:
    """Recipes of the committed rows, but for those under noise."""
    rows = read_study(arms.STUDY, ROOT / "studies" / "results").values()
    return {row["recipe"] for row in rows if row["question"] != "noise"}


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize("method", ["ganomaly", "f-anogan", "resunet-ganomaly"])
def test_a_batchs_scores_are_those_of_its_films(method: str) -> None:
    given = training.prepared(tiny(method).recipe(0))
    given.detector.modules()
    together = training.scores_of(given.detector, given.tested)
    alone = [given.detector.judge(viewed).score for viewed in given.tested.views()]
    np.testing.assert_allclose(together, alone, rtol=1e-4)


@pytest.mark.usefixtures("films")
def test_a_training_gives_a_row_whose_figures_are_of_the_kept_scores(tmp_path: Path) -> None:
    arm = tiny("ganomaly", instance_noise=0.1)
    row = training.arm_row(arm, 0)
    assert row["n"] == {"trained": 12, "normal": 12, "abnormal": 12} and row["epochs"] == 2 and row["steps"] == 6
    given = training.prepared(arm.recipe(0))
    (kept,) = tmp_path.glob("adversarial/*/epochs")
    scores = [np.load(kept / f"{epoch:03d}.npy") for epoch in (1, 2)]
    found = [auroc(given.abnormal, score) for score in scores]
    assert row["by_epoch"]["auroc"] == pytest.approx(found, abs=1e-6)
    assert row["auroc"]["last_epoch"]["value"] == pytest.approx(found[-1], abs=1e-4)
    assert row["auroc"]["best_epoch"]["value"] == pytest.approx(max(found), abs=1e-4)
    false, true = row["roc"]["last_epoch"]
    assert np.trapezoid(true, false) == pytest.approx(found[-1], abs=1e-3)
    assert row["reinitialisations"] == 0 < row["least_discriminator_loss"]
    assert len(row["curve"]) == len(row["discriminator"]) == 2
    assert training.arm_row(arm, 0)["auroc"] == row["auroc"], "found again, not trained again"


@pytest.mark.usefixtures("films")
def test_an_existing_row_gets_projections_and_its_paired_difference_without_training(
    split_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (replace(tiny("ganomaly", "norms"), name=name) for name in ("mean-squares", "norms"))
    second = replace(second, settings={**second.settings, "latent": 4})
    monkeypatch.setattr(training, "ARMS", (first, second))
    alone = training.arm_row(second, 0)
    assert "minus" not in alone, "the reference is not trained yet"
    with pytest.raises(ValueError, match=r"002\.npy is not there"):
        training.completed(alone, second, 0)
    reference = training.arm_row(first, 0)
    known = training.completed(alone, second, 0)
    apart = alone["auroc"]["last_epoch"]["value"] - reference["auroc"]["last_epoch"]["value"]
    assert known["minus"]["mean-squares"]["value"] == pytest.approx(apart, abs=2e-6)
    assert training.completed(reference, first, 0) == reference
    with pytest.raises(ValueError, match="the kept scores are not those of the row"):
        training.completed({**alone, "auroc": reference["auroc"] | {"last_epoch": interval(0.1)}}, second, 0)
    with pytest.raises(ValueError, match="the row is of the films"):
        training.completed({**alone, "n": {}}, second, 0)

    lines = (split_set / "set" / "manifest.csv").read_text(encoding="utf-8").splitlines()
    shutil.copytree(split_set, tmp_path / "data")
    views = [f"{line},{'AP' if i % 2 else 'PA'}" for i, line in enumerate(lines[1:])]
    told = "\n".join([f"{lines[0]},view", *views]) + "\n"
    (tmp_path / "data" / "set" / "manifest.csv").write_text(told, encoding="utf-8")
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path / "data"))
    counts = training.completed(reference, first, 0)["projections"]
    view = {line.partition(",")[0]: line.rpartition(",")[2] for line in views}
    tested = cohort_of(first.recipe(0)).testing().entries
    for label in ("normal", "abnormal"):
        assert counts[label] == Counter(view[entry.name] for entry in tested if entry.label == label)
        assert set(counts[label]) == {"AP", "PA"}


@pytest.mark.usefixtures("films")
def test_no_patient_of_a_tested_film_is_trained_on_where_there_is_no_split() -> None:
    recipe = tiny("ganomaly", films="nih").recipe(0)
    known, tested, _ = training._parts(recipe, cohort_of(recipe))
    assert all(entry.label == "normal" for entry in known.entries)
    assert not {entry.patient for entry in known.entries} & {entry.patient for entry in tested.entries}
    labels = [entry.label for entry in tested.entries]
    assert labels.count("normal") > 0 and labels.count("abnormal") > 0 and len(known) > 0


def tiny_budget(patch: pytest.MonkeyPatch) -> None:
    """Train f-AnoGAN under noise for one epoch on whole films of 32 px, for each question."""
    patch.setattr(noise, "_FRAME", "whole")
    patch.setattr(noise, "_SETTINGS", {"latent": 8, "network": "dcgan", "critic_steps": 1})
    patch.setattr(noise, "_BUDGETS", dict.fromkeys((NOISE, NOISE_WIDE), (4, 32, (1, 4))))


@pytest.mark.usefixtures("films")
def test_the_queue_resumes_both_trainings_under_noise_and_returns_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_budget(monkeypatch)
    [one] = [noise_entry(0.2)]
    work, seen = Work(tmp_path / "rows", root=tmp_path / "own"), list[str]()
    work = replace(work, progress=lambda name, progress: seen.append(name))

    def states(stop_after_s: float | None) -> str:
        limits = RunLimits(device="cpu", checkpoint_every_s=0, stop_after_s=stop_after_s)
        return run([one], limits=limits, out=tmp_path / "out", work=work, packs=tmp_path).entries[one.name]

    assert states(0.0).startswith(f"{STOPPED}: the training stopped at step 1 of")
    assert states(None) == DONE
    merge(tmp_path / "out", rows=work.rows, root=tmp_path / "home")
    rows = read_study(arms.STUDY, work.rows)
    assert set(rows) == set(one.gives) and set(seen) == {name.removesuffix("-0") for name in one.gives}
    assert "minus_plain" in rows["adversarial/noise-wide-f-anogan-sure-0.2-0"]["auroc"][0]
    assert states(None) == FOUND


@pytest.mark.usefixtures("films")
def test_under_noise_the_arm_with_sure_has_its_difference_from_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_budget(monkeypatch)
    plain, sure = (noise.noise_row(arm, 0.2, 0) for arm in (arms.PLAIN, arms.SURE))
    assert "minus_plain" not in plain["auroc"][0] and sure["facts"]["sigma"] == 0.2
    assert [entry["tested"] for entry in sure["auroc"]] == list(arms.SIGMAS)
    for one, other in zip(sure["auroc"], plain["auroc"], strict=True):
        apart = one["auroc"]["value"] - other["auroc"]["value"]
        assert one["minus_plain"]["value"] == pytest.approx(apart, abs=2e-4)


def interval(value: float) -> Row:
    return {"value": value, "low": round(value - 0.1, 3), "high": round(value + 0.1, 3)}


def row(question: str, arm: str, *, last: float = 0.55, **more: object) -> Row:
    return {
        "recipe": f"adversarial/{question}-{arm}", "question": question, "arm": arm, "seed": 0,
        "method": "ganomaly", "features": 16, "px": 64, "steps": 60,
        "training": {"epochs": 15}, "settings": {}, "device": "cpu", "date": "2026-11-29", "epochs": 15,
        "n": {"trained": 180, "normal": 120, "abnormal": 100}, "source": 0.6, "convergence": "not converged",
        "chosen": {"epoch": 3}, "auroc": {"best_epoch": interval(0.65), "last_epoch": interval(last)},
        "curve": [3.0, 1.0], "discriminator": [0.7, 0.1], "reinitialisations": 0, "least_discriminator_loss": 0.02,
    } | more  # fmt: skip


def said(*rows: Row, **others: Row) -> str:
    known = {f"{one['recipe']}-{one['seed']}": one for one in rows}
    return "\n".join(adversarial_blocks(known | others))


def test_the_hyperparameters_at_full_size_are_beside_the_narrow_ones_once_both_are_there() -> None:
    narrow = [row("hyperparameters", arm, source=value) for arm, value in (("original", 0.7616), ("suitable", 0.9061))]
    wide = {"px": 256, "features": 64}
    original = row("", "", training={"epochs": 15, "precision": "fp32"}, **wide)
    suitable = row("", "", training={"epochs": 70, "precision": "bf16"}, epochs=70, steps=630, last=0.47, **wide)
    one, both = ({name: rows for name, rows in zip(FULL_SIZE.values(), some, strict=False)}
                 for some in ([original], [original, suitable]))  # fmt: skip
    assert "source's pixels" not in said(*narrow, **one)
    text = said(*narrow, **both)
    assert "`sources/ganomaly-original-0` in single precision" in text and "`thesis/ganomaly-0` in bfloat16" in text
    assert text.count("| 0.7616 |") == text.count("| 0.9061 |") == 2 and "0.47 [0.37, 0.57] with the suitable" in text


def test_without_rows_there_is_no_section() -> None:
    assert adversarial_blocks({"thesis/ganomaly-0": {}}) == []


def test_whether_reinitialisation_triggers_is_told_with_the_training() -> None:
    never = said(row("instance-noise", "0.5"))
    assert "**Re-initialisation never triggers** in these 1 trainings (60 steps, 15 of" in never and "0.02" in never
    assert "A longer training, or one with the thesis's width and pixels, could reach it" in never
    assert "the second is not run; it is queued as `adversarial/instance-noise-wide-…`" in never
    wide = said(row("instance-noise", "0"), row("instance-noise-wide", "0", features=64, px=256))
    assert "A longer training could reach it." in wide
    assert "triggers in 1 of 2 trainings" in said(
        row("instance-noise", "0"), row("instance-noise", "0.5", reinitialisations=3)
    )


def test_nihs_rows_have_the_sources_figure_and_its_steps() -> None:
    size = "180 of 10,803 films; 16 of 64 features; 64 of 256 px"
    text = said(row("nih", "ganomaly-original"))
    assert f"60 steps, 2.4 % of the source's {NIH_ORIGINAL_STEPS:,}; {size}" in text and f"{NIH_STEPS:,}" not in text
    assert f"60 steps, 0.25 % of the source's {NIH_STEPS:,}; {size}" in said(row("nih", "ganomaly-suitable"))
    assert "60 steps (15 epochs, the published code's number); 16 of 64" in said(row("hyperparameters", "original"))
    assert "60 steps, 15 of the thesis's 70 epochs; 16 of 64" in said(row("hyperparameters", "suitable"))
    assert "0 of 1 trainings are significantly above chance and 0 below." in text and "Nothing follows for" in text
    assert "1 of 1 trainings are significantly above chance and 0 below." in said(row("nih", "unet-dcgan", last=0.75))
    assert "0 of 1 trainings are significantly above chance and 1 below." in said(row("nih", "unet-dcgan", last=0.3))


def test_the_longest_training_on_nih_is_that_with_the_most_steps_of_the_generator() -> None:
    critic: Row = {"settings": {"game": "wgan-gp", "critic_steps": 5}, "method": "f-anogan"}
    text = said(
        row("nih", "f-anogan-dcgan", **critic, features=32), row("nih", "ganomaly-suitable"), row("nih", "unet-dcgan")
    )
    assert "most steps of the generator has 60 steps, 0.25 % of" in text
    assert "64 of 256 px; the widest network has 32 of 64 features." in text


def test_shares_of_ap_projections_are_those_of_the_rows_tested_films() -> None:
    counts = {"normal": {"AP": 3, "PA": 1}, "abnormal": {"PA": 4}}
    text = said(row("nih", "ganomaly-suitable", projections=counts))
    assert "Of the tested normal films 75 % and of the abnormal ones 0 % are AP projections" in text
    assert "AP projections" not in said(row("nih", "ganomaly-suitable"))
    for name, one in read_study(arms.STUDY, ROOT / "studies" / "results").items():
        if one["question"] == "nih":
            assert {label: sum(some.values()) for label, some in one["projections"].items()} == {
                label: one["n"][label] for label in ("normal", "abnormal")
            }, name


def test_two_arms_are_compared_by_their_paired_difference() -> None:
    def compared(**more: object) -> str:
        return said(row("norms", "mean-squares"), row("norms", "norms", last=0.6, **more))

    close = compared(minus={"mean-squares": interval(0.05)})
    assert "of seed 0 is 0.55 [0.45, 0.65] with means of squares" in close
    assert "the paired difference, second minus first, is +0.05 [−0.05, +0.15], not significant." in close
    assert "is +0.20 [+0.10, +0.30], significant." in compared(minus={"mean-squares": interval(0.2)})
    without = compared()
    assert "not compared by a paired test" in without and "significant" not in without.partition("not compared")[2]
    assert "images/thesis-roc.png" in close and PLOTTED == "adversarial/norms-mean-squares-0"


def test_wide_trainings_stand_next_to_the_narrow_ones_with_their_own_budget() -> None:
    width: Row = {"features": 64, "px": 256}
    losses = [row(question, arm, **(width if "wide" in question else {}))
              for question in ("norms", "norms-wide") for arm in ("mean-squares", "norms")]  # fmt: skip
    text = said(*losses)
    queued = "with the thesis's width and pixels is not run; it is queued as `adversarial/norms-wide-…`"
    assert queued in said(*losses[:2]) and queued not in text
    assert text.count("| means of squares, also in 4.4† |") == 2 == text.count("At the last epoch the AUROC of seed 0")
    assert "--only norms norms-wide`" in text and "64 of 64 features; 256 of 256 px" in text
    drawn = text.partition("## ROC curve")[2]
    assert WIDE_PLOTTED == "adversarial/norms-wide-mean-squares-0" and "256 of 256 px" in drawn

    noisy = [
        row(question, SURE, method="f-anogan", trained_at=0.1, features=features,
            auroc=[{"tested": 0.1, "auroc": interval(value), "minus_plain": interval(0.0)}])
        for question, features, value in ((NOISE, 16, 0.55), (NOISE_WIDE, 64, 0.75))
    ]  # fmt: skip
    text = said(*noisy)
    assert text.count("| trained at σ |") == 2
    assert text.count("is significantly above chance at its own σ") == 1, "the wide training is above chance"


def test_the_answer_on_sure_follows_the_differences() -> None:
    def under_noise(low: float) -> str:
        entries = [
            {
                "tested": level,
                "auroc": interval(0.6),
                "minus_plain": {"value": low + 0.1, "low": low, "high": low + 0.2},
            }
            for level in (0.0, 0.1)
        ]
        return said(row("noise", "f-anogan-sure", trained_at=0.1, auroc=entries, method="f-anogan"))

    assert "in all 2 comparisons" in under_noise(-0.1) and "includes 0" in under_noise(-0.1)
    assert "above 0 in 2 and below 0 in 0" in under_noise(0.05) and "Longer training could change this" in under_noise(
        0.05
    )


def test_trainings_at_chance_are_counted_and_the_longer_one_is_read_from_its_row() -> None:
    def under_noise(arm: str, value: float) -> Row:
        auroc = [{"tested": 0.1, "auroc": interval(value)}]
        return row("noise", arm, trained_at=0.1, auroc=auroc, method="f-anogan")

    chance, above = under_noise("f-anogan", 0.55), under_noise(SURE, 0.75)
    longer = row("", "", method="f-anogan", steps=1200, metrics={"auroc": {"pooled": interval(0.7)}})
    assert "1 of the 2 trainings is not significantly above chance" in said(chance, above)
    assert "chance" not in said(above)
    text = said(chance, **{WITHOUT_NOISE: longer})
    assert "None of the 1 trainings is significantly above chance at its own σ, so this budget is too small" in text
    assert "f-AnoGAN has 0.70 [0.60, 0.80]† on this fold at 64 px (1,200 steps" in text and "#fold-0-selection" in text


def test_the_figures_draw_what_the_row_holds() -> None:
    known = row("norms", "mean-squares", roc={"best_epoch": [[0, 0, 1], [0, 1, 1]], "last_epoch": [[0, 1], [0, 1]]})
    best, last, _ = (np.asarray(line.get_xydata()).tolist() for line in rates(known).axes[0].lines)
    assert best == [[0, 0], [0, 1], [1, 1]] and last == [[0, 0], [1, 1]]
    drawn = [np.asarray(axis.lines[0].get_xydata()).tolist() for axis in losses(known).axes]
    assert drawn == [[[1, 3.0], [2, 1.0]], [[1, 0.7], [2, 0.1]]]
