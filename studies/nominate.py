"""`python -m studies.nominate`: nominate recipes by like pairs and laterality, and report both figures.

Nomination, on fold 0: each recipe is trained on the normal films of folds 1 to 4. Tested are the normal films of fold
0, the same films with a lesion drawn into one lung (an opacity in one, three nodules in the other), and the 31 abnormal
films of fold 0 whose reading names one side.

    index = ½ (like pairs, alike in all statistics + laterality)

The recipe of the highest index is nominated. The rule was committed before any figure was computed.

Report, on films that chose nothing: each recipe is trained on the normal films of folds 0 to 3, with finders and
detectors of three seeds, and tested as the shipped models are (`studies.laterality`): laterality on the 137 one-sided
films of folds 1 to 4, like pairs of the abnormal films of folds 1 to 4 and the normal films of fold 4. A row counts how
often its recipe was scored on them.

python -m studies.nominate --part fold-0                      nomination
python -m studies.nominate --part folds-1-4 --seeds 0 1 2     report
python -m studies.nominate pca dct --part fold-0              only these recipes
python -m studies.nominate deep-svdd one-class-svm --part fold-0   two with a training loop of half a minute

Scores are kept in the folder of runs, so a study that is stopped continues.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
import torch

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.laterality import sides
from studies.one_sided import RECIPE, ScoredFilm, compared, halves, kept_films, named_side, table_of
from studies.row_files import add_rows_option, read_row, write_row
from studies.rows import Row
from studies.shipping import FOLD as REPORT
from unseen import __version__
from unseen.anatomy.found_lungs import FoundLungs
from unseen.artifacts.recipe import Recipe, validated
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film
from unseen.detectors.finding import Finding
from unseen.detectors.fitting import Fitting
from unseen.detectors.frozen_features import FrozenFeatures, FrozenNetwork, published
from unseen.detectors.painted_lesions import nodules, opacity
from unseen.evaluation.bootstrap import DRAWS, BootstrapCohort, Drawn, draw_all
from unseen.evaluation.intervals import Json
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.metrics import ALIKE, metrics_from_table
from unseen.evaluation.roc import Auroc, folds_of
from unseen.runs.cohort import Cohort, cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import detector_of, resolve, run_of, train_recipe, with_changes
from unseen.training.settings import Training

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from unseen.detectors.detector import Detector
    from unseen.detectors.normals import Normals

ROWS = "nominate/"
RECIPES = (
    "pca", "pca-aligned", "dct", "dct-aligned", "padim", "mahalanobis", "patchcore", "feature-pca", "feature-lda",
    "ensemble-features",
)  # fmt: skip
"""Recipes without a training loop: they learn in seconds."""
SLOW = ("ensemble-five",)
"""Recipes whose finder takes hours here: trained once, on fold 0, with the finder of the shipped model of that name."""
CHOOSE = 0
SEEDS = (0, 1, 2)
PARTS = {"fold-0": CHOOSE, "folds-1-4": REPORT}
LESIONS = ("opacity", "nodules")
REAL, SYNTHETIC = "real", "synthetic"
DRAWN = "#"  # between the name of a film and the lesion that is drawn into it


@dataclass(frozen=True, eq=False)
class Asked:
    """Film that is scored, with its drawn lungs, the name under which its score is kept, its fold and its ill side."""

    film: Film
    file: str
    fold: int
    side: str


def with_lesion(film: Film, kind: str, side: str) -> Film:
    """Draw a lesion into one lung of a film; the film's digest determines what is drawn.

    Args:
        film: normal film with its drawn lungs, which can be split.
        kind: one of `LESIONS`.
        side: right or left.

    Returns:
        The film, labelled abnormal.
    """
    both = None if film.lungs is None else halves(film.lungs)
    if both is None:
        raise ValueError(f"{film.name} has no drawn lungs on both sides; leave it out.")
    lung = torch.from_numpy(both[("right", "left").index(side)])
    rng = torch.Generator().manual_seed(int(film.pixel_sha256[:8], 16) % 2**31 + LESIONS.index(kind))
    image = torch.from_numpy(film.pixels) * 2 - 1
    changed, _ = opacity(image, lung, rng) if kind == "opacity" else nodules(image, lung, rng, number=3)
    pixels = ((changed + 1) / 2).clamp(0, 1).numpy().astype(np.float32)
    return replace(film, pixels=pixels, label="abnormal")


def one_sided_lesions(film: Film, fold: int) -> Iterator[Asked]:
    """Yield a normal film with each lesion, one in each lung; nothing where the drawn lungs cannot be split."""
    if film.lungs is None or halves(film.lungs) is None:
        return
    first = int(film.pixel_sha256[-1], 16) % 2
    for kind, side in zip(LESIONS, ("right", "left") if first else ("left", "right"), strict=True):
        yield Asked(with_lesion(film, kind, side), f"{film.name}{DRAWN}{kind}", fold, side)


def asked_of(cohort: Cohort, part: str) -> Iterator[Asked]:
    """Yield the films of a part of the study."""
    folds = (CHOOSE,) if part == "fold-0" else TEST_FOLDS
    chosen = cohort.films.select(
        lambda entry: (
            (entry.label == "abnormal" and cohort.fold_of[entry.name] in folds)
            or (entry.label == "normal" and cohort.fold_of[entry.name] == PARTS[part])
        )
    )
    for film in replace(chosen, masks=True):
        assert isinstance(film, Film), film.name
        fold, side = cohort.fold_of[film.name], named_side(film)
        if part == "fold-0" and film.label == "abnormal" and not side:
            continue
        yield Asked(film, film.name, fold, side)
        if part == "fold-0" and film.label == "normal":
            yield from one_sided_lesions(film, fold)


def fitted(names: Sequence[str], cohort: Cohort, fold: int, seed: int, root: Path) -> dict[str, Detector]:
    """Train recipes of one lung finder on the normal films of all folds but one.

    Films are read once for each view, and detectors on frozen features share one network, so a film's features are
    computed once for all of them.

    Args:
        names: recipes of `RECIPES`.
        cohort: the films.
        fold: fold that is left out.
        seed: seed of finder and detectors.
        root: folder of the runs, with the finders.

    Returns:
        The detectors by name.
    """
    chosen = {name: _recipe(name, seed) for name in names}
    films = cohort.training(fold)
    lungs = shared_lungs(films, next(iter(chosen.values())), fold=fold, data_digest=cohort.digest, root=root)
    made = {name: detector_of(recipe) for name, recipe in chosen.items()}
    share_network(made.values())
    seen: dict[object, Normals] = {}
    for name, detector in made.items():
        detector.finder = lungs
        if _views(detector) not in seen:
            seen[_views(detector)] = detector.prepare(films)
        began = process_time()
        training = validated(chosen[name].training, Training, where="training")
        detector.learn(seen[_views(detector)], Fitting(training))
        detector.facts["cpu_seconds"] = round(process_time() - began, 1)
    return made


def share_network(detectors: Iterable[Detector]) -> None:
    """Give all single detectors on frozen features one network with the published weights."""
    frozen = [one for one in detectors if isinstance(one, FrozenFeatures)]
    if frozen:
        network = FrozenNetwork(sorted({block for one in frozen for block in one.config.blocks}))
        network.fill(published())
        network.eval()
        for one in frozen:
            one.backbone = network


def with_given_finder(name: str, root: Path) -> Detector:
    """Train a recipe of `SLOW` without fold 0, with the lung finder of the shipped model, or find it trained."""
    return train_recipe(_recipe(name, 0), fold=CHOOSE, finder=Path("models") / name, root=root).detector


def scored(detectors: Mapping[str, Detector], asked: Iterable[Asked], kept: Mapping[str, Path]) -> None:
    """Score films by several detectors of one finder, each film's views once, and keep the scores as lines of JSON.

    Args:
        detectors: the detectors, by name.
        asked: the films.
        kept: file of each detector's scores.
    """
    known = {name: {one.file for one in kept_films(kept[name])} for name in detectors}
    for number, one in enumerate(asked, 1):
        found, seen = FoundLungs(one.film), {}
        for name, detector in detectors.items():
            if one.file in known[name]:
                continue
            if _views(detector) not in seen:
                seen[_views(detector)] = detector.look(one.film, found)
            viewed = seen[_views(detector)]
            judged = detector.judge(viewed)
            drawn = viewed.turned_back(judged.anomaly_map)
            finding = Finding(one.film, judged.score, judged.parts, drawn, None, viewed.upright)
            line = compared(finding, file=one.file, fold=one.fold, side=one.side)
            with kept[name].open("a", encoding="utf-8") as file:
                file.write(json.dumps(line.__dict__) + "\n")
        if number % 50 == 0:
            print(f"{number} films", flush=True)


def kept_file(name: str, fold: int, seed: int, root: Path) -> Path:
    """Return the file of a recipe's scores."""
    _, digest = run_of(_recipe(name, seed), fold=fold, root=root)
    path = root / "nominate" / f"{name}-f{fold}-{seed}-{digest[:12]}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def over_seeds(ratios: ArrayLike, right_ill: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> dict[str, Json]:
    """Return the mean laterality over trainings, with its 95 % bootstrap interval over films and trainings.

    Args:
        ratios: `side_ratio` of each film by each training, shape (trainings, films).
        right_ill: true where the disease is in the right lung, shape (films,).
        draws: number of bootstrap draws.
        seed: seed of the bootstrap.

    Returns:
        Value and interval as JSON values.

    Example:
        >>> over_seeds([[0.4, 0.2, -0.1, -0.3]] * 2, [True, True, False, False], draws=50)
        {'value': 1.0, 'low': 1.0, 'high': 1.0}
    """
    values, side = np.asarray(ratios, dtype=np.float64), np.asarray(right_ill, dtype=bool)
    cohort = BootstrapCohort.of_one_fold(side, np.full(len(side), ""), values[0])
    rng = np.random.default_rng(seed)
    statistics = {str(i): Auroc(folds_of(column, side, cohort.fold)) for i, column in enumerate(values)}
    drawn = list(draw_all(statistics, cohort, draws=draws, rng=rng).values())
    each = np.stack([one.draws for one in drawn])  # (trainings, draws)
    taken = rng.integers(0, len(values), each.shape)
    mean = np.take_along_axis(each, taken, axis=0).mean(axis=0)
    return Drawn(np.asarray(np.mean([one.value for one in drawn])), mean).interval().to_json()


