"""`unseen score MODEL FILES…`: one row per input, in input order."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.artifacts.number_words import number_of, verb_of
from unseen.cli import console
from unseen.cli.console import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unseen.evaluation.exported_scores import ScoreRow
    from unseen.runs.archive.scoring import Engine
    from unseen.runs.archive.task import ScoringTask
    from unseen.screening.screener import Screener

SHOWN = 3
"""Files that were not read whose reasons are printed beside a table."""


def score(
    model: Annotated[
        Path, typer.Argument(help="a model's bundle: the folder that `unseen train` printed, or models/pca")
    ],
    files: Annotated[list[str] | None, typer.Argument(help="films (PNG, JPEG, WebP, DICOM), folders or globs")] = None,
    data: Annotated[
        str | None, typer.Option(help="a manifest (.csv or .parquet), a folder or a glob, instead of FILES")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="table to write: .parquet or .csv, or a folder for an archive's parts (parts/); without it a line is "
            "printed for each film"
        ),
    ] = None,
    maps: Annotated[
        Path | None, typer.Option(help="folder for the anomaly map of each film: <digest>.npy, float32")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="a site's policy.json (`unseen calibrate`): adds the decision")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="stop at the first input that is not read")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
    runtime: Annotated[
        Literal["torch", "openvino"], typer.Option(help="what computes: openvino is faster on the CPU")
    ] = "torch",
    resume: Annotated[bool, typer.Option("--resume", help="an archive: keep the parts that are in the folder")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="an archive: processes, with one thread each; 1 if not given")
    ] = None,
    part_size: Annotated[int | None, typer.Option(min=1, help="an archive: films of a part; 1000 if not given")] = None,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="an archive: ray scores it on a Ray cluster ($RAY_ADDRESS), one process per core"),
    ] = "local",
) -> None:
    """Score films: higher is less like the normal films on which the model was trained.

    Each score comes with its percentile among the model's own training normals, or with a policy among the normals that
    calibrated it. A score is not a probability, and depends on its film alone.

    Inputs that are not read get a row with the reason, and the others go on; the exit status is then 1.

    Without a policy every film gets a score. The line of a film that the model's input gate refuses is marked as
    refused; its row in the table has the status scored and the reason. Its score has no meaning.

    With a policy each film also gets its study's decision: clear, read, or not_scored with the reason. It gets a
    probability of being abnormal if a prevalence was entered when the policy was calibrated.

    Examples:

      unseen score models/roi-sure film.png

      unseen score model --data incoming/ --out scores.parquet --maps maps/

      unseen score model --data incoming/ --policy policy.json --out decisions.csv

      unseen score model --data manifest.parquet --out parts/ --workers 2 --resume

      RAY_ADDRESS=head:6379 unseen score model --data manifest.parquet --out /shared/parts/ --engine ray
    """
    if bool(files) == (data is not None):
        raise UsageError("give either FILES or --data, such as `unseen score MODEL film.png`")
    if out is not None and (out.endswith("/") or Path(out).is_dir()):
        from unseen.runs.archive.task import ScoringTask

        console.check_output(Path(out), folder=True, folders=[model])
        console.check_output(Path(out) / "plan.json", inputs=[data, policy])
        task = ScoringTask(
            folder=Path(out), model=str(model), policy=policy, device=device, runtime=runtime, maps=maps, strict=strict
        )
        counts = _archive(task, data, resume=resume, workers=workers, part_size=part_size, engine=engine)
        _summary(counts, out, with_policy=policy is not None)
    elif resume or workers is not None or part_size is not None or engine != "local":
        raise UsageError(
            "--resume, --workers, --part-size and --engine need a folder for the parts, such as --out parts/"
        )
    else:
        counts = _one_table(
            model, data, files or [], out, policy=policy, maps=maps, strict=strict, device=device, runtime=runtime
        )
    raise typer.Exit(1 if counts["not_read"] else 0)


def _one_table(
    model: Path,
    data: str | None,
    files: list[str],
    out: str | None,
    *,
    policy: Path | None,
    maps: Path | None,
    strict: bool,
    device: str,
    runtime: Literal["torch", "openvino"],
) -> Counter[str]:
    """Score films into a table, or print a line for each, and return the counts of `_counted`."""
    from unseen.data.reading import films
    from unseen.screening.policy import Policy

    table = None if out is None else Path(out)
    if table is not None and table.suffix not in (".parquet", ".csv"):
        raise UsageError(f"--out {out}: rows are written as .parquet or .csv, or in parts into a folder (parts/)")
    if table is not None:
        console.check_output(table)
    if maps is not None:
        console.check_output(maps, folder=True, folders=[model])
    inputs = films(data if data is not None else files, strict=strict)
    if not inputs.entries:
        where = data if data is not None else ", ".join(files)
        raise UsageError(f"{where}: no film was found there. Give films, or a folder that holds some")
    if table is not None:
        console.check_output(table, inputs=console.files_read(inputs, data, *files, policy), folders=[model])
    console.check_model(model, "detector")
    console.warn_of_unused_manifest(*([data] if data is not None else files))
    if policy is not None:
        Policy.load(policy)
    from unseen.evaluation.exported_scores import ScoreRow, write_scores
    from unseen.screening.screener import DecisionRow, decision_rows, load, ranked_rows

    screener = load(model, policy, device=device, runtime=runtime)
    # without a table or a policy, each film's line shows how far it is
    progress = console.count_progress("scored", len(inputs)) if out or policy else None
    if screener.disagreement:
        console.note(f"nothing is cleared: {screener.disagreement}")
    counts: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    unread: list[str] = []
    rows_of = ranked_rows if policy is None else decision_rows
    rows = _counted(rows_of(screener, inputs.read_ahead(), maps=maps, progress=progress), counts, refusals, unread)
    if table is not None:
        write_scores(rows, table, kind=ScoreRow if policy is None else DecisionRow)
    else:
        _print_rows(rows, screener)
    _explain(refusals)
    if out:  # without a table the line of each film has its reason
        for line in unread:
            console.note(line)
    _summary(counts, out, with_policy=policy is not None, without_reference=_without_reference(screener))
    return counts


def _print_rows(rows: Iterator[ScoreRow], screener: Screener) -> None:
    """Print a line for each film, with its decision and probability where the screener's policy gives them."""
    decided: tuple[str, ...] = ()
    if screener.policy is not None:
        decided = ("decision",) if screener.policy.prevalence is None else ("decision", "probability")
    for number, row in enumerate(rows):
        if not number:
            console.columns("score", "percentile", *decided, "file", "reason")
        console.item("films", _line(row, decided), asdict(row))


