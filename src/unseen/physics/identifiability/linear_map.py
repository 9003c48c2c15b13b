"""The linear maps that `identify` works with: A itself, A after each transformation, faithful images.

What `identify` asks of A: that it be linear, the shape of its images, and its adjoint, if need be by vjp.

A T_g: what A shows of an image that has been moved. All such looks together, and their Gram matrix.

Images that a group carries without loss: where it interpolates, those of the inscribed disc that are smooth.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.physics.algebra import Shape, describe
from unseen.physics.group import Group

Map = Callable[[Tensor], Tensor]

LINEAR = 1e-6  # relative, in double precision; a map in single precision within keeps it too


@dataclass(frozen=True)
class LinearMap:
    """A, as a function of images (batch, *domain), and A*.

    Args:
        forward: A.
        adjoint: A*; None: by differentiating `forward`.
        domain: of an image, without the batch.
        dtype: of the images; complex where they are.
        device: where A computes.
    """

    forward: Map
    adjoint: Map | None
    domain: Shape
    dtype: torch.dtype
    device: torch.device

    def noise(self, pictures: int, generator: torch.Generator) -> Tensor:
        """White noise: (images, *domain), the same on every device."""
        return torch.randn(pictures, *self.domain, generator=generator, dtype=self.dtype).to(self.device)

    def __call__(self, x: Tensor) -> Tensor:
        return self.forward(x)

    def gram(self, x: Tensor) -> Tensor:
        """A* A x: (batch, *domain)."""
        if self.adjoint is None:
            with torch.enable_grad():
                leaf = x.detach().requires_grad_()
                y = self.forward(leaf)
            return torch.autograd.grad(y, leaf, y.detach())[0]
        with torch.no_grad():
            back = self.adjoint(self.forward(x))
        return back.real if back.is_complex() and not x.is_complex() else back


def linear_map(
    A: Map, domain: Shape | None, dtype: torch.dtype | None, device: torch.device | str = "cpu"
) -> LinearMap:
    """Check A, and take from it what it knows of itself.

    Args:
        A: any callable on (batch, *domain); `adjoint`, `domain` and `complex_domain` are used where it has them.
        domain: needed where A does not know it.
        dtype: of the images; None: double precision, complex where A's images are complex.
        device: where A computes.

    Raises:
        ValueError: no domain is known, A is not linear, or it gives numbers that are not finite.
        TypeError: A is not callable, or dtype is no floating-point one.
    """
    if not callable(A):
        raise TypeError(f"identify takes A as something to call on images, but got a {type(A).__name__}.")
    known = getattr(A, "domain", None)
    if domain is None:
        if known is None:
            raise ValueError(
                "A does not say what images it takes: give domain=(channels, height, width), without the batch."
            )
        domain = known
    domain = tuple(domain)
    if known is not None and tuple(known) != domain:
        raise ValueError(f"A takes images of {describe(tuple(known))}, but domain={describe(domain)} was given.")
    if min(domain, default=0) < 1:
        raise ValueError(f"domain is the shape of one image, such as (1, 128, 128), but got {domain}.")
    if dtype is None:
        dtype = torch.complex128 if getattr(A, "complex_domain", False) else torch.float64
    if not (dtype.is_floating_point or dtype.is_complex):
        raise TypeError(f"Images are real or complex, such as torch.float64 or torch.complex128, but got {dtype}.")
    found = LinearMap(A, getattr(A, "adjoint", None), domain, dtype, torch.device(device))
    _check(found)
    return found


def _check(A: LinearMap) -> None:
    generator = torch.Generator().manual_seed(1)
    x, other = torch.split(A.noise(2, generator), 1)
    try:
        with torch.no_grad():
            one, two, both = A(x), A(other), A(3 * x - other)
    except (RuntimeError, TypeError, IndexError) as error:
        raise ValueError(
            f"A does not take images of shape {describe((1, *A.domain))} and {A.dtype} ({error}). "
            "Say what it takes by domain=… and dtype=…."
        ) from error
    if getattr(one, "shape", (0,))[0] != 1:
        raise ValueError("A gives a tensor with a row for each image of the batch: (batch, …).")
    if not bool(torch.isfinite(both).all()):
        raise ValueError("A gives numbers that are not finite (NaN or infinite); identify can say nothing about it.")
    size = 3 * one.abs().max() + two.abs().max()
    precision = max(LINEAR, 1e3 * torch.finfo(one.dtype).eps) if one.dtype.is_floating_point or one.is_complex() else 0
    if float((both - 3 * one + two).abs().max()) > precision * float(size):
        raise ValueError(
            "A is not linear: A(3x − x') is not 3A(x) − A(x'). identify looks at linear maps; leave out link, noise "
            "and offsets (for a Measurement, give its A)."
        )


Move = Callable[[Tensor], Tensor]

AT_ONCE = 2**21  # numbers in the moved images that are held at a time
LISTED = 128  # the most elements of a group that are all looked through


@dataclass(frozen=True)
class Moves:
    """Some elements of a group, and the inverses of some.

    Args:
        group: None: images stay.
        elements: (n, parameters), those that images are moved by.
        inverses: (n, parameters), those whose inverses they are moved by.
        whole: whether these are all that the group has.
    """

    group: Group | None = None
    elements: Tensor | None = None
    inverses: Tensor | None = None
    whole: bool = True

    def __len__(self) -> int:
        return 1 if self.group is None else sum(len(g) for g in (self.elements, self.inverses) if g is not None)

    def __call__(self, batch: Shape) -> Iterator[Move]:
        """Functions from images of shape `batch` to (elements · batch, …): each image by the first, by the …"""
        if self.group is None:
            yield lambda x: x
            return
        at_once = max(1, AT_ONCE // math.prod(batch))
        for move, elements in ((self.group.T, self.elements), (self.group.inverse, self.inverses)):
            for g in () if elements is None or not len(elements) else torch.split(elements, at_once):
                yield _mover(move, g, batch[0])


def draw(group: Group, shape: Shape, n: int, generator: torch.Generator) -> Moves:
    """All elements of a small group; of a large or continuous one n that are drawn, half of them inverted, since a
    family of transformations that is no group (such as scalings) still leaves the images what they are both ways."""
    listed = group.elements(shape)
    if listed is not None and len(listed) <= LISTED:
        return Moves(group, elements=listed)
    drawn = group.sample(n, generator=generator)
    return Moves(group, elements=drawn[: n // 2], inverses=drawn[n // 2 :], whole=False)


@dataclass(frozen=True)
class Looks:
    """x ↦ (A T_g x), over one A or several, and some elements g."""

    maps: Sequence[LinearMap]
    moves: Moves = Moves()

    def __len__(self) -> int:
        return len(self.maps) * len(self.moves)

    def gram(self, x: Tensor) -> Tensor:
        """The mean of T_g* A* A T_g x over all looks: (batch, *domain)."""
        if self.moves.group is None:
            return self._seen(x) / len(self)
        total = torch.zeros_like(x)
        for move in self.moves(tuple(x.shape)):
            with torch.enable_grad():
                leaf = x.detach().requires_grad_()
                moved = move(leaf)
            total += torch.autograd.grad(moved, leaf, self._seen(moved.detach()))[0]
        return total / len(self)

    def _seen(self, x: Tensor) -> Tensor:
        """The sum of A* A x over all A."""
        return sum((A.gram(x) for A in self.maps), torch.zeros_like(x))


def _mover(move: Callable[[Tensor, Tensor], Tensor], g: Tensor, batch: int) -> Move:
    repeated = g.repeat_interleave(batch, dim=0)
    return lambda x: move(x.repeat(len(g), *[1] * (x.ndim - 1)), repeated)


BAND = 0.4  # cycles a pixel; three shears alias from 0.46 on, linear interpolation weakens what is above
EDGE = 0.8  # of the disc's radius, from where images fade to zero
LEAST = 8  # pixels a side: smaller images have no disc to speak of


def faithful(x: Tensor, *, smooth: bool = True) -> Tensor:
    """The part of images that rotations and their like neither cut off nor alias.

    Args:
        x: (batch, …, height, width).
        smooth: low-pass them too; else they are kept from being cut off, and may be aliased.

    Returns:
        x, low-passed to 0.4 cycles a pixel and faded out towards the edge of the inscribed disc; unchanged if smaller
        than 8 pixels a side.
    """
    if x.ndim < 3 or min(x.shape[-2:]) < LEAST:
        return x
    fading = ((radius(x.shape[-2:], x.device) - EDGE) / (1 - EDGE)).clamp(0, 1)
    window = torch.cos(math.pi / 2 * fading).square().to(x.dtype)
    if not smooth:
        return x * window
    frequencies = [torch.fft.fftfreq(size, dtype=torch.float64, device=x.device) for size in x.shape[-2:]]
    low = torch.fft.ifft2(torch.fft.fft2(x) * (torch.hypot(frequencies[0][:, None], frequencies[1]) <= BAND))
    carried: Tensor = window * (low if x.is_complex() else low.real)
    return carried


def radius(shape: Shape, device: torch.device) -> Tensor:
    """The distance of each pixel from the centre, 1 at the edge of the inscribed disc: (height, width), float64."""
    rows, columns = (
        torch.arange(size, dtype=torch.float64, device=device) - (size - 1) / 2 for size in (shape[-2], shape[-1])
    )
    return torch.hypot(rows[:, None], columns) / (min(shape[-2:]) / 2)
