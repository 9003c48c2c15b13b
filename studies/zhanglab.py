"""`python -m studies.zhanglab`: detectors of ZhangLab's normal films, cross-validated on its training split.

Recipes are chosen by synthetic lesions alone, drawn into the normal films of fold 0 by the recipes' own lung finder:
opacities of `painted_lesions`, and an uneven haze with six nodules. No abnormal film is used to fit or to choose. Exact
duplicates are dropped. Folds are assigned by patient; fold 0 is for choosing, and folds 1 to 4 are tested. The features
of all films are computed once (`frozen_cells`). Each run on a recipe is one look at its figures on real films, and its
row counts them.

python -m studies.zhanglab                 features, the synthetic lesions, and all rows
python -m studies.zhanglab ensemble-five   the row of the ensemble of five, with the lung finder of its model (hours)
python -m studies.zhanglab ensemble-five --lesions   only its figures on the synthetic lesions, into its row (an hour)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import FrozenCells, Lesion, frozen_cells, remembered, scores_of
from studies.detectors.generalisation import learnt_from
from studies.detectors.preparations.comparing import carrying, moved
from studies.pages.cells import Entry, table
from studies.pages.training_cost import ensemble_line
from studies.row_files import read_row, write_row
from studies.rows import Row
from unseen import __version__
from unseen.anatomy.lesion_shapes import smooth_noise
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts import card_of, replacing
from unseen.artifacts.recipe import Recipe, digest, validated
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film, area
from unseen.detectors import METHODS
from unseen.detectors.ensemble import HELD_OUT, MOST
from unseen.detectors.even_choice import evenly
from unseen.detectors.frozen_features import FrozenFeatures
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.detectors.painted_lesions import nodules, opacity
from unseen.evaluation.bootstrap import cohort_of as bootstrap_cohort
from unseen.evaluation.bootstrap import draw_all
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.matching import like_pairs
from unseen.evaluation.roc import Auroc, auroc, folds_of
from unseen.evaluation.table import score_table
from unseen.runs.cohort import Cohort, cohort_of
from unseen.runs.process_pool import worker_processes
from unseen.runs.training import resolve

if TYPE_CHECKING:
    import polars as pl

    from unseen.detectors.detector import Detector

ROWS = "zhanglab/"
ENTRY = "zhanglab/entry"
FIVE = "ensemble-five"
SEEDS = (0, 1, 2)
DRAWS = 200
"""Bootstrap draws: 5,190 films and 500,000 pairs make 2,000 draws slow."""
SHORTCUTS = ("sharpness", "bytes_per_pixel", "lung_area")
ALIKE = ("sharpness", "bytes_per_pixel")
"""Covariates of the pairs of similar films."""

AIM = 0.94
"""Cross-validated AUROC that was aimed at."""
_UNKNOWN = "not known to us"
_SPLIT = "official split: its training normals; tested on 234 + 390"
_BY_LABELS = "the epoch is chosen by labelled films"
_STUDIES = "BMAD (arXiv 2306.11876), MedIAnomaly (arXiv 2404.04518)"
PUBLISHED = (
    ("AnatPaste", "ZhangLab", "0.921", _SPLIT, _BY_LABELS, "Sato et al. 2023"),
    ("SimSID", "ZhangLab", "0.91", _SPLIT, _UNKNOWN, "Xiang et al., arXiv 2403.08689"),
    ("SQUID", "ZhangLab", "0.876", _SPLIT, _UNKNOWN, "Xiang et al. 2023, arXiv 2111.13495"),
    ("AnatPaste", "CheXpert; RSNA", "0.787; 0.819", _UNKNOWN, _BY_LABELS, "Sato et al. 2023"),
    ("DAE; AE-U", "RSNA", "0.861; 0.865", _UNKNOWN, _UNKNOWN, _STUDIES),
    ("PatchCore; PaDiM", "RSNA", "0.76; 0.77", _UNKNOWN, _UNKNOWN, _STUDIES),
    ("AE; AE-U", "VinDr", "0.56; 0.74", _UNKNOWN, _UNKNOWN, _STUDIES),
)
"""Method, films, AUROC, numbers of normal and abnormal films, choice of the epoch, source."""


def members_of(name: str) -> tuple[Mapping[str, Any], ...]:
    """Return the members of a recipe of an ensemble: each with its key and settings."""
    listed = recipes.load(name).method.settings["members"]
    assert isinstance(listed, list)
    return tuple({"key": one["key"], **one.get("settings", {})} for one in listed)


_TEXTURE, _REGIONS = members_of(ENTRY)
_COARSE = {"key": "feature-pca", "blocks": (4,), "grid": 7, "components": 400}
CANDIDATES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "entry": (_TEXTURE, _REGIONS),
    "texture-two-scales": (_TEXTURE, _COARSE),
    "texture-and-regions": (_TEXTURE, _COARSE, _REGIONS),
    "mahalanobis": ({"key": "mahalanobis", "blocks": (4, 7, 10, 14), "grid": 14},),
}
"""Members of each candidate, all on the view "lungs"; those of "entry" are read from its recipe."""


@dataclass(frozen=True, eq=False)
class ZhangLab:
    """Films of the training split without duplicates, and their features.

    Args:
        cells: the features.
        fold: fold of each film (n,).
        abnormal: label of each film (n,).
        synthetic: features of fold 0's normal films with a lesion, by the lesion's type.
        dropped: number of exact duplicates that are left out.
        recipe_digest: digest of the recipe `ENTRY` on these films.
    """

    cells: FrozenCells
    fold: NDArray[np.int64]
    abnormal: NDArray[np.bool_]
    synthetic: Mapping[str, FrozenCells]
    dropped: int
    recipe_digest: str


def opacities(film: Film, lungs: NDArray[np.bool_]) -> Film:
    """Paint one or two opacities of `painted_lesions` into a film."""
    rng, inside, image = _prepared(film, lungs, offset=7)
    changed, _ = opacity(image, inside, rng)
    if torch.rand((), generator=rng) < 0.5:
        changed, _ = opacity(changed, inside, rng)
    return _with(film, changed)


def haze(film: Film, lungs: NDArray[np.bool_]) -> Film:
    """Paint an uneven haze into both lungs, and six nodules."""
    rng, inside, image = _prepared(film, lungs, offset=3)
    soft = functional.avg_pool2d(inside.float()[None, None], 9, 1, 4)[0, 0] * inside
    strength = 0.08 + 0.25 * float(torch.rand((), generator=rng))
    changed = image + strength * (0.6 + 0.4 * smooth_noise(image.shape[0], image.shape[1], 10, rng)) * soft
    changed, _ = nodules(changed, inside, rng, number=6)
    return _with(film, changed)


LESIONS = (Lesion("opacity", 1, opacities), Lesion("haze", 1, haze))


def zhanglab(root: Path) -> ZhangLab:
    """Read the films and compute their features, or find those that are kept below `root`."""
    recipe = resolve(recipes.load(ENTRY))
    cohort = cohort_of(recipe)
    name = digest(recipe, data_digest=cohort.digest, version=__version__)
    films, dropped = _films(cohort)
    finder = finder_of("models/lungs")
    assert isinstance(finder, LungFinder)
    fold = np.array([cohort.fold_of[film.name] for film in films])
    abnormal = np.array([film.label == "abnormal" for film in films])
    some = [film for film, number, ill in zip(films, fold, abnormal, strict=True) if number == 0 and not ill]
    synthetic = {lesion.name: frozen_cells(some, finder, root, "zhanglab", lesion=lesion) for lesion in LESIONS}
    return ZhangLab(frozen_cells(films, finder, root, "zhanglab"), fold, abnormal, synthetic, dropped, name)


def standardised(
    members: Sequence[Mapping[str, Any]], data: ZhangLab, fold: int, seen: Sequence[tuple[FrozenCells, Any]], seed: int
) -> list[NDArray[np.float64]]:
    """Score films as the ensemble does whose members learn from the normal films of the other folds.

    Args:
        members: keys and settings.
        data: the films.
        fold: fold that is left out.
        seen: features, and positions in them, of the films that are scored.
        seed: seed of the members.

    Returns:
        The mean of the members' scores, each in standard deviations of a fifth of the training films that was held out.
    """
    normals = np.flatnonzero(~data.abnormal & (data.fold != fold))
    held = np.array([int(data.cells.facts[i]["pixel_sha256"], 16) % HELD_OUT == 0 for i in normals])
    kept = np.array(evenly(normals[held].tolist(), MOST))
    found = [np.zeros(len(at)) for _, at in seen]
    for member in members:
        part = remembered(_made(member), data.cells, "lungs", normals[~held], seed=seed)
        scale = scores_of(part, data.cells, "lungs", kept)
        whole = remembered(_made(member), data.cells, "lungs", normals, seed=seed)
        for total, (cells, at) in zip(found, seen, strict=True):
            total += (scores_of(whole, cells, "lungs", at) - scale.mean()) / scale.std(ddof=1) / len(members)
    return found


def synthetic_figures(members: Sequence[Mapping[str, Any]], data: ZhangLab) -> dict[str, float]:
    """Return the AUROC of fold 0's normal films with a synthetic lesion against the same films without, by type."""
    normals = np.flatnonzero(~data.abnormal & (data.fold == 0))
    places = [(cells, np.arange(len(cells.facts))) for cells in data.synthetic.values()]
    plain, *ill = standardised(members, data, 0, [(data.cells, normals), *places], 0)
    truth = np.repeat([False, True], [len(plain), len(plain)])
    return {
        name: round(auroc(truth, np.concatenate([plain, one])), 6)
        for name, one in zip(data.synthetic, ill, strict=True)
    }


