"""`Adapted`: a detector of normal films with a fitted linear head; formulas of the head's weights.

    score = z + ω h,    z = (s − mean) / deviation of the detector's scores s of labelled normal films,
                        h = (wᵀ x − mean) / deviation of wᵀ x of normal films that were left out of the head's fit

    w = Σ_i a_i x_i,    (K + λ / v) a = y − ȳ,    K = X Xᵀ

x are frozen features of EfficientNet-lite0, standardised over the labelled films: the mean of the last used block on
the whole film, and five blocks on the lungs, pooled to 4 × 4 cells. The weights v of the films give both labels the
same total weight, and ȳ is the weighted mean label. With d features of n films, d > n, the n × n system is the dual of
ridge regression.

The second head, `head="normals-covariance"`, is the linear discriminant with the covariance of the normal films alone,
shrunk towards the identity. Its features are standardised over the normal films:

    w = (Σ₀ + β I)⁻¹ (μ₁ − μ₀)

`Adapted` is not in `METHODS`, since it cannot be trained with normal films alone. `screening.adapt` makes it: it
chooses λ and ω; β is `NORMALS_SHRINKAGE`.
Source: Hoerl & Kennard, Technometrics 12 (1970); in its dual form, Saunders et al., ICML (1998). For the second head:
Fisher, Annals of Eugenics 7 (1936); the shrunk covariance, Friedman, JASA 84 (1989), and Ledoit & Wolf, Journal of
Multivariate Analysis 88 (2004).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.found_lungs import Finder, FoundLungs
from unseen.anatomy.network_view import View, Viewed
from unseen.artifacts.added_setting import added_setting
from unseen.artifacts.recipe import validated
from unseen.artifacts.training_words import budget_in
from unseen.data.film import Film
from unseen.detectors.architectures import DEFAULT
from unseen.detectors.backbone_file import Backbone
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.fitting import Fitting
from unseen.detectors.frozen_features import PUBLISHED, FrozenNetwork, on_grid, published
from unseen.detectors.head_name import HeadName
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings
from unseen.networks.efficientnet_lite import CHANNELS

WHOLE = View(frame="whole", size=256)
LUNGS = View(frame="lungs", size=256, align=True)
_LAST, _BLOCKS = 14, (2, 4, 7, 10, 14)
_GRID, _PLACES = 16, 4
_WHOLE = CHANNELS[_LAST]
_LUNGS = sum(CHANNELS[block] for block in _BLOCKS) * _PLACES**2
_LEAST_DEVIATION = 1e-4


class Adapted(Detector):
    """Detector with an additional head, which is trained with labelled films; the anomaly map is the detector's.

    >>> from unseen.detectors import Pca
    >>> Adapted.beside(Pca(size=16)).config.labels
    (0, 0)
    """

    key = "adapted"
    learns_by_epochs = False

    class Config(DetectorSettings):
        """Detector that the head is added to, and number of labelled films that it learnt from."""

        base: str = Field(description="the method of the detector that has learnt from normal films")
        settings: dict[str, Any] = Field(default_factory=dict)  # Any: the method's Config checks them
        lungs: bool = Field(default=False, description="whether lungs are found, so that their features are taken")
        backbone: str = Field(default=PUBLISHED, pattern="^[0-9a-f]{64}$", description="SHA-256 of the file of weights")
        labels: tuple[int, int] = Field(default=(0, 0), description="labelled normal and abnormal films")
        head: HeadName = added_setting("ridge", description="formula of the head's weights")

    config: Config

    # Any: see the base class
    def __init__(
        self,
        config: DetectorSettings | None = None,
        *,
        view: View | None = None,
        size: int | None = None,
        **settings: Any,
    ) -> None:
        from unseen.detectors import METHODS

        given = config if isinstance(config, self.Config) else validated(settings, self.Config, where=self.key)
        method: type[Detector] = METHODS.load(given.base)
        self.base = method(validated(given.settings, method.Config, where="base"), view=view, size=size)
        super().__init__(given, view=self.base.view)
        self.needs_lungs = self.base.needs_lungs or given.lungs
        self.looks = (WHOLE, LUNGS) if given.lungs else (WHOLE,)
        self.backbone = _network_of(self.base) or FrozenNetwork(_BLOCKS)
        self.head = Head(_WHOLE + (_LUNGS if given.lungs else 0))

    @classmethod
    def beside(cls, base: Detector, *, backbone: Path | str | None = None) -> Adapted:
        """Return the detector with an untrained head; it keeps its lung finder and its list of training films.

        Args:
            backbone: safetensors file of EfficientNet-lite0's weights; None: the published weights.

        Raises FitError if the detector is adapted already, or if weights are not installed or do not fit.
        """
        if isinstance(base, cls):
            raise FitError("this model is adapted already. Adapt the model that it was made from, with all labels")
        settings = base.config.model_dump(mode="json")
        made = cls(base=base.key, settings=settings, lungs=base.finder is not None, view=base.view)
        made.base, made.training_films = base, base.training_films
        made.facts = budget_in(base.facts)
        if shared := _network_of(base):
            if backbone is not None:
                raise FitError(f"this {base.key} brings its network with it. Leave the backbone out")
            made.backbone = shared
        else:
            given = None if backbone is None else Backbone.read(backbone)
            weights = published() if given is None else given.weights
            made.backbone.fill(weights)
            if given is not None:
                made.config = made.config.model_copy(update={"backbone": given.sha256})
        made.backbone.eval()
        return made

    @property
    def finder(self) -> Finder | None:
        """Lung finder of the detector."""
        return self.base.finder

    @finder.setter
    def finder(self, finder: Finder | None) -> None:
        self.base.finder = finder

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        raise FitError(f"{self.key} learns from labelled films. Train a detector on normal films, then `unseen adapt`")

    def look(self, film: Film, lungs: FoundLungs | None = None) -> Viewed:
        found = FoundLungs.of(film, lungs)
        seen = self.base.look(film, found)
        own = tuple(view(film, found.by(self.finder)) for view in self.looks if view not in self._shared())
        return replace(seen, also=(*seen.also, *own))

    def features(self, viewed: Viewed) -> Tensor:
        """Return the features of a film for the head: (d,), float32 on the CPU."""
        parts = [self.backbone.of(self._through(viewed, WHOLE), (_LAST,))[0].mean(dim=(2, 3))]
        if self.config.lungs:
            maps = on_grid(self.backbone.of(self._through(viewed, LUNGS), _BLOCKS), _GRID)
            parts.append(functional.adaptive_avg_pool2d(maps, _PLACES).flatten(1))
        return torch.cat(parts, dim=1)[0].float().cpu()

    def judge(self, viewed: Viewed) -> Judgement:
        found = self.base.judge(viewed)
        device = self.head.weights.device
        normal, label = self.head(
            torch.tensor(found.score, dtype=torch.float64, device=device), self.features(viewed).double().to(device)
        )
        score = float(normal + self.head.share * label)
        return replace(found, score=score, parts={"normals-only": float(normal), "labels": float(label)})

    def modules(self) -> Mapping[str, nn.Module]:
        own = {f"base-{name}": module for name, module in self.base.modules().items() if module is not self.backbone}
        return {"backbone": self.backbone, **own, "head": self.head}

    def _shared(self) -> tuple[View, ...]:
        """Return the detector's views, in the order in which a viewed film holds them."""
        return (self.base.view, *self.base.views)

    def _through(self, viewed: Viewed, view: View) -> Viewed:
        """Return the film as this view shows it."""
        shared = self._shared()
        own = [one for one in self.looks if one not in shared]
        at = shared.index(view) if view in shared else len(shared) + own.index(view)
        return viewed if at == 0 else viewed.also[at - 1]


