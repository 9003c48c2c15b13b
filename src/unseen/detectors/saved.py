"""A detector to a bundle, and back: the method's networks, its settings, its view, and the lung finder copied in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from unseen import __version__
from unseen.anatomy.crossfit import CrossFittedLungs
from unseen.anatomy.lungs import LungFinder
from unseen.anatomy.view import View
from unseen.artifacts import bundle
from unseen.artifacts.recipe import validated
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn


def save(
    detector: Detector,
    folder: Path | str,
    *,
    recipe_digest: str | None = None,
    adjustment: Mapping[str, float] | None = None,
    licence: str = "",
) -> bundle.Card:
    """Write `detector` as a bundle at `folder` (whole or not at all) and return its card.

    adjustment  coefficients of the score on log sharpness and lung area, from out-of-fold training normals
    licence     what the weights may be used for; it follows the training films' terms

    Raises ValueError for a detector that has not been trained.
    """
    if not detector.training_films:
        raise ValueError(f"this {detector.key} has not been trained: there is nothing to save")
    finder = detector.finder.full if isinstance(detector.finder, CrossFittedLungs) else detector.finder
    if finder is not None and not isinstance(finder, LungFinder):
        raise TypeError(
            f"only a LungFinder can be copied into a bundle; this detector's finder is a {type(finder).__name__}"
        )
    tensors = _states(detector.modules())
    if finder is not None:
        tensors |= _states({"finder": finder.network})
    card = bundle.Card(
        kind="detector",
        name=detector.key,
        config=detector.config.model_dump(mode="json"),
        view=detector.view.model_dump(mode="json"),
        finder=None if finder is None else finder.config.model_dump(mode="json"),
        recipe_digest=recipe_digest,
        training_films=list(detector.training_films),
        facts=detector.facts,
        trained_on=detector.trained_on,
        adjustment=None if adjustment is None else dict(adjustment),
        licence=licence,
        version=__version__,
    )
    return bundle.save(folder, tensors, card)


class DeviceError(ValueError):
    """A device that is not there, or that torch was built without; a sentence for the user."""


def load(folder: Path | str, *, device: str = "cpu") -> Detector:
    """Read a detector back, ready to score on `device` ("cpu", "cuda", "cuda:1"); its card is `detector.card`.

    Raises `artifacts.BundleError`, naming the file, the cause and the cure; DeviceError for a device that is not there.
    """
    read = bundle.load(folder)
    card = read.card
    if card.kind != "detector":
        raise bundle.BundleError(f"{folder}: holds a {card.kind} model, not a detector. Give a detector's bundle.")
    method: type[Detector] = METHODS.load(card.name)
    detector = method(
        validated(card.config, method.Config, where="config"), view=validated(card.view or {}, View, where="view")
    )
    expected = dict(detector.modules())
    if card.finder is not None:
        finder = LungFinder(validated(card.finder, LungFinder.Config, where="finder"))
        expected["finder"] = finder.network
        detector.finder = finder
    _load_states(expected, read)
    for module in expected.values():
        try:
            module.to(device)
        except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
            raise DeviceError(
                f"device {device}: cannot be used here ({str(error).splitlines()[0]}). Take cpu"
            ) from error
    detector.training_films = tuple(card.training_films)
    detector.facts = dict(card.facts)
    detector.trained_on = card.trained_on
    detector.card = card
    return detector


def _states(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    return {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}


def _load_states(modules: Mapping[str, nn.Module], read: bundle.Bundle) -> None:
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
    strays = [key for key in read.tensors if key.split(".")[0] not in modules]
    if strays:
        raise bundle.BundleError(f"{read.folder}: holds weights that {read.card.name} does not know ({strays[0]}).")
