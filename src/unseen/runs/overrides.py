"""`overridden`: a recipe with some of its settings replaced, as `--set training.epochs=5` asks for."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches

import tomli_w
from pydantic import BaseModel

from unseen.anatomy.lung_finder import LungFinder
from unseen.anatomy.network_view import View
from unseen.artifacts.recipe import Recipe, RecipeData, RecipeError, naming_file
from unseen.artifacts.registry import UnknownName, did_you_mean
from unseen.detectors import METHODS
from unseen.reconstruction import RECONSTRUCTORS
from unseen.runs import reconstructor_training
from unseen.runs.imaging_settings import ImageSettings, ImagingSettings
from unseen.runs.training import resolve
from unseen.training.settings import Training


def overridden(recipe: Recipe, given: Sequence[str], *, source: str = "") -> Recipe:
    """`recipe` with each of `given`, such as `training.epochs=5`, in the place of its own setting.

    A value is written as in TOML; a text needs no quotes. Its type is that of the setting in its section's schema.

    Raises RecipeError for a setting that no section has, which names the nearest, and for a value out of bounds. Each
    line of the message begins with `source`, the file of the recipe, if the recipe itself is at fault.

    >>> from unseen.artifacts.recipe import load
    >>> changed = overridden(load("detectors/pca"), ["method.components=8", "training.device=cpu"])
    >>> changed.method.settings["components"], changed.training["device"]
    (8, 'cpu')
    >>> overridden(load("detectors/pca"), ["method.epochs=5"])
    Traceback (most recent call last):
        ...
    unseen.artifacts.recipe.RecipeError: --set method.epochs: unknown; did you mean training.epochs?
    """
    if not given:
        _check(recipe, source)
        return recipe
    table = tomllib.loads(recipe.to_toml())
    if recipe.method.key not in {*METHODS, *RECONSTRUCTORS}:
        _check(recipe, source)
    known = _known(recipe)
    for one in given:
        path, sign, value = (part.strip() for part in one.partition("="))
        if not sign:
            raise RecipeError(f"--set {one}: give a setting and its value, such as training.epochs=5")
        if path not in known:
            raise RecipeError(f"--set {path}: {_meant(path, known)}")
        section, _, key = path.rpartition(".")
        place = table.setdefault(section, {}) if section else table
        place[key] = _value(value)
    changed = Recipe.from_toml(tomli_w.dumps(table))
    try:
        _check(changed)
    except RecipeError:
        _check(recipe, source)
        raise
    return changed


def _check(recipe: Recipe, source: str = "") -> None:
    """Check every value of a recipe; each line of a RecipeError begins with the file."""
    key = recipe.method.key
    try:
        (reconstructor_training.resolve if key in RECONSTRUCTORS else resolve)(recipe)
    except (RecipeError, UnknownName) as error:
        unknown = f'method.key: "{key}" is {did_you_mean(key, [*METHODS, *RECONSTRUCTORS])}'
        found = RecipeError(unknown) if isinstance(error, UnknownName) else error
        raise naming_file(found, source) if source else found from error


def _known(recipe: Recipe) -> list[str]:
    """Return every setting that the recipe can have, with its section."""
    sections: dict[str, type[BaseModel]]
    if recipe.method.key in RECONSTRUCTORS:
        sections = {"view": ImageSettings, "method": ImagingSettings, "training": Training}
    else:
        sections = _of_detectors(recipe)
    # the seed is one for all sections
    listed = [f"{name}.{key}" for name, section in sections.items() for key in section.model_fields if key != "seed"]
    return ["seed", *listed]


def _of_detectors(recipe: Recipe) -> dict[str, type[BaseModel]]:
    return {
        "data": RecipeData,
        "finder": LungFinder.Config,
        "view": View,
        "method": METHODS.load(recipe.method.key).Config,
        "training": Training,
    }


def _meant(path: str, known: Sequence[str]) -> str:
    """Return the setting of that name in another section, or the nearest one."""
    section, _, key = path.rpartition(".")
    elsewhere = [one for one in known if one.rpartition(".")[2] == key]
    own = [one for one in known if one.rpartition(".")[0] == section]
    if elsewhere:
        return f"unknown; did you mean {get_close_matches(path, elsewhere, n=1, cutoff=0)[0]}?"
    return did_you_mean(path, own or known)


def _value(text: str) -> object:
    """`text` as TOML reads a value, or as it stands."""
    try:
        table: dict[str, object] = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if len(table) == 1 else text
