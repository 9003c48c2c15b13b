"""Route that lists the ways to sign in, and how what people send travels."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.password_attempts import BY_NAME, WITHIN_S
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import INVITATION_S, LEAST_PASSWORD, LINK_S, SESSION_S

router = APIRouter(prefix="/accounts", tags=["accounts"])


class Method(BaseModel):
    """A way to sign in."""

    name: str
    on: bool
    words: str


class Methods(BaseModel):
    """Ways to sign in here, and how what people send travels."""

    methods: list[Method]
    transport: str
    safe: bool = Field(description="nobody on the network can read what is sent")


@router.get("/methods", responses=answers(401, 403, 503))
def methods(parts: Parts, account: Admin) -> Methods:
    """Return the ways to sign in that are open here."""
    private = parts.address.is_private
    transport, safe = _transport(parts)
    return Methods(
        methods=[
            Method(
                name="Name and password",
                on=True,
                words=f"{LEAST_PASSWORD} characters or more, stored as argon2id. After {BY_NAME} failed tries under "
                f"one name from one address within {WITHIN_S / 60:g} minutes, further ones from there wait.",
            ),
            Method(
                name="Identity provider",
                on=parts.oidc is not None,
                words="Not set up. Start the server with --oidc and a file that names the provider."
                if parts.oidc is None
                else f"{parts.oidc.settings.label}, by OpenID Connect with {parts.oidc.settings.issuer}. An account is "
                "made at the first sign-in, and its role follows the provider's at each.",
            ),
            Method(
                name="Link to choose a password",
                on=True,
                words=f"An admin makes it here for one account. It is good once, for {INVITATION_S / 3600:g} hours.",
            ),
            Method(
                name="Link at the server's start",
                on=private,
                words=f"For whoever sits at the machine itself, as admin; good once, for {LINK_S / 60:g} minutes."
                if private
                else "Not printed, because others can reach this server.",
            ),
            Method(
                name="Token for programs",
                on=True,
                words=f"From name and password; valid for {SESSION_S / 3600:g} hours. Give a program that only sends "
                "films the role sender.",
            ),
        ],
        transport=transport,
        safe=safe,
    )


def _transport(parts: ServerState) -> tuple[str, bool]:
    address = parts.address
    if address.public is not None:
        return f"Others reach this server at {address.public}, over TLS by a proxy on this machine.", True
    if address.is_loopback:
        return "This server can be reached from its own machine only. To serve others, use --public and a proxy.", True
    return (
        "This server is reached over plain HTTP: others on the network can read passwords and films. Use --public and "
        "a proxy with TLS.",
        False,
    )
