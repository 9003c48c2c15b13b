"""Images that all looks together leave unseen. Necessary: the stacked A T_g have rank n.

Tachella, Chen & Davies, Sensing Theorems (JMLR 24, 2023), proposition 1; with λ the eigenvalues of the mean of
T_g* A* A T_g, of which none may be zero.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.physics.identifiability.faithful_images import LEAST, radius
from unseen.physics.identifiability.looks import Looks, draw
from unseen.physics.identifiability.spectrum import Spectrum

ROUNDS = 16  # at most, each with elements drawn afresh, while a part of the images is still unseen
NOTHING = 1e-6  # share of the energy of hidden images that counts as zero where T_g only moves pixels
NEXT_TO_NOTHING = 5e-3  # the same where T_g interpolates
STANDSTILL = 0.97  # a round that leaves more than this share of the unseen part was idle
IDLE, IDLE_ON_PIXELS = 2, 6
"""Idle rounds in a row after which the search ends: with interpolation; where T_g only moves pixels.

With an A of every eighth row, one round misses the unseen part once in seven times.
"""
FAINT = 1e4  # times the level (singular values times 100): interpolation can leave as much energy of the unseen part
GLANCES = 4  # evaluations of `sight`, each at other elements
LEAK = 0.35  # of the energy that A measures of a random image: a smaller share is not a measurement of it


@dataclass(frozen=True)
class NeverSeen:
    """Part of A's null space that no look measures, and extreme eigenvalues of the mean of T_g* A* A T_g.

    Args:
        share: share of what A hides; 0 if it is negligible.
        looks: number of looks evaluated.
        least: least eigenvalue.
        greatest: greatest eigenvalue.
    """

    share: float
    looks: int
    least: float
    greatest: float


def never_seen(
    looks: Looks,
    hidden: Tensor,
    probes: Tensor,
    level: float,
    *,
    steps: tuple[int, int],
    generator: torch.Generator,
    hides: float,
    afresh: bool,
    carried: bool,
    sight: Callable[[Tensor], float],
) -> NeverSeen:
    """Measure images that A hides through all looks, and the part that these leave unseen through further looks.

    Args:
        looks: the first looks.
        hidden: (batch, *domain), images of which A measures nothing.
        probes: (1, *domain), random image, for the eigenvalues.
        level: eigenvalues up to it count as zero.
        steps: least and greatest number of steps of Lanczos' method.
        generator: for further elements.
        hides: share of all images that A hides.
        afresh: whether further elements may show more.
        carried: whether T_g moves the hidden images without cutting off or aliasing them.
        sight: function of images: the largest share of their energy that A measures after some random elements,
            relative to the share that it measures of random images.
    """
    group = looks.moves.group
    interpolates = group is not None and not group.exact
    nothing = NEXT_TO_NOTHING if interpolates else NOTHING
    spectrum = Spectrum(looks.gram, looks.maps[0], steps=steps, looks=len(looks))
    strictly, faintly = spectrum.splits(torch.cat([hidden, probes]), (level, FAINT * level))
    left, tried, idle = strictly.low[: len(hidden)], len(looks), 0
    if interpolates:
        faint = faintly.low[: len(hidden)] if carried else hidden  # if not, whatever the looks show may be aliased
        share = _share(faint, hidden, inside=True)
        if share > nothing and all(sight(faint) <= LEAK for _ in range(GLANCES)):
            return NeverSeen(share, tried, strictly.least, strictly.greatest)
    share = _share(left, hidden, inside=interpolates)
    if spectrum.values is not None and not interpolates:
        share = float((spectrum.values <= level).double().mean()) / hides
    for _ in range(ROUNDS if afresh else 0):
        if group is None or share <= nothing or idle == (IDLE if interpolates else IDLE_ON_PIXELS):
            break
        fresh = Looks(looks.maps, draw(group, hidden.shape[1:], len(looks.moves), generator))
        left = Spectrum(fresh.gram, looks.maps[0], steps=steps, looks=len(fresh)).split(left, level).low
        tried += len(fresh)
        share, before = _share(left, hidden, inside=interpolates), share
        idle = idle + 1 if share > STANDSTILL * before else 0
    return NeverSeen(share if share > nothing else 0.0, tried, strictly.least, strictly.greatest)


def _share(part: Tensor, whole: Tensor, *, inside: bool = False) -> float:
    """Return the share of a part in the energy; inside: in the inscribed disc, since rotations move corners out."""
    if inside and part.ndim >= 3 and min(part.shape[-2:]) >= LEAST:
        part = part * (radius(part.shape[-2:], part.device) <= 1)
    return float(torch.linalg.vector_norm(part) / torch.linalg.vector_norm(whole)) ** 2
