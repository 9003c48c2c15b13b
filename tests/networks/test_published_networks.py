"""Maps of the published networks on fixed weights, compared with numbers that were kept.

The kept numbers were computed when all maps were equal to those of the reference implementations (rows
`backbones/equality/…`), so a change of a forward pass is found without these.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from unseen.detectors.architectures import ARCHITECTURES, DEFAULT
from unseen.networks.published_network import PublishedNetwork

KEPT = Path(__file__).with_name("published_maps.json")
"""By architecture and block: mean, standard deviation, and three values of the map."""
LAST = {"dinov2-vitb14": 1, "rad-dino": 1}
"""Last block that is computed, where the blocks are alike: fewer weights to draw."""
SHAPE = (84, 70)  # multiples of 14, no square, and odd after a halving


def fixed(name: str, last: int | None) -> PublishedNetwork:
    """Return a network whose weights depend on their names alone."""
    build = ARCHITECTURES[name].build
    network = build() if last is None else build(last=last)
    assert isinstance(network, PublishedNetwork)
    state = network.state_dict()
    for key, tensor in state.items():
        if not tensor.is_floating_point() or not tensor.numel():
            continue
        rng = np.random.default_rng(zlib.crc32(key.encode()))
        drawn = rng.standard_normal(tuple(tensor.shape), dtype=np.float32)
        if key.endswith("running_var"):
            drawn = 0.5 + drawn**2
        elif not key.startswith(("pos_", "cls_")) and tensor.ndim > 1:
            drawn /= np.sqrt(np.prod(tensor.shape[1:]), dtype=np.float32)
        elif tensor.ndim == 1:
            drawn = 0.1 * drawn + (not key.endswith(("bias", "running_mean")))
        state[key] = torch.from_numpy(drawn)
    network.load_state_dict(state)
    return network.eval()


def numbers_of(name: str) -> dict[str, list[float]]:
    """Return the numbers of each block's map of one fixed image."""
    last = LAST.get(name)
    blocks = range(len(ARCHITECTURES[name].channels) if last is None else last + 1)
    image = np.random.default_rng(0).random((1, 1, *SHAPE), dtype=np.float32)
    with torch.inference_mode():
        maps = fixed(name, last)(2 * torch.from_numpy(image) - 1, tuple(blocks))
    return {
        str(block): [float(one.mean()), float(one.std()), *one.flatten()[:: one.numel() // 3][:3].tolist()]
        for block, one in zip(blocks, maps, strict=True)
    }


def test_numbers_are_kept_of_each_architecture_that_needs_a_file() -> None:
    assert set(json.loads(KEPT.read_text(encoding="utf-8"))) == set(ARCHITECTURES) - {DEFAULT}


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {DEFAULT}))
def test_maps_on_fixed_weights_are_the_kept_ones(name: str) -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))[name]
    found = numbers_of(name)
    assert set(found) == set(kept)
    for block, numbers in found.items():
        assert numbers == pytest.approx(kept[block], rel=1e-4, abs=1e-4 * kept[block][1]), block
