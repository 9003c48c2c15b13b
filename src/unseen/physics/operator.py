"""A linear measurement operator A, and the law that every one of them keeps.

For all x, x' in the domain, y in the range, real numbers a, and with ⟨u, v⟩ = Re Σ conj(u) v taken per sample:

1. linear:          A(a x + x') = a A(x) + A(x')
2. adjoint:         ⟨A(x), y⟩ = ⟨x, A.adjoint(y)⟩
3. pseudo-inverse:  A(A.pinv(A(x))) = A(x), and A.pinv(y) is the shortest x among those with the least ‖A(x) − y‖
4. norm:            ‖A(x)‖ ≤ A.norm() ‖x‖, with equality for some x
5. immutable:       no call and no assignment changes what A does
6. batches:         sample i of A(x) depends on sample i of x alone

The contract tests check the law for every operator in `unseen.physics.OPERATORS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor

from unseen.physics.recorded import Recorded

if TYPE_CHECKING:
    from unseen.physics.mask import Mask

Shape = tuple[int, ...]


class Operator(Recorded, ABC):
    """A linear map from pictures of shape `domain` to measurements of shape `range`, both without the batch.

    A new operator writes `_forward` and `_adjoint`, and overrides `_pinv` and `norm` where it knows better than
    conjugate gradients and Lanczos's method. It calls `super().__init__` with its shapes and keeps its own tensors
    through `_set`. All of it is differentiable in x and y.

    `batch` is None for one A that serves every sample; an operator with an A of its own for each sample (such as a
    lung mask per film) states how many there are, and takes batches of that size alone.

    Example:
        >>> import torch
        >>> from unseen.physics import Identity
        >>> A = 2 * Identity((1, 2, 2))
        >>> A(torch.ones(3, 1, 2, 2)).sum().item(), A.norm()
        (24.0, 2.0)
    """

    domain: Shape
    range: Shape
    batch: int | None
    complex_domain: bool = False
    """Whether pictures are complex."""
    complex_range: bool = False
    """Whether measurements are complex."""
    real_or_complex: bool = False
    """Whether pictures may be either, and measurements with them (a mask does not care)."""
    _moved: dict[tuple[str, torch.dtype, torch.device], Tensor]

    def __init__(self, *, domain: Shape, range: Shape, batch: int | None = None) -> None:
        self._set(domain=tuple(domain), range=tuple(range), batch=batch, _moved={})

    @abstractmethod
    def _forward(self, x: Tensor) -> Tensor:
        """A x, for x of shape (batch, *domain): (batch, *range)."""

    @abstractmethod
    def _adjoint(self, y: Tensor) -> Tensor:
        """A* y, for y of shape (batch, *range): (batch, *domain)."""

    def _pinv(self, y: Tensor) -> Tensor:
        """A⁺ y; by conjugate gradients unless the operator knows a closed form."""
        from unseen.physics.pseudo_inverse import solve_least_squares

        return solve_least_squares(self, y)

    def __call__(self, x: Tensor) -> Tensor:
        """A x.

        Args:
            x: (batch, *domain).

        Returns:
            (batch, *range), of x's precision and device.

        Raises:
            ValueError: x has another shape, another batch size than a per-sample operator, is complex where the
                operator's pictures are real, or holds whole numbers.
        """
        self._check(x, self.domain, "takes", complex_too=self.complex_domain)
        return in_own_precision(self._forward, x)

    def adjoint(self, y: Tensor) -> Tensor:
        """A* y.

        Args:
            y: (batch, *range).

        Returns:
            (batch, *domain).

        Raises:
            ValueError: y has another shape, is complex where measurements are real, or holds whole numbers.
        """
        self._check(y, self.range, "has an adjoint that takes", complex_too=self.complex_range)
        return in_own_precision(self._adjoint, y)

    def pinv(self, y: Tensor) -> Tensor:
        """A⁺ y, Moore and Penrose's: of all x with the least ‖A x − y‖, the shortest.

        Args:
            y: (batch, *range).

        Returns:
            (batch, *domain).

        Raises:
            ValueError: y has another shape, is complex where measurements are real, or holds whole numbers.
        """
        self._check(y, self.range, "has a pseudo-inverse that takes", complex_too=self.complex_range)
        return in_own_precision(self._pinv, y)

    def norm(self) -> float:
        """The largest singular value, max ‖A x‖ / ‖x‖; over all samples for a per-sample operator.

        By Lanczos's method: never above the true value but for rounding, and as a rule below it by less than 0.1 %.
        Exact where an operator overrides it.
        """
        from unseen.physics.largest_singular_value import largest_singular_value

        return largest_singular_value(self)

    def observed(self) -> Mask | None:
        """Which entries of y carry a measurement: a `Mask` over `range`; None: all of them.

        Entries outside read nought whatever x is, and no risk counts them.
        """
        return None

    def select(self, samples: Tensor) -> Operator:
        """The operator for some samples of a per-sample operator's batch, in the order given; itself where one A
        serves all.

        Args:
            samples: (n,), whole numbers from 0 to batch − 1; one may come more than once.
        """
        if self.batch is None:
            return self
        raise ValueError(f"{type(self).__name__} has an A for each of {self.batch} samples, and cannot take some.")

    def restrict(self, kept: Tensor) -> Operator:
        """Measure less: kept ⊙ A x, whose other entries read nought.

        Args:
            kept: bool, of shape `range`, or (batch, *range) for a choice of each sample's own.
        """
        from unseen.physics.composition import Restricted

        return Restricted(self, kept)

    def __matmul__(self, other: object) -> Operator:
        """`A @ B`: first B, then A."""
        from unseen.physics.composition import Composed

        if not isinstance(other, Operator):
            raise TypeError(
                f"A @ B joins two operators, but B is a {type(other).__name__}. Apply A to a picture by A(x)."
            )
        return Composed(self, other)

    def __rmul__(self, factor: object) -> Operator:
        """`2 * A`: A, then times two."""
        from unseen.physics.composition import Scaled

        return Scaled(factor, self) if isinstance(factor, (int, float)) else NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}({describe(self.domain)} -> {describe(self.range)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__} never changes, but {name} was assigned. Make a new operator instead."
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__} never changes, but {name} was deleted. Make a new operator instead."
        )

    def _set(self, **attributes: object) -> None:
        """Keep attributes while the operator is being made; an operator's own `__init__` alone calls this."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _on(self, name: str, like: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
        """The operator's own tensor `name` on like's device, in like's dtype or another: moved there once, and kept."""
        key = (name, dtype or like.dtype, like.device)
        moved = self._moved.get(key)
        if moved is None:
            with torch.inference_mode(False):
                moved = getattr(self, name).to(key[2], key[1])
            self._moved[key] = moved
        return moved

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_moved": {}}

    def _check(self, tensor: Tensor, shape: Shape, verb: str, *, complex_too: bool) -> None:
        batch = "batch" if self.batch is None else str(self.batch)
        if tuple(tensor.shape[1:]) != shape or (self.batch is not None and len(tensor) != self.batch):
            expected = ", ".join([batch, *map(str, shape)])
            raise ValueError(f"{type(self).__name__} {verb} ({expected}), but got {describe(tuple(tensor.shape))}.")
        if tensor.is_complex():
            if not (complex_too or self.real_or_complex):
                raise ValueError(
                    f"{type(self).__name__} {verb} real numbers, but got {tensor.dtype}. Take .real, or .abs()."
                )
        elif not tensor.is_floating_point():
            raise ValueError(
                f"{type(self).__name__} {verb} floating-point numbers, but got {tensor.dtype}. Convert them: .float()."
            )


def in_own_precision(act: Callable[[Tensor], Tensor], tensor: Tensor) -> Tensor:
    """act(tensor), an empty batch too, in the tensor's own precision, also where a network runs under autocast."""
    if not len(tensor):
        return in_own_precision(act, tensor.new_zeros(1, *tensor.shape[1:]))[:0]
    if not torch.is_autocast_enabled(tensor.device.type):
        return act(tensor)
    with torch.autocast(tensor.device.type, enabled=False):
        return act(tensor)


def describe(shape: Shape) -> str:
    """A shape as error messages show it: `(1, 64, 64)`."""
    return "(" + ", ".join(map(str, shape)) + ")"


def inner(u: Tensor, v: Tensor) -> Tensor:
    """Re Σ conj(u) v per sample.

    Args:
        u: (batch, ...), real or complex.
        v: of u's shape.

    Returns:
        (batch, 1, ...), real, ready to multiply either.
    """
    product = (u.conj() * v).real if u.is_complex() or v.is_complex() else u * v
    return product.sum(dim=tuple(range(1, product.ndim)), keepdim=True)


def lengths(u: Tensor) -> Tensor:
    """√⟨u, u⟩ per sample, as (batch, 1, ...)."""
    return inner(u, u).sqrt()
