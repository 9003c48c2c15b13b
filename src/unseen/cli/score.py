"""`unseen score MODEL FILES…`: one row per input, in input order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.cli import console
from unseen.cli.console import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unseen.evaluation.table import ScoreRow


def score(
    model: Annotated[
        Path, typer.Argument(help="a model's bundle: the folder that `unseen train` printed, or models/pca")
    ],
    files: Annotated[list[str] | None, typer.Argument(help="films (PNG, JPEG, WebP, DICOM), folders or globs")] = None,
    data: Annotated[str | None, typer.Option(help="a manifest CSV, a folder or a glob, instead of FILES")] = None,
    out: Annotated[Path | None, typer.Option(help="write the rows here: .parquet or .csv")] = None,
    maps: Annotated[Path | None, typer.Option(help="write each film's anomaly map here: <digest>.npy, float32")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="a site's policy.json (`unseen calibrate`): adds probability and decision")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="stop at the first input that is not read")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
    runtime: Annotated[
        Literal["torch", "openvino"], typer.Option(help="what computes: openvino is faster on the CPU")
    ] = "torch",
) -> None:
    """Score films: higher is less like the normal films that the model has learnt from.

    A score is not a probability, and depends on its film alone. Inputs that are not read get a row with the reason,
    and the others go on; the exit status is then 1.

    Without a policy every film is scored; where the model's input gate would refuse it, the row has the reason.

    With a policy each film also gets its probability of being abnormal and its study's decision: clear, read, or
    not_scored with the reason.

    Examples:

      unseen score models/roi-sure film.png

      unseen score model --data incoming/ --out scores.parquet --maps maps/

      unseen score model --data incoming/ --policy policy.json --out decisions.csv
    """
    from unseen.data.reading import films
    from unseen.evaluation.table import ScoreRow, write_scores
    from unseen.screening.screener import DecisionRow, decision_rows, load, ranked_rows

    if bool(files) == (data is not None):
        raise UsageError("give either FILES or --data, such as `unseen score MODEL film.png`")
    if out is not None and out.suffix not in (".parquet", ".csv"):
        raise UsageError(f"--out {out}: rows are written as .parquet or .csv")
    inputs = films(data if data is not None else list(files or []), strict=strict)
    if not inputs.entries:
        where = data if data is not None else ", ".join(files or [])
        raise UsageError(f"{where}: no film was found there. Give films, or a folder that holds some")
    progress = console.count_progress("scored") if out else None
    screener = load(model, policy, device=device, runtime=runtime)
    counts: Counter[str] = Counter()
    rows_of = ranked_rows if policy is None else decision_rows
    rows = _counted(rows_of(screener, inputs, maps=maps, progress=progress), counts)
    if out is None:
        for row in rows:
            typer.echo(_line(row))
    else:
        write_scores(rows, out, kind=ScoreRow if policy is None else DecisionRow)
    refused = f"{counts['not_scored']} not scored (refused; the reason is in its row), " if counts["not_scored"] else ""
    console.note(f"{counts['scored']} scored, {refused}{counts['not_read']} not read{f': {out}' if out else ''}")
    if policy is None and counts["doubted"]:
        console.note(
            f"warning: {counts['doubted']} of the {counts['scored']} are unlike the films that the model learnt from, "
            "so their scores mean nothing; the reason stands with each. With a policy they are not scored"
        )
    if counts["other_source"]:
        console.note(
            f"{counts['other_source']} of the {counts['scored']} are of a source that the policy was not calibrated "
            "for. The source of a film is the column source of the manifest, and without one the name of its folder: "
            "write the same source into both manifests (unseen manifest --source NAME)"
        )
    console.limits()
    raise typer.Exit(1 if counts["not_read"] else 0)


def _counted(rows: Iterator[ScoreRow], counts: Counter[str]) -> Iterator[ScoreRow]:
    """The rows as they are, counted by status; `doubted`: scored, with a reason (without a policy, the gate's);
    `other_source`: not cleared since the policy does not know their source."""
    from unseen.screening.screener import OTHER_SOURCE

    for row in rows:
        counts[row.status] += 1
        counts["other_source"] += row.reason is not None and row.reason.startswith(OTHER_SOURCE)
        counts["doubted"] += row.status == "scored" and row.reason is not None
        yield row


def _line(row: ScoreRow) -> str:
    cells = [f"{row.score:.6g}" if row.score is not None else row.status.replace("_", " ")]
    probability, decision = getattr(row, "probability", None), getattr(row, "decision", None)
    if decision is not None:
        cells += [decision, "" if probability is None else f"{probability:.3f}"]
    return "\t".join([*cells, row.file, *([row.reason] if row.reason else [])])
