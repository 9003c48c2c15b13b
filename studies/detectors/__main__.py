"""`python -m studies.detectors`: train and test every detector, write the rows, render the page.

python -m studies.detectors                        all that follows, in this order (a day; goes on)
python -m studies.detectors --only fold-0          every recipe, on the fold for choosing
python -m studies.detectors --only dirty           hidden abnormal films among the normals
python -m studies.detectors --only preparations    what is done to films beforehand
python -m studies.detectors --only twins           the same recipes on phantom twins
python -m studies.detectors --only nominated       the nominated and the best single one on folds 1 to 4
python -m studies.detectors --only elsewhere       these two and features, learning from other sets and tested there
python -m studies.detectors --only fold-0-five     ensemble-five on the same fold, with the lung finder of its model
python -m studies.detectors --only elsewhere-five  ensemble-five on other sets, with the lung finder of its model
python -m studies.detectors --only generalisation  learnt at one place, used at another
python -m studies.detectors --only labelled        classifiers of the same pixels that are given labels
python -m studies.detectors --only few-labels      what 10 to all labels add to the detector on frozen features
python -m studies.detectors --only site            what is cleared where a site teaches and calibrates with its labels
python -m studies.detectors --only anomalib        anomalib's own detectors on the same films (make peers-anomalib)
python -m studies.detectors --only fine-tuning     the frozen network, trained on by synthetic lesions, on fold 0
python -m studies.detectors --only adjusted        AUROC and adjusted AUROC on the lungs of several finders
python -m studies.detectors --only folds           every other on folds 1 to 4
python -m studies.detectors --only finer           recipes at twice their size, beside themselves
python -m studies.detectors --only counts          roi-sure and roi-oracle on films with noise of counts
python -m studies.detectors --render               the pages, from the committed rows alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from studies import recipe_files as recipes
from studies.detectors import contamination, finer, generalisation, labelled
from studies.detectors.adapted_site import SHARES, adapted_site_row
from studies.detectors.adjusted_by_finder import RECIPES as BY_FINDER
from studies.detectors.adjusted_by_finder import ROWS as ADJUSTED
from studies.detectors.adjusted_by_finder import adjusted_rows
from studies.detectors.contamination import contamination_row
from studies.detectors.development import FOLD, RECIPES, development_row, phantom_row
from studies.detectors.elsewhere import ROWS as ELSEWHERE_ROWS
from studies.detectors.elsewhere import elsewhere_row
from studies.detectors.few_labels import few_labels_row
from studies.detectors.fine_tuning import SEEDS, fine_tuning_row
from studies.detectors.generalisation import generalisation_row
from studies.detectors.opening import after_the_nominated, opened, picked
from studies.detectors.preparations import comparing as preparing
from studies.peers.anomalib_rows import RECIPE as ANOMALIB
from studies.peers.anomalib_rows import anomalib_rows
from studies.rendering import render
from studies.robustness.study import robustness
from studies.row_files import add_rows_option, read_rows, write_row
from studies.rows import Row
from studies.shipping import ship
from unseen.artifacts.recipe import RecipeError
from unseen.data.manifest import ManifestError, SourceError

FEATURES = RECIPES + "ensemble-features"
FEATURES_ELSEWHERE = (
    (FEATURES, "kermany"),
    ("elsewhere/ensemble-features-160", "nih_cxr8"),
)
"""200 components need 254 normal films, and a fold of nih_cxr8 leaves 248: there 160."""
FIVE = "ensemble-five"
FIVE_ELSEWHERE = ("kermany", "nih_cxr8")
_OF_COUNTS = (0.0, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Options:
    """Folders of the rows and the models, and the number of folds that are trained at a time."""

    rows: Path
    models: Path
    workers: int


def fold_0(options: Options) -> Iterator[Row]:
    """Yield the rows of all recipes on the fold for choosing."""
    yield from (development_row(recipes.load(name)) for name in _names())


def dirty(options: Options) -> Iterator[Row]:
    """Yield the rows of quick recipes that are trained on normal films with undetected abnormal films."""
    yield from (contamination_row(recipes.load(RECIPES + name)) for name in contamination.QUICK)


def preparations(options: Options) -> Iterator[Row]:
    """Yield the rows of all preparations of films, on all sets."""
    for name in preparing.RECIPES:
        for place in (None, *preparing.ELSEWHERE):
            yield preparing.preparations_row(recipes.load(name), elsewhere=place)


def twins(options: Options) -> Iterator[Row]:
    """Yield the rows of all recipes on matched pairs of phantoms, with and without a lesion."""
    yield from (phantom_row(recipes.load(name)) for name in _names())


def nominated(options: Options) -> Iterator[Row]:
    """Yield the rows on folds 1 to 4 of the nominated recipe and the best single method, and write their models.

    No other recipe is tested on these folds here.
    """
    for recipe, results, row in opened(picked(read_rows(options.rows)), options.workers):
        yield row
        yield {**ship(recipe, row, results, options.models), "recipe": f"shipped/{recipe.short}"}


def elsewhere(options: Options) -> Iterator[Row]:
    """Yield the rows of the two nominated recipes on other sets, the quick one first; then of frozen features."""
    both = reversed(picked(read_rows(options.rows)))
    cells = [(RECIPES + name, place) for name in both for place in preparing.ELSEWHERE]
    for name, place in [*cells, *FEATURES_ELSEWHERE]:
        yield elsewhere_row(recipes.load(name), place, workers=options.workers)


def fold_0_five(options: Options) -> Iterator[Row]:
    """Yield the row of the ensemble of five on the fold for choosing, with the shipped model's lung finder."""
    yield development_row(recipes.load(RECIPES + FIVE), finder=f"models/{FIVE}")


