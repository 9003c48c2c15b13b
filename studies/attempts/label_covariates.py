"""Covariates that explain the labels of `nih_cxr8`: what `unseen adapt` makes of them with and without the projection.

The manifest states each film's projection, AP or PA; the PNG files do not. The films that teach are those of folds 1 to
4, as a head of fold 0 has them; no AUROC of a head is measured, and no film of fold 0 is used. By these draws the
projection was taken into the check, and the check *weighted* was not. Where labels show the projection alone, normal
films are called abnormal, drawn with a weight for PA films; each use is a false acceptance.

*Weighted* is a check that was tried: the generalised least-squares estimate of the mean difference, in which abnormal
films whose statistics are unlike those of the normal ones count less.

    r = δ 1 + e,    cov e = max(var r, 1) I + C₁ (Cᵀ C + P)⁻¹ C₁ᵀ

Source: Aitken, Proceedings of the Royal Society of Edinburgh 55 (1936) 42.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np

from studies.attempts.adapt_heads import taught
from studies.attempts.heads import Floats, Places
from studies.attempts.label_check import FOLD, LABELS, STATISTICS, quantiles, relabelled
from studies.attempts.label_curves import STATED, TESTED, labels_of, projections
from studies.pages.cells import Entry, table
from studies.rows import Row
from studies.ten_labels import Labels
from unseen import __version__
from unseen.detectors.adapted import normals_discriminant, standardised
from unseen.evaluation.delong import Z95, auroc_difference
from unseen.evaluation.intervals import Interval, proportion
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.roc import Bools
from unseen.screening.adaptation import NORMALS_SHRINKAGE, Labelled
from unseen.screening.label_check import LeftOut, beyond_statistics, left_out, residuals

ROW = "attempts/label-covariates/nih_cxr8"
SET = STATED
DRAWS = 40
HONEST = (5, 10, 25, 50)
PROJECTION = ((20.0, 10), (20.0, 25), (10000.0, 25))
"""Weight of PA films, where AP films have 1, and number of films called abnormal."""
SHOWN = ("bytes_per_pixel", "sharpness", "mean")
KNOWN = ("nothing", "projection", "bytes per pixel", "statistics", "statistics and projection")
Sites = Iterator[tuple[Labelled, Places]]
"""Films that teach, and their places."""
WEIGHTED = "statistics and projection, weighted"


def pairs_of(films: Labelled) -> LeftOut:
    """Return the left-out scores of the head `normals-covariance`."""
    x, _, _ = standardised(films.features, ~films.abnormal)
    solve = partial(normals_discriminant, shrinkage=NORMALS_SHRINKAGE)
    found = left_out((x @ x.T).numpy(), films.abnormal, films.patients, solve)
    assert found is not None
    return found


def known_of(films: Labelled, pa: Floats, sizes: Floats) -> Mapping[str, Floats | None]:
    """Return the statistics that a check takes into account, by the names of `KNOWN`."""
    assert films.statistics is not None
    both = np.concatenate([films.statistics, pa[:, None]], axis=1)
    return dict(zip(KNOWN, (None, pa[:, None], sizes[:, None], films.statistics, both), strict=True))


def weighted(pairs: LeftOut, known: Floats | None, films: Labelled) -> tuple[float, float]:
    """Return the generalised least-squares estimate of the mean difference, and its standard error.

    Films count as independent, so the error is too small where a patient has several abnormal films (11 of 87 patients
    in `nih_cxr8`). `unseen adapt` does not use this estimate.

    Args:
        pairs: left-out scores.
        known: statistics that are taken into account (n, k); None: none.
        films: films that teach.

    Returns:
        The difference and its standard error, in standard deviations of normal films of like statistics.
    """
    r, ill, system = residuals(pairs, known, films.abnormal)
    covariance = max(float(r.var(ddof=1)), 1.0) * np.eye(len(r)) + ill @ np.linalg.solve(system, ill.T)
    weights = np.linalg.solve(covariance, np.ones(len(r)))
    return float(weights @ r / weights.sum()), float(weights.sum() ** -0.5)


def auroc_figure(abnormal: Bools, values: Floats) -> Row:
    """Return the AUROC of a covariate as the score, with the interval of DeLong's variance."""
    above, error = auroc_difference(values, np.zeros(len(values)), abnormal)
    return Interval(above + 0.5, above + 0.5 - Z95 * error, above + 0.5 + Z95 * error).to_json()


