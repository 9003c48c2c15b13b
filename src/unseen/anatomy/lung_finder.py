"""`LungFinder`: a small U-Net that finds the lungs on a whole film (first half of the thesis's `unet-pipeline`).

Its input is the whole film, stretched to a square and z-scored, so the result does not depend on exposure and bit
depth. It is trained on manual masks with Dice + binary cross-entropy; at test time only its prediction is used. With
`painted`, it also learns from lungs that are partly hidden (`lung_augmentation`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from unseen.anatomy.lung_augmentation import augmented
from unseen.anatomy.network_view import View
from unseen.artifacts.added_setting import added_setting
from unseen.artifacts.errors import UserError
from unseen.data.film import Film, NotRead
from unseen.losses.mask_losses import bce, dice_loss
from unseen.networks.unet import UNet
from unseen.training.learner import Step, steps_taken
from unseen.training.loop import train
from unseen.training.precision import fastest_precision
from unseen.training.settings import Training

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from unseen.training.progress import Progress

_RATE = 2e-3  # Adam's
_DOUBT = 3e-4  # of a compiled network's logit, which rounds by some 3e-5: nearer to 0, the network itself decides


class NoMasksError(UserError, ValueError):
    """No film has the lung mask that a lung finder learns from."""


@dataclass(frozen=True, eq=False)
class LungExamples:
    """Films and their manual masks on the finder's grid, small enough to keep: one film is in memory at a time.

    Args:
        images: float32 (n, 1, size, size).
        masks: bool (n, 1, size, size), the manual lung masks.
        digests: the films' pixel_sha256.

    >>> from unseen.data import phantoms
    >>> examples = LungExamples.of(phantoms.normals(3, size=64), size=32)
    >>> examples.images.shape, len(examples.digests)
    (torch.Size([3, 1, 32, 32]), 3)
    """

    images: torch.Tensor
    masks: torch.Tensor
    digests: tuple[str, ...]

    @classmethod
    def of(cls, films: Iterable[Film | NotRead], *, size: int = 64) -> LungExamples:
        """Collect the films that have a manual lung mask (`film.lungs`); skip the others.

        Raises NoMasksError when none does.
        """
        view = _view(size)
        images, masks, digests = [], [], []
        for film in films:
            if isinstance(film, Film) and film.lungs is not None:
                viewed = view(film)
                images.append(viewed.image)
                masks.append(torch.from_numpy(viewed.on_grid(film.lungs))[None] > 0.5)
                digests.append(film.pixel_sha256)
        if not images:
            raise NoMasksError(
                "none of the films carries a lung mask to learn from. Give masks (manifest column `mask`, read with "
                "films(…, masks=True)), a trained model whose finder is taken (`finder=`), or look at whole films "
                '(`view=View(frame="whole")`)'
            )
        return cls(torch.stack(images), torch.stack(masks), tuple(digests))

    def half(self, which: int) -> LungExamples:
        """Return one half of the examples, 0 or 1, divided by the last bit of their digests."""
        rows = [row for row, digest in enumerate(self.digests) if int(digest, 16) % 2 == which]
        return LungExamples(self.images[rows], self.masks[rows], tuple(self.digests[row] for row in rows))


class LungFinder:
    """Lung segmentation of whole films.

    Args:
        config: the settings; None: the defaults.

    >>> LungFinder().config.size
    64

    Source: Ronneberger et al. 2015 (network); loss as in the thesis's appendix A, Dice + BCE.
    """

    class Config(BaseModel):
        """Settings. The defaults learn in seconds, `LESIONS_INSIDE` in about ten minutes; it keeps lesions inside."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        size: int = Field(
            default=64, ge=32, le=512, description="side of the grid", json_schema_extra={"unit": "pixels"}
        )
        features: int = Field(default=16, ge=4, le=64, description="channels of the U-Net's first level")
        depth: int = Field(default=3, ge=2, le=5, description="times that the U-Net halves the image")
        steps: int = Field(default=250, ge=1, description="optimiser steps of 16 films, at least one pass")
        painted: float = added_setting(0.0, ge=0, le=1, description="share of films given a lesion")
        varied: bool = added_setting(False, description="move and scale films, change their contrast")

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()
        self.network = self._drawn(seed=0)
        self.training_films: tuple[str, ...] = ()
        self._view = _view(self.config.size)
        self.compiled: Callable[[torch.Tensor], torch.Tensor] | None = None
        """Compiled form of the network, which computes the logits; None: the network does. Where a logit is near 0, the
        network decides."""

    def fit(
        self,
        examples: LungExamples,
        *,
        seed: int = 0,
        device: str = "auto",
        folder: Path | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> LungFinder:
        """Train on `LungExamples.of(films)`; the same seed gives the same weights."""
        self.network, self.compiled = self._drawn(seed=seed), None
        batch = min(16, len(examples.digests))
        epochs = max(1, math.ceil(self.config.steps / max(1, len(examples.digests) // batch)))
        precision = fastest_precision(device)
        settings = Training(epochs=epochs, batch_size=batch, seed=seed, precision=precision, device=device)
        learner = _LungLearner(self.network, self.config, steps=epochs * (len(examples.digests) // batch))
        data = (examples.images, examples.masks)
        train(learner, data, settings, folder=folder, progress=progress, identity=self.config.model_dump_json())
        self.network.eval()
        self.training_films = examples.digests
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what its masks depend on: settings, weights and device."""
        seen = hashlib.sha256(self.config.model_dump_json().encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            seen.update(f"{name} {tensor.device} {tensor.dtype} {tuple(tensor.shape)}".encode())
            seen.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return seen.hexdigest()

    def _drawn(self, *, seed: int) -> UNet:
        """Return a network with initial weights drawn from `seed`; the caller's random state is unchanged."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return UNet(features=self.config.features, depth=self.config.depth)

    def find(self, film: Film) -> NDArray[np.bool_]:
        """Return the film's lungs, bool (size, size) over the whole film stretched to a square.

        All pixels are False where none were found.
        """
        with torch.inference_mode():
            device = next(self.network.parameters()).device
            image = self._view(_in_256_steps(film)).image[None].to(device)
            logits = None if self.compiled is None else self.compiled(image)  # (1, 1, size, size)
            if logits is None or float(logits.abs().min()) < _DOUBT:
                logits = self.network(image)
        return _two_largest(logits[0, 0].cpu().numpy() > 0)


LESIONS_INSIDE = LungFinder.Config(size=128, features=12, depth=4, steps=800, painted=0.6, varied=True)
"""Chosen on fold 0 of the Montgomery + Shenzhen films and on phantoms."""


class _LungLearner:
    """Adam at a constant rate; with augmentation, at a rate that falls to zero as half a cosine."""

    def __init__(self, network: UNet, config: LungFinder.Config, *, steps: int) -> None:
        self.modules: dict[str, torch.nn.Module] = {"unet": network}
        self.optimisers: dict[str, torch.optim.Optimizer] = {"unet": torch.optim.Adam(network.parameters(), lr=_RATE)}
        self.config, self.total = config, steps

    def steps(self, batch: tuple[torch.Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        image, mask = batch  # (batch, 1, size, size), float32 and bool
        if self.config.painted or self.config.varied:
            done = steps_taken(self.optimisers["unet"]) / self.total
            for group in self.optimisers["unet"].param_groups:
                group["lr"] = _RATE * (1 + math.cos(math.pi * done)) / 2
            image, mask = augmented(image, mask, painted=self.config.painted, varied=self.config.varied, generator=rng)
        logits = self.modules["unet"](image).float()
        target = mask.float()
        dice, cross_entropy = dice_loss(logits, target).mean(), bce(logits, target).mean()
        yield Step("unet", dice + cross_entropy, {"dice": dice, "bce": cross_entropy})

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""


def _in_256_steps(film: Film) -> Film:
    """Return `film` with grey values rounded to 8 bits, so that the lungs do not depend on its stored bit depth.

    Without it, 12 bits in place of the same film's 8 move single pixels of the mask, then the box around the lungs, and
    with it the score, by up to 0.18 standard deviations (`studies.grey_scale`).
    """
    if film.bits <= 8 and film.file_format != "dicom":
        return film
    return replace(film, pixels=np.rint(film.pixels * np.float32(255)) / np.float32(255))


def _view(size: int) -> View:
    return View(frame="whole", aspect="stretch", scale="zscore", size=size)


def _two_largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the two largest connected parts with their holes filled: the lungs, without specks."""
    labels, count = ndimage.label(mask)
    if count > 2:
        sizes = np.bincount(labels.ravel())[1:]
        mask = np.isin(labels, np.argsort(sizes)[-2:] + 1)
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(mask)
    return filled
