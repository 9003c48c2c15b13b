"""Start and stop of the server: socket, application, workers, messages at start; and `unseen serve` as a child process.

The child process listens on a free port, is known by the link that it prints, and ends cleanly.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

import uvicorn

from unseen.artifacts import LIMITS, UserError
from unseen_server.http_connections import BoundedConfig
from unseen_server.service.scoring_models import Models as Models  # public as `unseen_server.web.Models`, too
from unseen_server.service.worker_main import WorkerSettings
from unseen_server.service.workers import Workers
from unseen_server.web.address import Address
from unseen_server.web.app import ROOT, create_app
from unseen_server.web.damaged import create_damaged_app
from unseen_server.web.running_servers import RunningServer, announced
from unseen_server.web.sign_in import LOCAL
from unseen_server.worklist.states import DamagedError
from unseen_server.worklist.store import Store

if TYPE_CHECKING:
    from unseen_server.web.oidc_provider import OidcProvider

_log = logging.getLogger("unseen")

_CONNECTIONS: Final = 384
_WAITING: Final = 128
"""Connections that wait for a whole request; the others are answered, or show the list to somebody."""
_WAITING_EACH: Final = 32
"""The same, of one address: four browsers with eight connections each."""
_FINISH_S = 10


class ServingError(UserError, RuntimeError):
    """The server cannot be started with these settings; the message gives the reason and what to do."""


def serve(
    where: str,
    *,
    films_folder: Path,
    address: Address,
    watch: Path | None = None,
    models: Models | None = None,
    workers: int = 1,
    runs: Path | None = None,
    lab: Path | None = None,
    oidc: Path | None = None,
) -> None:
    """Serve a worklist until SIGTERM or Ctrl-C; requests and films in hand are finished then.

    Args:
        where, films_folder: as `Store.open` takes them; made where there is none.
        watch: a folder whose films are received.
        models: the models of the `workers` processes, until leads activate others; None: workers are started manually,
            with their own models.
        runs: a folder of trainings whose losses are shown.
        lab: a folder of bundles that the imaging lab offers.
        oidc: the settings of an identity provider by which people may sign in.

    A damaged worklist is not opened: no worker starts, nothing is received or cleared, and every page and `/health`
    show the cause and the remedy.

    Raises ServingError and WorklistError: the port is taken, nobody could sign in, the store cannot be opened.
    """
    provider = None if oidc is None else _provider(oidc)
    try:
        opened = Store.open(where, films_folder=films_folder, check="files")
    except DamagedError as error:
        _serve_damaged(str(error), films_folder=films_folder, address=address)
        return
    with opened as store, _listening(address) as listener:
        address = replace(address, port=listener.getsockname()[1])
        if (
            provider is None
            and not address.is_private
            and not any(not account.disabled for account in store.accounts.listed())
        ):
            public = f" --public {address.public}" if address.public else ""
            url = "" if store.database.is_sqlite else ", with UNSEEN_URL set as for this server"
            raise ServingError(
                f"{address.public or address}: others could reach this server, and nobody has an account. Make one "
                f"with `{program()} invite NAME --role admin --folder {films_folder.resolve()}{public}`{url}; or "
                "serve without --host and --public first."
            )
        processes = None
        if models is not None:
            processes = Workers(_settings(where, films_folder, models, workers), workers)
        app = create_app(
            store,
            watch=watch,
            address=address,
            models=models,
            workers=processes,
            runs_folder=runs,
            lab_folder=lab,
            oidc=provider,
        )
        stopping = app.state.served.stopping
        if processes is not None:
            processes.stopping = stopping
        server = _Server(_config(app, address), stopping)
        with _until_signalled(server), _beside(store, address) as others:
            if processes is not None:
                processes.start()
            try:
                _announce(store, address, watch)
                for other in others:
                    print(
                        f"warning: another `unseen serve` uses this worklist: {other}. Both serve it, and each scores "
                        "with its own --model and --policy. If you did not intend two servers, stop one: Ctrl-C in its "
                        f"terminal, or `kill {other.process}`.",
                        file=sys.stderr,
                        flush=True,
                    )
                if app.state.served.active.problem:
                    print(f"warning: {app.state.served.active.problem}", file=sys.stderr, flush=True)
                server.run(sockets=[listener])
            finally:
                if processes is not None:
                    processes.stop()
        _log.info("server.stopped")


def _serve_damaged(sentence: str, *, films_folder: Path, address: Address) -> None:
    """Serve the page and the health of a damaged worklist, until SIGTERM or Ctrl-C."""
    with _listening(address) as listener:
        address = replace(address, port=listener.getsockname()[1])
        shown = sentence.replace(f"{films_folder}/", "")
        server = _Server(
            _config(create_damaged_app(shown, home=films_folder, address=address), address), threading.Event()
        )
        with _until_signalled(server):
            lines = [
                f"damaged: {sentence}",
                f"Open {address}/ in a browser to see the cause and the remedy.",
                f"For programs, unseen serves {address}{ROOT}/health (impaired: the worklist is damaged)",
                LIMITS,
                *_how_to_stop(),
            ]
            print("\n".join(lines), file=sys.stderr, flush=True)
            server.run(sockets=[listener])


def program() -> str:
    """Return this program's name in the shell: its path, or `python -m unseen` if it was called so."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m unseen"
    return str(called) if called.name == "unseen" else "unseen"


