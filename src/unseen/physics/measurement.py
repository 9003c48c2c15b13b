"""`Measurement` y = noise(link(A x)), zero where A does not observe; the process of some samples; its `Link`s.

A link is what a detector does to A x before noise comes: entrywise, smooth, and one to one. Its law is
`link.inverse(link(p)) = p` wherever the link's output is a usable measurement. The contract tests check it for every
link in `unseen.physics.LINKS`. `BeerLambert` is the exponential attenuation of X-rays in matter.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unseen.physics.argument_checks import number
from unseen.physics.generator_device import generator_device
from unseen.physics.immutability import Recorded
from unseen.physics.noise import Noise
from unseen.physics.numpy_arrays import arrays_too, readable
from unseen.physics.operator import Operator
from unseen.physics.operator_checks import check_is_operator


class Link(Recorded, ABC):
    """An entrywise function between A x and the mean of the measurement.

    Example:
        >>> import torch
        >>> from unseen.physics import BeerLambert
        >>> link = BeerLambert(1e5)
        >>> round(link.inverse(link(torch.tensor([0.5]))).item(), 4)
        0.5
    """

    @abstractmethod
    def __call__(self, p: Tensor) -> Tensor:
        """Return the noise-free measurement u of p = A x; p's shape."""

    @abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """p from a measurement y; y's shape. Values of y that no p gives are brought to the nearest that one does."""


@dataclass(frozen=True)
class Measurement:
    """y = noise(link(A x)): an operator, what the detector's law does to A x, and the noise.

    Entries that A does not observe (`A.observed()`: masked pixels, k-space that was not sampled) hold no measurement
    and are zero in y, without noise. The noise of the others is that of the same draw without a mask.

    Args:
        A: the operator.
        link: None means u = A x. A noise in its place is taken as the noise: `Measurement(A, Gaussian(0.1))`.
        noise: None means y = u.

    Raises:
        TypeError: A is no operator, link no `Link` or noise no `Noise`, or there are two noises.
        ValueError: A has operators, and the noise levels, for other numbers of samples.

    Example:
        >>> import torch
        >>> from unseen.physics import BeerLambert, Identity, PoissonGaussian
        >>> process = Measurement(Identity((1, 4, 4)), link=BeerLambert(1e5), noise=PoissonGaussian(1.0, 30.0))
        >>> x = torch.full((2, 1, 4, 4), 0.5)
        >>> y = process(x, generator=torch.Generator().manual_seed(0))
        >>> bool((process.linearise(y) - x).abs().max() < 0.02)
        True
    """

    A: Operator
    link: Link | None = None
    noise: Noise | None = None

    def __post_init__(self) -> None:
        link: object = self.link
        noise: object = self.noise
        check_is_operator(self.A)
        if isinstance(link, Noise):  # Measurement(A, Gaussian(0.1))
            if self.noise is not None:
                raise TypeError(
                    f"link=… is a {type(link).__name__}, a noise, and noise=… is given too. Give one noise."
                )
            object.__setattr__(self, "noise", link)
            object.__setattr__(self, "link", None)
            link, noise = None, link
        if not isinstance(link, Link | None):
            raise TypeError(f"link=… is a Link such as BeerLambert(1e5), but got {_described(link)}.")
        if not isinstance(noise, Noise | None):
            raise TypeError(f"noise=… is a Noise such as Gaussian(0.1), but got {_described(noise)}.")
        levels = None if noise is None else noise.batch
        if None not in (self.A.batch, levels) and levels != self.A.batch:
            raise ValueError(
                f"A has {self.A.batch} operators, but the noise has {levels} levels. Give one level for each operator, "
                "or one for all."
            )

    @property
    def batch(self) -> int | None:
        """Number of samples with an operator or a noise level of their own; None: one of each for all."""
        return self.A.batch if self.A.batch is not None or self.noise is None else self.noise.batch

    @classmethod
    def of(cls, process: Measurement | Operator) -> Measurement:
        """Return a process as it is; of an operator alone, the process without link and noise.

        Args:
            process: a process, or an operator.

        Raises:
            TypeError: neither.

        Example:
            >>> from unseen.physics import Identity
            >>> Measurement.of(Identity((1, 4, 4))).noise is None
            True
        """
        return process if isinstance(process, Measurement) else cls(process)

    @arrays_too
    def __call__(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Measure x once.

        Args:
            x: (batch, *A.domain); a NumPy array too, and then an array comes back.
            generator: where the noise comes from; None: torch's global generator.

        Returns:
            y: (batch, *A.range), zero where nothing is measured.
        """
        generator_device(generator)
        u = self.mean(x)
        if self.noise is not None:
            u = self.noise.sample(u, generator=generator)  # of all entries: a mask leaves the others' draws as they are
        return u if self.noise is None and self.link is None else self._observed(u)

    @arrays_too
    def mean(self, x: Tensor) -> Tensor:
        """u = link(A x), the measurement without noise: (batch, *A.range); link(0) where nothing is measured."""
        p = self.A(x)
        return p if self.link is None else self.link(p)

    @arrays_too
    def linearise(self, y: Tensor) -> Tensor:
        """p = link⁻¹(y), what A x would have to be: (batch, *A.range)."""
        return y if self.link is None else self._observed(self.link.inverse(y))

    def _observed(self, y: Tensor) -> Tensor:
        """Return y with zero where nothing is measured."""
        mask = self.A.observed()
        return y if mask is None else mask(y)

    def select(self, samples: Tensor | Sequence[int]) -> Measurement:
        """Return the process of some samples, with their operators and noise levels; itself where it has one of each.

        Args:
            samples: (n,), whole numbers from 0 to batch − 1, in any order.

        Raises:
            ValueError: a sample is no whole number, or there is none of its number.
        """
        if self.batch is None:
            return self
        samples = torch.as_tensor(readable(samples))
        samples = samples.long() if not samples.numel() else samples
        if samples.dtype in (torch.bool, torch.uint8) or samples.is_floating_point() or samples.is_complex():
            raise ValueError(
                f"samples are whole numbers from 0 to {self.batch - 1}, but got {samples.dtype}. Of a mask, give "
                "mask.nonzero().flatten()."
            )
        samples = samples.long()
        if samples.numel() and (int(samples.min()) < 0 or int(samples.max()) >= self.batch):
            raise ValueError(
                f"samples are whole numbers from 0 to {self.batch - 1}, but got some from {int(samples.min())} to "
                f"{int(samples.max())}."
            )
        noise = None if self.noise is None else self.noise.select(samples)
        return replace(self, A=self.A.select(samples), noise=noise)

    @arrays_too
    def log_likelihood(self, y: Tensor, x: Tensor) -> Tensor:
        """log p(y | x) per sample: (batch,), in nats.

        Raises:
            ValueError: the measurement has no noise, and so no likelihood.
        """
        if self.noise is None:
            raise ValueError(
                "A measurement without noise has no likelihood. Give it one: Measurement(A, noise=Gaussian(0.1))."
            )
        return self.noise.log_likelihood(y, self.mean(x) if self.link is None else self._observed(self.mean(x)))


def _described(value: object) -> str:
    """Return the type of a value that is neither a link nor a noise; of a class, also how it is used.

    >>> _described(0.1), _described(BeerLambert)
    ('a float', 'the class BeerLambert. Make one: BeerLambert(…)')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}. Make one: {value.__name__}(…)"
    return f"a {type(value).__name__}"


