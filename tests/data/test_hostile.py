"""No file, however made, does more than cost its own row: five of each kind, in bounded time and memory.

The long form goes on for 100 rounds of 20, and does more harm to the files of every second round.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.data.hostile import GOOD, KINDS, REFUSED, damage
from unseen.data import decoder_child
from unseen.data.decode import Decoder, shared_decoder
from unseen.data.decoder_protocol import DecodedImage, DecoderLimits, Refused
from unseen.data.film import Film, NotRead
from unseen.data.reading import films

pytestmark = pytest.mark.slow

EACH = 20  # in a round of the long form
FEW = 5
LONG = 100  # rounds
LIMIT_BYTES = 2e9  # of this process and the decoder's child together
ROUND_S = 60.0
FILE_S = DecoderLimits().timeout_s + 10  # with the start of a new child


class Watch:
    """Samples the memory of this process, above what it had, and of the children that it did not have before."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._process = psutil.Process()
        shared_decoder().close()  # so that the decoder's child is one that came after
        self._before = set(self._process.children(recursive=True))
        self._had = max(0, self._process.memory_info().rss - 150_000_000)  # what other tests have loaded
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """The memory has stayed within its limit, and once the decoder is closed no process is left."""
        assert 0 < self.peak_bytes <= LIMIT_BYTES
        shared_decoder().close()
        assert set(self._process.children(recursive=True)) <= self._before

    def close(self) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        before = {child.pid for child in self._before}
        while not self._done.wait(0.01):
            total = self._process.memory_info().rss - self._had
            for pid in set(_below(self._process.pid)) - before:
                try:
                    total += psutil.Process(pid).memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak_bytes = max(self.peak_bytes, total)


def _below(pid: int) -> Iterator[int]:
    """Yield the children of a process and theirs, as Linux lists them: psutil looks at all processes of the machine."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in listed.read_text(encoding="ascii").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        for child in children:
            yield child
            yield from _below(child)


@pytest.fixture(scope="module", autouse=True)
def watch() -> Iterator[Watch]:
    """Looks on from the first test to the last; the limit is judged at the end."""
    watch = Watch()
    yield watch
    watch.close()
    print(f"\npeak memory of process and child: {watch.peak_bytes / 1e6:.0f} MB")
    watch.check()


@dataclass
class Cost:
    """Numbers of files in all, damaged and read, and the longest time of a file in seconds."""

    files: int = 0
    damaged: int = 0
    read: int = 0
    slowest_s: float = 0.0
    contents: set[bytes] = field(default_factory=set)  # digests of the regular files


def check_kind(kind: str, folder: Path, cost: Cost, *, rounds: int, each: int = EACH, seed: int = 0) -> None:
    """Rounds of `each` files of `kind`, those of every second round damaged: each gives a film or a reason, in time."""
    rng = np.random.default_rng(zlib.crc32(kind.encode()) + seed)
    for number in range(rounds):
        place = folder / f"{kind} {number}"
        place.mkdir()
        paths = [KINDS[kind](place, rng, i) for i in range(each)]
        damaged = [number % 2 == 1 and damage(path, rng) for path in paths]
        cost.files += len(paths)
        cost.damaged += sum(damaged)
        cost.contents |= {hashlib.sha256(path.read_bytes()).digest() for path in paths if _is_small(path)}
        start = last = time.monotonic()
        for path, harmed, result in zip(paths, damaged, films(paths), strict=True):
            took, last = time.monotonic() - last, time.monotonic()
            assert took < FILE_S, path
            assert result.name == os.fsencode(path).decode("utf-8", "backslashreplace"), "bytes as text"
            cost.slowest_s = max(cost.slowest_s, took)
            assert "Phantom" not in told(result), path
            if isinstance(result, NotRead):
                check_reason(result.reason)
            else:
                cost.read += 1
                assert harmed or kind not in REFUSED, path
                assert result.pixels.dtype == np.float32
                assert min(result.pixels.shape) >= 32
                assert 0 <= result.pixels.min() <= result.pixels.max() <= 1
        assert time.monotonic() - start < ROUND_S, place
        [good] = films(_good(place))
        assert isinstance(good, Film)
        shutil.rmtree(place)  # where something failed, the files stay to be looked at


def told(result: Film | NotRead) -> str:
    """Return the words that may have come from the file."""
    return result.reason if isinstance(result, NotRead) else f"{result.view_position} {result.patient_orientation}"


def check_reason(reason: str) -> None:
    """It is a sentence."""
    assert len(reason) > 20
    assert reason[0].isupper()
    assert reason.endswith((".", ".'"))
    assert "\n" not in reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_file_costs_its_own_row_and_nothing_else(kind: str, tmp_path: Path) -> None:
    check_kind(kind, tmp_path, Cost(), rounds=1, each=FEW)


@pytest.mark.nightly
@pytest.mark.timeout(2700)
def test_many_hostile_files_cost_their_own_rows_and_nothing_else(
    watch: Watch, tmp_path: Path, soak_record: Callable[..., None]
) -> None:
    cost = Cost()
    for kind in KINDS:
        check_kind(kind, tmp_path, cost, rounds=LONG)
    watch.check()
    soak_record(
        "hostile",
        kinds=len(KINDS),
        files=cost.files,
        damaged=cost.damaged,
        distinct=len(cost.contents),
        read=cost.read,
        slowest_s=round(cost.slowest_s, 1),
        usual_files=EACH * len(KINDS),
        peak_bytes=watch.peak_bytes,
        limit_bytes=LIMIT_BYTES,
    )


@pytest.mark.nightly
@pytest.mark.timeout(2700)
def test_hostile_files_of_a_new_seed_cost_their_own_rows_and_nothing_else(watch: Watch, tmp_path: Path) -> None:
    """Other files every night; HOSTILE_SEED repeats those of a night."""
    seed = int(os.environ.get("HOSTILE_SEED") or secrets.randbits(32))
    print(f"HOSTILE_SEED={seed}")
    cost = Cost()
    for kind in KINDS:
        check_kind(kind, tmp_path, cost, rounds=10, seed=seed)
    watch.check()
    assert cost.files == 10 * EACH * len(KINDS)
    print(f"{cost.files} files, {cost.damaged} damaged, {cost.read} read, slowest {cost.slowest_s:.1f} s")


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
        decoder_child.read_bytes("film.png", limits=DecoderLimits())


def test_the_largest_film_stays_within_the_memory(tmp_path: Path) -> None:
    from tests.data import making

    path = tmp_path / "large.dcm"
    path.write_bytes(making.dicom(np.zeros((8000, 8000), np.int16), bits=16, PhotometricInterpretation="MONOCHROME1"))
    decoder = Decoder(limits=DecoderLimits(timeout_s=600))  # the memory is tested, on however busy a machine
    try:
        found = decoder.decode(path)
    finally:
        decoder.close()
    assert isinstance(found, DecodedImage), found
    assert found.pixels.shape == (8000, 8000)


def _good(folder: Path) -> Path:
    path = folder / "good.png"
    path.write_bytes(GOOD["png"])
    return path


def _is_small(path: Path) -> bool:
    return os.path.isfile(path) and path.stat().st_size <= 2**24
