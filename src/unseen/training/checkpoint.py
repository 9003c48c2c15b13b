"""Checkpoint: all that a training needs to resume as if it had never stopped, in one file, written atomically.

Weights and buffers, optimisers, the loop's generator and torch's own, the place in the data, the losses so far; and a
fingerprint of settings, shapes and films, so that no other training resumes from it. Read with ``weights_only=True``.

`loop.py` writes a checkpoint every `Training.checkpoint_every_s` seconds (`settings.py`), or as often as the run's
limits state (`limits.py`).
"""

import hashlib
import json
import pickle
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unseen.artifacts.errors import reason_of
from unseen.artifacts.files import clear_leftovers, replacing
from unseen.training.history import History
from unseen.training.learner import Learner
from unseen.training.settings import Training, TrainingError

_FORMAT = 1


# They change how fast and how safely, not what is computed. (Another device or number of threads or devices rounds
# otherwise: a resume there goes on, but to other bytes.)
_NOT_IN_FINGERPRINT = {"checkpoint_every_s", "checkpoint_every_steps", "threads", "device", "devices", "nodes"}
_FUSED = ".fused"
"""Ending of an optimiser's setting that changes speed alone; earlier checkpoints have it in their fingerprint."""


_DIGEST = re.compile("[0-9a-f]{64}")
_ADDED = {"operators", "reconstructor"}
"""Parts of identities that earlier checkpoints lack."""
# what torch.load raises of damaged files, by their bytes
_UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    pickle.UnpicklingError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    struct.error,
)


@dataclass(frozen=True)
class DataPosition:
    """Position in the training: ``epoch`` whole epochs are done, and ``position`` batches of the next."""

    epoch: int = 0
    position: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as read, not yet given to a learner."""

    place: DataPosition
    history: History
    state: Mapping[str, Any]  # Any: torch's state dictionaries are untyped

    def restore(self, learner: Learner, rng: torch.Generator, *, device: torch.device) -> None:
        """Put weights, optimisers and generators back as they were; modules stay on the device where they are."""
        self.restore_modules(learner)
        for name, optimiser in learner.optimisers.items():
            optimiser.load_state_dict(self.state["optimisers"][name])
        rng.set_state(self.state["rng"])
        torch.set_rng_state(self.state["torch_rng"])
        if device.type == "cuda" and self.state["cuda_rng"] is not None:
            torch.cuda.set_rng_state(self.state["cuda_rng"], device)

    def restore_modules(self, learner: Learner) -> None:
        """Put the weights back alone: all that a finished training needs."""
        for name, module in learner.modules.items():
            module.load_state_dict(self.state["modules"][name])


def fingerprint(learner: Learner, data: Sequence[Tensor], settings: Training, *, identity: str = "") -> dict[str, str]:
    """Return what must be equal for a training to resume from a checkpoint, as text by name.

    Settings, each weight's shape, each optimiser's hyperparameters, the films' bytes, and the caller's ``identity``.
    """
    marks = {"identity": identity, "learner": type(learner).__name__}
    for name, value in settings.model_dump(exclude=_NOT_IN_FINGERPRINT).items():
        marks[f"training.{name}"] = str(value)
    for network, module in learner.modules.items():
        for name, tensor in module.state_dict().items():
            marks[f"{network}.{name}"] = f"{tuple(tensor.shape)} {tensor.dtype}"
    for name, optimiser in learner.optimisers.items():
        for i, group in enumerate(optimiser.state_dict()["param_groups"]):
            for setting, value in group.items():
                if setting != "params":
                    marks[f"optimiser {name}[{i}].{setting}"] = str(value)
    for i, tensor in enumerate(data):
        raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data
        marks[f"films[{i}]"] = f"{tuple(tensor.shape)} {tensor.dtype} {hashlib.sha256(raw).hexdigest()[:16]}"
    return marks


def write(
    path: Path,
    learner: Learner,
    rng: torch.Generator,
    *,
    place: DataPosition,
    history: History,
    marks: Mapping[str, str],
    device: torch.device,
) -> None:
    """Write the checkpoint; a kill at any moment leaves the one before whole."""
    state = {
        "format": _FORMAT,
        "fingerprint": dict(marks),
        "epoch": place.epoch,
        "position": place.position,
        "modules": {name: module.state_dict() for name, module in learner.modules.items()},
        "optimisers": {name: optimiser.state_dict() for name, optimiser in learner.optimisers.items()},
        "rng": rng.get_state(),
        "torch_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "seconds": history.seconds,
        "device": history.device,
        "steps_per_epoch": history.steps_per_epoch,
        "clock_s": torch.tensor(history.clock_s, dtype=torch.float64),
        "parts": {name: torch.tensor(values, dtype=torch.float64) for name, values in history.parts.items()},
        "validation": {name: torch.tensor(values, dtype=torch.float64) for name, values in history.validation.items()},
    }
    with replacing(path) as temporary:
        torch.save(state, temporary)


def read(path: Path, *, marks: Mapping[str, str]) -> Checkpoint | None:
    """Return the checkpoint at ``path``, or None where there is none; what a killed write left beside it is removed.

    Raises:
        TrainingError: it cannot be read, or belongs to another training than ``marks`` say.
    """
    clear_leftovers(path)
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        known, version = state["fingerprint"], state["format"]
    except _UNREADABLE as error:
        raise TrainingError(f"{path}: cannot be read ({reason_of(error)}). Delete it to start again.") from error
    if version != _FORMAT:
        raise TrainingError(f"{path}: format {version}, this version reads {_FORMAT}. Delete it to start again.")
    known, marks = _by_part(known), _by_part(marks)
    differing = sorted(
        name
        for name in known.keys() | marks.keys()
        if known.get(name) != marks.get(name)
        and not (name.startswith("optimiser ") and name.endswith(_FUSED))
        and not (name in _ADDED and name not in known)
    )
    if differing:
        shown = "; ".join(f"{name} was {known.get(name)}, now {marks.get(name)}" for name in differing[:3])
        more = f"; and {len(differing) - 3} more" if len(differing) > 3 else ""
        raise TrainingError(
            f"{path} belongs to another training: {shown}{more}. Use another folder, or delete it to start again."
        )
    history = History(
        parts={name: values.tolist() for name, values in state["parts"].items()},
        steps=len(state["clock_s"]),
        seconds=state["seconds"],
        device=state["device"],
        steps_per_epoch=state["steps_per_epoch"],
        clock_s=state["clock_s"].tolist(),
        validation={name: values.tolist() for name, values in state["validation"].items()},
    )
    return Checkpoint(place=DataPosition(state["epoch"], state["position"]), history=history, state=state)


def _by_part(marks: Mapping[str, str]) -> dict[str, str]:
    """Return the marks, with each part of an identity that is a JSON object as a mark of its own; digests shortened."""
    identity = marks.get("identity", "")
    if not identity.startswith("{"):
        return dict(marks)
    parts = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in json.loads(identity).items()
    }
    parts = {name: value[:12] if _DIGEST.fullmatch(value) else value for name, value in parts.items()}
    return {name: value for name, value in marks.items() if name != "identity"} | parts
