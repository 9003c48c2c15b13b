"""Linear map that `identify` checks: linear, of known image shape, with an adjoint, if need be by vjp."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.physics.tensor_products import Shape, describe

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
        """Draw white noise: (images, *domain), the same on every device."""
        return torch.randn(pictures, *self.domain, generator=generator, dtype=self.dtype).to(self.device)

    def __call__(self, x: Tensor) -> Tensor:
        return self.forward(x)

    def gram(self, x: Tensor) -> Tensor:
        """Return A* A x: (batch, *domain)."""
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
            "Give the shape and type of its images by domain=… and dtype=…."
        ) from error
    if getattr(one, "shape", (0,))[0] != 1:
        raise ValueError("A gives a tensor with a row for each image of the batch: (batch, …).")
    if not bool(torch.isfinite(both).all()):
        raise ValueError("A gives numbers that are not finite (NaN or infinite); identify cannot test it.")
    size = 3 * one.abs().max() + two.abs().max()
    precision = max(LINEAR, 1e3 * torch.finfo(one.dtype).eps) if one.dtype.is_floating_point or one.is_complex() else 0
    if float((both - 3 * one + two).abs().max()) > precision * float(size):
        raise ValueError(
            "A is not linear: A(3x − x') is not 3A(x) − A(x'). identify needs a linear map: leave out link, noise "
            "and offsets (for a Measurement, give its A)."
        )