def _by_projection(labels: Labels, pa: Floats, name: str) -> Row:
    values = np.array([float(fact[name]) for fact in labels.cells.facts])
    among = {"all": pa >= 0, "AP": pa == 0, "PA": pa > 0}
    return {one: auroc_figure(labels.abnormal[some], values[some]) for one, some in among.items()}


def settings_of(
    labels: Labels, pa: Floats, draws: int
) -> Iterator[tuple[str, bool, Iterator[tuple[Labelled, Places]]]]:
    """Yield each setting: name, whether the labels show a disease, and the sites with the places of their films."""
    normals = np.flatnonzero(~labels.abnormal & (labels.fold != FOLD))
    sick = np.flatnonzero(labels.abnormal & (labels.fold != FOLD))

    def ill(count: int) -> Sites:
        for draw in range(draws):
            drawn = np.random.default_rng([draw, FOLD, 7]).choice(sick, count, replace=False)
            yield taught(labels, FOLD, drawn), np.sort(np.concatenate([normals, drawn]))

    def called(weight: Floats, count: int) -> Sites:
        for draw in range(draws):
            rng = np.random.default_rng([draw, FOLD, 7])
            drawn = rng.choice(normals, count, replace=False, p=weight / weight.sum())
            yield relabelled(labels, drawn, mixed=False), normals

    for count in HONEST:
        yield _disease(count), True, ill(count)
    for factor, count in PROJECTION:
        yield f"PA with weight {factor:g}, {count} films", False, called(np.where(pa[normals] > 0, factor, 1.0), count)
    for name, factor in STATISTICS:
        if name != "several":
            weight = np.exp(factor * quantiles(labels, normals, name))
            yield f"{name.replace('_', ' ')}, k = {factor:g}, {LABELS} films", False, called(weight, LABELS)


def covariates_row(labels: Labels, positions: Sequence[str], draws: int = DRAWS) -> Row:
    """Return the row: AUROCs of the label by covariates, and what the check makes of the labels with each."""
    began, lines = process_time(), []
    pa = np.array([one == "PA" for one in positions], dtype=np.float64)
    sizes = np.array([float(fact["bytes_per_pixel"]) for fact in labels.cells.facts])
    for name, honest, sites in settings_of(labels, pa, draws):
        found: dict[str, list[tuple[float, float]]] = {one: [] for one in (*KNOWN, WEIGHTED)}
        for films, at in sites:
            pairs = pairs_of(films)
            every = known_of(films, pa[at], sizes[at])
            for one, known in every.items():
                found[one].append(beyond_statistics(pairs, known, films.abnormal))
            found[WEIGHTED].append(weighted(pairs, every[KNOWN[-1]], films))
        line: Row = {"setting": name, "disease": honest}
        for one, each in found.items():
            used = sum(difference > error for difference, error in each)
            line[one] = {
                "used": proportion(used, draws, without="no draw").to_json(),
                "difference": round(float(np.mean([difference for difference, _ in each])), 4),
                "error": round(float(np.median([error for _, error in each])), 4),
            }
        lines.append(line)
        print(name, {one: line[one]["used"]["value"] for one in found}, flush=True)
    return {
        "recipe": ROW,
        "seed": 0,
        "set": SET,
        "head": TESTED,
        "draws": draws,
        "n": {
            label: {one: sum(view == one for view in np.array(positions)[among]) for one in ("AP", "PA")}
            for label, among in (("normal", ~labels.abnormal), ("abnormal", labels.abnormal))
        },
        "auroc": {
            "projection": {"all": auroc_figure(labels.abnormal, pa)},
            **{name: _by_projection(labels, pa, name) for name in SHOWN},
        },
        "settings": lines,
        "device": "cpu, 1 thread",
        "seconds": round(process_time() - began, 1),
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
    }


def covariates_rows(root: Path) -> Iterator[Row]:
    """Yield the row."""
    labels = labels_of(SET, root)
    yield covariates_row(labels, projections([str(fact["name"]) for fact in labels.cells.facts]))


BY_CHANCE = 0.17
"""Share of draws in which a difference of zero exceeds one standard error, about."""


