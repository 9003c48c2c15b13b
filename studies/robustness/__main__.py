"""`python -m studies.robustness RECIPE RECIPE`: AUROC of two detectors under added noise, and its difference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from unseen.cli import console, run
from unseen.cli.console import UsageError

program = typer.Typer(name="studies.robustness", add_completion=False, pretty_exceptions_enable=False)


@program.command()
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

      python -m studies.robustness ms_cxr/roi-sure-64-lungs ms_cxr/roi-oracle-64-lungs --sigma 0.1 --out robustness.json
    """

    from studies.robustness.study import SIGMAS
    from studies.robustness.study import robustness as study
    from unseen.artifacts import recipe as recipes
    from unseen.artifacts.files import write_text

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


def main() -> None:
    """Run the command."""
    run(program)


if __name__ == "__main__":
    main()
