"""Base class `Operator` of linear operators A, its expressions (`A @ B`, `A + B`, `2 * A`, `A.T`), and `Mask`.

`A @ B` is a `Composed`, `A + B` a `Sum`, `2 * A` a `Scaled`, `A.T` a `Transposed`, `A.restrict(kept)` a `Restricted`,
and `A.observed()` a `Mask` that marks the observed measurements. They are in this file because `Operator` makes them
and they derive from it: in files of their own, these would import each other in a cycle.

Every operator keeps a law. For all x, x' in the domain, y in the range, real numbers a, and with
⟨u, v⟩ = Re Σ conj(u) v taken per sample:

1. linear:          A(a x + x') = a A(x) + A(x')
2. adjoint:         ⟨A(x), y⟩ = ⟨x, A.adjoint(y)⟩
3. pseudo-inverse:  A(A.pinv(A(x))) = A(x), and A.pinv(y) is the shortest x among those with the least ‖A(x) − y‖
4. norm:            ‖A(x)‖ ≤ A.norm() ‖x‖, with equality for some x
5. immutable:       no call and no assignment changes what A does, and no result shares memory with its argument
6. batches:         sample i of A(x) depends on sample i of x alone

The contract tests check the law for every operator in `unseen.physics.OPERATORS`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, reduce
from numbers import Real
from typing import Any, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.compiler import is_dynamo_compiling

from unseen.artifacts.notebook_html import html_card
from unseen.physics.action import Action, adjoint_of, check_one_kind, shared_batch
from unseen.physics.flat_vectors import FlatAction, linear_over_complex_numbers
from unseen.physics.numpy_arrays import Array, as_tensor
from unseen.physics.pseudo_inverse import adjoint_of_least_squares
from unseen.physics.tensor_products import describe


class Operator(Action):
    """A linear map from images of shape `domain` to measurements of shape `range`, both without the batch.

    A new operator writes `_forward` and `_adjoint`, and overrides `_pinv` and `norm` where it knows better than
    conjugate gradients and Lanczos's method. It calls `super().__init__` with its shapes and keeps its own tensors
    through `_set`. All of it is differentiable in x and y.

    `batch` is None for one A that serves every sample; an operator with an A of its own for each sample (such as a
    lung mask per film) states how many there are, and takes batches of that size alone.

    Args:
        domain: shape of an image, without the batch.
        range: shape of a measurement, without the batch.
        batch: how many samples have an A of their own; None: one A for all.

    Example:
        >>> import torch
        >>> from unseen.physics import Identity
        >>> A = 2 * Identity((1, 2, 2))
        >>> A(torch.ones(3, 1, 2, 2)).sum().item(), A.norm()
        (24.0, 2.0)
    """

    def observed(self) -> Mask | None:
        """Return the entries of y that carry a measurement: a `Mask` over `range`; None: all of them.

        Entries outside read zero whatever x is, and no risk counts them.
        """
        return None

    def select(self, samples: Tensor) -> Operator:
        """Return the operator for some samples of a per-sample operator's batch, in the order given.

        Returns itself where one A serves all.

        Args:
            samples: (n,), whole numbers from 0 to batch − 1; one may come more than once.
        """
        if self.batch is None:
            return self
        raise ValueError(f"{type(self).__name__} has an A for each of {self.batch} samples, and cannot take some.")

    def restrict(self, kept: Tensor) -> Operator:
        """Measure less: kept ⊙ A x, whose other entries read zero.

        Args:
            kept: bool, of shape `range`, or (batch, *range) for a choice of each sample's own.
        """
        return Restricted(self, kept)

    def __matmul__(self, other: object) -> Operator:
        """Return `A @ B`: first B, then A."""
        if not isinstance(other, Operator):
            raise TypeError(
                f"A @ B joins two operators, but B is a {type(other).__name__}. Apply A to an image by A(x)."
            )
        return Composed(self, other)

    def __add__(self, other: object) -> Operator:
        """Return `A + B`: what both make of one image, added."""
        if not isinstance(other, Operator):
            raise TypeError(f"A + B adds two operators, but B is a {type(other).__name__}.")
        return Sum([self, other])

    def __sub__(self, other: object) -> Operator:
        return self + -1 * other if isinstance(other, Operator) else self + other

    def __neg__(self) -> Operator:
        return Scaled(-1, self)

    def __mul__(self, factor: object) -> Operator:
        """Return `A * 2`, or `2 * A`: A, then times two."""
        if not isinstance(factor, Real):
            raise TypeError(f"An operator is scaled by a number, but got a {type(factor).__name__}. A(x) applies A.")
        return Scaled(float(factor), self)

    __rmul__ = __mul__
    __array_ufunc__ = None  # so that NumPy's numbers leave `number * A` to A

    def __truediv__(self, factor: object) -> Operator:
        if not isinstance(factor, Real) or not factor:
            raise TypeError(f"An operator is divided by a number other than 0, but got {factor!r}.")
        return self * (1 / float(factor))

    @property
    def T(self) -> Operator:
        """The adjoint A* as an operator from measurements to images: the transpose, conjugate where A is complex."""
        return Transposed(self)

    @property
    def H(self) -> Operator:
        """The adjoint A* as an operator: the same as `A.T`."""
        return self.T

    def to(self, *placement: torch.device | torch.dtype | str | int) -> Self:
        """Return the operator itself, which computes on the device and in the precision of each tensor it is given.

        So a loop that moves modules and operators alike needs no exception; the tensors of the operator follow those
        of its input, and are kept there.

        Args:
            placement: device, dtype or both, as `torch.Tensor.to` takes them.

        Raises:
            RuntimeError: a device that torch does not know.
        """
        for one in placement:
            if not isinstance(one, torch.dtype):
                torch.device(one)
        return self

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Numbers of a measurement and of an image, as `scipy.sparse.linalg.aslinearoperator(A)` asks for them.

        Where vectors of complex entries would not be linear, as for MRI of real images, a complex number counts as
        two real ones (`physics.flat_vectors`).

        Example:
            >>> import torch
            >>> from scipy.sparse.linalg import aslinearoperator, lsqr
            >>> from unseen.physics import Downsampling
            >>> A = Downsampling(8, 2)
            >>> x = lsqr(aslinearoperator(A), A(torch.ones(1, 1, 8, 8)).flatten().numpy())[0]
            >>> A.shape, x.round(4).max().item()
            ((16, 64), 1.0)
        """
        return FlatAction(self, self.dtype.kind == "c").shape

    @cached_property
    def dtype(self) -> np.dtype[Any]:  # Any: real or complex
        """Type of the vectors of `matvec` in double precision: float64 or complex128."""
        return np.dtype(np.complex128 if linear_over_complex_numbers(self) else np.float64)

    def matvec(self, vector: NDArray[Any]) -> NDArray[Any]:  # Any: numbers of whatever kind
        """Return A x of a flat image, for `scipy.sparse.linalg`.

        Args:
            vector: (n,) or (n, 1), with n = shape[1].

        Returns:
            (m,) or (m, 1), with m = shape[0].

        Raises:
            ValueError: another length.
        """
        return FlatAction(self, self.dtype.kind == "c").forward(vector)

    def rmatvec(self, vector: NDArray[Any]) -> NDArray[Any]:  # Any: numbers of whatever kind
        """Return A* y of a flat measurement, for `scipy.sparse.linalg`.

        Args:
            vector: (m,) or (m, 1), with m = shape[0].

        Returns:
            (n,) or (n, 1), with n = shape[1].

        Raises:
            ValueError: another length.
        """
        return FlatAction(self, self.dtype.kind == "c").adjoint(vector)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({describe(self.domain)} -> {describe(self.range)})"

    def _repr_html_(self) -> str:
        """Return the operator as a notebook shows it: shapes of images and measurements, and their ratio."""
        domain, range_ = math.prod(self.domain), math.prod(self.range)
        facts = {
            "image": f"{describe(self.domain)}: {domain:,} numbers",
            "measurement": f"{describe(self.range)}: {range_:,} numbers",
            "measured per number of the image": f"{range_ / domain:.2f}",
        }
        return html_card(type(self).__name__, facts)


