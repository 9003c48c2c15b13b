"""Phantoms of these tests are drawn each time: they are the subject."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.phantom_cache import drawn_anew


@pytest.fixture(scope="module", autouse=True)
def _drawn_anew() -> Iterator[None]:
    with drawn_anew():
        yield