def _without_reference(screener: Screener) -> str:
    """Return why scores have no percentile, and how they get one; empty if they have."""
    from unseen.artifacts.percentile import FEWEST_NORMALS

    if screener.reference.scores:
        return ""
    if screener.policy is not None:
        return screener.reference.words
    return (
        f"{screener.reference.words}. For percentiles, calibrate the model with {FEWEST_NORMALS} normal studies or "
        "more (unseen calibrate) and give --policy; or train it with `unseen train`"
    )


def _archive(
    task: ScoringTask, data: str | None, *, resume: bool, workers: int | None, part_size: int | None, engine: Engine
) -> Counter[str]:
    """Score a manifest into parts; the counts of all of them."""
    from unseen.data.manifest import MANIFESTS
    from unseen.runs.archive.plan import PART_SIZE
    from unseen.runs.archive.scoring import score_archive

    if data is None or Path(data).suffix.lower() not in MANIFESTS:
        raise UsageError(
            f"--out {task.folder}/: parts are cut from a manifest. Give one with --data (.csv or .parquet); "
            "`unseen manifest FOLDER` writes one. For one table, give --out scores.parquet"
        )
    if engine == "ray" and workers is not None:
        raise UsageError("--workers: with --engine ray each core of the cluster has a process. Leave out --workers")
    if engine == "ray" and task.device != "cpu":
        raise UsageError(f"--device {task.device}: --engine ray computes on CPUs. Leave out --device")
    return score_archive(
        task,
        Path(data),
        part_size=PART_SIZE if part_size is None else part_size,
        workers=1 if workers is None else workers,
        engine=engine,
        resume=resume,
        progress=console.rate_progress("scored"),
    )


