"""What operators, links and noises are made with: tensor algebra, immutability, recorded and checked arguments.

Small tensor algebra of operators: shapes in words, inner products and lengths per sample, one precision.

A linear map and its adjoint as one differentiable function, for maps whose inside autograd should not see.

What an operator, a link or a noise was made from is remembered, so that a bundle can hold it without a pickle.

What an operator is asked for beside its images: their size, their channels, how many measurements.

`Immutable`: instances that nothing changes once they are made, whose tensors follow their input's device.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

Shape = tuple[int, ...]
Acts = TypeVar("Acts", bound=Callable[..., object])


def as_tensor(values: object) -> Tensor:
    """A tensor as it is; an array as a tensor of its precision, at least single: whole numbers become that.

    Raises:
        TypeError: neither.
        ValueError: an array of something else than numbers.

    >>> import numpy as np
    >>> as_tensor(np.arange(2)).dtype, as_tensor(np.zeros(1)).dtype, as_tensor(np.zeros(1, np.complex64)).dtype
    (torch.float32, torch.float64, torch.complex64)
    """
    if isinstance(values, Tensor):
        return values
    if not isinstance(values, np.ndarray | np.generic):
        raise TypeError(f"A tensor or a NumPy array is expected, but got a {type(values).__name__}.")
    if values.dtype.kind not in "biufc":
        raise ValueError(f"Measurements and images are numbers, but got {values.dtype}.")
    wide = np.result_type(values.dtype, np.float32) if values.dtype.kind in "fc" else np.dtype(np.float32)
    return torch.from_numpy(np.array(values, wide))


def arrays_too(act: Acts) -> Acts:
    """A function or a method of tensors that takes NumPy arrays too.

    Every array among its arguments becomes a tensor. The result follows the first parameter that is annotated as a
    `Tensor`: an array for an array, and in a result with images `x`, such as a solution, that `x`.

    >>> import numpy as np
    >>> from unseen.physics import Identity
    >>> type(Identity((1, 1, 1))(np.ones((1, 1, 1, 1)))).__name__
    'ndarray'
    """
    parameters = list(inspect.signature(act).parameters.values())
    place = next(i for i, one in enumerate(parameters) if one.annotation in (Tensor, "Tensor"))
    name = parameters[place].name

    @functools.wraps(act)
    # Any: the function's own arguments
    def acting(*arguments: Any, **named: Any) -> object:
        by_place = [(as_tensor if i == place else _if_array)(value) for i, value in enumerate(arguments)]
        by_name = {key: (as_tensor if key == name else _if_array)(value) for key, value in named.items()}
        result = act(*by_place, **by_name)
        given = arguments[place] if len(arguments) > place else named[name]
        return result if isinstance(given, Tensor) else _arrays_of(result)

    return acting  # type: ignore[return-value]


def _if_array(value: object) -> object:
    return as_tensor(value) if isinstance(value, np.ndarray) else value


def _arrays_of(result: Any) -> object:  # Any: a tensor, or a dataclass with images x
    return result.numpy(force=True) if isinstance(result, Tensor) else replace(result, x=result.x.numpy(force=True))


@contextmanager
def constants() -> Iterator[None]:
    """Within, tensors are made that stay: outside of inference mode and of torch.func's transformations."""
    with torch.inference_mode(False), temporarily_clear_interpreter_stack():
        yield


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


Map = Callable[[Tensor], Tensor]


def linear(tensor: Tensor, act: Map, adjoint: Map) -> Tensor:
    """act(tensor), whose derivative is adjoint, and whose derivative's derivative is act again.

    Inside, both run without autograd: they may work in place and in buffers.

    Args:
        tensor: (batch, ...).
        act: a linear map.
        adjoint: its adjoint under Re Σ conj(u) v.

    Example:
        >>> x = torch.ones(2, 3, requires_grad=True)
        >>> y = linear(x, lambda u: 2 * u, lambda v: 2 * v)
        >>> torch.autograd.grad(y.sum(), x)[0].tolist()[0]
        [2.0, 2.0, 2.0]
    """
    if not torch.is_grad_enabled():
        return act(tensor)
    result: Tensor = _Linear.apply(tensor, act, adjoint)  # type: ignore[no-untyped-call]
    return result