def chosen_figures(films: Sequence[ScoredFilm]) -> Row:
    """Return the figures of fold 0: laterality and like pairs on synthetic and real one-sided films together."""
    synthetic = [film for film in films if DRAWN in film.file]
    real = [film for film in films if film.side and DRAWN not in film.file]
    together: Row = sides(films)
    alike: Row = dict(_metrics(films)["like_pairs"])
    return {
        "laterality": together,
        f"laterality_{SYNTHETIC}": sides(synthetic),
        f"laterality_{REAL}": sides(real),
        "like_pairs": {"sharpness": alike["sharpness"], "all": alike[ALIKE]},
        "index": round((float(together["value"]) + float(alike[ALIKE]["value"])) / 2, 6),
        "n": {"normal": sum(film.label == "normal" for film in films), SYNTHETIC: len(synthetic), REAL: len(real)},
    }


def report_figures(trainings: Mapping[int, Sequence[ScoredFilm]]) -> Row:
    """Return the figures on the films that chose nothing, from the scores of each seed."""
    first = trainings[min(trainings)]
    some = {seed: [film for film in films if film.side and film.ratio is not None] for seed, films in trainings.items()}
    right = [film.side == "right" for film in some[min(some)]]
    ratios = [[film.ratio for film in films if film.ratio is not None] for films in some.values()]
    found = {seed: _metrics(films) for seed, films in trainings.items()}
    alike = found[min(found)]["like_pairs"]
    return {
        "seeds": sorted(trainings),
        "laterality": {**over_seeds(ratios, right), "right": sum(right), "left": len(right) - sum(right)},
        "laterality_each": [sides(films)["value"] for films in trainings.values()],
        "laterality_first": sides(first),
        "like_pairs": {"sharpness": alike["sharpness"], "all": alike[ALIKE]},
        "like_pairs_each": [one["like_pairs"][ALIKE]["value"] for one in found.values()],
        "auroc": found[min(found)]["auroc"],
        "auroc_each": [one["auroc"]["pooled"]["value"] for one in found.values()],
        "n": {label: sum(film.label == label for film in first) for label in ("normal", "abnormal")},
    }


