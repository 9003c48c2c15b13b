"""`create_app`: application of the worklist server, with its routes, middleware and repeated tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES

from unseen import __version__
from unseen.artifacts import LIMITS
from unseen_server.service.active_models import LOOK_S
from unseen_server.service.repeated import Repeated
from unseen_server.service.watched_folder import SETTLED_S, FolderWatch, scan_interval_s
from unseen_server.web import (
    account_administration,
    activation,
    alarms,
    audit_sample_routes,
    audit_search,
    audit_trail,
    authentication,
    calibration,
    clearing,
    comparison,
    drift,
    events,
    film_header,
    film_images,
    film_panel,
    film_pixels,
    film_upload,
    films,
    fitting,
    health,
    lab,
    lists,
    model_cards,
    pages,
    prior_studies,
    readiness,
    removing,
    reopening,
    reported_elsewhere,
    results,
    runs,
    saved_views,
    scored_models,
    scoring_models,
    several_studies,
    sign_in,
    sign_in_methods,
    site_settings,
    storage,
    stow,
    studies,
    table_export,
    turing,
    versions,
    work_queue,
)
from unseen_server.web.address import Address
from unseen_server.web.authentication import SCHEMES
from unseen_server.web.errors import answer_errors
from unseen_server.web.lab_supervisor import Laboratory
from unseen_server.web.lab_uploads import MOST_BYTES
from unseen_server.web.middleware import Shell
from unseen_server.web.state import ServerState
from unseen_server.web.upload_stream import FORM_ROOM

if TYPE_CHECKING:
    from unseen_server.service.scoring_models import Models
    from unseen_server.service.workers import Workers
    from unseen_server.web.oidc_provider import OidcProvider
    from unseen_server.worklist.store import Store

ROOT = "/api/v1"
_TIDY_S = 5.0
_LAB_S = 60.0
_RETIRE_S = 3600.0
_SWEEP_S = 3600.0  # uploads that a kill cut off are swept when they are an hour old
_GZIPPED = 1000  # bytes; a smaller answer fits into one packet anyway
_AS_IT_IS = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream")  # samples and maps are noise
_ROUTERS = (
    film_upload.router,
    films.router,
    lists.router,
    several_studies.router,
    saved_views.router,
    studies.router,
    reported_elsewhere.router,
    table_export.router,
    audit_trail.router,
    audit_sample_routes.router,
    alarms.router,
    account_administration.router,
    sign_in_methods.router,
    site_settings.router,
    storage.router,
    work_queue.router,
    versions.router,
    audit_search.router,
    removing.router,
    scored_models.router,
    results.router,
    events.router,
    film_pixels.router,
    film_images.router,
    film_panel.router,
    film_header.router,
    prior_studies.router,
    comparison.router,
    calibration.router,
    activation.router,
    fitting.router,
    scoring_models.router,
    model_cards.router,
    clearing.router,
    drift.router,
    reopening.router,
    runs.router,
    turing.router,
    lab.router,
)
"""Routers of the API whose routes need an account."""
_DESCRIPTION = f"""**{LIMITS}**

