"""Latent distribution: do the codes of images fill the prior? Only where the generator has an encoder.

Compared with the prior is the aggregate of test images' codes: of a VAE one draw from each z|x, of an AE E(x). What
the prior itself gives with as many draws stands beside each figure. An active dimension is one whose mean code varies
from image to image, Var_x E[z|x] > 0.01: the others say nothing of the image.

Source: arXiv 2107.11191, section 4; active dimensions: Burda, Grosse & Salakhutdinov, "Importance weighted
autoencoders", ICLR 2016, section 5.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unseen.evaluation.bootstrap import listed
from unseen.evaluation.intervals import Interval, Json
from unseen.evaluation.mean_discrepancy import MeanDiscrepancy, mmd
from unseen.evaluation.roc import Floats
from unseen.priors.autoencoders import VAE, AutoencoderGenerator
from unseen.priors.trained import centred

ACTIVE = 0.01
NO_ENCODER = "this generator has no encoder, so that no image has a code"
_TOGETHER = 256
_REPLICATES = 200


@dataclass(frozen=True)
class Moment:
    """A figure of the codes, and the range that holds 95 % of what as many draws of the prior give."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} (prior: {self.low:.2f} to {self.high:.2f})"

    def to_json(self) -> dict[str, Json]:
        """Return the figure and its range."""
        return {"value": round(self.value, 6), "prior": [round(self.low, 6), round(self.high, 6)]}


@dataclass(frozen=True, eq=False)
class Latents:
    """n codes of test images.

    Args:
        mean: root mean square of the mean code's entries; N(0, I): 0.
        variance: the mean variance of an entry; 1.
        least: variance along the direction in which codes vary least; 1 (0 where there are fewer codes than
            dimensions).
        greatest: and most.
        discrepancy: MMD² of codes and prior.
        active: dimensions that are active, with a bootstrap's interval; of `dimensions`.
        spreads: (dimensions,), Var_x E[z|x], falling.
        aggregate: in words, what was compared.
    """

    mean: Moment
    variance: Moment
    least: Moment
    greatest: Moment
    discrepancy: MeanDiscrepancy
    active: Interval
    dimensions: int
    spreads: Floats
    n: int
    aggregate: str

    def to_json(self) -> dict[str, Json]:
        """Return every field by its name."""
        moments = {name: getattr(self, name).to_json() for name in ("mean", "variance", "least", "greatest")}
        return {
            "n": self.n,
            "aggregate": self.aggregate,
            **moments,
            "mmd": self.discrepancy.to_json(),
            "active": self.active.to_json(),
            "dimensions": self.dimensions,
            "spreads": [*listed(self.spreads)],
        }


def latents(
    G: AutoencoderGenerator, x: Tensor, units: Sequence[int], *, seed: int, generator: torch.Generator
) -> Latents:
    """Return the codes of test images (n, channels, height, width), n ≥ 2, against the prior."""
    parts = [_posterior(G, part) for part in torch.split(x, _TOGETHER)]
    means = torch.cat([mean for mean, _ in parts])  # (n, latent)
    deviations = torch.cat([deviation for _, deviation in parts])
    n, dimensions = means.shape
    noise = torch.randn(n, dimensions, generator=generator)
    codes = (means + deviations * noise.to(means)).double().numpy()
    prior = G.latents(n * (_REPLICATES + 1), generator=generator).double().numpy().reshape(-1, n, dimensions)
    found, usual = _moments(codes[None])[0], _moments(prior[1:])  # (4,), (replicates, 4)
    low, high = np.quantile(usual, [0.025, 0.975], axis=0)
    mean, variance, least, greatest = (
        Moment(*(float(value) for value in ends)) for ends in zip(found, low, high, strict=True)
    )
    spreads = means.double().var(0, correction=0).numpy()
    return Latents(
        mean=mean,
        variance=variance,
        least=least,
        greatest=greatest,
        discrepancy=mmd(codes, prior[0], seed=seed, units=units),
        active=_active(means.double().numpy(), units, seed=seed),
        dimensions=dimensions,
        spreads=np.sort(spreads)[::-1],
        n=n,
        aggregate="one draw of z|x for each image" if isinstance(G, VAE) else "E(x), whitened when it was trained",
    )


@torch.no_grad()
def _posterior(G: AutoencoderGenerator, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of z|x, (n, latent) each; where E is not random, the deviation is 0."""
    if not isinstance(G, VAE):
        mean = G.encode(x)
        return mean.cpu(), torch.zeros_like(mean).cpu()
    code: Tensor = G.encoder(centred(x)).flatten(1)  # μ and log σ²
    mean, log_variance = code.chunk(2, dim=1)
    return mean.cpu(), (log_variance / 2).exp().cpu()


def _moments(codes: Floats) -> Floats:
    """(sets, n, latent) → (sets, 4): the mean's root mean square; mean, least and greatest variance."""
    means = codes.mean(1)
    apart = codes - means[:, None]
    covariances = np.einsum("sni,snj->sij", apart, apart) / (codes.shape[1] - 1)
    variances = np.maximum(np.linalg.eigvalsh(covariances), 0)  # (sets, latent), rising; rounding may leave −1e-16
    middle = np.sqrt((means**2).mean(1))
    return np.stack([middle, variances.mean(1), variances[:, 0], variances[:, -1]], axis=1)


def _active(means: Floats, units: Sequence[int], *, seed: int) -> Interval:
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(np.asarray(units) == unit) for unit in np.unique(units)]
    counts = []
    for _ in range(500):
        chosen = np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])
        counts.append(int((means[chosen].var(0) > ACTIVE).sum()))
    low, high = np.quantile(counts, [0.025, 0.975])
    return Interval(float((means.var(0) > ACTIVE).sum()), float(low), float(high))
