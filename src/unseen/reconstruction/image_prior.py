"""Deep image prior: a network drawn at random, trained on the one measurement that it is to explain."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from unseen.losses.loss import Units, observed, observed_count
from unseen.losses.sums import squares
from unseen.networks.unet import UNet
from unseen.physics.argument_checks import is_count
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.reconstruction.measurements import check_measurements, check_rate
from unseen.reconstruction.reconstructor import as_complex, starting_image, usual_size
from unseen.training.learner import Step
from unseen.training.loop import train
from unseen.training.settings import Training

INPUTS = 8
"""Channels of the network's fixed noise input."""

SIZE_OF_INPUT = 0.1
"""Uniform on [0, 0.1], as in the paper."""

JITTER = 0.03
"""Standard deviation of what is added to the input at each step, against settling early (the paper's 1/30)."""

MEMORY = 0.99
"""Weight of the past in the running average of images that is returned (the paper's)."""


@arrays_too
def deep_image_prior(
    y: Tensor,
    process: Measurement | Operator,
    *,
    steps: int = 1000,
    learning_rate: float = 1e-2,
    features: int = 16,
    depth: int = 3,
    seed: int = 0,
    device: str = "cpu",
) -> Tensor:
    """x̂ = s · G_θ(z) for a fixed random z, with θ descending ‖y − link(A x̂)‖² / m; a network for each sample, and s
    the size of its first image, A⁺ or FBP of the linearised y.

    A convolutional network fits images before noise; so it is stopped early: where the noise is Gaussian, as soon as
    the misfit of the running average of its images is down to σ², else after `steps`. That average is returned.

    Args:
        y: (batch, *A.range); a NumPy array too, and then an array comes back.
        process: how it was measured; an operator alone: without noise.
        steps: of Adam, at most, ≥ 1.
        learning_rate: of Adam, > 0.
        features: channels of the U-Net's first level, ≥ 1.
        depth: times that the U-Net halves the image, ≥ 1.
        seed: of weights, input and what is added to it; sample i has seed + i.
        device: as for `Training`.

    Returns:
        x̂: (batch, *A.domain), on the CPU, in y's precision; the network computes in single precision.

    Raises:
        ValueError: y has another shape, or is not finite; or a setting is out of range.

    >>> import torch
    >>> from unseen.physics import Identity, Measurement
    >>> deep_image_prior(torch.ones(1, 1, 16, 16), Measurement(Identity((1, 16, 16))), steps=2, features=4).shape
    torch.Size([1, 1, 16, 16])

    Source: Ulyanov, Vedaldi & Lempitsky, Deep image prior, CVPR 2018, arXiv 1711.10925.
    """
    process = Measurement.of(process)
    check_measurements(y, process)
    for name, count in {"steps": steps, "features": features, "depth": depth}.items():
        if not is_count(count):
            raise ValueError(f"{name} is a whole number above 0, but got {count!r}.")
    check_rate("learning_rate", learning_rate)
    images = []
    for i in range(len(y)):
        one, own = y[i : i + 1].detach().cpu(), process.select(torch.tensor([i]))
        start = starting_image(one, own, "auto")
        units = Units.of(usual_size(start), one, own)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + i)
            learner = _Prior(own, units, learning_rate, features=features, depth=depth)
        train(learner, [one], Training(epochs=steps, batch_size=1, seed=seed + i, device=device))
        images.append(learner.image().to(start.dtype))
    return torch.cat(images)


class _Prior:
    """One network for one measurement; `modules` holds the state from step to step."""

    def __init__(self, process: Measurement, units: Units, learning_rate: float, *, features: int, depth: int) -> None:
        A = process.A
        channels = A.domain[0] * (2 if A.complex_domain else 1)
        divisor = 2**depth
        self.process, self.units = process, units
        self.sides = A.domain[1:]
        padded = [-(-side // divisor) * divisor for side in self.sides]
        if padded == [divisor, divisor]:  # BatchNorm needs two values at the coarsest level
            padded = [divisor, 2 * divisor]
        network = UNet(features=features, depth=depth, inputs=INPUTS, outputs=channels)
        memory = _Memory(SIZE_OF_INPUT * torch.rand(1, INPUTS, *padded), torch.zeros(1, channels, *self.sides))
        self.memory = memory
        self.modules: dict[str, nn.Module] = {"network": network, "memory": memory}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "loss": torch.optim.Adam(network.parameters(), lr=learning_rate)
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        (y,) = batch
        memory = self.memory  # Fabric moves it in place, and nothing in it is called
        if bool(memory.done):  # the loop goes on, and costs nothing
            return
        z = memory.z + JITTER * torch.randn(memory.z.shape, generator=rng).to(memory.z)
        height, width = self.sides
        pairs = self.modules["network"](z)[..., :height, :width]
        memory.remember(pairs.detach())
        memory.done.fill_(self._explained(y))
        yield Step("loss", self._misfit(pairs, y).mean() / self.units.measurement**2)

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""

    def image(self) -> Tensor:
        """Return the running average: (1, *A.domain)."""
        return self._image_of(self.memory.average)

    def _misfit(self, pairs: Tensor, y: Tensor) -> Tensor:
        u = self.process.mean(self._image_of(pairs))
        return squares(observed(self.process, u - y)) / observed_count(self.process, y).float()

    def _image_of(self, pairs: Tensor) -> Tensor:
        return self.units.image * (as_complex(pairs) if self.process.A.complex_domain else pairs)

    def _explained(self, y: Tensor) -> bool:
        """Return True where the running average fits y as well as the truth does."""
        noise = self.process.noise
        if not isinstance(noise, Gaussian):
            return False
        return bool((self._misfit(self.memory.average, y) <= noise.sigma_of(y).flatten() ** 2).all())


class _Memory(nn.Module):
    """The input z, and the running average of what the network made of it."""

    z: Tensor
    average: Tensor
    steps: Tensor
    done: Tensor

    def __init__(self, z: Tensor, nothing: Tensor) -> None:
        super().__init__()
        self.register_buffer("z", z)
        self.register_buffer("average", nothing)
        self.register_buffer("steps", torch.zeros(()))
        self.register_buffer("done", torch.zeros((), dtype=torch.bool))

    def remember(self, image: Tensor) -> None:
        """Take one more image into the average, whose first steps weigh as much as later ones."""
        self.steps += 1
        share = (1 - MEMORY) / (1 - MEMORY ** float(self.steps))
        self.average.lerp_(image, share)
