"""`identify`: figures of A and a group, computed from products with images; `report` has the rule of the verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unseen.physics import GROUPS
from unseen.physics.generator_device import generator_device
from unseen.physics.group import Group, check_is_group
from unseen.physics.identifiability.equivariance_defect import CORE, Inner, clear_of_the_border, defects, in_sight
from unseen.physics.identifiability.faithful_images import faithful
from unseen.physics.identifiability.linear_map import LinearMap, Map, linear_map
from unseen.physics.identifiability.looks import Looks, Moves, draw
from unseen.physics.identifiability.multiplicity import multiplicity
from unseen.physics.identifiability.never_seen import never_seen
from unseen.physics.identifiability.report import BY_INTERPOLATION, Evidence, Identifiability, equivariant, judge
from unseen.physics.identifiability.spectrum import Spectrum
from unseen.physics.measurement import Measurement
from unseen.physics.operator_checks import check_image_axes
from unseen.physics.tensor_products import Shape

STEPS, STACK_STEPS = (150, 900), (60, 60)  # of Lanczos' method, at least and at most, for one A and for all A T_g
PROBES = 2
SEED = 0x5EED0F100C5  # not one that an operator's entries are likely to be drawn by, which the probes would then be
ENOUGH, MOST = 2, 256  # elements drawn, as a multiple of n / m; at most, unless the caller asks for more
HARDLY = 1e-3  # share of the hidden part in the images that T_g carries faithfully, below which it is negligible
AS_AT_RANDOM = 1.0  # best share relative to a random look: up to 0.68 for CT, 1.22 or more for holes
CORE_OVERLAP = 0.5
"""Moves are too short if all leave more of the core in place.

