"""`LesionSegmentation`: a U-Net that learns to outline lesions painted into normal films.

A film's score is the evidence for at least one lesion.

    loss      Σ_c BCE(z_c(x̃), outline_c),   x̃ = x with painted lesions, z_c the logits of three groups of lesions:
              spots (nodules), opacities (consolidations and effusions), air (pneumothoraces). To score a film, z_c is
              averaged over eight copies of it: shifted by a pixel or not in each direction, mirrored or not
    l_c       w_c · t_c(x) + b_c,   t_c: means of the largest 0.01, 0.06 and 0.4 % of the logits z_c; w_c and b_c by
              logistic regression: films with one painted lesion of the group against films without lesions
    score     log(Π_c (1 + e^{l_c}) − 1), the log odds that at least one group is present ("noisy or")
    map       1 − Π_c (1 − σ(z_c))

Every lesion is painted by `painted_lesions`; no abnormal film is seen. Source of the idea: Zavrtanik, Kristan, Skočaj,
"DRÆM", ICCV 2021 (segmentation of synthetic anomalies); here without its reconstruction, for chest films.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.lesion_shapes import below, uniform
from unseen.anatomy.network_view import Viewed
from unseen.artifacts.added_setting import added_setting
from unseen.detectors.detector import Detector
from unseen.detectors.even_choice import evenly
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.painted_lesions import effusion, nodules, opacity, pneumothorax
from unseen.detectors.settings import DetectorSettings
from unseen.networks.unet import UNet
from unseen.training.learner import Step, steps_taken

GROUPS = ("spots", "opacities", "air")
"""Groups of lesions, in the order of the network's outputs."""

_SHARES = (1e-4, 6e-4, 4e-3)  # of the image: the largest logits that a group's evidence is computed from
_CALIBRATED_ON = 200  # training films, at most, that the evidence is fitted on
_LARGE = ((1, opacity), (1, effusion), (2, pneumothorax))  # group and painter of each large lesion


class LesionSegmentation(Detector):
    """Outlines of painted lesions in normal films.

    Args:
        config: the settings as one value; None: they are given by name.
        view: how a film becomes the network's image; None: the lungs at 64 pixels.
        size: side of that image in pixels, in the place of the view's.
        features: channels at half the image's size.
        learning_rate: of Adam at the start; it falls to zero as half a cosine.
        copies: of a film, over which its logits are averaged.

    Example:
        >>> LesionSegmentation(size=64, features=4).config.learning_rate
        0.003
    """

    key = "lesion-segmentation"
    needs_lungs = True

    class Config(DetectorSettings):
        """Settings of the network and its training."""

        features: int = Field(default=12, ge=2, le=64, description="channels at half the image's size")
        learning_rate: float = Field(
            default=0.003, gt=0, le=1, description="learning rate of Adam at the start, cosine decay"
        )
        copies: Literal[1, 2, 8] = added_setting(
            8,
            description="copies of a film whose logits are averaged: 2: mirrored or not; 8: also moved by a pixel",
        )

    config: Config

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        training = fitting.training
        self.network, self.evidence = self._drawn(training.seed), _Evidence()
        steps = training.epochs * training.steps_per_epoch(len(normals.images))
        learner = _Outlining(self.network, rate=self.config.learning_rate, steps=steps)
        self.history = self.descend(learner, (normals.images, normals.lungs), fitting)
        self.network.eval()
        self.weigh(normals, seed=training.seed)

    def weigh(self, normals: Normals, *, seed: int) -> None:
        """Fit the evidence of each group of lesions, with the network as it is.

        Args:
            normals: training films.
            seed: of the painted lesions.
        """
        rows = evenly(range(len(normals.images)), _CALIBRATED_ON)
        images, lungs = normals.images[rows], normals.lungs[rows]
        self.evidence.fit(self.network, images, lungs, copies=self.config.copies, seed=seed)

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "network"):
            self.network, self.evidence = self._drawn(0), _Evidence()
        return {"network": self.network, "evidence": self.evidence}

    def judge(self, viewed: Viewed) -> Judgement:
        self.modules()
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            logits = averaged(self.network, viewed.image[None].to(device), copies=self.config.copies)
            evidence = self.evidence.to(device)(largest(logits))[0]  # (groups,)
            score = _any_of(evidence)
            shown = 1 - torch.sigmoid(-logits[0]).prod(0)  # (size, size)
        return Judgement(
            score=float(score),
            parts={name: float(value) for name, value in zip(GROUPS, evidence, strict=True)},
            anomaly_map=(shown.cpu() * viewed.inside[0]).numpy(),
        )

    def _drawn(self, seed: int) -> Outliner:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Outliner(features=self.config.features)
        network.eval()
        return network


