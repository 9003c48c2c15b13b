"""`unseen pilot MODEL --data archive.csv --policy policy.json --out pilot/`: shadow mode."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pilot(
    model: Annotated[
        Path, typer.Argument(help="a model's bundle: the folder that `unseen train` printed, or models/pca")
    ],
    data: Annotated[
        str, typer.Option(help="the archive: a manifest CSV with columns file, label (the report's outcome), source …")
    ],
    out: Annotated[Path, typer.Option(help="folder for pilot.html and pilot.json")],
    policy: Annotated[
        Path | None, typer.Option(help="a site's policy.json; without one films are ranked and none is cleared")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
) -> None:
    """Shadow mode: what would have been ranked, cleared and missed on an archive. Nothing is acted on.

    Studies that the model was trained on, or the policy calibrated on, are left out, and so are their patients'.

    Example:

      unseen pilot models/pca --data archive.csv --policy policy.json --out pilot/
    """
    import json

    from unseen.artifacts.files import write_text
    from unseen.cli import console
    from unseen.data.reading import films
    from unseen.screening.pilot import percent, pilot_html
    from unseen.screening.pilot import pilot as run
    from unseen.screening.screener import load

    screener = load(model, policy, device=device)
    console.step(f"screening {data}")
    found = run(screener, films(data), seed=seed, progress=console.count_progress("screened"))
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "pilot.html", pilot_html(found, policy=screener.policy, model=str(model)))
    write_text(out / "pilot.json", json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n")
    everything = found.groups[0]
    typer.echo(f"{len(found.studies)} studies; AUROC of the order {found.auroc}")
    typer.echo(f"normal studies cleared: {percent(everything.normals_cleared)}")
    typer.echo(f"abnormal studies cleared (missed): {percent(everything.abnormals_cleared)}")
    typer.echo(f"not scored: {everything.not_scored}")
    typer.echo(f"page: {out / 'pilot.html'}")
    console.limits()
