"""`Pca`: the floor. The mean squared residual to the first principal components of the training films, inside the mask.

    score = ‖m ⊙ (x − G(ẑ))‖² / Σm,   G(ẑ) the projection of x onto the components' span

x is the view's picture (outside the lungs 0 in the lungs frame), m its mask. The subspace is
`priors.PrincipalSubspace`: the score is the distance to the range of a linear generator. A third of a second to
train; what does not beat it is not worth its seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from pydantic import Field

from unseen.detectors.detector import Detector, Fitting, Judgement, Normals, Settings
from unseen.priors.principal_subspace import PrincipalSubspace

if TYPE_CHECKING:
    from torch import nn

    from unseen.anatomy.view import Viewed


class Pca(Detector):
    """Distance to a principal subspace.

    >>> Pca(size=64).config.components
    50
    """

    key = "pca"

    class Config(Settings):
        """`components` needs more training films than that."""

        components: int = Field(default=50, ge=1, le=4096)

        @property
        def least_films(self) -> int:
            return self.components + 1

    config: Config
    subspace: PrincipalSubspace

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.check_number(len(normals.digests))
        self.subspace = PrincipalSubspace.fit(normals.images * normals.inside, components=self.config.components)

    def judge(self, viewed: Viewed) -> Judgement:
        device = self.subspace.mean.device
        picture, inside = viewed.masked[None].to(device), viewed.inside[None].to(device)  # (1, 1, size, size)
        with torch.inference_mode():
            nearest = self.subspace(self.subspace.latent(picture)) * inside
            distance = self.subspace.distance(picture, inside=inside)
        score = float(distance)
        return Judgement(
            score=score,
            parts={"residual": score},
            anomaly_map=(picture - nearest).abs()[0, 0].cpu().numpy(),
            reconstruction=nearest[0, 0].cpu().numpy(),
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "subspace"):
            self.subspace = PrincipalSubspace(self.view.size, components=self.config.components)
        return {"subspace": self.subspace}
