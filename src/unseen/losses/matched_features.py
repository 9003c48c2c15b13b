"""Feature matching: the generator's loss in GANomaly.

It needs neither x, A nor a mask; it sees images through the discriminator's features.
"""

from torch import Tensor

from unseen.losses.network_outputs import check_alike, mean_of_each
from unseen.losses.sums import at_least_single


def feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """mean (real_features − fake_features)², per sample: the generator's loss.

    Needs y and f. Gradients flow to both sides; detach `real_features` where they come from data alone.

    Args:
        real_features: (batch, ...), the discriminator's activations on real images.
        fake_features: of the same shape, on the images that the generator made of them.

    Returns:
        (batch,), ≥ 0, at least in single precision.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> import torch
        >>> feature_matching(torch.zeros(2, 8, 4, 4), torch.full((2, 8, 4, 4), 2.0)).tolist()
        [4.0, 4.0]

    Source: Salimans et al., Improved techniques for training GANs, NeurIPS 2016, §3.1, arXiv 1606.03498; Akcay et al.,
    GANomaly, ACCV 2018, eq. 1.
    """
    check_alike("Features of real and fake images", real_features, fake_features)
    square = (at_least_single(real_features) - at_least_single(fake_features)) ** 2
    return mean_of_each(square)
