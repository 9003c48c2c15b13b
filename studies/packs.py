"""Packs: the files that a study reads, as one `.npz` of at most 12 MiB for a machine without the data sets.

A pack is unpacked into a folder for `$UNSEEN_DATA`. Every unpacked file has the bytes of the original, which is checked
by SHA-256, so a row computed from a pack is the row computed from the data set. PNG images are packed as lossless WebP
where Pillow writes the same PNG file again. Of films that the study does not read, only the SHA-256 is packed: it is
part of the digest that names a run.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from unseen.artifacts.files import write_bytes
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.runs.cohort import DIGEST, cohort_of, data_root

MOST_BYTES = 12 * 2**20
"""Size of a pack at most: one pack and the repository fit into 64 MiB."""
_AS_IT_IS, _WEBP, _DIGEST_ONLY = "bytes", "webp", "digest"


@dataclass(frozen=True)
class Needed:
    """Files of a study, relative to the data folder.

    Args:
        read: files that the study reads.
        noted: files of which only the digest is part of a run's name.
    """

    read: tuple[str, ...]
    noted: tuple[str, ...] = ()

    def __or__(self, other: Needed) -> Needed:
        read = tuple(dict.fromkeys(self.read + other.read))
        return Needed(read, tuple(name for name in dict.fromkeys(self.noted + other.noted) if name not in read))

    def missing(self) -> list[str]:
        """Return the files to read that are not in the data folder."""
        return [name for name in self.read if not (data_root() / name).is_file()]


def films_needed(recipe: Recipe, fold: int | None = None) -> Needed:
    """Return the files of a recipe on films: training films with their masks, and the films of the tested fold."""
    root, cohort = data_root(), cohort_of(recipe)
    tables = [name for name in (recipe.data.manifest, recipe.data.split) if name is not None]
    training, testing = cohort.training(fold).entries, cohort.testing(fold).entries
    read = [entry.path for entry in (*training, *testing)] + [entry.mask for entry in training if entry.mask]
    known = [path for entry in cohort.films.entries for path in (entry.path, entry.mask) if path is not None]
    names = tuple(dict.fromkeys([*tables, *(_below(root, path) for path in read)]))
    return Needed(names, tuple(sorted({_below(root, path) for path in known} - set(names))))


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def write_pack(needed: Needed, path: Path) -> int:
    """Write the files into one `.npz` and return its size in bytes.

    Raises:
        RecipeError: the files take more than `MOST_BYTES`.
    """
    root = data_root()
    rows: list[tuple[str, str, str, bytes]] = []
    for name in needed.read:
        content = (root / name).read_bytes()
        form, packed = _packed(content)
        rows.append((name, hashlib.sha256(content).hexdigest(), form, packed))
    for name in needed.noted:
        digest = hashlib.sha256((root / name).read_bytes()).hexdigest()
        rows.append((name, digest, _DIGEST_ONLY, b""))
    names, digests, forms, contents = zip(*rows, strict=True)
    written = io.BytesIO()
    np.savez_compressed(
        written,
        names=np.array(names),
        sha256=np.array(digests),
        forms=np.array(forms),
        lengths=np.array([len(content) for content in contents], np.int64),
        contents=np.frombuffer(b"".join(contents), np.uint8),
    )
    size = len(written.getvalue())
    if size > MOST_BYTES:
        raise RecipeError(f"{path}: {size / 2**20:.2f} MiB, the limit is {MOST_BYTES / 2**20:.0f}. Pack fewer films")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, written.getvalue())
    return size


def unpack(path: Path, folder: Path) -> None:
    """Write the files of a pack below `folder`, each with the bytes that it had.

    Raises:
        RecipeError: a file would have other bytes, or a name leads out of the folder.
    """
    with np.load(path, allow_pickle=False) as pack:
        names, digests, forms = (pack[name].tolist() for name in ("names", "sha256", "forms"))
        ends = np.cumsum(pack["lengths"]).tolist()
        contents = pack["contents"].tobytes()
    for name, digest, form, start, end in zip(names, digests, forms, [0, *ends], ends, strict=False):
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise RecipeError(f"{path}: the name {name} leads out of the folder. Pack again")
        target.parent.mkdir(parents=True, exist_ok=True)
        if form == _DIGEST_ONLY:
            target.with_name(target.name + DIGEST).write_text(digest + "\n", encoding="utf-8")
            continue
        content = contents[start:end] if form == _AS_IT_IS else _png(contents[start:end])
        if hashlib.sha256(content).hexdigest() != digest:
            raise RecipeError(
                f"{path}: {name} has other bytes after unpacking. Install the Pillow of constraints.txt; another one "
                "may compress otherwise"
            )
        target.write_bytes(content)


def _packed(content: bytes) -> tuple[str, bytes]:
    """Return the form and the bytes of a file: WebP where that is smaller and gives the same PNG again."""
    if content.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(content)) as image:
            if image.mode in ("L", "RGB"):
                written = io.BytesIO()
                image.save(written, "WEBP", lossless=True, quality=75, method=6, exact=True)  # 100: 20 times as slow
                smaller = _marked(image.mode) + written.getvalue()
                if len(smaller) < len(content) and _png(smaller) == content:
                    return _WEBP, smaller
    return _AS_IT_IS, content


def _marked(mode: str) -> bytes:
    """Return the byte before an image that keeps its mode: WebP has no grey images."""
    return b"L" if mode == "L" else b"C"


def _png(marked: bytes) -> bytes:
    """Return the PNG file of a packed image."""
    with Image.open(io.BytesIO(marked[1:])) as image:
        written = io.BytesIO()
        image.convert("L" if marked[:1] == b"L" else "RGB").save(written, "PNG", optimize=True)
    return written.getvalue()
