"""`unseen pilot MODEL --data archive.csv --policy policy.json --out pilot/`: decisions on an archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from unseen.artifacts.number_words import number_of
from unseen.cli import console


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
    normal: console.Normal = None,
    abnormal: console.Abnormal = None,
    label_column: console.LabelColumn = "label",
    seed: Annotated[int, typer.Option(help="seed of the bootstrap")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
    runtime: Annotated[
        Literal["torch", "openvino"], typer.Option(help="runtime of the networks; must be that of the policy")
    ] = "torch",
) -> None:
    """Run a pilot on an archive: how its studies would have been ranked, cleared and missed. No decision takes effect.

    The command leaves out studies on which the model was trained or the policy calibrated, and all studies of their
    patients.

    Example:

      unseen pilot models/pca --data archive.csv --policy policy.json --out pilot/
    """

    from unseen.artifacts.files import write_text
    from unseen.cli.counted_films import CountedFilms
    from unseen.data.reading import films
    from unseen.screening.policy import Policy

    console.check_model(model, "detector")
    if policy is not None:
        Policy.load(policy)
    console.warn_of_unused_manifest(data)
    labelled = films(data, labels=console.label_names(normal, abnormal, label_column))
    listed = CountedFilms(labelled)
    if not any(entry.label for entry in labelled.entries):
        raise console.UsageError(
            f"{data}: no film is labelled, so nothing can be compared. Give a manifest with the reports' outcomes, or "
            "name the labels of the set (--normal NAME --abnormal NAME)"
        )
    console.check_output(out, folder=True, folders=[model])
    for name in ("pilot.html", "pilot.json"):
        console.check_output(out / name, inputs=console.files_read(labelled, data, policy))
    from unseen.screening.pilot import percent, pilot_html
    from unseen.screening.pilot import pilot as run
    from unseen.screening.screener import load

    screener = load(model, policy, device=device, runtime=runtime)
    console.step(f"screening {data}")
    found = run(screener, listed, seed=seed, progress=console.count_progress("screened", len(listed)))
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "pilot.html", pilot_html(found, policy=screener.policy, model=str(model)))
    write_text(out / "pilot.json", json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n")
    everything = found.groups[0]
    console.result(
        f"{number_of(len(found.studies), 'study')}; AUROC of the order {found.auroc}\n"
        f"normal studies cleared: {percent(everything.normals_cleared)}\n"
        f"abnormal studies cleared (missed): {percent(everything.abnormals_cleared)}\n"
        f"not scored: {everything.not_scored}\n"
        f"page: {out / 'pilot.html'}",
        **found.to_json(), page=out / "pilot.html",
    )  # fmt: skip
    if found.left_out:
        learnt = "trained" if policy is None else "trained or the policy calibrated"
        console.note(
            f"{number_of(found.left_out, 'study')} left out: the model was {learnt} on films of these patients. "
            "Hold studies back for the pilot"
        )
    if found.unlabelled:
        console.note(f"{number_of(found.unlabelled, 'film')} of studies without a label left out")
    raise listed.end()
