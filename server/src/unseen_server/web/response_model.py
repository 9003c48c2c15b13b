"""Base of the replies that are derived from a dataclass of the worklist.

A reply inherits the dataclass: `class RemovedResponse(ResponseModel, Removed)`. Its fields, types and descriptions are
the dataclass's. The reply's own class has only the fields that it adds, shows differently, or leaves out
(`Field(exclude=True)`). A route makes it by `model_validate(value)`, or by `from_value` where it adds fields.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class ResponseModel(BaseModel):
    """Reply that is made from a dataclass, attribute by attribute, and contains every field, defaults included."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)

    @classmethod
    def from_value(cls, value: object, **own: Any) -> Self:  # Any: the reply's own fields, which pydantic checks
        """Return the reply for a dataclass; `own` are fields that the reply adds or shows differently."""
        return cls.model_validate(vars(value) | own)
