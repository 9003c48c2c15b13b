"""Sparse wavelet details as a prior: soft thresholding of an orthogonal wavelet transform, under any operator."""

from __future__ import annotations

from torch import Tensor

from unseen.priors.fits import CountFit
from unseen.priors.lasso import Lasso
from unseen.priors.wavelet_transform import WaveletTransform


class Wavelets(Lasso):
    """weight · Σ |details of W x|: the l1 norm of the wavelet coefficients without the coarsest approximation.

    Args:
        weight: λ ≥ 0; one for all, or (batch,) with each sample's own.
        wavelet: "haar", or "db1" to "db10".
        levels: at most, ≥ 1.
        nonnegative: x ≥ 0 in every pixel, exactly; for real images.
        fit: None: ‖A x − y‖²/2; `KullbackLeibler(gain)`: the likelihood of Poisson noise; `Transmission(I0, gain)`:
            that of counts I0 exp(−A x).

    Raises:
        ValueError: a weight that is negative or not finite; another fit, wavelet or number of levels; and, when
            called, images with an odd side.

    Example:
        >>> import torch
        >>> from unseen.physics import Identity
        >>> prior = Wavelets(0.2, wavelet="haar", levels=1)
        >>> x = torch.tensor([[[[1.0, 1.1], [1.0, 1.0]]]]).double()
        >>> prior.solve(x, Identity((1, 2, 2))).x.flatten().round(decimals=4).tolist()
        [1.025, 1.025, 1.025, 1.025]

    Source: Donoho & Johnstone, Ideal spatial adaptation by wavelet shrinkage, Biometrika 81 (1994) 425–455; Daubechies,
    Defrise & De Mol, Communications on Pure and Applied Mathematics 57 (2004) 1413–1457.
    """

    known_flat = True

    def __init__(
        self,
        weight: float | Tensor,
        *,
        wavelet: str = "db4",
        levels: int = 3,
        nonnegative: bool = False,
        fit: CountFit | None = None,
    ) -> None:
        self.transform = WaveletTransform(wavelet, levels=levels)
        super().__init__(weight, basis=self.transform, nonnegative=nonnegative, fit=fit)

    def _penalised(self, coefficients: Tensor) -> Tensor:
        height, width = self.transform.approximation(coefficients)
        details = coefficients.clone()
        details[..., :height, :width] = 0
        return details
