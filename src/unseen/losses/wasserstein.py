"""The two losses of a WGAN-GP's critic: how far apart it holds real and made pictures, and that its slope is 1.

Neither needs x, A or a mask; both see pictures through the critic. The generator ascends the mean of its pictures'
scores.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unseen.losses.precision import at_least_single
from unseen.losses.real_and_fake import check_alike, mean_of_each


def wasserstein_critic(real_score: Tensor, fake_score: Tensor) -> Tensor:
    """fake_score − real_score, per sample: what the critic descends beside `gradient_penalty`.

    Minus its mean is an estimate of the Wasserstein-1 distance between real and made pictures, as far as the critic is
    1-Lipschitz and the best of these.

    Args:
        real_score: (batch,) or (batch, ...), the critic's output on real pictures; several a picture are averaged.
        fake_score: of the same shape, on made ones.

    Returns:
        (batch,), at least in single precision.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> wasserstein_critic(torch.tensor([3.0, 1.0]), torch.tensor([1.0, 1.0])).tolist()
        [-2.0, 0.0]

    Source: Arjovsky, Chintala & Bottou, Wasserstein GAN, ICML 2017, eq. 3.
    """
    check_alike("Scores of real and fake pictures", real_score, fake_score)
    difference = at_least_single(fake_score) - at_least_single(real_score)
    return mean_of_each(difference)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, *, generator: torch.Generator | None
) -> Tensor:
    """(‖∇D(x̂)‖₂ − 1)²,  x̂ = ε real + (1 − ε) fake,  ε ~ U[0, 1] a sample: (batch,).

    Args:
        critic: D, pictures (batch, ...) → scores (batch,), each of its own picture alone (no BatchNorm).
        real: (batch, ...), pictures of the data.
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

    Source: Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville, Improved training of Wasserstein GANs, NeurIPS 2017, eq. 3
    and algorithm 1.
    """
    check_alike("Real and fake pictures", real, fake, least=2)
    share = torch.rand(len(real), *[1] * (real.ndim - 1), generator=generator).to(real)  # ε
    between = share * real + (1 - share) * fake
    if not between.requires_grad:
        between.requires_grad_()
    with torch.enable_grad():
        scores = at_least_single(critic(between))
        (slope,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    steepness: Tensor = torch.linalg.vector_norm(at_least_single(slope).flatten(1), dim=1)  # (batch,)
    return (steepness - 1).square()
