"""`unseen demo`: the whole of it on simulated films, in three minutes, without a question."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="folder for everything the demo makes")] = Path("unseen-demo"),
    seed: Annotated[int, typer.Option(help="of the phantoms and the trainings")] = 0,
    normals: Annotated[int, typer.Option(min=80, help="simulated normal films to learn from")] = 200,
    pairs: Annotated[int, typer.Option(min=24, help="twin pairs to test on")] = 100,
    epochs: Annotated[int, typer.Option(min=1, help="passes of roi-sure over the normals")] = 20,
) -> None:
    """Make simulated films, train two detectors live, score, report; then show a shortcut caught and broken files
    refused.

    Example:

      unseen demo --out unseen-demo
    """
    from unseen.cli import console
    from unseen.experiments.demonstration import demonstrate
    from unseen.training.showing import shown_on

    demonstrate(
        out,
        seed=seed,
        normals=normals,
        pairs=pairs,
        epochs=epochs,
        step=console.step,
        say=typer.echo,
        progress=shown_on(),
    )
    console.limits()
