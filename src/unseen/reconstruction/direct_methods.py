"""Reconstruction without training: pseudo-inverse, filtered backprojection, total variation."""

import warnings
from typing import Literal, get_args

from torch import Tensor

from unseen.losses.loss import observed
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import BeerLambert, Measurement
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.poisson_noise import PoissonGaussian
from unseen.priors.fits import CountFit, KullbackLeibler, Transmission
from unseen.priors.tv import TV
from unseen.reconstruction.measurements import check_measurements
from unseen.reconstruction.reconstructor import starting_image

Likelihood = Literal["gaussian", "poisson"]


@arrays_too
def pseudo_inverse(y: Tensor, process: Measurement | Operator) -> Tensor:
    """Return A⁺ link⁻¹(y): of all images that fit best, the shortest.

    Args:
        y: (batch, *A.range); a NumPy array too, and then an array comes back.
        process: how it was measured; an operator alone: without noise.

    Returns:
        x̂: (batch, *A.domain).

    Raises:
        ValueError: y has another shape, or is not finite.

    >>> import torch
    >>> from unseen.physics import Identity, Measurement
    >>> pseudo_inverse(torch.full((1, 1, 1, 1), 6.0), Measurement(3 * Identity((1, 1, 1)))).item()
    2.0
    """
    process = Measurement.of(process)
    check_measurements(y, process)
    return starting_image(y, process, "pinv")


@arrays_too
def filtered_backprojection(y: Tensor, process: Measurement | Operator) -> Tensor:
    """FBP of link⁻¹(y), for tomography.

    Args:
        y: (batch, *A.range); a NumPy array too, and then an array comes back.
        process: how it was measured; an operator alone: without noise.

    Returns:
        x̂: (batch, *A.domain).

    Raises:
        ValueError: the operator has no filtered backprojection, or y has another shape, or is not finite.

    >>> import torch
    >>> from unseen.physics import Measurement, Tomography
    >>> process = Measurement(Tomography(16, angles=12))
    >>> filtered_backprojection(process(torch.ones(1, 1, 16, 16)), process).shape
    torch.Size([1, 1, 16, 16])
    """
    process = Measurement.of(process)
    check_measurements(y, process)
    return starting_image(y, process, "fbp")


@arrays_too
def total_variation(
    y: Tensor,
    process: Measurement | Operator,
    *,
    weight: float | Tensor | None = None,
    nonnegative: bool = False,
    likelihood: Likelihood = "gaussian",
) -> Tensor:
    """argmin over x of ‖A x − p‖²/2 + weight · TV(x), p = link⁻¹(y); the flattest image within the noise where no
    weight is given and the noise is Gaussian.

    Args:
        y: (batch, *A.range); a NumPy array too, and then an array comes back.
        process: how it was measured; an operator alone: without noise.
        weight: λ ≥ 0, one for all or (batch,); None: ‖A x − y‖² = m σ², the discrepancy principle.
        nonnegative: x ≥ 0 in every pixel, exactly; for real images.
        likelihood: "poisson" minimises −log p(y | x) + weight · TV(x) under Poisson noise, instead of the squares; with
            the link `BeerLambert`, y are transmitted counts.

    Returns:
        x̂: (batch, *A.domain).

    Raises:
        ValueError: y has another shape, or is not finite; no weight was given and the noise is not Gaussian, or there
            is a link; or "poisson" was asked of another noise, of another link, or without a weight.

    Warns:
        RuntimeWarning: the solver has not converged; its last images are returned.

    >>> import torch
    >>> from unseen.physics import Identity, Measurement
    >>> y = torch.ones(1, 1, 8, 8)
    >>> bool(torch.allclose(total_variation(y, Measurement(Identity((1, 8, 8))), weight=0.1), y))
    True
    """
    process = Measurement.of(process)
    check_measurements(y, process)
    if likelihood not in get_args(Likelihood):
        raise ValueError(f"likelihood is {' or '.join(get_args(Likelihood))}, but got {likelihood!r}.")
    p = observed(process, process.linearise(y))  # noise where nothing was measured is no misfit
    noise = process.noise
    if likelihood == "poisson":
        link = process.link
        known = link is None or isinstance(link, BeerLambert)
        if not isinstance(noise, PoissonGaussian) or noise.sigma > 0 or not known or weight is None:
            raise ValueError(
                "The Poisson likelihood needs Poisson noise without read-out, no link but BeerLambert, and a weight, "
                f"but the process is {process} and the weight {weight}."
            )
        fit: CountFit = KullbackLeibler(noise.gain)
        if isinstance(link, BeerLambert):
            fit = Transmission(link.I0, noise.gain)
        solution = TV(weight, nonnegative=nonnegative, fit=fit).solve(observed(process, y), process.A)
    elif weight is not None:
        solution = TV(weight, nonnegative=nonnegative).solve(p, process.A)
    elif isinstance(noise, Gaussian) and process.link is None and noise.batch in (None, len(y)):
        sigma: float | Tensor = float(noise.sigma) if noise.batch is None else noise.sigma
        solution = TV.within_noise(p, process.A, sigma=sigma, nonnegative=nonnegative)
    else:
        raise ValueError(
            "The discrepancy principle needs one Gaussian noise and no link, for all or for each measurement, but the "
            f"process is {process}. Give a weight."
        )
    if not bool(solution.converged.all()):
        warnings.warn(solution.sentence, RuntimeWarning, stacklevel=3)
    return solution.x
