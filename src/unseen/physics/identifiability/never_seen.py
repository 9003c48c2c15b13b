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

ROUNDS = 16  # of elements drawn afresh, while there is something left that none has seen
NOTHING = 1e-6  # share of the hidden images' energy; pixels that are only moved are seen or not


NEXT_TO_NOTHING = 5e-3  # the same where T_g interpolates
STANDSTILL = 0.97  # fresh elements that leave more than this have brought nothing


IDLE, IDLE_ON_PIXELS = 2, 6  # rounds that bring nothing, until nothing more is expected; of every eighth row a round


# misses what is left once in seven times
FAINT = 1e4  # times the level (singular values times 100): what interpolation makes of the unseen may be as bright

GLANCES = 4  # at different elements


LEAK = 0.35  # of what a look at random shows: less is no sight of it


@dataclass(frozen=True)
class NeverSeen:
    """Args:
    share: of what A hides, how much no look shows; 0 where it is next to nothing.
    looks: how many were tried.
    least: the least eigenvalue of the mean of T_g* A* A T_g.
    greatest: the greatest.
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
    """Look at images that A hides through all looks, and at what is left through fresh ones.

    Args:
        looks: as drawn at first.
        hidden: (batch, *domain), images of which A shows nothing.
        probes: (1, *domain), any image, for the eigenvalues.
        level: eigenvalues up to it count as zero.
        steps: of Lanczos' method.
        generator: for elements drawn afresh.
        hides: the share of all images that A hides.
        afresh: whether fresh elements may show more.
        carried: whether T_g moves the hidden images without cutting off or aliasing them.
        sight: how much of images comes clearly into sight when they are moved by a few elements drawn afresh, over
            what a look at random shows.
    """
    group = looks.moves.group
    interpolates = group is not None and not group.exact
    nothing = NEXT_TO_NOTHING if interpolates else NOTHING
    spectrum = Spectrum(looks.gram, looks.maps[0], steps=steps, looks=len(looks))
    strictly, faintly = spectrum.splits(torch.cat([hidden, probes]), (level, FAINT * level))
    left, tried, idle = strictly.low[: len(hidden)], len(looks), 0
    if interpolates:
        faint = faintly.low[: len(hidden)] if carried else hidden  # where it is not, all that looks show may be aliased
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
    """Return a part's share of the energy; inside: of the inscribed disc alone, since corners turn out of the image."""
    if inside and part.ndim >= 3 and min(part.shape[-2:]) >= LEAST:
        part = part * (radius(part.shape[-2:], part.device) <= 1)
    return float(torch.linalg.vector_norm(part) / torch.linalg.vector_norm(whole)) ** 2