def row_of(name: str, before: Row | None, part: str, figures: Row, *, looked: bool, cpu: float) -> Row:
    """Return a recipe's row with new figures of one part; figures of the other part are taken from the row before."""
    before = before or {}
    return {
        **{key: value for key, value in before.items() if key in ("fold-0", "folds-1-4")},
        part: {**figures, "date": datetime.now(UTC).date().isoformat(), "cpu_seconds": cpu},
        "recipe": f"{ROWS}{name}",
        "seed": 0,
        "looks": int(before.get("looks", 0)) + looked,
        "lesions": list(LESIONS),
        "finder": "models/ensemble-five" if name in SLOW else "trained",
        "version": __version__,
    }


def main(arguments: Iterable[str] | None = None) -> None:
    """Train, score and write the rows of one part."""
    parser = argparse.ArgumentParser(prog="python -m studies.nominate", description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help=f"of {', '.join((*RECIPES, *SLOW))} (default: {', '.join(RECIPES)})")
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="trainings of the report (default: 0)")
    add_rows_option(parser)
    given = parser.parse_args(None if arguments is None else list(arguments))
    root, fold, names = runs_root(), PARTS[given.part], given.recipes or list(RECIPES)
    cohort = cohort_of(resolve(recipes.load(RECIPE)))
    cpu: dict[str, float] = {}
    looked: set[str] = set()
    for seed in (0,) if fold == CHOOSE else given.seeds:
        kept = {name: kept_file(name, fold, seed, root) for name in names}
        missing = [name for name in names if not _complete(kept[name])]
        quick = [name for name in missing if name not in SLOW]
        groups = [fitted(quick, cohort, fold, seed, root)] if quick else []
        groups += [{name: with_given_finder(name, root)} for name in missing if name in SLOW]
        for detectors in groups:
            cpu |= {name: one.facts.get("cpu_seconds", one.facts.get("training_seconds", 0.0))
                    for name, one in detectors.items()}  # fmt: skip
            scored(detectors, asked_of(cohort, given.part), kept)
            for name in detectors:
                kept[name].with_suffix(".done").touch()
                looked |= {name} if fold == REPORT else set()
    for name in names:
        print(_written(name, given.part, root, given.rows, looked=name in looked, cpu=cpu.get(name)), flush=True)


