"""Losses of a network that is trained on masks to predict a mask, such as the lung finder.

Both need the truth (x, here `mask`) and f (here its `logits`).
"""

import torch
from torch import Tensor
from torch.nn import functional

from unseen.losses.sums import at_least_single
from unseen.physics.tensor_products import describe


def dice_loss(logits: Tensor, mask: Tensor, *, smoothing: float = 1.0) -> Tensor:
    """Compute 1 − (2 Σ p mask + smoothing) / (Σ p + Σ mask + smoothing) per sample, with p = sigmoid(logits).

    Args:
        logits: (batch, ...), before the sigmoid.
        mask: of the same shape, bool or in [0, 1].
        smoothing: ≥ 0, in pixels; an empty mask that is correctly predicted as empty has loss 0 instead of 0/0.

    Returns:
        (batch,), in [0, 1], at least in single precision.

    Raises:
        ValueError: the shapes differ, or the mask has values outside of [0, 1].

    Example:
        >>> import torch
        >>> mask = torch.ones(1, 1, 2, 2)
        >>> dice_loss(torch.full((1, 1, 2, 2), 50.0), mask), dice_loss(torch.full((1, 1, 2, 2), -50.0), mask)
        (tensor([0.]), tensor([0.8000]))

    Source: Milletari, Navab & Ahmadi, V-Net, 3DV 2016, §3, without its squares in the denominator.
    """
    _check(logits, mask)
    p, mask = torch.sigmoid(at_least_single(logits)), at_least_single(mask)
    overlap, sizes = _flat(p * mask).sum(dim=1), _flat(p).sum(dim=1) + _flat(mask).sum(dim=1)
    return 1 - (2 * overlap + smoothing) / (sizes + smoothing)


def bce(logits: Tensor, mask: Tensor) -> Tensor:
    """Compute the mean of −mask log p − (1 − mask) log(1 − p) per sample, with p = sigmoid(logits).

    Args:
        logits: (batch, ...), before the sigmoid.
        mask: of the same shape, bool or in [0, 1].

    Returns:
        (batch,), ≥ 0, in nats per pixel, at least in single precision.

    Raises:
        ValueError: the shapes differ, or the mask has values outside of [0, 1].

    Example:
        >>> import torch
        >>> bce(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor([0.6931])
    """
    _check(logits, mask)
    logits = at_least_single(logits)
    return _flat(functional.softplus(logits) - logits * at_least_single(mask)).mean(dim=1)


def _check(logits: Tensor, mask: Tensor) -> None:
    if logits.shape != mask.shape or logits.ndim < 1:
        raise ValueError(
            "Logits and mask have one shape, (batch, ...), but got "
            f"{describe(tuple(logits.shape))} and {describe(tuple(mask.shape))}."
        )
    if mask.dtype != torch.bool and not bool(((mask >= 0) & (mask <= 1)).all()):
        raise ValueError(
            f"A mask is bool or holds values from 0 to 1, but got values from {float(mask.min()):g} to "
            f"{float(mask.max()):g}. Divide it by its largest value, such as mask / 255, or threshold it: mask > 127."
        )


def _flat(tensor: Tensor) -> Tensor:
    return tensor.reshape(len(tensor), -1)
