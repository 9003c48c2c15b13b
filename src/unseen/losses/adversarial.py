"""The two losses of GANomaly's kind of GAN: features that match for the generator, cross-entropy for the discriminator.

Neither needs x, A or a mask; both see y and f through the discriminator's outputs.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from unseen.losses.precision import at_least_single
from unseen.losses.real_and_fake import check_alike, mean_of_each


def feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """mean (real_features − fake_features)², per sample: the generator's loss.

    Needs y and f. Gradients flow to both sides; detach `real_features` where they come from data alone.

    Args:
        real_features: (batch, ...), the discriminator's activations on real pictures.
        fake_features: of the same shape, on the pictures that the generator made of them.

    Returns:
        (batch,), ≥ 0, at least in single precision.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> import torch
        >>> feature_matching(torch.zeros(2, 8, 4, 4), torch.full((2, 8, 4, 4), 2.0)).tolist()
        [4.0, 4.0]

    Source: Salimans et al., Improved techniques for training GANs, NeurIPS 2016, §3.1; Akcay et al., GANomaly, ACCV
    2018, eq. 1.
    """
    check_alike("Features of real and fake pictures", real_features, fake_features)
    square = (at_least_single(real_features) - at_least_single(fake_features)) ** 2
    return mean_of_each(square)


def discriminator_bce(real_logit: Tensor, fake_logit: Tensor) -> Tensor:
    """½ (BCE(sigmoid(real_logit), 1) + BCE(sigmoid(fake_logit), 0)), per sample: the discriminator's loss.

    = ½ (softplus(−real_logit) + softplus(fake_logit)), which never overflows. Needs y and f; detach what the generator
    made before D sees it.

    Args:
        real_logit: (batch,) or (batch, ...), D's output before its sigmoid on real pictures; several outputs a picture
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

    Source: Goodfellow et al., Generative adversarial nets, NeurIPS 2014, eq. 1; the half as in GANomaly's
    implementation.
    """
    check_alike("Logits of real and fake pictures", real_logit, fake_logit)
    value = (functional.softplus(-at_least_single(real_logit)) + functional.softplus(at_least_single(fake_logit))) / 2
    return mean_of_each(value)
