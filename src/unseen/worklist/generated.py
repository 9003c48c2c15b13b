"""Pictures that a model's generator makes up, kept once a model, for people to tell from real ones.

``renditions/generated-<the model's SHA-256>.npz``; derived, and made anew by the next worker where it is missing.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unseen.worklist.renditions import RenditionFolder, arrays_of, npz

if TYPE_CHECKING:
    from unseen.screening.screener import Scores

_log = logging.getLogger("unseen")

COUNT = 64
"""Pictures a model: more than anybody looks at in one sitting."""
_SEED = 0
_SHARE = 0.15  # of the lung's own mean square; by eye, so that the mask of `models/pca` has a lung's outline
_PREFIX = "generated-"


def keep_generated(folder: RenditionFolder, detector: Scores) -> bool:
    """Write what the detector's generator makes up, unless it is there; False where it holds no generator.

    The same pictures for the same model. Raises NoRoomError.
    """
    generator = _generator_of(detector)
    if generator is None:
        return False
    path = folder.path / f"{_PREFIX}{detector.weights_sha256}.npz"
    if not path.exists():
        pictures = _sampled(generator)
        arrays: dict[str, NDArray[np.generic]] = {"pictures": pictures.astype(np.float16)}
        if getattr(getattr(detector, "view", None), "frame", "whole") == "lungs":
            arrays["inside"] = typical_inside(pictures)
        folder.keep(path, npz(arrays))
        _log.info("generated.kept model=%s pictures=%d", detector.weights_sha256[:16], len(pictures))
    return True


def read_generated(folder: RenditionFolder) -> dict[str, tuple[NDArray[np.float32], NDArray[np.bool_] | None]]:
    """Pictures (COUNT, size, size) in network units, and the typical `inside`, by model; damaged files are left out."""
    found = {}
    for path in sorted(folder.path.glob(f"{_PREFIX}*.npz")):
        try:
            found[path.stem.removeprefix(_PREFIX)] = _read(path)
        except (ValueError, OSError) as error:
            _log.warning("generated.damaged file=%s error=%s", path.name, type(error).__name__)
    return found


def typical_inside(pictures: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where pictures (n, size, size), each 0 outside its own lungs, mostly show lung: (size, size).

    Where a share p of films has lung, the mean square is about p times what it is where all have; its 90th percentile
    stands for the latter.
    """
    from scipy.ndimage import binary_fill_holes, gaussian_filter

    power = gaussian_filter((pictures**2).mean(axis=0), 1.0)  # (size, size)
    inside: NDArray[np.bool_] = binary_fill_holes(power >= _SHARE * np.percentile(power, 90))
    return inside


def _read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    arrays = arrays_of(path.read_bytes())
    pictures, inside = arrays.get("pictures"), arrays.get("inside")
    if pictures is None or pictures.ndim != 3 or pictures.dtype.kind != "f":
        raise ValueError("no pictures")
    if inside is not None and (inside.dtype != np.bool_ or inside.shape != pictures.shape[1:]):
        raise ValueError("another mask")
    return pictures.astype(np.float32), None if inside is None else inside.astype(np.bool_)


def _generator_of(detector: Scores) -> Any | None:  # Any: a module with `sample`, as `priors.Generator` has it
    modules = getattr(detector, "modules", None)
    parts: Mapping[str, Any] = modules() if callable(modules) else {}
    return next((part for part in parts.values() if callable(getattr(part, "sample", None))), None)


def _sampled(generator: Any) -> NDArray[np.float32]:
    """(COUNT, size, size), computed on the CPU wherever the detector computes."""
    import torch

    with torch.inference_mode():
        here = copy.deepcopy(generator).cpu()
        pictures = here.sample(COUNT, generator=torch.Generator().manual_seed(_SEED))  # (COUNT, 1, size, size)
    return np.asarray(pictures[:, 0].numpy(), dtype=np.float32)
