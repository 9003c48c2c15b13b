"""Loss: base of the losses that learn from measurements, and the values that a loss may read (`Seen`).

The law of a loss: one finite value per sample; sample i's depends on sample i alone; it reads of what was seen only
what `needs` names. The contract tests check the law for every loss in `unseen.losses.LOSSES`.
"""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from unseen.losses.running_averages import running_averages_frozen
from unseen.losses.sums import at_least_single, squares
from unseen.physics.argument_checks import number
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.noise import Noise, standard_normal
from unseen.physics.operator import Operator

Reconstruct = Callable[[Tensor, Measurement], Tensor]
"""f: measurements (batch, *A.range) and the process that made them → images (batch, *A.domain)."""

PROBES, PROBED = (4, 64), 2**16  # images of noise that an operator is measured by, and pixels of all together


@dataclass(frozen=True)
class Units:
    """Units of images and measurements, so that no training depends on the caller's units.

    Args:
        image: the size of an image, > 0.
        measurement: what an image of white noise of that size adds to an observed measurement, > 0.
    """

    image: float = 1.0
    measurement: float = 1.0

    @classmethod
    def of(cls, image: float, y: Tensor, process: Measurement) -> "Units":
        """Compute the units from the size of an image and measurements (batch, *A.range), which show the link's slope.

        The operator counts by the root mean square of its rows' lengths: 1 for masks and Fourier masks.

        Example:
            >>> import torch
            >>> from unseen.physics import Identity
            >>> round(Units.of(2.0, torch.ones(1, 1, 8, 8), Measurement(3 * Identity((1, 8, 8)))).measurement, 5)
            6.0
        """
        A = process.A
        n = A.batch or min(max(PROBES[0], PROBED // math.prod(A.domain)), PROBES[1])
        like = torch.zeros(n, *A.domain, dtype=torch.complex64 if A.complex_domain else torch.float32)
        probe = standard_normal(like, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            shown = A(probe)
        mask = A.observed()
        entries = shown.numel() if mask is None else float((mask.counts().double().mean() * n).clamp(min=1))
        gain = math.sqrt(float(squares(shown).double().sum()) / entries / (float(squares(probe).sum()) / probe.numel()))
        if process.link is not None:
            with torch.enable_grad():
                p = process.linearise(at_least_single(y.detach())).requires_grad_()
                (slope,) = torch.autograd.grad(process.link(p).sum(), p)
            gain *= float(slope.double().square().mean().sqrt())
        return cls(image, image * (gain or 1.0))


UNITS = Units()  # the caller's own


class Seen:
    """A batch of measurements, and what the network makes of it; each is computed once, when a loss first asks.

    Args:
        y: (batch, *A.range), what was measured.
        process: how; its operator is made for this batch where it has an A for each sample.
        f: the reconstruction.
        x: (batch, *A.domain), the truth, where it is known; None: it was never seen.
        modules: the networks that f runs. Their running averages follow the pass over y, or that in its place.
        pool: the operators that an image could have been measured with: a process that has several, with the noise
            level of each if they differ; or an operator alone. None: `process.A` is the only one.
        units: what images and measurements are counted in, for a loss that needs numbers of size about 1.

    Example:
        >>> from unseen.physics import Identity
        >>> seen = Seen(torch.ones(2, 1, 4, 4), Measurement(2 * Identity((1, 4, 4))), lambda y, process: y / 2)
        >>> seen.reconstruction.mean().item(), seen.remeasured.mean().item()
        (0.5, 1.0)
    """

    def __init__(
        self,
        y: Tensor,
        process: Measurement,
        f: Reconstruct,
        *,
        x: Tensor | None = None,
        modules: Iterable[nn.Module] = (),
        pool: Measurement | Operator | None = None,
        units: Units = UNITS,
    ) -> None:
        self.y, self.process, self.f, self.x, self.pool, self.units = y, process, f, x, pool, units
        self.modules = tuple(modules)
        self._followed = False

    @cached_property
    def reconstruction(self) -> Tensor:
        """x̂ = f(y): (batch, *A.domain)."""
        return self.f(self.y, self.process)

    @cached_property
    def remeasured(self) -> Tensor:
        """link(A x̂): (batch, *A.range)."""
        return self.process.mean(self.reconstruction)

    def instead(self, y: Tensor, process: Measurement) -> Tensor:
        """f on measurements that take y's place, for a loss that never asks for f(y): (batch, *A.domain).

        Running averages follow the first such pass, unless f(y) is known.
        """
        if self._followed or "reconstruction" in self.__dict__:
            return self.again(y, process)
        self._followed = True
        return self.f(y, process)

    def again(self, y: Tensor, process: Measurement | None = None) -> Tensor:
        """f on other measurements, without a trace in running averages: (batch, *A.domain)."""
        with running_averages_frozen(*self.modules):
            return self.f(y, self.process if process is None else process)


class Loss(ABC):
    """A term of the objective: `weight` · its mean over the batch.

    Args:
        weight: > 0 or 0.

    Example:
        >>> from unseen.losses.sums import mean_square
        >>> class Size(Loss):
        ...     needs = frozenset({"y", "f"})
        ...
        ...     def __call__(self, seen, *, generator):
        ...         return mean_square(seen.reconstruction)
        >>> from unseen.physics import Identity
        >>> seen = Seen(torch.ones(2, 1, 4, 4), Measurement(Identity((1, 4, 4))), lambda y, process: 2 * y)
        >>> Size(weight=0.5)(seen, generator=None).tolist()
        [4.0, 4.0]
    """

    needs: ClassVar[frozenset[str]]
    """Values that the loss reads, of "x" (truth), "y" (measurement), "A" (operator) and "f" (network)."""
    compares: ClassVar[Literal["measurements", "images", "scores"]] = "measurements"
    """Quantity of which the value is a power: measurements, images, or a network's scores, which have no unit."""
    degree: ClassVar[int] = 2
    """The power: 2 for squares."""

    # Any: arguments of the loss, which its own constructor checks
    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        for value in (*arguments, *named.values()):
            if isinstance(value, Measurement | Noise | Operator):
                what = "measurement process" if isinstance(value, Measurement) else "operator and no noise"
                own = "group" if "group" in inspect.signature(cls).parameters else ""
                raise TypeError(
                    f"{cls.__name__} takes no {what}: learn gives the process to each loss. Write "
                    f"learn(y, process, losses=[{cls.__name__}({own})]), or call it with Seen(y, process, network)."
                )
        return super().__new__(cls)

    def __init__(self, *, weight: float = 1.0) -> None:
        weight = number("weight", weight)
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"A loss is weighted by a finite number of at least 0, but got {weight:g}.")
        self.weight = weight

    @abstractmethod
    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        """Return one value per sample, unweighted: (batch,), at least in single precision.

        Args:
            seen: the batch.
            generator: where its random draws come from; None: torch's global generator.
        """

    def in_own_scale(self, value: Tensor, units: Units) -> Tensor:
        """Return a value of this loss, counted in `units`: what `learn` descends."""
        size = {"measurements": units.measurement, "images": units.image, "scores": 1.0}[self.compares]
        return value / size**self.degree

    def begin(self) -> None:  # noqa: B027 - most losses keep nothing
        """Forget what an earlier training has left in the loss; `learn` calls it before each training."""

    def judge(self, process: Measurement) -> "Loss | None":
        """Return the loss that validates f on held-out measurements, in mean a risk; None: there is none."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}(weight={self.weight:g})"


def observed_count(process: Measurement, y: Tensor) -> Tensor:
    """m, the observed real components of y: (1,) or (batch,); a complex entry counts two."""
    mask = process.A.observed()
    entries = torch.tensor([y[0].numel()]) if mask is None else mask.counts()
    return entries.to(y.device, torch.float64) * (2 if y.is_complex() else 1)


def observed(process: Measurement, y: Tensor) -> Tensor:
    """y with zero where nothing was measured."""
    mask = process.A.observed()
    return y if mask is None else mask(y)


def noise_energy(noise: Noise, process: Measurement, u: Tensor) -> Tensor:
    """m σ², the noise's variance around u, summed over the observed real components: (batch,)."""
    variance = observed(process, noise.variance(u))
    return variance.flatten(1).sum(dim=1) * (2 if u.is_complex() else 1)


def measured_anew(process: Measurement, x: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """noise(link(A x)) with noise of its own; its gradient in x is that of link(A x).

    Counts have means of at least 0: link(A x) is clipped there for every noise but the Gaussian, as a network may give
    less.
    """
    u = process.mean(x)
    if process.noise is None:
        return u
    if not isinstance(process.noise, Gaussian):
        u = u.clamp(min=0)
    noise_free = u.detach()
    return observed(process, u + (process.noise.sample(noise_free, generator=generator) - noise_free))
