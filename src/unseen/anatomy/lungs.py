"""Lungs: the network that finds them on a film, cross-fitted predictions, and lungs found once a film.

`LungFinder`: a small U-Net that finds the lungs on a whole film (the thesis's `unet-pipeline`, its first half).

It looks at the whole film stretched to a square and z-scored, so exposure and bit depth do not matter to it. Trained on
manual masks with Dice + binary cross-entropy; at test time nothing but its prediction is ever used. With `painted`, it
also learns from lungs that are partly hidden (`lung_augmentation`).

Cross-fitted lungs: a training film's predicted mask comes from a finder that never saw that film's manual mask.

Detectors train on predicted masks, as they are tested. A finder predicts its own training films better than new ones,
so the training films are halved: each half is found by the finder that learnt from the other; all new films by the
full one.

`FoundLungs`: the lungs of one film, found once by each finder, whoever asks.

An input gate, a detector and the detectors that it is compared with look at the same film. Finding its lungs takes
about a third of a score by `pca`, so what one of them has found is handed on to the next.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from unseen.anatomy.lung_augmentation import augmented
from unseen.anatomy.view import View
from unseen.artifacts.errors import UserError
from unseen.artifacts.folder_lock import locked
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
    """Lungs are to be learnt, and no film carries a mask of them."""


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
        """Of the films that carry a manual lung mask (`film.lungs`); the others are passed over.

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
                "films(…, masks=True)), or a trained model whose finder is taken (`finder=`)"
            )
        return cls(torch.stack(images), torch.stack(masks), tuple(digests))

    def half(self, which: int) -> LungExamples:
        """One half of the examples, 0 or 1, dealt by their digest's last bit."""
        rows = [row for row, digest in enumerate(self.digests) if int(digest, 16) % 2 == which]
        return LungExamples(self.images[rows], self.masks[rows], tuple(self.digests[row] for row in rows))


class LungFinder:
    """Finds the lungs on a film.

    Args:
        config: the settings; None: the defaults.

    >>> LungFinder().config.size
    64

    Source: Ronneberger et al. 2015 (network); loss as in the thesis's appendix A, Dice + BCE.
    """

    class Config(BaseModel):
        """The defaults learn in seconds. `LESIONS_INSIDE` takes some ten minutes, and keeps lesions inside."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        size: int = Field(
            default=64, ge=32, le=512, description="side of the grid", json_schema_extra={"unit": "pixels"}
        )
        features: int = Field(default=16, ge=4, le=64, description="channels of the U-Net's first level")
        depth: int = Field(default=3, ge=2, le=5, description="times that the U-Net halves the image")
        steps: int = Field(default=250, ge=1, description="optimiser steps of 16 films, at least one pass")
        # left out where they are not asked for, so that digests of recipes older than they stay what they were
        painted: float = Field(
            default=0.0, ge=0, le=1, exclude_if=lambda share: share == 0, description="share of films given a lesion"
        )
        varied: bool = Field(
            default=False, exclude_if=lambda asked: not asked, description="move and scale films, change their contrast"
        )

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()
        self.network = self._drawn(seed=0)
        self.training_films: tuple[str, ...] = ()
        self._view = _view(self.config.size)
        self.compiled: Callable[[torch.Tensor], torch.Tensor] | None = None
        """What computes the logits in the network's place, if anything does; the masks stay the network's."""

    def fit(
        self,
        examples: LungExamples,
        *,
        seed: int = 0,
        device: str = "auto",
        folder: Path | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> LungFinder:
        """Learn from `LungExamples.of(films)`; the same seed gives the same weights."""
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
        """A network with first weights of `seed`; the caller's random state stays as it is."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return UNet(features=self.config.features, depth=self.config.depth)

    def find(self, film: Film) -> NDArray[np.bool_]:
        """The film's lungs, bool (size, size) over the whole film stretched to a square; all False where none were
        found."""
        with torch.inference_mode():
            device = next(self.network.parameters()).device
            image = self._view(film).image[None].to(device)
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
        """Nothing to do."""


def _view(size: int) -> View:
    return View(frame="whole", aspect="stretch", scale="zscore", size=size)


def _two_largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The two largest connected parts, holes filled: two lungs, or one that reaches across; specks go."""
    labels, count = ndimage.label(mask)
    if count > 2:
        sizes = np.bincount(labels.ravel())[1:]
        mask = np.isin(labels, np.argsort(sizes)[-2:] + 1)
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(mask)
    return filled


@dataclass(frozen=True, eq=False)
class CrossFittedLungs:
    """Three finders, so that no film's lungs are found by one that has seen its manual mask.

    Args:
        full: learnt from every training film.
        halves: each learnt from one half of them; empty where they cannot be halved.

    >>> CrossFittedLungs(LungFinder(), ()).full.config.size
    64
    """

    full: LungFinder
    halves: tuple[LungFinder, ...]

    def find(self, film: Film) -> NDArray[np.bool_]:
        """As `LungFinder.find`, by a finder that has not seen this film's manual mask."""
        if film.pixel_sha256 not in self.full.training_films:
            return self.full.find(film)
        for half in self.halves:
            if film.pixel_sha256 not in half.training_films:
                return half.find(film)
        return self.full.find(film)


