"""Requests of clients that sign in: small, and parsed in a thread, since nobody is identified when they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

import anyio.to_thread
from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

from unseen_server.web.state import served

MOST_FIELDS: Final = 3


class SignInRoute(APIRoute):
    """Route whose body is parsed in a thread."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # Any: FastAPI's own
        """Return FastAPI's handler for a request that parses itself so."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_SignInRequest(request.scope, request.receive))

        return handle


class _SignInRequest(Request):
    async def json(self) -> Any:  # Any: as the base class
        """Parse the body in a thread."""
        return await anyio.to_thread.run_sync(_parsed, await self.body(), limiter=served(self).sign_ins.parsers)


def _parsed(body: bytes) -> Any:  # Any: JSON
    found = json.loads(body)
    if isinstance(found, dict) and len(found) > MOST_FIELDS:  # else each is validated, and named in the answer
        raise HTTPException(422, f"The body has {len(found)} fields. A sign-in has at most {MOST_FIELDS}.")
    return found
