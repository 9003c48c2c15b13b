"""Checks of what is given as an operator: that it is one, and that it acts on images."""

from unseen.physics.operator import Operator
from unseen.physics.tensor_products import Shape, describe


def check_is_operator(A: object) -> None:
    """Raise TypeError unless A is an operator; the message states how to make one of A.

    >>> check_is_operator(lambda x: x[..., ::2])
    Traceback (most recent call last):
        ...
    TypeError: A is an operator, but got a function. If it is linear: FunctionOperator(function, domain), with the \
domain (channels, height, width) of its images.
    """
    if isinstance(A, Operator):
        return
    if isinstance(A, type):
        raise TypeError(f"A is an operator, but got the class {A.__name__}. Make an operator: {A.__name__}(…).")
    if callable(A):
        raise TypeError(
            f"A is an operator, but got a {type(A).__name__}. If it is linear: FunctionOperator(function, domain), "
            "with the domain (channels, height, width) of its images."
        )
    raise TypeError(f"A is an operator, but got a {type(A).__name__}. A matrix: Dense(matrix, size=…).")


def check_image_axes(domain: Shape, *, needed_by: str, name: str = "A") -> None:
    """Raise ValueError unless a domain is (channels, height, width).

    Args:
        domain: of the operator.
        needed_by: what takes such images, at the beginning of the sentence, with its verb.
        name: of the operator.

    >>> check_image_axes((32, 32), needed_by="TV takes")
    Traceback (most recent call last):
        ...
    ValueError: TV takes images (channels, height, width), but A takes (32, 32). Make A with the domain (1, 32, 32).
    """
    if len(domain) == 3:
        return
    shape = {1: (1, 1, *domain), 2: (1, *domain)}.get(len(domain))
    remedy = "a domain of three axes" if shape is None else f"the domain {describe(shape)}"
    raise ValueError(
        f"{needed_by} images (channels, height, width), but {name} takes {describe(domain)}. Make {name} with {remedy}."
    )
