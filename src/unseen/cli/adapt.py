"""`unseen adapt MODEL --data labelled.csv --out MODEL2`: a site's labelled films teach a head beside the model."""

from pathlib import Path
from typing import Annotated

import typer

from unseen.cli import console
from unseen.detectors.head_name import HeadName


def adapt(
    model: Annotated[
        Path, typer.Argument(help="a model's bundle: the folder that `unseen train` printed, or models/pca")
    ],
    data: Annotated[
        str, typer.Option(help="labelled films: a manifest CSV with columns file, label, patient, view_position")
    ],
    out: Annotated[Path, typer.Option(help="write the adapted model's bundle here")],
    normal: console.Normal = None,
    abnormal: console.Abnormal = None,
    label_column: console.LabelColumn = "label",
    share: Annotated[
        float, typer.Option(help="the share of the patients whose films teach; the others' stay fresh for calibrate")
    ] = 0.33,
    head: Annotated[
        HeadName,
        typer.Option(
            help="formula of the head's weights; normals-covariance: linear discriminant with the covariance of the "
            "normal films, for 10 to 25 abnormal films"
        ),
    ] = "ridge",
    backbone: Annotated[
        Path | None,
        typer.Option(help="a safetensors file of EfficientNet-lite0's weights; default: those of the extra features"),
    ] = None,
    licence: Annotated[str, typer.Option(help="what the model may be used for; it follows the films' terms")] = "",
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
) -> None:
    """Teach a model on a site's labelled films, normal and abnormal.

    A check compares the head's scores of abnormal films with those of normal films of like simple image statistics, and
    of like projection where DICOM files or the manifest's column view_position state it. The head ridge is used only
    where the difference exceeds its standard error; else the score from normal films alone is kept. The share of the
    head normals-covariance grows with this difference; weak evidence has a small share. A third of the patients teach;
    calibrate with the same manifest, and the others are used: a guarantee needs films that the model has not seen.
    Normal films on which the model was trained teach the head, too. At least 5 abnormal films, 30 normal films and 10
    normal films of patients who are new to the model are needed.

    Examples:

      unseen adapt models/pca --data labelled.csv --out adapted

      unseen calibrate adapted --data labelled.csv --out policy.json
    """
    from unseen.artifacts.folder_lock import sole_writer
    from unseen.cli.counted_films import CountedFilms
    from unseen.data.reading import films

    console.check_model(model, "detector")
    console.check_bundle_output(out, inputs=[model, data, backbone])
    console.warn_of_unused_manifest(data)
    listed = CountedFilms(films(data, labels=console.label_names(normal, abnormal, label_column)))
    from unseen.detectors.errors import FitError
    from unseen.detectors.saved import load, save
    from unseen.screening.adaptation import adapt as teach
    from unseen.screening.screener import gate_in

    with sole_writer(out):
        console.step(f"looking at {data}")
        detector = load(model, device=device)
        card = detector.card
        assert card is not None
        try:
            adapted, found = teach(
                detector,
                listed,
                share=share,
                head=head,
                backbone=backbone,
                gate=gate_in(model),
                progress=console.count_progress("looked at", len(listed)),
            )
        except FitError:  # such as too few films
            listed.note_unread()
            raise
        save(
            adapted,
            out,
            data=f"{card.data.rstrip('.')}; adapted with {found.abnormals} abnormal and {found.normals} normal"
            " labelled films",
            licence=licence or card.licence,
            gate=gate_in(model),
        )
    console.result("\n".join(found.lines()), summary=list(found.lines()))
    console.result(f"adapted model: {out}", model=out)
    raise listed.end()
