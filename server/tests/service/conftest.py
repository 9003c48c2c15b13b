"""The worklist's own fixtures: both databases here too."""

from __future__ import annotations

from tests.worklist.conftest import *  # noqa: F403
