"""Decoding in a child process: the only way from a file to pixels.

An image library that crashes, hangs or asks for gigabytes takes its child along and not the caller. One child serves a
process, and several where films are read ahead; it is started at the first file (about 0.2 s), limited in memory and
time, and restarted after it was lost. A file is called damaged only if it ends a second child, too: the first may have
ended for another reason. The child ends with its parent: it leaves when its standard input closes, whatever the reason,
and an alarm of its own ends it if it is busy then. Threads take turns; after a fork the new process starts a child of
its own. POSIX only.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from unseen.data import child_pipe, decoder_protocol
from unseen.data.decoder_protocol import DecodedImage, DecoderLimits

_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}
"""Settings of glibc: the child keeps a film's memory for the next film, instead of returning it to the system."""

_Reply: TypeAlias = DecodedImage | list[list[str]] | dict[str, str] | str
"""Image, elements or personal values of a file; text is the reason why there is none."""


class Decoder:
    """Decoder of image files in a child process. A file that cannot be decoded gives a sentence, never an exception.

    Args:
        limits: the limits for each file: pixels, bytes, memory and time; None: the defaults of `DecoderLimits`.

    Example:
        >>> decoder = Decoder(limits=DecoderLimits(timeout_s=5))
        >>> decoder.decode(Path("no-such-file.png"))
        "There is no such file. Check the path, or the manifest's `file` cell."
        >>> decoder.close()
    """

    def __init__(self, *, limits: DecoderLimits | None = None) -> None:
        self.limits = limits or DecoderLimits()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._asked = 0.0  # when the child was last asked, by the monotonic clock
        self._begun: decoder_protocol.Message | None = None  # what the child was asked for and nobody took yet

    @property
    def child_pid(self) -> int | None:
        """The child's process id; None before the first file and after a child was lost."""
        return self._child.pid if self._child else None

    def decode(self, path: Path, *, mask: bool = False, frame: int | None = None) -> DecodedImage | str:
        """Return the image in the file at `path`, or the reason why there is none.

        Args:
            path: any path; only a regular file is opened.
            mask: it is a mask, which may be smaller and have fewer bits than a film.
            frame: which frame of a DICOM file that may hold several, for looking at it; None: one is expected.
        """
        found = self._answered(_image_request(path, mask=mask, frame=frame))
        return found if isinstance(found, (str, DecodedImage)) else "The decoder gave no image."

    def begin(self, path: Path) -> None:
        """Have the child decode the file at `path` meanwhile: `decode(path)` then takes what it has made.

        The child waits with the pixels until they are taken, so one image is decoded ahead. Anything else that is asked
        for or begun in between drops it.
        """
        request = _image_request(path)
        with self._lock, suppress(BrokenPipeError):  # a child that has ended is replaced when the image is asked for
            if self._begun == request:
                return
            if self._begun is not None:  # its answer would be taken for this file's
                self._stop()
            child = self._running()
            assert child.stdin
            child.stdin.write(decoder_protocol.frame(request))
            self._begun = request

    def give_up(self) -> None:
        """Drop what `begin` was asked for."""
        with self._lock:
            if self._begun is not None:
                self._stop()

    def elements(self, path: Path) -> list[list[str]] | str:
        """Return the elements of the DICOM file at `path` (tag, name, VR, value), none of another file; or why not."""
        found = self._answered({"path": os.path.abspath(path), "elements": True})
        return found if isinstance(found, (str, list)) else "The decoder gave no elements."

    def personal_values(self, path: Path) -> dict[str, str] | str:
        """Return patient and study in the header of the DICOM file at `path`, or the reason why they cannot be read.

        The pixel data may be damaged.

        Returns:
            Values by DICOM keyword, such as "PatientName" and "StudyDate", without empty ones; {} for a file of another
            format.
        """
        reply = self._answered({"path": os.path.abspath(path), "personal": True})
        return reply if isinstance(reply, (str, dict)) else "The decoder gave no values of the header."

    def _answered(self, request: decoder_protocol.Message) -> _Reply:
        with self._lock:
            try:
                try:
                    return self._ask(request, self.limits.timeout_s)
                except child_pipe.Gone:  # at this file, or before it and not noticed yet: a second child decides
                    spent_s = time.monotonic() - self._asked
                    self._stop()
                    return self._ask(request, self.limits.timeout_s - spent_s)
            except child_pipe.Late:
                self._stop()
                return (
                    f"Decoding took longer than {self.limits.timeout_s:g} s and was stopped. "
                    "Export the film again, uncompressed."
                )
            except child_pipe.Gone:
                return self._epitaph()
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._stop()
                return f"The decoder's answer made no sense ({error}). Report this file as a bug of the decoder."
            except BaseException:  # Ctrl-C and the like: half an answer is in the pipe
                self._stop()
                raise

    def close(self) -> None:
        """End the child; the next file starts a new one. Safe to call twice."""
        self._stop()

    def _ask(self, request: decoder_protocol.Message, allowed_s: float) -> _Reply:
        if self._begun not in (None, request):
            self._stop()
        child = self._running()
        self._asked = time.monotonic()
        deadline = self._asked + allowed_s
        assert child.stdin and child.stdout
        if self._begun is None:
            try:
                child.stdin.write(decoder_protocol.frame(request))
            except BrokenPipeError:
                raise child_pipe.Gone from None
        self._begun = None
        reply = child_pipe.message(child.stdout.fileno(), deadline)
        if "reason" in reply:
            if reply.get("last"):  # it ran out of memory and leaves
                self._stop()
            return str(reply["reason"])
        if "elements" in reply:
            return [[str(part) for part in line] for line in reply["elements"]]
        if "personal" in reply:
            return {str(keyword): str(value) for keyword, value in reply["personal"].items()}
        pixels = decoder_protocol.empty_pixels(reply, limits=self.limits)
        child_pipe.receive(child.stdout.fileno(), decoder_protocol.octets(pixels), deadline)
        return decoder_protocol.image(reply, pixels)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child and self._child.poll() is None:
            return self._child
        self._stop()
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "unseen.data.decoder_child", json.dumps(asdict(self.limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # native libraries write there at will
            bufsize=0,
            env=child_pipe.environment() | _KEEP_MEMORY,
        )
        try:
            assert self._child.stdout
            child_pipe.message(self._child.stdout.fileno(), time.monotonic() + child_pipe.START_S)  # "ready"
        except (child_pipe.Late, child_pipe.Gone) as error:
            self._stop()
            raise RuntimeError(
                f"The decoder ({sys.executable} -m unseen.data.decoder_child) does not start."
            ) from error
        return self._child

    def _epitaph(self) -> str:
        """Return a sentence that states why the child ended."""
        child = self._child
        code = None
        if child:
            with suppress(subprocess.TimeoutExpired):  # it closed its output and hangs: stopped below
                code = child.wait(timeout=1)
        self._stop()
        if code == -signal.SIGKILL:
            cause = f"killed, as when memory runs out; its own limit is {self.limits.memory_mb} MB"
        elif code is not None and code < 0:
            cause = f"signal {-code}, {signal.strsignal(-code)}"
        else:
            cause = f"exit status {code}"
        return (
            f"The decoder was stopped by this file ({cause}). "
            "The file is damaged or hostile: send it again from its source."
        )

    def _stop(self) -> None:
        child, self._child = self._child, None
        self._begun = None
        if child:
            child.kill()
            for stream in (child.stdin, child.stdout):
                if stream:
                    stream.close()
            child.wait()

    def _abandon(self) -> None:
        """Forget the parent's child without ending it, in a forked process."""
        child, self._child = self._child, None
        self._begun = None
        self._lock = threading.Lock()
        if child:
            for stream in (child.stdin, child.stdout):
                if stream:
                    stream.close()
            child.returncode = 0  # not ours to wait for


def _image_request(path: Path, *, mask: bool = False, frame: int | None = None) -> decoder_protocol.Message:
    return {"path": os.path.abspath(path), "mask": mask, "frame": frame}


_SHARED = [Decoder()]


def _abandon_all() -> None:
    for decoder in _SHARED:
        decoder._abandon()


def _close_all() -> None:
    for decoder in _SHARED:
        decoder.close()


os.register_at_fork(after_in_child=_abandon_all)
atexit.register(_close_all)


def shared_decoder() -> Decoder:
    """Return the decoder of this process, which reads all films that are not read ahead.

    Its child process starts with the first file and ends with this process.

    Example:
        >>> shared_decoder() is shared_decoder()
        True
    """
    return _SHARED[0]


def ahead(number: int) -> list[Decoder]:
    """Return so many decoders of this process for reading ahead; each starts its own child when it first decodes.

    >>> ahead(1)[0] is shared_decoder(), ahead(1)[0] is ahead(2)[0]
    (False, True)
    """
    while len(_SHARED) <= number:
        _SHARED.append(Decoder())
    return _SHARED[1 : number + 1]
