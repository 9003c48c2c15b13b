"""Initial weights of DCGAN blocks, drawn at the start and whenever a discriminator is initialised again."""

import torch
from torch import nn


def initialise_dcgan(module: nn.Module, *, generator: torch.Generator) -> None:
    """Draw every convolution from N(0, 0.02²), BatchNorm's γ from N(1, 0.02²), and set its β and a convolution's
    bias, where there is one, to 0.

    Args:
        module: the network; it is changed in place.
        generator: where the weights are drawn from.

    The order is that of `module.modules()`, so the same generator gives the same weights.
    0.02 is the standard deviation (the thesis writes "variance").

    Source: Radford, Metz, Chintala, "Unsupervised representation learning with deep convolutional GANs", ICLR 2016,
    section 4.

    >>> net = nn.Conv2d(1, 64, 4)
    >>> initialise_dcgan(net, generator=torch.Generator().manual_seed(0))
    >>> 0.015 < net.weight.std().item() < 0.025
    True
    """
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                _draw(layer.weight, 0.0, generator)
                if layer.bias is not None:
                    layer.bias.zero_()
            elif isinstance(layer, nn.BatchNorm2d):
                _draw(layer.weight, 1.0, generator)
                layer.bias.zero_()
                layer.reset_running_stats()


def _draw(weight: torch.Tensor, mean: float, generator: torch.Generator) -> None:
    # drawn on the CPU and copied, so that a seed means the same on every device
    weight.copy_(mean + 0.02 * torch.randn(weight.shape, generator=generator))