class Outliner(nn.Module):
    """A U-Net at half the image's size: (batch, 1, height, width) to logits (batch, 3, height, width).

    Each 2 × 2 square of pixels is one place with four channels, so that no detail is lost.

    Args:
        features: channels at half the image's size.

    Example:
        >>> Outliner(features=4)(torch.zeros(2, 1, 40, 32)).shape
        torch.Size([2, 3, 40, 32])
    """

    def __init__(self, *, features: int) -> None:
        super().__init__()
        self.unet = UNet(features=features, depth=3, inputs=4, outputs=4 * len(GROUPS))
        nn.init.constant_(self.unet.head.bias, -4.0)  # type: ignore[arg-type]  # a Conv2d with a bias

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        side = 2 * self.unet.divisor
        whole = functional.pad(x, (0, -width % side, 0, -height % side), mode="replicate")
        squares = functional.pixel_unshuffle(whole, 2)
        if not self.training:  # on a CPU a third less time; scores change by less than 1e-6
            squares = squares.contiguous(memory_format=torch.channels_last)
        logits: Tensor = functional.pixel_shuffle(self.unet(squares), 2)
        return logits[..., :height, :width]


class _Outlining:
    """Learner: seven of eight images get spots and at most one large lesion; the eighth stays as it is."""

    def __init__(self, network: Outliner, *, rate: float, steps: int) -> None:
        self.modules: dict[str, nn.Module] = {"network": network}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(network.parameters(), lr=rate)
        }
        self.rate, self.total = rate, max(1, steps)

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        done = min(1.0, steps_taken(self.optimisers["generator"]) / self.total)
        for group in self.optimisers["generator"].param_groups:
            group["lr"] = self.rate * (1 + math.cos(math.pi * done)) / 2
        device = batch[0].device
        painted = [painted_film(*film, rng) for film in zip(batch[0][:, 0].cpu(), batch[1][:, 0].cpu(), strict=True)]
        images = torch.stack([image for image, _ in painted])[:, None].to(device)
        outlines = torch.stack([outline for _, outline in painted]).to(images)  # (batch, groups, size, size)
        logits = self.modules["network"](images).float()
        weight = torch.tensor([4.0, 1.0, 1.0], device=device)[:, None, None]  # spots are small
        loss = functional.binary_cross_entropy_with_logits(logits, outlines, pos_weight=weight, reduction="none")
        by_group = loss.mean((0, 2, 3)) * torch.tensor([4.0, 1.0, 1.0], device=device)
        yield Step("generator", by_group.sum(), dict(zip(GROUPS, by_group, strict=True)))

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""


