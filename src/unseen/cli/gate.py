"""`unseen gate MODEL --data normals.csv --out MODEL2`: a model's input gate, learnt from the normal films of a site."""

from pathlib import Path
from typing import Annotated

import typer

from unseen.artifacts.number_words import number_of
from unseen.cli import console


def gate(
    model: Annotated[
        Path, typer.Argument(help="a model's bundle: the folder that `unseen train` printed, or models/pca")
    ],
    data: Annotated[str, typer.Option(help="normal films of the site: a folder, a glob or a manifest CSV")],
    out: Annotated[Path, typer.Option(help="write the model with its new gate here")],
    least_age: Annotated[
        float, typer.Option(help="films of younger patients are refused, in years; 0: none are")
    ] = 16.0,
) -> None:
    """Fit a model's input gate to a site: films like these pass, others are refused with a reason.

    Detector and scores stay as they are; films labelled abnormal are left out. At least 20 normal films are needed.
    The new model is another one to a worklist: it starts with no scores.

    Examples:

      unseen export tables --folder worklist --labelled

      unseen gate models/pca --data tables/labelled.csv --out models-site/pca
    """
    from unseen.artifacts.folder_lock import sole_writer
    from unseen.cli.counted_films import CountedFilms
    from unseen.data.reading import films
    from unseen.runs.cohort import check_holds_films_alone

    console.check_model(model, "detector")
    console.check_bundle_output(out, inputs=[model, data])
    check_holds_films_alone("data", [data])
    console.warn_of_unused_manifest(data)
    normals = CountedFilms(films(data).select(lambda entry: entry.label != "abnormal"))
    from unseen.detectors.gate_in_bundle import add_gate
    from unseen.detectors.saved import load
    from unseen.screening.gate.gate import Gate, GateError

    detector = load(model)
    if detector.finder is None:
        raise GateError(f"{model}: has no lung finder, and a gate needs one. Give a model of the lungs")
    with sole_writer(out):
        console.step(f"looking at {data}")
        fitted = Gate.fit(normals, finder=detector.finder, least_age_years=least_age or None)
        card = add_gate(model, fitted, to=out)
    read = len(normals) - len(normals.unread)
    console.result(
        f"{out}: gate from {number_of(read, 'normal film')} (weights {card.weights_sha256[:16]}…)",
        model=out, films=read, weights_sha256=card.weights_sha256,
    )  # fmt: skip
    raise normals.end(reasons=False)