def cross_validated(members: Sequence[Mapping[str, Any]], data: ZhangLab, seed: int) -> NDArray[np.float64]:
    """Score each film of the tested folds by the ensemble that learns from the normal films of all other folds.

    Args:
        members: keys and settings.
        data: the films.
        seed: seed of the members.

    Returns:
        Scores of the films of `TEST_FOLDS`, in their order (n,).
    """
    score = np.zeros(len(data.fold))
    for fold in TEST_FOLDS:
        at = np.flatnonzero(data.fold == fold)
        score[at] = standardised(members, data, fold, [(data.cells, at)], seed)[0]
    return score[tested(data)]


def tested(data: ZhangLab) -> NDArray[np.bool_]:
    """Return which films are of the tested folds (n,)."""
    return np.isin(data.fold, TEST_FOLDS)


def row_of(name: str, data: ZhangLab, *, looks: int) -> Row:
    """Return the row of a candidate: its figures on synthetic lesions and on real films.

    Args:
        name: name of the candidate.
        data: the films.
        looks: number of times that its figures on real films were computed, this one included.

    Returns:
        The row.
    """
    import polars as pl

    members, began = CANDIDATES[name], process_time()
    synthetic = synthetic_figures(members, data)
    seeds = SEEDS if name == "entry" else (0,)
    first, *others = (cross_validated(members, data, seed) for seed in seeds)
    score, spent = first, (process_time() - began) / len(seeds)
    at = np.flatnonzero(tested(data))
    facts = [data.cells.facts[i] for i in at]
    table = pl.DataFrame(facts, infer_schema_length=None).with_columns(
        file=pl.Series([fact["name"] for fact in facts]), fold=pl.Series(data.fold[at]), score=pl.Series(score),
        status=pl.lit("scored"),
    )  # fmt: skip
    return {
        "recipe": f"{ROWS}{name}",
        "seed": 0,
        "seeds": list(seeds),
        "seeds_agree": all(np.array_equal(first, other) for other in others),
        **({"recipe_digest": data.recipe_digest} if name == "entry" else {}),
        "members": [dict(member) | {"blocks": list(member["blocks"])} for member in members],
        "px": 224,
        "features": "EfficientNet-lite0, computed in bfloat16, kept in half precision",
        "folds": list(TEST_FOLDS),
        "draws": DRAWS,
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "looks": looks,
        "seconds": round(spent, 1),
        "synthetic": synthetic,
        **_figures(table, data.dropped),
    }


