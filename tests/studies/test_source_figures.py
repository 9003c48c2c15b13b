"""The table of source figures is complete: a counterpart or a computed cost for each, and links that lead on."""

from __future__ import annotations

import re

import pytest

from studies.gpu_queue.entries import queue
from studies.pages.budgets import NIH_ORIGINAL_STEPS, NIH_STEPS, ORIGINAL_STEPS, spent
from studies.pages.source_figures import FIGURES
from studies.pages.sources_page import sources_page
from studies.pages.training_cost import SourceTraining, core_seconds, cost_of, cost_text
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_rows

DOCS = ROOT / "docs"
PAGE = DOCS / "results-sources.md"
LAST_FIGURE = {"1": 8, "2": 28, "3": 5, "4": 2, "5": 3, "6": 2, "7": 2, "A": 2, "B": 2}  # of the thesis, by chapter


def lines() -> list[list[str]]:
    found = [
        line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "
    ]
    return found[1:]


def row(**changes: object) -> dict[str, object]:
    return {"steps": 100, "seconds": 50.0, "device": "cpu (x86_64), 1 thread(s)", "px": 64, "features": 16} | changes


def test_every_numbered_figure_of_the_thesis_is_listed() -> None:
    listed: set[tuple[str, int]] = set()
    for where in (line[0] for line in lines() if line[0].startswith("thesis")):
        for chapter, first, last in re.findall(r"figures? (\w)\.(\d+)(?: to \w\.(\d+))?", where):
            listed |= {(chapter, number) for number in range(int(first), int(last or first) + 1)}
    assert listed == {(chapter, number) for chapter, last in LAST_FIGURE.items() for number in range(1, last + 1)}
    assert all(any(f"table 5.{number}" in line[0] for line in lines()) for number in (1, 2))


@pytest.mark.parametrize(
    "printed",
    [
        "28.83", "30.29", "35.64", "36.92", "6.33", "26.76", "28.22",  # EI, figure 1
        "30.84", "30.98", "32.12", "24.56", "28.09", "29.49", "19.95", "27.16", "28.60",  # REI, MRI
        "14.12", "22.02", "29.68", "29.96", "4.70", "9.61", "17.75", "18.71",  # REI, CT and inpainting
        "0.54", "0.71", "0.77", "0.76", "28.2", "34.5",  # slides and talk
        "16.58", "17.99", "21.90", "23.31", "24.25", "30.26", "28.47", "31.50",  # Duff
        "0.9061", "0.8755", "0.8987", "0.4853", "0.4726", "0.6", "0.6201", "0.7616", "0.524", "0.567",  # thesis
        "0.5", "10,803", "1,200",
    ],
)  # fmt: skip
def test_every_number_that_the_sources_print_has_a_line(printed: str) -> None:
    exact = re.compile(rf"(?<![\d.]){re.escape(printed)}(?![\d.])")
    assert any(exact.search(line[2]) for line in lines())


@pytest.mark.parametrize(
    ("source", "claim"),
    [
        ("Wang, workshop slides", "∣G∣ = 360"),
        ("Wang, workshop slides", "α 0.00005, c 0.01, m 64, 5 critic steps"),
        ("Davies", "m ≥ O(k …)"),
        ("Davies", "rank of the stacked A_g = n, so m ≥ n/∣G∣"),
        ("Davies", "m ≥ max cⱼ/sⱼ"),
        ("Davies", "m > k + n/∣G∣"),
        ("Davies", "m > 2k + max cⱼ + 1 ≥ 2k + n/∣G∣ + 1"),
        ("Davies", "m > 2k + √n + 1"),
        ("Davies", "m > 2k + 2 by shifts"),
        ("thesis", "800 in all, of which 408 normal and 394 abnormal; 311; 35; 35"),
        ("thesis", "Adam 2e-4, batch 32, 256 px, z 100, 70 epochs, 64 features, weights 1 : 50 : 1"),
    ],
)
def test_every_condition_and_setting_that_a_source_states_has_a_line(source: str, claim: str) -> None:
    assert any(line[0].startswith(source) and claim in line[2] for line in lines())


def test_mri_is_compared_by_magnitudes() -> None:
    found = [line for line in lines() if line[0].startswith(("REI", "Wang")) and re.match(r"MRI.*σ = 0", line[1])]
    assert len(found) == 9
    assert all(line[3] == "PSNR of magnitudes, peak: the truth's maximum" for line in found)


