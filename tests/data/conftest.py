"""`read_file`: bytes to `Film | NotRead`, by way of a file and the decoder's child."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forked_decoders import DECODER, PARQUET, forked
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


@pytest.fixture
def forked_readers() -> Iterator[None]:
    """Readers of Parquet files are forks of a process that has imported what they import."""
    with forked(PARQUET):
        yield


@pytest.fixture
def forked_decoders() -> Iterator[None]:
    """Decoders that start meanwhile are forks, too."""
    with forked(DECODER):
        yield
