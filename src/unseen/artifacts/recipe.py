"""Recipe: the one TOML file that defines how a detector is made; check of its settings, with "did you mean".

The sections ``view``, ``method`` and ``training`` are plain tables here. The package that owns a section checks it with
its own model through `validated`, so all errors have one form: ``method.sure_wieght: unknown; did you mean
sure_weight?``
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self, TypeVar, cast, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unseen.artifacts.added_setting import added_setting
from unseen.artifacts.errors import UserError, reason_of
from unseen.artifacts.registry import did_you_mean

_Model = TypeVar("_Model", bound=BaseModel)


class RecipeError(UserError, ValueError):
    """A recipe that cannot be used; one sentence a mistake, one line a sentence, each beginning with its TOML path."""


class RecipeData(BaseModel):
    """The section ``[data]``: which films."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    manifest: str | None = None
    """The manifest, relative to ``$UNSEEN_DATA``; none means that the caller brings the films."""
    split: str | None = None
    """CSV with the columns file and fold, which assigns films to folds; None: by patient."""
    column: str | None = None
    """Another column of the split, whose entries are train, test or empty: one fixed split instead of folds."""
    lungs_from: list[str] | None = None
    """Sources whose manual lung masks train the lung finder; ``phantoms`` and ``phantom-lesions``, phantoms with a
    lesion, may be among them. None: the masks of all training films."""


