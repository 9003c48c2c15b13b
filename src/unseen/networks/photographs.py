"""Grey films as the colour photographs that networks of ImageNet expect."""

from collections.abc import Sequence

from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of the photographs' red, green and blue, in [0, 1]."""
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def as_photograph(
    x: Tensor, *, mean: Sequence[float] = IMAGENET_MEAN, deviation: Sequence[float] = IMAGENET_DEVIATION
) -> Tensor:
    """Return three equal colours, each standardised: (batch, 3, height, width).

    Args:
        x: grey images, (batch, 1, height, width), in [−1, 1].
        mean: mean of each colour, in [0, 1].
        deviation: its standard deviation.

    >>> import torch
    >>> as_photograph(torch.ones(1, 1, 1, 1)).flatten().tolist()
    [2.2489..., 2.4285..., 2.6400...]
    """
    centre, scale = (x.new_tensor(three)[:, None, None] for three in (mean, deviation))
    return ((x + 1) / 2 - centre) / scale
