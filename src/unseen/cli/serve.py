"""`unseen serve --folder worklist`: the worklist's HTTP API, and the workers that score what comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    folder: Annotated[Path, typer.Option(help="where films and the worklist are kept; made where it is missing")],
    url: Annotated[
        str | None,
        typer.Option(
            help="a PostgreSQL database instead of a file in the folder: postgresql://user@host/name",
            envvar="UNSEEN_URL",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="where to listen; anything but loopback needs an account first")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="0: any that is free", min=0, max=65535)] = 8080,
    public: Annotated[
        str | None, typer.Option(help="where a reverse proxy with TLS offers it: https://worklist.hospital.example")
    ] = None,
    watch: Annotated[Path | None, typer.Option(help="receive the films that are put into this folder")] = None,
    model: Annotated[
        Path | None, typer.Option(help="score with this bundle; without it, start workers with `unseen worker`")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="what `unseen calibrate` wrote for this model")] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option(help="a further bundle that scores each film, for comparison only; may be given several times"),
    ] = None,
    workers: Annotated[int, typer.Option(help="processes that score", min=1, max=256)] = 1,
    runs: Annotated[
        Path | None, typer.Option(help="show the losses of the trainings in this folder", envvar="UNSEEN_RUNS")
    ] = None,
    lab: Annotated[
        Path | None,
        typer.Option(
            help="offer the reconstructors and generators in this folder in the imaging lab", envvar="UNSEEN_LAB"
        ),
    ] = None,
) -> None:
    """Serve a worklist: films come in over HTTP or from a folder, are scored, and wait for their readers in order.

    On this machine alone, a link that is good for one sign-in is printed at the start. Stop it with Ctrl-C or SIGTERM:
    what is in hand is finished.

    Examples:

      unseen serve --folder worklist --model models/pca

      unseen serve --folder worklist --watch incoming --model models/pca --policy policy.json --workers 2

      unseen serve --folder worklist --model models/roi-sure --also models/pca
    """
    import logging

    from unseen.cli.usage import UsageError
    from unseen.service.models import Models
    from unseen.web.address import Address
    from unseen.web.serving import serve as run

    if model is None and policy is not None:
        raise UsageError("--policy goes with --model: a policy is bound to one model's weights")
    if model is None and also:
        raise UsageError("--also goes with --model: further models are compared with the one that decides")
    address = Address(host=host, port=port, public=public)
    models = None if model is None else Models.of(model, policy, further=also or ())
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("unseen").setLevel(logging.INFO)
    run(
        url or str(folder),
        films_folder=folder,
        address=address,
        watch=watch,
        models=models,
        workers=workers,
        runs=runs,
        lab=lab,
    )