Of the shifts clear of the border, the longest leaves 0.58 in place on 8 × 8 pixels, where none moves a hole of 3 × 3
off itself, and 0.25 to 0.44 on 10 × 10, 12 × 12 and 16 × 16.
"""
INNER_OVERLAP = 0.99
"""The same of the larger disc, if the core cannot be evaluated: no element moves it, apart from rounding."""
NOTHING = 1e-7  # share of hidden images up to which A hides nothing


def identify(
    A: Map | Measurement | Sequence[Map | Measurement],
    group: Group | str | None = None,
    *,
    domain: Shape | None = None,
    dtype: torch.dtype | None = None,
    dimension: int | None = None,
    elements: int = 16,
    threshold: float = 1e-3,
    device: torch.device | str = "cpu",
    generator: torch.Generator | None = None,
) -> Identifiability:
    """Compute whether images can be learnt from y = A x alone, if T_g x is an image whenever x is one.

    For any values of f in A's null space, A f(y) = y holds. Other operators must therefore measure what A hides: A T_g,
    or further A. It is necessary that all of them together hide nothing. For almost every A it is sufficient that the
    signals have a low dimension, but masks and projections are special: "can" means that no obstacle was found.

    Matrices are computed for small images; for larger ones, Lanczos' method uses only products with A.

    Args:
        A: linear callable on (batch, *domain), such as an `Operator`; its `adjoint` is used if it has one, else A is
            differentiated. Or several of them, if each measurement is taken by one; an operator with an A for each
            sample counts as several. Of a `Measurement`, its operator.
        group: transformations under which images remain images, or their name in `unseen.physics.GROUPS`, such as
            "shifts"; None: no transformation.
        domain: shape of an image, (channels, height, width), if A does not define it.
        dtype: type of an image; None: float64, or complex128 if A's images are complex.
        dimension: k, dimension of the signals, to compare with the theorems.
        elements: least number of elements that are drawn of a group that is continuous or has more than 128.
        threshold: singular values up to this share of ‖A‖ count as zero.
        device: device on which A computes.
        generator: random numbers for probes and elements; None: the same ones at each call.

    Returns:
        The verdict with its figures; `print` shows it as a report.

    Raises:
        ValueError: A is not linear, not finite, or does not take such images; the domain is missing; the group does
            not act on the images; elements < 2, threshold outside (0, 1) or dimension < 1.
        UnknownName: no group has this name.
        TypeError: A is not callable, group is not a group, or dtype is not a number type of images.

    Source: Tachella, Chen & Davies, Sensing Theorems for Unsupervised Learning in Linear Inverse Problems, JMLR 24,
    2023.

    Example:
        >>> from unseen.physics import Permutations
        >>> identify(lambda x: x[..., :2], Permutations(), domain=(1, 1, 3)).verdict
        'can'
        >>> identify(lambda x: x[..., :2], domain=(1, 1, 3)).verdict
        'no'
    """
    if elements < 2 or not 0 < threshold < 1 or (dimension is not None and dimension < 1):
        raise ValueError(
            "identify takes elements ≥ 2, 0 < threshold < 1 and dimension ≥ 1, but got "
            f"elements={elements}, threshold={threshold}, dimension={dimension}."
        )
    group = GROUPS.load(group)() if isinstance(group, str) else group
    maps = [linear_map(one, domain, dtype, device) for one in _each(A)]
    first = maps[0]
    if any((one.domain, one.dtype) != (first.domain, first.dtype) for one in maps):
        raise ValueError("Several A look at one image, but take images of different shapes or types.")
    if group is not None:
        _acts(group, first)
    # a seed from the caller's generator, not its numbers: A may have been drawn with the same numbers
    drawn = (
        0
        if generator is None
        else int(torch.randint(2**62, (), generator=generator, device=generator_device(generator)))
    )
    generator = torch.Generator().manual_seed(SEED ^ drawn)
    found = _evidence(maps, group, elements, dimension=dimension, threshold=threshold, generator=generator)
    verdict, reason = judge(found)
    return Identifiability(**vars(found), verdict=verdict, reason=reason)


def _evidence(
    maps: Sequence[LinearMap],
    group: Group | None,
    elements: int,
    *,
    dimension: int | None,
    threshold: float,
    generator: torch.Generator,
) -> Evidence:
    """Compute the figures: what A hides, whether it is equivariant, and what all A T_g together leave unseen."""
    first = maps[0]
    alone = Looks([first])
    spectrum = Spectrum(alone.gram, first, steps=STEPS)
    noise = first.noise(PROBES, generator)
    norm_squared = spectrum.greatest(noise[:1])
    level = threshold**2 * norm_squared
    n, hidden = math.prod(first.domain), _hidden(spectrum, noise, level, group)
    wanted = max(elements, min(MOST, math.ceil(ENOUGH / max(1 - hidden.share, 1 / n))))
    moves = Moves() if group is None else draw(group, first.domain, wanted, generator)
    looks = Looks(maps, moves)

    defect, floor, seen, inner, short = None, 0.0, None, None, False
    if hidden.share:
        of_each = defects(looks, hidden.images, hidden.probes)
        defect = (float(of_each.min()), float(of_each.max()))
        floor = float(defects(alone, hidden.images, hidden.probes))
        alike = equivariant(defect[1], floor)

        def sight(x: Tensor) -> float:
            if group is None:
                return 0.0
            return in_sight(group, spectrum, level, x, generator=generator) / (1 - hidden.share)

        seen = never_seen(
            looks,
            hidden.images if group is None or group.exact else hidden.images[:1],
            hidden.probes[:1],
            level,
            steps=STACK_STEPS,
            generator=generator,
            hides=hidden.share,
            afresh=not (moves.whole or alike),
            carried=hidden.carried,
            sight=sight,
        )
        if group is not None and group.exact and not seen.share and not alike:
            inner, short = _inner(first, group, spectrum, level, generator)
    return Evidence(
        pictures=n,
        measured=round(n * (1 - hidden.share)),
        exact=spectrum.values is not None,
        operators=len(maps),
        moved_by=None if group is None else repr(group),
        looks=len(looks) if seen is None else seen.looks,
        whole=moves.whole,
        defect=defect,
        floor=floor,
        never_seen=0.0 if seen is None else seen.share,
        least_eigenvalue=None if seen is None else seen.least / norm_squared if norm_squared else 0.0,
        condition=None if seen is None else seen.greatest / seen.least if seen.least > level * 1e-6 else math.inf,
        inner=None if inner is None else inner.best,
        inner_mean=None if inner is None else (inner.mean, inner.error),
        inner_tried=0 if inner is None else inner.tried,
        moves_too_short=short,
        multiplicity=None if group is None else multiplicity(group, first.domain, generator),
        dimension=dimension,
        threshold=threshold,
    )


def _each(A: Map | Measurement | Sequence[Map | Measurement]) -> list[Map]:
    """Return the list of all A; an operator with an A for each sample is split."""
    if isinstance(A, (list, tuple)):
        if not A:
            raise ValueError("identify takes one A or several, but the list is empty.")
        return [part for one in A for part in _each(one)]
    if isinstance(A, Measurement):
        A = A.A
    # Any: `batch` and `select` of a per-sample operator, whatever its class
    several: Any = A
    batch = getattr(several, "batch", None)
    return [A] if batch is None else [several.select(torch.tensor([i])) for i in range(batch)]  # type: ignore[list-item]


def _acts(group: Group, A: LinearMap) -> None:
    """Apply the group to one image: a group that does not act on such images raises an error."""
    check_is_group(group, "identify")
    check_image_axes(A.domain, needed_by="Groups move")
    generator = torch.Generator().manual_seed(SEED)
    group.T(A.noise(1, generator), group.sample(1, generator=generator))


@dataclass(frozen=True)
class _Hidden:
    """Null space of A.

    Args:
        share: share of all images that A hides; 0: nothing.
        probes: (batch, *domain), images that T_g carries faithfully.
        images: (batch, *domain), the part of the probes that A hides.
        carried: whether T_g carries these parts faithfully.
    """

    share: float
    probes: Tensor
    images: Tensor
    carried: bool


def _hidden(spectrum: Spectrum, noise: Tensor, level: float, group: Group | None) -> _Hidden:
    white = spectrum.split(noise, level)
    share = float(white.share.mean())
    if spectrum.values is not None:
        share = float((spectrum.values <= level).double().mean())
    if share <= NOTHING:
        return _Hidden(0.0, noise, white.low, carried=True)
    if group is None or group.exact:
        return _Hidden(share, noise, white.low, carried=True)
    for smooth in (True, False):
        probes = faithful(noise, smooth=smooth)
        split = spectrum.split(probes, level)
        if float(split.share.mean()) > HARDLY:
            return _Hidden(share, probes, split.low, carried=smooth)
    return _Hidden(share, noise, white.low, carried=False)


def _inner(
    A: LinearMap, group: Group, spectrum: Spectrum, level: float, generator: torch.Generator
) -> tuple[Inner | None, bool]:
    """Return what A measures clear of the border, and whether the moves are too short to decide.

    A small value has two explanations: interpolation, or moves that are short compared with a hole of A. The second is
    tried on a smaller disc, which longer moves keep clear of the border.
    """
    inner = clear_of_the_border(A, group, spectrum, level, steps=STEPS, generator=generator)
    if inner is None or inner.best >= BY_INTERPOLATION:
        return inner, False
    longer = clear_of_the_border(A, group, spectrum, level, steps=STEPS, generator=generator, inner=CORE)
    if longer is None:
        return inner, inner.overlap > INNER_OVERLAP
    return longer if longer.best > AS_AT_RANDOM else inner, longer.overlap > CORE_OVERLAP