def elsewhere_five(options: Options) -> Iterator[Row]:
    """Yield the rows of the ensemble of five on other sets.

    Training its lung finder takes hours, so the shipped model's is used.
    """
    for place in FIVE_ELSEWHERE:
        if f"{ELSEWHERE_ROWS}{place}/{FIVE}-0" not in read_rows(options.rows):
            yield elsewhere_row(recipes.load(RECIPES + FIVE), place, finder=f"models/{FIVE}", workers=options.workers)


def matrices(options: Options) -> Iterator[Row]:
    """Yield the rows of cross-site evaluation: training on each source, evaluation on each source."""
    after_the_nominated(read_rows(options.rows))
    yield from (generalisation_row(recipes.load(RECIPES + name)) for name in generalisation.QUICK)


def with_labels(options: Options) -> Iterator[Row]:
    """Yield the rows of supervised references: classifiers of the same pixels, on all sets, the quick one first."""
    for kind, name in labelled.CLASSIFIERS:
        yield labelled.labelled_row(kind, recipes.load(name))
        for place in preparing.ELSEWHERE:
            yield labelled.labelled_elsewhere_row(kind, recipes.load(name), place)


def labels_added(options: Options) -> Iterator[Row]:
    """Yield the rows of heads trained on a site's labels, next to the detector of normal films, on all sets."""
    known = read_rows(options.rows)
    for name, place in ((FEATURES, None), *FEATURES_ELSEWHERE):
        yield few_labels_row(recipes.load(name), place=place, known=known)


def site(options: Options) -> Iterator[Row]:
    """Yield the rows of a site that trains a head and calibrates with its own labels.

    The number of patients for training is chosen on fold 0; the test folds follow.
    """
    yield adapted_site_row(recipes.load(FEATURES), folds=(FOLD,), shares=SHARES)
    for name, place in ((FEATURES, None), *FEATURES_ELSEWHERE):
        yield adapted_site_row(recipes.load(name), place=place)


