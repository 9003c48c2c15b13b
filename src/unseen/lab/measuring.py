"""Measurement of an image with a setup of the lab."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.lab.collection import Collection
from unseen.lab.operators import AsLearnt
from unseen.lab.setup import Setup
from unseen.losses.loss import observed
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.physics.poisson_noise import PoissonGaussian

_OPERATOR, _NOISE = 1000, 2000  # seeds are shifted, so that an image, its operator and its noise are drawn apart


@dataclass(frozen=True, eq=False)
class Measured:
    """An image and its measurement; `measured` makes one.

    >>> from unseen.lab import Collection, Setup
    >>> made = measured(torch.ones(1, 1, 32, 32), Setup(), Collection())
    >>> made.sigma is not None, made.x.shape
    (True, torch.Size([1, 1, 32, 32]))

    Args:
        process: how it was measured.
        x: (1, *A.domain), complex where A's images are.
        y: (1, *A.range).
    """

    process: Measurement
    x: Tensor
    y: Tensor

    @property
    def sigma(self) -> float | None:
        """The noise's standard deviation in y, where it is Gaussian or nearly so: of counts, the root of their mean
        variance. 0 without noise; None where a link lies between, or the noise is another."""
        noise = self.process.noise
        if self.process.link is not None:
            return None
        if noise is None:
            return 0.0
        if isinstance(noise, Gaussian):
            return float(noise.sigma.mean())
        if isinstance(noise, PoissonGaussian):
            return math.sqrt(noise.gain * float(self.y.clamp(min=0).mean()) + noise.sigma**2)
        return None


def measured(x: Tensor, setup: Setup, collection: Collection) -> Measured:
    """Measure an image.

    Args:
        x: (1, 1, size, size) in [0, 1].
        setup: how it is measured.
        collection: the models that a setup may name.

    Raises:
        ValueError: the settings do not go together, in a sentence.
        LookupError, BundleError: the model that is named is not there, or cannot be read.

    >>> from unseen.lab import Collection, Setup
    >>> measured(torch.ones(1, 1, 32, 32), Setup(), Collection()).y.shape
    torch.Size([1, 1, 32, 32])
    """
    generator = torch.Generator().manual_seed(_NOISE + setup.seed)
    if isinstance(setup.operator, AsLearnt):
        process = learnt_process(setup, collection)
    else:
        A = setup.operator.operator(setup.size, torch.Generator().manual_seed(_OPERATOR + setup.seed))
        process = Measurement(A)
    x = x.to(torch.complex64) if process.A.complex_domain else x
    u = process.mean(x)
    if not isinstance(setup.operator, AsLearnt):
        process = Measurement(process.A, noise=setup.noise.noise(process.A, u))
    noise = process.noise
    if isinstance(noise, PoissonGaussian):
        u = u.clamp(min=0)  # rounding
    return Measured(process, x, observed(process, u if noise is None else noise.sample(u, generator=generator)))


def operator_of(setup: Setup, collection: Collection) -> Operator:
    """Make the measurement operator A of a setup, without measuring an image.

    Args:
        setup: the operator's type and settings, the size of the image and the seed.
        collection: the trained models; it is used only if the setup names the operator of a model.

    Returns:
        The operator, for images of shape (1, size, size).

    Raises:
        ValueError: the settings do not fit together; the message states why.
        LookupError, BundleError: the model that is named is not in the collection, or cannot be read.

    Example:
        >>> from unseen.lab import Collection, Setup
        >>> operator_of(Setup(size=32), Collection()).domain
        (1, 32, 32)
    """
    if isinstance(setup.operator, AsLearnt):
        return learnt_process(setup, collection).A
    return setup.operator.operator(setup.size, torch.Generator().manual_seed(_OPERATOR + setup.seed))


def learnt_process(setup: Setup, collection: Collection) -> Measurement:
    """Return the measurement process of a model in the collection; of several operators, the seed selects one."""
    assert isinstance(setup.operator, AsLearnt)
    process = collection.reconstructor(setup.operator.model).process
    if process is None:
        raise ValueError("This model was saved without its process. Choose another operator.")
    if process.A.domain != (1, setup.size, setup.size):
        channels, height, width = process.A.domain
        raise ValueError(
            f"This model was trained on images of {channels} channel(s) and {height} × {width} pixels, and this one "
            f"has 1 and {setup.size} × {setup.size}. Choose that size, if it is offered."
        )
    return process.select(torch.tensor([setup.seed % (process.A.batch or 1)]))
