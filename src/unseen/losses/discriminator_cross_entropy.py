"""Binary cross-entropy of a discriminator.

It needs neither x, A nor a mask; it sees images through the discriminator's outputs.
"""

from torch import Tensor
from torch.nn import functional

from unseen.losses.network_outputs import check_alike, mean_of_each
from unseen.losses.sums import at_least_single


def discriminator_bce(real_logit: Tensor, fake_logit: Tensor) -> Tensor:
    """½ (BCE(sigmoid(real_logit), 1) + BCE(sigmoid(fake_logit), 0)), per sample: the discriminator's loss.

    = ½ (softplus(−real_logit) + softplus(fake_logit)), which never overflows. Needs y and f; detach what the generator
    made before D sees it.

    Args:
        real_logit: (batch,) or (batch, ...), D's output before its sigmoid on real images; several outputs an image
            are averaged.
        fake_logit: of the same shape, on made ones.

    Returns:
        (batch,), ≥ 0, at least in single precision; log 2 for a discriminator that cannot tell.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> import torch
        >>> discriminator_bce(torch.zeros(2, 1, 1, 1), torch.zeros(2, 1, 1, 1))
        tensor([0.6931, 0.6931])

    Source: Goodfellow et al., Generative adversarial nets, NeurIPS 2014, arXiv 1406.2661, eq. 1; the half as in
    GANomaly's implementation.
    """
    check_alike("Logits of real and fake images", real_logit, fake_logit)
    value = (functional.softplus(-at_least_single(real_logit)) + functional.softplus(at_least_single(fake_logit))) / 2
    return mean_of_each(value)
