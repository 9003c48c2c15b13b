"""Save a detector as a bundle, and load it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from unseen import __version__
from unseen.anatomy.lung_finder import LungFinder
from unseen.anatomy.network_view import View
from unseen.artifacts import bundle
from unseen.artifacts.card import Card
from unseen.artifacts.model_digest import part_digests
from unseen.artifacts.recipe import validated
from unseen.artifacts.registry import did_you_mean
from unseen.detectors import METHODS
from unseen.detectors.adapted import Adapted
from unseen.detectors.bundle_tensors import check_strays, kept, load_states
from unseen.detectors.detector import Detector
from unseen.detectors.errors import DeviceError
from unseen.detectors.gate_in_bundle import Companion, HasSettings
from unseen.detectors.lung_finder_bundles import finder_in
from unseen.detectors.openvino_runtime import compile_networks

Runtime = Literal["torch", "openvino"]


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
) -> Card:
    """Write `detector` as a bundle at `folder` (whole or not at all) and return its card.

    Args:
        detector: a trained detector.
        folder: of the bundle; it is created.
        recipe_digest: digest of the recipe that trained it.
        adjustment: coefficients of the score on log sharpness and lung area, from out-of-fold training normals.
        data: the training films and their origin.
        licence: permitted uses of the weights, which follow from the terms of the training films.
        half: save weights as float16, in half the bytes; normalisation layers are unchanged.
        gate: the input gate, which refuses films unlike the training films; saved unchanged.

    Raises ValueError for a detector that has not been trained.

    >>> from tempfile import TemporaryDirectory
    >>> from unseen.data import phantoms
    >>> from unseen.detectors import Dct
    >>> detector = Dct(view=View(size=32, frame="whole")).fit(phantoms.normals(12, size=64))
    >>> with TemporaryDirectory() as folder:
    ...     card = save(detector, f"{folder}/dct", licence="CC0-1.0")
    ...     again = load(f"{folder}/dct")
    >>> card.name, again
    ('dct', <dct, whole 32 px, learnt from 12 films>)
    """
    tensors, finder = kept(detector, half=half)
    if gate is not None:
        tensors |= gate.tensors()
    card = _settings_card(detector, finder, gate).model_copy(
        update={
            "recipe_digest": recipe_digest,
            "trained_on": detector.trained_on,
            "adjustment": None if adjustment is None else dict(adjustment),
            "data": data,
            "licence": licence,
            "version": __version__,
        }
    )
    return bundle.save(folder, tensors, card)


def _settings_card(detector: Detector, finder: LungFinder | None, gate: HasSettings | None) -> Card:
    """Return the card with all settings of a trained detector and its gate that affect a score or a refusal."""
    return Card(
        kind="detector",
        name=detector.key,
        config=detector.config.model_dump(mode="json"),
        view=detector.view.model_dump(mode="json"),
        finder=None if finder is None else finder.config.model_dump(mode="json"),
        gate=None if gate is None else gate.settings(),
        training_films=list(detector.training_films),
        facts=detector.facts,
        normal_scores=list(detector.normal_scores),
        normal_folds=detector.normal_folds,
    )


def detector_parts(detector: Detector, gate: HasSettings | None = None) -> dict[str, str]:
    """Compute the digests of the parts of a detector and of its gate; see `artifacts.part_digests`.

    Args:
        detector: a trained detector. One that was loaded has the parts of its bundle.
        gate: the input gate that it is used with.

    Returns:
        By part's name, 64 hexadecimal digits.

    Raises:
        ValueError: the detector has not been trained.

    Example:
        >>> from unseen.artifacts import card_of
        >>> detector = load("models/pca")
        >>> detector_parts(detector)["weights"] == card_of("models/pca").weights_sha256
        True
    """
    if detector.card is not None:
        update = {"gate": None if gate is None else gate.settings()}
        return part_digests(detector.card.model_copy(update=update), runtime=detector.runtime)
    card = _settings_card(detector, kept(detector, half=False)[1], gate)
    return part_digests(card.model_copy(update={"weights_sha256": detector.weights_sha256}), runtime=detector.runtime)


def load(folder: Path | str, *, device: str = "cpu", runtime: Runtime = "torch") -> Detector:
    """Load a detector, ready to score; its card is `detector.card`.

    Args:
        folder: the bundle, or the name of one of unseen-models, such as "models/pca".
        device: "cpu", "cuda", "cuda:1".
        runtime: of the networks; "openvino" is several times as fast on the CPU, for GANomaly's family.

    Raises `artifacts.BundleError`, which names the file, the cause and the remedy; DeviceError for a device or a
    runtime that cannot be used.

    >>> load("models/pca").key
    'pca'
    """
    if runtime not in get_args(Runtime):
        raise DeviceError(f"runtime {runtime}: {did_you_mean(runtime, get_args(Runtime))}")
    if runtime == "openvino" and device != "cpu":
        raise DeviceError(f"device {device}: the runtime openvino computes on the CPU. Take cpu, or the runtime torch")
    read = bundle.load(folder, "detector")
    card = read.card
    method: type[Detector] = Adapted if card.name == Adapted.key else METHODS.load(card.name)
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
    detector.normal_scores, detector.normal_folds = tuple(card.normal_scores), card.normal_folds
    detector.card = card
    detector.runtime = runtime
    if runtime == "openvino":
        compile_networks(detector)
    return detector
