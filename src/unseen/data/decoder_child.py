"""The child process that opens files: `python -P -m unseen.data.decoder_child LIMITS`, started by `decode.py`.

It answers on stdout and writes no log. It starts light (numpy and the standard library; the image libraries come with
the first image) and sets its own memory limit. A thread reads the requests, so that the end of the parent is noticed
while an image is being decoded.
"""

import hashlib
import json
import os
import queue
import resource
import signal
import stat
import sys
import threading
import warnings
from dataclasses import replace
from typing import BinaryIO

import numpy  # noqa: F401 - at the start, and not in the time of the first image

from unseen.artifacts.errors import reason_of
from unseen.data import decoder_protocol
from unseen.data.decoder_protocol import DecodedImage, DecoderLimits, Refused
from unseen.data.file_type import file_kind
from unseen.data.pixel_digest import pixel_sha256


def read_image(path: str, *, limits: DecoderLimits, mask: bool = False, frame: int | None = None) -> DecodedImage:
    """Return the image in the file at `path`, with its digests; `frame` is for DICOM files of several.

    Raises:
        Refused: with the reason in one sentence. Damaged files can raise nearly any other error.
    """
    data = read_bytes(path, limits=limits)
    match file_kind(data):
        case "dicom" | "bare dicom" as found:
            from unseen.data import dicom

            image = dicom.read_dicom(data, bare=found == "bare dicom", limits=limits, frame=frame)
        case found:
            from unseen.data import image_files

            image = image_files.read_common(data, file_format=found, limits=limits, mask=mask)
    size = len(data)
    digest = hashlib.sha256(data).hexdigest()
    return replace(image, file_sha256=digest, file_bytes=size, pixel_sha256=pixel_sha256(image.pixels))


def read_elements(path: str, *, limits: DecoderLimits) -> list[list[str]]:
    """Return the elements of a DICOM file; none of another one. Raises Refused as `read_image` does."""
    data = read_bytes(path, limits=limits)
    kind = file_kind(data)
    if kind not in ("dicom", "bare dicom"):
        return []
    from unseen.data import dicom

    return dicom.read_elements(data, bare=kind == "bare dicom")


def read_personal_values(path: str, *, limits: DecoderLimits) -> dict[str, str]:
    """Return patient and study of a DICOM file by keyword; none of another one. Raises Refused as `read_image` does."""
    data = read_bytes(path, limits=limits)
    kind = file_kind(data)
    if kind not in ("dicom", "bare dicom"):
        return {}
    from unseen.data import dicom

    return dicom.read_personal_values(data, bare=kind == "bare dicom")


def _missing(path: str) -> str:
    """Return the reason for a file that is not there; it names the spelling under which a file is there."""
    import unicodedata

    stem, suffix = os.path.splitext(path)
    for other, how in (
        (path.replace("\\", "/"), "with / between the folders"),
        ("/".join(part.strip() for part in path.split("/")), "without the spaces around it"),
        (stem + suffix.swapcase(), f"with the suffix {suffix.swapcase()}"),
        *(
            (unicodedata.normalize(form, path), f"whose letters have another Unicode form ({form})")
            for form in ("NFC", "NFD")
        ),
    ):
        if other != path and os.path.exists(other):
            return f"There is no such file, but there is one {how}. Correct the path, or the manifest's `file` cell."
    return "There is no such file. Check the path, or the manifest's `file` cell."


def read_bytes(path: str, *, limits: DecoderLimits) -> bytes:
    """Return all of a regular file, read once, so that what is judged, decoded and hashed is the same.

    Raises:
        Refused: it is missing, not a regular file, not permitted, empty or too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not block
    except FileNotFoundError:
        if os.path.islink(path):
            raise Refused("This is a link to a file that does not exist. Restore the file it points to.") from None
        raise Refused(_missing(path)) from None
    except PermissionError:
        raise Refused("There is no permission to read this file. Change its permissions.") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise Refused(f"The file cannot be opened ({reason_of(error)}). Check the path and the disk.") from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise Refused("This is a folder, not a file. Name the files in it, or give the folder as the source.")
        if not stat.S_ISREG(status.st_mode):
            raise Refused("This is a pipe, socket or device, not a file. Copy what it gives into a file.")
        if not status.st_size:
            raise Refused("The file is empty (0 bytes). Send it again from its source.")
        if status.st_size > limits.max_file_bytes:
            raise Refused(
                f"The file has {status.st_size / 1e6:.0f} MB, the limit is {limits.max_file_bytes / 1e6:.0f} MB. "
                "Export the film alone."
            )
        parts = []
        left = limits.max_file_bytes  # the file may grow meanwhile
        while left and (part := os.read(descriptor, min(left, status.st_size))):
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        os.close(descriptor)


def answer(
    request: decoder_protocol.Message, *, limits: DecoderLimits
) -> tuple[decoder_protocol.Message, DecodedImage | None]:
    """Return the reply to one request, and the image whose integers follow it."""
    try:
        if request.get("elements"):
            return {"elements": read_elements(request["path"], limits=limits)}, None
        if request.get("personal"):
            return {"personal": read_personal_values(request["path"], limits=limits)}, None
        image = read_image(request["path"], limits=limits, mask=request["mask"], frame=request.get("frame"))
    except Refused as refusal:
        return {"reason": str(refusal)}, None
    except MemoryError:
        needed = f"The decoder was stopped: this file needed more than {limits.memory_mb} MB."
        return {"reason": f"{needed} Export it at a lower resolution.", "last": True}, None
    except BaseException as error:  # the edge: damaged files raise anything, even Rust's PanicException
        detail = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        seen = f"The file is damaged and cannot be decoded: {detail}."
        return {"reason": f"{seen} Send it again from its source."}, None
    return decoder_protocol.facts(image), image


def serve(requests: BinaryIO, replies: BinaryIO, *, limits: DecoderLimits) -> None:
    """Answer until `requests` ends."""
    waiting: queue.SimpleQueue[decoder_protocol.Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    replies.write(decoder_protocol.frame({"ready": True}))
    while True:
        request = waiting.get()
        signal.setitimer(signal.ITIMER_REAL, 2 * limits.timeout_s + 5)  # a parent that lives kills at timeout_s
        reply, image = answer(request, limits=limits)
        _write(replies, decoder_protocol.frame(reply))
        if image is not None:
            _write(replies, decoder_protocol.octets(image.pixels))
        if reply.get("last"):
            return
        del image  # not kept while waiting
        signal.setitimer(signal.ITIMER_REAL, 0)


def _listen(requests: BinaryIO, waiting: queue.SimpleQueue[decoder_protocol.Message]) -> None:
    while head := _exactly(requests, decoder_protocol.LENGTH.size):
        waiting.put(json.loads(_exactly(requests, decoder_protocol.LENGTH.unpack(head)[0])))
    os._exit(0)  # the parent is gone


def _exactly(stream: BinaryIO, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        part = stream.read(count - len(parts))
        if not part:
            return b""
        parts += part
    return parts


def _write(stream: BinaryIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


def main() -> None:
    """Take over stdin and stdout, set the limits, serve."""
    limits = DecoderLimits(**json.loads(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)  # native libraries may print: never into the replies
    bytes_ = limits.memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(requests, replies, limits=limits)
    os._exit(0)


if __name__ == "__main__":
    main()
