"""Part of `unseen` in the benchmark, and the bare transforms that its operators are measured by."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.imaging.contender import Made, Operation, Settings, Steps, clock, relative, serve
from benchmarks.imaging.inputs import (
    NOISE,
    STEPS,
    blurring_kernel,
    coil_maps,
    complex_pictures,
    images,
    kept_pixels,
    noise_like,
    sampled_columns,
)
from benchmarks.imaging.plain_unet import PlainUNet
from unseen.losses import (
    Equivariance,
    Loss,
    MeasurementConsistency,
    RecorruptedEquivariance,
    RobustEquivariance,
    Sure,
)
from unseen.physics import Blur, FourierMask, Gaussian, Mask, Measurement, Operator, Rotations, Tomography
from unseen.reconstruction import ArtifactRemoval
from unseen.reconstruction.held_out import MeasurementSet
from unseen.reconstruction.learner import ReconstructionLearner
from unseen.training.loop import train
from unseen.training.progress import Progress
from unseen.training.settings import Training


def make(settings: Settings) -> Made:
    """Return the operations of one case, by name."""
    problem, size = settings["problem"], settings["size"]
    A: Operator
    if problem == "steps":
        return {name: Steps(_steps(name, size, settings["batch"])) for name in STEPS}
    if problem == "tomography":
        tomography = Tomography(size, settings["views"])
        return {**_operations(tomography), "fbp": Operation(_measured(tomography), tomography.fbp)}
    if problem == "mask":
        kept = kept_pixels(size)
        factor = kept.to(torch.float32)
        A = Mask(kept)
        there, back = (Operation(given, lambda x: x * factor) for given in (_given(A), _measured(A)))
        return {**_operations(A), "bare forward": there, "bare adjoint": back}
    if problem == "blur":
        A = Blur(size, blurring_kernel())
        around = functional.pad(blurring_kernel(), (0, size - 17, 0, size - 17)).roll((-8, -8), dims=(0, 1))
        spectrum = torch.fft.rfft2(around)

        def filtered(x: Tensor) -> Tensor:
            result: Tensor = torch.fft.irfft2(torch.fft.rfft2(x) * spectrum)
            return result

        return {
            **_operations(A),
            "bare forward": Operation(_given(A), filtered),
            "bare adjoint": Operation(_measured(A), filtered),
        }
    sampled = torch.fft.ifftshift(sampled_columns(size))
    if problem == "mri":
        A = FourierMask(sampled)
        there = Operation(_given(A), lambda x: torch.fft.fft2(x, norm="ortho"))
        back = Operation(_measured(A), lambda y: torch.fft.ifft2(y, norm="ortho"))
        return {**_operations(A), "bare forward": there, "bare adjoint": back}
    if problem == "multi-coil":
        maps = coil_maps(size)
        A = FourierMask(sampled, coils=maps)
        there = Operation(_given(A), lambda x: torch.fft.fft2(maps * x, norm="ortho"))
        back = Operation(
            _measured(A), lambda y: (maps.conj() * torch.fft.ifft2(y, norm="ortho")).sum(dim=1, keepdim=True)
        )
        return {**_operations(A), "bare forward": there, "bare adjoint": back}
    raise ValueError(f"There is no problem {problem}.")


def _operations(A: Operator) -> Made:
    return {
        "forward": Operation(_given(A), A),
        "adjoint": Operation(_measured(A), A.adjoint),
        "pinv": Operation(_measured(A), A.pinv, lambda y, x: relative(A.adjoint(A(x) - y), A.adjoint(y))),
    }


def _given(A: Operator) -> Callable[[int, int], Tensor]:
    draw = complex_pictures if A.complex_domain else images
    return lambda batch, seed: draw(batch, A.domain[-1], seed=seed)


def _measured(A: Operator) -> Callable[[int, int], Tensor]:
    given = _given(A)

    def fresh(batch: int, seed: int) -> Tensor:
        y = A(given(batch, seed))
        return y + noise_like(y, seed=seed)

    return fresh


def _steps(name: str, size: int, batch: int) -> Callable[[int, int], list[float]]:
    """MRI, a quarter of the lines, sigma 0.1; a rotation for each image."""
    noisy = name.startswith("REI")
    process = Measurement(
        FourierMask(torch.fft.ifftshift(sampled_columns(size))), noise=Gaussian(NOISE) if noisy else None
    )
    group = Rotations(multiples_of=1, interpolation="bilinear")
    objectives: dict[str, Callable[[], list[Loss]]] = {
        "EI step": lambda: [MeasurementConsistency(), Equivariance(group)],
        "REI step": lambda: [Sure(), RobustEquivariance(group)],
        "REI step, shared pass": lambda: [RecorruptedEquivariance(group)],
    }
    losses = objectives[name]()
    torch.manual_seed(0)
    f = ArtifactRemoval.for_process(process, network=PlainUNet(2), start="adjoint")

    def run(steps: int, seed: int) -> list[float]:
        """Train for one step more than asked for, since the first one includes the set-up, and return the times."""
        x = complex_pictures((steps + 1) * batch, size, seed=seed)
        y = process(x, generator=torch.Generator().manual_seed(seed))
        rows = torch.zeros(len(y), dtype=torch.int64)
        learnt = MeasurementSet(y, None, rows, process)
        learner = ReconstructionLearner(f, learnt, losses, learning_rate=5e-4, milestones=(), steps_per_epoch=1)
        marks: list[float] = []

        def mark(state: Progress) -> None:
            marks.append(clock())

        settings = Training(epochs=1, batch_size=batch, precision="fp32", device="cpu", seed=seed)
        train(learner, [torch.arange(len(y))], settings, progress=mark)
        return [after - before for before, after in pairwise(marks)]

    return run


if __name__ == "__main__":
    serve(make)
