"""A detector to a bundle, and back: the method's networks, its settings, its view, and the lung finder copied in.

A lung finder alone can be a bundle too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from unseen import __version__
from unseen.anatomy.crossfit import CrossFittedLungs
from unseen.anatomy.lungs import LungFinder
from unseen.anatomy.view import View
from unseen.artifacts import bundle
from unseen.artifacts.recipe import validated
from unseen.artifacts.unknown import unknown
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.errors import DeviceError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

Runtime = Literal["torch", "openvino"]
_GATE = "gate"  # what the names of a companion's tensors begin with


class Companion(Protocol):
    """Something that goes with a detector and lies in its bundle; `screening.Gate` is one."""

    def settings(self) -> dict[str, object]:
        """For the card, JSON-able."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """For the weights; each name begins with `gate.`."""
        ...


def save(
    detector: Detector,
    folder: Path | str,
    *,
    recipe_digest: str | None = None,
    adjustment: Mapping[str, float] | None = None,
    data: str = "",
    licence: str = "",
    half: bool = False,
    gate: Companion | None = None,
) -> bundle.Card:
    """Write `detector` as a bundle at `folder` (whole or not at all) and return its card.

    adjustment  coefficients of the score on log sharpness and lung area, from out-of-fold training normals
    data        which films it learnt from, and where they are from
    licence     what the weights may be used for; it follows the training films' terms
    half        weights as float16: half the bytes; normalisation layers stay as they are
    gate        what refuses films unlike the training films, kept beside the weights as it is

    Raises ValueError for a detector that has not been trained.
    """
    tensors, finder = _kept(detector, half=half)
    if gate is not None:
        tensors |= gate.tensors()
    card = bundle.Card(
        kind="detector",
        name=detector.key,
        config=detector.config.model_dump(mode="json"),
        view=detector.view.model_dump(mode="json"),
        finder=None if finder is None else finder.config.model_dump(mode="json"),
        gate=None if gate is None else gate.settings(),
        recipe_digest=recipe_digest,
        training_films=list(detector.training_films),
        facts=detector.facts,
        trained_on=detector.trained_on,
        adjustment=None if adjustment is None else dict(adjustment),
        data=data,
        licence=licence,
        version=__version__,
    )
    return bundle.save(folder, tensors, card)


def weights_sha256(detector: Detector) -> str:
    """The digest that `save` would write into the card: in full precision, without a gate."""
    return hashlib.sha256(bundle.weights_of(_kept(detector, half=False)[0])).hexdigest()


def _kept(detector: Detector, *, half: bool) -> tuple[dict[str, Tensor], LungFinder | None]:
    """What of a trained detector goes into a bundle: its networks' and its finder's tensors, and that finder."""
    if not detector.training_films:
        raise ValueError(f"this {detector.key} has not been trained: there is nothing to save")
    finder = detector.finder.full if isinstance(detector.finder, CrossFittedLungs) else detector.finder
    if finder is not None and not isinstance(finder, LungFinder):
        raise TypeError(
            f"only a LungFinder can be copied into a bundle; this detector's finder is a {type(finder).__name__}"
        )
    tensors = _states(detector.modules(), half=half)
    if finder is not None:
        tensors |= _states({"finder": finder.network}, half=half)
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
    return bundle.save(folder, _states({"finder": finder.network}, half=half), card)


def finder_of(folder: Path | str) -> LungFinder | None:
    """The lung finder of a bundle, a detector's or a finder's own; None for a detector without one."""
    read = bundle.load(folder)
    if read.card.kind == "detector":
        finder = load(folder).finder
        return finder if isinstance(finder, LungFinder) else None
    if read.card.kind != "lungs":
        raise bundle.BundleError(
            f"{folder}: holds a {read.card.kind} model, not a lung finder. Give a finder's or a detector's bundle."
        )
    found = LungFinder(validated(read.card.finder or {}, LungFinder.Config, where="finder"))
    _load_states({"finder": found.network}, read)
    found.training_films = tuple(read.card.training_films)
    return found


def add_gate(folder: Path | str, gate: Companion) -> bundle.Card:
    """Put a gate into a bundle that has none, or in the place of its own; everything else stays as it is."""
    read = bundle.load(folder)
    tensors = {name: t for name, t in read.tensors.items() if name.split(".")[0] != _GATE} | gate.tensors()
    return bundle.save(read.folder, tensors, read.card.model_copy(update={"gate": gate.settings()}))


def gate_parts(folder: Path | str) -> tuple[dict[str, object], dict[str, Tensor]] | None:
    """Settings and tensors of the gate in a bundle, for `screening.Gate.of`; None for a bundle without one.

    Raises `artifacts.BundleError`, as `load` does.
    """
    read = bundle.load(folder)
    if read.card.gate is None:
        return None
    return dict(read.card.gate), {name: t for name, t in read.tensors.items() if name.split(".")[0] == _GATE}


def load(folder: Path | str, *, device: str = "cpu", runtime: Runtime = "torch") -> Detector:
    """Read a detector back, ready to score; its card is `detector.card`.

    device   "cpu", "cuda", "cuda:1"
    runtime  what computes its networks; "openvino" is several times as fast on the CPU, for GANomaly's family

    Raises `artifacts.BundleError`, naming the file, the cause and the cure; DeviceError for a device or a runtime that
    cannot be used.
    """
    if runtime not in get_args(Runtime):
        raise DeviceError(f"runtime {runtime}: {unknown(runtime, get_args(Runtime))}")
    if runtime == "openvino" and device != "cpu":
        raise DeviceError(f"device {device}: the runtime openvino computes on the CPU. Take cpu, or the runtime torch")
    read = bundle.load(folder)
    card = read.card
    if card.kind != "detector":
        raise bundle.BundleError(
            f"{folder}: holds a {card.kind} model, not a detector. Give a detector's bundle (a lung finder goes with "
            "--finder)."
        )
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
    if runtime == "openvino":
        from unseen.detectors.openvino_runtime import compile_networks

        compile_networks(detector)
    return detector


def _states(modules: Mapping[str, nn.Module], *, half: bool = False) -> dict[str, Tensor]:
    states = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    # one-dimensional: normalisation, whose running variances do not fit into float16
    return {key: value.half() if half and value.ndim > 1 else value for key, value in states.items()}


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
    known = {*modules, *(() if read.card.gate is None else (_GATE,))}
    strays = [key for key in read.tensors if key.split(".")[0] not in known]
    if strays:
        raise bundle.BundleError(f"{read.folder}: holds weights that {read.card.name} does not know ({strays[0]}).")