def five_row(root: Path, *, looks: int) -> Row:
    """Return the row of the ensemble of five, two folds at a time; the scores of a finished fold are kept below `root`.

    Its lung finder is that of the model of its name, which has seen none of these films. It is no candidate, so it has
    no figures on synthetic lesions.

    Args:
        root: folder of the runs.
        looks: number of times that its figures on real films were computed, this one included.

    Returns:
        The row.
    """
    import polars as pl

    with worker_processes(2) as pool:
        found = list(pool.map(_fold_of_five, TEST_FOLDS, [str(root)] * len(TEST_FOLDS)))
    recipe = resolve(recipes.load(f"detectors/{FIVE}"))
    return {
        "recipe": f"{ROWS}{FIVE}",
        "seed": recipe.seed,
        "px": recipe.view["size"],
        "finder": f"models/{FIVE}",
        "folds": list(TEST_FOLDS),
        "draws": DRAWS,
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "looks": looks,
        **_figures(pl.concat([table for table, _ in found]), found[0][1]),
    }


def five_on_lesions(root: Path) -> dict[str, float]:
    """Return the ensemble's AUROC of fold 0's normal films with a synthetic lesion against the same films without.

    Args:
        root: folder of the runs, where an interrupted training continues.

    Returns:
        AUROC by the lesion's type, as `synthetic_figures` has it for the candidates.
    """
    films = _FilmsOfFive.read()
    detector = films.trained(0, root)
    plain = [one for one in films.films if one.label == "normal" and films.cohort.fold_of[one.name] == 0]
    normal = _scores(detector, films.seen(plain))
    truth = np.repeat([False, True], len(plain))
    return {
        lesion.name: round(
            auroc(
                truth,
                np.concatenate(
                    [normal, _scores(detector, films.seen(lesion.paint(one, films.finder.find(one)) for one in plain))]
                ),
            ),
            6,
        )
        for lesion in LESIONS
    }


