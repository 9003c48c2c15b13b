"""`unseen evaluate MODEL --data manifest.csv --out DIR`: figures, intervals, shortcut audit, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def evaluate(
    model: Annotated[Path, typer.Argument(help="a model's bundle")],
    data: Annotated[
        str, typer.Option(help="labelled films: a manifest CSV with columns file, label (normal | abnormal)")
    ],
    out: Annotated[Path, typer.Option(help="folder for report.html, metrics.json and scores.parquet")],
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="stop at the first input that is not read")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
    runtime: Annotated[
        Literal["torch", "openvino"], typer.Option(help="what computes: openvino is faster on the CPU")
    ] = "torch",
) -> None:
    """Judge a model on labelled films, beside what trivial picture statistics reach on the same films.

    Films that the model was trained on are left out, and counted.

    Example:

      unseen evaluate model --data labelled.csv --out report/
    """
    from unseen.cli import console
    from unseen.data.reading import films
    from unseen.detectors.saved import load
    from unseen.evaluation.assessment import evaluate as judge
    from unseen.evaluation.intervals import Interval

    console.step(f"scoring {data}")
    listed = films(data, strict=strict, lesions=True)
    result = judge(
        load(model, device=device, runtime=runtime),
        listed,
        out=out,
        seed=seed,
        progress=console.count_progress("scored"),
    )
    typer.echo(result.headline)
    if isinstance(result.auroc, Interval):
        typer.echo(result.verdict)
    for count, what in (
        (result.trained_on, "left out: the model was trained on them"),
        (result.unlabelled, "without a label (normal or abnormal, in a manifest's column `label`): scored, not judged"),
        (result.not_read, "not read; the report says why"),
    ):
        if count:
            typer.echo(f"{count} of {len(listed)} films {what}.")
    typer.echo(f"report: {out / 'report.html'}")
    console.limits()
    raise typer.Exit(1 if result.not_read else 0)