class RecipeMethod(BaseModel):
    """The section ``[method]``: the registry's key, and the method's own settings (in TOML: beside it, one table)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    key: str = Field(min_length=1)
    settings: dict[str, object] = {}


class Recipe(BaseModel):
    """Recipe of a detector. Immutable; treat the tables inside as read-only too.

    >>> recipe = Recipe.from_toml('name = "demo"\\n[method]\\nkey = "roi-sure"\\nsure_weight = 1.0')
    >>> recipe.method.key, recipe.method.settings, recipe.seed
    ('roi-sure', {'sure_weight': 1.0}, 0)
    >>> Recipe.from_toml('name = "demo"\\n[metod]\\nkey = "roi-sure"')
    Traceback (most recent call last):
        ...
    unseen.artifacts.recipe.RecipeError: method: missing
    metod: unknown; did you mean method?
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*(/[A-Za-z0-9][A-Za-z0-9_.\-]*)*$", max_length=100)
    """Names runs and result rows; ``/`` makes folders. `load` fills it in from the file's name where it is left out."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """The one seed: networks, order of films, noise draws."""
    data: RecipeData = RecipeData()
    finder: dict[str, object] = added_setting({})
    """The section ``[finder]``: how the lung finder is trained; none: its defaults."""
    view: dict[str, object] = {}
    method: RecipeMethod
    training: dict[str, object] = {}

    @property
    def short(self) -> str:
        """The name without its folders.

        >>> Recipe.from_toml('name = "detectors/pca"\\n[method]\\nkey = "pca"').short
        'pca'
        """
        return self.name.rpartition("/")[2]

    @classmethod
    def from_toml(cls, text: str, *, name: str | None = None) -> Recipe:
        """Read a recipe from TOML; ``name`` stands in where the text has none.

        Raises:
            RecipeError: not TOML, or something in it is unknown, missing or out of bounds.
        """
        try:
            table: dict[str, object] = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise RecipeError(f"not TOML: {error}. Strings need quotes; see https://toml.io") from error
        if name is not None:
            table.setdefault("name", name)
        method = table.get("method")
        if isinstance(method, dict):
            settings = {key: value for key, value in method.items() if key != "key"}
            table["method"] = {**({"key": method["key"]} if "key" in method else {}), "settings": settings}
        return validated(table, cls)

    def to_toml(self) -> str:
        """Return the recipe as TOML; `from_toml` of it gives an equal recipe."""
        return tomli_w.dumps(self._table())

    def resolved(
        self,
        *,
        method: type[BaseModel],
        view: type[BaseModel] | None = None,
        training: type[BaseModel] | None = None,
        finder: type[BaseModel] | None = None,
    ) -> Self:
        """Return the same recipe with every default written out.

        The package that owns a section checks it with its model.

        The recipe's seed becomes the training's. A section without a model stays as it is.

        Raises:
            RecipeError: settings are unknown, missing or out of bounds; the message has a line for each of them, in all
                sections.
        """
        mistakes: list[str] = []

        def written_out(section: Mapping[str, object], model: type[BaseModel], where: str) -> dict[str, object]:
            try:
                return validated(section, model, where=where).model_dump(mode="json")
            except RecipeError as error:
                mistakes.append(str(error))
                return {}

        settings = written_out(self.method.settings, method, "method")
        update: dict[str, object] = {}
        if finder is not None and self.finder:
            update["finder"] = written_out(self.finder, finder, "finder")
        if view is not None:
            update["view"] = written_out(self.view, view, "view")
        if training is not None:
            section = dict(self.training)
            if "seed" in training.model_fields:
                if section.get("seed", self.seed) != self.seed:
                    mistakes.append(f"training.seed: seen {section['seed']}, but seed is {self.seed}; set seed alone")
                section["seed"] = self.seed
            update["training"] = written_out(section, training, "training")
        if mistakes:
            raise RecipeError("\n".join(mistakes))
        update["method"] = RecipeMethod(key=self.method.key, settings=settings)
        return self.model_copy(update=update)

    def _table(self) -> dict[str, object]:
        dumped = self.model_dump()
        dumped["method"] = {"key": self.method.key, **dumped["method"]["settings"]}
        return cast("dict[str, object]", _without_none(dumped))


def validated(
    section: Mapping[str, object], model: type[_Model], *, where: str = "", also: Sequence[str] = ()
) -> _Model:
    """``section`` as a ``model``, or a `RecipeError` with one sentence a mistake.

    Args:
        section: a table of the recipe (or of a card), as read.
        model: the pydantic model that knows its settings; it should forbid extra keys.
        where: the table's TOML path, put before each key; empty for the whole file.
        also: further names that the caller knows, for "did you mean".

    >>> class Config(BaseModel):
    ...     model_config = ConfigDict(extra="forbid")
    ...     sure_weight: float = Field(default=1.0, ge=0)
    >>> validated({"sure_weight": 0.5}, Config, where="method").sure_weight
    0.5
    >>> validated({"sure_weight": -1}, Config, where="method")
    Traceback (most recent call last):
        ...
    unseen.artifacts.recipe.RecipeError: method.sure_weight: seen -1; should be greater than or equal to 0
    """
    try:
        return model.model_validate(dict(section))
    except ValidationError as error:
        raise mistakes_of(error, model, where=where, also=also) from error


def mistakes_of(
    error: ValidationError, model: type[BaseModel], *, where: str = "", also: Sequence[str] = ()
) -> RecipeError:
    """Return the error with one sentence a mistake; arguments are those of `validated`."""
    mistakes = error.errors(include_url=False)
    return RecipeError("\n".join(_sentence(one, model=model, where=where, also=also) for one in mistakes))


def naming_file(error: Exception, file: Path | str) -> RecipeError:
    """Return a RecipeError whose lines all begin with the recipe's file.

    Args:
        error: its message has a line for each mistake.
        file: path of the recipe.

    >>> str(naming_file(RecipeError("method.key: missing\\nxx: unknown"), "own.toml")).splitlines()
    ['own.toml: method.key: missing', 'own.toml: xx: unknown']
    """
    return RecipeError("\n".join(f"{file}: {line}" for line in str(error).splitlines()))


def configured(
    config: _Model | None, settings: Mapping[str, object], model: type[_Model], *, where: str, also: Sequence[str] = ()
) -> _Model:
    """Return the settings that a constructor was given: a ``config``, or by name.

    Raises:
        RecipeError: both were given, or a setting is unknown, missing or out of bounds.
    """
    if config is None:
        return validated(settings, model, where=where, also=also)
    if settings:
        raise RecipeError(f"{where}: seen a config and {', '.join(settings)}. Give one of them")
    return config


def names() -> list[str]:
    """Return the names of the recipes that come with the package, sorted, such as ``ms_cxr/roi-sure-64-lungs``."""
    return sorted(_shipped())


def load(path_or_name: str | Path) -> Recipe:
    """Read a recipe: a path that ends in ``.toml``, or the name of one that comes with the package.

    Raises:
        RecipeError: no such recipe, or something in it is wrong.
    """
    text = str(path_or_name)
    if isinstance(path_or_name, Path) or text.endswith(".toml"):
        path = Path(path_or_name)
        name = re.sub("[^A-Za-z0-9_.-]+", "-", path.stem).lstrip("-_.") or "recipe"
        try:
            return Recipe.from_toml(path.read_text(encoding="utf-8"), name=name)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(
                f"{path}: cannot be read ({reason_of(error)}). Give a TOML file, or one of `unseen recipes`"
            ) from error
        except RecipeError as error:
            raise naming_file(error, path) from error
    return Recipe.from_toml(source_of(text), name=text)


def source_of(name: str) -> str:
    """Return the TOML of a recipe that comes with the package, with its comments.

    Raises:
        RecipeError: no such recipe.
    """
    shipped = _shipped()
    if name not in shipped:
        raise RecipeError(f'recipe "{name}": {_meant(name, shipped)} (a file of your own ends in .toml)')
    return shipped[name].read_text(encoding="utf-8")


def _meant(name: str, known: Iterable[str]) -> str:
    """Return the second half of an error about a recipe: the name that is meant, with its folder or without.

    >>> _meant("pca", ["detectors/pca", "phantoms/pca-64-lungs"])
    'unknown; did you mean detectors/pca?'
    >>> _meant("nothing-like-it", ["detectors/pca"])
    'unknown; `unseen recipes` lists the recipes of the package'
    """
    listed = sorted(known)
    short = {full.rpartition("/")[2]: full for full in reversed(listed)}  # of two alike, the first counts
    near = get_close_matches(name, listed, n=1) or [short[one] for one in get_close_matches(name, short, n=1)]
    return f"unknown; did you mean {near[0]}?" if near else "unknown; `unseen recipes` lists the recipes of the package"


def digest(recipe: Recipe, *, data_digest: str, version: str) -> str:
    """Return the SHA-256 over the (resolved) recipe, the data's digest and the package's version: 64 hexadecimal
    digits.

    The order of keys does not count, nor does the recipe's name: a copy under another name is the same experiment.
    """
    table = recipe._table()
    table.pop("name")
    canonical = json.dumps([table, data_digest, version], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _shipped() -> dict[str, Traversable]:
    root = importlib.resources.files("unseen").joinpath("recipes")
    found: dict[str, Traversable] = {}

    def walk(folder: Traversable, prefix: str) -> None:
        for child in folder.iterdir():
            if child.is_dir():
                walk(child, f"{prefix}{child.name}/")
            elif child.name.endswith(".toml"):
                found[prefix + child.name.removesuffix(".toml")] = child

    if root.is_dir():
        walk(root, "")
    return found


def _without_none(value: object) -> object:
    """TOML has no null: a key without a value is left out."""
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_without_none(inner) for inner in value]
    return value


# Any: pydantic's own type of a mistake is in a package of its own
def _sentence(mistake: Mapping[str, Any], *, model: type[BaseModel], where: str, also: Sequence[str]) -> str:
    """Return one pydantic complaint as a sentence of ours."""
    if isinstance(cause := mistake.get("ctx", {}).get("error"), RecipeError):
        return str(cause)  # by a model that is also made by name, such as Training
    kind, place, seen = mistake["type"], mistake["loc"], mistake["input"]
    path = ".".join(filter(None, [where, *map(str, place)])) or "the recipe"
    if kind == "extra_forbidden":
        known = _known(model, place[:-1]) + (list(also) if len(place) == 1 else [])
        return f"{path}: {did_you_mean(str(place[-1]), known)}"
    if kind == "missing":
        return f"{path}: missing"
    if kind in ("dict_type", "model_type"):
        return f"{path}: seen {_shown(seen)}; should be a table"
    message = mistake["msg"].replace("Input should", "should").removeprefix("Value error, ")
    return f"{path}: seen {_shown(seen)}; {message}"


def _known(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table at ``place`` below ``model``; a number is a place in an array of tables."""
    for step in place:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(step)
        inner = _table_of(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _table_of(annotation: object) -> type[BaseModel] | None:
    """Return the model in an annotation such as ``Tls``, ``Tls | None`` or ``tuple[Peer, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_table_of, get_args(annotation))), None)


def _shown(seen: object) -> str:
    """Return a value in an error message: as TOML would write it, and not by the page."""
    if isinstance(seen, float) and not math.isfinite(seen):
        return str(seen)
    text = json.dumps(seen, default=repr, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."
