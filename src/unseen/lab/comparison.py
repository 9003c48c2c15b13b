"""Methods tried on one measurement, each with its figures against the image that was measured."""

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.evaluation.psnr_ssim import psnr, ssim
from unseen.lab.collection import Collection
from unseen.lab.measuring import Measured, measured
from unseen.lab.methods import Method, offered_methods
from unseen.lab.setup import Setup


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """Reconstruction by one method; `compare` yields them.

    >>> from unseen.lab.images import shapes
    >>> result = next(compare(shapes(32, 0), Setup(size=32), ["pinv"]))
    >>> result.method.name, result.x.shape
    ('A†', torch.Size([1, 1, 32, 32]))

    Args:
        method: which.
        x: (1, 1, size, size), complex where A's images are; None where the method failed.
        psnr: in dB, white = 1; inf where x is the image.
        ssim: at most 1.
        misfit: ‖A x̂ − y‖ / ‖y‖, on what was linearised.
        hidden: the share of the squared error that A hides: ‖(I − A†A)(x̂ − x)‖² / ‖x̂ − x‖²; nan where x̂ is the
            image.
        seconds: that it took.
        words: the method's remark on its solution.
        problem: why there is none; "" where there is.
    """

    method: Method
    x: Tensor | None = None
    psnr: float = math.nan
    ssim: float = math.nan
    misfit: float = math.nan
    hidden: float = math.nan
    seconds: float = math.nan
    words: str = ""
    problem: str = ""


def compare(
    x: Tensor, setup: Setup, methods: Sequence[str], *, collection: Collection | None = None
) -> Iterator[Result]:
    """Measure an image and reconstruct it, method by method, as they get ready.

    Args:
        x: (1, 1, size, size), in [0, 1].
        setup: operator, noise and seed.
        methods: keys, such as "pinv" and "tv"; `offered_methods` lists them.
        collection: the collection of trained models.

    Raises:
        ValueError: the settings do not go together.
        LookupError: no such method for this measurement.

    >>> from unseen.lab.images import shapes
    >>> found = compare(shapes(32, 0), Setup(size=32), ["pinv", "tv"])
    >>> print(*(result.method.name for result in found if not result.problem))
    A† TV
    """
    collection = collection or Collection()
    made = measured(x, setup, collection)
    known = offered_methods(made, collection)
    for key in methods:
        yield tried_method(known.named(key), made)


def tried_method(method: Method, made: Measured) -> Result:
    """Run one method on a measurement and evaluate its image.

    Args:
        method: the method, one of `offered_methods`.
        made: the image and its measurement.

    Returns:
        The image with its figures. If the method raises ValueError or its image is not finite, `problem` states the
        reason and the figures are NaN.

    Example:
        >>> from unseen.lab.images import shapes
        >>> made = measured(shapes(32, 0), Setup(), Collection())
        >>> result = tried_method(offered_methods(made, Collection()).named("pinv"), made)
        >>> result.problem, result.x.shape
        ('', torch.Size([1, 1, 32, 32]))
    """
    begin = time.perf_counter()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", RuntimeWarning)
        try:
            found = method.run(made)
        except ValueError as error:
            return Result(method=method, seconds=time.perf_counter() - begin, problem=str(error))
    seconds = time.perf_counter() - begin
    if not bool(torch.isfinite(found.x).all()):
        return Result(method=method, seconds=seconds, problem="It ended in numbers that are not finite.")
    p = made.process.linearise(made.y)
    wrong = found.x - made.x
    A, length = made.process.A, float(wrong.norm())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what an ill-conditioned A hides is known roughly
        unseen = wrong - A.pinv(A(wrong)) if length else wrong
    return Result(
        method=method,
        x=found.x,
        psnr=float(psnr(found.x, made.x)),
        ssim=float(ssim(found.x, made.x)),
        misfit=float((A(found.x) - p).norm() / p.norm().clamp(min=torch.finfo(torch.float32).tiny)),
        hidden=float(unseen.norm() / length) ** 2 if length else math.nan,
        seconds=seconds,
        words=" ".join([*([found.words] if found.words else []), *(_first(str(one.message)) for one in warned)]),
    )


def _first(text: str) -> str:
    """Return the first sentence of a warning: the rest addresses programmers.

    >>> _first("It was not reached: after 5 steps 1.5e-04 is left. Call something else.")
    'It was not reached: after 5 steps 1.5e-04 is left.'
    """
    return text.partition(". ")[0].rstrip(".") + "."
