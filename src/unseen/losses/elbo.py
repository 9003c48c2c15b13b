"""Negative evidence lower bound of a variational autoencoder, for Gaussian codes and Gaussian pixels.

The losses need no A; they see x through the encoder and the decoder.
"""

import math

from torch import Tensor

from unseen.losses.sums import at_least_single
from unseen.physics.tensor_products import describe


def kullback_leibler(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag exp log_variance) ‖ N(0, I)) = ½ Σ (mean² + exp log_variance − 1 − log_variance), per sample.

    Args:
        mean: (batch, ...), of an image's code.
        log_variance: of the same shape.

    Returns:
        (batch,), ≥ 0, in nats, at least in single precision.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> import torch
        >>> kullback_leibler(torch.ones(1, 3), torch.zeros(1, 3))
        tensor([1.5000])

    Source: Kingma & Welling, Auto-encoding variational Bayes, ICLR 2014, arXiv 1312.6114, appendix B.
    """
    if mean.shape != log_variance.shape or mean.ndim < 1:
        raise ValueError(
            "A code's mean and log variance have one shape, (batch, ...), but got "
            f"{describe(tuple(mean.shape))} and {describe(tuple(log_variance.shape))}."
        )
    mean, log_variance = at_least_single(mean), at_least_single(log_variance)
    # expm1: near the prior exp(v) − 1 − v is a difference of nearly equal numbers
    terms = mean.square() + log_variance.expm1() - log_variance
    return terms.reshape(len(terms), -1).sum(dim=1) / 2


def negative_elbo(
    x: Tensor, reconstruction: Tensor, mean: Tensor, log_variance: Tensor, *, variance: float = 0.5
) -> Tensor:
    """‖x − reconstruction‖² / (2 variance) + KL(N(mean, diag exp log_variance) ‖ N(0, I)), per sample.

    Minus the evidence lower bound, but for a constant, where a pixel is N(reconstruction, variance). The square is a
    *sum* over pixels: a mean would weigh the KL as many times more as there are pixels. At `variance` ½ the two terms
    are weighed alike.

    Args:
        x: (batch, ...), images.
        reconstruction: of the same shape, decoded from a code drawn from N(mean, diag exp log_variance).
        mean: (batch, ...), of the code.
        log_variance: of the same shape.
        variance: > 0, of a pixel given its code, in squared units of x.

    Returns:
        (batch,), ≥ 0, in nats, at least in single precision.

    Raises:
        ValueError: shapes differ, or the variance is not a number above 0.

    Example:
        >>> import torch
        >>> x, code = torch.zeros(1, 1, 2, 2), torch.zeros(1, 3)
        >>> negative_elbo(x, x + 1, code, code), negative_elbo(x, x + 1, code, code, variance=0.05)
        (tensor([4.]), tensor([40.]))

    Source: Kingma & Welling, Auto-encoding variational Bayes, ICLR 2014, arXiv 1312.6114, eq. 10 with Gaussian pixels;
    at ½ the objective of Duff, Campbell & Ehrhardt, arXiv 2107.11191.
    """
    if not (math.isfinite(variance) and variance > 0):
        raise ValueError(f"variance is that of a pixel given its code, a number above 0, but got {variance}.")
    if x.shape != reconstruction.shape or x.ndim < 1:
        raise ValueError(
            "Images and their reconstructions have one shape, (batch, ...), but got "
            f"{describe(tuple(x.shape))} and {describe(tuple(reconstruction.shape))}."
        )
    square = (at_least_single(x) - at_least_single(reconstruction)).square()
    return square.reshape(len(square), -1).sum(dim=1) / (2 * variance) + kullback_leibler(mean, log_variance)
