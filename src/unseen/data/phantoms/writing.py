"""Phantoms to a folder: PNG files, their masks, and the manifest that names them."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unseen.artifacts.files import replacing
from unseen.data.cells import safe_cell
from unseen.data.film import Film
from unseen.data.phantoms.sequences import encode

COLUMNS = ("file", "label", "source", "patient", "mask", "lesion", "kind", "contrast", "twin", "size_mm")


def write(films: Iterable[Film], folder: str | Path) -> Path:
    """Write 8-bit `films` to `folder` and return the path of its `manifest.csv`.

    `films/`, `lungs/` and `lesions/` hold PNGs of one name; paths in the manifest are relative to it. Read back, a
    film has the same pixel values and the same `pixel_sha256`. One film is in memory at a time. The manifest appears
    when all that it names is there.

    Args:
        films: what is written.
        folder: where; it is made if needed.

    Raises:
        ValueError: a film is not 8-bit, or two have the same name.

    >>> import tempfile
    >>> from unseen.data import phantoms
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(phantoms.normals(1, size=64), folder).name
    'manifest.csv'
    """
    folder = Path(folder)
    for name in ("films", "lungs", "lesions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.csv"
    seen: set[str] = set()
    with replacing(manifest) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        rows = csv.DictWriter(handle, COLUMNS)
        rows.writeheader()
        for film in films:
            name = f"{Path(film.name).stem}.png"
            if name in seen:
                raise ValueError(f"Two films are called {name}. Write them to two folders.")
            if film.bits != 8:
                raise ValueError(f"{film.name} has {film.bits} bits a pixel; phantoms are written with 8.")
            seen.add(name)
            rows.writerow({column: safe_cell(cell) for column, cell in _write_one(film, folder, name).items()})
    return manifest


def _write_one(film: Film, folder: Path, name: str) -> dict[str, str]:
    steps = np.rint(film.pixels * np.float32(255.0)).astype(np.uint8)
    (folder / "films" / name).write_bytes(encode(steps))
    return {
        "file": f"films/{name}",
        "label": film.label or "",
        "source": film.source,
        "patient": film.patient,
        "mask": _write_mask(film.lungs, folder, f"lungs/{name}"),
        "lesion": _write_mask(film.lesion, folder, f"lesions/{name}"),
        **{column: film.columns.get(column, "") for column in ("kind", "contrast", "twin", "size_mm")},
    }


def _write_mask(mask: NDArray[np.bool_] | None, folder: Path, name: str) -> str:
    if mask is None:
        return ""
    (folder / name).write_bytes(encode(mask.astype(np.uint8) * np.uint8(255)))
    return name
