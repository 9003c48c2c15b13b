"""Cache of FastAPI's routes and API description for tests: they make hundreds of applications in a process, where a
program makes one.

FastAPI works out each route of an included router when an application answers its first requests, which takes nearly
half a second of processor time. The routers are the package's own and the same for all applications: here a route is
worked out once a process, for each prefix and list of dependencies. What an application alone decides is not kept: its
state, its middleware, and whether a router is included. Nothing of ours sets `dependency_overrides`, which a kept route
would take from the first application.

So is the description of the API, which takes as long: of the same routes it is the same.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from fastapi import applications, routing
from fastapi.openapi.utils import get_openapi

from unseen_server.web.app import create_app
from unseen_server.worklist.store import Store

_kept: dict[tuple[Any, ...], routing._EffectiveRouteContext] = {}
_work_out = routing._EffectiveRouteContext.from_api_route
_described: dict[tuple[Any, ...], str] = {}


def share_routes() -> None:
    """Share the routes and the description between the applications of this process and its forks from now on."""
    routing._EffectiveRouteContext.from_api_route = _kept_or_worked_out  # type: ignore[method-assign, assignment]
    applications.get_openapi = _kept_or_described


def work_out_routes() -> None:
    """Compute all routes and their description before the process forks."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "worklist") as store:
        create_app(store).openapi()


def _kept_or_worked_out(
    *, original_route: routing.APIRoute, include_context: routing._RouterIncludeContext
) -> routing._EffectiveRouteContext:
    # what is kept holds the route and its dependencies, so their ids are not used again
    key = (id(original_route), include_context.prefix, *map(id, include_context.dependencies))
    if key not in _kept:
        _kept[key] = _work_out(original_route=original_route, include_context=include_context)
    return _kept[key]


def _kept_or_described(*, routes: Any, webhooks: Any, **words: Any) -> dict[str, Any]:  # Any: FastAPI's words
    contexts = [
        context
        for included in routes
        if isinstance(included, routing._IncludedRouter)
        for context in included.effective_route_contexts()
        if isinstance(context.original_route, routing.APIRoute)
    ]
    # `_kept` holds these, so their ids are not used again; no other route of ours is described
    key = (*map(id, contexts), repr(words))
    if key not in _described:
        _described[key] = json.dumps(get_openapi(routes=routes, webhooks=webhooks, **words))
    description: dict[str, Any] = json.loads(_described[key])
    return description
