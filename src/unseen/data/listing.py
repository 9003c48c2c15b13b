"""From what a user names (a folder, a glob, a manifest, a file, or a list of those) to entries in a fixed order.

Plan only: no picture is opened here. A folder is walked to its depth; hidden files and things that are not files
(pipes, sockets, devices) are passed over, and every other file is an input, whatever it is called: a file that is no
film becomes a `NotRead` row, never a silent gap.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from unseen.data.manifest import Entry, SourceError, read_manifest

Source = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def entries(source: Source) -> tuple[Entry, ...]:
    """The entries that `source` names, in order; a folder's and a glob's are sorted by path.

    Raises:
        ManifestError: a manifest is broken.
        SourceError: a glob matches nothing, or a folder cannot be listed.
    """
    if isinstance(source, (str, os.PathLike)):
        return tuple(_one(os.fspath(source)))
    return tuple(entry for part in source for entry in _one(os.fspath(part)))


def _one(given: str) -> Iterator[Entry]:
    path = Path(given)
    if os.path.isdir(given):
        yield from _folder(path)
    elif path.suffix.lower() == ".csv":
        yield from read_manifest(path)
    elif not os.path.lexists(given) and glob.has_magic(given):
        matches = sorted(glob.glob(given, recursive=True))
        if not matches:
            raise SourceError(f"{given!r} matches no file. Check the pattern and the folder it starts from.")
        for match in matches:
            if os.path.isdir(match):
                if "**" not in given:  # with ** the files inside are matches themselves
                    yield from _folder(Path(match))
            elif not _is_special(match):
                yield _entry(match, Path(match).absolute().parent.name)
    else:
        yield _entry(given, path.absolute().parent.name)


def _folder(folder: Path) -> Iterator[Entry]:
    source = folder.absolute().name
    found: list[str] = []
    seen: set[tuple[int, int]] = set()  # (device, inode) of the folders walked: a link to a parent must not loop

    def fail(error: OSError) -> None:
        raise SourceError(
            f"{error.filename}: the folder cannot be listed ({error.strerror}). Check its permissions."
        ) from error

    for here, folders, files in os.walk(folder, followlinks=True, onerror=fail):
        status = os.stat(here)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.join(here, name) for name in files if not name.startswith(".")]
    for path in sorted(found):
        if not _is_special(path):
            yield _entry(path, source)


def _is_special(path: str) -> bool:
    """Whether `path` is a pipe, socket or device. A broken link is not: it is an input that will say so."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _entry(name: str, source: str) -> Entry:
    return Entry(name=name, path=Path(name), source=source, patient=name, study=name)
