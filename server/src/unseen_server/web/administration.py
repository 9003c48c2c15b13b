"""What admins set and look at: settings, sources, storage, queue, versions, and the audit trail by search."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from unseen import __version__
from unseen_server.web.accounts import Admin
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.audit import Value
from unseen_server.worklist.audit_search import Sought

router = APIRouter(tags=["administration"])

Days = Annotated[float, Field(ge=0, le=36500)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


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
    """What the site has set."""

    identity: Literal["nobody", "lead", "reader"] = Field(
        description="from which role on people see names and numbers in the films' headers; others see pseudonyms"
    )
    pseudonyms: bool = Field(description="patients and accession numbers are stored as pseudonyms; chosen once")
    waiting_cap_s: float = Field(description="how long priorities may keep a study waiting")
    kept_days: float | None = Field(description="null: nothing is removed by age")
    settle_s: float = Field(
        description="a study is complete when no film of it came for so long; before, nothing of it is cleared or sent"
    )
    settled_s: float | None = Field(
        description="how long a file in the watched folder must stand still; null where no folder is watched"
    )
    sources: list[SourceResponse]


class SettingsChange(BaseModel):
    """What is given changes."""

    model_config = ConfigDict(extra="forbid")

    identity: Literal["nobody", "lead", "reader"] | None = Field(
        default=None, description="needs `identity_was`: another admin may have changed it meanwhile"
    )
    identity_was: Literal["nobody", "lead", "reader"] | None = Field(
        default=None, description="what `identity` was when the change was confirmed; anything else is answered 409"
    )
    waiting_cap_s: Annotated[float, Field(gt=0, le=3.2e7)] | None = None
    kept_days: Days | None = Field(default=None, description="0: nothing is removed by age")
    kept_of: dict[str, Days | None] | None = Field(
        default=None, description="the same by source; null: that source is kept as the site's others"
    )
    settle_s: Seconds | None = Field(default=None, description="for films that come from now on")
    settle_of: dict[str, Seconds | None] | None = Field(
        default=None, description="the same by source; null: as the site's others"
    )

    @model_validator(mode="after")
    def _names_what_it_was(self) -> Self:
        if (self.identity is None) != (self.identity_was is None):
            raise ValueError("identity and identity_was go together: give both, or neither")
        return self


class PartResponse(BaseModel):
    """One part of what is stored."""

    kind: Literal["films", "maps", "renditions", "database"]
    files: int | None
    bytes: int


class StorageResponse(BaseModel):
    """What is stored, in bytes, and the disk that it lies on."""

    parts: list[PartResponse]
    free_bytes: int
    total_bytes: int


class FailedResponse(BaseModel):
    """A film that failed."""

    film: str
    study: str
    source: str
    tries: int
    given_up: bool = Field(description="false: it is tried again")
    reason: str


class QueueDetail(BaseModel):
    """The queue of the workers."""

    waiting: int = Field(description="for a worker, those that are with one included")
    running: int = Field(description="with a worker now")
    done: int
    dead: int = Field(description="given up; `unseen` tries a film five times")
    oldest_s: float | None = Field(description="for how long the oldest waiting one has waited")
    workers: int | None = Field(description="that this server has started and that run; null: it starts none")
    failed: list[FailedResponse] = Field(description="the latest fifty")


class ModelVersion(BaseModel):
    """A model that this server scores with."""

    name: str
    role: Literal["decides", "compares"]
    weights_sha256: str
    version: str = Field(description="of the package that wrote it")
    created: datetime | None
    policy: str = Field(description='digest of the policy that it clears by; "" without one')


class Versions(BaseModel):
    """What runs here."""

    package: str
    schema_revision: str
    database: str
    python: str
    torch: str
    models: list[ModelVersion]


class AuditSearch(BaseModel):
    """What is looked for; what is empty does not count. Sent in the body, since a patient's number may stand in it."""

    model_config = ConfigDict(extra="forbid")

    actor: str = Field(default="", max_length=200, description="who did it, exactly")
    action: str = Field(default="", max_length=200, description="what, or how it begins: study.reported, study.")
    study: str = Field(default="", max_length=200, description="as in the search of the list; or a film, an account")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    before: int | None = Field(default=None, description="only rows before this number: the next page")
    limit: int = Field(default=50, ge=1, le=200)


