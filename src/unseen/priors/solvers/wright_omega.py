"""Wright omega function of real numbers: ω(t) = W(exp t), with W Lambert's function.

Source: Corless & Jeffrey, "The Wright ω function", AISC 2002; the iteration of Fritsch, Shafer & Crowley is that of
Lawrence, Corless & Jeffrey, "Algorithm 917", ACM Trans. Mathematical Software 38(3), 2012.
"""

import torch
from torch import Tensor

STEPS = 3  # of fourth order each, from a guess that is right to a third
SMALL = -40.0  # below, ω(t) = exp t to rounding in double precision, too
LARGE = 1e9  # above, ω(t) = t − log t to rounding, and squares of t may overflow


def wright_omega(t: Tensor) -> Tensor:
    """Return w > 0 with w + log w = t.

    Args:
        t: any shape, single or double precision; −∞ gives 0.

    Example:
        >>> wright_omega(torch.tensor([1.0, -float("inf")])).tolist()
        [1.0, 0.0]
    """
    inner = t.clamp(min=SMALL, max=LARGE)
    w = torch.where(inner > 1, inner - inner.clamp(min=1).log(), torch.exp(inner.clamp(max=1)).log1p())
    for _ in range(STEPS):
        residual = inner - w - w.log()
        near = 2 * (1 + w) * (1 + w + 2 / 3 * residual)
        w = w * (1 + residual / (1 + w) * (near - residual) / (near - 2 * residual))
    beyond = torch.where(t < SMALL, t.exp(), t - t.clamp(min=1).log())
    return torch.where((t < SMALL) | (t > LARGE), beyond, w)
