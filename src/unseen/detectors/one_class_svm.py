"""`OneClassSvm`: a one-class support vector machine on an autoencoder's codes.

    x̂ = De(E(x)),  loss = mean over the mask of (x − x̂)²;      score = ρ − Σ αᵢ exp(−γ ‖u(x) − uᵢ‖²)

u are the codes with mean 0 and deviation 1 over the training films; the αᵢ, ρ are those of the machine that leaves a
share ν of the training films outside. The map is |x − x̂|: it shows what the code does not hold, which is not what the
score is made of.

Source: Schölkopf, Platt, Shawe-Taylor, Smola & Williamson, "Estimating the support of a high-dimensional
distribution", Neural Computation 13 (2001), equations 3.2 and 3.10, doi:10.1162/089976601750264965; solved by
scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.autoencoder import Autoencoder, AutoencoderSettings
from unseen.detectors.errors import FitError
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.restorer import mean_inside

if TYPE_CHECKING:
    from collections.abc import Callable

    from unseen.anatomy.network_view import Viewed


class OneClassSvm(Autoencoder):
    """One-class SVM.

    >>> OneClassSvm(size=64).config.nu
    0.1
    """

    key = "one-class-svm"

    class Config(AutoencoderSettings):
        """γ is 1 / latent: of codes with deviation 1, what scikit-learn calls "scale"."""

        nu: float = Field(default=0.1, gt=0, le=1, description="ν, share of training films outside")
        support: int = Field(default=2048, ge=1, le=65_536, description="support vectors that a bundle holds at most")

    config: Config

    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        return mean_inside((output - x).square(), inside)

    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        return (x - output).abs(), output

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        validate = fitting.validate
        after_epoch = None if validate is None else lambda epoch: self._supported(normals, validate, epoch)
        super().learn(normals, replace(fitting, validate=after_epoch))
        self._support(normals)

    def judge(self, viewed: Viewed) -> Judgement:
        said = super().judge(viewed)
        network, machine = (self.modules()[name] for name in ("network", "machine"))
        with torch.inference_mode():
            x = viewed.masked[None].to(next(network.parameters()).device)
            score = float(machine(self._codes(x)))
        return Judgement(score, {"machine": score, **said.parts}, said.anomaly_map, said.reconstruction)

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "machine"):
            self.machine = _Machine(self.config.support, self.config.latent)
        return {**super().modules(), "machine": self.machine}

    def _codes(self, x: Tensor) -> Tensor:
        """E(x): (batch, latent)."""
        codes: Tensor = self.network.get_submodule("0")(x)
        return codes.flatten(1)

    def _supported(
        self, normals: Normals, validate: Callable[[int], Mapping[str, float]], epoch: int
    ) -> Mapping[str, float]:
        self._support(normals)
        return validate(epoch)

    def _support(self, normals: Normals) -> None:
        """Fit the machine to the training films' codes, with the encoder as it is."""
        self.modules()
        x = normals.images * normals.inside
        device = next(self.network.parameters()).device
        self.machine.to(device)
        with torch.inference_mode():
            codes = torch.cat([self._codes(part.to(device)).cpu() for part in torch.split(x, 64)])
        self.machine.fit(codes.double(), nu=self.config.nu)


class _Machine(nn.Module):
    """Support vectors (support, latent), their weights (support,), of which the first `known` count; −ρ; the codes'
    mean and deviation (latent,)."""

    vectors: Tensor
    weights: Tensor
    known: Tensor
    offset: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self, support: int, latent: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(support, latent))
        self.register_buffer("weights", torch.zeros(support, dtype=torch.float64))
        self.register_buffer("known", torch.zeros((), dtype=torch.int64))
        self.register_buffer("offset", torch.zeros(1, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(latent, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(latent, dtype=torch.float64))

    def fit(self, codes: Tensor, *, nu: float) -> None:
        """Solve for codes (films, latent)."""
        from sklearn.svm import OneClassSVM

        latent = codes.shape[1]
        self.mean.copy_(codes.mean(dim=0))
        self.spread.copy_(codes.std(dim=0, unbiased=False).clamp(min=1e-12))
        units = (codes - self.mean.cpu()) / self.spread.cpu()
        found = OneClassSVM(kernel="rbf", gamma=1 / latent, nu=nu).fit(units.numpy())
        n = len(found.support_vectors_)
        if n > len(self.weights):
            raise FitError(f"one-class-svm.support: {n} support vectors, at most {len(self.weights)} allowed. Raise it")
        self.vectors.zero_()
        self.weights.zero_()  # nothing stays of an earlier fit
        self.vectors[:n] = torch.from_numpy(found.support_vectors_)
        self.weights[:n] = torch.from_numpy(found.dual_coef_[0])
        self.offset.fill_(float(found.intercept_[0]))  # −ρ
        self.known.fill_(n)

    def forward(self, codes: Tensor) -> Tensor:
        """ρ − Σ αᵢ k, (batch,), for codes (batch, latent)."""
        n, latent = int(self.known), len(self.mean)
        units = (codes.double() - self.mean) / self.spread
        kernel = torch.exp(-torch.cdist(units, self.vectors[:n].double()).square() / latent)
        return -self.offset - kernel @ self.weights[:n]