def test_the_peak_of_a_psnr_is_that_of_the_rows_figure() -> None:
    """Rows of the talk's outlook and of priors have the images' range as the peak alone."""
    assert all("psnr_papers" not in row["by_picture"] for name, row in committed_rows().items()
               if name.startswith("outlook/") and "by_picture" in row)  # fmt: skip
    outlook = [line for line in lines() if "#questions-of-the-talks-outlook" in line[6] and "dB" in line[4]]
    priors = [line for line in lines() if "(results-priors.md" in line[6] and "image" in line[2] and " dB" in line[4]]
    assert len(outlook) == 2 and len(priors) == 3
    assert {line[3] for line in [*outlook, *priors]} == {"PSNR, peak: 1"}


def test_a_comparison_of_vae_and_gan_has_both_trainings() -> None:
    found = [line for line in lines() if line[1].startswith("VAE against GAN")]
    assert len(found) == 3
    for line in found:
        assert re.match(r"VAE: \d+ epochs, GAN: \d+ epochs, of [\d,]+ images; \d+ features", line[5]), line[5]


def test_every_line_has_a_counterpart_or_a_cost() -> None:
    assert len(lines()) > 90
    for line in lines():
        assert len(line) == 7 and line[4] not in ("", "–"), line
        if "*not run*" in line[4]:
            assert re.search(
                r"would cost [\d.,]+ core-hours .*core-seconds each, (?:rows such as )?`[\w/.-]+`\)", line[4]
            ), line
    assert "cost unknown" not in PAGE.read_text(encoding="utf-8")


def test_every_queued_entry_is_in_the_queue() -> None:
    known = {entry.name for entry in queue()}
    queued = re.findall(r"queued as `([^`]+)`", PAGE.read_text(encoding="utf-8"))
    assert len(queued) > 25 and set(queued) <= known


def test_a_whole_training_replaces_the_short_one_and_a_smaller_one_stands_beside_the_cost() -> None:
    rows = committed_rows()
    short = rows["imaging/inpainting-ei-0"]
    whole = short | {
        "problem": "sources/inpainting", "steps": 180_032, "features": 64, "epoch": 2813, "epochs_of_training": 2813,
        "by_picture": {"psnr_papers": [30.0, 32.0]}, "curve": [], "settings": short["settings"] | {"transforms": 3},
    }  # fmt: skip
    [line] = [line for line in sources_page({**rows, "sources/inpainting-ei-180032-0": whole}).splitlines()
              if "30 % of the pixels dropped, noise-free: EI" in line]  # fmt: skip
    assert "31.00 dB" in line and "64 of 64 features; 3 of 3 transforms" in line and "would cost" not in line
    begun = {**rows, "sources/inpainting-ei-64-0": whole | {"steps": 64, "epoch": 1}}
    assert sources_page(begun) == sources_page(rows), "a point of an unfinished training is no counterpart"

    auroc = {"value": 0.55, "low": 0.5, "high": 0.6}
    small = {
        "px": 64, "features": 16, "steps": 490, "training": {"epochs": 70},
        "n": {"trained": 240, "normal": 60, "abnormal": 60}, "convergence": "converged",
        "auroc": {"best_epoch": auroc}, "method": "ganomaly",
        "recipe": "adversarial/nih-ganomaly-suitable",
    }  # fmt: skip
    page = sources_page({**rows, "adversarial/nih-ganomaly-suitable-0": small})
    [line] = [line for line in page.splitlines() if "NIH: suitable hyperparameters" in line]
    assert "0.55 [0.50, 0.60] at 64 px and 16 features" in line and "queued as `sources/nih-ganomaly-f0-0`" in line
    assert f"{spent(small)} |" in line and "490 steps, 2.1 % of the source's 23,590; 240 of 10,803 films;" in line
    assert line.split(" | ")[3].endswith("in batches of 32")
    done = {
        **small,
        "recipe": "sources/nih-ganomaly",
        "n": {},
        "features": 64,
        "px": 256,
        "steps": 23_592,
        "metrics": {"auroc": {"pooled": auroc}},
    }
    [line] = [line for line in sources_page({**rows, "sources/nih-ganomaly-0": done}).splitlines()
              if "NIH: suitable hyperparameters" in line]  # fmt: skip
    assert "0.55 [0.50, 0.60], `sources/nih-ganomaly-0`" in line and "not run" not in line
    assert line.split(" | ")[3].endswith("in batches of 32; ours: last epoch, fold 0")
    assert "| 23,592 steps, 100 % of the source's 23,590; 64 of 64 features; 256 of 256 px |" in line


