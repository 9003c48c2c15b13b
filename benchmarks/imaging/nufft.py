"""FINUFFT and torchkbnufft on one radial scan: accuracy, adjoint and time.

`python -m benchmarks.imaging.nufft` prints one line for each library and precision; torchkbnufft is left out where it
is not installed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from unseen.physics import NonCartesianFourier, radial_trajectory

SIZE, SPOKES = 128, 201


def main() -> None:
    torch.set_num_threads(1)
    points = radial_trajectory(SIZE, SPOKES)
    x = torch.randn(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.complex128)
    A = NonCartesianFourier(SIZE, points)
    exact = A(x)
    for dtype in (torch.complex64, torch.complex128):
        _print("FINUFFT", A, A.adjoint, x.to(dtype), exact)
    try:
        import torchkbnufft
    except ImportError:
        print("torchkbnufft is not installed")
        return
    angles = (2 * math.pi * points.T).contiguous()
    for dtype in (torch.float32, torch.float64):
        there = torchkbnufft.KbNufft((SIZE, SIZE), dtype=dtype)
        back = torchkbnufft.KbNufftAdjoint((SIZE, SIZE), dtype=dtype)
        omega = angles.to(dtype)
        _print(
            "torchkbnufft",
            partial(there, omega=omega, norm="ortho"),
            partial(back, omega=omega, norm="ortho"),
            x.to(dtype.to_complex()),
            exact,
        )


def _print(
    name: str, act: Callable[[Tensor], Tensor], adjoint: Callable[[Tensor], Tensor], x: Tensor, exact: Tensor
) -> None:
    y, there = _timed(act, x)
    z, back = _timed(adjoint, y)
    scaled = y * float(exact.norm() / y.norm())  # torchkbnufft scales by its oversampled grid
    error = float((scaled - exact).norm() / exact.norm())
    energy = y.abs().square().sum()
    defect = float((energy - torch.vdot(x.flatten(), z.flatten())).abs() / energy)
    print(
        f"{name}, {x.dtype}: error {error:.0e}, adjoint defect {defect:.0e}, {1e3 * there:.0f} ms, {1e3 * back:.0f} ms"
    )


def _timed(act: Callable[[Tensor], Tensor], tensor: Tensor) -> tuple[Tensor, float]:
    """Return the result and the shortest of seven times, in seconds, after one call that is not timed."""
    result, times = act(tensor), []
    for _ in range(7):
        start = time.perf_counter()
        act(tensor)
        times.append(time.perf_counter() - start)
    return result, min(times)


if __name__ == "__main__":
    main()
