"""Architectures of frozen networks: their names, blocks and the check of a file of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from unseen.networks import convnext, densenet, efficientnet_lite, resnet50, vision_transformer
from unseen.networks.published_network import PublishedNetwork, shapes_of

ArchitectureName = Literal[
    "efficientnet-lite0", "densenet121-xrv", "dinov2-vitb14", "rad-dino", "convnext-tiny", "resnet50"
]
"""Names of the architectures."""
DEFAULT: ArchitectureName = "efficientnet-lite0"
"""The architecture whose weights come with a package."""
_ALIKE = 0.9  # share of an architecture's tensors that a file must have to look like it


@dataclass(frozen=True)
class Architecture:
    """An architecture of a frozen network.

    Attributes:
        name: its name in settings.
        build: makes the network up to its block `last`; without `last`, all of it.
        channels: channels of each block's map.
        blocks: blocks that are used by default.
    """

    name: ArchitectureName
    build: type[PublishedNetwork | efficientnet_lite.EfficientNetLite]
    channels: tuple[int, ...]
    blocks: tuple[int, ...]

    def check(self, weights: Mapping[str, Tensor]) -> None:
        """Check a file's tensors.

        Raises:
            ValueError: the weights are of another network. The message names the architecture that they look like,
                and what to do.
        """
        try:
            if issubclass(self.build, PublishedNetwork):
                self.build.checked(weights)
            else:
                self.build().fill(weights)
        except ValueError as error:
            raise ValueError(f"{error} {self._remedy(weights)}") from error

    def _remedy(self, weights: Mapping[str, Tensor]) -> str:
        alike = look_like(weights)
        if alike is None or alike == self.name:
            return f"Give a file of {self.name}'s weights, complete and with its names"
        return (
            f"They look like {alike}. Give `architecture={alike}` (`--architecture {alike}`), or a file of "
            f"{self.name}'s weights"
        )


ARCHITECTURES: Mapping[str, Architecture] = {
    one.name: one
    for one in (
        Architecture("efficientnet-lite0", efficientnet_lite.EfficientNetLite, efficientnet_lite.CHANNELS, (4, 7)),
        Architecture("densenet121-xrv", densenet.DenseNet121, densenet.CHANNELS, (1, 2)),
        Architecture("dinov2-vitb14", vision_transformer.DinoV2, vision_transformer.CHANNELS, (5, 11)),
        Architecture("rad-dino", vision_transformer.RadDino, vision_transformer.CHANNELS, (5, 11)),
        Architecture("convnext-tiny", convnext.ConvNeXtTiny, convnext.CHANNELS, (1, 2)),
        Architecture("resnet50", resnet50.ResNet50, resnet50.CHANNELS, (1, 2)),
    )
}
"""Architectures by name. RAD-DINO and DINOv2 have equal names and shapes: only the user can distinguish their files."""
assert set(ARCHITECTURES) == set(get_args(ArchitectureName))


def frozen_methods() -> str:
    """Return the keys of the methods that have a frozen network of a chosen architecture, as text.

    >>> "padim" in frozen_methods()
    True
    """
    from unseen.detectors import METHODS

    found = [key for key in METHODS.own if "architecture" in METHODS.load(key).Config.model_fields]
    return f"{', '.join(found[:-1])} and {found[-1]}"


def look_like(weights: Mapping[str, Tensor]) -> str | None:
    """Return the architecture whose tensors, by name and shape, a file has; None where it has none's.

    >>> import torch
    >>> look_like({name: torch.zeros(1) for name in ("a", "b")}) is None
    True
    """
    if "_conv_stem.weight" in weights and "_blocks.0._depthwise_conv.weight" in weights:
        return DEFAULT
    for name, one in ARCHITECTURES.items():
        if not issubclass(one.build, PublishedNetwork):
            continue
        given = {key: tuple(tensor.shape) for key, tensor in one.build.translated(weights).items()}
        expected = shapes_of(one.build)
        if sum(given.get(key) == shape for key, shape in expected.items()) >= _ALIKE * len(expected):
            return name
    return None
