"""Architecture `artifact-removal`: a linear inverse of the measurement, then a network that removes its artefacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.artifacts.registry import place_of
from unseen.networks.residual_unet import ResidualUNet
from unseen.physics.measurement import Measurement
from unseen.reconstruction.image_functions import check_image_function
from unseen.reconstruction.reconstructor import (
    Reconstructor,
    ReconstructorSettings,
    Start,
    on_images,
    starting_image,
    usual_size,
)

if TYPE_CHECKING:
    from unseen.artifacts.constructor import C, HasConfig, P, T


class ArtifactRemoval(Reconstructor):
    """Linear inverse of the measurement, then a network G: f(y) = s · G(x₀ / s), with one number s for all images.

        x₀ = A⁺p or FBP(p) or A*p / ‖A‖²,  p = link⁻¹(y)

    G is a residual U-Net, or the user's own network from images to images (complex images: real and imaginary parts as
    channels). s is the root mean square of the training set's x₀, so that G works on values of size about 1 in any
    unit.

    Args:
        config: the settings; they can also be given by name.
        network: G; None: a residual U-Net of `features` and `depth`.

    >>> from unseen.physics import Identity, Measurement
    >>> f = ArtifactRemoval(features=8)
    >>> f(torch.ones(2, 1, 16, 16), Measurement(Identity((1, 16, 16)))).shape
    torch.Size([2, 1, 16, 16])

    Source: Jin, McCann, Froustey & Unser, IEEE TIP 26 (2017) 4509–4522, doi:10.1109/TIP.2017.2713099; without truth:
    Chen, Tachella & Davies, ICCV 2021, section 3.
    """

    class Config(ReconstructorSettings):
        start: Start = Field(default="auto", description="x₀; auto: FBP where the operator has one, else A⁺")
        features: int = Field(default=24, ge=4, le=256, description="channels of the U-Net's first level")
        depth: int = Field(default=3, ge=1, le=6, description="times that the U-Net halves the image")

    key = "artifact-removal"
    config: Config
    scale: Tensor  # (), s
    gain: Tensor  # (), ‖A‖² if x₀ is A*p / ‖A‖², else 1
    network: nn.Module

    if TYPE_CHECKING:
        # as in Reconstructor, with the network
        def __new__(
            cls: type[HasConfig[P, C, T]],
            config: C | None = None,
            network: nn.Module | None = None,
            *args: P.args,
            **settings: P.kwargs,
        ) -> T: ...

    else:
        # Any: Config defines the types of the settings, and pydantic checks them
        def __init__(self, config: Config | None = None, *, network: nn.Module | None = None, **settings: Any) -> None:
            if isinstance(config, nn.Module):
                raise TypeError(
                    "A network is given by name: ArtifactRemoval(network=…), or for_process(process, network=…), but "
                    f"got {type(config).__name__} in the place of the settings."
                )
            if network is not None:
                check_image_function(network, "network")
            super().__init__(config, **settings)
            self.own_network = "" if network is None else place_of(type(network))
            self.network = (
                network
                if network is not None
                else ResidualUNet(
                    channels=self.config.real_channels, features=self.config.features, depth=self.config.depth
                )
            )
            self.register_buffer("scale", torch.ones(()))
            self.register_buffer("gain", torch.ones(()))

    def reconstruct(self, y: Tensor, process: Measurement) -> Tensor:
        start = self.first_image(y, process)
        return self.scale * on_images(self.network, start / self.scale)

    @torch.no_grad()
    def prepare(self, y: Tensor, process: Measurement) -> None:
        if self.config.start == "adjoint":
            self.gain.fill_(process.A.norm() ** 2)
        self.scale.fill_(usual_size(self.first_image(y, process)))

    @torch.no_grad()
    def adjust(self, process: Measurement) -> None:
        if self.config.start == "adjoint":
            self.gain.copy_(self.gain_of(process, self.gain))

    def size_of_images(self, y: Tensor, process: Measurement) -> float:
        return float(self.scale)

    def first_image(self, y: Tensor, process: Measurement) -> Tensor:
        start = starting_image(y, process, self.config.start)
        return start / (self.gain_of(process, self.gain) if self.config.start == "adjoint" else self.gain)
