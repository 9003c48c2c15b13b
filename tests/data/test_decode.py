"""The decoder's child: it is limited, lost and replaced without harm, and never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.data import making
from tests.stopped_process import kill, once_asked, stop
from unseen.data import decoder_protocol
from unseen.data.decode import Decoder
from unseen.data.decoder_protocol import DecodedImage, DecoderLimits

FORKED = pytest.mark.usefixtures("forked_decoders")
"""Fork the decoders; without this mark, each decoder is a new interpreter, as in the program."""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.png"
    path.write_bytes(making.image(making.ramp()))
    return path


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(limits=DecoderLimits(timeout_s=60))
    yield decoder
    decoder.close()


def test_one_child_serves_many_files(decoder: Decoder, film: Path) -> None:
    assert isinstance(decoder.decode(film), DecodedImage)
    pid = decoder.child_pid
    assert isinstance(decoder.decode(film), DecodedImage)
    assert decoder.child_pid == pid


def test_the_child_is_light_and_limited(decoder: Decoder, film: Path) -> None:
    decoder.decode(film)
    child = psutil.Process(decoder.child_pid)
    assert child.memory_info().rss < 120e6
    assert child.rlimit(psutil.RLIMIT_AS) == (1500 * 2**20, 1500 * 2**20)
    mapped = {Path(m.path).name for m in child.memory_maps()}
    assert not any(name.startswith("libtorch") for name in mapped)


@FORKED
def test_a_child_that_was_killed_between_files_is_replaced(decoder: Decoder, film: Path) -> None:
    decoder.decode(film)
    assert decoder.child_pid
    kill(decoder.child_pid)
    assert isinstance(decoder.decode(film), DecodedImage)


def killed_when_asked(child: subprocess.Popen[bytes]) -> None:
    """The child dies when a file's request waits for it."""
    stop(child.pid)

    def die() -> None:
        os.kill(child.pid, signal.SIGSEGV)
        os.kill(child.pid, signal.SIGCONT)

    once_asked(child, die)


@FORKED
def test_a_child_that_dies_once_at_a_file_is_replaced_and_asked_again(decoder: Decoder, film: Path) -> None:
    decoder.decode(film)
    assert decoder._child
    killed_when_asked(decoder._child)
    assert isinstance(decoder.decode(film), DecodedImage)


@FORKED
def test_a_file_at_which_two_children_die_is_a_reason(film: Path) -> None:
    class Dying(Decoder):
        def _running(self) -> subprocess.Popen[bytes]:
            child = super()._running()
            killed_when_asked(child)
            return child

    decoder = Dying(limits=DecoderLimits(timeout_s=60))
    reason = decoder.decode(film)
    decoder.close()
    assert isinstance(reason, str)
    assert "stopped by this file (signal 11" in reason


@FORKED
def test_a_file_that_takes_too_long_is_a_reason(decoder: Decoder, film: Path) -> None:
    usual = decoder.limits
    decoder.decode(film)
    assert decoder.child_pid
    stop(decoder.child_pid)  # it never answers
    decoder.limits = DecoderLimits(timeout_s=1)
    assert "took longer than 1 s" in str(decoder.decode(film))
    decoder.limits = usual
    assert isinstance(decoder.decode(film), DecodedImage)


@FORKED
def test_a_film_has_ten_seconds_and_a_second_try_shares_them(film: Path) -> None:
    assert DecoderLimits().timeout_s <= 10
    allowed: list[float] = []

    class Timed(Decoder):
        def _ask(self, request: decoder_protocol.Message, allowed_s: float) -> DecodedImage | list[list[str]] | str:
            allowed.append(allowed_s)
            child = self._running()
            if len(allowed) == 1:
                killed_when_asked(child)
            return super()._ask(request, allowed_s)

    decoder = Timed(limits=DecoderLimits(timeout_s=60))
    assert isinstance(decoder.decode(film), DecodedImage)
    decoder.close()
    assert len(allowed) == 2 and allowed[0] == 60 and allowed[1] < 60


