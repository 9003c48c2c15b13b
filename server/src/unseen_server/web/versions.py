"""Route of the versions of the package, the schema and the models."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen import __version__
from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts, ServerState

router = APIRouter(tags=["administration"])


class ModelVersion(BaseModel):
    """A model that this server scores with."""

    name: str
    role: Literal["decides", "compares"]
    weights_sha256: str
    version: str = Field(description="of the package that wrote it")
    created: datetime | None
    policy: str = Field(description='digest of the policy that it clears by; "" without one')


class Versions(BaseModel):
    """Versions of the package, the schema and the models."""

    package: str
    schema_revision: str
    database: str
    python: str
    torch: str
    models: list[ModelVersion]


@router.get("/versions", responses=answers(401, 403, 503))
def versions(parts: Parts, account: Admin) -> Versions:
    """Return the versions of the package, of the schema and of what they stand on, and the models."""
    return Versions(
        package=__version__,
        schema_revision=parts.store.schema(),
        database=parts.store.database.version,
        python=platform.python_version(),
        torch=version("torch"),
        models=_models(parts),
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
    """Return a card's date; None for one that cannot be read."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
