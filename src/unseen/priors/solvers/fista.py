"""FISTA, the accelerated proximal gradient method: min over x of f(x) + g(x), f smooth, g by its proximal map.

Beck & Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM J. Imaging
Sciences 2(1), 2009, §4, with constant step 1/L; the momentum restarts where it points uphill (O'Donoghue & Candès,
"Adaptive restart for accelerated gradient schemes", Found. Comput. Math. 15, 2015, §3.2), each sample for itself.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from unseen.physics.tensor_products import inner, lengths
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
