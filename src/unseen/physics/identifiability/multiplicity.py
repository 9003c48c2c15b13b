"""Multiplicity c_j of each irreducible representation in T: the larger, the more A must measure.

Where T_g only moves pixels about, the trivial representation occurs once for each orbit of pixels, and no other more
often for its dimension s_j (Frobenius reciprocity: in the orbit G/H, j occurs as often as it has dimensions fixed by H,
at most s_j times). So max c_j / s_j is the number of orbits. Elsewhere it is estimated by the dimension of the images
that no T_g changes, the trace of the mean of T_g: for all rotations of n pixels about √n / 2, one for each ring.
"""

import math

import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from unseen.physics.group import Group
from unseen.physics.identifiability.equivariance_defect import AT_ONCE
from unseen.physics.identifiability.faithful_images import faithful
from unseen.physics.identifiability.looks import LISTED
from unseen.physics.tensor_products import Shape

DRAWN = 256  # elements
_CERTAIN = 0.8  # a T_g that keeps less of a smooth image's energy is no rotation or shift, and has no c_j


def multiplicity(group: Group, shape: Shape, generator: torch.Generator) -> float | None:
    """max c_j / s_j on images of `shape`: whole where T_g only moves pixels; None where T_g is no group action."""
    listed = group.elements(shape)
    whole = listed is not None and len(listed) <= LISTED
    elements = listed if listed is not None and whole else group.sample(DRAWN, generator=generator)
    return _orbits(group, shape, elements) if group.exact else _invariant(group, shape, elements, whole, generator)


def _orbits(group: Group, shape: Shape, elements: Tensor) -> float:
    n = math.prod(shape)
    index = torch.arange(n, dtype=torch.float64).reshape(1, *shape)
    moved = (
        torch.cat([group.T(index.expand(len(g), *shape), g) for g in torch.split(elements, AT_ONCE)]).flatten(1).long()
    )
    pairs = (moved.flatten().numpy(), index.long().flatten().repeat(len(moved)).numpy())
    return float(connected_components(coo_array(([True] * moved.numel(), pairs), shape=(n, n)), directed=False)[0])


def _invariant(group: Group, shape: Shape, elements: Tensor, whole: bool, generator: torch.Generator) -> float | None:
    noise = torch.randn(1, *shape, generator=generator, dtype=torch.float64)
    smooth = faithful(noise)
    total, squares, kept = torch.zeros_like(noise), 0.0, 0.0
    for g in torch.split(elements, AT_ONCE):
        moved = group.T(noise.expand(len(g), *shape), g)
        total += moved.sum(dim=0)
        squares += float(moved.square().sum())
        kept += float(group.T(smooth.expand(len(g), *shape), g).square().sum())
    order = len(elements)
    if not _CERTAIN < kept / order / float(smooth.square().sum()) < 1 / _CERTAIN:
        return None
    together = float(total.square().sum())
    estimate = together / order**2 if whole else (together - squares) / (order * (order - 1))
    return max(1.0, estimate)
