"""Does bfloat16 cost anything: PSNR after so many REI steps, in float32 and in bfloat16, from the same weights.

python -m benchmarks.imaging.precision --size 64 --steps 200      both as JSON
"""

from __future__ import annotations

import argparse
import json
from typing import Literal

import torch

from benchmarks.imaging.inputs import NOISE, complex_pictures, sampled_columns
from unseen.losses import RobustEquivariance, Sure
from unseen.physics import FourierMask, Gaussian, Measurement, Rotations
from unseen.reconstruction import learn
from unseen.training.settings import Training

SEEN, UNSEEN, BATCH = 40, 16, 4


def after(steps: int, *, size: int, precision: Literal["fp32", "bf16"]) -> float:
    """PSNR in dB over images that the training has not seen, MRI at a quarter of the lines and sigma 0.1."""
    process = Measurement(FourierMask(torch.fft.ifftshift(sampled_columns(size))), noise=Gaussian(NOISE))
    images = complex_pictures(SEEN + UNSEEN, size, seed=1)
    x, truth = images[:SEEN], images[SEEN:]
    y = process(x, generator=torch.Generator().manual_seed(1))
    f = learn(
        y,
        process,
        losses=[Sure(), RobustEquivariance(Rotations(multiples_of=1, interpolation="bilinear"))],
        training=Training(epochs=max(1, steps * BATCH // SEEN), batch_size=BATCH, precision=precision, device="cpu"),
    )
    with torch.no_grad():
        found = f(process(truth, generator=torch.Generator().manual_seed(2)), process)
    error = (found - truth).abs().square().flatten(1).mean(dim=1)
    peak = truth.abs().flatten(1).amax(dim=1)
    return float((10 * (peak**2 / error).log10()).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    given = parser.parse_args()
    psnr = {f"{name}_db": after(given.steps, size=given.size, precision=name) for name in ("fp32", "bf16")}
    print(json.dumps({"size": given.size, "steps": given.steps, **psnr}))


if __name__ == "__main__":
    main()