@dataclass(frozen=True, eq=False)
class _FilmsOfFive:
    """The recipe of the ensemble of five on the films of the entry, these films, and its lung finder."""

    recipe: Recipe
    cohort: Cohort
    films: Sequence[Film]
    dropped: int
    finder: LungFinder

    @classmethod
    def read(cls) -> _FilmsOfFive:
        recipe = moved(resolve(recipes.load(f"detectors/{FIVE}")), "zhanglab")
        cohort = cohort_of(recipe)
        films, dropped = _films(cohort)
        finder = finder_of(f"models/{FIVE}")
        assert isinstance(finder, LungFinder), FIVE
        return cls(recipe, cohort, films, dropped, finder)

    def seen(self, films: Iterable[Film]) -> list[Film]:
        """Return films with the lungs that the finder finds in them."""
        return carrying(films, self.finder)

    def trained(self, fold: int, root: Path) -> Detector:
        """Train on the normal films of all folds but one, on one thread."""
        torch.set_num_threads(1)
        some = (one for one in self.films if one.label == "normal" and self.cohort.fold_of[one.name] != fold)
        return learnt_from(self.seen(some), self.recipe, source="zhanglab", fold=fold, root=root)


def _scores(detector: Detector, films: Sequence[Film]) -> NDArray[np.float64]:
    table = score_table(detector, films, keep=0).table
    assert table["status"].to_list() == ["scored"] * len(films)
    return table["score"].to_numpy().astype(np.float64)


def _fold_of_five(fold: int, root: str) -> tuple[pl.DataFrame, int]:
    """Return the scores of a fold's films by the ensemble of five of the other folds' normal films, and the number of
    duplicates."""
    import polars as pl

    films = _FilmsOfFive.read()
    known = " ".join([films.cohort.digest, str(films.dropped), card_of(f"models/{FIVE}").digest])
    name = digest(films.recipe, data_digest=known, version=__version__)
    kept = Path(root) / "zhanglab" / f"{FIVE}-f{fold}-{name[:12]}.arrow"
    if kept.is_file():
        return pl.read_ipc(kept), films.dropped
    detector = films.trained(fold, Path(root))
    seen = films.seen(one for one in films.films if films.cohort.fold_of[one.name] == fold)
    table = score_table(detector, seen, keep=0).table.with_columns(fold=pl.lit(fold, pl.Int64))
    kept.parent.mkdir(parents=True, exist_ok=True)
    with replacing(kept) as path:
        table.write_ipc(path)
    return table, films.dropped


def _figures(table: pl.DataFrame, dropped: int) -> Row:
    """Return the figures of scores on the real films of the tested folds.

    Args:
        table: file, fold, label, status, score and image statistics of each film.
        dropped: number of exact duplicates that are left out.

    Returns:
        Numbers of films, AUROC, that of each shortcut, and pairs of similar films.
    """
    cohort = bootstrap_cohort(table)
    columns = {one: table[one].to_numpy().astype(float) for one in ("score", *SHORTCUTS)}
    drawn = draw_all(
        {key: Auroc(folds_of(values, cohort.abnormal, cohort.fold)) for key, values in columns.items()},
        cohort,
        draws=DRAWS,
        rng=np.random.default_rng(0),
    )
    ill = int(cohort.abnormal.sum())
    return {
        "n": {"normal": table.height - ill, "abnormal": ill, "dropped": dropped},
        "auroc": drawn["score"].interval().to_json(),
        "shortcuts": {one: drawn[one].strength().interval().to_json() for one in SHORTCUTS},
        "like_pairs": {one: like_pairs(table, (one,), draws=DRAWS).to_json() for one in ALIKE},
    }


