"""Counterparts of the figures on anomaly detection: the thesis, its appendix on NIH, and the slides on GANs."""

from __future__ import annotations

from studies import recipe_files as recipes
from studies.adversarial.arms import NOISE, NOISE_WIDE, PLAIN, PLOTTED, SIGMAS, STUDY, SURE, WIDE_PLOTTED
from studies.adversarial.page import at_chance, at_own_noise
from studies.pages import budgets
from studies.pages.budgets import (
    FEATURES,
    NIH_STEPS,
)
from studies.pages.cells import dagger
from studies.pages.counterpart import DETECTORS_PAGE, NOT_RUN, THESIS_PAGE, Counterpart, Rows, costed, deferred, not_run
from studies.pages.training_cost import SourceTraining, cost_of_several
from studies.rows import Row
from unseen.evaluation.intervals import interval_text as figure

_LEVELS = tuple(sigma for sigma in SIGMAS if sigma > 0)


@deferred
def appendix_auroc(rows: Rows, entry: str, small: str, training: SourceTraining) -> Counterpart:
    """Return our side of a figure of appendix A: by the source's training, else by one of `studies.adversarial`.

    Args:
        entry: Recipe of the queue, `sources/…`.
        small: Row of the smaller training; "": there is none.
        training: The source's.
    """
    thesis = recipes.load(entry).data.column is not None
    queued = f"{entry}{'' if thesis else '-f0'}-0"
    whole, less = rows.get(f"{entry}-0"), rows.get(small)
    page = THESIS_PAGE if less or thesis else DETECTORS_PAGE
    if whole is not None:
        reached = whole["auroc"]["best_epoch"] if thesis else whole["metrics"]["auroc"]["pooled"]
        metric = "" if thesis else "last epoch, fold 0"
        return Counterpart(f"{figure(reached)}{dagger(whole)}, `{entry}-0`", budgets.spent(whole), page, metric)
    missing = not_run(training, rows, queued)
    if less is None:
        return Counterpart(missing, "–", page)
    ours = (
        f"{figure(less['auroc']['best_epoch'])}{dagger(less)} at {less['px']} px and {less['features']} features, "
        f"`{small}`; at the source's size {missing}"
    )
    return Counterpart(ours, budgets.spent(less), page)


@deferred
def detector_auroc(rows: Rows, short: str) -> Counterpart:
    """Return the counterpart of a detector: its pooled AUROC on folds 1 to 4."""
    row = rows.get(f"detectors/folds-1-4/{short}-0")
    if row is None:
        return costed(SourceTraining(f"detectors/fold-0/{short}-0"), rows, DETECTORS_PAGE)
    value = f"{figure(row['metrics']['auroc']['pooled'])}{dagger(row)}, `{short}`, Montgomery + Shenzhen, lungs"
    return Counterpart(value, budgets.spent(row), DETECTORS_PAGE)


def ganomaly_with_sure(rows: Rows) -> Counterpart:
    """Return the AUROC of GANomaly with SURE at the best epoch."""
    row = rows.get("thesis/ganomaly-sure-0")
    training = SourceTraining("thesis/ganomaly-sure-16-0", features=FEATURES)
    if row is not None and row.get("epochs_done") == row.get("epochs"):
        return Counterpart(figure(row["auroc"]["best_epoch"]) + dagger(row), budgets.spent(row), THESIS_PAGE)
    narrow = rows.get(training.nearest)
    ours = "" if narrow is None else f"at 16 features {figure(narrow['auroc']['best_epoch'])}{dagger(narrow)}; at 64 "
    missing = not_run(training, rows, "thesis/ganomaly-sure-0")
    return Counterpart(ours + missing, "–" if narrow is None else budgets.spent(narrow), THESIS_PAGE)


def best_epoch(rows: Rows) -> Counterpart:
    """Return the best epoch of GANomaly."""
    row = rows.get("thesis/ganomaly-0")
    if row is None:
        return costed(SourceTraining("thesis/ganomaly-16-0", features=FEATURES), rows, THESIS_PAGE)
    return Counterpart(f"epoch {row['chosen']['epoch']}{dagger(row)}", budgets.spent(row), THESIS_PAGE)


def sure_in_encoder(rows: Rows) -> Counterpart:
    """Return the AUROC of f-AnoGAN with SURE in the encoder minus that without, by the noise's σ."""
    trainings = [
        SourceTraining(f"{STUDY}/{NOISE}-{arm}-{sigma:g}-0", NIH_STEPS, px=64, features=FEATURES)
        for sigma in _LEVELS
        for arm in (PLAIN, SURE)
    ]
    queued = ", ".join(f"`{STUDY}/{NOISE_WIDE}-{sigma:g}-0`" for sigma in _LEVELS)
    missing = f"*{NOT_RUN}*, would cost {cost_of_several(trainings, rows)}, queued as {queued}"
    wide, narrow = _under_noise(rows, NOISE_WIDE), _under_noise(rows, NOISE)
    some = wide if any(f"{STUDY}/{NOISE_WIDE}-{SURE}-" in name for name in wide) else narrow
    parts, spent = [], ""
    for sigma in _LEVELS:
        row = next((row for name, row in some.items() if f"-{SURE}-{sigma:g}-" in name), None)
        if row is not None:
            gain = at_own_noise(row)["minus_plain"]
            parts.append(f"σ = {sigma:g}: {figure(gain, sign=True)}{dagger(row)}")
            spent = f"{budgets.spent(row)}; {row['px']} px"
    if not parts:
        page = "[SURE under noise](results-thesis.md#does-sure-make-the-detector-robust-to-noise)"
        return Counterpart(missing, "–", page)
    ours = f"AUROC of f-AnoGAN with SURE in the encoder, less that without it, {'; '.join(parts)}"
    chance = at_chance(list(some.values()))
    ours = f"{ours}; {chance}: the question is open" if chance else ours
    if some is narrow:
        ours += f"; with the thesis's width, pixels and steps on NIH {missing}"
    return Counterpart(ours, spent, THESIS_PAGE)


