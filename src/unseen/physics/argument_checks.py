"""Checks of an operator's arguments. Integers of NumPy and torch are accepted like those of Python."""

import operator
from typing import TypeGuard

import numpy as np
from torch import Tensor


def both_sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) from one number or both.

    Raises:
        ValueError: `size` is not one or two whole numbers above 0.

    Example:
        >>> both_sides(8), both_sides((4, 6))
        ((8, 8), (4, 6))
    """
    sides = counts_per_axis(
        size, 2, f"An image's size is one whole number above 0, or (height, width), but got {size}."
    )
    return sides[0], sides[1]


def counts_per_axis(values: object, axes: int, message: str) -> tuple[int, ...]:
    """Return one whole number above 0 per axis, from one for all or one for each.

    Raises:
        ValueError: the values are not whole numbers above 0, or not one or `axes` of them; the text is `message`.

    Example:
        >>> import numpy as np
        >>> counts_per_axis(np.int64(3), 2, "Two whole numbers."), counts_per_axis([4, 6], 2, "Two whole numbers.")
        ((3, 3), (4, 6))
    """
    each = [values] * axes if is_count(values) else values
    if not isinstance(each, list | tuple) or len(each) != axes or not all(is_count(value) for value in each):
        raise ValueError(message)
    return tuple(operator.index(value) for value in each)


def check_channels(channels: int) -> None:
    """Raise ValueError unless `channels` is a whole number above 0."""
    if not is_count(channels):
        raise ValueError(f"channels is a whole number above 0, but got {channels}.")


def check_measurements(m: int, pixels: int) -> None:
    """Raise ValueError unless m is a whole number from 1 to `pixels`."""
    if not (is_count(m) and m <= pixels):
        raise ValueError(f"m is a whole number from 1 to the {pixels} pixels of the image, but got {m}.")


def check_rtol(rtol: float) -> None:
    """Raise ValueError unless rtol is a share of the largest singular value."""
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol is a share of the largest singular value, from 0 to below 1, but got {rtol}.")


def number(name: str, value: object) -> float:
    """Return an argument as a float; texts are no numbers, also if they can be read as one.

    Args:
        name: of the argument, for the message.
        value: a number, or a tensor or an array of one.

    Raises:
        TypeError: not one number.

    Example:
        >>> import numpy as np
        >>> number("sigma", 1), number("sigma", np.float32(0.5))
        (1.0, 0.5)
        >>> number("sigma", "a")
        Traceback (most recent call last):
            ...
        TypeError: sigma is a number, but got 'a'.
    """
    try:
        if not isinstance(value, str | bytes):
            one = value.item() if isinstance(value, Tensor | np.ndarray) else value
            return float(one)  # type: ignore[arg-type]  # raises for other types
    except (TypeError, ValueError, RuntimeError):  # the last two: of tensors and arrays of several
        pass
    raise TypeError(f"{name} is a number, but got {value!r}.")


def check_count(name: str, value: object) -> None:
    """Raise an error that names the argument unless it is a whole number above 0.

    Raises:
        ValueError: it is not.
    """
    if not is_count(value):
        raise ValueError(f"{name} is a whole number of at least 1, but got {value!r}.")


def is_count(number: object) -> TypeGuard[int]:
    """Return True for a whole number above 0."""
    if isinstance(number, bool) or (isinstance(number, Tensor) and number.ndim > 0):
        return False
    try:
        return operator.index(number) > 0  # type: ignore[arg-type]  # raises for other types
    except (TypeError, RuntimeError):
        return False
