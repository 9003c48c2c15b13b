"""Routes of accounts, for admins: add, change, disable, links to choose a password, and ways to sign in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.shapes import WhoResponse
from unseen_server.web.state import Parts
from unseen_server.worklist.accounts import INVITATION_S, MOST_SOURCES, Account, Role

router = APIRouter(prefix="/accounts", tags=["accounts"])

AccountName = Annotated[str, Path(max_length=64)]
NewPassword = Annotated[str, Field(max_length=1024, json_schema_extra={"format": "password"})]
Sources = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MOST_SOURCES)]


class NewAccount(RequestModel):
    """Somebody who may sign in."""

    name: str = Field(max_length=64, description="stands in the audit trail beside all that is done with it")
    password: NewPassword | None = Field(
        default=None,
        description="12 to 1024 characters; null: its owner chooses one by a link (`/accounts/{name}/link`)",
    )
    role: Role = Field(description="sender < reader < lead < admin; a sender sends films and does nothing else")
    sources: Sources = Field(
        default=[],
        description="the only sources under which it may send films; a sender needs one. Empty: a lead or admin may "
        "send under any source, a reader as `unknown`, which no policy clears",
    )


class Change(RequestModel):
    """Changes of an account, which is then signed out everywhere; missing fields stay as they are."""

    password: NewPassword | None = None
    role: Role | None = None
    disabled: bool | None = None
    sources: Sources | None = Field(default=None, description="[]: the account is not limited to sources")


class AccountResponse(WhoResponse):
    """An account, as admins see it."""

    has_password: bool = Field(description="false: nobody can sign in before the owner has chosen one by a link")
    provided: bool = Field(description="its owner signs in with the identity provider, and has no password here")
    sessions: int = Field(description="that are open now")
    sources: list[str] = Field(description="the only sources under which it may send films; none: it is not limited")


class AccountList(BaseModel):
    """All accounts, by name."""

    accounts: list[AccountResponse]


class Invitation(BaseModel):
    """A link by which an account's owner chooses a password, once."""

    link: str
    path: str = Field(description="of the page that takes it; the secret comes after the #, so that no log has it")
    until: datetime


@router.get("", responses=answers(401, 403, 503))
def listed(parts: Parts, account: Admin) -> AccountList:
    """Return all accounts."""
    sessions = parts.store.accounts.open_sessions()
    return AccountList(accounts=[_response(one, sessions.get(one.name, 0)) for one in parts.store.accounts.listed()])


@router.post("", status_code=201, responses=answers(400, 401, 403, 422, 503))
def add(parts: Parts, account: Admin, new: NewAccount) -> AccountResponse:
    """Add an account."""
    with parts.passwords:
        return _response(
            parts.store.accounts.add(new.name, new.password, new.role, actor=account.name, sources=new.sources), 0
        )


@router.patch("/{name}", responses=answers(400, 401, 403, 404, 409, 422, 503))
def change(parts: Parts, account: Admin, name: AccountName, changes: Change) -> AccountResponse:
    """Give an account a new password or another role, disable it, or enable it again; the only admin stays one."""
    with parts.passwords:
        return _response(parts.store.accounts.change(name, actor=account.name, **changes.model_dump()), 0)


@router.post("/{name}/link", status_code=201, responses=answers(401, 403, 404, 409, 422, 503))
def invite(parts: Parts, account: Admin, name: AccountName) -> Invitation:
    """Make a link by which the account's owner chooses a password, good once within a day; an earlier one ends."""
    link = parts.store.accounts.invite(name, actor=account.name)
    until = datetime.fromtimestamp(parts.store.site.now_us() / 1e6, UTC) + timedelta(seconds=INVITATION_S)
    return Invitation(link=link, path=f"/sign-in#choose={link}", until=until)


def _response(account: Account, sessions: int) -> AccountResponse:
    return AccountResponse(
        name=account.name,
        role=account.role,
        disabled=account.disabled,
        has_password=account.has_password,
        provided=account.provided,
        sessions=sessions,
        sources=list(account.sources or ()),
    )
