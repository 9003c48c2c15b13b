"""HTTP server of a node: `/metrics`, `/live`, `/ready`, and reports by FHIR.

A small application of its own, beside the DICOM listener and in its process. Health and metrics name no patient and
need no sign-in; a FHIR sender shows its bearer token.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from unseen.artifacts import LIMITS, UserError
from unseen_server.http_connections import IDENTIFIED, BoundedConfig
from unseen_server.pacs.fhir import FhirError, reports_of
from unseen_server.pacs.listening_errors import cannot_listen
from unseen_server.worklist.hidden_places import without_places
from unseen_server.worklist.readiness import Readiness
from unseen_server.worklist.states import STORE_FAULTS, WorklistError

if TYPE_CHECKING:
    from unseen_server.pacs.metrics import NodeMetrics
    from unseen_server.pacs.non_dicom_settings import FhirSettings, HttpSettings
    from unseen_server.pacs.report_intake import ReportIntake
    from unseen_server.worklist.store import Store

_log = logging.getLogger("unseen")

BODY_BYTES: Final = 4 * 2**20
"""A report is text; what is longer has its images in it."""
BODY_S: Final = 30.0
_CONNECTIONS, _WAITING, _WAITING_EACH = 64, 32, 8
_STOP_S = 5
_FHIR = "application/fhir+json"


class HttpServerError(UserError, OSError):
    """The server cannot start."""


def application(
    store: Store,
    metrics: NodeMetrics,
    *,
    fhir: FhirSettings | None = None,
    reports: ReportIntake | None = None,
    listens: Callable[[], bool] = lambda: True,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """Return the application; without `fhir` and `reports` there is no FHIR.

    Args:
        listens: whether the rest of the node does, for `/ready`.
        clock: time in seconds by which a verdict of `/ready` ends.
    """
    health = _Health(store, metrics, listens, clock)
    routes = [
        Route("/live", health.live),
        Route("/ready", health.ready),
        Route("/metrics", health.metrics),
    ]
    if fhir is not None and reports is not None:
        endpoint = _Fhir(fhir, reports)
        routes += [
            Route("/fhir", endpoint.post, methods=["POST"]),
            Route("/fhir/DiagnosticReport", endpoint.post, methods=["POST"]),
            Route("/fhir/DiagnosticReport/{id}", endpoint.put, methods=["PUT"]),
        ]
    return Starlette(routes=routes)


class _Health:
    def __init__(
        self, store: Store, metrics: NodeMetrics, listens: Callable[[], bool], clock: Callable[[], float]
    ) -> None:
        self._store, self._metrics, self._listens = store, metrics, listens
        self._readiness = Readiness(store, clock=clock)

    async def live(self, request: Request) -> Response:
        """Answer that the process runs."""
        return PlainTextResponse("live\n")

    async def ready(self, request: Request) -> Response:
        """Answer whether films and reports can be taken: the listener listens, the database answers, the disk has
        space.

        The verdict is kept for a second.
        """
        problem = await run_in_threadpool(self._problem)
        return PlainTextResponse(f"{problem or 'ready'}\n", status_code=503 if problem else 200)

    async def metrics(self, request: Request) -> Response:
        """Return the metrics for Prometheus."""
        try:
            text = await run_in_threadpool(self._metrics.text)
        except WorklistError as error:
            return PlainTextResponse(f"{without_places(str(error), self._store)}\n", status_code=503)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    def _problem(self) -> str:
        if not self._listens():
            return "The DICOM listener does not listen."
        return self._readiness.problem()


class _Fhir:
    def __init__(self, settings: FhirSettings, reports: ReportIntake) -> None:
        self._settings, self._reports = settings, reports

    async def post(self, request: Request) -> Response:
        """Take a report, or those of a Bundle; they are durable when the answer is 200."""
        return await self._answer(request, None)

    async def put(self, request: Request) -> Response:
        """Take a report in place of the one that was sent under this id."""
        return await self._answer(request, str(request.path_params["id"]))

    async def _answer(self, request: Request, replaced: str | None) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), self._settings.token.encode()):
            refused = _outcome(401, "login", "Show the token of [fhir] as a bearer token.")
            refused.headers["WWW-Authenticate"] = "Bearer"
            return refused
        request.scope.get("extensions", {}).get(IDENTIFIED, lambda: None)()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (_FHIR, "application/json"):
            return _outcome(415, "not-supported", f"Send {_FHIR}; XML is not read here.")
        try:
            body = await asyncio.wait_for(_body(request), BODY_S)
        except (TimeoutError, ClientDisconnect):
            return _outcome(408, "timeout", f"The content did not arrive within {BODY_S:g} s.")
        if body is None:
            return _outcome(413, "too-long", f"A report of more than {BODY_BYTES} bytes is not read.")
        return await run_in_threadpool(self._take, body, replaced)

    def _take(self, body: bytes, replaced: str | None) -> Response:
        try:
            found = reports_of(body, self._settings, replaced=replaced)
            led_to = [self._reports.take(report) for report in found.reports]
        except FhirError as error:
            return _outcome(422, "invalid", str(error))
        except STORE_FAULTS as error:
            _log.warning("fhir.not_taken %s", error)
            answer = _outcome(503, "transient", f"{self._reports.sentence(error)} Send it again later.")
            answer.headers["Retry-After"] = "30"
            return answer
        except WorklistError as error:
            return _outcome(422, "invalid", self._reports.sentence(error))
        parts = [f"Taken: {', '.join(led_to)}."] if led_to else []
        parts += ["Not used: a report is marked as test data (HTEST)."] if found.trials else []
        sentence = " ".join(parts or ["Not used: no DiagnosticReport is in the Bundle."])
        return _outcome(200, "informational", sentence, severity="information")


async def _body(request: Request) -> bytes | None:
    """Return the content; None where it is too long."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > BODY_BYTES:
            return None
    return bytes(found)


