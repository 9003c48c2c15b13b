"""Images of one square and one disc on black, of varied place, size and brightness.

Eight numbers make an image, and a small change of any of them changes it by little, since the edges are anti-aliased:
a set of images that a generator with few latents can learn, and whose true dimension is known.

Source: after the shapes of Duff, Campbell & Ehrhardt, arXiv 2107.11191 (a disc and a rectangle that do not overlap);
here a square.
"""

import torch
from torch import Tensor

_RADIUS = (0.1, 0.22)  # of a disc, and half the side of a square, in shares of the image's side


_BRIGHTNESS = (0.3, 1.0)


_GAP = 1.0  # pixels between the two, at least


_LEAST = 16  # pixels a side, for a shape to be one
_AT_ONCE = 32  # images


def squares_and_circles(n: int, size: int, generator: torch.Generator | None = None) -> Tensor:
    """`n` images (n, 1, size, size) in [0, 1]: a square with sides along the axes, and a disc, which do not touch.

    Half the side and the radius are uniform between 0.1 and 0.22 of the image's side, brightness between 0.3 and 1,
    places wherever the whole shape is inside and at least a pixel off the other.

    Args:
        n: how many, ≥ 0.
        size: pixels a side, ≥ 16.
        generator: where they are drawn from, on the CPU; None: torch's global generator.

    Raises:
        ValueError: n or size is too small.

    >>> images = squares_and_circles(3, 32, torch.Generator().manual_seed(0))
    >>> images.shape, bool((images >= 0).all() and (images <= 1).all())
    (torch.Size([3, 1, 32, 32]), True)
    >>> squares_and_circles(0, 32).shape
    torch.Size([0, 1, 32, 32])
    """
    if n < 0 or size < _LEAST:
        raise ValueError(f"n is at least 0 and size at least {_LEAST} pixels a side, but got n={n}, size={size}.")
    drawn = _drawn(n, size, generator)
    # some at a time, which stay in the processor's cache: half the time
    return torch.cat(
        [_painted(size, *(one[first : first + _AT_ONCE] for one in drawn)) for first in range(0, max(n, 1), _AT_ONCE)]
    )


def _painted(size: int, place: Tensor, reach: Tensor, brightness: Tensor) -> Tensor:
    """Return the images (n, 1, size, size) of these shapes; see `_drawn`."""
    middles = torch.arange(size, dtype=torch.float64) + 0.5
    rows, columns = (
        middles - place[:, :, axis, None] for axis in (0, 1)
    )  # (n, 2, size) each, from the shapes' middles
    half, radius = reach[:, 0, None], reach[:, 1, None, None]
    # of a square the share of each pixel that it covers; of a disc that share to within a hundredth or so
    square = _covered(rows[:, 0], half)[:, :, None] * _covered(columns[:, 0], half)[:, None, :]
    distance = (rows[:, 1, :, None].square() + columns[:, 1, None, :].square()).sqrt()
    disc = (radius - distance + 0.5).clamp(0, 1)
    images = brightness[:, 0, None, None] * square + brightness[:, 1, None, None] * disc
    return images[:, None].float()


def _drawn(n: int, size: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
    """Draw places (n, 2, 2), row and column, half sides and radii (n, 2), in pixels, and brightness (n, 2).

    Pairs that overlap are drawn again.
    """
    place, reach = torch.empty(n, 2, 2, dtype=torch.float64), torch.empty(n, 2, dtype=torch.float64)
    left = torch.arange(n)
    while len(left):
        drawn = torch.rand(len(left), 2, 3, generator=generator, dtype=torch.float64)
        reach[left] = size * (_RADIUS[0] + (_RADIUS[1] - _RADIUS[0]) * drawn[..., 0])
        margin = reach[left][..., None] + 0.5
        place[left] = margin + (size - 2 * margin) * drawn[..., 1:]
        left = left[_overlap(place[left], reach[left])]
    shade = torch.rand(n, 2, generator=generator, dtype=torch.float64)
    return place, reach, _BRIGHTNESS[0] + (_BRIGHTNESS[1] - _BRIGHTNESS[0]) * shade


def _overlap(place: Tensor, reach: Tensor) -> Tensor:
    """Return whether the disc comes within the gap of the square: (n,)."""
    beside = ((place[:, 1] - place[:, 0]).abs() - reach[:, :1]).clamp(min=0)  # (n, 2), from the square's nearest point
    apart: Tensor = torch.linalg.vector_norm(beside, dim=1) - reach[:, 1]  # of the square from the disc's edge
    return apart < _GAP


def _covered(offset: Tensor, half: Tensor) -> Tensor:
    """Return the share of the pixel at `offset` (from −½ to ½ about it) lies within ±`half`."""
    return (torch.minimum(offset + 0.5, half) - torch.maximum(offset - 0.5, -half)).clamp(0, 1)
