"""Operator of a function, with its adjoint or autograd's, and the checks that both are linear and adjoint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unseen.physics.linear_function import linear
from unseen.physics.operator import Operator
from unseen.physics.tensor_products import Shape, describe, inner, lengths

LINEAR = 1e-3
"""Share by which a function may miss linearity, or its adjoint: single precision is far below."""
Function = Callable[[Any], Any]  # Any: tensors to tensors, or arrays to arrays


class FunctionOperator(Operator):
    """A x = forward(x), for a linear function; A* y = adjoint(y), or by autograd.

    The functions are called with random images when the operator is made: a function that is not linear, or an adjoint
    of another function, is refused. Derivatives of A are A itself. The functions get copies, so they may work in place.

    Args:
        forward: images (batch, *domain) to measurements (batch, …), linear in the image.
        domain: shape of an image, without the batch, such as (1, 64, 64).
        adjoint: measurements to images; None: the transpose of forward's derivative, for a function of torch tensors.
        complex_images: whether images are complex.
        arrays: whether the functions take and give NumPy arrays; they then need `adjoint`.

    Raises:
        ValueError: forward is not linear, gives no batch of measurements or numbers that are not finite; adjoint is not
            its adjoint; or autograd cannot find one.

    Example:
        >>> A = FunctionOperator(lambda x: x[..., ::2] + x[..., 1::2], (1, 2, 4))
        >>> A, A.adjoint(torch.ones(1, 1, 2, 2)).sum().item()
        (FunctionOperator((1, 2, 4) -> (1, 2, 2)), 8.0)
        >>> B = FunctionOperator(lambda x: x.cumsum(-1), (1, 1, 3), adjoint=lambda y: y.flip(-1).cumsum(-1).flip(-1))
        >>> B.pinv(B(torch.tensor([[[[3.0, 1.0, 2.0]]]]))).round(decimals=3).flatten().tolist()
        [3.0, 1.0, 2.0]
    """

    _function: Function
    _back: Function | None
    _arrays: bool
    _single: bool  # whether the functions take single precision alone

    def __init__(
        self,
        forward: Function,
        domain: Shape,
        *,
        adjoint: Function | None = None,
        complex_images: bool = False,
        arrays: bool = False,
    ) -> None:
        if arrays and adjoint is None:
            raise ValueError("autograd does not follow NumPy. Give adjoint=…, or write forward with torch.")
        super().__init__(domain=domain, range=domain)  # range: below, from what forward gives
        self._set(_function=forward, _back=adjoint, _arrays=arrays, _single=False, complex_domain=complex_images)
        generator = torch.Generator().manual_seed(0)
        dtype = torch.complex128 if complex_images else torch.float64
        x = torch.randn(2, *self.domain, dtype=dtype, generator=generator)
        y = self._probed(x)
        self._set(range=tuple(y.shape[1:]), complex_range=y.is_complex())
        self._check_linear(x, y)
        self._check_adjoint(x, y)

    def _probed(self, x: Tensor) -> Tensor:
        """Return forward(x), in single precision where forward takes no other."""
        try:
            y = self._called(self._function, x)
        except RuntimeError:  # torch's, of a function with tensors of its own in single precision
            self._set(_single=True)
            y = self._called(self._function, x)
        if y.ndim < 2 or len(y) != len(x):
            raise ValueError(
                "forward takes images (batch, *domain) and gives measurements (batch, …), but of "
                f"{describe(tuple(x.shape))} it gave {describe(tuple(y.shape))}."
            )
        if not bool(torch.isfinite(torch.view_as_real(y + 0j)).all()):
            raise ValueError("forward gave NaN or infinity for random images. Give a function that is linear.")
        return y

    def _check_linear(self, x: Tensor, y: Tensor) -> None:
        nothing = self._called(self._function, torch.zeros_like(x))
        if float(nothing.abs().max()) > LINEAR * float(y.abs().max()):
            raise ValueError(
                f"forward is not linear: of the image 0 it gives values up to {float(nothing.abs().max()):.3g}. "
                "Subtract them from forward and from the measurements."
            )
        other = x.flip(0)
        gap = self._called(self._function, x - 2 * other) - (y - 2 * y.flip(0))
        if float(gap.abs().max()) > LINEAR * float(y.abs().max()):
            raise ValueError(
                "forward is not linear: forward(u − 2 v) ≠ forward(u) − 2 forward(v). A nonlinear function of A x is a "
                "Link: Measurement(A, link=…)."
            )

    def _check_adjoint(self, x: Tensor, y: Tensor) -> None:
        try:
            back = self._adjoint(y)
        except RuntimeError as error:
            if self._back is not None:
                raise
            raise ValueError(
                f"autograd cannot find the adjoint of forward ({error}). Give adjoint=…, or write forward with torch's "
                "functions alone."
            ) from error
        if tuple(back.shape) != tuple(x.shape):
            raise ValueError(
                f"adjoint gives images of {describe(tuple(x.shape))} for {describe(tuple(y.shape))}, but gave "
                f"{describe(tuple(back.shape))}."
            )
        for measured in (y, y.flip(0)):
            there, here = inner(y, measured), inner(x, back if measured is y else back.flip(0))
            if bool(((there - here).abs() > LINEAR * lengths(y) * lengths(measured)).any()):
                if self._back is None:
                    raise ValueError(
                        "forward of a batch differs from forward of its images one by one: the adjoint by autograd is "
                        "not that of one image. Write forward so that images of a batch do not mix."
                    )
                raise ValueError(
                    f"adjoint is not the adjoint of forward: ⟨A x, y⟩ = {float(there.flatten()[0]):.4g}, but "
                    f"⟨x, A* y⟩ = {float(here.flatten()[0]):.4g}. Leave adjoint out, and autograd finds it."
                )

    def _forward(self, x: Tensor) -> Tensor:
        return linear(x, self._there, self._here)

    def _adjoint(self, y: Tensor) -> Tensor:
        return linear(y, self._here, self._there)

    def _there(self, x: Tensor) -> Tensor:
        if not len(x):
            dtype = x.dtype.to_complex() if self.complex_range else x.dtype
            return x.new_zeros(0, *self.range, dtype=dtype)
        return self._called(self._function, x)

    def _here(self, y: Tensor) -> Tensor:
        dtype = y.dtype if self.complex_domain or not y.is_complex() else y.dtype.to_real()
        dtype = dtype.to_complex() if self.complex_domain else dtype
        if not len(y):
            return y.new_zeros(0, *self.domain, dtype=dtype)
        if self._back is not None:
            back = self._called(self._back, y)
            return back.real if back.is_complex() and not self.complex_domain else back
        with torch.enable_grad():
            x = y.new_zeros(len(y), *self.domain, dtype=dtype).requires_grad_()
            return torch.autograd.grad(self._called(self._function, x), x, y)[0]

    def _called(self, function: Function, tensor: Tensor) -> Tensor:
        """Return function(tensor), in the tensor's precision; the function itself gets a copy, in no half precision."""
        dtype = tensor.dtype
        if self._single or dtype in (torch.float16, torch.bfloat16):
            dtype = torch.complex64 if tensor.is_complex() else torch.float32
        given = tensor.to(dtype, copy=True)
        if not self._arrays:
            found = function(given)
        else:
            found = torch.from_numpy(np.array(function(given.detach().numpy(force=True)))).to(tensor.device)
        if not isinstance(found, Tensor):
            raise ValueError(
                f"The functions of an operator give tensors, but one gave a {type(found).__name__}. For NumPy arrays "
                "give arrays=True."
            )
        real = tensor.dtype.to_real() if tensor.is_complex() else tensor.dtype
        if found.is_complex():
            real = torch.promote_types(real, torch.float32).to_complex()
        return found.to(real)
