"""Gain by a site's labels: heads on frozen features beside a detector of normal films, cross-fitted over folds 1 to 4.

A head learns from the labelled films of the other folds, all or some of the abnormal ones, drawn 20 times. A film that
teaches has the score of the model that was trained without its fold; a tested film has its own fold's model, lungs and
head. Everything else is `screening.adapt`'s own choice among the films that teach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from studies.crossfit import TEST_FOLDS
from studies.detectors.generalisation import learnt_from
from studies.detectors.preparations.comparing import carrying, moved
from studies.halves import halves_row
from studies.pages.cells import Entry, table
from studies.rows import Row, study_of_folds
from unseen import __version__
from unseen.artifacts.files import replacing
from unseen.artifacts.recipe import Recipe, digest
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film
from unseen.data.patient_fold import FOLDS
from unseen.detectors.adapted import Adapted
from unseen.detectors.saved import load
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.roc import Auroc, folds_of
from unseen.evaluation.simple_statistics import trivial_statistics
from unseen.runs.cohort import Cohort, cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import resolve, train_recipe
from unseen.screening.adaptation import Labelled, choose, mix_of, predicted, statistics_of
from unseen.screening.labelled_studies import Study

if TYPE_CHECKING:
    import polars as pl

ROWS = "detectors/few-labels/"
"""Prefix of the rows' names."""
ABNORMALS = (10, 20, 40, 80, 160, 320)
"""Numbers of abnormal training films; all of them are used too. Numbers above those of the other folds are left out."""
DRAWS = 20
RATES = (0.01, 0.02, 0.05, 0.10, 0.20)
"""Miss rates at which studies are cleared."""
_MAIN_RATE = 0.05
_SPLITS = 200
_JUDGED = ("normals_only", "adapted", "head")
_HEAD = ("abnormal films", "from normals alone", "adapted", "head alone", "mean share ω", "kept")
HOME = "ms_cxr"


@dataclass(frozen=True, eq=False)
class Seen:
    """All labelled films in one order, as a fold's model sees them: features (n, d), scores and lung areas (n,)."""

    features: torch.Tensor
    score: NDArray[np.float64]
    lung_area: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judged:
    """Scores of the tested films of a fold, (n,) each: from normal films alone, adapted, and of the head alone.

    `at` has the positions of the films, and `share` is the weight ω of the head.
    """

    at: NDArray[np.int64]
    normals_only: NDArray[np.float64]
    adapted: NDArray[np.float64]
    head: NDArray[np.float64]
    share: float


def few_labels_row(
    recipe: Recipe,
    *,
    place: str | None = None,
    known: Mapping[str, Entry] | None = None,
    folds: Sequence[int] = TEST_FOLDS,
    counts: Sequence[int] = ABNORMALS,
    draws: int = DRAWS,
    root: Path | None = None,
) -> Row:
    """Return the row of a recipe's detector with labels; its models are trained, or found again.

    Args:
        place: another set, whose normal films it learns from and whose films are tested; lungs as in `elsewhere`.
        known: the rows so far: the main figures of the one that this takes the place of are kept, where they differ.
    """
    recipe = resolve(recipe)
    study = labelled_films(recipe, place=place, root=root)
    films, fold = study.films, study.fold
    print(f"{len(films)} labelled films seen by {FOLDS} models")
    curve: list[Row] = []
    most = min(int(study.abnormal[fold != number].sum()) for number in folds)
    for count in (*(count for count in counts if count < most), None):
        found = [study.judged(folds, count, draw) for draw in range(1 if count is None else draws)]
        curve.append({"abnormals": count, **study.figures(found)})
        print(f"{count or 'all'} abnormal films: {curve[-1]['adapted']['value']:.3f}")
    everything = found[0]
    table = study.table(everything)
    name = f"{ROWS}{recipe.short}" + ("" if place is None else f"-{place}")
    found_all = metrics_from_table(table)
    before = (known or {}).get(f"{name}-{recipe.seed}")
    return {
        **study_of_folds(name, recipe, folds),
        "set": place or HOME,
        "recipe_text": recipe.to_toml(),
        "draws": draws,
        "n": {label: int(sum(film.label == label for film in films)) for label in ("normal", "abnormal")},
        "curve": curve,
        **({} if before is None else {"earlier": earlier(before, found_all)}),
        "all": found_all,
        "elsewhere": study.across(folds),
        "halves": {
            name: halves_row(recipe, study.studies(everything, pooled=pooled), splits=_SPLITS, rates=RATES)["rates"]
            for name, pooled in (("apart", False), ("pooled", True))
            if not pooled or len(set(study.source)) > 1
        },
    }