class EventResponse(BaseModel):
    """One row of the trail."""

    seq: int
    time: datetime
    actor: str
    action: str
    subject: str
    body: dict[str, Value]


class Found(BaseModel):
    """Some rows, the latest first."""

    events: list[EventResponse]
    before: int | None = Field(description="for the next page; null where there is none")


@router.get("/settings", responses=answers(401, 403, 503))
def settings(parts: Parts, account: Admin) -> SettingsResponse:
    """What the site has set, and its sources."""
    return _settings(parts)


@router.patch("/settings", responses=answers(400, 401, 403, 409, 422, 503))
def change_settings(parts: Parts, account: Admin, changes: SettingsChange) -> SettingsResponse:
    """Change settings; each change is on record. What is no longer kept goes within the hour.

    Who sees names changes only from the state that the request names: otherwise 409, and nothing changes.
    """
    parts.store.change_settings(actor=account.name, **changes.model_dump())
    return _settings(parts)


@router.get("/storage", responses=answers(401, 403, 503))
def storage(parts: Parts, account: Admin) -> StorageResponse:
    """What is stored by kind; with very many films this takes some seconds."""
    return StorageResponse.model_validate(parts.store.storage(), from_attributes=True)


@router.get("/queue", responses=answers(401, 403, 503))
def queue(parts: Parts, account: Admin) -> QueueDetail:
    """Films that wait, run, are done, and failed."""
    found = parts.store.queue()
    return QueueDetail(
        waiting=found.waiting,
        running=found.running,
        done=found.done,
        dead=found.dead,
        oldest_s=found.oldest_s,
        workers=None if parts.workers is None else parts.workers.staff().running,
        failed=[FailedResponse.model_validate(one, from_attributes=True) for one in parts.store.failed()],
    )


@router.get("/versions", responses=answers(401, 403, 503))
def versions(parts: Parts, account: Admin) -> Versions:
    """The package, the schema, what they stand on, and the models."""
    return Versions(
        package=__version__,
        schema_revision=parts.store.schema(),
        database=parts.store.database.version,
        python=platform.python_version(),
        torch=version("torch"),
        models=_models(parts),
    )


@router.post("/audit/search", responses=answers(400, 401, 403, 422, 503))
def search(parts: Parts, account: Admin, sought: AuditSearch) -> Found:
    """Rows of the audit trail by who, what, when and on which study."""
    found = parts.store.search_audit(Sought(**sought.model_dump()))
    return Found(
        events=[EventResponse.model_validate(one, from_attributes=True) for one in found.events], before=found.before
    )


def _settings(parts: ServerState) -> SettingsResponse:
    found = parts.store.settings()
    return SettingsResponse(
        identity=found.identity,
        pseudonyms=not parts.store.names.plain,
        waiting_cap_s=found.waiting_cap_s,
        kept_days=found.kept_days,
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
            for one in parts.store.by_source()
        ],
    )


def _models(parts: ServerState) -> list[ModelVersion]:
    if parts.models is None:
        return []
    policy = "" if parts.models.policy is None else parts.models.policy.digest
    return [
        ModelVersion(
            name=name,
            role="compares" if place else "decides",
            weights_sha256=card.weights_sha256,
            version=card.version,
            created=_moment(card.created),
            policy="" if place else policy,
        )
        for place, (name, card) in enumerate(parts.models.named.values())
    ]


def _moment(written: str) -> datetime | None:
    """A card's date; None for one that cannot be read."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
