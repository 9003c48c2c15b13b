"""`unseen prior train RECIPE`: a generator that learns from images; the run's folder holds the bundle."""

from pathlib import Path
from typing import Annotated

import typer

from unseen.cli import console

prior = typer.Typer(
    no_args_is_help=True,
    help="Generative models as priors: trained on good images, they regularise any operator without pairs."
    "\n\nExample:"
    "\n\n  unseen prior train priors/mnist-vae --out model",
)


@prior.command()
@console.with_output_options
def train(
    recipe: Annotated[
        str, typer.Argument(help="a shipped recipe's name (priors/… of `unseen recipes`) or a .toml of your own")
    ],
    out: Annotated[Path | None, typer.Option(help="also write the generator's bundle here")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1; default: the recipe's")] = None,
    devices: console.Devices = None,
    nodes: console.Nodes = None,
    seed: Annotated[int | None, typer.Option(help="default: the recipe's")] = None,
    licence: Annotated[str, typer.Option(help="what the generator may be used for; it follows the images' terms")] = "",
) -> None:
    """Train a generator on the recipe's images.

    Public images are read from $UNSEEN_DATA. The same command resumes a run that was interrupted. Runs are stored in
    $UNSEEN_RUNS (default: runs/).

    Examples:

      unseen prior train priors/mnist-vae --out model

      unseen prior train priors/shapes-ae --seed 1 --device cpu
    """
    from unseen.artifacts import recipe as recipes
    from unseen.artifacts.run_folder import runs_root

    if out is not None:
        console.check_bundle_output(out, inputs=[console.recipe_file(recipe)])
    console.check_output(runs_root(), folder=True)
    given = recipes.load(recipe)  # before anything is imported that computes
    from unseen.runs.generator_training import resolve, train_generator
    from unseen.runs.training import join, with_changes

    chosen = with_changes(given, device=device, devices=devices, nodes=nodes, seed=seed)
    try:
        resolve(chosen)
    except recipes.RecipeError as error:
        file = console.recipe_file(recipe)
        raise recipes.naming_file(error, file) if file else error from None
    join(chosen)
    console.step(f"training {chosen.name}")
    with console.training(out):
        trained = train_generator(chosen, out=out, licence=licence, progress=console.training_progress())
    if trained.found:
        console.note(f"nothing was trained: {trained.run.folder} already holds this training, finished")
    console.note(f"{len(trained.G.training_digests)} images learnt from")
    for name, value in trained.metrics.items():
        console.note(f"{name.replace('_', ' ')}: {value} dB")
    model = str(out or trained.run.bundle)
    console.result(model, model=model, metrics=trained.metrics)
    console.limits()