def labelled_films(recipe: Recipe, *, place: str | None, root: Path | None) -> LabelledFilms:
    """Return all labelled films of a resolved recipe's set, or of another `place`, as the model of each fold sees them;
    models are trained, or found again."""
    root = runs_root() if root is None else root
    cohort = cohort_of(recipe if place is None else moved(recipe, place))
    films = [film for film in cohort.films.select(lambda entry: entry.label is not None) if isinstance(film, Film)]
    fold = np.array([cohort.fold_of[film.name] for film in films])
    seen = {number: _seen(recipe, number, cohort, films, root, place) for number in range(FOLDS)}
    # a film that teaches: by the model that was trained without its fold
    base = np.array([seen[number].score[i] for i, number in enumerate(fold)])
    return LabelledFilms(films, fold, base, [trivial_statistics(film) for film in films], seen)


def earlier(known: Entry, found: Entry) -> list[Row]:
    """Return the main figures of earlier runs, for a row that is made again.

    The figures of `known` are added: AUROC with all labels, and the normals cleared at the main rate. Nothing is added
    if the new metrics with all labels, `found`, have the same AUROC.
    """
    if found["auroc"] == known["all"]["auroc"]:
        return [*known.get("earlier", [])]
    cleared = {
        name: source["all"]["normals_cleared"]
        for rates in known["halves"].values()
        for rate in rates
        if rate["max_miss_rate"] == _MAIN_RATE
        for name, source in rate["sources"].items()
        if "normals_cleared" in source["all"]
    }
    now = {"date": known["date"], "version": known["version"], "auroc": known["all"]["auroc"]["pooled"]}
    return [*known.get("earlier", []), {**now, "cleared": cleared}]


