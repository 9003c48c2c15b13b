"""Adapted detectors whose heads see films of 64 pixels a side in the place of 256, for tests with many films.

A film's features take 40 ms of processor time at the usual size, 5 ms at this one. The usual size is tested by
`tests/screening/test_adaptation.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from unseen.anatomy.network_view import View
from unseen.detectors import adapted


@contextmanager
def small_heads() -> Iterator[None]:
    """Let heads that are made or loaded here see small images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapted, "WHOLE", View(frame="whole", size=64))
        patch.setattr(adapted, "LUNGS", View(frame="lungs", size=64, align=True))
        yield
