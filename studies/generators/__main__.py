"""`python -m studies.generators BUNDLE … --images IMAGES --out FOLDER`: report of what a generator can represent."""

from pathlib import Path
from typing import Annotated

import typer

from unseen.cli import console, run

program = typer.Typer(name="studies.generators", add_completion=False, pretty_exceptions_enable=False)


@program.command()
def study(
    bundles: Annotated[
        list[Path], typer.Argument(help="a generator's bundle, or several of one size, side by side in one report")
    ],
    images: Annotated[
        str,
        typer.Option(
            "--images",
            help="digits, shapes or brain, dealt as for the training; or images of your own, half of which is held "
            "out: a .npy file of (n, height, width) in [0, 1], or a folder of grey images",
        ),
    ],
    out: Annotated[Path, typer.Option(help="folder for report.html and study.json")],
    number: Annotated[int, typer.Option(min=1, help="test images that are looked for in each generator's range")] = 64,
    seed: Annotated[int, typer.Option(help="of every draw: test images, samples, starts, intervals")] = 0,
) -> None:
    """See what a generator can draw, and what not: five questions, one report.

    Can it make test images; does it make what is none; are its samples spread as images are; how much does a
    image change with its latent; do images' codes fill the prior. Public images are looked for in $UNSEEN_DATA.
    Images that a generator has learnt from are never tested.

    Examples:

      python -m studies.generators model --images digits --out study

      python -m studies.generators vae wgan ae --images mine.npy --out study --number 32
    """
    from studies.generators.bundles import study_bundles

    console.step(f"studying {len(bundles)} generator{'s' if len(bundles) > 1 else ''}")
    found = study_bundles(bundles, images, out=out, number=number, seed=seed, progress=console.note)
    for name, one in found.items():
        for question, sentence in one.sentences.items():
            typer.echo(f"{name}, {question}: {sentence}")
    typer.echo(f"report: {out / 'report.html'}")
    console.limits()


def main() -> None:
    """Run the command."""
    run(program)


if __name__ == "__main__":
    main()
