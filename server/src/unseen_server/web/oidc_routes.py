"""The two addresses of a sign-in by an identity provider: where it begins, and where the browser comes back.

The session's cookie is not sent along while a browser comes from another site (SameSite=Strict); so the way back ends
with a page of ours that leads on. Until then a short-lived cookie binds the sign-in to the browser that began it.
"""

from __future__ import annotations

import hmac
import logging
import re
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from unseen_server.web.oidc_provider import OidcError, OidcProvider
from unseen_server.web.pages import rendered
from unseen_server.web.sign_in import counted, seat
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.states import WorklistError

_log = logging.getLogger("unseen")

router = APIRouter(prefix="/sign-in/oidc", include_in_schema=False)
_COOKIE: Final = "unseen-oidc"
_LASTS_S: Final = 600
_OWN: Final = re.compile(r"/(?![/\\])[!-~]*")
"""A page of ours: browsers leave out tabs and line ends, so that "/", a tab and "/" would begin another site's."""
Text = Annotated[str, Query(max_length=4096)]


@router.get("")
def begin(request: Request, parts: Parts, next: Text = "/") -> Response:
    """Redirect to the provider, and afterwards to `next`."""
    provider = _provider(parts)
    onwards = next if _OWN.fullmatch(next) else "/"
    address = request.client.host if request.client is not None else "unknown"
    url, state = provider.begin(redirect_uri=_back(request, parts), onwards=onwards, address=address)
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        _COOKIE,
        state,
        max_age=_LASTS_S,
        path="/sign-in/oidc",
        secure=not parts.address.is_private,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/back")
async def back(request: Request, parts: Parts, state: Text = "", code: Text = "", error: Text = "") -> Response:
    """Receive the browser from the provider: with a code, or with an error."""
    address = counted(request, parts, None)
    return await parts.sign_ins.by_provider(_ended, request, parts, state, code, error, address)


def _ended(request: Request, parts: ServerState, state: str, code: str, error: str, address: str) -> Response:
    provider = _provider(parts)
    try:
        if not state or not hmac.compare_digest(state.encode(), request.cookies.get(_COOKIE, "").encode()):
            raise OidcError("This sign-in was not begun by this browser. Begin again from the sign-in page.")
        pending = provider.ended(state)
        if error or not code:
            raise OidcError("The provider has refused the sign-in. Begin again, or ask its administrator.")
        person = provider.identity(pending, code)
        token = parts.store.accounts.sign_in_by_provider(person.name, person.subject, person.role)
    except (OidcError, WorklistError) as refused:
        _log.warning("sign_in.refused address=%s by=oidc reason=%s", address, type(refused).__name__)
        found = rendered("refused.html.j2", parts, None, 403, heading="Not signed in", sentence=str(refused))
    else:
        parts.throttle.forgive(None, address)
        found = rendered("signed_in.html.j2", parts, None, onwards=pending.onwards)
        seat(found, parts, token)
    found.delete_cookie(_COOKIE, path="/sign-in/oidc")
    return found


def _provider(parts: ServerState) -> OidcProvider:
    if parts.oidc is None:
        raise HTTPException(404, "No identity provider is set up on this server: `unseen serve --oidc` does that.")
    return parts.oidc


def _back(request: Request, parts: ServerState) -> str:
    """Return our address to which the provider sends the browser back; it must be registered there."""
    root = parts.address.public or f"http://{request.headers.get('host', '')}"  # a host that the server is known by
    return f"{root.rstrip('/')}{router.prefix}/back"