def test_smaller_trainings_answer_the_slides_question_and_draw_the_thesiss_curves() -> None:
    rows = committed_rows()
    auroc = {"value": 0.64, "low": 0.54, "high": 0.74}
    row = {
        "px": 32, "features": 16, "steps": 630, "training": {"epochs": 70}, "n": {"trained": 311},
        "convergence": "not converged", "method": "roi-sure",
    }  # fmt: skip
    drawn = row | {"auroc": {"best_epoch": auroc}, "curve": [3.0, 1.0, 2.0], "discriminator": [0.5, 0.25]}
    gain = {"value": 0.0, "low": -0.01, "high": 0.02}
    levels = [
        {"tested": 0.0, "auroc": auroc, "minus_plain": auroc},
        {"tested": 0.1, "auroc": auroc, "minus_plain": gain},
    ]
    under_noise = row | {"auroc": levels, "trained_at": 0.1, "device": "cpu (x86_64), 1 thread(s)", "seconds": 60.0}
    known = {"adversarial/norms-mean-squares-0": drawn, "adversarial/noise-f-anogan-sure-0.1-0": under_noise}
    page = sources_page({name: one for name, one in {**rows, **known}.items()
                         if name in known or not name.startswith("adversarial/")})  # fmt: skip
    found = {line.split(" | ")[1]: line for line in page.splitlines() if line.startswith("| ")}
    roc = found["ROC curve of the proposed detector at its best epoch"]
    assert "drawn there at 32 px and 16 features: AUROC 0.64 [0.54, 0.74]†; at the source's size *not run*" in roc
    losses = found["Losses of generator and discriminator by epoch"]
    assert "generator: 3.00 in epoch 1, 1.00 at the least, 2.00 in epoch 3; discriminator: 0.50 in epoch 1" in losses
    question = found["May SURE make f-AnoGAN's encoder robust to noise?"]
    assert "less that without it, σ = 0.1: +0.00 [−0.01, +0.02]†" in question and "σ = 0.2" not in question
    assert f"| {spent(under_noise)}; 32 px |" in question and "none of" not in question
    assert f"| {spent(drawn)} |" in roc and f"| {spent(drawn)} |" in losses
    low = {"adversarial/noise-f-anogan-sure-0.1-0": {**under_noise, "auroc": [levels[0], levels[1] | {"auroc": gain}]}}
    assert "none of the 1 trainings is significantly above chance at its own σ: the question is open" in sources_page(
        {**{name: one for name, one in rows.items() if not name.startswith("adversarial/")}, **low}
    )


def test_a_training_of_the_queue_replaces_its_cost() -> None:
    rows = committed_rows()

    def line(shows: str, **more: dict[str, object]) -> str:
        [found] = [one for one in sources_page({**rows, **more}).splitlines() if f"| {shows} |" in one]
        return found

    clean = "MRI ×4, σ = 0.01: REI"
    whole = rows["imaging/mri-x4-05-rei-0"] | {
        "problem": "sources/mri-x4-01", "steps": 225_000, "features": 64, "epoch": 500, "epochs_of_training": 500,
        "by_picture": {"psnr_papers": [30.0, 31.0]}, "curve": [],
    }  # fmt: skip
    assert "queued as `sources/mri-x4-01-rei-0`" in line(clean)
    done = line(clean, **{"sources/mri-x4-01-rei-225000-0": whole})
    assert "| 30.50 dB |" in done and "225,000 steps" in done and "not run" not in done

    drawn = rows["adversarial/norms-mean-squares-0"] | {"features": 64, "px": 256}
    for shows in ("ROC curve of the proposed detector at its best epoch",
                  "Losses of generator and discriminator by epoch"):  # fmt: skip
        assert "queued as `adversarial/norms-wide-mean-squares-0`" in line(shows)
        found = line(shows, **{"adversarial/norms-wide-mean-squares-0": drawn})
        assert "drawn there at 256 px" in found and "not run" not in found

    question = "May SURE make f-AnoGAN's encoder robust to noise?"
    assert "with the thesis's width, pixels and steps on NIH *not run*" in line(question)
    entries = [one | {"auroc": {"value": 0.7, "low": 0.6, "high": 0.8}}
               for one in rows["adversarial/noise-f-anogan-sure-0.1-0"]["auroc"]]  # fmt: skip
    wide = rows["adversarial/noise-f-anogan-sure-0.1-0"] | {"features": 64, "px": 64, "steps": 23_592, "auroc": entries}
    found = line(question, **{"adversarial/noise-wide-f-anogan-sure-0.1-0": wide})
    assert "23,592 steps" in found and "64 px" in found and "σ = 0.2" not in found and "not run" not in found
    assert "is open" not in found, "significantly above chance"