def beside_labels(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = "## Adaptation with labelled films of the site"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only few-labels` makes them.*"]
    row, *others = sorted(rows, key=lambda row: row.get("set", HOME) != HOME)
    auroc_of = row["all"]["auroc"]
    across = [
        [name.capitalize(), *(f"{found[which]:.2f}" for which in _JUDGED), f"{found['share']:.1f}"]
        for name, found in row["elsewhere"].items()
    ]
    return [
        title,
        "*Supervised: do not compare with rows trained on normal films only.* `unseen adapt --head ridge`, the "
        f"default, on top of `{row['recipe'].removeprefix(ROWS)}` (the other head is measured "
        "[elsewhere](results-attempts.md#the-two-heads-of-unseen-adapt)): a linear head on frozen features learns from "
        f"the normal films of the other folds and from some of their abnormal films, drawn {row['draws']} times. Folds "
        f"{row['folds'][0]} to {row['folds'][-1]}; mean AUROC, and 2.5th to 97.5th percentile over the draws. *Kept*: "
        "how often the score from normal films alone was kept, because the labels added too little beyond simple image "
        "statistics, by the check of that date ([the present "
        "one](results-attempts.md#does-the-check-refuse-labels-that-show-a-film-statistic-alone)). Seed "
        f"{row['seed']}, CPU, {row['date']}.",
        table(_HEAD, _curve(row)),
        f"With all labels: {', '.join(f'{name} {figure(entry)}' for name, entry in auroc_of.items())} "
        f"(intervals over films and patients). The mix of simple statistics, given the labels, has "
        f"{figure(row['all']['shortcuts']['mix']['pooled'])}.",
        *(_across(across) if across else []),
        "**Studies cleared** by the adapted score with all labels of the other folds ([method](results-screening.md)). "
        "*Both*: one threshold for both hospitals. Films on both sides of a half taught each other's heads, so "
        "the guarantee is approximate here; it is exact in [the study of a site]"
        "(#a-site-that-teaches-and-calibrates-with-its-own-labels), where fewer films calibrate.",
        _cleared(row),
        *_before(row),
        "Before this test on folds 1 to 4, a trial outside of this repository compared eight sets of features on fold "
        "0, with and without the acquisition projected out or matched by weights. The trial also printed figures on "
        "held-out parts of the training films, which belong to folds 1 to 4, so these folds were not unseen. Fold 0 "
        "made the choice.",
        *(block for other in others for block in _on(other)),
    ]


def _curve(row: Entry) -> list[list[str]]:
    return [
        [
            "all" if entry["abnormals"] is None else f"{entry['abnormals']}",
            *(figure(entry[name]) if entry["abnormals"] else f"{entry[name]['value']:.2f}" for name in _JUDGED),
            f"{entry['share']:.1f}",
            f"{100 * entry['kept']:.0f} %",
        ]
        for entry in row["curve"]
    ]


def _cleared(row: Entry) -> str:
    """The table of what is cleared: each source by its own threshold, then, where there are several, all by one."""
    one = len(row["halves"]["apart"][0]["sources"]) == 1
    lines = [
        [
            f"{100 * rate['max_miss_rate']:g} %",
            f"`{name}`" if one else name.capitalize(),
            source["halves"].get("reason") or figure(source["halves"]["normals_cleared"]),
            "–" if "reason" in source["halves"] else figure(source["halves"]["abnormals_missed"]),
            source["all"].get("refused") or figure(source["all"]["normals_cleared"]),
        ]
        for rates in ((row["halves"]["apart"],) if one else row["halves"].values())
        for rate in rates
        for name, source in rate["sources"].items()
    ]
    return table(["α", "source", "halves: normals cleared", "halves: abnormals missed", "all: normals cleared"], lines)


def _before(row: Entry) -> list[str]:
    """Return a sentence with the figures of each earlier run of the same recipe and seed."""
    return [
        f"An earlier run of the same recipe and seed ({one['date']}, version {one['version']}) had "
        f"{figure(one['auroc'])} with all labels. By one calibration at {100 * _MAIN_RATE:g} % it cleared "
        + ", ".join(f"{figure(share)} ({name.capitalize()})" for name, share in one["cleared"].items())
        + " of the normal studies."
        for one in row.get("earlier", ())
    ]


def _on(row: Entry) -> list[str]:
    found = row["all"]
    n = found["n"]["pooled"]
    return [
        f"**The same on `{row['set']}`** ({n['normal']} normal and {n['abnormal']} abnormal tested films; "
        f"`{row['recipe'].removeprefix(ROWS).removesuffix('-' + row['set'])}` learnt from the set's own normal films; "
        f"seed {row['seed']}, {row['date']}). With all labels {figure(found['auroc']['pooled'])}; the mix of simple "
        f"statistics, given the labels, {figure(found['shortcuts']['mix']['pooled'])}.",
        table(_HEAD, _curve(row)),
        "Studies cleared there, by the adapted score with all labels of the other folds:",
        _cleared(row),
        *_before(row),
    ]


def _across(lines: list[list[str]]) -> list[str]:
    return [
        "**Taught by one hospital's labels, tested on the other's films.** A head is for the site whose labels it "
        "learnt from, and `calibrate` judges it there.",
        table(["labels of", "from normals alone", "adapted", "head alone", "mean share ω"], lines),
    ]


@dataclass(frozen=True, eq=False)
class LabelledFilms:
    """Labelled films, the fold of each, its score by the model without its fold, and what each fold's model sees."""

    films: Sequence[Film]
    fold: NDArray[np.int64]
    base: NDArray[np.float64]
    statistics: Sequence[dict[str, float | None]]
    seen: dict[int, Seen]

    @property
    def abnormal(self) -> NDArray[np.bool_]:
        return np.array([film.label == "abnormal" for film in self.films])

    @property
    def source(self) -> NDArray[np.str_]:
        return np.array([film.source for film in self.films])

    def judged(self, folds: Sequence[int], count: int | None, draw: int, *, taught_by: str = "") -> list[Judged]:
        """Return each fold's films, judged by a head that the others' taught, or those of one source among them."""
        found = []
        for number in folds:
            rng = np.random.default_rng([draw, number])
            others = (self.fold != number) & ((self.source == taught_by) | (taught_by == ""))
            sick = np.flatnonzero(others & self.abnormal)
            if count is not None:
                sick = rng.choice(sick, min(count, len(sick)), replace=False)
            teaching = np.sort(np.concatenate([np.flatnonzero(others & ~self.abnormal), sick]))
            tested = np.flatnonzero((self.fold == number) & ((self.source != taught_by) | (taught_by == "")))
            found.append(self.judged_by(number, teaching, tested))
        return found

    def judged_by(self, number: int, teaching: NDArray[np.int64], tested: NDArray[np.int64]) -> Judged:
        """Return the tested films by the fold's model, and by a head beside it that the teaching films taught."""
        seen, patients = self.seen[number], [self.films[i].patient or self.films[i].name for i in teaching]
        areas = [{**self.statistics[i], "lung_area": float(seen.lung_area[i])} for i in teaching]
        abnormal = self.abnormal[teaching]
        taught = Labelled(
            seen.features[teaching],
            self.base[teaching],
            abnormal,
            patients,
            mix_of(areas, patients, abnormal),
            statistics=statistics_of(areas),
        )
        chosen = choose(taught)
        normal, head = predicted(taught, chosen, seen.features[tested], seen.score[tested])
        return Judged(tested, normal, normal + chosen.share * head, head, chosen.share)

    def auroc(self, found: Sequence[Judged], name: str) -> float:
        """Return the mean AUROC of the folds, each weighted by its pairs of a normal and an abnormal film."""
        at, score = (np.concatenate([getattr(one, part) for one in found]) for part in ("at", name))
        return float(Auroc(folds_of(score, self.abnormal[at], self.fold[at]))(np.ones((1, len(at))))[0])

    def figures(self, draws: Sequence[Sequence[Judged]]) -> Row:
        """Mean over the draws, and their 2.5th to 97.5th percentile."""
        row: Row = {}
        for name in _JUDGED:
            values = [self.auroc(found, name) for found in draws]
            low, high = np.quantile(values, [0.025, 0.975])
            row[name] = {"value": float(np.mean(values)), "low": float(low), "high": float(high)}
        row["share"] = float(np.mean([one.share for found in draws for one in found]))
        row["kept"] = float(np.mean([one.share == 0 for found in draws for one in found]))
        return row

    def across(self, folds: Sequence[int]) -> dict[str, Row]:
        """Taught by one source's labels, tested on the others' films; nothing where there is one source."""
        names = set(self.source.tolist())
        return {
            name: {
                which: self.auroc(found, which) for which in _JUDGED
            } | {"share": float(np.mean([one.share for one in found]))}
            for name in sorted(names)
            if len(names) > 1
            for found in [self.judged(folds, None, 0, taught_by=name)]
        }  # fmt: skip

    def table(self, found: Sequence[Judged]) -> pl.DataFrame:
        """Return a score table, for the usual figures."""
        import polars as pl

        rows = []
        for one in found:
            for i, score in zip(one.at.tolist(), one.adapted.tolist(), strict=True):
                film, number = self.films[i], int(self.fold[i])
                area = float(self.seen[number].lung_area[i])
                rows.append(
                    {"file": film.name, "label": film.label, "source": film.source, "patient": film.patient}
                    | {"score": score, "fold": number, "pixel_sha256": film.pixel_sha256, "status": "scored"}
                    | {**self.statistics[i], "lung_area": area}
                )
        return pl.DataFrame(rows, infer_schema_length=None)

    def studies(self, found: Sequence[Judged], *, pooled: bool) -> list[Study]:
        """Return the tested films for `halves`; pooled: as of one source."""
        return [
            Study(
                name=film.study,
                patient=film.patient,
                source="both" if pooled else film.source,
                abnormal=film.label == "abnormal",
                score=float(score),
                films=(film.pixel_sha256,),
            )
            for one in found
            for film, score in zip([self.films[i] for i in one.at], one.adapted, strict=True)
        ]


def _seen(recipe: Recipe, fold: int, cohort: Cohort, films: Sequence[Film], root: Path, place: str | None) -> Seen:
    """Return features, scores and lung areas of all labelled films by the fold's model; they are kept in a file."""
    if place is None:
        run = train_recipe(recipe, fold=fold, root=root).run
        kept = run.folder / "labelled-features.npz"
    else:
        name = f"{recipe.short}-{place}-f{fold}-{digest(recipe, data_digest=cohort.digest, version=__version__)[:8]}"
        kept = root / "few-labels" / f"{name}.npz"
    names = np.array([film.pixel_sha256 for film in films])
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as read:
            if np.array_equal(read["names"], names):
                return Seen(torch.from_numpy(read["features"]).double(), read["score"], read["lung_area"])
    if place is None:
        detector, shown = load(run.bundle), films
    else:
        home = cohort_of(recipe)
        finder = shared_lungs(home.training(fold), recipe, fold=fold, data_digest=home.digest, root=root)
        normals = carrying(cohort.training(fold), finder)
        detector, shown = learnt_from(normals, recipe, source=place, fold=fold, root=root), carrying(films, finder)
    adapted = Adapted.beside(detector)
    rows = []
    for film in shown:
        viewed = adapted.look(film)
        rows.append((adapted.features(viewed).numpy(), adapted.base.judge(viewed).score, viewed.lung_area or 0.0))
    features, score, area = (np.array(column) for column in zip(*rows, strict=True))
    kept.parent.mkdir(parents=True, exist_ok=True)
    with replacing(kept) as temporary, temporary.open("wb") as written:
        np.savez(written, names=names, features=features, score=score, lung_area=area)
    return Seen(torch.from_numpy(features).double(), score, area)