def painted_film(image: Tensor, lungs: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Paint lesions into an image, mirror half of the images, and change the contrast: a training example.

    Args:
        image: (size, size) in network units.
        lungs: bool (size, size).
        rng: draws everything.

    Returns:
        The changed image and bool outlines (groups, size, size).

    Example:
        >>> rng, lungs = torch.Generator().manual_seed(0), torch.ones(64, 64, dtype=torch.bool)
        >>> image, outlines = painted_film(torch.zeros(64, 64), lungs, rng)
        >>> image.shape, outlines.shape
        (torch.Size([64, 64]), torch.Size([3, 64, 64]))
    """
    outlines = torch.zeros(len(GROUPS), *lungs.shape, dtype=torch.bool)
    if below(2, rng):
        image, lungs = image.flip(-1), lungs.flip(-1)
    if below(8, rng) and bool(lungs.any()):
        if below(5, rng) > 1:
            group, paint = _LARGE[below(len(_LARGE), rng)]
            image, outlines[group] = paint(image, lungs, rng)
        image, outlines[0] = nodules(image, lungs, rng, number=below(7, rng))
    return image * uniform(0.9, 1.1, rng) + uniform(-0.05, 0.05, rng), outlines


def averaged(network: nn.Module, x: Tensor, *, copies: int = 8) -> Tensor:
    """Return the mean logits over copies of an image, shifted by 0 or 1 pixel down and across, and mirrored or not.

    The network sees squares of 2 × 2 pixels, so its output depends slightly on where the squares begin.

    Args:
        network: an `Outliner`.
        x: (batch, 1, height, width).
        copies: 8; 2: of the image and its mirror image alone; 1: of the image.

    Returns:
        float32 logits (batch, groups, height, width), on the grid of `x`.

    Example:
        >>> network, x = Outliner(features=4).eval(), torch.rand(1, 1, 32, 32)
        >>> with torch.inference_mode():
        ...     plain, moved = averaged(network, x), averaged(network, x.roll(1, -1))
        >>> plain.shape, moved.shape
        (torch.Size([1, 3, 32, 32]), torch.Size([1, 3, 32, 32]))
    """
    if copies == 1:
        alone: Tensor = network(x).float()
        return alone
    places = list(product((0, 1), (0, 1))) if copies == 8 else [(0, 0)]
    mean = torch.zeros(len(x), len(GROUPS), *x.shape[2:], device=x.device)
    for down, across in places:
        moved = x.roll((down, across), (2, 3))
        both = network(torch.cat([moved, moved.flip(-1)])).float()
        logits = 0.5 * (both[: len(x)] + both[len(x) :].flip(-1))
        mean += logits.roll((-down, -across), (2, 3))
    return mean / len(places)


def largest(logits: Tensor) -> Tensor:
    """Return means of the largest logits: (batch, groups, height, width) to (batch, groups, shares)."""
    flat = logits.flatten(2)
    counts = [max(1, round(share * flat.shape[-1])) for share in _SHARES]
    top = flat.topk(max(counts), dim=-1).values
    return torch.stack([top[..., :count].mean(-1) for count in counts], dim=-1)


def _any_of(evidence: Tensor) -> Tensor:
    """Return the log odds of at least one, from those of each (…, groups): log(Π (1 + e^l) − 1)."""
    whole = functional.softplus(evidence.double()).sum(-1)
    return whole + torch.log(-torch.expm1(-whole))


class _Evidence(nn.Module):
    """Logistic regression of each group on the largest logits: weights (groups, shares) and offsets (groups,)."""

    weights: Tensor
    offsets: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((len(GROUPS), len(_SHARES)), 1 / len(_SHARES)))
        self.register_buffer("offsets", torch.zeros(len(GROUPS)))

    def forward(self, top: Tensor) -> Tensor:
        """Return log odds (batch, groups) from `top` (batch, groups, shares)."""
        evidence: Tensor = (top * self.weights).sum(-1) + self.offsets
        return evidence

    def fit(self, network: Outliner, images: Tensor, lungs: Tensor, *, copies: int, seed: int) -> None:
        """Fit to the films as they are against the films with one painted lesion, each group on its own."""
        rng = torch.Generator().manual_seed(seed)
        painters: Sequence[Sequence[_Painter]] = ((_one_nodule,), (opacity, effusion), (pneumothorax,))
        device = next(network.parameters()).device
        self.to(device)

        def seen(films: list[Tensor]) -> Tensor:
            with torch.inference_mode():
                parts = [largest(averaged(network, film[None, None].to(device), copies=copies)) for film in films]
            return torch.cat(parts).double().clone()  # (films, groups, shares)

        plain = seen(list(images[:, 0]))
        for group, choices in enumerate(painters):
            films = [
                choices[below(len(choices), rng)](image, mask, rng)[0]
                for image, mask in zip(images[:, 0], lungs[:, 0], strict=True)
            ]
            x = torch.cat([plain[:, group], seen(films)[:, group]])
            y = torch.cat([torch.zeros(len(plain)), torch.ones(len(films))]).to(x)
            weights, offset = _logistic(x, y)
            self.weights[group], self.offsets[group] = weights.to(self.weights), offset.to(self.offsets)


def _one_nodule(image: Tensor, lungs: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    return nodules(image, lungs, rng, number=1)


def _logistic(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return weights (k,) and offset of y (n,) on x (n, k): logistic regression, small penalty, Newton's method."""
    middle, spread = x.mean(0), x.std(0).clamp(min=1e-6)
    z = torch.cat([(x - middle) / spread, torch.ones_like(x[:, :1])], dim=1)
    penalty = torch.diag(torch.tensor([0.02] * x.shape[1] + [1e-6], dtype=x.dtype, device=x.device))
    w = torch.zeros(z.shape[1], dtype=x.dtype, device=x.device)
    for _ in range(50):
        p = torch.sigmoid(z @ w)
        slope = z.T @ (p - y) / len(y) + penalty @ w
        bend = (z * (p * (1 - p))[:, None]).T @ z / len(y) + penalty
        w = w - torch.linalg.solve(bend, slope)
    weights = w[:-1] / spread
    return weights, w[-1] - (weights * middle).sum()


if TYPE_CHECKING:
    from collections.abc import Callable

    _Painter = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]
