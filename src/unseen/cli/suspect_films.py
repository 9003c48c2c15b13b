"""`unseen suspects`: prints the least normal of the films to train on, and writes all of them with `--out`."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unseen.artifacts.number_words import number_of
from unseen.cli import console
from unseen.cli.console import UsageError
from unseen.cli.training_films import Finder, check_films, finder_for, listed_films

if TYPE_CHECKING:
    from unseen.runs.suspects import Suspect


def suspects(
    recipe: Annotated[str, typer.Argument(help="a shipped recipe's name, or a .toml file")] = "detectors/pca",
    data: Annotated[
        str | None, typer.Option(help="the films to learn from: folder, glob or manifest; default: the recipe's own")
    ] = None,
    normal: console.Normal = None,
    label_column: console.LabelColumn = "label",
    finder: Finder = None,
    top: Annotated[int, typer.Option(min=1, help="how many to print")] = 20,
    out: Annotated[Path | None, typer.Option(help="write all films here, the strangest first, as CSV")] = None,
) -> None:
    """List the films to learn from, those first that are least like the others: look at them before you train.

    Each film is scored by a detector that has not seen it. A film that is not normal after all tends to be far up;
    so does one that is turned, cropped or from another device.

    Example:

      unseen suspects detectors/pca --data normals.csv --out suspects.csv
    """
    from unseen.artifacts import recipe as recipes
    from unseen.artifacts.files import write_text

    if out is not None and out.is_dir():
        raise UsageError(f"--out {out}: is a folder; give a file, such as {out / 'suspects.csv'}")
    if out is not None:  # now, not after the trainings
        console.check_output(out, inputs=[console.recipe_file(recipe), data], folders=[finder])
        out.parent.mkdir(parents=True, exist_ok=True)
    chosen = recipes.load(recipe)
    names = console.label_names(normal, None, label_column)
    if data is None and names is not None:
        raise UsageError("--normal goes with --data; the films of a recipe have labels")
    if data is not None:
        check_films(data, names)
    from unseen.data.film import one_line
    from unseen.runs.overrides import overridden
    from unseen.runs.suspects import suspects as found_among

    overridden(chosen, (), source=console.recipe_file(recipe))
    listed = None if data is None else listed_films(data, names)
    if out is not None and listed is not None:
        console.check_output(out, inputs=console.files_read(listed, data))
    lungs = finder_for(chosen, listed, finder)
    console.step(f"suspects among the films of {data or chosen.name}")
    found, not_read = found_among(
        chosen, data=listed, finder=lungs, progress=console.training_progress(), say=console.note
    )
    console.result(
        f"{number_of(len(found), 'film')}; deviations from the median, in robust standard deviations", films=len(found)
    )
    for one in found[:top]:
        console.item("suspects", f"{one.deviations:+8.1f}  {one_line(one.name)}", asdict(one))
    if out is not None:
        write_text(out, as_csv(found))
        console.note(f"written: {out}")
    if not_read:
        console.note(f"{number_of(len(not_read), 'film')} left out, not read; the reasons stand above")
    console.limits()
    raise typer.Exit(1 if not_read else 0)


def as_csv(found: list[Suspect]) -> str:
    """Return the table file, source, deviations and score; a line for each film."""
    from unseen.data.cells import safe_row

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "source", "deviations", "score"])
    rows = ([one.name, one.source, f"{one.deviations:.3f}", f"{one.score:.6g}"] for one in found)
    writer.writerows(map(safe_row, rows))
    return text.getvalue()
