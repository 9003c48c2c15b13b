"""Base of the detectors with a classifier of synthetic lesions.

The classifier learns to separate normal lungs from the same lungs with an added lesion.

    loss = −log(1 − p(x)) − log p(x̃),   x̃ = x with synthetic lesions in its lungs, p = sigmoid of the network's logit

The mask shapes where lesions go. Lesions are patches of the same film (the source's), soft shadows, either, or any of
the six types of `classifier_lesions`; changed and unchanged images are augmented alike. Members differ in their use of
the network: `anatpaste`, `patch-memory`, `student-teacher`.

Source: Sato et al., "Anatomy-aware self-supervised learning for anomaly detection in chest radiographs", iScience 26
(2023) 107086: ResNet-18 from scratch, SGD 0.03 with a cosine.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.artifacts.added_setting import added_setting
from unseen.detectors.backbone_file import Backbone
from unseen.detectors.classifier_lesions import ALL, clouded, pasted
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.fitting import Fitting
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings
from unseen.networks.resnet import ResNet18
from unseen.networks.resnet_weights import fill
from unseen.training.learner import Step
from unseen.training.shares import of_whole_batch

STAGE = 1
"""Stage of the network, from 0, whose maps are used: they distinguish places, at an eighth of the image's side."""


class LesionSettings(DetectorSettings):
    """64 features, SGD 0.03, `lesions = "paste"` and `varied = false` are the source's."""

    features: int = Field(default=16, ge=4, le=256, description="channels of the first stage")
    lesions: Literal["paste", "cloud", "both", "all"] = Field(
        default="both", description="synthetic lesions that are put into lungs"
    )
    varied: bool = Field(default=True, description="normal and changed images alike: shifted, sharper or softer")
    learning_rate: float = Field(
        default=0.03, gt=0, le=1, description="learning rate of SGD, momentum 0.9, cosine decay"
    )
    backbone: str | None = added_setting(
        None,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the file of weights that it began with; fit(backbone=…) notes it",
    )


class LesionClassifier(Detector):
    """Base of `anatpaste`, `patch-memory` and `student-teacher`.

    With a backbone, `anatpaste` starts from its weights; the others keep them fixed (`rests`), as their papers do.
    """

    rests: ClassVar[bool] = True

    Config = LesionSettings
    config: LesionSettings

    @abstractmethod
    def remember(self, normals: Normals, *, seed: int) -> None:
        """Keep of the training films what the member's score needs, with the classifier as it is."""

    def begin_with(self, backbone: Path | str) -> Backbone:
        given = Backbone.read(backbone)
        if self.config.backbone not in (None, given.sha256):
            raise FitError(f"backbone: {backbone} has another SHA-256 than method.backbone. Give the file it names")
        self.config = self.config.model_copy(update={"backbone": given.sha256})
        return given

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.classifier = self._drawn(fitting.training.seed)
        if self.config.backbone is not None:
            self._fill(fitting.backbone)
            if self.rests:
                if fitting.validate is not None:
                    raise FitError(
                        f"{self.key} takes its backbone as it is, and has no epochs to choose from. Leave the backbone "
                        "out, or the unlabelled films"
                    )
                self.history = None
                self.remember(normals, seed=fitting.training.seed)
                return
        seed = fitting.training.seed

        def after_epoch(epoch: int) -> Mapping[str, float]:
            assert fitting.validate is not None
            self.remember(normals, seed=seed)
            return fitting.validate(epoch)

        steps = fitting.training.epochs * fitting.training.steps_per_epoch(len(normals.images))
        self.history = self.descend(
            _WithLesions(self, steps=steps),
            (normals.images * normals.inside, normals.inside),
            fitting if fitting.validate is None else replace(fitting, validate=after_epoch),
        )
        self.remember(normals, seed=seed)

    def _fill(self, backbone: Backbone | None) -> None:
        if backbone is None:
            raise FitError(f"{self.key} is to begin with weights of SHA-256 {self.config.backbone}. Give the file")
        try:
            # photographs were divided by their deviation, 0.226 of the range of grey values: 2.2 of a range of [−1, 1];
            # a third of a z-score is what a view gives of one
            fill(self.classifier, backbone.weights, gain=3.0 if self.view.scale == "zscore" else 2.2)
        except ValueError as error:
            raise FitError(
                f"backbone: {backbone.file}: {error}. Give ResNet-18's weights in torchvision's names, and set "
                "features to what its first stage has (64 of those that are published)"
            ) from error

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "classifier"):
            self.classifier = self._drawn(0)
        return {"classifier": self.classifier}

    def _drawn(self, seed: int) -> ResNet18:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = ResNet18(features=self.config.features)
        network.eval()
        return network

    def changed(self, x: Tensor, inside: Tensor, rng: torch.Generator) -> Tensor:
        """Return the images with lesions: (batch, 1, size, size)."""
        if self.config.lesions == "paste":
            return pasted(x, inside, generator=rng)
        if self.config.lesions == "cloud":
            return clouded(x, inside, generator=rng)
        if self.config.lesions == "all":
            return _each_its_own(x, inside, rng)
        half = len(x) // 2
        parts = ((pasted, slice(0, half)), (clouded, slice(half, None)))
        return torch.cat([put(x[rows], inside[rows], generator=rng) for put, rows in parts if len(x[rows])])


