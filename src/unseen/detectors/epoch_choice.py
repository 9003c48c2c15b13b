"""Choice of the epoch that separates the training normals best from unlabelled films, without any label.

    AUCp(epoch) = AUROC of unlabelled films' scores against training normals';   the first epoch with the highest

Of the unlabelled films a share π is abnormal, nobody knows which. For a score that ranks new normals as it ranks
training normals, AUCp = π·AUROC + (1 − π)/2, so that the same epoch is best by both. A detector that has learnt its
films by heart ranks new normals above them, and AUCp rises for that alone: it is kept for every epoch, to be looked at.

Source: Menon, van Rooyen, Ong & Williamson, "Learning from corrupted binary labels via class-probability estimation",
ICML 2015, on the area under the curve of corrupted labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import safetensors
import safetensors.torch
from torch import Tensor, nn

from unseen.artifacts.files import write_bytes
from unseen.detectors.bundle_tensors import states
from unseen.detectors.even_choice import evenly

if TYPE_CHECKING:
    from pathlib import Path

    from unseen.anatomy.network_view import Viewed
    from unseen.detectors.judgement import Judgement

_MOST = 128  # films of each kind that are scored after an epoch, at most


class JudgedByEpoch(Protocol):
    """Detector in training: the part of a `Detector` that the choice of an epoch needs."""

    facts: dict[str, float]

    def judge(self, viewed: Viewed, /) -> Judgement:
        """Score one film."""

    def modules(self) -> Mapping[str, nn.Module]:
        """Return the networks by name."""


class EpochChoice:
    """Choice of the epoch: called after each epoch, keeps the best weights; `restore` loads them.

    `digest` identifies the unlabelled films. The weights are kept in `folder`, if there is one, so that a resumed
    training keeps its choice.
    """

    def __init__(
        self, detector: JudgedByEpoch, normals: Sequence[Viewed], unlabelled: Sequence[Viewed], folder: Path | None
    ) -> None:
        self.detector = detector
        self.normals, self.unlabelled = evenly(normals, _MOST), evenly(unlabelled, _MOST)
        self.digest = hashlib.sha256(b"".join(view.image.numpy().tobytes() for view in self.unlabelled)).hexdigest()[:8]
        self.path = None if folder is None else folder / f"best-{self.digest}.safetensors"
        self.epoch, self.aucp = 0, -1.0  # less than any
        self.weights: bytes = b""
        # without the checkpoint that it goes with, the training restarts, and so does the choice
        if self.path is not None and self.path.is_file() and self.path.with_name("checkpoint.pt").is_file():
            with safetensors.safe_open(self.path, framework="pt") as kept:
                said = kept.metadata()
            self.epoch, self.aucp, self.weights = int(said["epoch"]), float(said["aucp"]), self.path.read_bytes()

    def __call__(self, epoch: int) -> Mapping[str, float]:
        from sklearn.metrics import roc_auc_score

        films = [*self.normals, *self.unlabelled]
        labels = [False] * len(self.normals) + [True] * len(self.unlabelled)
        aucp = float(roc_auc_score(labels, [self.detector.judge(film).score for film in films]))
        if aucp > self.aucp:
            said = {"epoch": str(epoch), "aucp": repr(aucp)}
            self.epoch, self.aucp, self.weights = epoch, aucp, safetensors.torch.save(self._states(), metadata=said)
            if self.path is not None:
                write_bytes(self.path, self.weights)
        return {"aucp": aucp}

    def then(self, validate: Callable[[int], Mapping[str, float]] | None) -> Callable[[int], Mapping[str, float]]:
        """Return a callback that makes this choice after each epoch, and then calls `validate` where there is one."""
        return self if validate is None else lambda epoch: {**self(epoch), **validate(epoch)}

    def restore(self) -> None:
        """Give the detector the weights of its best epoch, and say which that was among its facts."""
        states = safetensors.torch.load(self.weights)
        for name, module in self.detector.modules().items():
            kept = {key.removeprefix(f"{name}."): t for key, t in states.items() if key.startswith(f"{name}.")}
            module.load_state_dict(kept)
        self.detector.facts |= {"chosen_epoch": self.epoch, "chosen_aucp": self.aucp}

    def _states(self) -> dict[str, Tensor]:
        found = states(self.detector.modules())
        return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in found.items()}