def covariates_section(row: Entry | None) -> list[str]:
    """Return the section of the page, from the row."""
    title = [
        "## Are the refusals on `nih_cxr8` right?",
        "On `nih_cxr8` the check refuses many labels of a disease. Normal and abnormal films differ there in their "
        "projection, which the set's manifest states and its PNG files do not. Does the check refuse them for that?",
    ]
    if row is None:
        return [*title, "*No row yet: `python -m studies.attempts covariates` makes it.*"]
    n, of = row["n"], {one["setting"]: one for one in row["settings"]}
    ten, many = of[_disease(10)], of[_disease(25)]
    shares = [100 * n[label]["AP"] / sum(n[label].values()) for label in ("normal", "abnormal")]
    columns = (*KNOWN, WEIGHTED)
    lines = [
        [one["setting"], "yes" if one["disease"] else "no", *(_cell(one[known]) for known in columns)]
        for one in row["settings"]
    ]
    said = [
        f"{shares[0]:.0f} % of the normal and {shares[1]:.0f} % of the abnormal films are AP. As the score, the "
        f"projection (PA) has an AUROC of {figure(row['auroc']['projection']['all'])}; "
        + "; ".join(
            f"{name.replace('_', ' ')} {figure(one['all'])}, among AP films {figure(one['AP'])}, among PA films "
            f"{figure(one['PA'])}"
            for name, one in row["auroc"].items()
            if name != "projection"
        )
        + "."
        + (" So the files differ within each projection, too." if _within(row["auroc"]) else ""),
        f"The head `{row['head']}`, films that teach as on fold {FOLD}: share of {row['draws']} draws in which the "
        "difference exceeds its standard error where the check takes nothing, the projection, bytes per pixel, the "
        "simple statistics, or these and the projection into account; in brackets the mean difference and the median "
        "standard error, in deviations of normal films. *Disease: no*: normal films are called abnormal, so each use "
        "is a false acceptance. The other condition of `unseen adapt`, on the AUROC, is left out. The last column is a "
        "check that was tried (`studies/attempts/label_covariates.py`). By these draws the projection was taken into "
        f"the check, and the weighted estimate was not. {row['device']}, {row['date']}.",
    ]
    wrong = [one for one in row["settings"] if not one["disease"]]
    mean = {known: float(np.mean([one[known]["used"]["value"] for one in wrong])) for known in columns}
    return [
        *title,
        *said,
        table(["labels", "disease", *columns], lines),
        "Mean share of false acceptances: "
        + ", ".join(f"{known} {_share(mean[known])}" for known in columns[3:])
        + ".",
        _verdict(ten, many, of),
    ]


def _within(aurocs: Mapping[str, Entry]) -> bool:
    """Return whether a statistic separates the labels among the films of each projection (intervals exclude 0.5)."""
    return any(
        all(one[place]["low"] > 0.5 or one[place]["high"] < 0.5 for place in ("AP", "PA"))
        for name, one in aurocs.items()
        if name != "projection"
    )


def _disease(count: int) -> str:
    return f"disease, {count} abnormal films"


def _cell(one: Entry) -> str:
    return f"{_share(one['used']['value'])} ({one['difference']:+.2f}, {one['error']:.2f})".replace("-", "−")


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _verdict(ten: Entry, many: Entry, of: Mapping[str, Entry]) -> str:
    def lost(known: str) -> str:
        return _share(1 - float(ten[known]["difference"]) / float(ten[KNOWN[0]]["difference"]))

    def used(one: Entry, known: str) -> str:
        return _share(one[known]["used"]["value"])

    (weight, count), most = PROJECTION[1], HONEST[-1]
    alone, simple, every = of[f"PA with weight {weight:g}, {count} films"], KNOWN[3], KNOWN[4]
    remains = ten[simple]
    shown = of[_disease(most)][simple]["used"]["low"] > BY_CHANCE
    return (
        f"With ten abnormal films the simple statistics explain {lost(simple)} of the difference, bytes per pixel "
        f"alone {lost(KNOWN[2])}, the projection alone {lost(KNOWN[1])}. What remains is "
        f"{remains['difference'] / remains['error']:.1f} standard errors: ten films show it in {used(ten, simple)} of "
        f"the draws, 25 in {used(many, simple)}, {most} in {used(of[_disease(most)], simple)} (a difference of zero: "
        f"about {_share(BY_CHANCE)}). "
        + (
            "So a refusal does not mean that the labels show no disease: the films are too few for how much their "
            "files differ. "
            if shown
            else ""
        )
        + f"Labels that show the projection alone are used in {used(alone, simple)} of the draws with {count} films by "
        f"the check that has the simple statistics, and in {used(alone, every)} by the one that knows the projection, "
        f"too; that one uses those of a disease in {used(ten, every)} with 10 and {used(many, every)} with 25 films. "
        "`unseen adapt` takes the projection into account where DICOM files (ViewPosition) or the manifest (column "
        "`view_position`) state it. Where it refuses labels and the statistics explain the head's difference, it names "
        "the statistic in which they differ most."
    )