def _network_of(base: Detector) -> FrozenNetwork | None:
    """Return the detector's frozen network, where it is the head's and computes all blocks that a head needs."""
    network = base.modules().get("backbone")
    if not isinstance(network, FrozenNetwork) or network.architecture != DEFAULT:
        return None
    return network if set(_BLOCKS) <= set(network.blocks) else None


class Head(nn.Module):
    """mean, scale, weights (d,); `base` and `own`: mean and deviation of normals' scores; `share` is ω."""

    mean: Tensor
    scale: Tensor
    weights: Tensor
    base: Tensor
    own: Tensor
    share: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        for name, start in (("mean", torch.zeros(features)), ("scale", torch.ones(features))):
            self.register_buffer(name, start.double())
        self.register_buffer("weights", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("base", torch.tensor([0.0, 1.0], dtype=torch.float64))
        self.register_buffer("own", torch.tensor([0.0, 1.0], dtype=torch.float64))
        self.register_buffer("share", torch.zeros((), dtype=torch.float64))

    def forward(self, score: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and h of a film, from its score by the detector and its features (d,)."""
        raw = ((features - self.mean) / self.scale) @ self.weights
        return (score - self.base[0]) / self.base[1], (raw - self.own[0]) / self.own[1]


def standardised(features: Tensor, among: NDArray[np.bool_] | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Return the features (n, d) over their deviation, times 1/√d of their view so that ‖x‖² is about 1.

    Returns mean and scale (d,), too: those of the films `among` (n,), or of all.
    """
    some = features if among is None else features[torch.from_numpy(among)]
    mean = some.mean(dim=0)
    scale = some.std(dim=0).clamp(min=_LEAST_DEVIATION)
    views = [_WHOLE, features.shape[1] - _WHOLE] if features.shape[1] > _WHOLE else [features.shape[1]]
    root = torch.cat([torch.full((d,), (d * len(views)) ** 0.5, dtype=features.dtype) for d in views])
    return (features - mean) / (scale * root), mean, scale * root


def ridge(gram: NDArray[np.float64], abnormal: NDArray[np.bool_], shrinkage: float) -> NDArray[np.float64]:
    """Return a (n,) from K (n, n): weights of the films; both classes have the same total weight.

    >>> ridge(np.eye(2), np.array([True, False]), 1.0).round(3).tolist()
    [0.25, -0.25]
    """
    share = np.where(abnormal, 1 / max(1, int(abnormal.sum())), 1 / max(1, int((~abnormal).sum())))
    v = share * len(abnormal) / share.sum()
    y = abnormal - float((v * abnormal).sum() / v.sum())
    found: NDArray[np.float64] = np.linalg.solve(gram + np.diag(shrinkage / v), y)
    return found


def normals_discriminant(
    gram: NDArray[np.float64], abnormal: NDArray[np.bool_], shrinkage: float
) -> NDArray[np.float64]:
    """Return a (n,) from K (n, n): weights of the films for w = Σ_i a_i x_i = (Σ₀ + β I)⁻¹ (μ₁ − μ₀).

    Σ₀ is the covariance of the normal films, and β the shrinkage. By Woodbury's identity the system is that of the
    normal films: with X₀ their centred features, w = (δ − X₀ᵀ (n₀ β I + X₀ X₀ᵀ)⁻¹ X₀ δ) / β for δ = μ₁ − μ₀.

    >>> gram = np.diag([4.0, 1.0, 1.0])
    >>> normals_discriminant(gram, np.array([True, False, False]), 0.5).round(3).tolist()
    [2.0, -1.0, -1.0]
    """
    normals = ~abnormal
    number = int(normals.sum())
    difference = np.where(abnormal, 1 / max(1, int(abnormal.sum())), -1 / max(1, number))
    seen = (gram @ difference)[normals]
    among = gram.compress(normals, axis=0).compress(normals, axis=1)
    among -= among.mean(axis=0, keepdims=True)
    among -= among.mean(axis=1, keepdims=True)
    among.flat[:: number + 1] += number * shrinkage  # its diagonal
    solved = np.linalg.solve(among, seen - seen.mean())
    found: NDArray[np.float64] = difference.copy()
    found[normals] -= solved - solved.mean()
    return found / shrinkage
