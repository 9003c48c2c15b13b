"""Route of the storage in use."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts

router = APIRouter(tags=["administration"])


class PartResponse(BaseModel):
    """One part of what is stored."""

    kind: Literal["films", "maps", "renditions", "database"]
    files: int | None
    bytes: int


class StorageResponse(BaseModel):
    """Disk space in use, in bytes, and the disk itself."""

    parts: list[PartResponse]
    free_bytes: int
    total_bytes: int


@router.get("/storage", responses=answers(401, 403, 503))
def storage(parts: Parts, account: Admin) -> StorageResponse:
    """Return the disk space in use by type; with very many films this takes some seconds."""
    return StorageResponse.model_validate(parts.store.storage(), from_attributes=True)