class BeerLambert(Link):
    """u = I0 · exp(−p),  and back  p = log(I0 / max(y, least)).

    p is the line integral of the attenuation (no unit), I0 what a detector element sees without anything in the way.
    A count below one adds no information, hence the max.

    Args:
        I0: > 0, in counts, or in y's other unit.
        least: > 0 and below I0, in the same unit: what one count is. 1e-5, say, where y are shares of I0 = 1.

    Raises:
        ValueError: I0 or least is not a finite number above 0, or least is not below I0.

    Example:
        >>> import torch
        >>> link = BeerLambert(1e5)
        >>> round(link(torch.tensor(1.0)).item()), round(link.inverse(link(torch.tensor(1.0))).item(), 4)
        (36788, 1.0)
    """

    def __init__(self, I0: float, *, least: float = 1.0) -> None:
        I0, least = number("I0", I0), number("least", least)
        if not (math.isfinite(I0) and I0 > 0):
            raise ValueError(f"I0 is a count of photons, finite and above 0, but got {I0:g}.")
        if not 0 < least < I0:
            raise ValueError(
                f"least is what one count is, above 0 and below I0, but got least={least:g} and I0={I0:g}. Where y are "
                f"shares of I0, give such as least={1e-5 * I0:g}."
            )
        self._I0, self._least = I0, least

    @property
    def I0(self) -> float:
        """Counts without anything in the way."""
        return self._I0

    def __repr__(self) -> str:
        return f"BeerLambert(I0={self._I0:g}{'' if self._least == 1 else f', least={self._least:g}'})"

    def __call__(self, p: Tensor) -> Tensor:
        return self._I0 * torch.exp(-p)

    def inverse(self, y: Tensor) -> Tensor:
        return math.log(self._I0) - torch.log(y.clamp(min=self._least))
