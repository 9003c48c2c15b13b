"""Action of an operator: A x, A* y, A⁺ y and ‖A‖, of tensors and of NumPy's arrays, checked before."""

from __future__ import annotations

import cmath
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, TypeGuard, overload

import torch
from torch import Tensor
from torch.compiler import is_dynamo_compiling

from unseen.physics.argument_checks import is_count
from unseen.physics.compilation import uncompiled
from unseen.physics.immutability import Immutable
from unseen.physics.linear_function import Map, linear
from unseen.physics.numpy_arrays import Array, on_tensors
from unseen.physics.pseudo_inverse import solve_least_squares
from unseen.physics.shape_remedies import shape_remedy
from unseen.physics.tensor_products import Shape, describe, in_own_precision, inner, lengths, result_dtype

_COMPUTED_AS_THEY_ARE = (torch.float32, torch.float64)
_COMPLEX_AS_THEY_ARE = (torch.complex64, torch.complex128)


class Action(Immutable, ABC):
    """The base of `Operator`: shapes, types of number, and the four things that it computes."""

    domain: Shape
    range: Shape
    batch: int | None
    complex_domain: bool = False
    """True if images are complex."""
    complex_range: bool = False
    """True if measurements are complex."""
    real_or_complex: bool = False
    """True if images may be real or complex, and measurements with them, as for a mask."""
    pinv_by_steps: bool = False
    """True if A⁺ is computed by conjugate gradients that need many more steps for a residual than for y: CT, and
    operators composed with it. Operators with `rtol` stop earlier, and others need few steps."""
    looks_for_nan: ClassVar[bool] = True
    _spreads_nan: ClassVar[bool] = False
    """True if a NaN in an image makes its whole measurement NaN: then one entry is looked at, not the image."""

    def __init__(self, *, domain: Shape, range: Shape, batch: int | None = None) -> None:
        given: dict[str, object] = {"domain": domain, "range": range}
        for name, shape in given.items():
            if not isinstance(shape, Sequence):
                raise TypeError(f"{name} is the shape of a sample, such as (1, 64, 64), but got {shape!r}.")
            if not all(is_count(side) or side == 0 for side in shape):
                raise ValueError(
                    f"{name} is the shape of a sample, whole numbers such as (1, 64, 64), but got {shape!r}."
                )
        self._set(domain=tuple(map(int, domain)), range=tuple(map(int, range)), batch=batch, _moved={})

    @abstractmethod
    def _forward(self, x: Tensor) -> Tensor:
        """Return A x, for x of shape (batch, *domain): (batch, *range)."""

    @abstractmethod
    def _adjoint(self, y: Tensor) -> Tensor:
        """Return A* y, for y of shape (batch, *range): (batch, *domain)."""

    def _pinv(self, y: Tensor) -> Tensor:
        """Return A⁺ y; by conjugate gradients unless the operator knows a closed form."""
        return solve_least_squares(self, y)

    @overload
    def __call__(self, x: Tensor) -> Tensor: ...
    @overload
    def __call__(self, x: Array) -> Array: ...
    def __call__(self, x: Tensor | Array) -> Tensor | Array:
        """Return A x.

        Args:
            x: (batch, *domain); a NumPy array too, here and below: an array comes back.

        Returns:
            (batch, *range), of x's precision and device.

        Raises:
            ValueError: x has another shape, another batch size than a per-sample operator, is complex where the
                operator's images are real, holds whole numbers, or NaN (not looked for where x requires a gradient,
                nor by operators as cheap as that look: masks and the identity hand it on).
        """

        def of(x: Tensor) -> Tensor:
            self._check(x, self.domain, "takes", complex_too=self.complex_domain)
            self._refuse_nan(x)
            return self._computed(self._forward, x, self.range, complex_too=self.complex_range)

        if self._needs_nothing(x, self.domain, complex_too=self.complex_domain):
            if not self._spreads_nan:
                self._refuse_nan(x)  # before A x, which NaN may break
            y = self._forward(x)
            if self._spreads_nan and _may_begin_with_nan(y):
                self._refuse_nan(x)
            return apart(self._of_shape(y, self.range, "_forward"), x)
        return on_tensors(partial(uncompiled, of), x)

    @overload
    def adjoint(self, y: Tensor) -> Tensor: ...
    @overload
    def adjoint(self, y: Array) -> Array: ...
    def adjoint(self, y: Tensor | Array) -> Tensor | Array:
        """Return A* y.

        Args:
            y: (batch, *range).

        Returns:
            (batch, *domain).

        Raises:
            ValueError: y has another shape, is complex where measurements are real, or holds whole numbers.
        """

        def of(y: Tensor) -> Tensor:
            self._check(y, self.range, "has an adjoint that takes", complex_too=self.complex_range)
            return self._computed(self._adjoint, y, self.domain, complex_too=self.complex_domain)

        if self._needs_nothing(y, self.range, complex_too=self.complex_range):
            return apart(self._of_shape(self._adjoint(y), self.domain, "_adjoint"), y)
        return on_tensors(partial(uncompiled, of), y)

    @overload
    def pinv(self, y: Tensor) -> Tensor: ...
    @overload
    def pinv(self, y: Array) -> Array: ...
    def pinv(self, y: Tensor | Array) -> Tensor | Array:
        """Return A⁺ y, Moore and Penrose's: of all x with the least ‖A x − y‖, the shortest.

        Args:
            y: (batch, *range).

        Returns:
            (batch, *domain).

        Raises:
            ValueError: y has another shape, is complex where measurements are real, or holds whole numbers or NaN.
        """

        def of(y: Tensor) -> Tensor:
            self._check(y, self.range, "has a pseudo-inverse that takes", complex_too=self.complex_range)
            self._refuse_nan(y, "The pseudo-inverse of ")
            return self._computed(self._pinv, y, self.domain, complex_too=self.complex_domain)

        if self._needs_nothing(y, self.range, complex_too=self.complex_range):
            self._refuse_nan(y, "The pseudo-inverse of ")
            return apart(self._pinv(y), y)
        return on_tensors(partial(uncompiled, of), y)

    def norm(self) -> float:
        """Return the largest singular value, max ‖A x‖ / ‖x‖; over all samples for a per-sample operator.

        By Lanczos's method: never above the true value but for rounding, and as a rule below it by less than 0.1 %.
        Exact where an operator overrides it.
        """
        return largest_singular_value(self)

    def _needs_nothing(self, values: Tensor | Array, shape: Shape, *, complex_too: bool) -> TypeGuard[Tensor]:
        """Return True for a tensor that passes every check and is computed as it is.

        The checks one by one take longer than the product of a mask and an image of 256².
        """
        return (
            type(values) is Tensor
            and not is_dynamo_compiling()
            and (values.dtype in _COMPUTED_AS_THEY_ARE or (complex_too and values.dtype in _COMPLEX_AS_THEY_ARE))
            and values.is_cpu
            and values.shape[1:] == shape
            and values.numel() > 0
            and (self.batch is None or len(values) == self.batch)
            and not torch.is_autocast_enabled("cpu")
        )

    def _refuse_nan(self, values: Tensor, what: str = "") -> None:
        """Raise ValueError where values hold NaN, unless the operator hands it on or they require a gradient."""
        if self.looks_for_nan and not values.requires_grad:
            refuse_nan(values, f"{what}{type(self).__name__} takes")

    def _computed(self, act: Map, tensor: Tensor, shape: Shape, *, complex_too: bool) -> Tensor:
        """Return act(tensor), (batch, *shape); of a meta tensor, which has no values, a meta tensor."""
        dtype = result_dtype(
            tensor.dtype, complex_numbers=complex_too or (self.real_or_complex and tensor.is_complex())
        )
        if tensor.is_meta:
            return linear(
                tensor,
                lambda u: u.new_empty(len(u), *shape, dtype=dtype),
                lambda v: v.new_empty(len(v), *tensor.shape[1:], dtype=tensor.dtype),
            )
        if tensor.dtype == torch.complex32:
            tensor = tensor.to(torch.complex64)
        result = self._of_shape(in_own_precision(act, tensor), shape, getattr(act, "__name__", "The function"))
        return apart(result.to(dtype) if dtype in (torch.float16, torch.bfloat16) else result, tensor)

    def _of_shape(self, result: Tensor, shape: Shape, method: str) -> Tensor:
        """Return what a method of the operator gave, if it has the shape that the operator states."""
        if result.shape[1:] != shape:
            raise ValueError(
                f"{type(self).__name__}.{method} gave {describe(tuple(result.shape))}, but its shapes state "
                f"(batch, {describe(shape)[1:]}. Correct the method, or domain and range in __init__."
            )
        return result

    def _check(self, tensor: Tensor, shape: Shape, verb: str, *, complex_too: bool) -> None:
        batch = "batch" if self.batch is None else str(self.batch)
        if tuple(tensor.shape[1:]) != shape or (self.batch is not None and len(tensor) != self.batch):
            expected = ", ".join([batch, *map(str, shape)])
            got = tuple(tensor.shape)
            remedy = shape_remedy(got, shape, batch=self.batch, complex_too=complex_too)
            raise ValueError(f"{type(self).__name__} {verb} ({expected}), but got {describe(got)}.{remedy}")
        if tensor.is_complex():
            if not (complex_too or self.real_or_complex):
                raise ValueError(
                    f"{type(self).__name__} {verb} real numbers, but got {tensor.dtype}. Take .real, or .abs()."
                )
        elif not tensor.is_floating_point():
            raise ValueError(
                f"{type(self).__name__} {verb} floating-point numbers, but got {tensor.dtype}. Convert them: .float()."
            )


