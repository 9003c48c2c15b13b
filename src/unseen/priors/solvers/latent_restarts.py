"""Restarts of a search over latents: `best_of` chooses each image's best start, `LatentSolution` holds all outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.priors.solvers.palm import Descent
from unseen.priors.solvers.solution import Solution


@dataclass(frozen=True, kw_only=True)
class LatentSolution(Solution):
    """The best of several descents for each image. An objective over latents has many minima: `gap` and `converged`
    speak of the nearest one, as far as a further step can tell, and not of the least of all.

    Args:
        z: (batch, *latent), the winner's.
        residual: (batch, *domain), x − G(z): the part of x that the generator does not explain.
        values: (batch, restarts) float64, each start's objective.
        winner: (batch,) int64, the start that x, z and all the others are of.
        ends: (batch, restarts, *latent), where each start ended: to go on from.
        paths: (iterations + 1, batch, restarts) float64, each start's objective on its way; it never rises.
        calls: of the generator.
    """

    z: Tensor
    residual: Tensor
    values: Tensor
    winner: Tensor
    ends: Tensor
    paths: Tensor
    calls: int

    @property
    def sentence(self) -> str:
        """Describe the result in a sentence."""
        n, restarts = self.values.shape
        done, most = int(self.converged.sum()), int(self.iterations.max()) if n else 0
        tries = f"the best of {restarts} starts" if restarts > 1 else "one start"
        if not bool(self.value.isfinite().all()):
            return (
                f"Nothing found: for {int((~self.value.isfinite()).sum())} of {n} no start has a finite objective. "
                "Look for a generator or an operator that gives NaN or infinity."
            )
        if done == n:
            return f"Converged: all {n} at a minimum ({tries}), to {self.tolerance:.0e}, after {most} iterations."
        worst = int(torch.where(self.converged, -torch.inf, self.gap).argmax())
        return (
            f"Not converged: {done} of {n} reached a minimum ({tries}); a further step of sample {worst} promises "
            f"{float(self.gap[worst]):.1e} of its objective, after {most} iterations. Allow more iterations, or a "
            "larger tolerance."
        )


def best_of(
    descent: Descent,
    image: Callable[[Tensor, tuple[Tensor, ...]], Tensor],
    *,
    batch: int,
    latent_shape: tuple[int, ...],
    dtype: torch.dtype,
    tolerance: float,
    weight: Tensor,
) -> LatentSolution:
    """Return for each image the start with the lowest objective.

    Args:
        descent: of batch · restarts starts, an image's next to each other.
        image: (G(z), s) ↦ x.
        batch: images.
        latent_shape, dtype: of the latents as the generator takes them.
        tolerance: that the descent had.
        weight: (batch,), λ.
    """
    restarts = len(descent.value) // batch if batch else 1
    values = descent.value.reshape(batch, restarts)
    winner = torch.where(values.isfinite(), values, torch.inf).argmin(1)
    best = torch.arange(batch, device=winner.device) * restarts + winner
    x = image(descent.image[best], tuple(part[best] for part in descent.state))
    return LatentSolution(
        x=x,
        value=descent.value[best],
        gap=descent.gap[best],
        iterations=descent.iterations[best],
        converged=descent.converged[best],
        tolerance=tolerance,
        trace=descent.looks[:, :, best],
        weight=weight.double(),
        z=descent.z[best].to(dtype).reshape(batch, *latent_shape),
        residual=x - descent.image[best],
        values=values,
        winner=winner,
        ends=descent.z.to(dtype).reshape(batch, restarts, *latent_shape),
        paths=descent.looks[:, 1].reshape(-1, batch, restarts),
        calls=descent.calls,
    )
