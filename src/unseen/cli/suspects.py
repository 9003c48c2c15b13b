"""`unseen suspects RECIPE --data normals.csv`: which of the films to learn from are least like the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from unseen.runs.suspects import Suspect


def suspects(
    recipe: Annotated[str, typer.Argument(help="a shipped recipe's name, or a .toml file")] = "detectors/pca",
    data: Annotated[
        str | None, typer.Option(help="the films to learn from: folder, glob or manifest; default: the recipe's own")
    ] = None,
    finder: Annotated[
        Path | None, typer.Option(help="a bundle whose lung finder is taken, such as models/lungs")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="how many to print")] = 20,
    out: Annotated[Path | None, typer.Option(help="write all films here, the strangest first, as CSV")] = None,
) -> None:
    """List the films to learn from, those first that are least like the others: look at them before you train.

    Each film is scored by a detector that has not seen it. A film that is not normal after all tends to be far up;
    so does one that is turned, cropped or from another device.

    Example:

      unseen suspects detectors/pca --data normals.csv --finder models/lungs --out suspects.csv
    """
    from unseen.artifacts import recipe as recipes
    from unseen.artifacts.files import write_text
    from unseen.cli import console
    from unseen.cli.usage import UsageError
    from unseen.runs.suspects import suspects as found_among
    from unseen.training.settings import shown_on

    if out is not None and out.is_dir():
        raise UsageError(f"--out {out}: is a folder; give a file, such as {out / 'suspects.csv'}")
    if out is not None:  # now, not after the trainings
        out.parent.mkdir(parents=True, exist_ok=True)
    chosen = recipes.load(recipe)
    console.step(f"suspects among the films of {data or chosen.name}")
    found, not_read = found_among(chosen, data=data, finder=finder, progress=shown_on(), say=console.note)
    typer.echo(f"{len(found)} films; deviations from the median, in robust standard deviations")
    for one in found[:top]:
        typer.echo(f"{one.deviations:+8.1f}  {one.name}")
    if out is not None:
        write_text(out, as_csv(found))
        console.note(f"written: {out}")
    if not_read:
        console.note(f"{len(not_read)} films left out, not read; the reasons stand above")
    console.limits()
    raise typer.Exit(1 if not_read else 0)


def as_csv(found: list[Suspect]) -> str:
    """file, source, deviations, score; a line a film."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "source", "deviations", "score"])
    writer.writerows([one.name, one.source, f"{one.deviations:.3f}", f"{one.score:.6g}"] for one in found)
    return text.getvalue()
