"""`docs/results-thesis.md` from rows alone: the thesis's figures and ours, cross-validated results, the noise study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import norm

from studies.adversarial.page import adversarial_blocks
from studies.evidence.screen import folded, rendered
from studies.evidence.thesis import thesis_screen
from studies.pages import budgets
from studies.pages.cells import Entry, convergence, number_range, shortcut, signed, table
from studies.pages.noise import noise_study
from studies.pages.sections import SOURCES, aurocs
from unseen.evaluation.intervals import interval_text as figure

REPORTED = {"ganomaly": 0.9061, "roi-oracle": 0.8755, "roi-sure": 0.8987}
"""Best AUROC over the epochs, in the thesis's table 5.2."""

BY_CLASS, MIXED = "auroc_train_mode_by_class", "auroc_train_mode_mixed"
"""Curves of scores whose BatchNorm goes by the batch that a film is tested in."""

_ORDER = ("ganomaly", "roi-oracle", "roi-sure", "ganomaly-sure", "pca")
_WORDS = {
    "ganomaly": "GANomaly",
    "roi-oracle": "its own, squared error (Oracle)",
    "roi-sure": "its own, SURE by its equation 4.4",
    "ganomaly-sure": "GANomaly with SURE (appendix B.2)",
    "pca": "principal components (our baseline)",
}


def thesis_page(rows: Mapping[str, Entry]) -> str:
    """Return the whole page as Markdown; what has no row yet is said to have none."""
    arms = sorted(
        (row for name, row in rows.items() if name.startswith("thesis/")),
        key=lambda row: (-(row["features"] or 0), _ORDER.index(row["method"])),
    )
    tested = [row for name, row in rows.items() if name.startswith(("ms_cxr/", "shipped/")) and "metrics" in row]
    honest = [row for row in tested if row["method"] in _ORDER]
    noise = next(
        (row for name, row in rows.items() if name.startswith("robustness/") and row["noise"] == "gaussian"), None
    )
    first = thesis_screen(rows, REPORTED)
    blocks = [
        "# The thesis's experiments, run again",
        *([rendered("make results-thesis", "studies/results/thesis.jsonl")] if first is None else first.blocks()),
        "## The thesis and three questions",
        "B. Wang's MSc thesis (University of Birmingham, 2022) trains GANomaly and a lung-focused GAN of its own on "
        "311 normal films of the Montgomery and Shenzhen sets, tests them on 35 normal and 35 abnormal ones, and "
        "reports the best AUROC over 70 epochs: 0.9061 for GANomaly, 0.8987 for its own detector, 0.8755 for the same "
        "with the squared error instead of SURE. It claims that SURE makes the detector robust to noise, but adds no "
        "noise anywhere. Three questions follow. Do we obtain the same figures? What does cross-validation give? Does "
        "SURE help against noise? We call a figure *reproduced* only where the detector ran to the end at the thesis's "
        "width.",
        *_protocol(arms),
        *_arises(arms),
        *_honest(honest),
        *_noise(noise),
        *adversarial_blocks(rows),
        *_unfinished(rows.get("unfinished-0")),
        *_readings(),
    ]
    return "\n\n".join(folded(blocks)) + "\n"


def _protocol(arms: Sequence[Entry]) -> list[str]:
    blocks = ["## The thesis's protocol"]
    if not arms:
        return [*blocks, "*No row yet.*"]
    blocks += [
        "One split (our own; the thesis's draw is not published), whole film stretched to 256 px, seed 0. We ran the "
        "thesis's width, 64 features, and a quarter of it, which takes a sixteenth of the operations. *Best epoch* is "
        "the thesis's figure: the highest of the epochs' AUROCs on the test films themselves. *Last epoch* was fixed "
        "in advance. *Split-half selection*: the epoch is selected on a random half of the test films and tested on "
        "the other, mean of 500 splits. The intervals resample the 70 films and ignore the epoch selection.",
        table(
            [
                "Detector",
                "features",
                "thesis, best epoch",
                "best epoch",
                "at epoch",
                "split-half selection",
                "last epoch",
                "epochs",
                "losses",
                "training",
            ],
            (_arm(row) for row in arms),
        ),
    ]
    with_audit = next((row for row in arms if "metrics" in row), None)
    if with_audit is not None:
        blocks.append(
            "Baseline on the same 70 films, without training: sharpness (mean absolute Laplacian) alone has AUROC "
            f"{figure(shortcut(with_audit, 'pooled', 'sharpness'))}; a supervised mix of image "
            f"statistics {figure(shortcut(with_audit, 'pooled', 'mix'))}."
        )
    sentences = [sentence for row in arms for sentence in _said(row)]
    if sentences:
        blocks.append("\n".join(f"- {sentence}" for sentence in sentences))
    if any("by_epoch" in row for row in arms):
        blocks.append(
            "![AUROC on the test films and the cosine between the two encoders' weights, by epoch, for each detector]"
            "(images/thesis-curves.png)"
        )
    return blocks