class _Linear(torch.autograd.Function):
    """`ctx` is Any, since torch gives it no type that takes attributes."""

    @staticmethod
    def forward(tensor: Tensor, act: Map, adjoint: Map) -> Tensor:
        del adjoint
        return act(tensor)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Map, Map], output: Tensor) -> None:
        del output
        _, ctx.act, ctx.adjoint = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return linear(gradient, ctx.adjoint, ctx.act), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, act: None, adjoint: None) -> Tensor:
        return linear(tangent, ctx.act, ctx.adjoint)


Arguments = tuple[tuple[object, ...], dict[str, object]]


class Recorded:
    """Base of classes whose instances remember the arguments of their `__init__`: those of the class that was called,
    not those that it hands to its own base.

    >>> from unseen.physics import BeerLambert
    >>> made_from(BeerLambert(1e5))
    ((100000.0,), {})
    """

    def __init_subclass__(cls, **keywords: Any) -> None:  # Any: what other bases take
        super().__init_subclass__(**keywords)
        if "__init__" in cls.__dict__:
            cls.__init__ = _recording(cls.__init__)  # type: ignore[method-assign]


def made_from(thing: Recorded) -> Arguments:
    """Positional arguments, and those by name."""
    arguments: Arguments = thing.__dict__.get("_made_from", ((), {}))
    return arguments


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def recorded(self: object, *arguments: object, **named: object) -> None:
        self.__dict__.setdefault("_made_from", (arguments, named))  # past __setattr__, which an operator forbids
        init(self, *arguments, **named)

    return recorded


def both_sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) from one number or both.

    Raises:
        ValueError: not one or two whole numbers above 0.

    Example:
        >>> both_sides(8), both_sides((4, 6))
        ((8, 8), (4, 6))
    """
    sides: tuple[int, ...] = (size, size) if isinstance(size, int) else size
    if len(sides) != 2 or not all(is_count(side) for side in sides):
        raise ValueError(f"An image's size is one whole number above 0, or (height, width), but got {size}.")
    return sides[0], sides[1]


def check_channels(channels: int) -> None:
    """Raises ValueError unless an image can have so many channels."""
    if not is_count(channels):
        raise ValueError(f"channels is a whole number above 0, but got {channels}.")


def check_measurements(m: int, pixels: int) -> None:
    """Raises ValueError unless m measurements of so many pixels can be asked for."""
    if not (is_count(m) and m <= pixels):
        raise ValueError(f"m is a whole number from 1 to the {pixels} pixels of the image, but got {m}.")


def check_rtol(rtol: float) -> None:
    """Raises ValueError unless rtol is a share of the largest singular value."""
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol is a share of the largest singular value, from 0 to below 1, but got {rtol}.")


def is_count(number: object) -> bool:
    """Whether it is a whole number above 0."""
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


class Immutable(Recorded):
    """Base of operators: `_set` keeps attributes in `__init__`, `_moved={}` among them; nobody else assigns one."""

    _moved: dict[tuple[str, torch.dtype, torch.device], Tensor]

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__} never changes, but {name} was assigned. Make a new operator instead."
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__} never changes, but {name} was deleted. Make a new operator instead."
        )

    def _set(self, **attributes: object) -> None:
        """Keep attributes while the instance is being made; a class's own `__init__` alone calls this."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _on(self, name: str, like: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
        """The instance's own tensor `name` on like's device, in like's dtype or another: moved there once, and kept."""
        key = (name, dtype or like.dtype, like.device)
        moved = self._moved.get(key)
        if moved is None:
            with constants():
                moved = getattr(self, name).to(key[2], key[1])
            self._moved[key] = moved
        return moved

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_moved": {}}