def zhanglab_section(rows: Mapping[str, Entry]) -> list[str]:
    """Return the section of the detectors' page; empty without the row of the entry."""
    entry = rows.get(f"{ROWS}entry-0")
    if entry is None:
        return []
    found = [row for name, row in rows.items() if name.startswith(ROWS) and row["recipe"] != f"{ROWS}{FIVE}"]
    five = rows.get(f"{ROWS}{FIVE}-0")
    lines = [
        [
            f"`{row['recipe'].removeprefix(ROWS)}`",
            " / ".join(f"{value:.2f}" for value in row["synthetic"].values()),
            figure(row["auroc"]),
            *(figure(row["like_pairs"][one]) for one in ALIKE),
            str(row["looks"]),
        ]
        for row in sorted(found, key=lambda row: -float(np.mean(list(row["synthetic"].values()))))
    ]
    if five is not None:
        drawn = " / ".join(f"{value:.2f}" for value in five.get("synthetic", {}).values()) or "–"
        alike = [figure(five["like_pairs"][one]) for one in ALIKE]
        lines.append([f"`{FIVE}`, {five['px']} px", drawn, figure(five["auroc"]), *alike, str(five["looks"])])
    else:
        lines += ensemble_line(rows, len(entry["folds"]) * int(entry["n"]["normal"]), 4 + len(ALIKE))
    value, n = float(entry["auroc"]["value"]), entry["n"]
    return [
        "## ZhangLab: paediatric films",
        f"Recipe `{ENTRY}`, trained on normal films only (`python -m studies.zhanglab`, with the name `{FIVE}` for its "
        "row). Folds by patient of the training split; tested on folds "
        f"{entry['folds'][0]} to {entry['folds'][-1]}, each by a model of the normal films of all other folds: "
        f"{n['normal']:,} normal and {n['abnormal']:,} abnormal films ({n['dropped']} exact duplicates dropped from "
        "the split), "
        f"{entry['px']} px, {entry['draws']} bootstrap draws, {entry['date']}. It has no random part: seeds "
        f"{', '.join(map(str, entry['seeds']))} give "
        f"{'equal scores' if entry['seeds_agree'] else 'different scores'}. The aim of {AIM:.2f} is "
        f"{'reached' if value >= AIM else 'missed'}. Shortcuts alone: "
        + ", ".join(f"{_words(name)} {figure(one)}" for name, one in entry["shortcuts"].items())
        + "."
        + _beyond(entry),
        f"The candidates are the {len(found)} recipes with figures in the table (`CANDIDATES` in "
        "`studies/zhanglab.py`). They are compared by two synthetic lesions drawn into fold 0's normal films (opacity "
        "/ haze; AUROC against the same films "
        "without). *Looks* is the number of times that a recipe's figures on real films were computed, including "
        "a trial before the first row. No recipe was changed by these figures. "
        f"`{_best(found)}` has the highest mean over both lesions. The latest look follows a correction: `places` now "
        "divides by the lungs of each place. "
        "`entry` was chosen before it, when its mean was the highest, and was not chosen again."
        + ("" if five is None else _five_in_words(five)),
        table(
            ["Recipe", "synthetic lesions", "AUROC", *(f"pairs alike in {_words(one)}" for one in ALIKE), "looks"],
            lines,
        ),
        "Published AUROCs of detectors of normal films, without intervals. Those of ZhangLab are of the official test "
        "split (234 normal and 390 abnormal films), which was not used here, so the figures are not comparable. We do "
        "not know the training budgets of any of them.",
        table(
            ["Method", "films", "AUROC", "numbers of films", "protocol", "source"],
            PUBLISHED,
        ),
    ]


def _five_in_words(five: Entry) -> str:
    """Return the sentences on the ensemble of five: what it is, the aim, and the shortcuts."""
    value, ceiling = five["auroc"], max(five["shortcuts"].values(), key=lambda one: float(one["high"]))
    above = float(value["low"]) > float(ceiling["high"])
    lesions = (
        " Its figures on the synthetic lesions were computed after those on real films, and one of its members learns "
        "from painted opacities, so they favour it."
        if "synthetic" in five
        else ""
    )
    return (
        f" `{FIVE}` is no candidate: it was scored after the entry was recorded, once, by one training of each fold "
        f"(seed {five['seed']}); its lung finder is that of `{five['finder']}`. It "
        f"{'reaches' if float(value['value']) >= AIM else 'misses'} the aim, and its interval "
        f"{'lies above' if above else 'does not lie above'} those of all shortcuts." + lesions
    )


