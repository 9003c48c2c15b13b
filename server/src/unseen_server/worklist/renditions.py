"""Renditions: small images that are derived from films and models, and are shown to people.

    renditions/ab/abcd…/thumbnail.png                    of each film; the folder is the SHA-256 of the film
    renditions/ab/abcd…/<SHA-256 of the model>.npz       the input of the model, and its output, on the network's grid
    renditions/generated-<SHA-256 of the model>.npz      images that the generator of the model makes

No backup contains them, and no result depends on them. The worker writes those of a film before it enters the result,
so that everything listed can be shown; they are deleted with their film. Generated images are made once for each model,
and again by the next worker where they are missing.
"""

from __future__ import annotations

import copy
import io
import logging
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unseen.data import area
from unseen_server.worklist.states import NotFoundError, WorklistError
from unseen_server.worklist.stored_files import ContentFolder, room

if TYPE_CHECKING:
    from unseen.detectors import Finding
    from unseen.screening import ScoringDetector

THUMBNAIL = "thumbnail.png"
THUMBNAIL_SIDE = 160
"""Pixels of a thumbnail's longer side, at most: the largest that a list shows."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Rendition:
    """Input and output of a model for a film, all (size, size), on the network's grid.

    Args:
        image: network units, not masked.
        reconstruction: network units; None of a model that gives no image back.
        lungs: as predicted; None where no finder was asked.
        inside: the pixels that are judged.
    """

    image: NDArray[np.float32] = field(repr=False)
    reconstruction: NDArray[np.float32] | None = field(repr=False)
    lungs: NDArray[np.bool_] | None = field(repr=False)
    inside: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def of(cls, finding: Finding) -> Rendition:
        """Return the rendition of a finding's model."""
        viewed = finding.viewed
        return cls(
            image=viewed.image[0].numpy(),
            reconstruction=finding.reconstruction,
            lungs=None if viewed.lungs is None else viewed.lungs[0].numpy(),
            inside=viewed.inside[0].numpy(),
        )

    def to_bytes(self) -> bytes:
        """Return the rendition as an .npz; images as float16, whose steps are too small to see."""
        arrays: dict[str, NDArray[np.generic]] = {"image": self.image.astype(np.float16), "inside": self.inside}
        if self.reconstruction is not None:
            arrays["reconstruction"] = self.reconstruction.astype(np.float16)
        if self.lungs is not None:
            arrays["lungs"] = self.lungs
        return npz(arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> Rendition:
        """Read the rendition that `to_bytes` wrote. Raises ValueError where it is damaged."""
        arrays = arrays_of(data)
        names = {"image": "f", "inside": "b"}
        names |= {name: kind for name, kind in (("reconstruction", "f"), ("lungs", "b")) if name in arrays}
        shape = arrays["image"].shape if "image" in arrays else ()
        if len(shape) != 2 or shape[0] != shape[1] or set(arrays) != set(names):
            raise ValueError("not a rendition")
        if any(arrays[name].dtype.kind != kind or arrays[name].shape != shape for name, kind in names.items()):
            raise ValueError("not a rendition")
        return cls(
            image=arrays["image"].astype(np.float32),
            reconstruction=arrays["reconstruction"].astype(np.float32) if "reconstruction" in arrays else None,
            lungs=arrays["lungs"].astype(np.bool_) if "lungs" in arrays else None,
            inside=arrays["inside"].astype(np.bool_),
        )


class RenditionFolder(ContentFolder):
    """A folder with a subfolder a film; `of` is that subfolder."""

    def rendition_of(self, film: str, model: str) -> Path:
        """Return the path of a rendition, which may not exist; both are SHA-256.

        Raises ValueError for what is no digest.
        """
        return self.of(film) / f"{self.of(model).name}.npz"

    def thumbnail_of(self, film: str) -> Path:
        """Return the path of a film's thumbnail, which may not exist."""
        return self.of(film) / THUMBNAIL

    def keep(self, path: Path, data: bytes) -> None:
        """Write a file whole or not at all; an earlier one is replaced.

        Not flushed: after a power cut it may be damaged, and then reading reports it.
        Raises NoRoomError.
        """
        temporary = self.temporary()
        try:
            with room(self):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                temporary.touch(mode=0o600)
                temporary.write_bytes(data)
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, sha256: str) -> None:
        """Remove all that is kept of a film; it may be gone already."""
        shutil.rmtree(self.of(sha256), ignore_errors=True)


