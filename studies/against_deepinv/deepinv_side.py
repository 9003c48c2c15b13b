"""Training by deepinv with its own operators, noise, losses and transforms, in its own environment (`make peers`).

    .venv-peers/bin/python studies/against_deepinv/deepinv_side.py JOB.json GIVEN.npz OUT.npz

GIVEN holds the images, the network's first weights and, where the noise is drawn once for both libraries, the
measurements. The network is that of `unseen`, loaded from its file, which needs torch alone. The loop is the one of
deepinv's documentation: reconstruct, sum the losses, descend; no measurement is held out, the last weights are kept.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import deepinv
import numpy as np
import torch
from deepinv.loss import EILoss, MCLoss, R2RLoss, SureGaussianLoss, SurePGLoss, SurePoissonLoss
from deepinv.physics import (
    MRI,
    GaussianNoise,
    Inpainting,
    PoissonGaussianNoise,
    PoissonNoise,
    SinglePixelCamera,
    Tomography,
)
from deepinv.transform import Rotate, Shift
from torch import Tensor, nn

NETWORK = Path(__file__).parents[2] / "src" / "unseen" / "networks" / "residual_unet.py"
WEIGHT_DECAY = 1e-8
BATCH = 8  # images reconstructed at a time

Job = dict[str, Any]  # Any: JSON
Physics = deepinv.physics.Physics


class FilteredTomography(Tomography):
    """deepinv's projector, whose A_dagger is its own filtered backprojection instead of conjugate gradients."""

    def A_dagger(self, y: Tensor, **kwargs: object) -> Tensor:
        return self.fbp(y)


class Counts(deepinv.physics.Physics):
    """Transmission of X-rays as a share of the photons, exp(−a · projection), with Poisson noise and read-out noise."""

    def __init__(self, views: int, size: int, *, attenuation: float, photons: float, sigma: float) -> None:
        super().__init__()
        self.projector = Tomography(views, size, normalize=False)
        self.attenuation, self.photons = attenuation, photons
        self.noise_model = PoissonGaussianNoise(gain=1 / photons, sigma=sigma / photons, clip_positive=True)

    def A(self, x: Tensor, **kwargs: object) -> Tensor:
        return torch.exp(-self.attenuation * self.projector.A(x))

    def A_dagger(self, y: Tensor, **kwargs: object) -> Tensor:
        return self.projector.fbp(-torch.log(y.clamp(min=1 / self.photons)) / self.attenuation)


def main(job_file: str, given_file: str, out_file: str) -> None:
    """Train as the job says, and write the reconstructions of validation and test images."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    job: Job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    with np.load(given_file, allow_pickle=False) as file:
        given = {name: torch.from_numpy(file[name]) for name in file.files}
    physics = physics_of(job, given)
    measured = {part: measured_of(part, job, given, physics) for part in ("training", "validation", "testing")}
    torch.manual_seed(job["seed"])
    network = network_of(job, given)
    model: nn.Module = deepinv.models.ArtifactRemoval(network, mode="pinv")
    terms, model = losses_of(job, model, physics)
    began = time.perf_counter()
    curve = descend(job, model, physics, measured["training"], terms)
    seconds = time.perf_counter() - began
    model.eval()
    out = {part: reconstructed(model, measured[part], physics) for part in ("validation", "testing")}
    with torch.no_grad():
        out["direct"] = torch.cat([physics.A_dagger(y) for y in measured["testing"].split(BATCH)])
    arrays = {name: tensor.numpy() for name, tensor in out.items()}
    np.savez(out_file, seconds=seconds, curve=np.asarray(curve), version=deepinv.__version__, **arrays)


def physics_of(job: Job, given: dict[str, Tensor]) -> Physics:
    """Return deepinv's operator and noise of a problem."""
    kind, size = job["problem"], job["size"]
    if kind == "mri":
        physics = MRI(mask=given["mask"].float(), img_size=(2, size, size))
        physics.noise_model = GaussianNoise(job["sigma"])
        return physics
    if kind == "poisson-inpainting":
        physics = Inpainting((1, size, size), mask=given["mask"].float())
        physics.noise_model = PoissonNoise(job["gain"], clip_positive=True)
        return physics
    if kind == "ct":
        return FilteredTomography(job["views"], size, normalize=job["normalize"])
    if kind == "single-pixel":
        return SinglePixelCamera(job["m"], (1, size, size), ordering="cake_cutting")
    if kind == "low-dose-ct":
        scan = {name: job[name] for name in ("attenuation", "photons", "sigma")}
        return Counts(job["views"], size, **scan)
    raise ValueError(f"There is no problem {kind}.")