Films come in, a detector that has learnt from normal films alone scores them, and readers take them in order. Every
error is `{{"error": sentence}}`. Sign in with `/sign-in` (a cookie) or `/tokens` (`Authorization: Bearer`). With a
cookie, whatever changes something needs the header `X-Requested-With`.
"""


def create_app(
    store: Store,
    *,
    watch: Path | None = None,
    watch_settled_s: float = SETTLED_S,
    address: Address | None = None,
    models: Models | None = None,
    workers: Workers | None = None,
    runs_folder: Path | None = None,
    lab_folder: Path | None = None,
    oidc: OidcProvider | None = None,
) -> FastAPI:
    """Make the application of a worklist; the caller closes `store`.

    Args:
        store: the worklist.
        watch: folder whose films are received; see `service.watched_folder`.
        watch_settled_s: time for which a file there must be unchanged.
        address: address of the server, and the host names that it accepts; None: this machine only.
        models: models that score until a lead activates others.
        workers: processes that score; the caller starts and stops them.
        runs_folder: folder of trainings whose losses are shown.
        lab_folder: folder of bundles for the imaging lab: reconstructors and generators.
        oidc: identity provider for signing in.

    Raises:
        WorklistError: the folder cannot be watched.
    """
    parts = ServerState(
        store=store,
        address=address or Address(),
        given=models,
        workers=workers,
        runs=runs_folder,
        lab=Laboratory(lab_folder),
        settled_s=None if watch is None else watch_settled_s,
        oidc=oidc,
    )
    parts.active.look()  # before a worker starts
    tasks = _tasks(parts, watch=watch, watch_settled_s=watch_settled_s)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for task in tasks:
            task.start()
        try:
            yield
        finally:
            for task in tasks:
                await anyio.to_thread.run_sync(task.stop)
            for room in (parts.lab, parts.sent):
                await anyio.to_thread.run_sync(room.close)

    app = FastAPI(
        title="unseen",
        summary="The worklist of chest films",
        description=_DESCRIPTION,
        version=__version__,
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=None,  # those pages fetch their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.served = parts
    _add_routes(app, oidc=oidc)
    answer_errors(app)
    bodies = {
        f"{ROOT}/films": store.site.max_film_bytes + FORM_ROOM,
        f"{ROOT}/reported-elsewhere/table": reported_elsewhere.MOST_CSV,
        f"{ROOT}/lab/pictures": MOST_BYTES,
        stow.STOW: stow.MOST_BYTES,
        f"{stow.STOW}/": stow.MOST_BYTES,
    }
    app.add_middleware(GZipMiddleware, minimum_size=_GZIPPED, compresslevel=5, exclude_content_types=_AS_IT_IS)
    without_account = frozenset(f"{ROOT}{path}" for path in sign_in.OPEN)
    refusal = authentication.refuse_unknown(parts)
    app.add_middleware(Shell, address=parts.address, bodies=bodies, open=without_account, refusal=refusal)
    return app


def _tasks(parts: ServerState, *, watch: Path | None, watch_settled_s: float) -> list[Repeated]:
    """Return the tasks that are repeated while the server runs."""
    store = parts.store
    tasks = [
        Repeated("sweep", store.sweep, every_s=_SWEEP_S),
        Repeated("tidy", store.tidy, every_s=_TIDY_S),
        Repeated("follow", parts.active.look, every_s=LOOK_S),
        Repeated("retire", store.removal.retire_by_age, every_s=_RETIRE_S),
        Repeated("lab", parts.lab.tidy, every_s=_LAB_S),
    ]
    if watch is not None:
        look = FolderWatch(store, watch, settled_s=watch_settled_s).look
        tasks.append(Repeated("watch", look, every_s=scan_interval_s(watch_settled_s)))
    return tasks


def _add_routes(app: FastAPI, *, oidc: OidcProvider | None) -> None:
    """Add the API, the pages and their files."""
    for path in (ROOT, f"{ROOT}/"):
        app.add_api_route(path, _addresses, include_in_schema=False)
    for router in (health.router, readiness.router, sign_in.router):
        app.include_router(router, prefix=ROOT)
    for router in _ROUTERS:
        app.include_router(router, prefix=ROOT, dependencies=[*SCHEMES])
    app.include_router(stow.router, dependencies=[*SCHEMES])
    app.include_router(pages.router)
    if oidc is not None:
        from unseen_server.web import oidc_routes

        app.include_router(oidc_routes.router)
    app.mount("/static", pages.Static(directory=pages.STATIC), name="static")


async def _addresses() -> dict[str, str]:
    """Return the addresses of the API's description and of the pages."""
    return {"description": f"{ROOT}/openapi.json", "pages": "/", "version": __version__, "limits": LIMITS}
