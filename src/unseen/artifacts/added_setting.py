"""Settings that were added after recipes and bundles with digests existed."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import Field

T = TypeVar("T")


def added_setting(default: T, **field: Any) -> T:  # Any: what pydantic's Field takes
    """Return a field of a settings model that is left out at its default.

    Recipes and bundles without the setting keep their digests.

    Args:
        default: value of the setting in recipes and bundles without it.
        field: further arguments of pydantic's `Field`, such as bounds and a description.

    Example:
        >>> from pydantic import BaseModel
        >>> class Settings(BaseModel):
        ...     size: int = 64
        ...     align: bool = added_setting(False, description="whether films are aligned")
        >>> Settings().model_dump(), Settings(align=True).model_dump()
        ({'size': 64}, {'size': 64, 'align': True})
    """
    found: T = Field(default=default, exclude_if=lambda value: value == default, **field)
    return found
