"""Accounts, for admins."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from unseen.web.errors import answers
from unseen.web.served import Parts
from unseen.web.shapes import WhoTold
from unseen.web.who import Admin
from unseen.worklist.errors import WorklistError

router = APIRouter(prefix="/accounts", tags=["accounts"])

LOCAL = "local"
"""Who signs in with the one-time link, in the audit trail; no account is called so."""

AccountName = Annotated[str, Path(max_length=64)]
Password = Annotated[str, Field(max_length=1024, json_schema_extra={"format": "password"})]
RoleName = Literal["reader", "lead", "admin"]


class NewAccount(BaseModel):
    """Somebody who may sign in."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=64, description="stands in the audit trail beside all that is done with it")
    password: Password = Field(description="12 to 1024 characters")
    role: RoleName = Field(description="reader < lead < admin")


class Change(BaseModel):
    """What is given changes; the account is signed out everywhere."""

    model_config = ConfigDict(extra="forbid")

    password: Password | None = None
    role: RoleName | None = None
    disabled: bool | None = None


class AccountList(BaseModel):
    """All accounts, by name."""

    accounts: list[WhoTold]


@router.get("", responses=answers(401, 403, 503))
def listed(parts: Parts, account: Admin) -> AccountList:
    """Who may sign in."""
    return AccountList(accounts=[WhoTold.of(one) for one in parts.store.accounts.listed()])


@router.post("", status_code=201, responses=answers(400, 401, 403, 422, 503))
def add(parts: Parts, account: Admin, new: NewAccount) -> WhoTold:
    """A new account."""
    if new.name.casefold() == LOCAL:
        raise WorklistError("The name local is for whoever signs in on the machine itself. Take another name.")
    with parts.passwords:
        return WhoTold.of(parts.store.accounts.add(new.name, new.password, new.role, actor=account.name))


@router.patch("/{name}", responses=answers(400, 401, 403, 404, 422, 503))
def change(parts: Parts, account: Admin, name: AccountName, changes: Change) -> WhoTold:
    """A new password, another role, disabled or enabled again."""
    with parts.passwords:
        return WhoTold.of(parts.store.accounts.change(name, actor=account.name, **changes.model_dump()))
