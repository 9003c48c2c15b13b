"""Commands `unseen evaluate` and `unseen compare`.

unseen evaluate MODEL --data manifest.csv --out DIR     figures, intervals, shortcut audit, report
unseen evaluate MODEL --data images/ --out DIR          of a reconstructor: PSNR and SSIM next to A† and TV
unseen compare MODEL MODEL … --data manifest.csv        paired differences on the same films
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.artifacts.number_words import number_of
from unseen.cli import console
from unseen.cli.console import UsageError
from unseen.cli.evaluate_imaging import evaluate_imaging

if TYPE_CHECKING:
    import polars as pl

    from unseen.data.reading import Films


def evaluate(
    model: Annotated[Path, typer.Argument(help="a model's bundle")],
    data: Annotated[
        str,
        typer.Option(
            help="labelled films: a manifest CSV with columns file, label (normal | abnormal). Of a reconstructor: "
            "images, a folder or an array file (.npy, .npz, .h5, .mat), or phantoms"
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="folder for report.html, metrics.json and scores.parquet; of a reconstructor for metrics.json and "
            "side-by-side.png"
        ),
    ],
    normal: console.Normal = None,
    abnormal: console.Abnormal = None,
    label_column: console.LabelColumn = "label",
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="stop at the first input that is not read")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
    runtime: Annotated[
        Literal["torch", "openvino"], typer.Option(help="what computes: openvino is faster on the CPU")
    ] = "torch",
    measurements: Annotated[
        Path | None,
        typer.Option(help="of a reconstructor: the images' measurements (.npy, .npz, HDF5, .mat); default: simulated"),
    ] = None,
    array: Annotated[
        str | None,
        typer.Option(help="name of the array, if the file of --measurements (without it, of --data) holds several"),
    ] = None,
    metric: Annotated[
        Literal["psnr", "psnr-ei"],
        typer.Option(
            help="of a reconstructor: psnr-ei adds the PSNR as the papers on equivariant imaging print it (errors "
            "summed over channels, each image's own peak)"
        ),
    ] = "psnr",
) -> None:
    """Evaluate a model: a detector on labelled films, or a reconstructor on images.

    A detector is compared with simple image statistics, a reconstructor with A† and total variation. The command leaves
    out, and counts, films or measurements that the model was trained on, and for a detector other films of their
    patients.

    Examples:

      unseen evaluate model --data labelled.csv --out report/

      unseen evaluate models/phantom-inpainting --data phantoms --out report/
    """
    from unseen.artifacts.bundle import card_of

    console.check_model(model, "detector", "reconstruction")
    if card_of(model).kind == "reconstruction":
        unfit = {
            "--normal": normal, "--abnormal": abnormal, "--strict": strict or None,
            "--label-column": None if label_column == "label" else label_column,
            "--runtime": None if runtime == "torch" else runtime,
        }  # fmt: skip
        console.refuse(unfit, f"for detectors; {model} is a reconstructor")
        return evaluate_imaging(
            model, data=data, out=out, measurements=measurements, array=array, metric=metric, seed=seed, device=device
        )
    if measurements is not None or array is not None or metric != "psnr":
        raise UsageError(f"--measurements, --array and --metric: for reconstructors; {model} is a detector")
    from unseen.data.reading import films

    names = console.label_names(normal, abnormal, label_column)
    console.warn_of_unused_manifest(data)
    listed = films(data, strict=strict, lesions=True, labels=names)
    _check_labels(data, listed)
    console.check_output(out, folder=True, folders=[model])
    for name in ("report.html", "metrics.json", "scores.parquet"):
        console.check_output(out / name, inputs=console.files_read(listed, data))
    from unseen.detectors.saved import load
    from unseen.evaluation.assessment import evaluate as judge
    from unseen.evaluation.intervals import Interval
    from unseen.evaluation.metrics import judged_rows
    from unseen.runs.kept_scores import keep_scores

    detector = load(model, device=device, runtime=runtime)
    console.step(f"scoring {data}")
    result = judge(
        detector,
        listed,
        out=out,
        seed=seed,
        progress=console.count_progress("scored", len(listed)),
    )
    keep_scores(detector, result.table, device=device)
    if not isinstance(result.auroc, Interval):
        raise UsageError(
            f"{data}: {result.headline[:-1]} ({result.trained_on} left out because the model was trained on them, "
            f"{result.of_training_patients} because it was trained on other films of these patients, "
            f"{result.not_read} not read). Add films of other patients, or let `unseen train RECIPE --data … "
            f"--crossfit 5` evaluate the recipe. Each film's score or reason: {out / 'report.html'}"
        )
    console.result(result.headline, headline=result.headline, auroc=result.auroc)
    console.result(result.verdict, verdict=result.verdict)
    for name, count, what in (
        ("trained_on", result.trained_on, "left out: the model was trained on them"),
        (
            "of_training_patients",
            result.of_training_patients,
            "left out: the model was trained on other films of these patients",
        ),
        (
            "unlabelled",
            result.unlabelled,
            "without a label (normal or abnormal, in a manifest's column `label`): scored, and not part of the figures",
        ),
        ("not_read", result.not_read, "not read; the report gives the reason"),
    ):
        console.result(f"{count} of {number_of(len(listed), 'film')} {what}." if count else None, **{name: count})
    _warn_of_copies(judged_rows(result.table, frozenset(detector.training_films)).rows)
    console.result(f"report: {out / 'report.html'}", films=len(listed), report=out / "report.html")
    console.limits()
    raise typer.Exit(1 if result.not_read else 0)


def _warn_of_copies(table: pl.DataFrame) -> None:
    """Warn of copies among the judged films: since each counts, the interval is too narrow."""
    if copies := len(table) - table["pixel_sha256"].n_unique():
        films = "film is a copy" if copies == 1 else "films are copies"
        console.warn(
            f"{copies} of {len(table)} labelled {films} of others, by the pixels. Each counts as a film of its own, "
            "so the interval is too narrow. Name each film once"
        )
    by_label = table.select("pixel_sha256", "label").unique()
    if both := len(by_label) - by_label["pixel_sha256"].n_unique():
        console.warn(f"{number_of(both, 'film', 'is')} labelled normal and abnormal, by the pixels. Correct the labels")


def _check_labels(data: str, listed: Films) -> None:
    """Raise UsageError where one of the two labels is not there: nothing can be judged, whatever the scores."""
    counts = Counter(entry.label or "unlabelled" for entry in listed.entries)
    for label in ("normal", "abnormal"):
        if not counts[label]:
            seen = ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
            raise UsageError(
                f"{data}: no film is labelled {label} (films: {seen}), so nothing can be compared. Add {label} "
                "films of the same source, put films into the folders normal and abnormal, or name the labels of the "
                "set (--normal NAME --abnormal NAME)"
            )


def compare(
    models: Annotated[list[Path], typer.Argument(help="two or more models' bundles")],
    data: Annotated[
        str, typer.Option(help="labelled films: a manifest CSV with columns file, label (normal | abnormal)")
    ],
    normal: console.Normal = None,
    abnormal: console.Abnormal = None,
    label_column: console.LabelColumn = "label",
    out: Annotated[Path | None, typer.Option(help="also write the figures here, as JSON")] = None,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
) -> None:
    """Compare models on films of patients who are new to all of them: AUROC, paired difference, DeLong's p.

    Example:

      unseen compare model-a model-b --data labelled.csv
    """
    from unseen.data.reading import films

    if len(models) < 2:
        raise UsageError("a comparison needs two models or more")
    if len({str(path) for path in models}) < len(models):
        raise UsageError("a model is named twice; a comparison needs different ones")
    for model in models:
        console.check_model(model, "detector")
    console.warn_of_unused_manifest(data)
    listed = films(data, labels=console.label_names(normal, abnormal, label_column))
    _check_labels(data, listed)
    if out is not None:
        console.check_output(out, inputs=console.files_read(listed, data), folders=models)
    from unseen.detectors.saved import load
    from unseen.evaluation.comparison import compare_detectors, write_comparison

    detectors = {str(path): load(path, device=device) for path in models}
    result = compare_detectors(detectors, listed, seed=seed, progress=console.count_progress("scored", len(listed)))
    lines = [f"{name}: AUROC {figure}" for name, figure in result.auroc.items()]
    lines += map(str, result.pairs)
    compared = number_of(result.films, "film")
    reasons = "of patients on whose films a model was trained, not labelled, not read, or named twice"
    lines += [f"{compared}, {result.left_out} left out ({reasons})"]
    console.result("\n".join(lines), **result.to_json())
    if out is not None:
        write_comparison(result, out)
        console.note(f"written: {out}")
    console.limits()
    raise typer.Exit(1 if result.not_read else 0)
