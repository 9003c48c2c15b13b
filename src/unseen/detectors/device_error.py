"""`DeviceError`: a device or a runtime that cannot be used."""

from __future__ import annotations


class DeviceError(ValueError):
    """A device or a runtime that cannot be used here, or not for this detector; a sentence for the user."""