def _under_noise(rows: Rows, question: str) -> dict[str, Row]:
    """Return the rows of f-AnoGAN under noise with one budget, seed 0."""
    prefix = f"{STUDY}/{question}-f-anogan-"
    return {name: row for name, row in rows.items() if name.startswith(prefix) and name.endswith("-0")}


def roc_of_roi_sure(rows: Rows) -> Counterpart:
    """Return the AUROC of the ROC curve that the page of the thesis shows."""
    row = _curves_row(rows)
    if row is None:
        return costed(SourceTraining("thesis/roi-sure-0"), rows, THESIS_PAGE, WIDE_PLOTTED)
    reached = f"{figure(row['auroc']['best_epoch'])}{dagger(row)}"
    ours = f"drawn there at {row['px']} px and {row['features']} features: AUROC {reached}"
    missing = "" if WIDE_PLOTTED in rows else _cost_at_source_size(rows)
    return Counterpart(ours + missing, budgets.spent(row), THESIS_PAGE)


def losses_of_roi_sure(rows: Rows) -> Counterpart:
    """Losses of generator and discriminator: in the first, the best and the last epoch."""
    drawn = _curves_row(rows)
    if drawn is not None:
        sides = {"generator": drawn["curve"], "discriminator": drawn["discriminator"]}
        ours = "; ".join(
            f"{side}: {curve[0]:.2f} in epoch 1, {min(curve):.2f} at the least, {curve[-1]:.2f} in epoch {len(curve)}"
            for side, curve in sides.items()
        )
        missing = "" if WIDE_PLOTTED in rows else _cost_at_source_size(rows)
        return Counterpart(
            f"drawn there at {drawn['px']} px{dagger(drawn)}: {ours}{missing}", budgets.spent(drawn), THESIS_PAGE
        )
    row = rows.get("thesis/roi-sure-0")
    if row is None:
        return costed(SourceTraining("thesis/roi-sure-16-0", features=FEATURES), rows, THESIS_PAGE)
    curve = row["curve"]
    ours = (
        f"generator: {curve[0]:.1f} in epoch 1, {min(curve):.1f} at the least, {curve[-1]:.1f} in epoch {len(curve)} "
        f"(`curve` of `thesis/roi-sure-0`){dagger(row)}; the discriminator's losses are not kept: "
    )
    missing = not_run(SourceTraining("thesis/roi-sure-0"), rows, WIDE_PLOTTED)
    return Counterpart(ours + missing, budgets.spent(row), THESIS_PAGE)


def _cost_at_source_size(rows: Rows) -> str:
    """Return what the curves of figures 5.2 and 5.3 at the thesis's size would cost."""
    return f"; at the source's size {not_run(SourceTraining('thesis/roi-sure-0'), rows, WIDE_PLOTTED)}"


def _curves_row(rows: Rows) -> Row | None:
    """Return the row whose curves are drawn on the thesis's page."""
    return rows.get(WIDE_PLOTTED, rows.get(PLOTTED))


def films_of_the_thesis(rows: Rows) -> Counterpart:
    """Number of test films of the thesis."""
    row = rows.get("thesis/ganomaly-0")
    if row is None:
        return Counterpart(f"*{NOT_RUN}*", "–", THESIS_PAGE)
    n = row["n"]
    ours = (
        f"{n['normal']} normal and {n['abnormal']} abnormal films tested, our own draw from {budgets.OUR_FILMS}: "
        f"{row['protocol']}"
    )
    return Counterpart(ours, "–", THESIS_PAGE)


def films_of_nih(rows: Rows) -> Counterpart:
    """Number of training and test films of NIH."""
    row = rows.get(f"{STUDY}/nih-ganomaly-suitable-0")
    if row is None:
        return Counterpart(f"*{NOT_RUN}*", "–", THESIS_PAGE)
    n = row["n"]
    ours = (
        f"{n['trained']} normal films of `nih_cxr8` trained on; {n['normal']} normal and {n['abnormal']} abnormal "
        "tested, by patient"
    )
    return Counterpart(ours, "–", THESIS_PAGE)


def share_cleared(rows: Rows) -> Counterpart:
    """Return the counterpart of the share cleared: the page of screening."""
    page = "[screening](results-screening.md)"
    known = "screening/hospitals-0" in rows
    return Counterpart("share cleared at a bounded miss rate" if known else f"*{NOT_RUN}*", "–", page)