def _summary(counts: Counter[str], out: str | None, *, with_policy: bool, without_reference: str = "") -> None:
    """Print how many inputs were scored, refused and not read, and why some scores have no meaning or percentile.

    A film that the input gate refuses is not counted as scored, with or without a policy.
    """
    doubted = 0 if with_policy else counts["doubted"]
    scored, refused = counts["scored"] - doubted, counts["not_scored"] + doubted
    console.result(None, scored=scored, refused=refused, not_read=counts["not_read"], out=out)
    reason = " (the reason is in its row)"
    described = f"{refused} refused{reason}, " if refused else ""
    unread = f"{counts['not_read']} not read{reason if counts['not_read'] and out else ''}"
    console.note(f"{scored} scored, {described}{unread}{f': {out}' if out else ''}")
    if doubted:
        console.warn(
            f"{doubted} of {number_of(scored + doubted, 'film')} {verb_of(doubted, 'is')} refused by the input gate. "
            "Scores of such films have no meaning and are kept for research only; with a policy they are not computed"
        )
    if without_reference:
        console.note(without_reference)
    if others := counts["other_source"]:
        console.note(
            f"{others} of {number_of(counts['scored'], 'film')} {verb_of(others, 'is')} of a source that "
            "the policy was not calibrated for. The source of a film is the column source of the manifest, and "
            "without one the name of its folder: write the same source into both manifests (unseen manifest "
            "--source NAME)"
        )
    console.limits()


def _explain(refusals: Counter[str]) -> None:
    """Explain each code that stands in a row, once."""
    from unseen.screening.gate.refusal_codes import CODES

    for code, number in refusals.items():
        films = f"{number_of(number, 'film')}{'' if number == 1 else '; for each'}"
        console.note(f"[{code}] {films}: {CODES[code].explanation}")


def _counted(
    rows: Iterator[ScoreRow], counts: Counter[str], refusals: Counter[str], unread: list[str]
) -> Iterator[ScoreRow]:
    """Yield the rows as they are, counted by status and by the code of a refusal; the first `SHOWN` that are not read
    are added to `unread`, with their reasons.

    `doubted`: scored, with a reason (without a policy, the gate's); `other_source`: not cleared since the policy does
    not know their source.
    """
    from unseen.data.film import one_line
    from unseen.screening.gate.refusal_codes import is_remark, refusal_code
    from unseen.screening.screener import OTHER_SOURCE

    for row in rows:
        if row.reason is not None and (refused := refusal_code(row.reason)) is not None:
            refusals[refused.code] += 1
        counts[row.status] += 1
        if row.status == "not_read" and len(unread) < SHOWN:
            unread.append(f"not read: {one_line(row.file)}: {row.reason}")
        counts["other_source"] += row.reason is not None and row.reason.startswith(OTHER_SOURCE)
        counts["doubted"] += row.status == "scored" and row.reason is not None and not is_remark(row.reason)
        yield row


def _line(row: ScoreRow, decided: tuple[str, ...]) -> str:
    """Return the line of a film: its cells, with those of `decided` from its decision, and a reason if it has one."""
    from unseen.artifacts.percentile import percentile_in_words
    from unseen.data.film import one_line
    from unseen.evaluation.exported_scores import ScoreRow
    from unseen.screening.gate.refusal_codes import is_remark

    cells = [f"{row.score:.6g}" if row.score is not None else row.status.replace("_", " ")]
    # by the gate, without a policy
    refused = type(row) is ScoreRow and row.status == "scored" and bool(row.reason) and not is_remark(row.reason or "")
    if refused:
        cells = [f"refused ({cells[0]})"]
    if row.score is None or refused:
        cells.append("")
    elif row.percentile is None or row.reference is None:
        cells.append("no percentile")
    else:
        cells.append(percentile_in_words(row.percentile / 100, row.reference))
    for name in decided:
        value = getattr(row, name)
        cells.append("" if value is None else value if isinstance(value, str) else f"{value:.3f}")
    return "\t".join([*cells, one_line(row.file), *([row.reason] if row.reason else [])])
