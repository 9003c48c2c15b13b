"""Architecture `unrolled`: steps of proximal gradient descent with A inside, whose proximal map is a network."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.networks.residual_unet import ResidualUNet
from unseen.physics.measurement import Measurement
from unseen.reconstruction.reconstructor import (
    Reconstructor,
    ReconstructorSettings,
    Start,
    on_images,
    starting_image,
    usual_size,
)


class Unrolled(Reconstructor):
    """x_k+1 = s · G((x_k − (η_k / ‖A‖²) A*(A x_k − p)) / s),  k = 1 … K,  from x_1 = A⁺p or FBP(p) or A*p / ‖A‖²,
    p = link⁻¹(y).

    One residual U-Net G for all steps; the steps' lengths η_k, 1 at first, are learnt with it. s is as in
    `ArtifactRemoval`. ‖A‖ is that of the operator of y; where each sample has its own, in use or in training, of those
    learnt under.

    >>> from unseen.physics import Identity, Measurement
    >>> f = Unrolled(iterations=3)
    >>> y = torch.ones(2, 1, 16, 16)
    >>> torch.allclose(f(y, Measurement(Identity((1, 16, 16)))), y)
    True

    Source: Mardani et al., Neural proximal gradient descent for compressive imaging, NeurIPS 2018; one network for all
    steps: Aggarwal, Mani & Jacob, MoDL, IEEE TMI 38 (2019) 394–405, doi:10.1109/TMI.2018.2865356.
    """

    class Config(ReconstructorSettings):
        start: Start = Field(default="auto", description="x₁; auto: FBP where the operator has one, else A⁺")
        iterations: int = Field(default=3, ge=1, le=100, description="K, gradient steps")
        features: int = Field(default=16, ge=4, le=256, description="channels of the U-Net's first level")
        depth: int = Field(default=3, ge=1, le=6, description="times that the U-Net halves the image")

    key = "unrolled"
    config: Config
    scale: Tensor  # (), s
    gain: Tensor  # (), ‖A‖²
    network: nn.Module
    lengths: nn.Parameter  # (iterations,), η_k

    def set_up(self) -> None:
        super().set_up()
        self.network = ResidualUNet(
            channels=self.config.real_channels, features=self.config.features, depth=self.config.depth
        )
        self.lengths = nn.Parameter(torch.ones(self.config.iterations))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("gain", torch.ones(()))

    def reconstruct(self, y: Tensor, process: Measurement) -> Tensor:
        A, p, gain = process.A, process.linearise(y), self.gain_of(process, self.gain)
        x = self._begun(y, process, gain)
        for length in self.lengths:
            x = x - length / gain * A.adjoint(A(x) - p)
            x = self.scale * on_images(self.network, x / self.scale)
        return x

    @torch.no_grad()
    def prepare(self, y: Tensor, process: Measurement) -> None:
        self.gain.fill_(process.A.norm() ** 2 or 1.0)
        self.scale.fill_(usual_size(self._begun(y, process, self.gain)))

    def first_image(self, y: Tensor, process: Measurement) -> Tensor:
        return self._begun(y, process, self.gain_of(process, self.gain))

    def _begun(self, y: Tensor, process: Measurement, gain: Tensor) -> Tensor:
        x = starting_image(y, process, self.config.start)
        return x / gain if self.config.start == "adjoint" else x

    @torch.no_grad()
    def adjust(self, process: Measurement) -> None:
        self.gain.copy_(self.gain_of(process, self.gain))

    def size_of_images(self, y: Tensor, process: Measurement) -> float:
        return float(self.scale)