def cross_fitted(
    films: Iterable[Film | NotRead],
    *,
    config: LungFinder.Config | None = None,
    seed: int = 0,
    device: str = "auto",
    folder: Path | None = None,
    progress: Callable[[str, Progress], None] | None = None,
) -> CrossFittedLungs:
    """Train the three finders. Films are halved by their pixels' digest, so a film is in the same half whatever its
    order.

    Args:
        films: films; those with a manual lung mask are learnt from.
        config: settings of the finders; None: the defaults.
        seed: of the first weights and of the order of films.
        device: where training runs, such as "cpu"; "auto": the first GPU, where there is one.
        folder: for checkpoints; None: none are written.
        progress: called with the finder's name ("lungs", "lungs-half-1", …) and the loop's progress.

    Raises:
        NoMasksError: no film carries a lung mask.

    >>> from unseen.data import phantoms
    >>> films = list(phantoms.normals(2, size=64))
    >>> finder = cross_fitted(films, config=LungFinder.Config(size=32, features=4, depth=2, steps=1), device="cpu")
    >>> finder.find(films[0]).dtype
    dtype('bool')
    """
    config = config or LungFinder.Config()
    examples = LungExamples.of(films, size=config.size)

    def fit(name: str, part: LungExamples) -> LungFinder:
        report = None if progress is None else (lambda state: progress(name, state))
        target = None if folder is None else folder / name
        return LungFinder(config).fit(part, seed=seed, device=device, folder=target, progress=report)

    # several trainings share the folder: the first one trains the finders, and the others then find them
    with nullcontext() if folder is None else locked(folder, wait=True):
        full = fit("lungs", examples)
        parts = [examples.half(which) for which in (0, 1)]
        if not all(part.digests for part in parts):
            return CrossFittedLungs(full, ())
        return CrossFittedLungs(full, tuple(fit(f"lungs-half-{i}", part) for i, part in enumerate(parts, start=1)))


class Finder(Protocol):
    """Whatever finds lungs: `LungFinder` or `CrossFittedLungs`."""

    def find(self, film: Film) -> NDArray[np.bool_]:
        """The predicted lungs of the whole film, at any resolution."""
        ...


class FoundLungs:
    """A film and the lungs that were found in it so far.

    Args:
        film: the film.

    Law: `by(finder)` is `finder.find(film)`, and each finder is asked once at most.

    >>> from unseen.data.phantoms import normals
    >>> lungs = FoundLungs(next(iter(normals(1, size=64))))
    >>> lungs.by(None) is None
    True
    """

    def __init__(self, film: Film) -> None:
        self.film = film
        self._found: list[tuple[Finder, NDArray[np.bool_]]] = []

    @classmethod
    def of(cls, film: Film, found: FoundLungs | None) -> FoundLungs:
        """`found`; where it is None, nothing found yet.

        Raises ValueError where `found` is another film's.
        """
        if found is None:
            return cls(film)
        if found.film is not film:
            raise ValueError(f"the lungs of {found.film.name} were given for the film {film.name}")
        return found

    def by(self, finder: Finder | None) -> NDArray[np.bool_] | None:
        """The lungs that `finder` predicts; None without a finder."""
        if finder is None:
            return None
        for asked, found in self._found:
            if asked is finder:
                return found
        found = finder.find(self.film)
        self._found.append((finder, found))
        return found


def share_finders(models: Iterable[object]) -> None:
    """Give all models with equal lung finders one common finder: that of the first such model.

    Two finders are equal if their `LungFinder.digest` is. Models with another finder, or without one, are not changed.

    Args:
        models: objects such as detectors. Their attribute `finder`, where it is a `LungFinder`, is replaced in place.

    Example:
        >>> from types import SimpleNamespace
        >>> config = LungFinder.Config(size=32, features=4, depth=2)
        >>> first, second = (SimpleNamespace(finder=LungFinder(config)) for _ in range(2))
        >>> share_finders([first, second])
        >>> second.finder is first.finder
        True
    """
    by_digest: dict[str, LungFinder] = {}
    for model in models:
        finder = getattr(model, "finder", None)
        if isinstance(finder, LungFinder):
            model.finder = by_digest.setdefault(finder.digest, finder)  # type: ignore[attr-defined]  # it has one