def _written(name: str, part: str, root: Path, rows: Path, *, looked: bool, cpu: float | None) -> str:
    fold, before = PARTS[part], read_row(f"{ROWS}{name}-0", rows)
    spent = float((before or {}).get(part, {}).get("cpu_seconds", 0.0)) if cpu is None else cpu
    files = {seed: kept_file(name, fold, seed, root) for seed in ((CHOOSE,) if fold == CHOOSE else SEEDS)}
    trainings = {seed: sorted(kept_films(path), key=lambda one: one.file)
                 for seed, path in files.items() if _complete(path)}  # fmt: skip
    figures = chosen_figures(trainings[0]) if fold == CHOOSE else report_figures(trainings)
    written = write_row(row_of(name, before, part, figures, looked=looked, cpu=spent), rows)
    pairs = figure(figures["like_pairs"]["all"])
    return f"wrote {written}: laterality {figure(figures['laterality'])}, like pairs {pairs}"


def _metrics(films: Sequence[ScoredFilm]) -> Row:
    return metrics_from_table(table_of(films))


def _complete(path: Path) -> bool:
    return path.with_suffix(".done").is_file()


def _recipe(name: str, seed: int) -> Recipe:
    return resolve(with_changes(recipes.load(f"detectors/{name}"), seed=seed))


def _views(detector: Detector) -> object:
    return (detector.view, detector.views)


if __name__ == "__main__":
    main()
