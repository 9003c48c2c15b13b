"""The pages: skeletons from templates, each with one ES module that fetches what it shows from the API.

No page holds a film or a name; whoever is not signed in is led to the page Sign in, and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from unseen import __version__
from unseen.artifacts import LIMITS, templates
from unseen_server.web.allowed_sources import allowed_sources
from unseen_server.web.authentication import token_of
from unseen_server.web.state import ServerState, served
from unseen_server.worklist.accounts import ROLES, Account, PersonRole

if TYPE_CHECKING:
    from starlette.types import Scope

_TEMPLATES: Final = templates("unseen_server.web")
STATIC: Final = Path(__file__).parent / "static"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@dataclass(frozen=True)
class SitePage:
    """A page: its address, its template, its words in the bar ("" where it has none), and who may see it."""

    path: str
    template: str
    words: str = ""
    least: PersonRole = "reader"


PLACES: Final = (
    SitePage("/", "worklist.html.j2", "Worklist"),
    SitePage("/studies/{study}", "study.html.j2"),
    SitePage("/live", "live.html.j2", "Live"),
    SitePage("/compare", "compare.html.j2", "Compare"),
    SitePage("/compare/report", "compare_report.html.j2"),
    SitePage("/compare/{film}", "compare_film.html.j2"),
    SitePage("/models", "models.html.j2", "Models"),
    SitePage("/turing", "turing.html.j2", "Real or generated?"),
    SitePage("/lab", "lab.html.j2", "Lab"),
    SitePage("/administration", "administration.html.j2", "Administration", "admin"),
)

router = APIRouter(include_in_schema=False)


KEPT = "no-cache"
"""For how long browsers keep scripts, styles and the icon: they ask each time whether theirs are still right."""


class Static(StaticFiles):
    """Scripts, styles and the icon."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = KEPT
        return answer


def _page(place: SitePage) -> None:
    def shown(request: Request) -> Response:
        parts = served(request)
        account = _account(request, parts)
        if account is None:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}", 303)
        if ROLES.index(account.role) < ROLES.index(place.least):
            sentence = f"This page needs the role {place.least}, and {account.name} is {account.role}."
            return rendered("refused.html.j2", parts, account, 403, heading="Not for this role", sentence=sentence)
        return rendered(place.template, parts, account, here=place.path)

    router.add_api_route(place.path, shown, methods=["GET"], response_class=HTMLResponse, name=place.template)


for _place in PLACES:
    _page(_place)


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in(request: Request) -> Response:
    """Serve the page where people sign in."""
    parts = served(request)
    provider = None if parts.oidc is None else parts.oidc.settings.label
    return rendered("sign_in.html.j2", parts, None, provider=provider, onwards=request.query_params.get("next", "/"))


def _account(request: Request, parts: ServerState) -> Account | None:
    token, _ = token_of(request, parts)
    return parts.store.accounts.session(token) if token else None


def rendered(
    template: str, parts: ServerState, account: Account | None, status: int = 200, *, here: str = "", **more: Any
) -> HTMLResponse:
    """Render a page of a template; `more`: what it shows beside what all do."""
    rank = -1 if account is None else ROLES.index(account.role)
    places = [(place.path, place.words) for place in PLACES if place.words and ROLES.index(place.least) <= rank]
    text = _TEMPLATES.get_template(template).render(
        account=account,
        blind=account is not None and parts.is_blind(account.role),
        here=here,
        limits=LIMITS,
        places=places,
        sources=None if account is None else allowed_sources(account),
        version=__version__,
        **more,
    )
    return HTMLResponse(text, status, headers={"Content-Security-Policy": POLICY})


def rendered_alone(template: str, status: int, **shown: Any) -> HTMLResponse:
    """Return a page for nobody in particular, made without the worklist."""
    page = _TEMPLATES.get_template(template)
    text = page.render(account=None, blind=False, here="", limits=LIMITS, places=[], version=__version__, **shown)
    return HTMLResponse(text, status, headers={"Content-Security-Policy": POLICY})
