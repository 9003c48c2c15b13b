"""`unseen recipes`: what can be trained as it stands."""

from __future__ import annotations

from typing import Annotated

import typer


def recipes(
    name: Annotated[str | None, typer.Argument(help="print this recipe's TOML, to copy and change")] = None,
) -> None:
    """List the recipes that come with the package, or print one.

    Example:

      unseen recipes phantoms/pca-64-lungs > mine.toml
    """
    from unseen.artifacts import recipe

    if name is not None:
        typer.echo(recipe.source_of(name), nl=False)
        return
    for known in recipe.names():
        first = recipe.source_of(known).splitlines()[0].lstrip("# ")
        typer.echo(f"{known:34} {first}")
