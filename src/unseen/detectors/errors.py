"""Errors that a detector raises for the user: films that do not fit, a device that cannot be used."""

from __future__ import annotations

from unseen.artifacts.errors import UserError


class FitError(UserError, ValueError):
    """Films or settings from which a detector cannot be trained; a sentence for the user."""


class DeviceError(UserError, ValueError):
    """A device or a runtime that cannot be used here, or not for this detector; a sentence for the user."""
