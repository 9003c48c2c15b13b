"""Several generators' bundles, the same pictures, one report: what `unseen prior study` calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from unseen import __version__
from unseen.artifacts.recipe import RecipeError
from unseen.runs.generator_study.study import COMPARED, NUMBER, SEARCH, Study, study
from unseen.runs.generator_study.pictures import pictures_for
from unseen.runs.generator_study.report import write_study
from unseen.priors.latent_prior import Search
from unseen.priors.saved import load

_BUNDLE = "bundle"  # a run's folder of that name says nothing: its parent does


def study_bundles(
    bundles: Sequence[Path],
    pictures: str,
    *,
    out: Path,
    number: int = NUMBER,
    compared: int = COMPARED,
    search: Search = SEARCH,
    seed: int = 0,
    data: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Study]:
    """Study each bundle's generator on the same pictures and write the report into `out`.

    Args:
        bundles: of generators of one size.
        pictures: "digits", "shapes", "brain", or the path of one's own.
        out: the folder of `report.html` and `study.json`.
        number, compared, search, seed: as in `study`.
        data: the folder of public pictures; None: `$UNSEEN_DATA`.
        progress: told what is being done.

    Returns:
        by name, in the order given.

    Raises:
        RecipeError, ArrayError, BundleError: a sentence, each.
    """
    if number < 1:
        raise RecipeError(f"number: seen {number}; at least one test picture is looked for")
    if out.exists() and not out.is_dir():
        raise RecipeError(f"{out}: is a file, and the report needs a folder")
    names = names_of(bundles)
    generators = {name: load(path) for name, path in zip(names, bundles, strict=True)}
    dealt = pictures_for(generators, pictures, seed=seed, data=data)
    found: dict[str, Study] = {}
    say = progress or (lambda words: None)
    for name, G in generators.items():
        found[name] = study(
            G,
            dealt,
            number=number,
            compared=compared,
            search=search,
            seed=seed,
            progress=_named(name, say),
        )
    shown = len(dealt.testing)
    facts = {
        "pictures": f"{pictures}: {dealt.split}",
        "test pictures": f"{min(number, shown)} looked for in the range, {min(compared, shown)} compared as "
        f"distributions, of {shown}" + _subjects(dealt.units),
        "search": f"{search.restarts} starts, {search.iterations} iterations at most",
        "seed": str(seed),
        "seconds": ", ".join(f"{name} {one.seconds:.0f}" for name, one in found.items()),
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    write_study(out, found, facts=facts)
    return found


def names_of(bundles: Sequence[Path]) -> list[str]:
    """A name for each bundle: its folder's, or its run's, with as many folders above as tell them apart.

    Raises:
        RecipeError: one is given twice, or none.

    >>> names_of([Path("runs/mnist-vae-0-1fa2/bundle"), Path("models/ae")])
    ['mnist-vae-0-1fa2', 'ae']
    >>> names_of([Path("a/model"), Path("b/model")])
    ['a/model', 'b/model']
    """
    paths = [path.absolute() for path in bundles]
    if not paths or len({path.resolve() for path in paths}) < len(paths):
        raise RecipeError("a study is of one bundle or more, each given once")
    parts = [path.parent.parts if path.name == _BUNDLE and path.parent.name else path.parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-length:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]  # a run and its bundle folder


def _named(name: str, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda words: say(f"{name}: {words}")


def _subjects(units: Sequence[int]) -> str:
    return f"; they show {len(set(units))} subjects" if len(set(units)) < len(units) else ""
