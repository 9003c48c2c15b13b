"""Quality of REI with SURE (three passes a step) and with the shared R2R pass (two): PSNR after equally many steps.

python -m benchmarks.imaging.estimators --seeds 3 --steps 300      both as JSON
"""

from __future__ import annotations

import argparse
import json
import math
from statistics import mean, stdev

import torch
from torch import Tensor

from benchmarks.imaging.inputs import NOISE, images, sampled_columns
from unseen.losses import Loss, RecorruptedEquivariance, RobustEquivariance, Sure
from unseen.physics import FourierMask, Gaussian, Measurement, Rotations
from unseen.reconstruction import learn
from unseen.training.settings import Training

SEEN, UNSEEN, BATCH = 40, 16, 4
T_97_5 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Quantile of Student's distribution for an interval of 95 %, by the number of seeds."""


def losses_of(estimator: str) -> list[Loss]:
    """Return the objective: "sure" or "shared"."""
    group = Rotations(multiples_of=1, interpolation="bilinear")
    return [Sure(), RobustEquivariance(group)] if estimator == "sure" else [RecorruptedEquivariance(group)]


def after(steps: int, *, size: int, estimator: str, seed: int) -> Tensor:
    """Return the PSNR in dB of each image that the training has not seen: MRI, a quarter of the lines, sigma 0.1.

    The last weights are taken, not the best ones: nothing but the estimator differs.
    """
    process = Measurement(FourierMask(torch.fft.ifftshift(sampled_columns(size)), real=True), noise=Gaussian(NOISE))
    x = images(SEEN + UNSEEN, size, seed=1)
    y = process(x[:SEEN], generator=torch.Generator().manual_seed(seed))
    f = learn(
        y,
        process,
        losses=losses_of(estimator),
        hold_out=0,
        training=Training(
            epochs=max(1, steps * BATCH // SEEN), batch_size=BATCH, device="cpu", seed=seed, threads=1, precision="fp32"
        ),
    )
    truth = x[SEEN:]
    with torch.no_grad():
        found = f(process(truth, generator=torch.Generator().manual_seed(100 + seed)), process)
    error = (found - truth).square().flatten(1).mean(dim=1)
    psnr: Tensor = 10 * (truth.flatten(1).amax(dim=1) ** 2 / error).log10()
    return psnr


def compared(seeds: int, *, steps: int, size: int) -> dict[str, object]:
    """Return the mean PSNR of each seed, and the difference shared − SURE with its interval of 95 % over seeds."""
    found = {
        name: [float(after(steps, size=size, estimator=name, seed=seed).mean()) for seed in range(seeds)]
        for name in ("sure", "shared")
    }
    differences = [shared - sure for sure, shared in zip(found["sure"], found["shared"], strict=True)]
    half = T_97_5[seeds] * stdev(differences) / math.sqrt(seeds)
    centre = mean(differences)
    return {
        "size": size,
        "steps": steps,
        "seeds": seeds,
        **{f"{name}_db": [round(value, 3) for value in values] for name, values in found.items()},
        "difference_db": round(centre, 3),
        "interval_db": [round(centre - half, 3), round(centre + half, 3)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, choices=sorted(T_97_5), default=3)
    given = parser.parse_args()
    print(json.dumps(compared(given.seeds, steps=given.steps, size=given.size)))


if __name__ == "__main__":
    main()
