"""Equivariance defect of A: ε_g = ‖A T_g (I − A⁺A)‖ / ‖A T_g‖, Frobenius norms by random probes.

If ε_g = 0, A measures no part of T_g x that it does not measure of x: A T_g = T̃_g A for some T̃_g. A group of such g
adds no information (Tachella, Chen & Davies, Sensing Theorems for Unsupervised Learning in Linear Inverse Problems,
JMLR 24, 2023, corollary of proposition 1).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.physics.group import Group
from unseen.physics.identifiability.faithful_images import radius
from unseen.physics.identifiability.linear_map import LinearMap
from unseen.physics.identifiability.looks import Looks, Moves
from unseen.physics.identifiability.spectrum import Spectrum, energy

INNER, CORE = 0.7, 0.5  # radii of the images, as shares of the inscribed disc's radius
CANDIDATES, CLEAR, ALIKE = 512, 32, 6  # elements drawn; most of them evaluated; those evaluated first
KEPT = 6  # elements of the first, short test
NUMBERS = 8192  # pixels of all noise images together: one large image, or several small ones
SPREAD = 0.5  # relative standard deviation of the first six elements below which no further ones are evaluated
AT_ONCE = 16  # elements in a batch
LEAST_SHARE = 1e-3
CLEARLY = 100  # times the level of hidden components, above which a component counts as measured


def defects(looks: Looks, hidden: Tensor, probes: Tensor) -> Tensor:
    """Return ε of every look, (looks,), from probes and their parts that A does not measure, (batch, *domain) each."""
    found = []
    for move in looks.moves(tuple(probes.shape)):
        moved_hidden, moved = move(hidden), move(probes)
        for A in looks.maps:
            square_hidden, square = (energy(A(x)).reshape(-1, len(probes)).sum(1) for x in (moved_hidden, moved))
            found.append((square_hidden / square.clamp(min=torch.finfo(square.dtype).tiny)).sqrt())
    return torch.cat(found).cpu()


def in_sight(group: Group, whole: Spectrum, level: float, hidden: Tensor, *, generator: torch.Generator) -> float:
    """Return the largest share of a hidden image's energy that A, the operator of the spectrum, measures after the
    image is transformed; 0 for an equivariant A."""
    drawn = group.sample(KEPT, generator=generator)
    half = Moves(group, elements=drawn[: KEPT // 2], inverses=drawn[KEPT // 2 :], whole=False)
    moved = torch.cat(_all(half, hidden[:1]))
    seen = 1 - whole.split(moved, CLEARLY * level).share
    return float((seen * energy(moved)).max() / energy(hidden[:1]))


@dataclass(frozen=True)
class Inner:
    """Energy of hidden images that A measures after a transform clear of the border, relative to that of noise.

    Args:
        best: largest value of all elements evaluated.
        mean: mean over the elements drawn.
        error: standard error of the mean.
        tried: number of elements drawn.
        overlap: least share of the disc that an element moves onto the disc itself.
    """

    best: float
    mean: float
    error: float
    tried: int
    overlap: float


def clear_of_the_border(
    A: LinearMap,
    group: Group,
    whole: Spectrum,
    level: float,
    *,
    steps: tuple[int, int],
    generator: torch.Generator,
    inner: float = INNER,
) -> Inner | None:
    """Measure the energy of hidden images that A measures after transforms that do not cross the image's border.

    Circular shifts cut an image in two, which no scene does, and a projection on a grid is shifted by interpolation.
    Therefore the images here are inside a disc, and only elements that keep the disc inside the image are evaluated:
    all of them if image and group are small (at most `CANDIDATES` pixels and elements), else those among `CANDIDATES`
    random elements. If A is equivariant up to interpolation, every element has a small value. If it is not, as for a
    missing box, one element with a large value suffices, and many may have a small one. So the largest value decides:
    of the elements drawn first (six if their values are similar, else 32), and of the six elements after which A
    measures the most energy. A smaller disc allows larger shifts, by which the hidden part can leave a larger hole
    (`CORE`).

    Returns:
        The values; None if no element crosses the border, all elements cross it, or A hides nothing.
    """
    inside = (radius(A.domain[-2:], A.device) <= inner).to(A.dtype).expand(1, *A.domain)
    listed = group.elements(A.domain) if math.prod(A.domain[-2:]) <= CANDIDATES else None
    if listed is not None and len(listed) <= CANDIDATES:
        candidates = listed[torch.randperm(len(listed), generator=generator)]
    else:
        candidates = group.sample(CANDIDATES, generator=generator)
    edges, overlaps = [], []
    for g in torch.split(candidates, AT_ONCE):
        moved = group.T(inside.expand(len(g), *A.domain), g)
        edges.append(_edge(moved))
        overlaps.append(energy(moved * inside) / energy(inside))
    clear = (torch.cat(edges) == 0).cpu()
    if bool(clear.all()) or not bool(clear.any()):
        return None
    gram = Looks([A]).gram
    within = Spectrum(lambda x: inside * gram(inside * x), A, steps=steps)
    pictures = max(1, NUMBERS // math.prod(A.domain))
    noise = inside * A.noise(pictures, generator)
    hidden = inside * within.split(noise, level).low
    share = float(energy(hidden).sum() / energy(noise).sum())
    if share <= LEAST_SHARE:
        return None
    seen = (1 - whole.split(noise, CLEARLY * level).share) * energy(noise)
    at_random = max(float(seen.sum() / energy(noise).sum()), LEAST_SHARE)

    def shown(elements: Tensor) -> Tensor:
        moved = torch.cat(_all(Moves(group, elements=elements, whole=False), hidden))
        measured = (1 - whole.split(moved, CLEARLY * level).share) * energy(moved)
        return (measured.reshape(-1, pictures).sum(1) / energy(hidden).sum() / at_random).double().cpu()

    elements = candidates[clear]
    drawn = shown(elements[:ALIKE])
    if len(elements) > ALIKE and not (float(drawn.min()) > 0 and drawn.std() < SPREAD * drawn.mean()):
        drawn = torch.cat([drawn, shown(elements[ALIKE:CLEAR])])
    best = torch.cat([drawn, shown(_by_energy(A, group, elements, hidden[:1])[:ALIKE])]).max()
    error = float(drawn.std() / len(drawn) ** 0.5) if len(drawn) > 1 else math.inf
    return Inner(float(best), float(drawn.mean()), error, len(drawn), float(torch.cat(overlaps).cpu()[clear].min()))


def _by_energy(A: LinearMap, group: Group, elements: Tensor, hidden: Tensor) -> Tensor:
    """Return the elements in falling order of ‖A T_g x‖, x the hidden images."""
    energies = [
        energy(A(moved)).reshape(-1, len(hidden)).sum(1)
        for moved in (move(hidden) for move in Moves(group, elements=elements, whole=False)(tuple(hidden.shape)))
    ]
    order: Tensor = torch.cat(energies).cpu().argsort(descending=True, stable=True)
    return elements[order]


def _all(moves: Moves, x: Tensor) -> list[Tensor]:
    return [move(x) for move in moves(tuple(x.shape))]


def _edge(x: Tensor) -> Tensor:
    """Return the energy on the images' outermost pixels: (batch,)."""
    x = x.abs()
    sides = x[..., 0, :], x[..., -1, :], x[..., 0], x[..., -1]
    return torch.stack([side.flatten(1).sum(dim=1) for side in sides]).sum(dim=0)
