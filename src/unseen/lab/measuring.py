"""From an image to its measurement, as somebody has set it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.lab.collection import Collection
from unseen.lab.operators import AsLearnt, Setup
from unseen.physics.fourier_mask import FourierMask
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.physics.poisson_gaussian_noise import PoissonGaussian

_OPERATOR, _NOISE = 1000, 2000  # seeds are shifted, so that an image, its operator and its noise are drawn apart


@dataclass(frozen=True, eq=False)
class Measured:
    """An image and its measurement; `measured` makes one.

    >>> from unseen.lab import Collection, Setup
    >>> made = measured(torch.ones(1, 1, 32, 32), Setup(), Collection())
    >>> made.sigma is not None, made.x.shape
    (True, torch.Size([1, 1, 32, 32]))

    process  how it was measured
    x        (1, *A.domain), complex where A's images are
    y        (1, *A.range)
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
    return Measured(process, x, u if noise is None else noise.sample(u, generator=generator))


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
    """The measurement process of a model in the collection; of several operators, the seed selects one."""
    assert isinstance(setup.operator, AsLearnt)
    process = collection.reconstructor(setup.operator.model).process
    if process is None:
        raise ValueError("This model was saved without its process. Choose another operator.")
    if process.A.domain != (1, setup.size, setup.size):
        channels, height, width = process.A.domain
        raise ValueError(
            f"This model has learnt on images of {channels} channel(s) and {height} × {width} pixels, and this one "
            f"has 1 and {setup.size} × {setup.size}. Choose that size, if it is offered."
        )
    return process.select(torch.tensor([setup.seed % (process.A.batch or 1)]))


def look_of(y: Tensor, A: Operator) -> tuple[Tensor, str]:
    """A measurement as an image (height, width) in [0, 1], and a description of what is shown.

    Args:
        y: (1, *A.range), the measurement.
        A: the operator that measured it.

    >>> from unseen.physics import Identity
    >>> look_of(torch.ones(1, 1, 8, 8), Identity((1, 8, 8)))[1]
    '8 × 8 numbers'
    """
    shape = " × ".join(map(str, A.range[1:] if A.range[0] == 1 else A.range))
    kind = "complex numbers" if y.is_complex() else "numbers"
    if isinstance(A, FourierMask):
        spectrum = torch.fft.fftshift(y[0, 0].abs().log1p())
        return _scaled(spectrum), f"{int(A.mask.sum()):,} of {shape} frequencies, log |y|, zero in the middle"
    flat = y[0].abs() if y.is_complex() else y[0]
    if flat.ndim == 3:
        return _scaled(flat[0]), f"{shape} {kind}"
    row = flat.flatten().abs().log1p()  # numbers in a row are laid out as a rectangle
    width = math.ceil(math.sqrt(len(row)))
    padded = torch.nn.functional.pad(row, (0, -len(row) % width))
    return _scaled(padded.reshape(-1, width)), f"{len(row):,} {kind} in a row, log |y|"


def _scaled(values: Tensor) -> Tensor:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)
