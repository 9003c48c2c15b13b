"""`python -m studies.laterality`: laterality and like pairs of the shipped models, next to simple statistics.

Laterality: abnormal Shenzhen films whose reading names one side; the lungs are the drawn masks. No model was trained
on an abnormal film. Recipes were chosen on fold 0, so the figures of folds 1 to 4 count. Like pairs: the abnormal films
of folds 1 to 4 against the normal films of fold 4, the only normal films that no shipped model was trained on.

python -m studies.laterality                     all shipped models; films that are scored are found again
python -m studies.laterality models/pca          only these models
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from studies.crossfit import TEST_FOLDS
from studies.one_sided import ScoredFilm, scored_films, table_of
from studies.row_files import add_rows_option, write_row
from studies.rows import Row
from unseen import __version__
from unseen.detectors.saved import load
from unseen.evaluation.intervals import Json
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.laterality_auroc import laterality
from unseen.evaluation.lung_sides import LUNG_SHORTCUTS
from unseen.evaluation.matching import balance, like_pairs
from unseen.evaluation.metrics import ALIKE, metrics_from_table
from unseen.evaluation.simple_statistics import STATISTIC_NAMES
from unseen.evaluation.statistics_mix import usable_statistics

MODELS = ("ensemble-five", "ensemble-aligned", "anatpaste-all-aligned", "pca", "roi-sure")
ALL = "all"


def sides(films: Sequence[ScoredFilm]) -> dict[str, Json]:
    """Return the laterality of the one-sided films among `films`, next to simple statistics of each lung."""
    some = [film for film in films if film.side and film.ratio is not None and film.lungs is not None]
    shortcuts = {name: [film.lungs[name] for film in some if film.lungs] for name in LUNG_SHORTCUTS}
    found = laterality([film.ratio for film in some if film.ratio is not None],
                       [film.side == "right" for film in some], shortcuts=shortcuts)  # fmt: skip
    return {**found.to_json(), "unsplit": sum(bool(film.side) for film in films) - len(some)}


def pairs(films: Sequence[ScoredFilm]) -> dict[str, Json]:
    """Return AUROC and like pairs of `films`, by covariate, and what each statistic has on pairs alike in all."""
    table = table_of(films)
    _, every = usable_statistics(table)
    balanced = balance(table, every, every)
    found = metrics_from_table(table)
    similar = found["like_pairs"]
    assert isinstance(similar, dict)
    return {
        "auroc": found["auroc"],
        "like_pairs": {
            "sharpness": similar["sharpness"],
            **{name: like_pairs(table, [name]).to_json() for name in ("lung_area", "bytes_per_pixel")},
            ALL: similar[ALIKE],
        },
        "balance": {name: balanced[name].to_json() for name in STATISTIC_NAMES if name in balanced},
        "n": {label: sum(film.label == label for film in films) for label in ("normal", "abnormal")},
    }


def laterality_row(model: str, films: Sequence[ScoredFilm]) -> Row:
    """Return the row of a model from its scored films."""
    card = load(model).card
    assert card is not None
    tested = [film for film in films if film.fold in TEST_FOLDS]
    return {
        "recipe": f"laterality/{Path(model).name}",
        "seed": 0,
        "model_digest": card.digest,
        "folds": list(TEST_FOLDS),
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "films": "abnormal films of folds 1 to 4 and normal films of fold 4: none of them was trained on",
        "laterality": sides(tested),
        "laterality_with_fold_0": sides(films),
        **pairs(tested),
    }


def main(arguments: Iterable[str] | None = None) -> None:
    """Score the films with each model and write its row."""
    parser = argparse.ArgumentParser(prog="python -m studies.laterality", description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="names or folders of models (default: all shipped models)")
    add_rows_option(parser)
    given = parser.parse_args(None if arguments is None else list(arguments))
    for model in given.models or [f"models/{name}" for name in MODELS]:
        films = scored_films(model)
        row = laterality_row(model, films)
        print("wrote", write_row(row, given.rows), flush=True)
        found = row["laterality"]
        best = found["best_shortcut"]
        said = f"{model}: laterality {figure(found)} of {found['right'] + found['left']} films"
        if best is not None:
            said += f"; minus {LUNG_SHORTCUTS[best]} {figure(found['differences'][best], sign=True)}"
        print(said)


if __name__ == "__main__":
    main()
