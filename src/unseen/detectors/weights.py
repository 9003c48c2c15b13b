"""A detector's tensors and their digest, its lung finder, and the errors of fitting and loading.

Errors that a detector raises for the user: films that do not fit, a device that cannot be used.

A trained detector's tensors and a lung finder's, as a bundle keeps them: names, digest, and back into networks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from unseen import __version__
from unseen.anatomy.lungs import CrossFittedLungs, LungFinder
from unseen.artifacts import bundle
from unseen.artifacts.errors import UserError
from unseen.artifacts.recipe import validated

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from unseen.detectors.detector import Detector


class FitError(UserError, ValueError):
    """Films or settings from which a detector cannot be trained; a sentence for the user."""


class DeviceError(UserError, ValueError):
    """A device or a runtime that cannot be used here, or not for this detector; a sentence for the user."""


GATE = "gate"
"""What the names of a companion's tensors begin with."""


def weights_sha256(detector: Detector) -> str:
    """The digest that `save` would write into the card: in full precision, without a gate."""
    return hashlib.sha256(bundle.weights_of(kept(detector, half=False)[0])).hexdigest()


def kept(detector: Detector, *, half: bool) -> tuple[dict[str, Tensor], LungFinder | None]:
    """What of a trained detector goes into a bundle: its networks' and its finder's tensors, and that finder."""
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


def save_finder(finder: LungFinder, folder: Path | str, *, data: str, licence: str, half: bool = False) -> bundle.Card:
    """Write a lung finder alone as a bundle at `folder`; arguments as for `save`."""
    card = bundle.Card(
        kind="lungs",
        name="lungs",
        finder=finder.config.model_dump(mode="json"),
        training_films=list(finder.training_films),
        data=data,
        licence=licence,
        version=__version__,
    )
    return bundle.save(folder, states({"finder": finder.network}, half=half), card)


def finder_of(folder: Path | str) -> LungFinder | None:
    """The lung finder of a bundle, a detector's or a finder's own; None for a detector without one.

    Args:
        folder: the bundle, or the name of one of unseen-models.

    Raises:
        BundleError: it holds another kind of model, or cannot be read.

    >>> finder_of("models/lungs").config.size
    64
    """
    read = bundle.load(folder)
    if read.card.kind not in ("detector", "lungs"):
        raise bundle.BundleError(
            f"{folder}: holds a {read.card.kind} model, not a lung finder. Give a finder's or a detector's bundle."
        )
    if read.card.kind == "detector":
        return finder_in(read)
    found = LungFinder(validated(read.card.finder or {}, LungFinder.Config, where="finder"))
    load_states({"finder": found.network}, read)
    check_strays({"finder": found.network}, read)
    found.training_films = tuple(read.card.training_films)
    return found


def finder_in(read: bundle.Bundle) -> LungFinder | None:
    """The lung finder in a detector's bundle; None where it has none."""
    if read.card.finder is None:
        return None
    found = LungFinder(validated(read.card.finder, LungFinder.Config, where="finder"))
    load_states({"finder": found.network}, read)
    return found


def states(modules: Mapping[str, nn.Module], *, half: bool = False) -> dict[str, Tensor]:
    """All tensors of some networks, by network and name."""
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
    """Raises BundleError where `read` holds tensors that belong to none of `modules`, nor to its gate."""
    known = {*modules, *(() if read.card.gate is None else (GATE,))}
    strays = [key for key in read.tensors if key.split(".")[0] not in known]
    if strays:
        raise bundle.BundleError(f"{read.folder}: holds weights that {read.card.name} does not know ({strays[0]}).")