def _each_its_own(x: Tensor, inside: Tensor, rng: torch.Generator) -> Tensor:
    """Paint a lesion into each image, of a kind drawn for it."""
    drawn, out = torch.randint(len(ALL), (len(x),), generator=rng).to(x.device), x.clone()
    for kind, put in enumerate(ALL):
        rows = drawn == kind
        if rows.any():
            out[rows] = put(x[rows], inside[rows], generator=rng)
    return out


class ClassifierTraining:
    """The learner's common part for any two classes: the optimisation of the network. The number of steps taken is
    read from a BatchNorm's count of batches, which a checkpoint holds.

    Args:
        network: the classifier; changed in place.
        settings: the learning rate, and whether images are augmented.
        steps: of the whole training; the rate falls to 0 with them.
    """

    def __init__(self, network: ResNet18, settings: LesionSettings, *, steps: int) -> None:
        self.network, self.settings, self.total = network, settings, steps
        self.modules: dict[str, nn.Module] = {"classifier": network}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.SGD(
                network.parameters(), lr=settings.learning_rate, momentum=0.9, weight_decay=3e-5
            )
        }

    def step(self, x: Tensor, inside: Tensor, strange: Tensor, rng: torch.Generator) -> Step:
        """Return the step on images and masks (batch, 1, size, size); strange: 1 where p is to be, (batch,)."""
        done = int(self.network.batches) / max(1, self.total)
        for group in self.optimisers["generator"].param_groups:
            group["lr"] = self.settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        if self.settings.varied:
            x = varied(x, inside, generator=rng)
        if x.device.type == "cpu":  # convolutions take less time
            x = x.to(memory_format=torch.channels_last)
        logit = self.modules["classifier"](x)[2].float()  # (batch,)
        return Step("generator", functional.binary_cross_entropy_with_logits(logit, strange.to(logit)))

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""


class _WithLesions(ClassifierTraining):
    """The learner: every image without and with a lesion."""

    def __init__(self, detector: LesionClassifier, *, steps: int) -> None:
        super().__init__(detector.classifier, detector.config, steps=steps)
        self.detector = detector

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, inside = batch
        changed = of_whole_batch(lambda x, inside: self.detector.changed(x, inside, rng), x, inside)
        both = torch.cat([x, changed])
        strange = torch.cat([torch.zeros(len(x)), torch.ones(len(x))])
        yield self.step(both, torch.cat([inside, inside]), strange, rng)


def varied(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return the images moved, turned and scaled a little, flipped left to right or not, softened by a random blur,
    their contrast and brightness changed: a lesion must not be recognised by these. (batch, 1, size, size), 0
    outside.
    """
    batch = len(x)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=generator)

    angle, scale = uniform(-0.1, 0.1), uniform(0.9, 1.1)
    flip = torch.where(torch.rand(batch, generator=generator) < 0.5, -1.0, 1.0)
    rows = [
        torch.stack([flip * scale * angle.cos(), -scale * angle.sin(), uniform(-0.06, 0.06)], dim=1),
        torch.stack([flip * scale * angle.sin(), scale * angle.cos(), uniform(-0.06, 0.06)], dim=1),
    ]
    places = functional.affine_grid(torch.stack(rows, dim=1).to(x), list(x.shape), align_corners=False)
    moved = functional.grid_sample(x, places, align_corners=False)
    mask = functional.grid_sample(inside.to(x), places, align_corners=False)
    soft = _blurred(moved, uniform(0.2, 1.2).to(x))
    gain, offset = (uniform(*ends).to(x)[:, None, None, None] for ends in ((0.8, 1.2), (-0.1, 0.1)))
    return (gain * soft + offset) * (mask > 0.5)


def _blurred(x: Tensor, sigma: Tensor) -> Tensor:
    """Blur each image by a Gaussian of its own σ (batch,), in pixels."""
    offsets = torch.arange(-3, 4, device=x.device, dtype=x.dtype)
    weights = torch.exp(-(offsets**2) / (2 * sigma[:, None] ** 2))
    weights = (weights / weights.sum(dim=1, keepdim=True))[:, None]  # (batch, 1, 7)
    across = functional.conv2d(x.transpose(0, 1), weights[:, :, None, :], padding=(0, 3), groups=len(x))
    return functional.conv2d(across, weights[:, :, :, None], padding=(3, 0), groups=len(x)).transpose(0, 1)
