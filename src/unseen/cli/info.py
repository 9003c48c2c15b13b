"""`unseen info` lists the lines of a model's card, or what is installed; `unseen recipes` what can be trained."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from unseen.cli import console
from unseen.cli.card_lines import figure_lines, setting_lines


def info(
    model: Annotated[Path | None, typer.Argument(help="a model's bundle; none: this installation")] = None,
) -> None:
    """Say what a model has learnt from and what it must not be used for, or what is installed.

    Example:

      unseen info model

      unseen info models/roi-sure
    """

    if model is None:
        from unseen.artifacts.installation import installation

        found = installation()
        console.result("\n".join(f"{name:18} {value}" for name, value in found.items()), **found)
    else:
        console.check_model(model)
        from unseen.artifacts.bundle import load

        card = load(model).card
        view = card.view or {}
        learnt_from = "measurements" if card.kind == "reconstruction" else "films"
        facts: dict[str, object] = {
            card.kind: card.name,
            "settings": card.config,
            "view": view,
            "lung finder": "copied in" if card.finder else "none",
            "trained on": f"{len(card.training_films):,} {learnt_from}",
            learnt_from: card.data or "not stated",
            **({"training": budget} if (budget := card.budget) else {}),
            "measured in fitting": card.facts,
            "trained with": card.trained_on or "not stated",
            "recipe digest": card.recipe_digest or "none",
            "weights": f"{card.weights_bytes / 1e6:.1f} MB, SHA-256 {card.weights_sha256[:16]}…",
            "licence": card.licence or "not stated",
            "made": f"{card.created} by unseen {card.version}",
            "limits": card.limits,
        }
        lines = [line for name, fact in facts.items() for line in _lines(name, fact)]
        lines += figure_lines(card.current_metrics)
        console.result("\n".join(lines), **facts, metrics=card.current_metrics)
    console.limits()


def _lines(name: str, fact: object) -> Iterator[str]:
    """Yield the lines of a fact: one, or one for each setting of a table."""
    texts = list(setting_lines(fact)) or ["none"] if isinstance(fact, Mapping) else [str(fact)]
    for label, text in zip([name, *[""] * len(texts)], texts, strict=False):
        yield f"{label:20} {text}"


def recipes(
    name: Annotated[str | None, typer.Argument(help="print this recipe's TOML, to copy and change")] = None,
) -> None:
    """List the recipes that come with the package, or print one.

    Example:

      unseen recipes phantoms/pca-64-lungs > mine.toml
    """
    from unseen.artifacts import recipe

    if name is not None:
        console.result(recipe.source_of(name).rstrip("\n"), name=name, toml=recipe.source_of(name))
        return
    for known in recipe.names():
        first = recipe.source_of(known).splitlines()[0].lstrip("# ")
        console.item("recipes", f"{known:34} {first}", {"name": known, "description": first})
