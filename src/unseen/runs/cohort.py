"""The films of a recipe: which are trained on and which are tested, fold by fold.

A recipe names a manifest relative to `$UNSEEN_DATA` and a split file with a column `fold`; without a split, a film's
fold is int(sha256(patient), 16) mod 5. With `column`, that column holds train or test, and other films are left out.
A recipe without a manifest is about phantoms, which are made on the spot.
"""

import glob
import hashlib
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unseen.artifacts.file_digest import sha256_of
from unseen.artifacts.number_words import number_of
from unseen.artifacts.recipe import Recipe, RecipeData, RecipeError
from unseen.data import phantoms
from unseen.data.csv_rows import open_table
from unseen.data.film import Film, NotRead
from unseen.data.label_names import LabelNames
from unseen.data.manifest import Entry, Source, has_label_folders, manifest_in
from unseen.data.patient_fold import fold_by_patient
from unseen.data.reading import Films, films

DIGEST = ".sha256"
"""Ending of a file with the SHA-256 of a film or mask that is left out of a copy of the data, so that the copy has the
digest of the whole."""
_TRAIN, _TEST = 1, 0  # the two parts of a fixed split, as folds
PHANTOM_NORMALS = 400
PHANTOM_LUNGS = 200
PHANTOM_UNLABELLED = 400
_PHANTOM_SEED = 20_000  # training phantoms' seed is this plus the recipe's, far from those that are tested
_UNLABELLED_SEED = 30_000  # and that of the unlabelled ones
_LESION_SEED = 77_000  # and that of those with a lesion from which lungs are learnt


@dataclass(frozen=True)
class Cohort:
    """Films dealt to folds.

    >>> from unseen.data import films
    >>> cohort = Cohort(films([]), {}, digest="")
    >>> cohort.training(fold=0)
    <0 films: none>

    Args:
        films: all of them.
        fold_of: the fold of each, by name.
        digest: over the names, labels, folds, bytes and masks of all of them.
        held_out: the fold that is tested where none is named: the test part of a fixed split; None where there are
            folds.
    """

    films: Films
    fold_of: Mapping[str, int]
    digest: str
    held_out: int | None = None

    def training(self, fold: int | None) -> Films:
        """Return the normals of every fold but `fold` (None: but `held_out`), with their lung masks."""
        fold = self.held_out if fold is None else fold
        chosen = self.films.select(lambda e: e.label == "normal" and (fold is None or self.fold_of[e.name] != fold))
        return replace(chosen, masks=True)

    def unlabelled(self, fold: int) -> list[str]:
        """Return the files of every fold but `fold`, whatever they show: for a method that learns from unlabelled
        films.
        """
        return [str(entry.path) for entry in self.films.entries if self.fold_of[entry.name] != fold]

    def testing(self, fold: int | None = None) -> Films:
        """Return the labelled films of `fold` (None: of `held_out`), without masks, which no test may use."""
        fold = self.held_out if fold is None else fold
        return self.films.select(lambda e: e.label is not None and self.fold_of[e.name] == fold)


def cohort_of(recipe: Recipe) -> Cohort:
    """Return the films that a recipe names.

    Args:
        recipe: its section ``[data]`` is read.

    Raises:
        RecipeError: naming the file: the manifest or the split is not there or does not fit.

    >>> from unseen.artifacts import recipe
    >>> cohort_of(recipe.Recipe.from_toml('name = "own"\\n[method]\\nkey = "pca"'))
    Traceback (most recent call last):
        ...
    unseen.artifacts.recipe.RecipeError: data.manifest: missing; this recipe's films are phantoms, see `phantom_normals`
    """
    if recipe.data.manifest is None:
        raise RecipeError("data.manifest: missing; this recipe's films are phantoms, see `phantom_normals`")
    listed = films(_located(recipe.data.manifest, "data.manifest"))
    if recipe.data.column is not None:
        return _fixed_split(recipe.data, listed)
    fold_of = (
        {entry.name: fold_by_patient(entry.patient) for entry in listed.entries}
        if recipe.data.split is None
        else _split(_located(recipe.data.split, "data.split"), listed.entries)
    )
    return Cohort(listed, fold_of, _digest(listed.entries, fold_of))