def read_rendition(folder: RenditionFolder, film: str, model: str) -> Rendition:
    """Return the rendition; film and model by SHA-256.

    Raises NotFoundError where none is kept, WorklistError where it is damaged.
    """
    try:
        path = folder.rendition_of(film, model)
    except ValueError:
        raise NotFoundError(f"{model[:40]!r} is no model's SHA-256, which has 64 hexadecimal digits.") from None
    try:
        return Rendition.from_bytes(path.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(
            f"Nothing is kept of what the model {model[:16]}… saw of this film: it did not score the film, or an "
            "earlier version of unseen did. Renditions are not part of a backup."
        ) from None
    except ValueError as error:
        raise WorklistError(
            f"What the model {model[:16]}… saw of this film is damaged on the disk. The film, its score and its "
            "anomaly map are kept elsewhere and are not concerned."
        ) from error


def read_thumbnail(folder: RenditionFolder, film: str) -> bytes:
    """Return a film's thumbnail, by its SHA-256; PNG. Raises NotFoundError."""
    try:
        return folder.thumbnail_of(film).read_bytes()
    except FileNotFoundError:
        raise NotFoundError(
            "There is no thumbnail of this film: no worker has read it yet, it cannot be read, or an earlier version "
            "of unseen did."
        ) from None


def thumbnail(pixels: NDArray[np.float32]) -> bytes:
    """Return a film's grey values as a small PNG.

    Args:
        pixels: (height, width), grey values in [0, 1], white = dense.
    """
    height, width = pixels.shape
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    small = area(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    written = io.BytesIO()
    Image.fromarray(np.asarray(np.clip(small, 0, 1) * 255 + 0.5, dtype=np.uint8)).save(written, format="PNG")
    return written.getvalue()


def npz(arrays: dict[str, NDArray[np.generic]]) -> bytes:
    """Return the arrays by name, compressed: masks are next to nothing then."""
    written = io.BytesIO()
    np.savez_compressed(written, allow_pickle=False, **arrays)
    return written.getvalue()


def arrays_of(data: bytes) -> dict[str, NDArray[np.generic]]:
    """Read the arrays that `npz` wrote; nothing in it is ever unpickled. Raises ValueError where it is damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as read:
            return {name: read[name] for name in read.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, TypeError, AttributeError) as error:
        raise ValueError("not a sound .npz") from error


_log = logging.getLogger("unseen")

COUNT = 64
"""Images a model: more than anybody looks at in one sitting."""
_SEED = 0
_SHARE = 0.15  # of the lung's own mean square; by eye, so that the mask of `models/pca` has a lung's outline
_PREFIX = "generated-"


def keep_generated(folder: RenditionFolder, detector: ScoringDetector) -> bool:
    """Write what the detector's generator makes up, unless it is there; False where it holds no generator.

    The same images for the same model. Raises NoRoomError.
    """
    generator = _generator_of(detector)
    if generator is None:
        return False
    path = folder.path / f"{_PREFIX}{detector.weights_sha256}.npz"
    if not path.exists():
        images = _sampled(generator)
        arrays: dict[str, NDArray[np.generic]] = {"pictures": images.astype(np.float16)}
        if getattr(getattr(detector, "view", None), "frame", "whole") == "lungs":
            arrays["inside"] = typical_inside(images)
        folder.keep(path, npz(arrays))
        _log.info("generated.kept model=%s images=%d", detector.weights_sha256[:16], len(images))
    return True


def read_generated(folder: RenditionFolder) -> dict[str, tuple[NDArray[np.float32], NDArray[np.bool_] | None]]:
    """Return the images (COUNT, size, size) in network units, and the typical `inside`, by model.

    Damaged files are left out.
    """
    found = {}
    for path in sorted(folder.path.glob(f"{_PREFIX}*.npz")):
        try:
            found[path.stem.removeprefix(_PREFIX)] = _read(path)
        except (ValueError, OSError) as error:
            _log.warning("generated.damaged file=%s error=%s", path.name, type(error).__name__)
    return found


def typical_inside(images: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where images (n, size, size), each 0 outside its own lungs, mostly show lung: (size, size).

    Where a share p of films has lung, the mean square is about p times what it is where all have; its 90th percentile
    stands for the latter.
    """
    from scipy.ndimage import binary_fill_holes, gaussian_filter

    power = gaussian_filter((images**2).mean(axis=0), 1.0)  # (size, size)
    inside: NDArray[np.bool_] = binary_fill_holes(power >= _SHARE * np.percentile(power, 90))
    return inside


def _read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    arrays = arrays_of(path.read_bytes())
    images, inside = arrays.get("pictures"), arrays.get("inside")
    if images is None or images.ndim != 3 or images.dtype.kind != "f":
        raise ValueError("no images")
    if inside is not None and (inside.dtype != np.bool_ or inside.shape != images.shape[1:]):
        raise ValueError("another mask")
    return images.astype(np.float32), None if inside is None else inside.astype(np.bool_)


def _generator_of(detector: ScoringDetector) -> Any | None:  # Any: a module with `sample`, as `priors.Generator` has it
    modules = getattr(detector, "modules", None)
    parts: Mapping[str, Any] = modules() if callable(modules) else {}
    return next((part for part in parts.values() if callable(getattr(part, "sample", None))), None)


def _sampled(generator: Any) -> NDArray[np.float32]:
    """(COUNT, size, size), computed on the CPU wherever the detector computes."""
    import torch

    with torch.inference_mode():
        here = copy.deepcopy(generator).cpu()
        images = here.sample(COUNT, generator=torch.Generator().manual_seed(_SEED))  # (COUNT, 1, size, size)
    return np.asarray(images[:, 0].numpy(), dtype=np.float32)
