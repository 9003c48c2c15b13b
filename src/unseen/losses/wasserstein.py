"""Losses of a Wasserstein GAN: critic, generator, and the gradient penalty of WGAN-GP.

They need neither x, A nor a mask; all see images through the critic. The critic is trained to separate real from
generated images with a slope of 1; the generator ascends the mean of its images' scores.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from unseen.losses.network_outputs import check_alike, mean_of_each
from unseen.losses.sums import at_least_single


def wasserstein_critic(real_score: Tensor, fake_score: Tensor) -> Tensor:
    """fake_score − real_score, per sample: what the critic descends beside `gradient_penalty`.

    Minus its mean is an estimate of the Wasserstein-1 distance between real and made images, as far as the critic is
    1-Lipschitz and the best of these.

    Args:
        real_score: (batch,) or (batch, ...), the critic's output on real images; several an image are averaged.
        fake_score: of the same shape, on made ones.

    Returns:
        (batch,), at least in single precision.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> wasserstein_critic(torch.tensor([3.0, 1.0]), torch.tensor([1.0, 1.0])).tolist()
        [-2.0, 0.0]

    Source: Arjovsky, Chintala & Bottou, Wasserstein GAN, ICML 2017, arXiv 1701.07875, eq. 3.
    """
    check_alike("Scores of real and fake images", real_score, fake_score)
    difference = at_least_single(fake_score) - at_least_single(real_score)
    return mean_of_each(difference)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, *, generator: torch.Generator | None
) -> Tensor:
    """(‖∇D(x̂)‖₂ − 1)²,  x̂ = ε real + (1 − ε) fake,  ε ~ U[0, 1] a sample: (batch,).

    Args:
        critic: D, images (batch, ...) → scores (batch,), each of its own image alone (no BatchNorm).
        real: (batch, ...), images of the data.
        fake: of the same shape, made ones.
        generator: where ε comes from, on the CPU; None: torch's global generator.

    Returns:
        (batch,), ≥ 0, at least in single precision; differentiable in D's weights.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> x = torch.zeros(2, 1, 2, 2)
        >>> gradient_penalty(lambda x: 2 * x.flatten(1).sum(1), x, x, generator=None)  # a slope of 4
        tensor([9., 9.])

    Source: Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville, Improved training of Wasserstein GANs, NeurIPS 2017,
    arXiv 1704.00028, eq. 3 and algorithm 1.
    """
    check_alike("Real and fake images", real, fake, least=2)
    share = torch.rand(len(real), *[1] * (real.ndim - 1), generator=generator).to(real)  # ε
    between = share * real + (1 - share) * fake
    if not between.requires_grad:
        between.requires_grad_()
    with torch.enable_grad():
        scores = at_least_single(critic(between))
        (slope,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    steepness: Tensor = torch.linalg.vector_norm(at_least_single(slope).flatten(1), dim=1)  # (batch,)
    return (steepness - 1).square()


def wasserstein_generator(fake_score: Tensor) -> Tensor:
    """−fake_score, per sample.

    Args:
        fake_score: (batch,) or (batch, ...), the critic's output on made images; several an image are averaged.

    Returns:
        (batch,), at least in single precision.

    Example:
        >>> import torch
        >>> wasserstein_generator(torch.tensor([3.0])).tolist()
        [-3.0]

    Source: Arjovsky, Chintala & Bottou, Wasserstein GAN, ICML 2017, arXiv 1701.07875, algorithm 1.
    """
    return mean_of_each(-at_least_single(fake_score))
