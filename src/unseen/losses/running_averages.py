"""Batch normalisation when a network runs more than once a step: running averages come from the measurement alone.

Stein's divergence is the *total* derivative, so the perturbed pass of `sure` normalises by its own batch. That batch
is not what the network meets when it scores, so it must not enter the running mean and variance.
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
    """Within, layers in train mode still normalise by their batch, but leave running mean, variance and batch count as
    they were.

    Layers in eval mode are not touched: they normalise by their running averages, as ever. A backward pass may follow
    later, outside.

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
    layers = list(dict.fromkeys(layers))  # a layer that two modules share must be restored once, to what it was
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
