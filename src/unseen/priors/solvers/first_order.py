"""First-order methods: FISTA, and directions by the limited-memory BFGS method.

FISTA: min over x of f(x) + g(x), with f smooth and g known by its proximal map.

Beck & Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM J. Imaging
Sciences 2(1), 2009, §4, with constant step 1/L; the momentum restarts where it points uphill (O'Donoghue & Candès,
"Adaptive restart for accelerated gradient schemes", Found. Comput. Math. 15, 2015, §3.2), each sample for itself.

Directions of descent from the steps taken before: the limited-memory BFGS method, a memory for each sample.

Liu & Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45, 1989;
the two loops are algorithm 7.4 of Nocedal & Wright, Numerical Optimization, 2006.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from unseen.physics.algebra import inner, lengths
from unseen.priors.solvers.solution import Solution, Watch

Map = Callable[[Tensor], Tensor]


def fista(
    gradient: Map,
    prox: Callable[[Tensor, float], Tensor],
    objective: Map,
    start: Tensor,
    *,
    lipschitz: float,
    iterations: int,
    tolerance: float,
    gap: Map | None = None,
) -> Solution:
    """Minimise f + g.

    A sample stops when its gap ≤ tolerance · its objective. Left to itself the gap is ‖x‖ ‖s‖ with s a subgradient of
    f + g at x, which bounds objective − minimum wherever ‖x − minimiser‖ ≤ ‖x‖.

    Args:
        gradient: x ↦ ∇f(x), x's shape.
        prox: (v, step) ↦ argmin over x of ‖x − v‖²/2 + step · g(x).
        objective: x ↦ f(x) + g(x): (batch,).
        start: (batch, …), where x begins.
        lipschitz: L, with ‖∇f(x) − ∇f(x')‖ ≤ L ‖x − x'‖; > 0.
        iterations: at most.
        tolerance: see above.
        gap: x ↦ a better bound of objective − minimum, (batch,), where one is known.

    Returns:
        The solution.

    Example:
        >>> import torch
        >>> b = torch.tensor([[3.0, 0.5]])  # the lasso with A = 1: soft thresholding
        >>> soft = lambda v, step: v.sign() * (v.abs() - step).clamp(min=0)
        >>> lasso = lambda x: (x - b).square().sum(1) / 2 + x.abs().sum(1)
        >>> found = fista(lambda x: x - b, soft, lasso, 0 * b, lipschitz=1.0, iterations=50, tolerance=1e-6)
        >>> found.x.tolist(), found.sentence
        ([[2.0, 0.0]], 'Converged: all 1 within 1e-06 of the minimum, after 10 iterations.')
    """
    if not lipschitz > 0:
        raise ValueError(f"lipschitz is above 0, but got {lipschitz}.")
    watch = Watch.over(start, tolerance=tolerance, iterations=iterations)
    step = 1 / lipschitz
    x = previous = start
    momentum = torch.ones_like(lengths(start))  # Beck & Teboulle's t, one a sample
    for iteration in range(1, iterations + 1):
        grown = (1 + (1 + 4 * momentum**2).sqrt()) / 2
        ahead = x + (momentum - 1) / grown * (x - previous)
        slope = gradient(ahead)
        found = prox(ahead - step * slope, step)
        uphill = inner(ahead - found, found - x) > 0
        momentum = torch.where(uphill, 1.0, grown).to(momentum.dtype)
        moving = watch.moving(x)
        previous, x = torch.where(moving, x, previous), torch.where(moving, found, x)
        if watch.due(iteration):
            if gap is None:
                # (ahead − found)/step − ∇f(ahead) is a subgradient of g at found
                subgradient = lipschitz * (ahead - found) - slope + gradient(found)
                bound = (lengths(found) * lengths(subgradient)).flatten()
            else:
                bound = gap(found)
            watch.look(iteration, value=objective(found), gap=bound)
            if not watch.active.any():
                break
    return watch.solution(x)


MEMORY = 10  # pairs of steps and changes of slope
FIRST_STEP = 0.3  # of √d: a third of the distance of a standard normal latent from zero
LEAST_CURVATURE = 1e-8  # cosine between a step and the change of slope along it


class Curvature:
    """What each sample's last steps tell of its objective's curvature.

    Args:
        slope: (n, d), float64, where all begin.
    """

    def __init__(self, slope: Tensor) -> None:
        n, d = slope.shape
        self.steps = slope.new_zeros(n, MEMORY, d)
        self.changes = slope.new_zeros(n, MEMORY, d)
        self.weights = slope.new_zeros(n, MEMORY)  # 1 / ⟨step, change⟩; zero where there is no pair
        length = torch.linalg.vector_norm(slope, dim=1)
        self.scale = torch.where(length > 0, FIRST_STEP * d**0.5 / length, 1.0)

    def direction(self, rows: Tensor, slope: Tensor) -> Tensor:
        """−H · slope with H > 0, so downhill: (rows, d)."""
        steps, changes, weights = self.steps[rows], self.changes[rows], self.weights[rows]
        q, shares = slope, []
        for j in reversed(range(MEMORY)):
            share = (weights[:, j] * (steps[:, j] * q).sum(1))[:, None]
            q = q - share * changes[:, j]
            shares.append(share)
        q = q * self.scale[rows, None]
        for j, share in enumerate(reversed(shares)):
            q = q + steps[:, j] * (share - (weights[:, j] * (changes[:, j] * q).sum(1))[:, None])
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