def _fixed_split(data: RecipeData, listed: Films) -> Cohort:
    if data.split is None:
        raise RecipeError(f"data.column: {data.column} is a column of data.split, which is missing")
    path = _located(data.split, "data.split")
    said = {file: row.get(data.column or "", "") for file, row in _split_rows(path).items()}
    strangers = sorted(set(said.values()) - {"train", "test", ""})
    if strangers or not {"train", "test"} <= set(said.values()):
        raise RecipeError(
            f"data.column: {data.column} of {path} must say train or test, or nothing; seen "
            f"{', '.join(strangers) or 'no train or no test'}"
        )
    chosen = listed.select(lambda entry: bool(said.get(entry.name)))
    fold_of = {entry.name: _TEST if said[entry.name] == "test" else _TRAIN for entry in chosen.entries}
    return Cohort(chosen, fold_of, _digest(chosen.entries, fold_of), held_out=_TEST)


def own_films(source: str, labels: LabelNames | None = None) -> Films:
    """Return a user's films, with masks where the manifest names them.

    Raises RecipeError for a path that is not there, and for a folder that holds more than films.
    """
    if not os.path.lexists(source) and not glob.has_magic(source):
        raise RecipeError(f"data: {source}: no such file or folder. Give a folder, a glob in quotes, or a manifest CSV")
    check_holds_films_alone("data", [source])
    if labels is None and os.path.isdir(source) and not has_label_folders(Path(source)):
        _check_folders_name_no_label(source)
    return films(source, masks=True, labels=labels)


def _check_folders_name_no_label(source: str) -> None:
    """Raise RecipeError for a folder such as chest/ with Normal/ and pneumonia/: all of it would be trained on."""
    below = sorted(name for name in os.listdir(source) if os.path.isdir(os.path.join(source, name)))
    called = [name for name in below if name.casefold() in ("normal", "normals")]
    if called and len(below) > 1:
        raise RecipeError(
            f"data: {source} holds the folders {', '.join(below)}, and only folders named normal and abnormal are "
            f"labels by themselves. Name the normal films: `normal=` {called[0]}"
        )


def own_normals(source: str | Films) -> Cohort:
    """Select a user's films that are labelled normal, or all where none has a label and the caller named none: a film
    without a label among labelled ones is left aside.

    Raises RecipeError where none is left, and where none of them can be read.
    """
    listed = own_films(source) if isinstance(source, str) else source
    unlabelled = all(entry.label is None and not entry.called for entry in listed.entries)
    listed = listed.select(lambda entry: unlabelled or entry.label == "normal")
    if not listed.entries:
        named = source if isinstance(source, str) else number_of(len(source), "film")
        raise RecipeError(
            f"data: {named}, none of them normal. Give a folder, a glob or a manifest of normal films, or name what "
            "the set calls them (`normal=`)"
        )
    _check_readable(listed)
    return Cohort(listed, {}, _digest(listed.entries, {}))


def _check_readable(listed: Films) -> None:
    """Raise RecipeError where no film can be read; reads as far as the first one that can."""
    refused: NotRead | None = None
    for film in listed:
        if isinstance(film, Film):
            return
        refused = refused or film
    if refused is not None:
        raise RecipeError(f"data: none of {len(listed)} files can be read. {refused.name}: {refused.reason}")


def of_unknown_label(source: Source) -> Cohort:
    """Return a user's unlabelled films; a label in the manifest is not read."""
    sources = [source] if isinstance(source, str | os.PathLike) else list(source)
    check_holds_films_alone("unlabelled", sources)
    listed = films(sources)
    if not listed.entries:
        raise RecipeError(f"unlabelled: {source} names no film. Give a folder, a glob or a manifest")
    return Cohort(listed, {}, _digest([replace(entry, label=None) for entry in listed.entries], {}))


