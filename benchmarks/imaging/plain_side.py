"""Part of scikit-image and SciPy in the benchmark: the choice without a library for imaging.

scikit-image: the Radon transform and its filtered backprojection, one image at a time. SciPy: the projector that
`unseen` has, written down as one sparse matrix (Joseph's rule), with LSMR for the pseudo-inverse; and its FFT. Of a
training step, the network's passes alone, in torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.fft
import torch
from scipy import sparse
from scipy.sparse.linalg import lsmr
from skimage.transform import iradon, radon

from benchmarks.imaging.contender import Made, Operation, Settings, Steps, clock, serve
from benchmarks.imaging.inputs import STEPS, complex_pictures, images, noise_like
from benchmarks.imaging.plain_unet import PlainUNet


def make(settings: Settings) -> Made:
    """Return the operations of one case, by name."""
    problem, size = settings["problem"], settings["size"]
    if problem == "steps":
        batch = settings["batch"]
        return {f"bare {name}": Steps(_passes(passes, size, batch)) for name, passes in STEPS.items()}
    if problem == "mri":
        given = lambda batch, seed: complex_pictures(batch, size, seed=seed).numpy()  # noqa: E731
        return {
            "scipy forward": Operation(given, lambda x: scipy.fft.fft2(x, norm="ortho")),
            "scipy adjoint": Operation(given, lambda y: scipy.fft.ifft2(y, norm="ortho")),
        }
    if problem != "tomography":
        return {}
    degrees = np.arange(settings["views"]) * 180 / settings["views"]
    return _scikit_image(size, degrees) | _scipy(size, degrees)


def _scikit_image(size: int, degrees: np.ndarray) -> dict[str, Operation]:
    def slices(batch: int, seed: int) -> np.ndarray:
        return images(batch, size, seed=seed)[:, 0].double().numpy()

    def forward(x: np.ndarray) -> list[np.ndarray]:
        return [radon(one, degrees, circle=False) for one in x]  # type: ignore[no-untyped-call]

    def fbp(y: list[np.ndarray]) -> list[np.ndarray]:
        return [iradon(one, degrees, circle=False, output_size=size) for one in y]  # type: ignore[no-untyped-call]

    return {
        "scikit-image forward": Operation(slices, forward),
        "scikit-image fbp": Operation(lambda batch, seed: forward(slices(batch, seed)), fbp),
    }


def _scipy(size: int, degrees: np.ndarray) -> dict[str, Operation]:
    matrix = joseph(size, degrees)
    transpose = sparse.csr_array(matrix.T)

    def columns(batch: int, seed: int) -> np.ndarray:
        return np.ascontiguousarray(images(batch, size, seed=seed).flatten(1).numpy().T)

    def measured(batch: int, seed: int) -> np.ndarray:
        x = images(batch, size, seed=seed)
        y = x.new_tensor((matrix @ x.flatten(1).numpy().T).T)
        return np.ascontiguousarray((y + noise_like(y, seed=seed)).numpy().T)

    def solve(y: np.ndarray) -> list[np.ndarray]:
        with np.errstate(over="ignore"):  # its estimate of the condition number begins at the largest double
            return [lsmr(matrix, one, atol=1e-3, btol=0)[0] for one in y.T]

    def residual(y: np.ndarray, x: list[np.ndarray]) -> float:
        wrong = transpose @ (matrix @ np.stack(x, axis=1) - y)
        return float(np.linalg.norm(wrong) / np.linalg.norm(transpose @ y))

    return {
        "scipy forward": Operation(columns, lambda x: matrix @ x),
        "scipy adjoint": Operation(measured, lambda y: transpose @ y),
        "scipy pinv": Operation(measured, solve, residual),
    }


def joseph(size: int, degrees: np.ndarray) -> sparse.csr_array:
    """(views · detectors, pixels), float32: a pixel d from a ray weighs max(m − |d|, 0) / m², m = max(|cos|, |sin|)."""
    detectors = math.ceil(math.sqrt(2) * size)
    axis = np.arange(size) - (size - 1) / 2
    right, up = np.meshgrid(axis, -axis)
    blocks = []
    for angle in np.deg2rad(degrees):
        m = max(abs(math.cos(angle)), abs(math.sin(angle)))
        place = (right * math.cos(angle) + up * math.sin(angle)).ravel() + (detectors - 1) / 2
        ray = np.floor(place)[:, None].astype(np.int32) + np.arange(2, dtype=np.int32)
        weight = np.maximum(m - np.abs(ray - place[:, None]), 0) / m**2
        pixel = np.broadcast_to(np.arange(size**2, dtype=np.int32)[:, None], ray.shape)
        hit = (weight > 0) & (ray >= 0) & (ray < detectors)
        entries = (weight[hit].astype(np.float32), (ray[hit], pixel[hit]))
        blocks.append(sparse.csr_array(entries, shape=(detectors, size**2)))
    return sparse.csr_array(sparse.vstack(blocks, format="csr"))


def _passes(passes: int, size: int, batch: int) -> Callable[[int, int], list[float]]:
    """Return the least that such a step computes: the passes of the network, back through all of them, and Adam."""
    torch.manual_seed(0)
    network = PlainUNet(2).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-4, weight_decay=1e-8)

    def run(steps: int, seed: int) -> list[float]:
        spent = []
        for step in range(steps + 1):
            x = torch.randn(batch, 2, size, size, generator=torch.Generator().manual_seed(seed + step))
            began = clock()
            optimiser.zero_grad()
            first = network(x)
            outputs = [first, network(first), *(network(x) for _ in range(passes - 2))]
            torch.stack([output.square().mean() for output in outputs]).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            spent.append(clock() - began)
        return spent[1:]

    return run


if __name__ == "__main__":
    serve(make)