def _outcome(status: int, code: str, sentence: str, *, severity: str = "error") -> JSONResponse:
    """Return a FHIR OperationOutcome."""
    issues = [
        {"severity": severity, "code": code, "diagnostics": sentence},
        {"severity": "information", "code": "informational", "diagnostics": LIMITS},
    ]
    content = {"resourceType": "OperationOutcome", "issue": issues}
    if status >= 400:
        _log.warning("fhir.refused status=%d why=%s", status, sentence)
    return JSONResponse(content, status_code=status, media_type=_FHIR)


class HttpServer:
    """Serves an application from `start` to `stop`, in a thread; `port` is where."""

    def __init__(self, settings: HttpSettings, app: Starlette, *, secure: ssl.SSLContext | None = None) -> None:
        self._settings, self._app, self._secure = settings, app, secure
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """Port on which it listens."""
        assert self._socket is not None, "not started"
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Listen. Raises HttpServerError if the port is taken or no file descriptor is free."""
        host, port = self._settings.host, self._settings.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with contextlib.ExitStack() as on_failure:
            try:
                listening = on_failure.enter_context(socket.create_server((host, port), family=family, backlog=64))
                loop = on_failure.enter_context(contextlib.closing(_event_loop()))
            except OSError as error:
                raise HttpServerError(f"{cannot_listen(error, host, port, protocol='HTTP', table='http')}.") from error
            config = BoundedConfig(
                self._app,
                waiting=_WAITING,
                waiting_each=_WAITING_EACH,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=_CONNECTIONS,
                timeout_graceful_shutdown=_STOP_S,
            )
            config.load()
            config.ssl = self._secure
            server = uvicorn.Server(config)
            name = f"http-{listening.getsockname()[1]}"
            thread = threading.Thread(target=_serve, args=(server, listening, loop), name=name, daemon=True)
            thread.start()
            on_failure.pop_all()
        self._server, self._thread, self._socket = server, thread, listening

    def stop(self) -> None:
        """End: requests in hand are answered."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()


def _serve(server: uvicorn.Server, listening: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(server.serve(sockets=[listening]))


def _event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop. Raises OSError if too few file descriptors are free for it.

    The descriptors are tried first: of a loop that was made in part, the finaliser prints a traceback.
    """
    with contextlib.ExitStack() as tried:
        tried.enter_context(selectors.DefaultSelector())
        for end in socket.socketpair():
            tried.enter_context(end)
    return asyncio.new_event_loop()
