"""`Dct`: one Gaussian of low frequencies at each place in the lungs.

    c_p = the first K coefficients of the discrete cosine transform of the patch at p, those with the lowest u + v
    d_p = √( (c_p − μ_p)ᵀ Σ_p⁻¹ (c_p − μ_p) / K ),      score = mean of the largest tenth of the d_p

μ_p and Σ_p are the mean and covariance of the training films at p; Σ_p is shrunk (Ledoit & Wolf). Patches lie on a
grid. A patch counts if at least half of it is inside the mask. Training takes about one second.

Source: Defard, Setkov, Loesch & Audigier, "PaDiM", ICPR 2021, equations 1 and 2, arXiv 2011.08785, with cosine
coefficients in the place of a pretrained network's features; Ledoit & Wolf, J. Multivariate Analysis 88 (2004) 365-411.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.network_view import Viewed
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings

_COVERED = 0.5  # share of a patch that must be inside the mask


class Dct(Detector):
    """Mahalanobis distance of low cosine coefficients, patch by patch.

    >>> Dct(size=64).config.coefficients
    10
    """

    key = "dct"
    learns_by_epochs = False

    class Config(DetectorSettings):
        """Settings; the defaults were chosen on phantoms and fold 0."""

        patch: int = Field(
            default=16, ge=4, le=256, description="side of a patch", json_schema_extra={"unit": "pixels"}
        )
        stride: int = Field(
            default=4, ge=1, le=256, description="from one patch to the next", json_schema_extra={"unit": "pixels"}
        )
        coefficients: int = Field(default=10, ge=1, le=1024, description="K: 6, 10, 15 are whole diagonals")
        top: float = Field(default=0.1, gt=0, le=1, description="share of the patches that the score is the mean of")

        @model_validator(mode="after")
        def _fits(self) -> Self:
            if self.coefficients > self.patch**2:
                raise ValueError(f"coefficients: seen {self.coefficients}; a patch of {self.patch} has {self.patch**2}")
            return self

        @property
        def least_films(self) -> int:
            return self.coefficients + 2

    config: Config

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.check_number(len(normals.digests))
        if self.config.patch > self.view.size:
            raise FitError(f"{self.key}.patch: seen {self.config.patch}; the view has {self.view.size} pixels a side")
        self.gaussians = PatchGaussians(self.view.size, self.config)
        self.gaussians.fit(normals.images * normals.inside, normals.inside)

    def judge(self, viewed: Viewed) -> Judgement:
        self.modules()
        device = self.gaussians.mean.device
        inside = viewed.inside[None].to(device)  # (1, 1, size, size)
        with torch.inference_mode():
            distance, counts = self.gaussians(viewed.masked[None].to(device), inside)  # (positions,), (positions,)
            largest = distance[counts].topk(max(1, round(self.config.top * int(counts.sum())))).values
            marks = self.gaussians.spread(distance * counts, counts) * inside
            expected = self.gaussians.expected(counts) * inside
        score = float(largest.mean())
        return Judgement(
            score=score,
            parts={"largest": float(largest[0]), "mean": float(distance[counts].mean())},
            anomaly_map=marks[0, 0].float().cpu().numpy(),
            reconstruction=expected[0, 0].float().cpu().numpy(),
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "gaussians"):
            self.gaussians = PatchGaussians(self.view.size, self.config)
        return {"gaussians": self.gaussians}


class PatchGaussians(nn.Module):
    """Gaussians at the places of a grid on images (n, 1, size, size).

    Attributes:
        mean: (positions, K).
        whitening: W with Wᵀ W = Σ⁻¹, (positions, K, K).
        known: (positions,), True if enough films have lungs there.
        basis: cosine images, (patch², K).
    """

    mean: Tensor
    whitening: Tensor
    known: Tensor
    basis: Tensor

    def __init__(self, size: int, settings: Dct.Config) -> None:
        super().__init__()
        self.size, self.patch, self.stride = size, settings.patch, settings.stride
        across = max(0, (size - self.patch) // self.stride + 1)
        positions, k = across**2, settings.coefficients
        self.register_buffer("mean", torch.zeros(positions, k))
        self.register_buffer("whitening", torch.zeros(positions, k, k))
        self.register_buffer("known", torch.zeros(positions, dtype=torch.bool))
        self.register_buffer("basis", _cosines(self.patch, k), persistent=False)  # (patch², K)

    def fit(self, images: Tensor, inside: Tensor) -> None:
        """Fit to images (n, 1, size, size), which are 0 outside the mask, and `inside`, bool, of the same shape."""
        from sklearn.covariance import ledoit_wolf

        coefficients = self._coefficients(images).double()  # (n, positions, K)
        covered = self._covered(inside)  # (n, positions)
        if not covered.any():
            raise FitError("dct: no patch of any training film lies in its lungs. Look at the films, or take fewer px")
        unit = coefficients[covered].std(dim=0).clamp(min=1e-6)  # standardised, because shrinkage treats all K alike
        least = coefficients.shape[-1] + 2
        for position in range(len(self.known)):
            seen = coefficients[covered[:, position], position] / unit  # (films, K)
            if len(seen) < least:
                continue
            covariance = torch.from_numpy(ledoit_wolf(seen.numpy())[0])
            inverse = torch.linalg.inv(torch.linalg.cholesky(covariance + 1e-6 * torch.eye(len(unit))))
            self.mean[position] = (seen.mean(dim=0) * unit).float()
            self.whitening[position] = (inverse / unit).float()
            self.known[position] = True
        if not self.known.any():
            raise FitError(f"dct: no place has lungs in {least} training films or more. Give more normal films")

    def forward(self, image: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Return d (positions,) of one image (1, 1, size, size), and the positions that count, bool (positions,)."""
        from_mean = self._coefficients(image)[0] - self.mean
        whitened = (self.whitening @ from_mean[..., None])[..., 0]  # (positions, K)
        counts = self.known & self._covered(inside)[0]
        if not counts.any():  # lungs only where no training film has lungs: use all known places
            counts = self.known
        return whitened.square().mean(dim=-1).sqrt(), counts

    def expected(self, counts: Tensor) -> Tensor:
        """Draw the mean patches at their positions: (1, 1, size, size)."""
        patches = (self.mean @ self.basis.T) * counts[:, None]  # (positions, patch²)
        return self._laid(patches, counts)

    def spread(self, values: Tensor, counts: Tensor) -> Tensor:
        """Draw one value per position (positions,) as an image: (1, 1, size, size)."""
        return self._laid(values[:, None].expand(-1, self.patch**2), counts)

    def _laid(self, patches: Tensor, counts: Tensor) -> Tensor:
        def folded(columns: Tensor) -> Tensor:
            return functional.fold(columns.T[None], self.size, self.patch, stride=self.stride)

        share = folded(counts[:, None].float().expand(-1, self.patch**2))
        return folded(patches) / share.clamp(min=1)

    def _coefficients(self, images: Tensor) -> Tensor:
        patches = functional.unfold(images, self.patch, stride=self.stride)  # (n, patch², positions)
        return patches.transpose(1, 2) @ self.basis  # (n, positions, K)

    def _covered(self, inside: Tensor) -> Tensor:
        return functional.avg_pool2d(inside.float(), self.patch, self.stride).flatten(1) >= _COVERED


def _cosines(patch: int, k: int) -> Tensor:
    """Return the first k orthonormal cosine images in the order of u + v: (patch², k)."""
    from scipy.fft import idctn

    order = sorted(((u, v) for u in range(patch) for v in range(patch)), key=lambda uv: (sum(uv), uv))[:k]
    basis = torch.zeros(len(order), patch, patch, dtype=torch.float64)
    for row, (u, v) in enumerate(order):
        basis[row, u, v] = 1.0
    images = torch.from_numpy(idctn(basis.numpy(), axes=(1, 2), norm="ortho"))
    return images.flatten(1).T.float().contiguous()
