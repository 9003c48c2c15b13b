"""deepinv's part of the benchmark: its operators and losses as they come, in its own environment.

Complex numbers are pairs of channels there. Its default adjoint of tomography is the exact one, by autograd; its
pseudo-inverse is conjugate gradients with its default number of steps.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from deepinv.loss import EILoss, MCLoss, SureGaussianLoss
from deepinv.models import ArtifactRemoval, UNet
from deepinv.physics import MRI, BlurFFT, GaussianNoise, Inpainting, LinearPhysics, MultiCoilMRI, Tomography
from deepinv.transform import Rotate
from torch import Tensor

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


def make(settings: Settings) -> Made:
    """Return the operations of one case, by name."""
    problem, size = settings["problem"], settings["size"]
    if problem == "steps":
        return {name: Steps(_steps(name, size, settings["batch"])) for name in STEPS}
    if problem == "tomography":
        physics = Tomography(settings["views"], size, normalize=False)
        operations = _operations(physics, pairs=False, size=size)
        return {**operations, "fbp": Operation(operations["adjoint"].given, physics.fbp)}
    if problem == "mask":
        return _operations(Inpainting((1, size, size), mask=kept_pixels(size).float()), pairs=False, size=size)
    if problem == "blur":
        kernel = blurring_kernel()[None, None]
        return _operations(BlurFFT((1, size, size), filter=kernel), pairs=False, size=size)
    mask = sampled_columns(size)
    if problem == "mri":
        return _operations(MRI(mask=mask, img_size=(2, size, size)), pairs=True, size=size)
    if problem == "multi-coil":
        return _operations(MultiCoilMRI(mask=mask, coil_maps=coil_maps(size)), pairs=True, size=size)
    raise ValueError(f"There is no problem {problem}.")


def _operations(physics: LinearPhysics, *, pairs: bool, size: int) -> dict[str, Operation]:
    def given(batch: int, seed: int) -> Tensor:
        if not pairs:
            return images(batch, size, seed=seed)
        return torch.view_as_real(complex_pictures(batch, size, seed=seed)[:, 0]).movedim(-1, 1).contiguous()

    def measured(batch: int, seed: int) -> Tensor:
        y: Tensor = physics.A(given(batch, seed))
        return y + noise_like(y, seed=seed)

    def residual(y: Tensor, x: Tensor) -> float:
        return relative(physics.A_adjoint(physics.A(x) - y), physics.A_adjoint(y))

    return {
        "forward": Operation(given, physics.A),
        "adjoint": Operation(measured, physics.A_adjoint),
        "pinv": Operation(measured, physics.A_dagger, residual),
    }


def _steps(name: str, size: int, batch: int) -> Callable[[int, int], list[float]]:
    """MRI, a quarter of the lines, sigma 0.1; a rotation for each batch, as this library draws them.

    It has no step of REI with a shared pass: its REI is taken there.
    """
    noisy = name.startswith("REI")
    physics = MRI(mask=sampled_columns(size), img_size=(2, size, size))
    if noisy:
        physics.noise_model = GaussianNoise(NOISE)
    turn = Rotate(n_trans=1, multiples=1, interpolation_mode="bilinear")
    equivariance = EILoss(turn, apply_noise=noisy)
    consistency = SureGaussianLoss(NOISE) if noisy else MCLoss()
    torch.manual_seed(0)
    model = ArtifactRemoval(UNet(2, 2, scales=4), mode="adjoint")
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-4, weight_decay=1e-8)

    def run(steps: int, seed: int) -> list[float]:
        """Train for one step more than asked for, as the other side, and return the times."""
        torch.manual_seed(seed)
        spent = []
        for step in range(steps + 1):
            x = complex_pictures(batch, size, seed=seed + step)
            y = physics(torch.view_as_real(x[:, 0]).movedim(-1, 1).contiguous())
            began = clock()
            optimiser.zero_grad()
            x_net = model(y, physics)
            loss = consistency(y=y, x_net=x_net, physics=physics, model=model).mean()
            loss = loss + equivariance(x_net=x_net, physics=physics, model=model).mean()
            loss.backward()
            optimiser.step()
            spent.append(clock() - began)
        return spent[1:]

    return run


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(make)
