"""The conditions for identifiability: equivariance defect, multiplicity, what is never seen.

Is A equivariant? ε_g = ‖A T_g (I − A⁺A)‖ / ‖A T_g‖, Frobenius norms by random probes.

Where ε_g = 0, T_g brings nothing into sight that A hides: then A T_g = T̃_g A for some T̃_g, and a group of such g
cannot help (Tachella, Chen & Davies, Sensing Theorems for Unsupervised Learning in Linear Inverse Problems, JMLR 24,
2023, corollary of proposition 1).

c_j, how often each irreducible representation occurs in T: the larger, the more A must measure.

Where T_g only moves pixels about, the trivial representation occurs once for each orbit of pixels, and no other more
often for its dimension s_j (Frobenius reciprocity: in the orbit G/H, j occurs as often as it has dimensions fixed by H,
at most s_j times). So max c_j / s_j is the number of orbits. Elsewhere it is estimated by the dimension of the images
that no T_g changes, the trace of the mean of T_g: for all rotations of n pixels about √n / 2, one for each ring.

What do all looks together leave unseen? Necessary: the stacked A T_g have rank n.

Tachella, Chen & Davies, Sensing Theorems (JMLR 24, 2023), proposition 1; with λ the eigenvalues of the mean of
T_g* A* A T_g, of which none may be zero.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from unseen.physics.algebra import Shape
from unseen.physics.group import Group
from unseen.physics.identifiability.linear_map import LEAST, LISTED, LinearMap, Looks, Moves, draw, faithful, radius
from unseen.physics.identifiability.spectrum import Spectrum

INNER = 0.7  # the share of the inscribed disc's radius within which images stay clear of the border
CANDIDATES, CLEAR, ALIKE = 512, 32, 6  # elements drawn to find some that keep clear of it, and as many as are tried
KEPT = 6  # elements at a glance
NUMBERS = 8192  # in all images of noise together: of small images several
SPREAD = 0.5  # standard deviations over the mean: where the first six differ by less, the others are like them
AT_ONCE = 16
LEAST_SHARE = 1e-3
CLEARLY = 100  # times the level: what comes into sight must do so above what is just hidden


def defects(looks: Looks, hidden: Tensor, probes: Tensor) -> Tensor:
    """ε of every look, (looks,), from probes and the parts of them that A hides, both (batch, *domain)."""
    found = []
    for move in looks.moves(tuple(probes.shape)):
        moved_hidden, moved = move(hidden), move(probes)
        for A in looks.maps:
            square_hidden, square = (_squares(A(x)).reshape(-1, len(probes)).sum(1) for x in (moved_hidden, moved))
            found.append((square_hidden / square.clamp(min=torch.finfo(square.dtype).tiny)).sqrt())
    return torch.cat(found).cpu()


def in_sight(
    A: LinearMap, group: Group, whole: Spectrum, level: float, hidden: Tensor, *, generator: torch.Generator
) -> float:
    """How much of images that A hides comes clearly into sight when they are moved, at best: its share of their
    energy, 0 for an A that is equivariant."""
    drawn = group.sample(KEPT, generator=generator)
    half = Moves(group, elements=drawn[: KEPT // 2], inverses=drawn[KEPT // 2 :], whole=False)
    moved = torch.cat(_all(half, hidden[:1]))
    seen = 1 - whole.split(moved, CLEARLY * level).share
    return float((seen * _squares(moved)).max() / _squares(hidden[:1]))


@dataclass(frozen=True)
class Inner:
    """What moves clear of the border bring into sight of what A hides, over what a look at random shows.

    Args:
        best: of all elements tried.
        mean: of them.
        error: the mean's standard error.
        tried: how many.
    """

    best: float
    mean: float
    error: float
    tried: int


def clear_of_the_border(
    A: LinearMap, group: Group, whole: Spectrum, level: float, *, steps: tuple[int, int], generator: torch.Generator
) -> Inner | None:
    """How much of what A hides comes into sight when images move without crossing the border.

    Shifts that come round at the border cut an image in two, which no scene does; and a projection on a grid shifts
    by interpolation. Here images fill the inner 0.7 of the inscribed disc, and elements are those that leave this
    disc clear of the border. Of an A that is equivariant but for its interpolation no element shows much; of others,
    such as every second row, it takes one element that does, and many may show nothing. So the best counts, of six
    that show much alike, else of 32.

    Returns:
        None where nothing ever crosses the border, nothing keeps clear of it, or nothing is hidden.
    """
    inside = (radius(A.domain[-2:], A.device) <= INNER).to(A.dtype).expand(1, *A.domain)
    candidates = group.sample(CANDIDATES, generator=generator)
    clear = torch.cat(
        [_edge(group.T(inside.expand(len(g), *A.domain), g)) == 0 for g in torch.split(candidates, AT_ONCE)]
    )
    clear = clear.cpu()
    if bool(clear.all()) or not bool(clear.any()):
        return None
    gram = Looks([A]).gram
    within = Spectrum(lambda x: inside * gram(inside * x), A, steps=steps)
    pictures = max(1, NUMBERS // math.prod(A.domain))
    noise = inside * A.noise(pictures, generator)
    hidden = inside * within.split(noise, level).low
    share = float(_squares(hidden).sum() / _squares(noise).sum())
    if not LEAST_SHARE < share < 1 - LEAST_SHARE:
        return None
    seen = (1 - whole.split(noise, CLEARLY * level).share) * _squares(noise)
    at_random = float(seen.sum() / _squares(noise).sum())
    shown = torch.zeros(0, dtype=torch.float64)
    for some in (slice(ALIKE), slice(ALIKE, CLEAR)):
        elements = candidates[clear][some]
        if not len(elements) or (len(shown) and float(shown.min()) > 0 and shown.std() < SPREAD * shown.mean()):
            break
        moved = torch.cat(_all(Moves(group, elements=elements, whole=False), hidden))
        seen = (1 - whole.split(moved, CLEARLY * level).share) * _squares(moved)
        more = seen.reshape(-1, pictures).sum(1) / _squares(hidden).sum() / at_random
        shown = torch.cat([shown, more.double().cpu()])
    error = float(shown.std() / len(shown) ** 0.5) if len(shown) > 1 else math.inf
    return Inner(float(shown.max()), float(shown.mean()), error, len(shown))


def _all(moves: Moves, x: Tensor) -> list[Tensor]:
    return [move(x) for move in moves(tuple(x.shape))]


def _squares(x: Tensor) -> Tensor:
    return x.abs().square().flatten(1).sum(dim=1)


def _edge(x: Tensor) -> Tensor:
    """What of images lies on their outermost pixels: (batch,)."""
    x = x.abs()
    sides = x[..., 0, :], x[..., -1, :], x[..., 0], x[..., -1]
    return torch.stack([side.flatten(1).sum(dim=1) for side in sides]).sum(dim=0)


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
    """Of the energy; inside: only what of the part lies in the inscribed disc, since corners turn out of the image."""
    if inside and part.ndim >= 3 and min(part.shape[-2:]) >= LEAST:
        part = part * (radius(part.shape[-2:], part.device) <= 1)
    return float(torch.linalg.vector_norm(part) / torch.linalg.vector_norm(whole)) ** 2
