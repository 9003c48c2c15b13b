"""Training of detectors' networks and of ensembles' members on pages of results: steps, epochs, width, the source's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from studies.pages.cells import Entry, dagger, number_range, trained_members
from studies.pages.training_cost import two_digits
from unseen.artifacts.number_words import number_of
from unseen.artifacts.recipe import Recipe
from unseen.detectors.gan import GanSettings
from unseen.runs.training import resolve

FEATURES = 64  # of the first layer in the sources' networks
PX = 256  # of the thesis
SUITABLE = (70, 32)
"""Epochs and films of a batch in the thesis's appendix B.2."""
ORIGINAL = (15, 64)
"""Epochs and films of a batch that GANomaly's published code has by default (`options.py`: `niter`, `batchsize`)."""
THESIS_NORMALS, NIH_NORMALS = 311, 10_803
"""Normal films that the thesis trains on: Montgomery + Shenzhen, and NIH (its appendix A)."""
OUR_FILMS = 682
"""Films of Montgomery + Shenzhen in our copy, from which the split of the thesis's sizes is drawn."""
_ENCODER_STEPS = 50_000  # of f-AnoGAN's encoder (Schlegl et al. 2019)
_OF_THE_THESIS = ("ganomaly", "ganomaly-sure", "roi-sure", "roi-oracle")
_NIH = "/nih-"  # in the name of a recipe of the thesis's appendix A
_GANS = (*_OF_THE_THESIS, "alpha-gan", "anogan", "bigan", "f-anogan", "randgan", "resunet-ganomaly")


