"""`unseen compare MODEL MODEL … --data manifest.csv`: paired differences on the same films."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    models: Annotated[list[Path], typer.Argument(help="two or more models' bundles")],
    data: Annotated[
        str, typer.Option(help="labelled films: a manifest CSV with columns file, label (normal | abnormal)")
    ],
    out: Annotated[Path | None, typer.Option(help="also write the figures here, as JSON")] = None,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
) -> None:
    """Compare models on the films that none of them was trained on: AUROC, paired difference, DeLong's p.

    Example:

      unseen compare model-a model-b --data labelled.csv
    """
    from unseen.cli import console
    from unseen.cli.usage import UsageError
    from unseen.data.reading import films
    from unseen.detectors.saved import load
    from unseen.evaluation.comparison import compare_detectors, write_comparison

    if len(models) < 2:
        raise UsageError("a comparison needs two models or more")
    if len({str(path) for path in models}) < len(models):
        raise UsageError("a model is named twice; a comparison needs different ones")
    detectors = {str(path): load(path, device=device) for path in models}
    listed = films(data)
    result = compare_detectors(detectors, listed, seed=seed, progress=console.count_progress("scored"))
    for name, figure in result.auroc.items():
        typer.echo(f"{name}: AUROC {figure}")
    for pair in result.pairs:
        typer.echo(str(pair))
    typer.echo(f"{result.films} films, {result.left_out} left out (trained on, not labelled, not read, or named twice)")
    if out is not None:
        write_comparison(result, out)
        console.note(f"written: {out}")
    console.limits()
    raise typer.Exit(1 if result.not_read else 0)