def test_a_file_that_needs_too_much_memory_is_a_reason(film: Path, tmp_path: Path) -> None:
    decoder = Decoder(limits=DecoderLimits(memory_mb=300))
    colour = tmp_path / "colour.png"
    colour.write_bytes(making.png(7900, 8000, raw=bytes(3 * 7900 + 1) * 8000, colour=2))
    reason = decoder.decode(colour)
    assert isinstance(reason, str)
    assert "needed more than 300 MB" in reason
    assert isinstance(decoder.decode(film), DecodedImage)
    decoder.close()


@FORKED
def test_of_two_files_that_were_begun_the_one_asked_for_is_returned(decoder: Decoder, tmp_path: Path) -> None:
    """Two iterations over films can share a decoder."""
    paths = [tmp_path / f"{value}.png" for value in (10, 200)]
    for path in paths:
        path.write_bytes(making.image(np.full((40, 40), int(path.stem), np.uint8)))
    for path in (paths[0], paths[0], paths[1]):
        decoder.begin(path)
    for path in reversed(paths):
        found = decoder.decode(path)
        assert isinstance(found, DecodedImage) and (found.pixels == int(path.stem)).all(), path


@FORKED
def test_threads_take_turns(decoder: Decoder, tmp_path: Path) -> None:
    paths = []
    for i in range(24):
        paths.append(tmp_path / f"{i}.png")
        paths[-1].write_bytes(making.image(np.full((40, 40), i, np.uint8)))
    wrong: list[object] = []

    def work(part: int) -> None:
        for i in range(part, 24, 4):
            result = decoder.decode(paths[i])
            if not (isinstance(result, DecodedImage) and (result.pixels == i).all()):
                wrong.append(result)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


SCRIPT = """
import os, sys, time
from pathlib import Path
from unseen.data.decode import shared_decoder
from unseen.data.decoder_protocol import DecodedImage
film = Path(sys.argv[1])
assert isinstance(shared_decoder().decode(film), DecodedImage)
"""


def _run(script: str, film: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT + script, str(film)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def test_a_forked_process_gets_a_child_of_its_own(film: Path) -> None:
    script = """
parents = shared_decoder().child_pid
if (pid := os.fork()) == 0:
    ok = isinstance(shared_decoder().decode(film), DecodedImage) and shared_decoder().child_pid != parents
    shared_decoder().close()
    os._exit(0 if ok else 1)
status = os.waitpid(pid, 0)[1]
assert isinstance(shared_decoder().decode(film), DecodedImage) and shared_decoder().child_pid == parents
print(status)
"""
    out, _ = _run(script, film).communicate(timeout=60)
    assert out == "0\n"


@pytest.mark.parametrize("how", ["exit", "SIGKILL"])
def test_the_child_ends_with_its_parent(film: Path, how: str) -> None:
    end = "" if how == "exit" else "time.sleep(60)"
    process = _run(f"print(shared_decoder().child_pid, flush=True)\n{end}", film)
    assert process.stdout
    child = int(process.stdout.readline())
    if how == "SIGKILL":
        process.kill()
    process.wait(timeout=30)
    process.stdout.close()
    end_s = time.monotonic() + 60
    while psutil.pid_exists(child) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert not psutil.pid_exists(child)


def test_ctrl_c_ends_reading_and_the_decoder_still_works(film: Path) -> None:
    script = """
import signal
from tests.stopped_process import once_asked, stop
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts with it ignored
child = shared_decoder()._child
stop(child.pid)
once_asked(child, lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    shared_decoder().decode(film)
except KeyboardInterrupt:
    print(isinstance(shared_decoder().decode(film), DecodedImage) and shared_decoder().child_pid != child.pid)
"""
    out, _ = _run(script, film).communicate(timeout=60)
    assert out == "True\n"


def test_a_core_reads_more_than_100_small_images_a_second(decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(making.image(np.random.default_rng(0).integers(0, 256, (256, 256), np.uint8)))
    decoder.decode(path)

    def busy_s() -> float:  # processor time of both sides: the machine may be shared
        child = psutil.Process(decoder.child_pid).cpu_times()
        return time.process_time() + child.user + child.system

    start = busy_s()
    for _ in range(200):
        decoder.decode(path)
    assert 200 / (busy_s() - start) > 100
