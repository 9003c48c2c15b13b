"""`read_file`: bytes to `Film | NotRead`, by way of a file and the decoder's child."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from unseen.data.film import Film, NotRead
from unseen.data.reading import films

Reader = Callable[..., Film | NotRead]


@pytest.fixture
def read_file(tmp_path: Path) -> Reader:
    def read(data: bytes, name: str = "film") -> Film | NotRead:
        path = tmp_path / name
        path.write_bytes(data)
        [result] = films(path)
        return result

    return read
