"""`unseen demo`: the whole of it on simulated films, and then the reader's page with a list to work through."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from unseen.artifacts import install_command
from unseen.cli import UsageError, console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unseen_server.demo.filling import Filled
    from unseen_server.web.server import OwnServer


_NEEDED: Final = {"lightning-fabric": "lightning_fabric"}
"""Packages that the demonstration needs and the server does not: it trains."""


def demo(
    out: Annotated[Path, typer.Option(help="folder for everything the demo makes")] = Path("unseen-demo"),
    seed: Annotated[int, typer.Option(help="of the phantoms and the trainings")] = 0,
    normals: Annotated[int, typer.Option(min=80, help="simulated normal films to learn from")] = 200,
    pairs: Annotated[int, typer.Option(min=24, help="twin pairs to test on")] = 60,
    epochs: Annotated[int, typer.Option(min=1, help="passes of dae over the normals")] = 10,
    labelled: Annotated[
        int,
        typer.Option(min=29, help="abnormal films of each site to calibrate on; 29 must pass the input gate"),
    ] = 46,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--browser/--no-browser",
            help="open the reader's page and stay; or check its pages and stop, as where there is no terminal",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make simulated films, score them with the shipped model, train two detectors live, report; show a shortcut
    caught and broken files refused; then calibrate, fill a worklist, and open the reader's page. Ctrl-C ends it.

    Files of an earlier demo in the folder are replaced.

    Examples:

      unseen demo --out unseen-demo

      unseen demo --no-browser
    """

    missing = [name for name, module in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise UsageError(
            f"the demo needs packages that are not installed ({', '.join(missing)}): {install_command('unseen[train]')}"
        )
    import torch

    from unseen.training import shown_on
    from unseen_server.demo.demonstration import STEPS, demonstrate
    from unseen_server.demo.filling import check_free, fill
    from unseen_server.web.server import OwnServer, program

    if browser is None:
        browser = sys.stdin.isatty() and sys.stdout.isatty()
    # Films are drawn on another core meanwhile. A thread without a core of its own keeps all the others waiting: on two
    # busy cores two threads take many times as long as one.
    threads = torch.get_num_threads()
    torch.set_num_threads(min(threads, max(1, (os.cpu_count() or 1) - 1)))
    began = time.monotonic()
    worklist = out / "worklist"
    check_free(worklist)
    if not browser:
        console.note("without a terminal, or with --no-browser, the demo checks the reader's page and ends")
    with _alone(out):
        made = demonstrate(
            out,
            seed=seed,
            normals=normals,
            pairs=pairs,
            epochs=epochs,
            labelled=labelled,
            step=console.step,
            say=console.result,
            progress=shown_on(),
            counting=partial(console.count_progress, "scored"),
        )
        console.result(f"score the pairs again: {program()} score {made.decides} --data {made.tested}")
        torch.set_num_threads(threads)  # the process that drew has ended
        console.step(
            f"8/{STEPS}  Filling a worklist: films and one unreadable file come in, a worker scores what it can, a "
            "simulated reader reads some"
        )
        filled = fill(
            worklist,
            films=made.incoming,
            unreadable=made.broken,
            model=made.decides,
            policy=made.policy,
            further=made.further,
            counting=partial(console.count_progress, "processed"),
        )
        console.result(f"     {filled}")
        words: list[str | Path] = ["--folder", worklist, "--model", made.decides, "--policy", made.policy]
        words += [word for one in made.further for word in ("--also", one)]
        words += ["--runs", made.runs]
        console.step(f"9/{STEPS}  {'Opening' if browser else 'Checking'} the reader's page")
        for number in (signal.SIGTERM, signal.SIGHUP):  # so that the server is not left alone
            signal.signal(number, lambda *_: sys.exit(1))
        with OwnServer([*words, "--port", "0"], log=out / "serve.log") as server:
            if not browser:
                _check(server, filled, models=1 + len(made.further))
            console.result(f"     all of it took {time.monotonic() - began:.0f} s")
            size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
            console.result(
                f"Results are in {out.resolve()}: reports/, models/, policy.json, worklist/, and the films of each "
                f"step ({size / 1e6:.0f} MB)"
            )
            console.limits()
            if browser:
                _stay(server, words)
            else:
                console.result(
                    "The page was checked and is no longer served (no terminal, or --no-browser). To open it: "
                    f"{program()} serve {' '.join(map(str, words))}"
                )


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep a second demo away from the folder while this one uses it."""

    out.mkdir(parents=True, exist_ok=True)
    with (out / ".demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{out}: another demo is using this folder. End it (Ctrl-C), or give another --out"
            ) from None
        yield


def _stay(server: OwnServer, words: Sequence[str | Path]) -> None:
    """Lead the person at this machine to the list, and serve it until Ctrl-C."""

    from unseen_server.web.server import program

    address = server.address("/?tour=1")
    console.result(f"Open this link in a browser to sign in (it works once, within ten minutes): {address}")
    console.result(f"To serve the list again later: {program()} serve {' '.join(map(str, words))}")
    graphical = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if graphical:  # a browser of the terminal would take it over
        webbrowser.open(address)
    console.result("Ctrl-C ends the server.")
    try:
        status = server.wait()
    except KeyboardInterrupt:
        console.result("")
    else:
        _end(f"the server ended by itself, with status {status}. Its last words are in serve.log")


def _check(server: OwnServer, filled: Filled, *, models: int) -> None:
    """Fetch every page as a browser does; a page that is not as it must be ends the command with status 1."""
    from unseen_server.web.page_checks import PageError, checked

    try:
        for line in checked(server.root, server.link, filled, models=models):
            console.result(f"     {line}")
        if status := server.stop():
            raise PageError(f"the server ended with status {status}; expected 0. Its last words are in serve.log.")
    except PageError as error:
        _end(str(error))
    console.result("     stopped: the server finished its requests and films first")


def _end(sentence: str) -> NoReturn:
    console.error(sentence)
    raise typer.Exit(1)
