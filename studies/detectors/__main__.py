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
class Given:
    """Folders of the rows and the models, and the number of folds that are trained at a time."""

    rows: Path
    models: Path
    workers: int


def fold_0(given: Given) -> Iterator[Row]:
    """Every recipe on the fold for choosing."""
    yield from (development_row(recipes.load(name)) for name in _names())


def dirty(given: Given) -> Iterator[Row]:
    """Those that learn in seconds, with hidden abnormal films among the normals."""
    yield from (contamination_row(recipes.load(RECIPES + name)) for name in contamination.QUICK)


def preparations(given: Given) -> Iterator[Row]:
    """Films prepared in each way, of every set."""
    for name in preparing.RECIPES:
        for place in (None, *preparing.ELSEWHERE):
            yield preparing.preparations_row(recipes.load(name), elsewhere=place)


def twins(given: Given) -> Iterator[Row]:
    """Every recipe, on phantom twins."""
    yield from (phantom_row(recipes.load(name)) for name in _names())


def nominated(given: Given) -> Iterator[Row]:
    """Folds 1 to 4, opened for the recipe that the rule picks and for the best single one, and for no other; both
    ship."""
    for recipe, results, row in opened(picked(read_rows(given.rows)), given.workers):
        yield row
        yield {**ship(recipe, row, results, given.models), "recipe": f"shipped/{recipe.short}"}


def elsewhere(given: Given) -> Iterator[Row]:
    """The same two on other sets, the quick one first; then frozen features."""
    both = reversed(picked(read_rows(given.rows)))
    cells = [(RECIPES + name, place) for name in both for place in preparing.ELSEWHERE]
    for name, place in [*cells, *FEATURES_ELSEWHERE]:
        yield elsewhere_row(recipes.load(name), place, workers=given.workers)


def fold_0_five(given: Given) -> Iterator[Row]:
    """The ensemble of five on the fold for choosing, with the shipped model's lung finder."""
    yield development_row(recipes.load(RECIPES + FIVE), finder=f"models/{FIVE}")


def elsewhere_five(given: Given) -> Iterator[Row]:
    """The ensemble of five on other sets; its lung finder takes hours here, so the shipped model's is used."""
    for place in FIVE_ELSEWHERE:
        if f"{ELSEWHERE_ROWS}{place}/{FIVE}-0" not in read_rows(given.rows):
            yield elsewhere_row(recipes.load(RECIPES + FIVE), place, finder=f"models/{FIVE}", workers=given.workers)


def matrices(given: Given) -> Iterator[Row]:
    """Every source learnt from, every source looked at."""
    after_the_nominated(read_rows(given.rows))
    yield from (generalisation_row(recipes.load(RECIPES + name)) for name in generalisation.QUICK)


def with_labels(given: Given) -> Iterator[Row]:
    """Classifiers of the same pixels, trained on labelled films; the quick one first, on every set."""
    for kind, name in labelled.CLASSIFIERS:
        yield labelled.labelled_row(kind, recipes.load(name))
        for place in preparing.ELSEWHERE:
            yield labelled.labelled_elsewhere_row(kind, recipes.load(name), place)


def labels_added(given: Given) -> Iterator[Row]:
    """A head that a site's labels teach, beside the detector from normal films; on every set."""
    known = read_rows(given.rows)
    for name, place in ((FEATURES, None), *FEATURES_ELSEWHERE):
        yield few_labels_row(recipes.load(name), place=place, known=known)


def site(given: Given) -> Iterator[Row]:
    """A site that teaches and calibrates with its own labels: how many patients teach, on fold 0; then the test
    folds."""
    yield adapted_site_row(recipes.load(FEATURES), folds=(FOLD,), shares=SHARES)
    for name, place in ((FEATURES, None), *FEATURES_ELSEWHERE):
        yield adapted_site_row(recipes.load(name), place=place)


def by_anomalib(given: Given) -> Iterator[Row]:
    """Its own PaDiM, PatchCore and GANomaly, on the whole film and on the lung crop."""
    yield from anomalib_rows(recipes.load(ANOMALIB))


def tuned(given: Given) -> Iterator[Row]:
    """EfficientNet-lite0, trained further on synthetic lesions; on the fold for choosing."""
    yield from (fine_tuning_row(recipes.load(FEATURES), seed=seed) for seed in SEEDS)


def adjusted(given: Given) -> Iterator[Row]:
    """Yield the rows that compare lung finders; each round of finders extends the row that exists."""
    known = read_rows(given.rows)
    for name, rounds in BY_FINDER.items():
        recipe = recipes.load(name)
        yield from adjusted_rows(recipe, known.get(f"{ADJUSTED}{recipe.short}-0"), rounds=rounds)


def folds(given: Given) -> Iterator[Row]:
    """Every other recipe, on folds 1 to 4."""
    done = after_the_nominated(read_rows(given.rows))
    for name in _names():
        if name.removeprefix(RECIPES) not in done:
            yield from (row for _, _, row in opened([name.removeprefix(RECIPES)], given.workers))


def finer_pixels(given: Given) -> Iterator[Row]:
    """Recipes at twice their size on folds 1 to 4, and the network that is given labels."""
    after_the_nominated(read_rows(given.rows))
    for name in finer.RECIPES:
        yield finer.finer_row(recipes.load(RECIPES + name), workers=given.workers)
    yield finer.labelled_finer_row("network", recipes.load(dict(labelled.CLASSIFIERS)["network"]))


def counts(given: Given) -> Iterator[Row]:
    """Noise that follows the number of photons, and both kinds together."""
    pair = [recipes.load(f"counts/{name}") for name in ("roi-sure", "roi-oracle")]
    for noise in ("poisson", "mixed"):
        yield robustness(pair, sigmas=_OF_COUNTS, seeds=range(3), noise=noise, workers=given.workers)


STUDIES: dict[str, Callable[[Given], Iterator[Row]]] = {
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
    """Parse, run, and tell a user's mistakes in one sentence, with status 2."""
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
    said = parser.parse_args(arguments)
    given = Given(said.rows, said.models, said.workers)
    try:
        for study in () if said.render else said.only or STUDIES:
            for row in STUDIES[study](given):
                print("wrote", write_row(row, given.rows), flush=True)
    except (RecipeError, SourceError, ManifestError) as error:
        sys.exit(f"make results-detectors: {error}")
    for path in render(given.rows, docs=said.docs, readme=said.readme):
        print("rendered", path)


def _names() -> list[str]:
    """The recipes for choosing: a new one joins by being there."""
    return [name for name in recipes.names() if name.startswith(RECIPES)]


if __name__ == "__main__":
    main()
