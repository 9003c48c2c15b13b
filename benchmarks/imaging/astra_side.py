"""ASTRA's part of the benchmark: its projectors on the CPU, linear interpolation, one image at a time."""

from __future__ import annotations

import ctypes
import importlib.util
import math
from pathlib import Path

import numpy as np

from benchmarks.imaging.contender import Made, Operation, Settings, serve
from benchmarks.imaging.inputs import images, noise_like


def make(settings: Settings) -> Made:
    """Return the operations of a case of tomography, by name."""
    import astra

    size, views = settings["size"], settings["views"]
    detectors = math.ceil(math.sqrt(2) * size)
    angles = np.arange(views) * math.pi / views
    plane, rays = astra.create_vol_geom(size, size), astra.create_proj_geom("parallel", 1.0, detectors, angles)
    A = astra.OpTomo(astra.create_projector("linear", rays, plane))

    def given(batch: int, seed: int) -> np.ndarray:
        return images(batch, size, seed=seed)[:, 0].numpy()

    def measured(batch: int, seed: int) -> list[np.ndarray]:
        x = images(batch, size, seed=seed)
        seen = [x.new_tensor(A.FP(one)) for one in x[:, 0].numpy()]
        return [(y + noise_like(y, seed=seed)).numpy() for y in seen]

    return {
        "forward": Operation(given, lambda x: [A.FP(one) for one in x]),
        "adjoint": Operation(measured, lambda y: [A.BP(one) for one in y]),
        "fbp": Operation(measured, lambda y: [A.reconstruct("FBP", one) for one in y]),
    }


def load_cuda_libraries() -> None:
    """ASTRA's wheel is linked against two libraries of CUDA, GPU or none; they lie in wheels of their own."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations or [] if spec else []:
        for library in (*Path(folder).glob("*/lib/libcudart.so*"), *Path(folder).glob("*/lib/libcufft.so*")):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


if __name__ == "__main__":
    load_cuda_libraries()
    serve(make)