def zhanglab_conclusion(rows: Mapping[str, Entry]) -> list[str]:
    """Return the conclusion on the ensemble of five on these films; none without its row."""
    five = rows.get(f"{ROWS}{FIVE}-0")
    if five is None:
        return []
    name, strongest = max(five["shortcuts"].items(), key=lambda one: float(one[1]["value"]))
    return [
        f"on ZhangLab's training split (children), trained on the normal films of the other folds, `{FIVE}` reaches "
        f"{figure(five['auroc'])}, {_words(name)} alone {figure(strongest)}; on pairs alike in sharpness "
        f"`{FIVE}` has {figure(five['like_pairs']['sharpness'])}"
    ]


def _best(found: Sequence[Entry]) -> str:
    """Return the candidate with the highest mean AUROC over the synthetic lesions."""
    best = max(found, key=lambda row: float(np.mean(list(row["synthetic"].values()))))
    return str(best["recipe"]).removeprefix(ROWS)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _beyond(entry: Entry) -> str:
    """Return the sentence on shortcuts that are as strong as the entry; "" where none is."""
    strong = [name for name, one in entry["shortcuts"].items() if one["high"] >= entry["auroc"]["low"]]
    if not strong:
        return ""
    names = " and ".join(_words(name) for name in strong)
    return (
        f" The entry's interval overlaps with that of {names}, so its AUROC on all films is no evidence of detecting "
        "disease."
    )


def main(arguments: Iterable[str] | None = None) -> None:
    """Compute the rows, print their figures and write them."""
    parser = argparse.ArgumentParser(prog="python -m studies.zhanglab", description=__doc__.splitlines()[0])
    parser.add_argument(
        "candidates", nargs="*", help=f"of {', '.join([*CANDIDATES, FIVE])} (default: all but the last)"
    )
    parser.add_argument("--lesions", action="store_true", help=f"only the figures on synthetic lesions, of {FIVE}")
    parser.add_argument("--rows", type=Path, default=Path("studies/results"), help="folder of the rows")
    given = parser.parse_args(None if arguments is None else list(arguments))
    if given.lesions:
        before = read_row(f"{ROWS}{FIVE}-0", given.rows)
        if before is None or given.candidates != [FIVE]:
            parser.error(f"--lesions adds to the row of {FIVE}: give this name, and compute its row before")
        print("wrote", write_row({**before, "synthetic": five_on_lesions(runs_root())}, given.rows), flush=True)
        return
    films = cache(zhanglab)
    for name in given.candidates or CANDIDATES:
        before = read_row(f"{ROWS}{name}-0", given.rows)
        looks = 1 if before is None else int(before["looks"]) + 1
        root = runs_root()
        row = five_row(root, looks=looks) if name == FIVE else row_of(name, films(root), looks=looks)
        print("wrote", write_row(row, given.rows), flush=True)
        alike = ", ".join(f"{_words(one)} {figure(row['like_pairs'][one])}" for one in ALIKE)
        print(f"{name}: {figure(row['auroc'])}; pairs alike in {alike}", flush=True)


def _films(cohort: Cohort) -> tuple[list[Film], int]:
    """Return the labelled films without exact duplicates, and the number of those."""
    films: dict[str, Film] = {}
    read = 0
    for film in cohort.films.select(lambda entry: entry.label is not None):
        assert isinstance(film, Film)
        films.setdefault(film.pixel_sha256, film)
        read += 1
    return list(films.values()), read - len(films)


def _made(member: Mapping[str, Any]) -> FrozenFeatures:
    settings = {name: value for name, value in member.items() if name != "key"}
    method = METHODS.load(str(member["key"]))
    made = method(validated(settings, method.Config, where="members"), size=224)
    assert isinstance(made, FrozenFeatures)
    return made


def _prepared(
    film: Film, lungs: NDArray[np.bool_], *, offset: int
) -> tuple[torch.Generator, torch.Tensor, torch.Tensor]:
    """Return the film's own generator, its lungs on its pixels, and its image in network units."""
    rng = torch.Generator().manual_seed(int(film.pixel_sha256[:8], 16) % 2**31 + offset)
    inside = torch.from_numpy(area(lungs.astype(np.float32), *film.pixels.shape) > 0.5)
    if float(inside.float().mean()) < 0.02:
        inside = torch.ones_like(inside)
    return rng, inside, torch.from_numpy(film.pixels) * 2 - 1


def _with(film: Film, image: torch.Tensor) -> Film:
    return replace(film, pixels=((image + 1) / 2).clamp(0, 1).numpy().astype(np.float32))


if __name__ == "__main__":
    main()
