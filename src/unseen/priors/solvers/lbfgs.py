"""Limited-memory BFGS: directions of descent from earlier steps, a memory for each sample.

Liu & Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45, 1989;
the two loops are algorithm 7.4 of Nocedal & Wright, Numerical Optimization, 2006.
"""

import torch
from torch import Tensor

MEMORY = 10  # pairs of steps and changes of slope
FIRST_STEP = 0.3  # of √d: a third of the distance of a standard normal latent from zero


LEAST_CURVATURE = 1e-8  # cosine between a step and the change of slope along it


class Curvature:
    """Curvature of each sample's objective, from its last steps.

    Args:
        slope: (n, d), float64, where all begin.
    """

    def __init__(self, slope: Tensor) -> None:
        n, d = slope.shape
        self.steps = slope.new_zeros(n, MEMORY, d)
        self.changes = slope.new_zeros(n, MEMORY, d)
        self.weights = slope.new_zeros(n, MEMORY)  # 1 / ⟨step, change⟩; zero where there is no pair
        self.taken = 0  # pairs of a sample, at most
        length = torch.linalg.vector_norm(slope, dim=1)
        self.scale = torch.where(length > 0, FIRST_STEP * d**0.5 / length, 1.0)

    def direction(self, rows: Tensor, slope: Tensor) -> Tensor:
        """−H · slope with H > 0, so downhill: (rows, d)."""
        filled = slice(MEMORY - min(self.taken, MEMORY), None)  # those before hold no pair of any sample
        memories = (self.steps, self.changes, self.weights[..., None])
        pairs = list(zip(*(memory[rows, filled].unbind(1) for memory in memories), strict=True))
        q, shares = slope, []
        for step, change, weight in reversed(pairs):
            share = weight * (step * q).sum(1, keepdim=True)
            q = q - share * change
            shares.append(share)
        q = q * self.scale[rows, None]
        for (step, change, weight), share in zip(pairs, reversed(shares), strict=True):
            q = q + step * (share - weight * (change * q).sum(1, keepdim=True))
        downhill = ((q * slope).sum(1) > 0) & q.isfinite().all(1)
        return -torch.where(downhill[:, None], q, slope * self.scale[rows, None])

    def learn(self, rows: Tensor, step: Tensor, change: Tensor, *, samples: Tensor) -> Tensor:
        """Take in what steps changed, (rows, d) both, for the `samples`; those along which the slope fell, where
        no H > 0 explains it, are left out.

        Returns:
            Which were taken in: (rows,), bool.
        """
        product = (step * change).sum(1)
        lengths = torch.linalg.vector_norm(step, dim=1) * torch.linalg.vector_norm(change, dim=1)
        convex: Tensor = samples & (product > LEAST_CURVATURE * lengths) & (product > 0)
        kept = rows[convex]
        self.taken += 1
        for memory, new in (
            (self.steps, step[convex]),
            (self.changes, change[convex]),
            (self.weights, 1 / product[convex]),
        ):
            memory[kept] = torch.cat([memory[kept, 1:], new[:, None]], dim=1)
        self.scale[kept] = product[convex] / change[convex].square().sum(1)
        return convex

    def forget(self, rows: Tensor, which: Tensor) -> None:
        """Restart from the gradient alone, for those of the rows."""
        self.weights[rows[which]] = 0