def _arises(arms: Sequence[Entry]) -> list[str]:
    """Return the section on how a figure such as 0.9061 can arise: the effect of each step of the source's protocol."""
    title = "## How a figure such as 0.9061 can arise"
    rows = [row for row in arms if BY_CLASS in row.get("by_epoch", {}) and row["epochs_done"] == row["epochs"]]
    if not rows:
        return [title, "*No row yet.*"]
    lines, worth = [], []
    for row in rows:
        curves = row["by_epoch"]
        found = [(max(curves[name]), curves[name][-1]) for name in ("auroc", MIXED, BY_CLASS)]
        lines.append([budgets.named(row), *(f"{value:.2f}" for pair in found for value in pair)])
        worth.append([np.mean(curves[name]) - np.mean(curves["auroc"]) for name in (MIXED, BY_CLASS)])
    mixed, by_class = np.mean(worth, axis=0)
    best = max(max(row["by_epoch"][BY_CLASS]) for row in rows)
    chosen = np.mean([max(row["by_epoch"]["auroc"]) - row["by_epoch"]["auroc"][-1] for row in rows])
    return [
        title,
        "GANomaly's [published code](https://github.com/samet-akcay/ganomaly/blob/master/lib/model.py) scores test "
        "films in train mode: BatchNorm normalises by the batch that a film is tested in, so its batch mates change "
        "its score. It scales the scores to [0, 1] over the test set and keeps the epoch with the best AUROC on it. "
        "Its test folder is shuffled; a folder that is read class after class gives batches that are mostly of one "
        f"class. Each step on our 35 + 35 films, in batches of 32, after every epoch; class after class these are "
        f"{_batches(35, 32)}:",
        table(
            [
                "Detector",
                "eval mode: best epoch",
                "last",
                "train mode, films mixed: best",
                "last",
                "train mode, class after class: best",
                "last",
            ],
            lines,
        ),
        f"- *Films class after class* add {signed(by_class)} of AUROC on average over epochs and arms "
        f"({', '.join(signed(of_arm) for _, of_arm in worth)}; mixed batches add {signed(mixed)}): a film is then "
        "normalised by films that are mostly of its own class. What part of the gain is the class alone was not "
        "measured.\n"
        f"- *The best epoch on the test films* adds {signed(chosen)} to the last one.\n"
        "- *Min–max scaling* over the test set changes no order, so it changes no AUROC; it makes scores of "
        "different test "
        "sets incomparable.\n"
        f"- *Chance*: with 35 + 35 films, a detector of true AUROC 0.80 shows {REPORTED['ganomaly']:.2f} or more in "
        f"{100 * _by_chance(0.80):.1f} % of draws of films, one of 0.70 in {100 * _by_chance(0.70):.1f} %; choosing "
        "among 70 epochs and several settings raises both.\n"
        "- *Acquisition*: sharpness alone, without any training, has the AUROC above on the same films.",
        f"All steps together, the best of these epochs, in train mode class after class, has {best:.2f}. "
        f"{_verdict(best, max(max(row['by_epoch']['auroc']) for row in rows))} None of the steps measures how well "
        "the detector finds disease on a single film.",
    ]


def _batches(films: int, batch: int) -> str:
    """Return the contents of the batches, if `films` normal films come before as many abnormal ones.

    >>> _batches(35, 32)
    '32 normal; 3 normal and 29 abnormal; 6 abnormal'
    """
    labels = ["normal"] * films + ["abnormal"] * films
    parts = [labels[start : start + batch] for start in range(0, 2 * films, batch)]
    return "; ".join(
        " and ".join(f"{part.count(label)} {label}" for label in ("normal", "abnormal") if label in part)
        for part in parts
    )


