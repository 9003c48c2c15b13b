"""The images of the imaging results, dealt to training, validation and test: by patient where patients are known.

ct      CT slices, (HU + 1024) / 2048 clipped to [0, 1]; a slice that comes twice counts once; fold =
        int(sha256(patient), 16) mod 5: fold 3 is tested, fold 1 validates
ct-again   the same, each training slice 25 times, so that it is measured under 25 draws of the noise
mri     cardiac magnitude slices in [0, 1]; the last 20 by name are tested, the six before validate
urban   Urban100, in [0, 1]; the last 20 by name are tested, the six before validate
digits  MNIST padded to 32 × 32: of its training part the first images, and 60 others to validate; the first 100 of
        its test part
digits-6000   the same, with ten times as many images of the training part; those to validate and to test are the same
triangles, sparse   the toys, which are drawn
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from studies.imaging.settings import ImageSetSettings
from unseen.artifacts.recipe import RecipeError
from unseen.data.digits import read_digits
from unseen.data.patient_fold import fold_by_patient
from unseen.runs.generator_training import Images

TESTED, VALIDATING = 20, 6
_CT_TESTED, _CT_VALIDATING = 3, 1
_DIGITS, _DIGITS_VALIDATING, _DIGITS_TESTED = 600, 60, 100
_MORE_DIGITS = 6000
_TOYS, _TOYS_TESTED = 500, 100
_AGAIN = 25


def load(settings: ImageSetSettings, *, data: Path | None = None) -> Images:
    """Return the images that a recipe names, from the folder `data` (None: `$UNSEEN_DATA`).

    Raises:
        RecipeError: they are not there, or their size does not divide the originals'.
    """
    found = _SOURCES[settings.pictures](settings, data)
    if settings.limit is not None:
        found = replace(found, training=found.training[: settings.limit])
    return found


def training_subjects(settings: ImageSetSettings, *, data: Path | None = None) -> tuple[str, ...] | None:
    """Return the subject of each training image; None if subjects are unknown or each has one image."""
    if settings.pictures not in ("ct", "ct-again"):
        return None
    _, patients, fold = _slices(data)
    known = patients[(fold != _CT_TESTED) & (fold != _CT_VALIDATING)].tolist()
    return tuple((known * (_AGAIN if settings.pictures == "ct-again" else 1))[: settings.limit])


def files_of(settings: ImageSetSettings, *, data: Path | None = None) -> tuple[str, ...]:
    """Return the files that `load` reads, relative to the data folder."""
    if settings.pictures == "urban":
        return "natural/manifest.csv", *_urban_files(data)
    return _FILES[settings.pictures]


def _slices(data: Path | None) -> tuple[NDArray[np.float32], NDArray[np.str_], NDArray[np.int64]]:
    """Slices in [0, 1], a slice that comes twice once; the patient and the fold of each."""
    with np.load(_at(data, "ct100/ct256.npz"), allow_pickle=False) as file:
        hounsfield, patients = file["images"], file["patients"]
    _, first = np.unique([hashlib.sha256(slice_.tobytes()).hexdigest() for slice_ in hounsfield], return_index=True)
    first = np.sort(first)
    hounsfield, patients = hounsfield[first], patients[first]
    grey = np.clip((hounsfield.astype(np.float32) + 1024) / 2048, 0, 1)
    fold = np.array([fold_by_patient(patient) for patient in patients.tolist()])
    return grey, patients, fold


def _ct(settings: ImageSetSettings, data: Path | None) -> Images:
    grey, patients, fold = _slices(data)
    pictures = _sized(grey[:, None], settings)
    tested, validating = fold == _CT_TESTED, fold == _CT_VALIDATING
    units = np.unique(patients[tested], return_inverse=True)[1]
    return Images(
        pictures[~tested & ~validating],
        pictures[validating],
        pictures[tested],
        tuple(units.tolist()),
        f"by patient: {len(np.unique(patients[~tested & ~validating]))} trained on, "
        f"{len(np.unique(patients[validating]))} to validate, {len(np.unique(units))} tested",
    )


def _ct_again(settings: ImageSetSettings, data: Path | None) -> Images:
    once = _ct(settings, data)
    return replace(once, training=once.training.repeat(_AGAIN, 1, 1, 1), split=f"{once.split}, {_AGAIN} times each")


def _mri(settings: ImageSetSettings, data: Path | None) -> Images:
    with np.load(_at(data, "mri/chest.npz"), allow_pickle=False) as file:
        images, names = file["images"], file["names"]
    return _last_by_name(_sized(images[np.argsort(names)][:, None], settings))


def _urban(settings: ImageSetSettings, data: Path | None) -> Images:
    from PIL import Image

    form = "RGB" if settings.colour else "L"
    arrays = [np.asarray(Image.open(_at(data, name)).convert(form), dtype=np.float32) for name in _urban_files(data)]
    images = np.stack([array.reshape(*array.shape[:2], -1).transpose(2, 0, 1) for array in arrays]) / 255
    return _last_by_name(_sized(images, settings))


def _urban_files(data: Path | None) -> list[str]:
    """Return the files of Urban100, by name."""
    with _at(data, "natural/manifest.csv").open(newline="", encoding="utf-8") as file:
        return sorted(f"natural/{row['file']}" for row in csv.DictReader(file) if row["set"] == "urban100")


def _last_by_name(pictures: Tensor) -> Images:
    tested, validating = pictures[-TESTED:], pictures[-TESTED - VALIDATING : -TESTED]
    training = pictures[: -TESTED - VALIDATING]
    split = f"by name: {len(training)} trained on, the next {VALIDATING} to validate, the last {TESTED} tested"
    return Images(training, validating, tested, tuple(range(TESTED)), split)


def _digits(settings: ImageSetSettings, data: Path | None) -> Images:
    if settings.size != 32:
        raise RecipeError(f"view.size: seen {settings.size}; digits are 28 × 28, padded to 32")
    known, tested = (_at(data, f"mnist/{part}-images-idx3-ubyte.gz") for part in ("train", "t10k"))
    number = _MORE_DIGITS if settings.pictures == "digits-6000" else _DIGITS
    read = read_digits(known, number=number + _DIGITS_VALIDATING)
    after = _DIGITS + _DIGITS_VALIDATING
    split = f"{number} of the training part, {_DIGITS_VALIDATING} more to validate, {_DIGITS_TESTED} of the test part"
    return Images(
        torch.cat([read[:_DIGITS], read[after:]]),
        read[_DIGITS:after],
        read_digits(tested, number=_DIGITS_TESTED),
        tuple(range(_DIGITS_TESTED)),
        split,
    )


def _triangles(settings: ImageSetSettings, data: Path | None) -> Images:
    """Signals of `size` samples with one triangle of height 1, anywhere on a circle, 0.2 to 0.6 of it wide."""
    del data

    def draw(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        place, half = rng.random((n, 1)), rng.uniform(0.1, 0.3, (n, 1))
        distance = np.abs((np.arange(settings.size) / settings.size - place + 0.5) % 1 - 0.5)  # round the circle
        return np.asarray(np.clip(1 - distance / half, 0, 1))

    return _drawn(draw)


def _sparse(settings: ImageSetSettings, data: Path | None) -> Images:
    """Signals of `size` samples, sums of three elements of a smooth circular dictionary: k = 3."""
    del data

    def draw(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        frequencies = np.arange(1, 4)[:, None]
        phases = 2 * np.pi * (frequencies * np.arange(settings.size) / settings.size + rng.random((n, 1, 1)))
        return np.asarray(0.5 + np.einsum("nf,nfs->ns", rng.uniform(-0.15, 0.15, (n, 3)), np.cos(phases)))

    return _drawn(draw)


def _drawn(draw: Callable[[np.random.Generator, int], NDArray[np.float64]]) -> Images:
    parts = [
        torch.from_numpy(draw(np.random.default_rng(seed), number).astype(np.float32))[:, None, None]
        for seed, number in ((0, _TOYS), (1, VALIDATING * 10), (2, _TOYS_TESTED))
    ]
    split = f"{_TOYS} drawn to train on, {VALIDATING * 10} to validate, {_TOYS_TESTED} tested"
    return Images(parts[0], parts[1], parts[2], tuple(range(_TOYS_TESTED)), split)


_SOURCES: dict[str, Callable[[ImageSetSettings, Path | None], Images]] = {
    "ct": _ct,
    "ct-again": _ct_again,
    "mri": _mri,
    "urban": _urban,
    "digits": _digits,
    "digits-6000": _digits,
    "triangles": _triangles,
    "sparse": _sparse,
}

_FILES: dict[str, tuple[str, ...]] = {
    "ct": ("ct100/ct256.npz",),
    "ct-again": ("ct100/ct256.npz",),
    "mri": ("mri/chest.npz",),
    **dict.fromkeys(
        ("digits", "digits-6000"), tuple(f"mnist/{part}-images-idx3-ubyte.gz" for part in ("train", "t10k"))
    ),
    "triangles": (),
    "sparse": (),
}


def _sized(images: NDArray[np.floating], settings: ImageSetSettings) -> Tensor:
    """Averaged by area to `size` pixels a side: (n, channels, size, size)."""
    side = images.shape[-1]
    if side % settings.size:
        raise RecipeError(f"view.size: seen {settings.size}; should divide {side}, the originals' pixels a side")
    return functional.avg_pool2d(
        torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)), side // settings.size
    )


def _at(data: Path | None, name: str) -> Path:
    folder = Path(os.environ.get("UNSEEN_DATA") or "data") if data is None else data
    path = folder / name
    if not path.is_file():
        raise RecipeError(f"{path}: not there. Set $UNSEEN_DATA to the folder that holds {name}")
    return path
