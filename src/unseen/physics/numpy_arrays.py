"""NumPy arrays in place of tensors, in functions and methods."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]
Acts = TypeVar("Acts", bound=Callable[..., object])
Values = TypeVar("Values")
MASKED = (
    "Measurements and images are arrays without a mask, but this one has masked values. Give .filled(0), and a Mask in "
    "the operator."
)
"""Message about an array with masked values."""


def as_tensor(values: object) -> Tensor:
    """Return a tensor as it is; an array as a tensor of its precision, at least single: whole numbers become that.

    Raises:
        TypeError: neither.
        ValueError: an array of something else than numbers, or one with masked values.

    >>> import numpy as np
    >>> as_tensor(np.arange(2)).dtype, as_tensor(np.zeros(1)).dtype, as_tensor(np.zeros(1, np.complex64)).dtype
    (torch.float32, torch.float64, torch.complex64)
    """
    if isinstance(values, Tensor):
        return values
    if not isinstance(values, np.ndarray | np.generic):
        remedy = " Convert it by numpy.array(…)." if isinstance(values, list | tuple) else ""
        remedy = " Convert it by .toarray()." if hasattr(values, "toarray") else remedy
        raise TypeError(f"A tensor or a NumPy array is expected, but got a {type(values).__name__}.{remedy}")
    if values.dtype.kind not in "biufc":
        raise ValueError(f"Measurements and images are numbers, but got {values.dtype}.")
    if np.ma.is_masked(values):  # values under a mask would be taken for measured ones
        raise ValueError(MASKED)
    wide = np.result_type(values.dtype, np.float32) if values.dtype.kind in "fc" else np.dtype(np.float32)
    return torch.from_numpy(np.array(values, wide))


def readable(values: Values) -> Values:
    """Return an array as torch reads it: a copy in the machine's byte order and in order of its axes; others as they
    are.

    Args:
        values: such as an array that is reversed, of another byte order, or that cannot be written to.

    Example:
        >>> torch.as_tensor(readable(np.arange(3)[::-1])).tolist(), readable(0.5)
        ([2, 1, 0], 0.5)
    """
    if not isinstance(values, np.ndarray):
        return values
    if np.ma.is_masked(values):
        raise ValueError(MASKED)
    return cast("Values", np.array(values, values.dtype.newbyteorder("="), order="C"))


def on_tensors(act: Callable[[Tensor], Tensor], values: Tensor | Array) -> Tensor | Array:
    """Apply a function of a tensor to a tensor, or to an array: an array comes back then.

    Raises:
        TypeError: neither.
        ValueError: an array of something else than numbers.

    Example:
        >>> on_tensors(torch.neg, np.ones(2))
        array([-1., -1.])
    """
    if isinstance(values, Tensor):
        return act(values)
    array: Array = act(as_tensor(values)).numpy(force=True)
    return array


def arrays_too(act: Acts) -> Acts:
    """Make a function or a method of tensors take NumPy arrays too.

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