def _provider(path: Path) -> OidcProvider:
    """Ask the provider for its addresses and keys. Raises OidcError."""
    from unseen_server.web.oidc_provider import OidcProvider, OidcSettings  # of an extra

    return OidcProvider(OidcSettings.read(path))


@contextlib.contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, place = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen(1024)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServingError(
                f"{address}: another program listens there, perhaps another `unseen serve`. Stop it, or take another "
                "--port."
            ) from error
        raise ServingError(f"{address}: cannot be listened at ({error.strerror}). Check --host and --port.") from error
    with listener:
        yield listener


@contextlib.contextmanager
def _beside(store: Store, address: Address) -> Iterator[list[RunningServer]]:
    """Yield the other servers on this SQLite worklist; with PostgreSQL several servers are usual, and it is empty."""
    if not store.database.is_sqlite:
        yield []
        return
    with announced(store.home, str(address)) as others:
        yield others


def _announce(store: Store, address: Address, watch: Path | None) -> None:
    """Print on stderr the watched folder, the link or page for people, and the address for programs."""
    lines = [] if watch is None else [f"films in {watch} are received, and their files moved to {watch / '.done'}"]
    if address.is_private:
        link = store.accounts.one_time_link(LOCAL, "admin")
        lines.append(
            f"Open this link in a browser to sign in (it works once, within ten minutes): {address}/sign-in#link={link}"
        )
    else:
        lines.append(f"Open the reader's page in a browser: {address.public or address}/")
    api = f"{address}{ROOT}"
    lines.append(f"For programs, unseen serves {api} and describes it at {api}/openapi.json")
    print("\n".join([*lines, LIMITS, *_how_to_stop()]), file=sys.stderr, flush=True)


def _how_to_stop() -> list[str]:
    """Return the line that explains to a person at a terminal how to stop the server."""
    return ["Press Ctrl-C to stop the server."] if sys.stderr.isatty() else []


class _Server(uvicorn.Server):
    """uvicorn's, which takes the signals for itself while it runs; `stopping` ends the streams that it would wait
    for."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self.stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.stopping.set()
        super().handle_exit(sig, frame)


@contextlib.contextmanager
def _until_signalled(server: _Server) -> Iterator[None]:
    """SIGTERM and SIGINT end the server and nothing else, whenever they come, so that it can stop its workers."""

    def stop(*_: object) -> None:
        server.stopping.set()
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _config(app: object, address: Address) -> uvicorn.Config:
    return BoundedConfig(
        app,
        waiting=_WAITING,
        waiting_each=_WAITING_EACH,
        proxies=address.trusted,
        loop="asyncio",
        lifespan="on",
        access_log=False,  # an address could hold what no log may
        log_config=None,
        log_level="warning",
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_FINISH_S,
    )


def _settings(where: str, films_folder: Path, models: Models, workers: int) -> WorkerSettings:
    return WorkerSettings(
        where=where,
        films_folder=str(films_folder),
        model=str(models.folder),
        policy=None if models.policy_file is None else str(models.policy_file),
        further=tuple(str(model.folder) for model in models.further),
        workers=workers,
    )


_LINK: Final = re.compile(r"(http://\S+)/sign-in#link=(\S+)")
_START_S: Final = 120.0
_END_S: Final = 60.0  # longer than the server gives its workers


class OwnServer:
    """A server with these words after `unseen serve`. Use it as a context manager.

    Args:
        log: its whole output, without the link to sign in with.

    Raises ServingError where it does not start.
    """

    def __init__(self, words: Sequence[str | Path], *, log: Path) -> None:
        self.root = self.link = ""
        self._log = log
        self._latest: deque[str] = deque(maxlen=5)
        self._started = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from unseen.cli import main; main()", "serve", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, name="read", daemon=True)
        self._reading.start()
        if not self._started.wait(_START_S) or not self.link:
            status = self.stop()
            output = " ".join(self._latest) or "It wrote no message."
            raise ServingError(f"The server did not start (status {status}): {output} See {log}.")

    def address(self, page: str) -> str:
        """Return a link to sign in and open `page`; good once, for ten minutes."""
        return f"{self.root}/sign-in?next={quote(page, safe='')}#link={self.link}"

    def wait(self) -> int:
        """Wait until the server ends by itself; return its status."""
        return self._process.wait()

    def stop(self) -> int:
        """Let it finish what is in hand, and end; its status, 0 where all went well."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reading.join(timeout=_END_S)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as said, self._log.open("w", encoding="utf-8") as log:
            for line in said:
                if found := _LINK.search(line):
                    self.root, self.link = found[1], found[2]
                    self._started.set()
                    continue
                self._latest.append(line.strip())
                log.write(line)
                log.flush()
        self._started.set()