def steps_of(budget: tuple[int, int], films: int) -> int:
    """Return the steps of a number of epochs; our training loop and GANomaly's code drop an incomplete last batch.

    >>> steps_of((2, 4), 11)
    4
    """
    epochs, batch = budget
    return epochs * (films // batch)


ORIGINAL_STEPS = steps_of(ORIGINAL, THESIS_NORMALS)
NIH_STEPS, NIH_ORIGINAL_STEPS = steps_of(SUITABLE, NIH_NORMALS), steps_of(ORIGINAL, NIH_NORMALS)


def is_gan(row: Entry) -> bool:
    """Return whether a row is of a detector with a generator and a discriminator."""
    return row.get("method") in _GANS and bool(row.get("steps")) and bool(row.get("features"))


def is_other_network(row: Entry) -> bool:
    """Return whether a row is of a network that was trained here and has no generator and discriminator."""
    return not is_gan(row) and bool(row.get("steps")) and bool(row.get("features"))


def _of_members(rows: Iterable[Entry]) -> str:
    """Return the epochs and the width of the ensembles' trained members, joined by "with"; "" without any."""
    members = [one for row in rows for one in trained_members(row)]
    if not members:
        return ""
    epochs = number_range([int(one["epochs"]) for one in members])
    return f"{epochs} epochs with {number_range([int(one['settings']['features']) for one in members])} features"


def _counted_members(row: Entry) -> str:
    """Return how many networks an ensemble trains, with their budget; "" where it trains none."""
    count = len(trained_members(row))
    trained = _of_members([row]).replace(" with ", ", ")
    return f"{number_of(count, 'trained member')}: {trained}" if count else ""


def generator_steps(row: Entry) -> int:
    """Return the generator's share of a row's steps: all, or one in as many as the critic takes for each."""
    settings = {name: value for name, value in row.get("settings", {}).items() if name in ("game", "critic_steps")}
    return int(row["steps"]) // (GanSettings(**settings).turns if "game" in settings else 1)


def spent(row: Entry) -> str:
    """Return a GAN's training next to the source's, or another network's, for a table; a dash without a training."""
    if is_other_network(row):
        return f"{int(row['steps']):,} steps; {row['features']} features"
    if not is_gan(row):
        return _counted_members(row) or "–"
    if _NIH in str(row.get("recipe")):
        return _on_nih(row)
    steps, width = int(row["steps"]), f"{row['features']} of {FEATURES} features"
    if row["method"] in _OF_THE_THESIS:
        epochs = int(row.get("epochs_done") or row["training"]["epochs"])
        source, whole = ("published code", ORIGINAL[0]) if _is_original(row) else ("thesis", SUITABLE[0])
        trained = f", {epochs} of the {source}'s {whole} epochs"
        if epochs == whole:
            trained = f" ({epochs} epochs, the {source}'s number)"
        return f"{steps:,} steps{trained}; {width}; {row['px']} of {PX} px"
    generator = generator_steps(row)
    parts = [f"{steps:,} steps" + ("" if generator == steps else f", {generator:,} of the generator")]
    if row["method"] == "f-anogan":
        parts.append(f"encoder: {100 * steps / _ENCODER_STEPS:.2g} % of the source's {_ENCODER_STEPS:,} steps")
    else:
        parts.append("the source's steps are not known to us")
    return "; ".join([*parts, width])


def _is_original(row: Entry) -> bool:
    """Return whether a row has GANomaly's original hyperparameters, by the name of its recipe."""
    return str(row.get("recipe")).endswith("-original")


def _on_nih(row: Entry) -> str:
    """Return the budget of a training on NIH's films: `adversarial/nih-…` or `sources/nih-…`."""
    steps, generator = int(row["steps"]), generator_steps(row)
    own = "" if generator == steps else f" ({generator:,} of the generator)"
    whole = NIH_ORIGINAL_STEPS if _is_original(row) else NIH_STEPS
    trained = row.get("n", {}).get("trained")
    films = f"{trained:,} of {NIH_NORMALS:,} films; " if trained else ""
    px = 64 if re.search(r"/nih-(f-anogan|unet-dcgan(?!-256))", str(row["recipe"])) else PX
    return (
        f"{steps:,} steps{own}, {two_digits(100 * steps / whole)} % of the source's {whole:,}; {films}"
        f"{row['features']} of {FEATURES} features; {row['px']} of {px} px"
    )


def beside(row: Entry) -> str:
    """Return a network's steps and width in brackets, to stand behind its name; "" for methods without a training.

    >>> beside({"method": "pca"}), beside({"method": "dae", "steps": 240, "features": 16})
    ('', ' (240 steps, 16 features)')
    >>> beside({"method": "ganomaly", "steps": 560, "features": 32})
    ' (560 steps, 32 of 64 features)'
    >>> beside({"method": "ensemble", "settings": {"members": [{"epochs": 30, "settings": {"features": 16}}]}})
    ' (1 trained member: 30 epochs, 16 features)'
    """
    if is_other_network(row):
        return f" ({int(row['steps']):,} steps, {row['features']} features)"
    if not is_gan(row):
        return f" ({told})" if (told := _counted_members(row)) else ""
    steps, generator = int(row["steps"]), generator_steps(row)
    own = "" if generator == steps else f", {generator:,} of the generator"
    return f" ({steps:,} steps{own}, {row['features']} of {FEATURES} features)"


def of_recipe(recipe: Recipe) -> str:
    """Return a recipe's epochs and width in brackets, for rows that do not have them; "" for methods without epochs.

    >>> from studies import recipe_files
    >>> of_recipe(recipe_files.load("zhanglab/entry")), of_recipe(recipe_files.load("detectors/pca"))
    (' (2 trained members: 8 to 54 epochs, 16 features)', '')
    """
    recipe = resolve(recipe)
    settings = recipe.method.settings
    if settings.get("members"):
        return beside({"method": recipe.method.key, "settings": settings})
    width = settings.get("features")
    return f" ({recipe.training['epochs']} epochs, {width} features)" if width else ""


def named(row: Entry, name: str | None = None) -> str:
    """Return a detector's name as code, with a network's training and the mark of a training that had not converged.

    >>> named({"method": "roi-sure", "steps": 560, "features": 32, "convergence": "not converged"})
    '`roi-sure` (560 steps, 32 of 64 features)†'
    """
    return f"`{row['method'] if name is None else name}`{beside(row)}{dagger(row)}"


def in_brackets(rows: Iterable[Entry]) -> str:
    """Return `of_networks` in brackets, to stand behind what is concluded on these rows; "" without a network.

    >>> in_brackets([{"method": "dae", "steps": 240, "features": 16}]), in_brackets([{"method": "pca"}])
    (' (the networks among them after 240 steps with 16 features)', '')
    """
    return f" ({told})" if (told := of_networks(rows)) else ""


def of_networks(rows: Iterable[Entry]) -> str:
    """Return the budgets of the GANs, the other networks and the ensembles' members among rows, for a sentence.

    It is empty without any of them.

    >>> of_networks([{"method": "dae", "steps": 240, "features": 16}, {"method": "pca"}])
    'the networks among them after 240 steps with 16 features'
    """
    every = list(rows)
    gans, others = [row for row in every if is_gan(row)], [row for row in every if is_other_network(row)]
    rest = (
        f"{number_range([int(row['steps']) for row in others])} steps with "
        f"{number_range([int(row['features']) for row in others])} features"
        if others
        else ""
    )
    members = f"networks in ensembles after {told}" if (told := _of_members(every)) else ""
    if not gans:
        return ", ".join(filter(None, (f"the networks among them after {rest}" if rest else "", members)))
    fewest = min(gans, key=generator_steps)
    steps = number_range([int(row["steps"]) for row in gans])
    width = number_range([int(row["features"]) for row in gans])
    least = (
        f" ({generator_steps(fewest):,} of the generator in `{str(fewest['recipe']).rpartition('/')[2]}`)"
        if generator_steps(fewest) < int(fewest["steps"])
        else ""
    )
    trained = f"the GANs among them after {steps} steps{least} with {width} of the sources' {FEATURES} features"
    return ", ".join(filter(None, (trained, f"other networks after {rest}" if rest else "", members)))