def apart(result: Tensor, given: Tensor) -> Tensor:
    """Return a result in memory of its own, so that a change of it does not change what it was computed from.

    Args:
        result: of a function, such as the identity or an excerpt.
        given: its argument.

    Example:
        >>> image = torch.ones(2)
        >>> apart(image[:1], image).zero_(), image
        (tensor([0.]), tensor([1., 1.]))
    """
    try:
        shared = result.untyped_storage().data_ptr() == given.untyped_storage().data_ptr()
    except RuntimeError:  # tensors of torch.func have no memory to look at
        return result
    return result.clone() if shared else result


def refuse_nan(x: Tensor, who: str, *, infinity_too: bool = False) -> None:
    """Raise ValueError where x holds NaN. Meta tensors and those of torch.func.vmap have no values to look at.

    The sum comes first: it is not finite where an entry is not, and takes a seventh of the time of a look at each
    entry.

    Args:
        x: of any shape.
        who: subject and verb of the message, such as "Mask takes".
        infinity_too: raise it where x holds infinity, too.
    """
    if x.is_meta:
        return
    try:
        if cmath.isfinite(x.sum().item()):
            return
        count = int((~torch.isfinite(x) if infinity_too else torch.isnan(x)).sum())
    except RuntimeError:
        return
    if count:
        raise ValueError(
            f"{who} finite numbers, but {count} of {x.numel()} are NaN{' or infinite' * infinity_too}. Where NaN marks "
            "what was not measured, leave that out by A.restrict(kept), and set it to 0 by torch.nan_to_num."
        )


