"""Tensors of a trained detector: names in a bundle, digest, and back into networks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts import bundle

if TYPE_CHECKING:
    from torch import Tensor, nn

    from unseen.anatomy.found_lungs import Finder

GATE = "gate"
"""Prefix of the names of a gate's tensors."""


class TrainedNetworks(Protocol):
    """Trained networks and their lung finder: the part of a `Detector` that a bundle keeps as tensors."""

    @property
    def key(self) -> str:
        """Name of the method."""

    @property
    def training_films(self) -> tuple[str, ...]:
        """Digests of the training films; empty before training."""

    @property
    def finder(self) -> Finder | None:
        """Lung finder, if the method has one."""

    def modules(self) -> Mapping[str, nn.Module]:
        """Return the networks by name."""


def weights_sha256(detector: TrainedNetworks) -> str:
    """Return the digest that `save` would write into the card: in full precision, without a gate."""
    return hashlib.sha256(bundle.weights_of(kept(detector, half=False)[0])).hexdigest()


def kept(detector: TrainedNetworks, *, half: bool) -> tuple[dict[str, Tensor], LungFinder | None]:
    """Return what a bundle keeps of a trained detector: all tensors, and the lung finder."""
    if not detector.training_films:
        raise ValueError(f"this {detector.key} has not been trained: there is nothing to save")
    finder = detector.finder.full if isinstance(detector.finder, CrossFittedLungs) else detector.finder
    if finder is not None and not isinstance(finder, LungFinder):
        raise TypeError(
            f"only a LungFinder can be copied into a bundle; this detector's finder is a {type(finder).__name__}"
        )
    tensors = states(detector.modules(), half=half)
    if finder is not None:
        tensors |= states({"finder": finder.network}, half=half)
    return tensors, finder


def states(modules: Mapping[str, nn.Module], *, half: bool = False) -> dict[str, Tensor]:
    """Return all tensors of some networks, by network and name."""
    tensors = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    # one-dimensional: normalisation, whose running variances do not fit into float16
    return {key: value.half() if half and value.ndim > 1 else value for key, value in tensors.items()}


def load_states(modules: Mapping[str, nn.Module], read: bundle.Bundle) -> None:
    """Copy a bundle's tensors into networks, which are ready to score then.

    Raises BundleError where they do not fit.
    """
    for name, module in modules.items():
        state = {key.removeprefix(f"{name}."): t for key, t in read.tensors.items() if key.startswith(f"{name}.")}
        try:
            module.load_state_dict(state, strict=True)
        except RuntimeError as error:
            raise bundle.BundleError(
                f"{read.folder}: the weights do not fit {read.card.name} as its card describes it ({error}). "
                "Copy the whole bundle again."
            ) from error
        module.eval()


def check_strays(modules: Mapping[str, nn.Module], read: bundle.Bundle) -> None:
    """Raise BundleError where `read` holds tensors that belong to none of `modules`, nor to its gate."""
    known = {*modules, *(() if read.card.gate is None else (GATE,))}
    strays = [key for key in read.tensors if key.split(".")[0] not in known]
    if strays:
        raise bundle.BundleError(f"{read.folder}: holds weights that {read.card.name} does not know ({strays[0]}).")