def by_anomalib(options: Options) -> Iterator[Row]:
    """Yield the rows of anomalib's PaDiM, PatchCore and GANomaly, on the whole film and on the lung crop."""
    yield from anomalib_rows(recipes.load(ANOMALIB))


def tuned(options: Options) -> Iterator[Row]:
    """Yield the rows of EfficientNet-lite0 fine-tuned on synthetic lesions, on the fold for choosing."""
    yield from (fine_tuning_row(recipes.load(FEATURES), seed=seed) for seed in SEEDS)


def adjusted(options: Options) -> Iterator[Row]:
    """Yield the rows that compare lung finders; each round of finders extends the row that exists."""
    known = read_rows(options.rows)
    for name, rounds in BY_FINDER.items():
        recipe = recipes.load(name)
        yield from adjusted_rows(recipe, known.get(f"{ADJUSTED}{recipe.short}-0"), rounds=rounds)


def folds(options: Options) -> Iterator[Row]:
    """Yield the rows of all other recipes on folds 1 to 4."""
    done = after_the_nominated(read_rows(options.rows))
    for name in _names():
        if name.removeprefix(RECIPES) not in done:
            yield from (row for _, _, row in opened([name.removeprefix(RECIPES)], options.workers))


def finer_pixels(options: Options) -> Iterator[Row]:
    """Yield the rows of recipes at twice their size on folds 1 to 4, and of the supervised reference."""
    after_the_nominated(read_rows(options.rows))
    for name in finer.RECIPES:
        yield finer.finer_row(recipes.load(RECIPES + name), workers=options.workers)
    yield finer.labelled_finer_row("network", recipes.load(dict(labelled.CLASSIFIERS)["network"]))


def counts(options: Options) -> Iterator[Row]:
    """Yield the rows of robustness to Poisson noise, and to Poisson and Gaussian noise together."""
    pair = [recipes.load(f"counts/{name}") for name in ("roi-sure", "roi-oracle")]
    for noise in ("poisson", "mixed"):
        yield robustness(pair, sigmas=_OF_COUNTS, seeds=range(3), noise=noise, workers=options.workers)


STUDIES: dict[str, Callable[[Options], Iterator[Row]]] = {
    "fold-0": fold_0,
    "dirty": dirty,
    "preparations": preparations,
    "twins": twins,
    "nominated": nominated,
    "elsewhere": elsewhere,
    "fold-0-five": fold_0_five,
    "elsewhere-five": elsewhere_five,
    "generalisation": matrices,
    "labelled": with_labels,
    "few-labels": labels_added,
    "site": site,
    "anomalib": by_anomalib,
    "fine-tuning": tuned,
    "adjusted": adjusted,
    "folds": folds,
    "finer": finer_pixels,
    "counts": counts,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the studies, and print a mistake of the user as one sentence, with exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m studies.detectors", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the docs from the rows in --rows")
    parser.add_argument("--only", nargs="+", choices=STUDIES, metavar="STUDY", help=f"of {', '.join(STUDIES)}")
    add_rows_option(parser)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where the pages go (default: docs)")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument(
        "--models", type=Path, default=Path("models/src/unseen_models"), help="folder of the shipped models"
    )
    parser.add_argument("--workers", type=int, default=2, help="folds at a time, one thread each (default: 2)")
    parsed = parser.parse_args(arguments)
    options = Options(parsed.rows, parsed.models, parsed.workers)
    try:
        for study in () if parsed.render else parsed.only or STUDIES:
            for row in STUDIES[study](options):
                print("wrote", write_row(row, options.rows), flush=True)
    except (RecipeError, SourceError, ManifestError) as error:
        sys.exit(f"make results-detectors: {error}")
    for path in render(options.rows, docs=parsed.docs, readme=parsed.readme):
        print("rendered", path)


def _names() -> list[str]:
    """Return the names of the recipes for choosing: all files of their folder."""
    return [name for name in recipes.names() if name.startswith(RECIPES)]


if __name__ == "__main__":
    main()
