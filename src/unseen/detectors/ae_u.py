"""Detector `ae-u`: an autoencoder that also predicts its own error.

Edges that a small code cannot represent count less.

    f(x) = (x̂, s),   s the log variance of a pixel
    loss = mean over the mask of e^{−s}(x − x̂)² + s;     marks = e^{−s}(x − x̂)², without s

Source: Mao, Xue, Wang, Zhang, Zheng & Huang, "Abnormality detection in chest X-ray images using uncertainty prediction
autoencoders", MICCAI 2020, equations 2 and 3.
"""

from __future__ import annotations

from torch import Tensor

from unseen.detectors.autoencoder import Autoencoder
from unseen.detectors.restorer import mean_inside


class AeU(Autoencoder):
    """Autoencoder with its own uncertainty.

    >>> AeU(size=64).config.latent
    16
    """

    key = "ae-u"

    outputs = 2
    bounded = False

    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        restored, log_variance = output[:, :1], output[:, 1:]
        return mean_inside((-log_variance).exp() * (x - restored).square() + log_variance, inside)

    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        restored, log_variance = output[:, :1], output[:, 1:]
        return (-log_variance).exp() * (x - restored).square(), restored
