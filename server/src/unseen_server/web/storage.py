"""Route of the storage in use."""

from __future__ import annotations

from fastapi import APIRouter

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.storage_used import Storage, StoragePart

router = APIRouter(tags=["administration"])


class PartResponse(ResponseModel, StoragePart):
    """One part of what is stored."""


class StorageResponse(ResponseModel, Storage):
    """Disk space in use, in bytes, and the disk itself."""

    parts: tuple[PartResponse, ...]


@router.get("/storage", responses=answers(401, 403, 503))
def storage(parts: Parts, account: Admin) -> StorageResponse:
    """Return the disk space in use by type; with very many films this takes some seconds."""
    return StorageResponse.model_validate(parts.store.storage(), from_attributes=True)
