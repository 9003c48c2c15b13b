"""Losses of generative models: GANomaly's pair, the games of GANs by name, WGAN-GP's critic, the ELBO.

A network's outputs for real and generated images: one shape, one value a sample.

The two losses of GANomaly's kind of GAN: features that match for the generator, cross-entropy for the discriminator.

Neither needs x, A or a mask; both see y and f through the discriminator's outputs.

The two losses of a WGAN-GP's critic: how far apart it holds real and made images, and that its slope is 1.

Neither needs x, A or a mask; both see images through the critic. The generator ascends the mean of its images'
scores.

The games of GANs, by name: what a discriminator D and a generator G descend, on D's outputs r of real images and
f of made ones, before any sigmoid.

    minimax          D: ½ softplus(−r) + ½ softplus(f)      G: −softplus(f) = log(1 − σ(f)), flat where D is sure
    non-saturating   D: the same                            G: softplus(−f) = −log σ(f)
    least-squares    D: ½ (r − 1)² + ½ f²                   G: ½ (f − 1)²
    wgan             D: f − r, its weights kept small       G: −f
    wgan-gp          D: f − r + λ (‖∇D‖ − 1)²               G: −f

What keeps D's slope in bounds (clipped weights, the penalty) is the training's; `gradient_penalty` is the last one's.

What a variational autoencoder descends: minus the evidence lower bound, for Gaussian codes and Gaussian pixels.

Neither needs A; both see x through the encoder and the decoder.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from unseen.losses.loss import at_least_single
from unseen.physics.algebra import describe


def check_alike(what: str, real: Tensor, fake: Tensor, *, least: int = 1) -> None:
    """Raises ValueError, naming `what` they are, unless both have one shape of at least `least` dimensions."""
    if real.shape != fake.shape or real.ndim < least:
        raise ValueError(
            f"{what} have one shape, (batch, ...), but got {describe(tuple(real.shape))} and "
            f"{describe(tuple(fake.shape))}."
        )


def mean_of_each(values: Tensor) -> Tensor:
    """The mean over all but the first axis: (batch,)."""
    return values.reshape(len(values), -1).mean(dim=1)


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


Game = Literal["minimax", "non-saturating", "least-squares", "wgan", "wgan-gp"]


@dataclass(frozen=True)
class GanLoss:
    """The two losses of a GAN, such as those of `GAMES`.

    Args:
        discriminator: from D's outputs on real and on generated images to D's loss, (batch,).
        generator: from D's output on generated images to G's loss, (batch,).
        undecided: the output of a D that cannot distinguish the two.

    Example:
        >>> import torch
        >>> round(GAMES["non-saturating"].generator(torch.zeros(1)).item(), 4)
        0.6931
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    undecided: float = 0.0

    def swapped(self, real_logit: Tensor) -> Tensor:
        """The generator's loss on what D holds for real, labels swapped: (batch,). For a network that makes that, too,
        as BiGAN's encoder does."""
        return self.generator(2 * self.undecided - real_logit)


def minimax_generator(fake_logit: Tensor) -> Tensor:
    """log(1 − σ(fake_logit)), per sample: its gradient vanishes where D is sure that an image is made.

    Args:
        fake_logit: (batch,) or (batch, ...), D's output before its sigmoid on made images; several an image are
            averaged.

    Returns:
        (batch,), ≤ 0, at least in single precision.

    Example:
        >>> import torch
        >>> minimax_generator(torch.zeros(1))
        tensor([-0.6931])

    Source: Goodfellow et al., Generative adversarial nets, NeurIPS 2014, arXiv 1406.2661, eq. 1.
    """
    return mean_of_each(-functional.softplus(at_least_single(fake_logit)))


def non_saturating_generator(fake_logit: Tensor) -> Tensor:
    """−log σ(fake_logit), per sample.

    Args:
        fake_logit: as for `minimax_generator`.

    Returns:
        (batch,), ≥ 0, at least in single precision.

    Example:
        >>> import torch
        >>> non_saturating_generator(torch.zeros(1))
        tensor([0.6931])

    Source: Goodfellow et al., Generative adversarial nets, NeurIPS 2014, arXiv 1406.2661, section 3.
    """
    return mean_of_each(functional.softplus(-at_least_single(fake_logit)))


def least_squares_discriminator(real_score: Tensor, fake_score: Tensor) -> Tensor:
    """½ (real_score − 1)² + ½ fake_score², per sample.

    Args:
        real_score: (batch,) or (batch, ...), D's output, no sigmoid; several an image are averaged.
        fake_score: of the same shape, on made images.

    Returns:
        (batch,), ≥ 0, at least in single precision.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> import torch
        >>> least_squares_discriminator(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0])).tolist()
        [0.0, 0.5]

    Source: Mao et al., Least squares generative adversarial networks, ICCV 2017, arXiv 1611.04076, eq. 9 (a = 0, b = c
    = 1).
    """
    check_alike("Scores of real and fake images", real_score, fake_score)
    return mean_of_each(((at_least_single(real_score) - 1).square() + at_least_single(fake_score).square()) / 2)


def least_squares_generator(fake_score: Tensor) -> Tensor:
    """½ (fake_score − 1)², per sample.

    Args:
        fake_score: (batch,) or (batch, ...), D's output on made images, no sigmoid; several an image are averaged.

    Returns:
        (batch,), ≥ 0, at least in single precision.

    Example:
        >>> import torch
        >>> least_squares_generator(torch.tensor([1.0, 0.0])).tolist()
        [0.0, 0.5]

    Source: Mao et al., Least squares generative adversarial networks, ICCV 2017, arXiv 1611.04076, eq. 9 (c = 1).
    """
    return mean_of_each((at_least_single(fake_score) - 1).square() / 2)


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


_WASSERSTEIN = GanLoss(wasserstein_critic, wasserstein_generator)
GAMES: Mapping[Game, GanLoss] = MappingProxyType(
    {
        "minimax": GanLoss(discriminator_bce, minimax_generator),
        "non-saturating": GanLoss(discriminator_bce, non_saturating_generator),
        "least-squares": GanLoss(least_squares_discriminator, least_squares_generator, undecided=0.5),
        "wgan": _WASSERSTEIN,
        "wgan-gp": _WASSERSTEIN,
    }
)


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
