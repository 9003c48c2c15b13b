"""Checks of a user's function from images to images: a network or a denoiser."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from unseen.physics.tensor_products import describe


# Any: a function of the user's own, of any arguments
def check_image_function(function: Callable[..., Any], name: str) -> None:
    """Raise TypeError unless a function can be called with images alone.

    Args:
        function: function or `nn.Module`, not a class.
        name: argument that it is given as, for the message.

    Example:
        >>> check_image_function(lambda v, sigma: v, "denoiser")
        Traceback (most recent call last):
            ...
        TypeError: denoiser takes images alone, but <lambda> takes (v, sigma). Fix the others: lambda v: denoiser(v, …).
    """
    given: object = function
    if isinstance(given, type) or not callable(given):
        remedy = f" Make it: {given.__name__}(…)." if isinstance(given, type) else ""
        raise TypeError(f"{name} is a function of images, or a torch.nn.Module, but got {given!r}.{remedy}")
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(None)
    except TypeError as error:
        remedy = (
            "Fix the others in a module around it." if name == "network" else f"Fix the others: lambda v: {name}(v, …)."
        )
        raise TypeError(f"{name} takes images alone, but {name_of(function)} takes {signature}. {remedy}") from error


def called_with_images(function: Callable[[Tensor], object], x: Tensor) -> Tensor:
    """Return function(x), a tensor; errors of the function get a note on the images that it was called with.

    Raises:
        TypeError: the result is no tensor.
    """
    try:
        found = function(x)
    except Exception as error:
        error.add_note(f"{name_of(function)} was called with images {describe(tuple(x.shape))} of {x.dtype}.")
        raise
    if not isinstance(found, Tensor):
        raise TypeError(f"{name_of(function)} gives images as a tensor, but gave a {type(found).__name__}.")
    return found


def name_of(function: object) -> str:
    """Return the name of a function, or of an object's class."""
    return str(getattr(function, "__name__", type(function).__name__))