class Composed(Operator):
    """x ↦ outer(inner(x)), written `outer @ inner`. Its pseudo-inverse is found by conjugate gradients: (A B)⁺ ≠ B⁺ A⁺
    in general.
    """

    outer: Operator
    inner: Operator

    def __init__(self, outer: Operator, inner: Operator) -> None:
        if outer.domain != inner.range:
            raise ValueError(
                f"outer @ inner: outer takes {describe(outer.domain)}, but inner gives {describe(inner.range)}."
            )
        if inner.complex_range and not (outer.complex_domain or outer.real_or_complex):
            raise ValueError(f"outer @ inner: inner gives complex numbers, but {type(outer).__name__} takes real ones.")
        super().__init__(domain=inner.domain, range=outer.range, batch=shared_batch([outer, inner]))
        self._set(
            outer=outer,
            inner=inner,
            complex_domain=inner.complex_domain or (inner.real_or_complex and outer.complex_domain),
            complex_range=outer.complex_range or (outer.real_or_complex and inner.complex_range),
            real_or_complex=outer.real_or_complex and inner.real_or_complex,
            pinv_by_steps=outer.pinv_by_steps or inner.pinv_by_steps,
        )

    def _forward(self, x: Tensor) -> Tensor:
        return self.outer(self.inner(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner.adjoint(self.outer.adjoint(y))

    def observed(self) -> Mask | None:
        return self.outer.observed()

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else Composed(self.outer.select(samples), self.inner.select(samples))


class Scaled(Operator):
    """x ↦ factor · A(x), written `factor * A`."""

    factor: float
    unscaled: Operator

    def __init__(self, factor: float, unscaled: Operator) -> None:
        if not math.isfinite(factor):
            raise ValueError(f"An operator is scaled by a finite number, but got {factor}.")
        super().__init__(domain=unscaled.domain, range=unscaled.range, batch=unscaled.batch)
        self._set(factor=float(factor), unscaled=unscaled, **_traits_of(unscaled))

    def _forward(self, x: Tensor) -> Tensor:
        return self.factor * self.unscaled(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.factor * self.unscaled.adjoint(y)

    def _pinv(self, y: Tensor) -> Tensor:
        if self.factor == 0:
            return 0 * self.unscaled.adjoint(y)
        return self.unscaled.pinv(y) / self.factor

    def norm(self) -> float:
        return abs(self.factor) * self.unscaled.norm()

    def observed(self) -> Mask | None:
        return self.unscaled.observed()

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else Scaled(self.factor, self.unscaled.select(samples))


class Sum(Operator):
    """x ↦ Σ_i A_i(x), written `A + B`. Its pseudo-inverse is found by conjugate gradients."""

    terms: tuple[Operator, ...]

    def __init__(self, terms: Sequence[Operator]) -> None:
        first = terms[0]
        for term in terms[1:]:
            if (term.domain, term.range) != (first.domain, first.range):
                raise ValueError(
                    f"A + B: both take and give the same shapes, but go {describe(first.domain)} -> "
                    f"{describe(first.range)} and {describe(term.domain)} -> {describe(term.range)}."
                )
        check_one_kind(terms)
        super().__init__(domain=first.domain, range=first.range, batch=shared_batch(terms))
        self._set(terms=tuple(terms), **_traits_of(*terms))

    def _forward(self, x: Tensor) -> Tensor:
        return reduce(torch.add, [term(x) for term in self.terms])

    def _adjoint(self, y: Tensor) -> Tensor:
        return reduce(torch.add, [adjoint_of(term, y) for term in self.terms])

    def observed(self) -> Mask | None:
        masks = [mask.mask for term in self.terms if (mask := term.observed()) is not None]
        return Mask(reduce(torch.logical_or, masks), axes=len(self.range)) if len(masks) == len(self.terms) else None

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else Sum([term.select(samples) for term in self.terms])


class Transposed(Operator):
    """y ↦ A*(y), written `A.T`; (A*)⁺ = (A⁺)*."""

    whole: Operator

    def __init__(self, whole: Operator) -> None:
        super().__init__(domain=whole.range, range=whole.domain, batch=whole.batch)
        kinds = {"complex_domain": whole.complex_range, "complex_range": whole.complex_domain}
        self._set(whole=whole, real_or_complex=whole.real_or_complex, **kinds)

    def _forward(self, x: Tensor) -> Tensor:
        return self.whole.adjoint(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.whole(y)

    def _pinv(self, y: Tensor) -> Tensor:
        return adjoint_of_least_squares(self.whole, y)

    def norm(self) -> float:
        return self.whole.norm()

    @property
    def T(self) -> Operator:
        return self.whole

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else Transposed(self.whole.select(samples))


_NOTHING_YET = (None, None, None)
Values = TypeVar("Values", Tensor, Array)


class Mask(Operator):
    """A x = mask ⊙ x, with a mask of zeros and ones.

    An orthogonal projection: A A = A = A*, so it is its own adjoint and its own pseudo-inverse. `sure` takes it as its
    target.

    Args:
        mask: bool, or numbers that are 0 or 1. (channels, height, width) or (1, channels, height, width): one mask for
            every image; (batch, channels, height, width) with batch > 1: image i has mask i. (height, width)
            counts as one channel.
        channels: spread a mask of one channel over this many.
        axes: of one sample, where it is no image: 2 for measurements (channels, m), and the mask is (channels, m) or
            (batch, channels, m).

    Raises:
        ValueError: another number of axes, a value that is neither 0 nor 1, or `channels` for a mask that already has
            several.

    Example:
        >>> import torch
        >>> A = Mask(torch.tensor([[True, False], [True, True]]))
        >>> A(torch.full((1, 1, 2, 2), 5.0)).flatten().tolist(), A.counts().tolist()
        ([5.0, 0.0, 5.0, 5.0], [3])
    """

    real_or_complex = True
    looks_for_nan = False
    _mask: Tensor  # (1 or batch, *domain), bool
    _last: tuple[torch.Size, torch.dtype, Tensor] | tuple[None, None, None]  # the last one's shape, type and factor

    # Any: numbers of whatever kind
    def __init__(self, mask: Tensor | NDArray[Any], *, channels: int | None = None, axes: int = 3) -> None:
        mask = as_tensor(mask)
        if axes != 3 and mask.ndim not in (axes, axes + 1):
            raise ValueError(
                f"A mask over {axes} axes has {axes}, or a batch before, but got {describe(tuple(mask.shape))}."
            )
        if axes == 3 and mask.ndim not in (2, 3, 4):
            raise ValueError(
                "A mask is (height, width), (channels, height, width) or (batch, channels, height, width), "
                f"but got {describe(tuple(mask.shape))}."
            )
        if mask.dtype != torch.bool and not bool(((mask == 0) | (mask == 1)).all()):
            raise ValueError(
                f"A mask holds 0 and 1 only, but got values from {mask.min():.3g} to {mask.max():.3g}. "
                "Threshold it first, as in mask > 0.5."
            )
        whole = mask.detach().bool().clone().reshape((1,) * (axes + 1 - mask.ndim) + tuple(mask.shape))
        if channels is not None:
            if whole.shape[1] not in (1, channels):
                raise ValueError(
                    f"channels={channels} was asked for, but the mask {describe(tuple(mask.shape))} already has "
                    f"{whole.shape[1]}."
                )
            whole = whole.expand(-1, channels, *whole.shape[2:])
        shape = tuple(whole.shape[1:])
        super().__init__(domain=shape, range=shape, batch=len(whole) if len(whole) != 1 else None)
        self._set(_mask=whole, _last=_NOTHING_YET)

    def __call__(self, x: Values) -> Values:
        factor = self._factor_as_before(x)
        return super().__call__(x) if factor is None else x * factor

    def adjoint(self, y: Values) -> Values:
        factor = self._factor_as_before(y)
        return super().adjoint(y) if factor is None else y * factor

    def pinv(self, y: Values) -> Values:
        factor = self._factor_as_before(y)
        return super().pinv(y) if factor is None else y * factor

    def _factor_as_before(self, x: Values) -> Tensor | None:
        """Return the factor of a tensor of the last one's shape and type, which passed every check; None: another one.

        All checks together take a quarter of the time of the product with an image of 256².
        """
        if type(x) is Tensor and not is_dynamo_compiling():
            shape, dtype, factor = self._last
            if x.shape == shape and x.dtype is dtype and x.is_cpu:
                return factor
        return None

    @property
    def mask(self) -> Tensor:
        """A copy of the mask: (1 or batch, *domain), bool."""
        return self._mask.clone()

    def counts(self) -> Tensor:
        """m, how many entries are measured: (1,) or, with a mask per image, (batch,), int64."""
        return self._mask.flatten(1).sum(dim=1)

    def observed(self) -> Mask:
        return self

    def select(self, samples: Tensor) -> Mask:
        return self if self.batch is None else Mask(self._mask[samples], axes=len(self.domain))

    def _forward(self, x: Tensor) -> Tensor:
        factor = self._on("_mask", x)
        if self._needs_nothing(x, self.domain, complex_too=True) and type(factor) is Tensor:
            self._set(_last=(x.shape, x.dtype, factor))
        return x * factor

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def _pinv(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def norm(self) -> float:
        return float(self._mask.any())

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"_last": _NOTHING_YET}


class Restricted(Operator):
    """x ↦ kept ⊙ A(x), written `A.restrict(kept)`. Its pseudo-inverse is found by conjugate gradients."""

    whole: Operator
    _kept: Tensor  # (1 or batch, *range), bool

    def __init__(self, whole: Operator, kept: Tensor) -> None:
        if kept.dtype != torch.bool or tuple(kept.shape[-len(whole.range) :]) != whole.range:
            raise ValueError(
                f"restrict takes a bool tensor of shape {describe(whole.range)}, or with a batch before it, but got "
                f"{kept.dtype} of shape {describe(tuple(kept.shape))}."
            )
        kept = kept.detach().clone().reshape(-1, *whole.range)
        sizes = {size for size in (whole.batch, len(kept) if len(kept) > 1 else None) if size is not None}
        if len(sizes) > 1:
            raise ValueError(f"A is made for batches of {whole.batch}, but {len(kept)} choices of entries were given.")
        super().__init__(domain=whole.domain, range=whole.range, batch=sizes.pop() if sizes else None)
        self._set(whole=whole, _kept=kept, **_traits_of(whole))

    def _forward(self, x: Tensor) -> Tensor:
        y = self.whole(x)
        return y * self._on("_kept", y)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.whole.adjoint(y * self._on("_kept", y))

    def observed(self) -> Mask | None:
        mask = self.whole.observed()
        return Mask(self._kept if mask is None else self._kept & mask.mask, axes=len(self.range))

    def select(self, samples: Tensor) -> Operator:
        if self.batch is None:
            return self
        return Restricted(self.whole.select(samples), self._kept[samples] if len(self._kept) > 1 else self._kept)


def _traits_of(*operators: Operator) -> dict[str, bool]:
    """Return the types of number of operators on one image, and whether their A⁺ needs many steps."""
    return {
        "complex_domain": any(operator.complex_domain for operator in operators),
        "complex_range": any(operator.complex_range for operator in operators),
        "real_or_complex": all(operator.real_or_complex for operator in operators),
        "pinv_by_steps": any(operator.pinv_by_steps for operator in operators),
    }
