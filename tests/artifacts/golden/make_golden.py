"""Makes the golden bundles of card format 1 beside this file; run once a format, and keep what it wrote for good.

``python tests/artifacts/golden/make_golden.py``: a linear map of two pixels to one, and what it gives for (1, 2); with
``reconstruction``, a reconstructor of images of 8 × 8 pixels behind a mask, and what it gives for one measurement.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from unseen.artifacts import bundle
from unseen.physics import Gaussian, Mask, Measurement
from unseen.reconstruction import ArtifactRemoval, save

HERE = Path(__file__).parent


def main() -> None:
    tensors = {"linear.weight": torch.tensor([[0.5, -0.25]]), "linear.bias": torch.tensor([0.125])}
    card = bundle.Card(
        kind="detector",
        name="pca",
        config={"components": 2},
        view={"frame": "lungs", "aspect": "stretch", "scale": "zscore", "size": 64},
        recipe_digest="0" * 64,
        training_films=["1" * 64, "2" * 64],
        metrics={"auroc": {"pooled": {"value": 0.5, "low": 0.4, "high": 0.6}}},
        adjustment={"intercept": 0.0, "log_sharpness": 1.5, "lung_area": -0.5},
        licence="CC0-1.0",
        version="0.1.0",
        created="2026-01-01T00:00:00+00:00",
    )
    bundle.save(HERE / "format-1", tensors, card)
    expected = {"input": [1.0, 2.0], "output": [0.125]}
    (HERE / "format-1.expected.json").write_text(json.dumps(expected) + "\n")


def reconstruction() -> None:
    generator = torch.Generator().manual_seed(0)
    process = Measurement(Mask(torch.rand(1, 8, 8, generator=generator) < 0.7), noise=Gaussian(0.1))
    f = ArtifactRemoval(features=4, depth=1)
    with torch.no_grad():
        for weight in f.network.parameters():
            weight.copy_(0.2 * torch.randn(weight.shape, generator=generator))
        f.get_buffer("scale").fill_(0.5)
    f.process, f.trained_on, f.training_digests = process, "cpu", ("1" * 64,)
    save(f, HERE / "reconstruction-1", data="drawn at random", licence="CC0-1.0")
    y = process(torch.rand(1, 1, 8, 8, generator=generator), generator=generator)
    expected = {"process": repr(process), "measurement": y[0].tolist(), "picture": f(y, process)[0].tolist()}
    (HERE / "reconstruction-1.expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    reconstruction() if "reconstruction" in sys.argv else main()
