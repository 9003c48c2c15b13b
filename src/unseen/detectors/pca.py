"""`Pca`: the baseline, the mean squared residual to the first principal components of the normal films, in the mask.

    score = ‖m ⊙ (x − G(ẑ))‖² / Σm,   G(ẑ) the projection of x onto the components' span

m is the view's mask; x its image (outside the lungs 0 in the lungs frame), with `blur` smoothed and masked again.
The subspace is `priors.PrincipalSubspace`: the score is the distance to the range of a linear generator. A third of a
second to train; what does not beat it is not worth its seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from pydantic import Field

from unseen.detectors.detector import Detector
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings
from unseen.priors.principal_subspace import PrincipalSubspace

if TYPE_CHECKING:
    from torch import nn

    from unseen.anatomy.network_view import Viewed


class Pca(Detector):
    """Distance to a principal subspace.

    >>> Pca(size=64).config.components
    50
    """

    key = "pca"
    learns_by_epochs = False

    class Config(DetectorSettings):
        """`components` needs more training films than that."""

        components: int = Field(default=50, ge=1, le=4096, description="principal components that are kept")
        blur: float | None = Field(
            default=None,
            gt=0,
            le=64,
            description="σ of a Gaussian blur; None: no blur",
            json_schema_extra={"unit": "pixels"},
        )

        @property
        def least_films(self) -> int:
            return self.components + 1

    config: Config
    subspace: PrincipalSubspace

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.check_number(len(normals.digests))
        self.subspace = PrincipalSubspace.fit(
            self._smoothed(normals.images, normals.inside), components=self.config.components
        )

    def judge(self, viewed: Viewed) -> Judgement:
        device = self.subspace.mean.device
        inside = viewed.inside[None]
        image = self._smoothed(viewed.image[None], inside).to(device)  # (1, 1, size, size)
        inside = inside.to(device)
        with torch.inference_mode():
            nearest = self.subspace(self.subspace.latent(image)) * inside
            distance = self.subspace.distance(image, inside=inside)
        score = float(distance)
        return Judgement(
            score=score,
            parts={"residual": score},
            anomaly_map=(image - nearest).abs()[0, 0].cpu().numpy(),
            reconstruction=nearest[0, 0].cpu().numpy(),
        )

    def _smoothed(self, image: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """(n, 1, size, size), 0 outside."""
        masked = image * inside
        if self.config.blur is None:
            return masked
        from scipy.ndimage import gaussian_filter

        blurred = gaussian_filter(masked.numpy(), self.config.blur, axes=(2, 3))
        return torch.from_numpy(blurred) * inside

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "subspace"):
            self.subspace = PrincipalSubspace(self.view.size, components=self.config.components)
        return {"subspace": self.subspace}