def _may_begin_with_nan(y: Tensor) -> bool:
    """Return True if some sample's first entry is NaN, or has no value to look at, as under torch.func.vmap."""
    try:
        return bool(torch.isnan(y.flatten(1)[:, 0]).any())
    except RuntimeError:
        return True


def shared_batch(operators: Sequence[Action]) -> int | None:
    """Return the batch of operators that act together; None where one A serves every sample."""
    sizes = {operator.batch for operator in operators if operator.batch is not None}
    if len(sizes) > 1:
        raise ValueError(f"Actions made for batches of {' and '.join(map(str, sorted(sizes)))} images do not combine.")
    return sizes.pop() if sizes else None


def check_one_kind(operators: Sequence[Action]) -> None:
    """Raise ValueError where some take complex images and some real ones."""
    if len({operator.complex_domain for operator in operators if not operator.real_or_complex}) > 1:
        raise ValueError("Actions of one image take complex numbers, or real ones, but here some do the other.")


def adjoint_of(part: Action, y: Tensor) -> Tensor:
    """Return A* y, where y is complex for the sake of other operators."""
    return part.adjoint(y if part.complex_range or part.real_or_complex or not y.is_complex() else y.real)


STEPS = 300  # at most; it stops when CHECKED steps add less than the share GROWTH
CHECKED = 5
GROWTH = 1e-9


def largest_singular_value(A: Action) -> float:
    """max ‖A x‖ / ‖x‖, over all samples of a per-sample operator.

    By Lanczos's method on A* A in double precision from a fixed start (Golub & Van Loan, Matrix Computations, §10.1),
    until it stands still: never above the true value but for rounding, and as a rule below it by less than 0.1 %.

    Args:
        A: an operator.

    Example:
        >>> from unseen.physics import Identity
        >>> round(largest_singular_value(3 * Identity((1, 4, 4))), 9)
        3.0
    """
    dtype = torch.complex128 if A.complex_domain else torch.float64
    start = torch.randn((A.batch or 1, *A.domain), generator=torch.Generator().manual_seed(0), dtype=dtype)
    if start.numel() == 0:
        return 0.0
    tiny = torch.finfo(torch.float64).tiny
    previous, direction = torch.zeros_like(start), start / lengths(start)
    between = torch.zeros_like(lengths(start))
    diagonal: list[Tensor] = []
    beside: list[Tensor] = []
    largest = torch.zeros(len(start), dtype=torch.float64)
    with torch.no_grad():
        for step in range(1, STEPS + 1):
            image = A.adjoint(A(direction)) - between * previous
            share = inner(direction, image)
            image = image - share * direction
            diagonal.append(share.flatten())
            between = lengths(image)
            exhausted = between.flatten() <= 1e-14 * torch.stack(diagonal).abs().amax(dim=0)
            if step % CHECKED == 0 or bool(exhausted.all()):
                before, largest = largest, _largest_eigenvalue(diagonal, beside)
                if bool((exhausted | (largest - before <= GROWTH * largest)).all()):
                    break
            between = torch.where(exhausted.reshape(between.shape), 0, between)
            beside.append(between.flatten())
            previous, direction = direction, image * (between > 0) / between.clamp(min=tiny)
    return float(largest.clamp(min=0).max().sqrt())


def _largest_eigenvalue(diagonal: list[Tensor], beside: list[Tensor]) -> Tensor:
    matrix = torch.diag_embed(torch.stack(diagonal, dim=1))
    if beside:
        off = torch.diag_embed(torch.stack(beside, dim=1), offset=1)
        matrix = matrix + off + off.mT
    eigenvalues: Tensor = torch.linalg.eigvalsh(matrix)
    return eigenvalues[:, -1]
