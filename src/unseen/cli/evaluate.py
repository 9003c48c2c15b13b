"""`unseen evaluate`, `compare`, `robustness`: figures of one detector, of several, under added noise.

`unseen evaluate MODEL --data manifest.csv --out DIR`: figures, intervals, shortcut audit, report.

`unseen compare MODEL MODEL … --data manifest.csv`: paired differences on the same films.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unseen.cli import console
from unseen.cli.console import UsageError

if TYPE_CHECKING:
    from unseen.data.reading import Films


def evaluate(
    model: Annotated[Path, typer.Argument(help="a model's bundle")],
    data: Annotated[
        str, typer.Option(help="labelled films: a manifest CSV with columns file, label (normal | abnormal)")
    ],
    out: Annotated[Path, typer.Option(help="folder for report.html, metrics.json and scores.parquet")],
    normal: console.Normal = None,
    abnormal: console.Abnormal = None,
    label_column: console.LabelColumn = "label",
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="stop at the first input that is not read")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
    runtime: Annotated[
        Literal["torch", "openvino"], typer.Option(help="what computes: openvino is faster on the CPU")
    ] = "torch",
) -> None:
    """Judge a model on labelled films, beside what trivial image statistics reach on the same films.

    Films that the model was trained on are left out, and counted.

    Example:

      unseen evaluate model --data labelled.csv --out report/
    """
    from unseen.data.reading import films
    from unseen.detectors.saved import load
    from unseen.evaluation.assessment import evaluate as judge
    from unseen.evaluation.intervals import Interval

    names = console.label_names(normal, abnormal, label_column)
    detector = load(model, device=device, runtime=runtime)
    listed = films(data, strict=strict, lesions=True, labels=names)
    _check_labels(data, listed)
    console.step(f"scoring {data}")
    result = judge(
        detector,
        listed,
        out=out,
        seed=seed,
        progress=console.count_progress("scored"),
    )
    if not isinstance(result.auroc, Interval):
        raise UsageError(
            f"{data}: {result.headline[:-1]} ({result.trained_on} left out because the model was trained on them, "
            f"{result.not_read} not read). Add films of other patients, or let `unseen train RECIPE --data … "
            f"--crossfit 5` judge the recipe. Each film's score or reason: {out / 'report.html'}"
        )
    typer.echo(result.headline)
    typer.echo(result.verdict)
    for count, what in (
        (result.trained_on, "left out: the model was trained on them"),
        (result.unlabelled, "without a label (normal or abnormal, in a manifest's column `label`): scored, not judged"),
        (result.not_read, "not read; the report gives the reason"),
    ):
        if count:
            typer.echo(f"{count} of {len(listed)} films {what}.")
    typer.echo(f"report: {out / 'report.html'}")
    console.limits()
    raise typer.Exit(1 if result.not_read else 0)


def _check_labels(data: str, listed: Films) -> None:
    """Raises UsageError where one of the two labels is not there: nothing can be judged, whatever the scores."""
    counts = Counter(entry.label or "unlabelled" for entry in listed.entries)
    for label in ("normal", "abnormal"):
        if not counts[label]:
            seen = ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
            raise UsageError(
                f"{data}: no film is labelled {label} (films: {seen}), so nothing can be compared. {_cure(data, label)}"
            )


def _cure(data: str, label: str) -> str:
    """Which films to add, or what to call those of the folders that are there."""
    folders = {} if not Path(data).is_dir() else {
        one.name.casefold(): one.name for one in sorted(Path(data).iterdir()) if one.is_dir()
    }  # fmt: skip
    if {"normal", "abnormal"} <= folders.keys():
        named = f"--normal {folders['normal']} --abnormal {folders['abnormal']}"
        return f"A folder's name is no label by itself: add {named}"
    return (
        f"Add {label} films of the same source to the manifest, or say what the set calls its labels (--normal NAME "
        "--abnormal NAME)"
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
    """Compare models on the films that none of them was trained on: AUROC, paired difference, DeLong's p.

    Example:

      unseen compare model-a model-b --data labelled.csv
    """
    from unseen.data.reading import films
    from unseen.detectors.saved import load
    from unseen.evaluation.comparison import compare_detectors, write_comparison

    if len(models) < 2:
        raise UsageError("a comparison needs two models or more")
    if len({str(path) for path in models}) < len(models):
        raise UsageError("a model is named twice; a comparison needs different ones")
    detectors = {str(path): load(path, device=device) for path in models}
    listed = films(data, labels=console.label_names(normal, abnormal, label_column))
    _check_labels(data, listed)
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


def robustness(
    first: Annotated[
        str, typer.Argument(metavar="RECIPE", help="a recipe with labelled films in folds: a shipped name or a .toml")
    ] = "ms_cxr/roi-sure-64-lungs",
    second: Annotated[
        str, typer.Argument(metavar="RECIPE", help="its twin: the same but for the method")
    ] = "ms_cxr/roi-oracle-64-lungs",
    sigma: Annotated[
        list[float] | None,
        typer.Option(help="σ of the added noise, network units; give it once for each. Default: 0 0.02 0.05 0.1 0.2"),
    ] = None,
    noise: Annotated[
        Literal["gaussian", "poisson", "mixed"],
        typer.Option(help="what is added; of counts and of both together, σ is the deviation at a middle grey"),
    ] = "gaussian",
    seeds: Annotated[int, typer.Option(min=1, help="trainings of each recipe at each σ: seeds 0, 1, …")] = 5,
    fold: Annotated[int, typer.Option(min=0, help="the fold that is tested; 0 is the one for development")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="trainings at a time, one thread each")] = 2,
    out: Annotated[Path | None, typer.Option(help="also write all figures here, as JSON")] = None,
) -> None:
    """Train two recipes on films with noise added, test them on films with noise added: AUROC at each σ, and the
    paired difference.

    Takes hours: one training for each recipe, σ and seed. Finished trainings are kept in $UNSEEN_RUNS (default: runs/).
    The same command resumes from them.

    Example:

      unseen robustness ms_cxr/roi-sure-64-lungs ms_cxr/roi-oracle-64-lungs --sigma 0 --sigma 0.1 --out robustness.json
    """

    from unseen.artifacts import recipe as recipes
    from unseen.artifacts.files import write_text
    from unseen.runs.robustness import SIGMAS
    from unseen.runs.robustness import robustness as study

    chosen = [recipes.load(name) for name in (first, second)]
    if out is not None:  # now, not after hours
        if out.is_dir():
            raise UsageError(f"--out {out}: is a folder; give a file, such as {out / 'robustness.json'}")
        out.parent.mkdir(parents=True, exist_ok=True)
    console.step(f"{first} and {second}, with {noise} noise added")
    try:
        row = study(
            chosen,
            fold=fold,
            sigmas=sigma or SIGMAS,
            seeds=range(seeds),
            noise=noise,
            workers=workers,
            say=console.note,
        )
    except KeyboardInterrupt:
        console.note("stopped; finished trainings are kept. Run the same command again to resume")
        raise typer.Exit(130) from None
    for line in _lines(row):
        typer.echo(line)
    if out is not None:
        write_text(out, json.dumps(row, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        console.note(f"written: {out}")
    console.limits()
    raise typer.Exit(1 if row["n"]["not_read"] else 0)


# Any: JSON
def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    n, own, entries = row["n"], row["own_sigma"], row["auroc"]["score"]
    yield (
        f"AUROC [95 % interval] on {n['normal']} normal and {n['abnormal']} abnormal films of fold {row['fold']}, mean "
        f"over {len(row['seeds'])} seed{'s' if len(row['seeds']) > 1 else ''}; {row['noise']} noise, σ in network units"
    )
    yield from _table(row, "trained and tested at σ", [e for e in entries if e["trained"] == e["tested"]])
    if 0 in row["sigmas"]:
        noisy = [e for e in entries if e["trained"] == 0 < e["tested"]]
        yield from _table(row, "trained clean, tested at σ", noisy)
    low, median, high = (f"{own[quantile]:.3g}" for quantile in ("0.25", "0.5", "0.75"))
    yield ""
    yield f"The films' own noise, estimated from their finest details: σ {median} (quartiles {low} to {high})."
    if row["not_converged"]:
        yield f"Not converged: {row['not_converged']} of {row['trainings']} trainings; more epochs would change them."
    if n["not_read"]:
        yield f"{n['not_read']} films were not read and are left out."


def _table(row: Mapping[str, Any], what: str, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Columns wide enough for what they hold; nothing where there is no entry."""
    from unseen.evaluation.intervals import interval_text as figure

    if not entries:
        return
    first, second = row["recipes"]
    cells = [[what, first, second, "difference"]] + [
        [f"{e['tested']:g}", figure(e[first]), figure(e[second]), figure(e["difference"], sign=True)] for e in entries
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    yield ""
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
