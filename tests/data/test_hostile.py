"""No file, however made, does more than cost its own row: 20 of each kind, in bounded time and memory."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.data.hostile import GOOD, KINDS, REFUSED
from unseen.data import decoder_child
from unseen.data.film import Film, NotRead
from unseen.data.picture import Limits, Refused
from unseen.data.reading import films

pytestmark = pytest.mark.slow

EACH = 20
LIMIT_BYTES = 2e9  # of this process and the decoder's child together
peaks: list[float] = []


@pytest.fixture(scope="module", autouse=True)
def memory() -> Iterator[None]:
    """Samples the memory of this process (above what it had) and its children; the limit is judged at the end."""
    done = threading.Event()
    process = psutil.Process()
    before = max(0, process.memory_info().rss - 150_000_000)  # what other tests have loaded is not reading's

    def sample() -> None:
        while not done.wait(0.01):
            total = process.memory_info().rss - before
            for child in process.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peaks.append(total)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    yield
    done.set()
    thread.join()
    print(f"\npeak memory of process and child: {max(peaks) / 1e6:.0f} MB")
    assert max(peaks) <= LIMIT_BYTES


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_file_costs_its_own_row_and_nothing_else(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(zlib.crc32(kind.encode()))
    paths = [KINDS[kind](tmp_path, rng, i) for i in range(EACH)]
    start = time.monotonic()
    results = list(films(paths))
    assert time.monotonic() - start < 60
    assert [result.name for result in results] == [str(path) for path in paths]
    for result in results:
        if isinstance(result, NotRead):
            assert len(result.reason) > 20
            assert result.reason[0].isupper()
            assert result.reason.endswith((".", ".'"))
            assert "\n" not in result.reason
            assert "Phantom^One" not in result.reason
        else:
            assert kind not in REFUSED, result.name
            assert result.pixels.dtype == np.float32
            assert min(result.pixels.shape) >= 32
            assert 0 <= result.pixels.min() <= result.pixels.max() <= 1
    [good] = films(_good(tmp_path))
    assert isinstance(good, Film)


def test_a_folder_of_strange_things_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    (tmp_path / "x.png" / "film.png").write_bytes(GOOD["png"])
    (tmp_path / "a\nb.png").write_bytes(GOOD["png"])
    (tmp_path / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    results = list(films(tmp_path))
    assert [type(result) for result in results] == [Film, NotRead, Film]


def test_a_folder_given_as_a_mask_is_no_file(tmp_path: Path) -> None:
    _good(tmp_path)
    (tmp_path / "m.csv").write_text("file,mask\ngood.png,.\n")
    [result] = films(tmp_path / "m.csv", masks=True)
    assert "a folder" in result.reason


def test_a_file_without_permission_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*arguments: object) -> int:  # root, whom tests may run as, is permitted everything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", forbid)
    with pytest.raises(Refused, match="no permission"):
        decoder_child.read_bytes("film.png", limits=Limits())


def test_the_largest_film_stays_within_the_memory(tmp_path: Path) -> None:
    from tests.data import making

    path = tmp_path / "large.dcm"
    path.write_bytes(making.dicom(np.zeros((8000, 8000), np.int16), bits=16, PhotometricInterpretation="MONOCHROME1"))
    [film] = films(path)
    assert isinstance(film, Film)
    assert film.pixels.shape == (8000, 8000)


def _good(folder: Path) -> Path:
    path = folder / "good.png"
    path.write_bytes(GOOD["png"])
    return path
