"""Photon counts: Poisson noise with a gain."""

from __future__ import annotations

from torch import Tensor

from unseen.physics.count_noise import fit_count_noise
from unseen.physics.numpy_arrays import as_tensor
from unseen.physics.poisson_gaussian_noise import PoissonGaussian


class Poisson(PoissonGaussian):
    """y = gain · z,  z ~ Poisson(u / gain);  so E y = u and Var y = gain · u. It is `PoissonGaussian` with sigma = 0.

    Args:
        gain: > 0, what one count adds to y, in u's units; y lies on the lattice of its multiples.

    Raises:
        ValueError: gain is not a finite number above 0.

    Example:
        >>> import torch
        >>> Poisson(0.5).variance(torch.tensor([3.0])).item()
        1.5
    """

    def __init__(self, gain: float) -> None:
        super().__init__(gain)

    def __repr__(self) -> str:
        return f"Poisson(gain={self.gain:g})"

    @staticmethod
    def estimate(y: Tensor) -> Poisson:
        """The one detector's noise that images show: the gain that takes their levels to their variances (see
        `unseen.physics.count_noise`).

        Args:
            y: (batch, channels, height, width), all from one detector.

        Raises:
            ValueError: y is no batch of finite real images, or shows too little to tell.
        """
        return Poisson(fit_count_noise(as_tensor(y), read_out=False).gain)
