"""`unseen worker MODEL --folder worklist`: scores the films of a worklist until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def worker(
    model: Annotated[
        Path, typer.Argument(help="a model's bundle: the folder that `unseen train` printed, or models/pca")
    ],
    folder: Annotated[Path, typer.Option(help="the worklist's folder")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="what `unseen calibrate` wrote for this model; without it nothing is cleared")
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option(help="a further bundle that scores each film, for comparison only; may be given several times"),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
    runtime: Annotated[
        Literal["torch", "openvino"], typer.Option(help="what computes: openvino is faster on the CPU")
    ] = "torch",
) -> None:
    """Score the films of a worklist, those that wait and those that come, until Ctrl-C or SIGTERM.

    The film in hand is finished first. Any number of workers may run at once, here and on other machines that see the
    same database and the same folder; the film of one that is killed is taken by another a minute later.

    Example:

      unseen worker models/pca --folder worklist
    """
    import logging
    import signal
    import threading

    from unseen.cli import console
    from unseen.detectors.saved import load as load_detector
    from unseen.screening.screener import load
    from unseen.service.models import Models
    from unseen.worklist.store import Store
    from unseen.worklist.worker import Worker

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("unseen").setLevel(logging.INFO)
    with Store.open(url or folder, films_folder=folder, create=False) as store:
        Models.of(model, policy, further=also or ())  # the same weights twice are refused
        screener = load(model, policy, device=device, runtime=runtime)
        further = [load_detector(folder, device=device, runtime=runtime) for folder in also or ()]
        console.step(f"scoring what comes into {folder} with {model}; Ctrl-C stops")
        console.limits()
        scored = Worker(store, lambda: screener, further=lambda: further).run(stop)
    typer.echo(f"{scored} films scored.")
