"""The recipes of the studies, by name: those in `studies/recipes`, and those that come with the package."""

from __future__ import annotations

from pathlib import Path

from unseen.artifacts import recipe as shipped
from unseen.artifacts.recipe import Recipe

FOLDER = Path(__file__).parent / "recipes"


def names() -> list[str]:
    """Return all names, sorted, such as ``ms_cxr/pca-64-lungs``."""
    own = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.toml")}
    return sorted(own | set(shipped.names()))


def load(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        RecipeError: no such recipe, or something in it is wrong.
    """
    path = FOLDER / f"{name}.toml"
    if path.is_file():
        return Recipe.from_toml(path.read_text(encoding="utf-8"), name=name)
    return shipped.load(name)