def test_films_of_nih_are_those_of_the_row() -> None:
    rows = committed_rows()
    row = rows["adversarial/nih-ganomaly-suitable-0"]
    changed = row | {"n": {"trained": 7, "normal": 5, "abnormal": 3}}
    told = "7 normal films of `nih_cxr8` trained on; 5 normal and 3 abnormal tested, by patient"
    assert told in sources_page({**rows, "adversarial/nih-ganomaly-suitable-0": changed})
    assert told not in sources_page(rows)


def test_every_link_of_the_table_leads_to_a_heading() -> None:
    for line in lines():
        for target in re.findall(r"\]\(([^)]+)\)", line[6]):
            page, _, anchor = target.partition("#")
            text = (DOCS / page).read_text(encoding="utf-8")
            slugs = [re.sub(r"[^\w\s-]", "", name).strip().lower().replace(" ", "-")
                     for name in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)]  # fmt: skip
            assert not anchor or anchor in slugs, target


def test_no_auroc_of_a_gan_stands_without_its_training() -> None:
    for line in lines():
        if re.search(r"\d\.\d\d \[", line[4]) and "gan" in line[4].lower():
            assert "features" in line[5], line


def test_cost_is_steps_times_the_rows_rate() -> None:
    found = cost_of(SourceTraining("a", 7200), {"a": row()})
    assert found is not None and (found.core_seconds, found.hours, found.growth) == (0.5, 1.0, 1.0)
    assert cost_of(SourceTraining("a", 7200), {"a": row(seconds=100.0)}).hours == 2.0  # type: ignore[union-attr]
    assert cost_of(SourceTraining("a", 7200, runs=3), {"a": row()}).hours == 3.0  # type: ignore[union-attr]
    larger = cost_of(SourceTraining("a", 7200, px=128, features=64), {"a": row()})
    assert larger is not None and (larger.hours, larger.growth) == (1.0, 64.0)
    assert "up to 64 at the source's size" in cost_text(SourceTraining("a", 7200, px=128, features=64), {"a": row()})


def test_cost_counts_threads_processor_time_and_all_folds() -> None:
    assert core_seconds(row(device="cpu (x86_64), 2 thread(s)")) == 1.0
    assert core_seconds(row(cpu_seconds=20.0)) == 0.2, "elapsed time includes waiting for other programs"
    assert core_seconds(row(folds={"1": {"steps": 100}, "2": {"steps": 150}})) == 0.2
    assert core_seconds(row(trained_seconds=80.0, training={"epochs": 40}), "epochs") == 2.0


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"device": "cuda (H200)"}, {"seconds": None}])
def test_a_row_without_a_rate_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no training on a CPU"):
        core_seconds(row(**wrong))


def test_a_missing_row_gives_no_cost() -> None:
    assert cost_of(SourceTraining("absent", 10), {}) is None
    assert sources_page({}).count("cost unknown") > 10


def test_steps_on_nih_follow_the_appendix() -> None:
    assert NIH_STEPS == 70 * 337 and 338 * 32 > 10_803 >= 337 * 32, "an incomplete last batch is dropped"
    assert NIH_ORIGINAL_STEPS == 15 * 168 and 169 * 64 > 10_803 >= 168 * 64
    assert committed_rows()["adversarial/hyperparameters-original-0"]["steps"] == ORIGINAL_STEPS
    assert f"{NIH_STEPS:,} steps" in PAGE.read_text(encoding="utf-8")


def test_costs_of_the_page_follow_the_committed_rows() -> None:
    rows = committed_rows()
    slower = {name: one | {"seconds": 2 * one["seconds"]} if name == "thesis/ganomaly-0" else one
              for name, one in rows.items()}  # fmt: skip
    assert sources_page(slower) != sources_page(rows)
    assert all(len(one.cells(rows)) == 7 for one in FIGURES)


def test_the_page_begins_with_a_comparison_that_follows_the_rows() -> None:
    rows = committed_rows()
    said = sources_page(rows).split("\n\n")[1]
    assert "ours is below its AUROC of the best epoch on the test films for 3 of 3 detectors" in said
    assert "16 of 64 features, 1 of 2 to 5 transforms and 64 to 128 px (sources: 128 to 320 px)" in said
    ganomaly = rows["thesis/ganomaly-0"]
    better = {**ganomaly["auroc"], "best_epoch": {"value": 0.95, "low": 0.9, "high": 0.99}}
    changed = {**rows, "thesis/ganomaly-0": {**ganomaly, "auroc": better}}
    assert (
        "ours is below its AUROC of the best epoch on the test films for 2 of 3 detectors"
        in sources_page(changed).split("\n\n")[1]
    )
    assert "Ours is below" not in sources_page({})
