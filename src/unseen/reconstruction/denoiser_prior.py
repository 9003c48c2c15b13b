"""Plug-and-play (PnP): proximal gradient steps whose proximal map is a denoiser of the caller's own."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from unseen.losses.loss import observed
from unseen.physics.argument_checks import check_count, number
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.start_images import checked_start
from unseen.physics.tensor_products import lengths
from unseen.reconstruction.image_functions import called_with_images, check_image_function
from unseen.reconstruction.measurements import check_measurements
from unseen.reconstruction.reconstructor import starting_image

SAFETY = 0.998  # power iteration may leave a norm up to 0.1 % too small


@arrays_too
def plug_and_play(
    y: Tensor,
    process: Measurement | Operator,
    denoiser: Callable[[Tensor], Tensor],
    *,
    iterations: int = 100,
    step: float = 1.0,
    tolerance: float = 1e-4,
    start: Tensor | None = None,
) -> Tensor:
    """x ← denoiser(x − step · A* (A x − p) / ‖A‖²), p = link⁻¹(y): plug-and-play proximal gradient.

    With the proximal map of a convex R, v ↦ argmin ‖x − v‖²/2 + (step · λ / ‖A‖²) R(x), it minimises
    ‖A x − p‖²/2 + λ R(x). Of other denoisers it finds a fixed point where x ↦ denoiser(x) − x is a contraction (Ryu and
    others, 2019); a denoiser's strength decides how smooth it is.

    Args:
        y: (batch, *A.range); a NumPy array too, and then an array comes back.
        process: how it was measured; an operator alone: without noise.
        denoiser: images (batch, *A.domain) → images of that shape, such as a trained network in eval mode.
        iterations: at most, ≥ 1.
        step: in (0, 2).
        tolerance: stop when no image of the batch moves by more than this share of its norm; ≥ 0.
        start: (batch, *A.domain); None: FBP or A⁺p.

    Returns:
        x̂: (batch, *A.domain).

    Raises:
        ValueError: y or start has another shape, or is not finite; a number is out of range; or the denoiser returns
            another shape, or NaN.
        TypeError: the denoiser needs more than images, or returns something else than a tensor.

    Warns:
        RuntimeWarning: the images still moved after `iterations`.

    Example:
        >>> from unseen.physics import Mask, Measurement
        >>> from unseen.priors import TV
        >>> x = torch.zeros(1, 1, 8, 8)
        >>> x[..., 4:] = 1
        >>> process = Measurement(Mask(torch.arange(64).reshape(1, 8, 8) % 3 > 0))
        >>> found = plug_and_play(process(x), process, lambda v: TV(0.02).prox(v).x, iterations=300)
        >>> bool((found - x).abs().max() < 0.1)
        True

    Source: Venkatakrishnan, Bouman & Wohlberg, Plug-and-play priors for model based reconstruction, GlobalSIP 2013;
    proximal gradient: Kamilov, Mansour & Wohlberg, IEEE Signal Processing Letters 24 (2017) 1872–1876; Ryu and others,
    ICML 2019.
    """
    process = Measurement.of(process)
    check_measurements(y, process)
    check_image_function(denoiser, "denoiser")
    check_count("iterations", iterations)
    if not 0 < number("step", step) < 2 or not number("tolerance", tolerance) >= 0:
        raise ValueError(f"step is in (0, 2) and tolerance at least 0, but got {step} and {tolerance}.")
    A = process.A
    p = observed(process, process.linearise(y))
    with torch.no_grad():
        norm = A.norm()
        if start is None:
            x = starting_image(y, process, "auto")
        else:
            x = checked_start(start, (len(y), *A.domain), A.adjoint(p))
        length = SAFETY * step / norm**2 if norm > 0 else 0.0
        for _ in range(iterations):
            found = called_with_images(denoiser, x - length * A.adjoint(A(x) - p))
            if found.shape != x.shape or not bool(found.isfinite().all()):
                raise ValueError(
                    f"The denoiser returns finite images of {tuple(x.shape)}, but gave {tuple(found.shape)}, finite: "
                    f"{bool(found.isfinite().all())}."
                )
            moved, x = lengths(found - x), found
            if bool((moved <= tolerance * lengths(x)).all()):
                return x
    warnings.warn(
        f"The images still moved by {float((moved / lengths(x).clamp(min=1e-30)).max()):.1e} of their norm after "
        f"{iterations} iterations. Allow more iterations, or a larger tolerance.",
        RuntimeWarning,
        stacklevel=3,
    )
    return x
