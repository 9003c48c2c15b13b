"""Painted lesions stay in the lungs, are outlined, and a detector that has learnt them finds a plain one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from unseen.detectors.lesion_segmentation import GROUPS, averaged, largest, painted_film
from unseen.detectors.painted_lesions import effusion, nodules, opacity, pneumothorax

Paint = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]
PAINTERS: dict[str, Paint] = {
    "nodules": partial(nodules, number=3),
    "opacity": opacity,
    "effusion": effusion,
    "pneumothorax": pneumothorax,
}


def chest(side: int = 96) -> tuple[Tensor, Tensor]:
    """Return a bright square with two dark lungs."""
    lungs = torch.zeros(side, side, dtype=torch.bool)
    lungs[side // 6 : -side // 5, side // 8 : 4 * side // 9] = True
    lungs[side // 6 : -side // 5, 5 * side // 9 : -side // 8] = True
    return torch.where(lungs, -0.4, 0.5), lungs


@pytest.mark.parametrize("kind", PAINTERS)
@pytest.mark.parametrize("seed", range(6))
def test_a_lesion_changes_only_the_lungs_and_is_outlined(kind: str, seed: int) -> None:
    image, lungs = chest()
    before = image.clone()
    changed, outline = PAINTERS[kind](image, lungs, torch.Generator().manual_seed(seed))
    assert torch.equal(image, before), "the given image stays as it is"
    assert torch.equal(changed[~lungs], image[~lungs])
    assert not (outline & ~lungs).any() and torch.isfinite(changed).all()
    difference = (changed - image).abs()
    if outline.any():
        assert float(difference[outline].mean()) > 3 * float(difference[~outline].mean())
    else:  # a faint lesion is not outlined
        assert float(difference.max()) < 0.1


@pytest.mark.parametrize("kind", ["nodules", "opacity", "effusion"])
def test_tissue_and_fluid_are_brighter(kind: str) -> None:
    image, lungs = chest()
    changed, _ = PAINTERS[kind](image, lungs, torch.Generator().manual_seed(1))
    assert float((changed - image)[lungs].sum()) > 0


@pytest.mark.parametrize("kind", ["effusion", "pneumothorax"])
def test_without_lungs_nothing_is_painted(kind: str) -> None:
    image, lungs = chest()
    changed, outline = PAINTERS[kind](image, torch.zeros_like(lungs), torch.Generator().manual_seed(0))
    assert torch.equal(changed, image) and not outline.any()


def test_the_same_seed_paints_the_same_film() -> None:
    image, lungs = chest()
    first, again = (painted_film(image, lungs, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert first[1].shape == (len(GROUPS), 96, 96)


def test_an_image_of_one_grey_and_a_mask_of_one_pixel_are_painted_without_an_error() -> None:
    lungs = torch.zeros(32, 32, dtype=torch.bool)
    lungs[10, 12] = True
    for seed in range(20):
        image, _ = painted_film(torch.zeros(32, 32), lungs, torch.Generator().manual_seed(seed))
        assert torch.isfinite(image).all()


def test_the_largest_logits_are_averaged() -> None:
    logits = torch.zeros(1, 3, 100, 100)
    logits[0, 0, 0, 0] = 4.0
    assert largest(logits)[0, 0].tolist() == pytest.approx([4.0, 4.0 / 6, 4.0 / 40])


def test_logits_of_a_network_with_halved_resolution_move_with_the_image() -> None:
    """Averaged over both places of its 2 × 2 grid along each side, and over mirror images."""

    class Halved(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            small = torch.nn.functional.max_pool2d(x, 2).repeat(1, len(GROUPS), 1, 1)
            return torch.nn.functional.interpolate(small, scale_factor=2)

    x = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    plain = averaged(Halved(), x)  # type: ignore[arg-type]
    for shift in ((1, 0), (0, 1), (1, 1), (2, 3)):
        assert torch.allclose(averaged(Halved(), x.roll(shift, (2, 3))), plain.roll(shift, (2, 3)), atol=1e-6)  # type: ignore[arg-type]
    assert torch.allclose(averaged(Halved(), x.flip(-1)), plain.flip(-1), atol=1e-6)  # type: ignore[arg-type]
