"""Running averages of batch normalisation when a network runs more than once a step.

Only the pass on the measurement updates them. Stein's divergence is the *total* derivative, so the perturbed pass of
`sure` normalises by its own batch. The network does not get this batch when it scores. The batch must therefore not
enter the running mean and variance.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

NORMALISERS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
)


@contextmanager
def running_averages_frozen(*modules: nn.Module) -> Iterator[None]:
    """Freeze the running averages of normalisation layers inside a `with` block.

    Layers in train mode still normalise by their batch, but do not update running mean, variance and batch count.
    Layers in eval mode are not changed: they normalise by their running averages. The backward pass may follow after
    the block.

    Args:
        modules: every batch and instance normalisation in them, at any depth, is frozen.

    Example:
        >>> import torch
        >>> layer = torch.nn.BatchNorm2d(1)
        >>> with running_averages_frozen(layer):
        ...     mean = layer(5 + torch.randn(8, 1, 4, 4)).mean()
        >>> bool(mean.abs() < 1e-5), layer.running_mean.item(), layer.num_batches_tracked.item()
        (True, 0.0, 0)
    """
    layers = [
        layer
        for module in modules
        for layer in module.modules()
        if isinstance(layer, NORMALISERS) and layer.training and layer.track_running_stats
    ]
    layers = list(dict.fromkeys(layers))  # a layer that two modules share is restored once
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
