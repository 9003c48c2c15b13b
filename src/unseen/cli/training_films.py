"""Films of `--data` to train on, and the lung finder for them: options of `unseen train` and `unseen suspects`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from unseen.artifacts.number_words import verb_of
from unseen.cli import console

if TYPE_CHECKING:
    from unseen.artifacts.recipe import Recipe
    from unseen.data.label_names import LabelNames
    from unseen.data.reading import Films

MASKS: Final = "masks"
"""Value of `--finder` that trains a lung finder from the films' own masks."""

Finder = Annotated[
    str | None,
    typer.Option(
        help="model whose lung finder is used, or `masks`: train one from the films' own masks (minutes); default with "
        "--data: the installed models/lungs"
    ),
]


def check_films(data: str, names: LabelNames | None) -> None:
    """Raise an error for a wrong path or a wrong label, and warn of a spreadsheet; only the list is read."""
    from unseen.runs.cohort import check_holds_films_alone, own_films

    check_holds_films_alone("data", [data])
    console.warn_of_unused_manifest(data)
    own_films(data, names)


def listed_films(data: str, names: LabelNames | None) -> Films:
    """Return the films of `--data`, and note which of them are not trained on."""
    from unseen.runs.cohort import own_films

    listed = own_films(data, names)
    labels = [entry.label for entry in listed.entries]
    if count := labels.count("abnormal"):
        console.note(f"{count} of {len(labels)} films {verb_of(count, 'is')} labelled abnormal and left aside")
    if count := labels.count(None):
        others = "left aside: other films of the set have labels" if any(labels) else "taken as normal"
        taken = others if names is None else "left aside: neither name is theirs"
        console.note(
            f"{count} of {len(labels)} films {verb_of(count, 'has')} no label and {verb_of(count, 'is')} {taken}"
        )
    return listed


def finder_for(recipe: Recipe, listed: Films | None, given: str | None) -> Path | None:
    """Return the model whose lung finder is used; None where one is trained from masks, or none is needed.

    Args:
        recipe: the recipe.
        listed: the user's films; None: the recipe's own, whose finder is trained as the recipe states.
        given: the value of `--finder`.
    """
    from unseen.runs.training import detector_of, looks_for_lungs, ready_finder

    if given is not None and given != MASKS:
        return Path(given)
    if listed is None:
        return None
    ready = None if given == MASKS else ready_finder(recipe)
    if ready is not None:
        console.note(f"lungs are found by {ready}, an installed model; --finder masks trains a finder from your masks")
    elif any(entry.mask is not None for entry in listed.entries) and looks_for_lungs(detector_of(recipe), recipe):
        sources = recipe.data.lungs_from
        those = "the films that have a lung mask"
        if sources is not None:
            those = f"films of {', '.join(sources)} (lungs_from in the recipe)"
        console.note(f"a lung finder is trained first, from {those}, which takes minutes")
    return ready
