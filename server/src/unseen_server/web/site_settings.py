"""Routes of the site's settings and sources; `worklist.stored_settings` has the fields."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.stored_settings import MOST_DAYS, Identity
from unseen_server.worklist.waiting_cap import MOST_CAP_S

router = APIRouter(tags=["administration"])

Days = Annotated[float, Field(ge=0, le=MOST_DAYS)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
_MOST = 500  # sources of one change, which is one transaction with an audit event for each


class SourceResponse(BaseModel):
    """A source: what it has sent, what waits for a reader, and how long its studies are kept."""

    name: str
    studies: int
    films: int
    bytes: int
    waiting: int
    latest: datetime
    own: bool = Field(description="it has a period of its own")
    kept_days: float | None = Field(description="null: nothing of it is removed by age")
    settles_own: bool = Field(description="it has a `settle_s` of its own")
    settle_s: float = Field(description="its studies are complete when no film of them came for so long")


class SettingsResponse(BaseModel):
    """Settings of the site."""

    identity: Identity = Field(
        description="from which role on people see names and numbers in the films' headers; others see pseudonyms"
    )
    pseudonyms: bool = Field(description="patients and accession numbers are stored as pseudonyms; chosen once")
    waiting_cap_s: float = Field(description="how long priorities may keep a study waiting")
    kept_days: float | None = Field(description="null: nothing is removed by age")
    removal_waits_until: datetime | None = Field(
        description="nothing is removed by age before, because the clock may be wrong; null: removal does not wait"
    )
    settle_s: float = Field(
        description="a study is complete when no film of it came for so long; before, nothing of it is cleared or sent"
    )
    settled_s: float | None = Field(
        description="how long a file in the watched folder must stand still; null where no folder is watched"
    )
    sources: list[SourceResponse]


class SettingsChange(RequestModel):
    """Settings that change; missing fields stay as they are."""

    identity: Identity | None = Field(
        default=None, description="needs `identity_was`: another admin may have changed it meanwhile"
    )
    identity_was: Identity | None = Field(
        default=None, description="what `identity` was when the change was confirmed; anything else is answered 409"
    )
    waiting_cap_s: Annotated[float, Field(gt=0, le=MOST_CAP_S)] | None = None
    kept_days: Days | None = Field(default=None, description="0: nothing is removed by age")
    kept_of: dict[str, Days | None] | None = Field(
        default=None, max_length=_MOST, description="the same by source; null: that source is kept as the site's others"
    )
    settle_s: Seconds | None = Field(default=None, description="for films that come from now on")
    settle_of: dict[str, Seconds | None] | None = Field(
        default=None, max_length=_MOST, description="the same by source; null: as the site's others"
    )

    @model_validator(mode="after")
    def _names_what_it_was(self) -> Self:
        if (self.identity is None) != (self.identity_was is None):
            raise ValueError("identity and identity_was go together: give both, or neither")
        return self


@router.get("/settings", responses=answers(401, 403, 503))
def settings(parts: Parts, account: Admin) -> SettingsResponse:
    """Return the settings of the site, and its sources."""
    return _settings(parts)


@router.patch("/settings", responses=answers(400, 401, 403, 409, 422, 503))
def change_settings(parts: Parts, account: Admin, changes: SettingsChange) -> SettingsResponse:
    """Change settings; each change is on record. What is no longer kept goes within the hour.

    Who sees names changes only from the state that the request names: otherwise 409, and nothing changes.
    """
    parts.store.settings.change(actor=account.name, **changes.model_dump())
    return _settings(parts)


def _settings(parts: ServerState) -> SettingsResponse:
    found = parts.store.settings.read()
    return SettingsResponse(
        identity=found.identity,
        pseudonyms=not parts.store.names.plain,
        waiting_cap_s=found.waiting_cap_s,
        kept_days=found.kept_days,
        removal_waits_until=parts.store.removal.waits_until(),
        settle_s=found.settle_s,
        settled_s=parts.settled_s,
        sources=[
            SourceResponse(
                name=one.name,
                studies=one.studies,
                films=one.films,
                bytes=one.bytes,
                waiting=one.waiting,
                latest=one.latest,
                own=one.name in found.kept_of,
                kept_days=found.kept_of.get(one.name, found.kept_days),
                settles_own=one.name in found.settle_of,
                settle_s=found.settle_of.get(one.name, found.settle_s),
            )
            for one in parts.store.studies.by_source()
        ],
    )
