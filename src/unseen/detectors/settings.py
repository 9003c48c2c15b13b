"""Base of every detector's settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class DetectorSettings(BaseModel):
    """The base of every detector's `Config`: frozen, unknown names refused.

    >>> DetectorSettings().least_films
    1
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def least_films(self) -> int:
        """Training films that a method with these settings needs; asked for before anything is trained."""
        return 1