def _verdict(best: float, without: float) -> str:
    """Return the sentences on whether the steps explain the thesis's figure; `without`: the best epoch without them."""
    reported = REPORTED["ganomaly"]
    if best >= reported:
        return (
            f"That reaches {reported:.4f}, so the figure *can* arise in this way. The source states neither the mode "
            "nor the order of the films, so we do not know whether it did."
        )
    part = "the steps explain a part of the difference" if best > without else "the steps explain nothing of it"
    return (
        f"That does not reach {reported:.4f}: {part}. The source states neither "
        "the mode nor the order of the films, and its split is not published; other films, and the chance in so few of "
        "them, could account for the rest. We do not know which of these it was."
    )


def _by_chance(true: float, *, films: int = 35, reached: float = 0.9061, draws: int = 4_000) -> float:
    """Return the probability that a binormal score with AUROC `true` shows at least `reached` by chance.

    It is the share of `draws` samples with `films` films of each class.
    """
    rng = np.random.default_rng(0)
    shift = 2**0.5 * float(norm.ppf(true))
    abnormal, normal = rng.normal(shift, size=(draws, films)), rng.normal(size=(draws, films))
    found = (abnormal[:, :, None] > normal[:, None, :]).mean(axis=(1, 2))
    return float((found >= reached).mean())


def _arm(row: Entry) -> list[str]:
    name = f"`{row['method']}`: {_WORDS[row['method']]}"
    reported = _reported(row)
    if "by_epoch" not in row:  # no training loop: one figure
        return [name, "–", "–", "–", "–", "–", figure(row["metrics"]["auroc"]["pooled"]), "–", "–", "–"]
    done, asked = row["epochs_done"], row["epochs"]
    return [
        name,
        str(row["features"]),
        "–" if reported is None else f"{reported:.4f}",
        figure(row["auroc"]["best_epoch"]),
        str(row["chosen"]["epoch"]),
        f"{row['auroc']['chosen_on_one_half']:.2f}",
        figure(row["auroc"]["last_epoch"]) + ("" if done == asked else f" (epoch {done})"),
        str(done) if done == asked else f"{done} of {asked}, training not finished",
        convergence(row) if done == asked else "–",
        budgets.spent(row),
    ]


def _reported(row: Entry) -> float | None:
    """Return the thesis's figure, where it is the thesis's detector at the thesis's width."""
    return REPORTED.get(row["method"]) if row["features"] == budgets.FEATURES else None


def _said(row: Entry) -> list[str]:
    """Return sentences that are computed from a row's curves; none for an unfinished training."""
    if "by_epoch" not in row or row["epochs_done"] < row["epochs"]:
        return []
    name = f"`{row['method']}`, {row['features']} features"
    curve = row["by_epoch"]["auroc"]
    best = row["auroc"]["best_epoch"]
    said = []
    reported = _reported(row)
    if reported is not None:
        within = best["low"] <= reported <= best["high"]
        said.append(
            f"{name}: the thesis's {reported:.4f} lies {'within' if within else '**outside**'} the interval of our "
            f"best epoch, {figure(best)}, after {row['epochs_done']} of its {row['epochs']} epochs with "
            f"{row['features']} of its {budgets.FEATURES} features."
        )
    gain = best["value"] - row["auroc"]["last_epoch"]["value"]
    said.append(
        f"{name}: selecting the epoch on the test films adds {signed(gain)} to the last one. The AUROC varies between "
        f"{min(curve):.2f} and {max(curve):.2f} from epoch to epoch, with its peak at epoch {row['chosen']['epoch']}."
    )
    said += [
        f"{name}: an earlier training of the same recipe and seed ({one['date']}, {one['device']}) had "
        f"{figure(one['best_epoch'])} at its best epoch and {figure(one['last_epoch'])} at its last."
        for one in row.get("earlier", [])
    ]
    return said