def measured_of(part: str, job: Job, given: dict[str, Tensor], physics: Physics) -> Tensor:
    """Return the measurements given, or those of deepinv's own operator on the images given."""
    name = f"y_{part}"
    if name in given:
        return given[name]
    torch.manual_seed(job["noise_seeds"][part])
    with torch.no_grad():
        found: Tensor = physics(given[f"x_{part}"])
    energy = given.get(f"energy_{part}")
    if energy is not None and not torch.isclose(found.double().square().sum(), energy, rtol=1e-5):
        raise ValueError(f"{part}: the two libraries' patterns differ, as their measurements' energies do")
    return found


def network_of(job: Job, given: dict[str, Tensor]) -> nn.Module:
    """Return the U-Net of `unseen` with the first weights, which are the same for both libraries."""
    found = importlib.util.spec_from_file_location("residual_unet", NETWORK)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)

    class Network(module.ResidualUNet):  # type: ignore[misc, name-defined]  # loaded from a file
        def forward(self, x: Tensor, sigma: object = None, **kwargs: object) -> Tensor:
            """Return f(x); deepinv passes a noise level that this network does not use."""
            result: Tensor = super().forward(x)
            return result

    network: nn.Module = Network(channels=job["channels"], features=job["features"], depth=job["depth"])
    weights = {name.removeprefix("w/"): tensor for name, tensor in given.items() if name.startswith("w/")}
    network.load_state_dict(weights)
    return network


def losses_of(job: Job, model: nn.Module, physics: Physics) -> tuple[list[nn.Module], nn.Module]:
    """Return the losses, each weighted as the job says, and the model, which R2R wraps."""
    turn = Shift() if job["group"] == "shifts" else Rotate(n_trans=1, multiples=1, interpolation_mode="bilinear")
    noisy = job["consistency"] != "mc"
    equivariance = EILoss(turn, apply_noise=noisy, weight=job["weight"])
    made: dict[str, Callable[[], nn.Module]] = {
        "mc": MCLoss,
        "sure-gaussian": lambda: SureGaussianLoss(job["sigma"]),
        "sure-poisson": lambda: SurePoissonLoss(job["gain"]),
        "sure-pg": lambda: SurePGLoss(sigma=job["sigma"] / job["photons"], gain=1 / job["photons"]),
        "r2r": R2RLoss,
    }
    consistency = made[job["consistency"]]()
    return [consistency, equivariance], consistency.adapt_model(model)


def descend(job: Job, model: nn.Module, physics: Physics, y: Tensor, terms: list[nn.Module]) -> list[float]:
    """Train by Adam for the job's number of steps, and return the loss of each.

    The learning rate falls to a tenth after the step `falls_at`.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=job["learning_rate"], weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones=job["falls_at"], gamma=0.1)
    batches = _batches(len(y), job["batch"], torch.Generator().manual_seed(job["seed"]))
    model.train()
    curve = []
    for _ in range(job["steps"]):
        some = y[next(batches)]
        optimiser.zero_grad()
        x_net = model(some, physics, update_parameters=True) if job["consistency"] == "r2r" else model(some, physics)
        values = [term(x_net=x_net, y=some, physics=physics, model=model).mean() for term in terms]
        loss = torch.stack(values).sum()
        if not math.isfinite(loss.item()):
            raise RuntimeError(f"the loss is {loss.item()} after {len(curve)} steps")
        loss.backward()
        optimiser.step()
        schedule.step()
        curve.append(float(loss))
    return curve


def _batches(number: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    while True:
        order = torch.randperm(number, generator=generator)
        for start in range(0, number - size + 1, size):
            yield order[start : start + size]


@torch.no_grad()
def reconstructed(model: nn.Module, y: Tensor, physics: Physics) -> Tensor:
    """Return the images of y, `BATCH` at a time."""
    return torch.cat([model(some, physics) for some in y.split(BATCH)])


if __name__ == "__main__":
    main(*sys.argv[1:])
