"""`unseen onnx MODEL --to FOLDER`: a model's networks as ONNX files, each compared with torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unseen.cli import console


def onnx(
    model: Annotated[
        Path, typer.Argument(help="a model's bundle: the folder that `unseen train` printed, or models/pca")
    ],
    to: Annotated[Path, typer.Option(help="folder for the files, one for each network; made where it is missing")],
    film: Annotated[
        str | None, typer.Option(help="a film whose tensors the networks are compared on; default: a simulated one")
    ] = None,
) -> None:
    """Write the networks of a model as ONNX, for other programs, and compare each with torch.

    Each line has the file, the shapes of its inputs, and the largest difference of an output. The view of a film, the
    score and the anomaly map are no part of the files: only the bundle scores films.

    Example:

      unseen onnx models/roi-sure --to onnx/
    """
    console.check_model(model, "detector", "lungs")
    console.check_output(to, folder=True, folders=[model])
    from unseen.anatomy.lung_finder import LungFinder
    from unseen.artifacts.bundle import card_of
    from unseen.data import phantoms
    from unseen.data.film import NotRead
    from unseen.data.reading import films
    from unseen.detectors.lung_finder_bundles import finder_of
    from unseen.detectors.onnx_export import export_networks
    from unseen.detectors.saved import load

    seen = next(iter(phantoms.normals(1, seed=0) if film is None else films(film)))
    if isinstance(seen, NotRead):
        raise console.UsageError(f"{seen.name}: {seen.reason}")
    console.step(f"exporting {model}")
    lungs = finder_of(model) if card_of(model).kind == "lungs" else None
    source = lungs if isinstance(lungs, LungFinder) else load(model)
    exported = export_networks(source, seen, to)
    for one in exported:
        shapes = ", ".join(" × ".join(map(str, shape)) for shape in one.shapes)
        console.item(
            "files",
            f"{one.file}: inputs {shapes}; differs from torch by {one.difference:.1e} at most, of {one.largest:.3g}",
            {"file": one.file, "shapes": one.shapes, "difference": one.difference, "largest": one.largest},
        )
    if not exported:
        console.result(f"{model}: has no network", files=[])
    elif not isinstance(source, LungFinder) and {one.name for one in exported} == {"finder"}:
        console.warn(
            f"this is the lung finder alone. {source.key} has no network: `unseen score {model}` computes its score"
        )
    console.limits()