def _honest(rows: Sequence[Entry]) -> list[str]:
    title = "## Cross-validated results"
    if not rows:
        return [title, "*No row yet.*"]
    ordered = sorted(rows, key=lambda row: (row["px"], row["view"]["frame"], _ORDER.index(row["method"])))
    n = ordered[0]["metrics"]["n"]["pooled"]
    widths = number_range([int(row["features"]) for row in ordered if budgets.is_gan(row)])
    blocks = [
        title,
        "The same detectors, cross-validated: trained on the normals of the other folds, tested on folds 1 to 4 "
        f"({n['normal']} normal and {n['abnormal']} abnormal films), the last epoch, lungs by a network that did not "
        f"see the film's mask, {widths} features. *Site*: AUROC of the score for the two hospitals' normals; 0.5 is "
        "good. All parts, audits and differences: [results](results.md).",
    ]
    lines = [
        [
            f"recipe of `models/{row['method']}`" if row["recipe"].startswith("shipped/") else f"`{row['method']}`",
            f"{row['view']['frame']}, {row['px']} px",
            *aurocs(row),
            figure(next(iter(row["metrics"]["site"].values()), None)),
            convergence(row),
            budgets.spent(row),
        ]
        for row in ordered
    ]
    first = ordered[0]
    for name, words in (("sharpness", "*sharpness alone*"), ("mix", "*supervised mix of image statistics*")):
        lines.append(
            [words, "film, 256 px", *(figure(shortcut(first, source, name)) for source in SOURCES), "–", "–", "–"]
        )
    blocks.append(table(["Detector", "view", *SOURCES, "site", "losses", "training"], lines))
    above = [f"`{row['recipe']}`" for row in ordered if row["metrics"]["shortcuts"]["above_all"].get("pooled")]
    blocks.append(
        "Significantly better than every single image statistic on all films together (95 % CI of the difference above "
        "0): " + (", ".join(above) if above else "**none**") + "."
    )
    return blocks


def _noise(row: Entry | None) -> list[str]:
    title = "## Does SURE make the detector robust to noise?"
    return [title, "*No row yet.*"] if row is None else [title, *noise_study(row)]


def _unfinished(row: Entry | None) -> list[str]:
    """Return the section on unfinished trainings and their epochs so far."""
    if row is None or not row["unfinished"]:
        return []
    lines = []
    for entry in row["unfinished"]:
        done = [f"{one['epochs']} of {one['of']}" for one in entry["trainings"]]
        paces = [one["seconds_a_step"] for one in entry["trainings"] if one["seconds_a_step"] is not None]
        lines.append([f"`{entry['recipe']}`", ", ".join(done), f"{min(paces):g}" if paces else "–"])
    return [
        "## Trainings that did not finish",
        "These trainings did not finish in the time available, on two processor cores and without a GPU. Their "
        "checkpoints "
        "are kept; `make results` or `make results-thesis` resumes them. We make no claim about them until then.",
        table(["recipe", "epochs so far, by fold", "seconds per step (least, under other load)"], lines),
        f"As of {row['date']}.",
    ]


def _readings() -> list[str]:
    return [
        "## What the thesis leaves open, and our reading",
        table(
            ["Left open", "Here"],
            [
                [
                    "which films are in the split",
                    f"a draw of our own of the same sizes, 311 and 35 + 35, from {budgets.OUR_FILMS} films",
                ],
                ["σ and τ of SURE", "σ estimated on the training films (in each row), τ = 0.01"],
                [
                    "equation 4.4: a mean or a norm, σ² counted once, 1/τ missing",
                    'under the thesis\'s protocol as it stands, with the mean (`form = "literal-mse"`): its last '
                    "term is "
                    "then of the order of σ²τ and SURE all but the squared error; everywhere else the unbiased form",
                ],
                ["the decoder's activation", "GANomaly: its own network, ReLU; the thesis's detector: LeakyReLU(0.2)"],
                ["masks of the training films", "predicted ones, by a network that did not see the film's own mask"],
                ["mode of BatchNorm when scoring", "eval: a score depends on its film alone"],
                ["precision", "bfloat16 forward passes, weights and Adam in float32"],
            ],
        ),
        "One seed under the thesis's protocol: with 35 + 35 films the sampling error alone is about ±0.12, which is "
        "far more than the differences in its table 5.2.",
    ]
