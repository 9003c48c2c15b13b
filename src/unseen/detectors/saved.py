"""A detector to a bundle, and back: the method's networks, its settings, its view, and the lung finder copied in.

A lung finder alone can be a bundle too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from unseen import __version__
from unseen.anatomy.view import View
from unseen.artifacts import bundle
from unseen.artifacts.recipe import validated
from unseen.artifacts.registry import unknown
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.errors import DeviceError
from unseen.detectors.weights import GATE, check_strays, finder_in, kept, load_states

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

Runtime = Literal["torch", "openvino"]


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
    tensors, finder = kept(detector, half=half)
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


def add_gate(folder: Path | str, gate: Companion) -> bundle.Card:
    """Put a gate into a bundle that has none, or in the place of its own; everything else stays as it is."""
    read = bundle.load(folder)
    tensors = {name: t for name, t in read.tensors.items() if name.split(".")[0] != GATE} | gate.tensors()
    return bundle.save(read.folder, tensors, read.card.model_copy(update={"gate": gate.settings()}))


def gate_parts(folder: Path | str) -> tuple[dict[str, object], dict[str, Tensor]] | None:
    """Settings and tensors of the gate in a bundle, for `screening.Gate.of`; None for a bundle without one.

    Raises `artifacts.BundleError`, as `load` does.
    """
    read = bundle.load(folder)
    if read.card.gate is None:
        return None
    return dict(read.card.gate), {name: t for name, t in read.tensors.items() if name.split(".")[0] == GATE}


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
    load_states(expected, read)
    finder = detector.finder = finder_in(read)
    if finder is not None:
        expected["finder"] = finder.network
    check_strays(expected, read)
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
