"""Base of the responses that are made from a dataclass of the worklist."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ResponseModel(BaseModel):
    """Made from the worklist's own dataclass, attribute by attribute."""

    model_config = ConfigDict(from_attributes=True)
