"""`unseen train`: a detector from normal films, or a reconstructor from measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.artifacts.number_words import number_of
from unseen.cli import console
from unseen.cli.console import UsageError
from unseen.cli.train_imaging import train_imaging
from unseen.cli.training_films import MASKS, Finder, check_films, finder_for, listed_films

if TYPE_CHECKING:
    from unseen.artifacts.recipe import Recipe
    from unseen.data.reading import Films
    from unseen.evaluation.assessment import Evaluation
    from unseen.runs.training import Trained


def train(
    recipe: Annotated[
        str, typer.Argument(help="a shipped recipe's name (see `unseen recipes`) or a .toml of your own")
    ],
    data: Annotated[
        str | None,
        typer.Option(
            help="normal films instead of the recipe's: a folder, a glob in quotes, or a manifest CSV. Imaging "
            "recipes: images that are measured, a folder or an array file (.npy, .npz, .h5, .mat); default: phantoms"
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="another value for a setting of the recipe; repeatable"),
    ] = None,
    normal: console.Normal = None,
    abnormal: console.Abnormal = None,
    label_column: console.LabelColumn = "label",
    finder: Finder = None,
    unlabelled: Annotated[
        str | None,
        typer.Option(help="unlabelled films: the epoch that separates them best from the normal films is kept"),
    ] = None,
    backbone: Annotated[
        Path | None,
        typer.Option(
            help="file of weights to begin with (.safetensors, or a state dict in .pt or .pth): of --architecture for "
            "the methods on frozen features, of ResNet-18 for anatpaste, patch-memory and student-teacher"
        ),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            help="network of the --backbone: densenet121-xrv, dinov2-vitb14, rad-dino, convnext-tiny, resnet50 or "
            "efficientnet-lite0; its default blocks replace the recipe's"
        ),
    ] = None,
    fold: Annotated[
        int | None, typer.Option(help="leave out the films of this fold of the recipe's split (not with --data)")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="also write the model's bundle here")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1; default: the recipe's")] = None,
    devices: console.Devices = None,
    nodes: console.Nodes = None,
    seed: Annotated[int | None, typer.Option(help="default: the recipe's")] = None,
    origin: Annotated[
        str, typer.Option(help="which films these are and where they come from, for the model's card")
    ] = "",
    licence: Annotated[str, typer.Option(help="what the model may be used for; it follows the films' terms")] = "",
    crossfit: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="first measure the AUROC on labelled --data: so many detectors, each scoring the patients that it did "
            "not learn from; 5 is usual",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="with --crossfit: folder for report.html, metrics.json and scores.parquet")
    ] = None,
    log: Annotated[
        Literal["csv", "tensorboard"],
        typer.Option(
            help="where the losses go: csv, a run's log.csv alone; tensorboard, also $UNSEEN_RUNS/tensorboard"
        ),
    ] = "csv",
    normal_folds: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="detectors that cross-fit the scores of the training normals, for percentiles; 0: no such scores. By "
            "default 5, or 2 for a method that is trained by epochs (as long again as the training itself)",
        ),
    ] = None,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate", help="also train the input gate: it refuses improper films and marks unlike ones; takes minutes"
        ),
    ] = False,
    measurements: Annotated[
        Path | None,
        typer.Option(
            help="imaging recipes: your own measurements instead of simulated ones: .npy, .npz, HDF5, NIfTI, .mat"
        ),
    ] = None,
    array: Annotated[
        str | None,
        typer.Option(help="name of the array, if the file of --measurements (without it, of --data) holds several"),
    ] = None,
    operator: Annotated[
        Path | None,
        typer.Option(help='imaging recipes: operator in place of the recipe\'s, a .toml such as operator = "mask"'),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="imaging recipes: reconstructor to fine-tune, such as models/phantom-inpainting; its network and its "
            "process replace the recipe's"
        ),
    ] = None,
    hold_out: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="imaging recipes: share of held-out measurements, whose risk chooses the epoch; default: 0.1 with "
            "noise, else 0; 0: the last epoch",
        ),
    ] = None,
) -> None:
    """Train a detector on normal films, or a reconstructor on measurements.

    The same command resumes a run that was interrupted. Runs are stored in $UNSEEN_RUNS (default: runs/).

    Examples:

      unseen train phantoms/pca-64-lungs --out model

      unseen train ms_cxr/roi-sure-64-lungs --data normals.csv --out model

      unseen train detectors/pca --data chest/ --normal NORMAL --set method.components=30 --out model

      unseen train ms_cxr/ganomaly-64-lungs --data normals.csv --devices 4 --out model

      unseen train imaging/inpainting --out inpainter
    """
    from unseen.artifacts import recipe as recipes
    from unseen.artifacts.bundle import annotate
    from unseen.artifacts.run_folder import runs_root

    # first what needs no library that computes, so that a mistake is reported at once
    known = recipes.load(recipe)
    console.check_output(runs_root(), folder=True)
    from unseen.reconstruction import RECONSTRUCTORS

    if known.method.key in RECONSTRUCTORS:
        unfit = {
            "--normal": normal, "--abnormal": abnormal, "--finder": finder, "--unlabelled": unlabelled,
            "--backbone": backbone, "--architecture": architecture, "--fold": fold, "--crossfit": crossfit,
            "--report": report, "--normal-folds": normal_folds, "--gate": gate or None,
            "--label-column": None if label_column == "label" else label_column,
        }  # fmt: skip
        console.refuse(unfit, f"for detectors; {recipe} trains a reconstructor")
        if log == "tensorboard":
            raise UsageError("--log tensorboard: for detectors; the losses of a reconstructor are in its run's log.csv")
        return train_imaging(
            known, source=console.recipe_file(recipe), data=data, settings=settings or [], measurements=measurements,
            array=array, operator=operator, start_from=start_from, out=out, device=device, devices=devices,
            nodes=nodes, seed=seed, hold_out=hold_out, origin=origin, licence=licence,
        )  # fmt: skip
    of_imaging = {
        "--measurements": measurements, "--array": array, "--operator": operator, "--start-from": start_from,
        "--hold-out": hold_out,
    }  # fmt: skip
    console.refuse(of_imaging, f"for imaging recipes; {recipe} trains a detector")
    names = console.label_names(normal, abnormal, label_column)
    if data is None and names is not None:
        raise UsageError("--normal and --abnormal: go with --data; the films of a recipe have labels")
    if (crossfit is None and report is not None) or (crossfit is not None and data is None):
        raise UsageError("--crossfit goes with --data, labelled films of your own, and --report with --crossfit")
    if architecture is not None and backbone is None:
        raise UsageError("--architecture goes with --backbone, the file of that network's weights")
    if finder is not None and finder != MASKS:
        console.check_model(finder, "lungs", "detector")
    if report is not None:
        console.check_output(report, folder=True)
    if out is not None:
        console.check_bundle_output(out, inputs=[console.recipe_file(recipe), data, finder, unlabelled, backbone])
    if data is not None:
        check_films(data, names)

    from unseen.runs.normal_scores import default_folds
    from unseen.runs.overrides import overridden
    from unseen.runs.training import detector_of, join, resolve, train_recipe, with_changes
    from unseen.training.tensorboard_log import tensorboard_curves

    given = with_changes(known, device=device, devices=devices, nodes=nodes, seed=seed, architecture=architecture)
    chosen = overridden(given, settings or [], source=console.recipe_file(recipe))
    join(chosen)
    listed = None if data is None else listed_films(data, names)
    if report is not None and listed is not None:
        for name in ("report.html", "metrics.json", "scores.parquet"):
            console.check_output(
                report / name,
                inputs=console.files_read(listed, data, console.recipe_file(recipe), unlabelled, backbone),
            )
    lungs = finder_for(chosen, listed, finder)
    progress = console.training_progress()
    if log == "tensorboard":
        curves = runs_root() / "tensorboard" / chosen.name
        progress = tensorboard_curves(curves, then=progress)
        console.note(f"curves: tensorboard --logdir {curves}")
    with console.training(out):
        judged = None
        if crossfit is not None and listed is not None:
            judged = _judged(chosen, listed, crossfit, lungs, backbone, report)
        console.step(f"training {chosen.name}")
        trained = train_recipe(
            chosen,
            fold=fold,
            data=listed,
            finder=lungs,
            unlabelled=unlabelled,
            backbone=backbone,
            progress=progress,
            out=out,
            origin=origin,
            licence=licence,
            gate=gate,
            normal_folds=default_folds(detector_of(resolve(chosen))) if normal_folds is None else normal_folds,
        )
        if judged is not None:
            for folder in filter(None, (trained.run.bundle, out)):
                annotate(folder, metrics={"crossfit": {"auroc": judged.metrics["auroc"]}})
    _note_training(trained, backbone)
    model = out or trained.run.bundle
    console.result(str(model), model=model, facts=trained.detector.facts, found=trained.found)
    console.limits()
    raise typer.Exit(1 if trained.not_read else 0)


def _note_training(trained: Trained, backbone: Path | None) -> None:
    """Print what was trained, on what, and what the user should know of the model."""
    if trained.found:
        console.note(f"nothing was trained: {trained.run.folder} already holds this training, finished")
    others = int(trained.detector.facts.get("unlabelled_films", 0))
    learnt = f"{len(trained.detector.training_films) - others} normal films"
    learnt += f" and {others} unlabelled ones" if others else ""
    seconds = trained.detector.facts["training_seconds"]
    console.note(f"{learnt}; the detector itself was trained in {seconds:.1f} s")
    if "chosen_epoch" in trained.detector.facts:
        epoch, aucp = (trained.detector.facts[f"chosen_{name}"] for name in ("epoch", "aucp"))
        why = "it separates the unlabelled films best from the normal films"
        if round(aucp, 2) <= 0.5:
            why = "no epoch separates the unlabelled films from the normal films, so this choice has no meaning"
        console.note(f"epoch {epoch:.0f} was kept: {why} (AUROC {aucp:.2f})")
    if backbone is not None:
        console.note(f"the model contains weights of {backbone}: their licence applies to the model, too")
    if trained.history is not None and trained.history.converged(trained.detector.converges_by) is False:
        console.note("not converged: the loss was still falling by more than 5 %; more epochs would change the model")
    if trained.not_read:
        console.note(f"{number_of(len(trained.not_read), 'film')} left out, not read; the reasons stand above")


def _judged(
    recipe: Recipe, listed: Films, folds: int, finder: Path | None, backbone: Path | None, report: Path | None
) -> Evaluation:
    """Return the cross-fitted figures, and print them."""
    from unseen.evaluation.intervals import Interval
    from unseen.runs.crossfit import crossfit

    console.step(f"cross-fitting {recipe.name}")
    judged = crossfit(
        recipe,
        listed,
        folds=folds,
        finder=finder,
        backbone=backbone,
        out=report,
        progress=console.training_progress(),
        say=console.note,
    )
    console.result(f"cross-fitted: {judged.headline}", headline=judged.headline, auroc=judged.auroc)
    if isinstance(judged.auroc, Interval):
        console.result(judged.verdict, verdict=judged.verdict)
    if report is not None:
        console.result(f"report: {report / 'report.html'}", report=report / "report.html")
    return judged
