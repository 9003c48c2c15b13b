"""Smoothness in z: how much does an image change when its latent does?

The local Lipschitz constant of G at z is ‖J(z)‖₂, the largest singular value of its Jacobian: by how much an image
moves, in the norm over pixels, for a step of length 1 in the direction that moves it most. It is found at draws of the
prior in the directions that power iteration on JᵀJ goes through, taken together (Lanczos), and comes from below: it is
exact after as many steps as z has numbers. Beside it, paths between two draws: how much longer the longest of their
even steps is than the mean one. On an even path that is 1; a jump makes it large.

Source: arXiv 2107.11191, section 4. Paths follow the sphere (White, "Sampling generative networks", arXiv 1609.04468),
since in many dimensions the prior has next to nothing near the middle of a chord. Lanczos: Golub & Van Loan, "Matrix
computations", section 10.1; the vectors are made orthogonal again at each step.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from unseen.evaluation.bootstrap import listed, mean_over, quantile_of
from unseen.evaluation.intervals import Figure, Interval, Json
from unseen.evaluation.roc import Floats
from unseen.priors.generator import Generator

QUANTILES = (0.05, 0.5, 0.95)
STEPS, SHOWN_STEPS, SHOWN_PATHS = 24, 9, 3  # an image is shown every third step
_TOGETHER = 64
_TOLERANCE = 1e-5  # a step that raises no slope by more than this share is the last


@dataclass(frozen=True, eq=False)
class Smoothness:
    """Smoothness of a generator.

    Args:
        slopes: (n,), ‖J(z)‖₂ at draws of the prior.
        paces: (n,), longest step ÷ mean step of each path.
        apart: the mean distance ‖x − x'‖ of two test images, to compare slopes with.
        paths: (paths, images, channels, height, width), some of them.
    """

    slopes: Floats
    paces: Floats
    apart: float
    paths: Tensor

    @cached_property
    def quantiles(self) -> dict[float, Interval]:
        """Quantiles of the slopes, with intervals, by level."""
        return {level: quantile_of(self.slopes, level) for level in QUANTILES}

    @cached_property
    def pace(self) -> Figure:
        """The mean over paths."""
        return mean_over(self.paces)

    def to_json(self) -> dict[str, Json]:
        """Quantiles, the mean pace, and every slope."""
        return {
            "n": len(self.slopes),
            "slope": {f"{level:g}": figure.to_json() for level, figure in self.quantiles.items()},
            "steepest": round(float(self.slopes.max()), 6),
            "apart": round(self.apart, 6),
            "paths": len(self.paces),
            "steps": STEPS,
            "pace": self.pace.to_json(),
            "by_draw": [*listed(self.slopes)],
        }


def smoothness(G: Generator, tested: Tensor, *, number: int, generator: torch.Generator) -> Smoothness:
    """Slopes at so many draws of the prior, and as many paths between two draws.

    Args:
        G: the generator.
        tested: (m, channels, height, width), m ≥ 2.
        number: n ≥ 1.
        generator: of the draws.
    """
    z, first, last = (G.latents(number, generator=generator) for _ in range(3))
    slopes = torch.cat([steepest(G, part, generator=generator) for part in torch.split(z, _TOGETHER)])
    at = torch.linspace(0, 1, STEPS + 1)
    paces: list[float] = []
    shown: list[Tensor] = []
    with torch.no_grad():
        for start, end in zip(first, last, strict=True):
            images = G(between(start, end, at.to(z)))  # (STEPS + 1, channels, height, width)
            lengths = torch.linalg.vector_norm((images[1:] - images[:-1]).flatten(1).double(), dim=1)
            mean = float(lengths.mean())
            paces.append(float(lengths.max()) / mean if mean > 0 else 1.0)
            if len(shown) < SHOWN_PATHS:
                shown.append(images[:: STEPS // (SHOWN_STEPS - 1)].cpu())
    flat = tested.flatten(1).double()
    apart = float(torch.pdist(flat).mean())
    return Smoothness(slopes.cpu().numpy(), np.asarray(paces), apart, torch.stack(shown))


def between(start: Tensor, end: Tensor, at: Tensor) -> Tensor:
    """Latents on the arc from one to another: (len(at), *latent); on the chord where they point along one line.

    >>> z = between(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]), torch.tensor([0.0, 1.0]))
    >>> torch.allclose(z, torch.tensor([[1.0, 0.0], [0.0, 2.0]]), atol=1e-6)
    True
    """
    at = at.reshape(-1, *[1] * start.ndim)
    lengths = torch.linalg.vector_norm(start) * torch.linalg.vector_norm(end)
    angle = ((start * end).sum() / lengths.clamp(min=torch.finfo(start.dtype).tiny)).clamp(-1, 1).arccos()
    if float(angle.sin()) < 1e-3:
        return (1 - at) * start + at * end
    arc: Tensor = (((1 - at) * angle).sin() * start + (at * angle).sin() * end) / angle.sin()
    return arc


def steepest(G: Generator, z: Tensor, *, generator: torch.Generator) -> Tensor:
    """‖J(z)‖₂ of G at each latent (n, *latent): (n,), float64; never above it but for rounding.

    Args:
        G: differentiable, each image of its own latent alone.
        z: (n, *latent).
        generator: of the first directions.

    >>> from unseen.priors.principal_subspace import PrincipalSubspace
    >>> rng = torch.Generator().manual_seed(0)
    >>> G = PrincipalSubspace.fit(torch.rand(20, 1, 8, 8, generator=rng), components=3)  # its rows are orthonormal
    >>> steepest(G, G.latents(2, generator=rng), generator=rng)
    tensor([1.0000, 1.0000], dtype=torch.float64)
    """
    with torch.enable_grad():
        at = z.detach().requires_grad_()
        images = G(at)  # (n, channels, height, width)
        weights = torch.zeros_like(images, requires_grad=True)
        (back,) = torch.autograd.grad(images, at, weights, create_graph=True)  # Jᵀ weights, linear in them
    v = _unit(torch.randn(z.shape, generator=generator).to(z.device).flatten(1).double())
    seen = sent = v[:, None][:, :0]  # (n, steps, d) each: v, and JᵀJ v
    found = torch.zeros(len(z), dtype=torch.float64, device=z.device)
    for _ in range(v.shape[1]):
        (moved,) = torch.autograd.grad(back, weights, v.reshape(z.shape).to(z.dtype), retain_graph=True)  # J v
        (w,) = torch.autograd.grad(images, at, moved, retain_graph=True)  # Jᵀ J v
        w = w.flatten(1).double()
        seen, sent = torch.cat([seen, v[:, None]], dim=1), torch.cat([sent, w[:, None]], dim=1)
        ritz = torch.linalg.eigvalsh((seen @ sent.mT + sent @ seen.mT) / 2)[:, -1].clamp(min=0).sqrt()
        still = ritz - found <= _TOLERANCE * ritz
        found = torch.maximum(ritz, found)
        if bool(still.all()):
            break
        for _ in range(2):  # twice is enough
            w = w - ((seen @ w[..., None]).mT @ seen)[:, 0]
        v = _unit(w)
    return found


def _unit(v: Tensor) -> Tensor:
    """(n, d), each of length 1."""
    unit: Tensor = v / torch.linalg.vector_norm(v, dim=1, keepdim=True).clamp(min=torch.finfo(v.dtype).tiny)
    return unit
