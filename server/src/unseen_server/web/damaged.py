"""Application over a damaged worklist: health, and one page with the cause and the remedy. It opens no database."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.types import Scope

from unseen import __version__
from unseen.artifacts import LIMITS
from unseen_server.web import pages, readiness
from unseen_server.web.address import Address
from unseen_server.web.errors import problem
from unseen_server.web.health import Disk, Health
from unseen_server.web.middleware import Shell

_ROOT: Final = "/api/v1"
_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_damaged_app(sentence: str, *, home: Path, address: Address) -> FastAPI:
    """Return the application that answers instead of the worklist's.

    Every page shows the sentence, `/health` is impaired, and every other address of the API answers 503 with the
    sentence: nothing is stored, and a sender tries again later.

    Args:
        sentence: the cause and the remedy, without a path of the server.
        home: the worklist's folder, of whose disk `/health` reports the space.
        address: the names by which browsers may call the server.
    """
    app = FastAPI(title="unseen", version=__version__, openapi_url=None, docs_url=None, redoc_url=None)

    @app.get(f"{_ROOT}/health")
    def health() -> JSONResponse:
        disk = shutil.disk_usage(home)
        found = Health(
            status="impaired",
            problems=[sentence],
            version=__version__,
            limits=LIMITS,
            database="damaged",
            queue=None,
            disk=Disk(free_bytes=disk.free, total_bytes=disk.total),
            workers=None,
        )
        return JSONResponse(found.model_dump(mode="json"), 503)

    @app.get(f"{_ROOT}/health/live")
    def live() -> readiness.Liveness:
        return readiness.Liveness()

    @app.get(f"{_ROOT}/health/ready")
    def ready() -> JSONResponse:
        return JSONResponse(readiness.Readiness(status="not ready").model_dump(), 503)

    for path in (f"{_ROOT}/{{rest:path}}", "/dicom-web/{rest:path}"):
        app.add_api_route(path, lambda: problem(503, sentence), methods=_METHODS)
    app.mount("/static", pages.Static(directory=pages.STATIC), name="static")

    @app.get("/{rest:path}", response_class=HTMLResponse)
    def page() -> Response:
        return pages.rendered_alone("damaged.html.j2", 503, sentence=sentence)

    async def refused(scope: Scope) -> Response:
        return problem(503, sentence)

    app.add_middleware(Shell, address=address, bodies={}, open=frozenset(), refusal=refused)
    return app
