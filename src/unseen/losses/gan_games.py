"""Games of GANs, by name: the losses of a discriminator D and a generator G.

They take D's outputs r of real images and f of generated ones, before any sigmoid.

    minimax          D: ½ softplus(−r) + ½ softplus(f)      G: −softplus(f) = log(1 − σ(f)), flat where D is sure
    non-saturating   D: the same                            G: softplus(−f) = −log σ(f)
    least-squares    D: ½ (r − 1)² + ½ f²                   G: ½ (f − 1)²
    wgan             D: f − r, its weights kept small       G: −f
    wgan-gp          D: f − r + λ (‖∇D‖ − 1)²               G: −f

The training keeps D's slope in bounds, by clipped weights or by `gradient_penalty`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from torch import Tensor
from torch.nn import functional

from unseen.losses.discriminator_cross_entropy import discriminator_bce
from unseen.losses.network_outputs import check_alike, mean_of_each
from unseen.losses.sums import at_least_single
from unseen.losses.wasserstein import wasserstein_critic, wasserstein_generator

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
        """Return the generator's loss on what D holds for real, labels swapped: (batch,).

        For a network that makes that, too, as BiGAN's encoder does.
        """
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