def check_holds_films_alone(where: str, sources: Iterable[str | os.PathLike[str]]) -> None:
    """Raise RecipeError for a folder with a manifest: there the films may lie beside their masks."""
    for source in sources:
        if (manifest := manifest_in(source)) is not None:
            raise RecipeError(
                f"{where}: {source} holds a manifest.csv, and a folder is trained on file by file, masks and all. Give "
                f"{manifest}, or the folder that holds the films alone"
            )


def lung_films(recipe: Recipe, films: Iterable[Film | NotRead]) -> Iterable[Film | NotRead]:
    """Return the training films whose manual masks the lung finder may learn from, and phantoms if the recipe names
    them (`data.lungs_from`).
    """
    sources = recipe.data.lungs_from
    if sources is None:
        return films

    drawn = phantoms.normals(PHANTOM_LUNGS, seed=_PHANTOM_SEED) if "phantoms" in sources else []
    hidden = phantoms.abnormals(PHANTOM_LUNGS, seed=_LESION_SEED) if "phantom-lesions" in sources else []
    own = (film for film in films if isinstance(film, Film) and film.source in sources)
    return itertools.chain(own, drawn, hidden)  # whole films: one is in memory at a time


def phantom_normals(recipe: Recipe) -> tuple[Sequence[Film], str]:
    """Return the phantoms that a recipe without a manifest trains on, and a digest that identifies them."""

    seed = _PHANTOM_SEED + recipe.seed
    said = f"phantoms.normals({PHANTOM_NORMALS}, seed={seed})"
    return phantoms.normals(PHANTOM_NORMALS, seed=seed), hashlib.sha256(said.encode()).hexdigest()


def phantom_unlabelled(recipe: Recipe) -> Iterable[Film]:
    """Return the phantoms that a recipe without a manifest is given as films of which nobody knows what they show: half
    of them with a lesion, and none a patient of those that it trains on or of those that are tested.
    """

    half, seed = PHANTOM_UNLABELLED // 2, _UNLABELLED_SEED + recipe.seed
    return itertools.chain(phantoms.normals(half, seed=seed), phantoms.abnormals(half, seed=seed))


def data_root() -> Path:
    """Return the folder of manifests: `$UNSEEN_DATA`, or the working folder."""
    return Path(os.environ.get("UNSEEN_DATA") or ".")


def _located(given: str, where: str) -> Path:
    path = data_root() / given
    if not path.is_file():
        raise RecipeError(
            f"{where}: {path} is not there. Set UNSEEN_DATA to the folder that holds {given}, or name another file; "
            "the docs say where each public set is to be had"
        )
    return path


def _split(path: Path, entries: Sequence[Entry]) -> dict[str, int]:
    rows = _split_rows(path)
    fold_of = {}
    for entry in entries:
        fold = rows.get(entry.name, {}).get("fold", "").strip()
        if not (fold.isascii() and fold.isdigit() and len(fold) < 10):
            raise RecipeError(f"data.split: {path} gives no fold to {entry.name}. Every film of the manifest needs one")
        fold_of[entry.name] = int(fold)
    return fold_of


def _split_rows(path: Path) -> dict[str, dict[str, str]]:
    """Return the rows of a split by film."""
    columns, rows = open_table(path)
    if "file" not in columns:
        raise RecipeError(f"data.split: {path} has no column `file`; its columns are {', '.join(columns)[:200]}")
    return {row["file"]: row for row in rows if "file" in row}


def _digest(entries: Sequence[Entry], fold_of: Mapping[str, int]) -> str:
    """Return a digest of all that could change a training: each film's name, label, fold, bytes and mask."""
    lines = [
        f"{entry.name}\t{entry.label}\t{fold_of.get(entry.name)}\t{_bytes_of(entry.path)}\t{_bytes_of(entry.mask)}"
        for entry in entries
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _bytes_of(path: Path | None) -> str:
    if path is None:
        return "none"
    if os.path.isfile(path):
        try:
            return sha256_of(path)
        except PermissionError:
            return "not permitted"  # it is left out as a film that is not read
    noted = path.with_name(path.name + DIGEST)
    return noted.read_text(encoding="utf-8").strip() if noted.is_file() else "not there"
