"""`unseen serve` and `worker`: the worklist over HTTP, and the processes that score its films."""

import logging
import signal
import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from unseen.artifacts import number_of
from unseen.cli import UsageError, console
from unseen_server.cli.worklist_options import Folder, Url


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
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="address or network of a proxy whose X-Forwarded-For names the client; default with --public: this "
            "machine; may be given several times"
        ),
    ] = None,
    watch: Annotated[
        Path | None, typer.Option(help="a folder whose films are received; their files are moved to .done in it")
    ] = None,
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
    oidc: Annotated[
        Path | None,
        typer.Option(help="let people sign in with an identity provider (OpenID Connect); a TOML file names it"),
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

    from unseen_server.service.scoring_models import Models

    if model is None and policy is not None:
        raise UsageError("--policy goes with --model: a policy is bound to one model's weights")
    if model is None and also:
        raise UsageError("--also goes with --model: further models are compared with the one that decides")
    if lab is not None and not lab.is_dir():
        raise UsageError(f"--lab {lab}: there is no such folder. Give the folder that holds the bundles")
    models = None if model is None else Models.of(model, policy, further=also or ())

    from unseen_server.web.address import Address  # seconds of imports, which a wrong model need not wait for
    from unseen_server.web.server import serve as run

    address = Address(host=host, port=port, public=public, proxies=tuple(proxy or ()))
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
        oidc=oidc,
    )


def worker(
    model: Annotated[
        Path, typer.Argument(help="a model's bundle: the folder that `unseen train` printed, or models/pca")
    ],
    folder: Folder,
    url: Url = None,
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

    from unseen.detectors import load as load_detector
    from unseen.screening import load
    from unseen_server.service.scoring_models import Models
    from unseen_server.worklist.film_worker import Worker
    from unseen_server.worklist.store import Store

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("unseen").setLevel(logging.INFO)
    with Store.open(url or folder, films_folder=folder, create=False, check="files") as store:
        Models.of(model, policy, further=also or ())  # the same weights twice are refused
        screener = load(model, policy, device=device, runtime=runtime)
        further = [load_detector(folder, device=device, runtime=runtime) for folder in also or ()]
        console.step(f"scoring what comes into {folder} with {model}; Ctrl-C stops")
        console.limits()
        worker = Worker(store, lambda: screener, further=lambda: further)
        worker.check_probes()
        if screener.disagreement:
            console.note(f"nothing is cleared: {screener.disagreement}")
        scored = worker.run(stop)
    console.result(f"{number_of(scored, 'film')} scored.")
