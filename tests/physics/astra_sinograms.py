"""Sinograms by ASTRA on the CPU, for `test_scanner_geometry`: run by the interpreter of `make peers`.

Usage: python astra_sinograms.py INPUT.npz OUTPUT.npz
"""

import ctypes
import importlib.util
import sys
from pathlib import Path

import numpy as np


def load_cuda_libraries() -> None:
    """Load the two libraries of CUDA that ASTRA's wheel is linked against, GPU or none."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations or [] if spec else []:
        for library in (*Path(folder).glob("*/lib/libcudart.so*"), *Path(folder).glob("*/lib/libcufft.so*")):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


def main(source: str, target: str) -> None:
    """Project the image of the input by a parallel and by a fan beam with square pixels of side 1."""
    import astra

    given = np.load(source)
    plane = astra.create_vol_geom(*given["image"].shape)
    radians = np.deg2rad(given["degrees"])
    detectors, spacing, offset = int(given["detectors"]), float(given["spacing"]), float(given["offset"])
    parallel = astra.create_proj_geom("parallel", spacing, detectors, radians)
    fan = astra.create_proj_geom(
        "fanflat", spacing, detectors, radians, float(given["source_distance"]), float(given["detector_distance"])
    )
    sinograms = {}
    for name, geometry, rule in (("parallel", parallel, "linear"), ("fan", fan, "line_fanflat")):
        rays = astra.geom_2vec(astra.geom_postalignment(geometry, offset / spacing))
        sinograms[name] = astra.OpTomo(astra.create_projector(rule, rays, plane)).FP(given["image"])
    np.savez(target, **sinograms)


if __name__ == "__main__":
    load_cuda_libraries()
    main(*sys.argv[1:])
