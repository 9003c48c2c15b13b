"""`identify`: evidence on A, group and noise, gathered by their values alone; the rule that judges it: `report`."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unseen.physics.group import Group
from unseen.physics.identifiability.equivariance_defect import CORE, clear_of_the_border, defects, in_sight
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
ENOUGH, MOST = 2, 256  # so many times n / m elements are drawn, but at most so many unless more are asked for
HARDLY = 1e-3  # share of the images that T_g carries faithfully
AS_AT_RANDOM = 1.0  # best share relative to a random look: up to 0.68 for CT, 1.22 or more for holes
CORE_OVERLAP = 0.5
"""Moves are too short if all leave more of the core in place.

Of the shifts clear of the border, the longest leaves 0.58 in place on 8 × 8 pixels, where none moves a hole of 3 × 3
off itself, and 0.25 to 0.44 on 10 × 10, 12 × 12 and 16 × 16.
"""
INNER_OVERLAP = 0.99
"""The same of the larger disc, if the core cannot be evaluated: no element moves it, apart from rounding."""
NOTHING = 1e-7  # share of any images: nothing is hidden


def identify(
    A: Map | Measurement | Sequence[Map | Measurement],
    group: Group | None = None,
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

    Whatever f does in A's null space, A f(y) = y still holds; so something must show what A hides: other A T_g, or
    other A. Necessary is that all of them together hide nothing; sufficient, for almost every A, that signals be of low
    dimension. Masks and projections are not just any A: "can" means that nothing stands against it.

    Of small images the matrices are written out; for others Lanczos' method asks A for products alone.

    Args:
        A: any linear callable on (batch, *domain), an `Operator` among them; its `adjoint` is used where it has one,
            else it is differentiated. Or several, for measurements that are each taken by one of them; an operator
            with an A for each sample counts as several. Of a `Measurement` its operator.
        group: what images may undergo; None: nothing.
        domain: of an image, (channels, height, width), where A does not define it.
        dtype: of an image; None: float64, complex128 where A's images are complex.
        dimension: k, of the signals, to compare with the theorems.
        elements: how many are drawn, at least, of a group that is continuous or has more than 128.
        threshold: singular values up to this share of ‖A‖ count as zero.
        device: where A computes.
        generator: for probes and elements; None: the same ones at each call.

    Returns:
        The verdict with its figures; `print` shows it as a report.

    Raises:
        ValueError: A is not linear, not finite, or does not take such images; no domain; a group that does not act on
            them; elements < 2, threshold outside (0, 1) or dimension < 1.
        TypeError: A is not callable, or dtype is no number type that images have.

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
    operators = _each(A)
    maps = [linear_map(one, domain, dtype, device) for one in operators]
    first = maps[0]
    if any((one.domain, one.dtype) != (first.domain, first.dtype) for one in maps):
        raise ValueError("Several A look at one image, but take images of different shapes or types.")
    if group is not None:
        _acts(group, first)
    # a seed drawn from the caller's: the numbers themselves may be those that A was drawn with
    drawn = 0 if generator is None else int(torch.randint(2**62, (), generator=generator, device=generator.device))
    generator = torch.Generator().manual_seed(SEED ^ drawn)

    one = Looks([first])
    spectrum = Spectrum(one.gram, first, steps=STEPS)
    noise = first.noise(PROBES, generator)
    norm_squared = spectrum.greatest(noise[:1])
    level = threshold**2 * norm_squared
    n, hides, probes, hidden, carried = math.prod(first.domain), *_hidden(spectrum, noise, level, group)
    wanted = max(elements, min(MOST, math.ceil(ENOUGH / max(1 - hides, 1 / n))))
    moves = Moves() if group is None else draw(group, first.domain, wanted, generator)
    looks = Looks(maps, moves)

    defect, floor, seen, inner, short = None, 0.0, None, None, False
    if hides:
        of_each = defects(looks, hidden, probes)
        defect, floor = (float(of_each.min()), float(of_each.max())), float(defects(one, hidden, probes))
        alike = equivariant(defect[1], floor)
        seen = never_seen(
            looks,
            hidden if group is None or group.exact else hidden[:1],
            probes[:1],
            level,
            steps=STACK_STEPS,
            generator=generator,
            hides=hides,
            afresh=not (moves.whole or alike),
            carried=carried,
            sight=lambda x: (
                0.0 if group is None else in_sight(first, group, spectrum, level, x, generator=generator) / (1 - hides)
            ),
        )
        if group is not None and group.exact and not seen.share and not alike:
            inner = clear_of_the_border(first, group, spectrum, level, steps=STEPS, generator=generator)
            if inner is not None and inner.best < BY_INTERPOLATION:  # or the moves are short beside a hole of A
                longer = clear_of_the_border(
                    first, group, spectrum, level, steps=STEPS, generator=generator, inner=CORE
                )
                most = INNER_OVERLAP if longer is None else CORE_OVERLAP
                short = (inner if longer is None else longer).overlap > most
                inner = longer if longer is not None and longer.best > AS_AT_RANDOM else inner
    found = Evidence(
        pictures=n,
        measured=round(n * (1 - hides)),
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
    verdict, reason = judge(found)
    return Identifiability(**vars(found), verdict=verdict, reason=reason)


def _each(A: Map | Measurement | Sequence[Map | Measurement]) -> list[Map]:
    """Return the several A: as given, or of an operator that has one for each sample."""
    if isinstance(A, (list, tuple)):
        if not A:
            raise ValueError("identify takes one A or several, but the list is empty.")
        return [part for one in A for part in _each(one)]
    if isinstance(A, Measurement):
        A = A.A
    # Any: only what a per-sample operator brings is asked for here, whatever its class
    several: Any = A
    batch = getattr(several, "batch", None)
    return [A] if batch is None else [several.select(torch.tensor([i])) for i in range(batch)]  # type: ignore[list-item]


def _acts(group: Group, A: LinearMap) -> None:
    """Apply the group to one image: a group that does not act on such images raises an error."""
    if not isinstance(group, Group):
        raise TypeError(f"group is a Group such as Shifts(), but got a {type(group).__name__}.")
    check_image_axes(A.domain, needed_by="Groups move")
    generator = torch.Generator().manual_seed(SEED)
    group.T(A.noise(1, generator), group.sample(1, generator=generator))


def _hidden(spectrum: Spectrum, noise: Tensor, level: float, group: Group | None) -> tuple[float, Tensor, Tensor, bool]:
    """Return what A hides: its share of all images (0: nothing), probes that T_g carries and what A hides of them, and
    whether T_g carries any of it."""
    white = spectrum.split(noise, level)
    share = float(white.share.mean())
    if spectrum.values is not None:
        share = float((spectrum.values <= level).double().mean())
    if share <= NOTHING:
        return 0.0, noise, white.low, True
    if group is None or group.exact:
        return share, noise, white.low, True
    for smooth in (True, False):
        probes = faithful(noise, smooth=smooth)
        split = spectrum.split(probes, level)
        if float(split.share.mean()) > HARDLY:
            return share, probes, split.low, smooth
    return share, noise, white.low, False
