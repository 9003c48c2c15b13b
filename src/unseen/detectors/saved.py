"""A detector to a bundle and back, and its networks on OpenVINO.

A lung finder alone can be a bundle too.

A detector's networks on OpenVINO: compiled for this machine's CPU, and called as torch's modules are.

OpenVINO computes in bfloat16 where the CPU has instructions for it, else in float32. Scores stay within 0.5 % of
torch's in float32, and differ by as much between the two types of CPU. `make bench` measures the speed.
"""

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor, nn

from unseen import __version__
from unseen.anatomy.lungs import LungFinder
from unseen.anatomy.view import View
from unseen.artifacts import bundle
from unseen.artifacts.model_digest import part_digests
from unseen.artifacts.recipe import validated
from unseen.artifacts.registry import did_you_mean
from unseen.detectors import METHODS
from unseen.detectors.adapted import Adapted
from unseen.detectors.detector import Detector
from unseen.detectors.encoder_decoder_encoder import EncoderDecoderEncoder
from unseen.detectors.frozen_features import FrozenFeatures, FrozenNetwork
from unseen.detectors.weights import GATE, DeviceError, check_strays, finder_in, kept, load_states
from unseen.networks.dcgan import Encoder

Runtime = Literal["torch", "openvino"]


@runtime_checkable
class HasSettings(Protocol):
    """Something with settings, as JSON values."""

    def settings(self) -> dict[str, object]:
        """For the card, JSON-able."""
        ...


class Companion(HasSettings, Protocol):
    """Something that goes with a detector and lies in its bundle; `screening.Gate` is one."""

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

    detector    a trained detector
    folder      where the bundle goes; it is made
    recipe_digest  the digest of the recipe that it was trained by
    adjustment  coefficients of the score on log sharpness and lung area, from out-of-fold training normals
    data        which films it learnt from, and where they are from
    licence     what the weights may be used for; it follows the training films' terms
    half        weights as float16: half the bytes; normalisation layers stay as they are
    gate        what refuses films unlike the training films, kept beside the weights as it is

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


def _settings_card(detector: Detector, finder: LungFinder | None, gate: HasSettings | None) -> bundle.Card:
    """Everything of a trained detector and its gate that computes a score or a refusal, except the weights."""
    return bundle.Card(
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
    """Compute the digests of a detector's parts, together with a gate; see `artifacts.part_digests`.

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

    folder   the bundle, or the name of one of unseen-models, such as "models/pca"
    device   "cpu", "cuda", "cuda:1"
    runtime  what computes its networks; "openvino" is several times as fast on the CPU, for GANomaly's family

    Raises `artifacts.BundleError`, naming the file, the cause and the cure; DeviceError for a device or a runtime that
    cannot be used.

    >>> load("models/pca").key
    'pca'
    """
    if runtime not in get_args(Runtime):
        raise DeviceError(f"runtime {runtime}: {did_you_mean(runtime, get_args(Runtime))}")
    if runtime == "openvino" and device != "cpu":
        raise DeviceError(f"device {device}: the runtime openvino computes on the CPU. Take cpu, or the runtime torch")
    read = bundle.load(folder)
    card = read.card
    if card.kind != "detector":
        raise bundle.BundleError(
            f"{folder}: holds a {card.kind} model, not a detector. Give a detector's bundle (a lung finder goes with "
            "`finder=`)."
        )
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


def compile_networks(detector: Detector) -> None:
    """Put compiled networks in the place of `detector`'s own, which must lie on the CPU in eval mode.

    Each encoder's first and last convolution stay in float32: half of bfloat16's error would come from there, and a
    few hundredths of the time go there. The lung finder computes in float32 and gives torch's masks pixel for pixel:
    one pixel can move the crop, so torch decides where a logit is near 0. A frozen network, in whatever detector,
    computes in float32: its features are compared with those of training.

    Raises DeviceError for a method without such networks, and where OpenVINO is not installed.
    """
    frozen = detector.modules().get("backbone")
    if isinstance(frozen, FrozenNetwork):
        frozen.compiled = CompiledBlocks(frozen.network)
    elif isinstance(detector, EncoderDecoderEncoder):
        detector.networks = _compiled_encoders(detector)
    else:
        able = [key for key in METHODS if issubclass(METHODS.load(key), EncoderDecoderEncoder | FrozenFeatures)]
        raise DeviceError(
            f"runtime openvino: it runs {', '.join(able)} and an ensemble on frozen features, not {detector.key}. Take "
            "the runtime torch"
        )
    finder = detector.finder
    if isinstance(finder, LungFinder):
        side = finder.config.size
        finder.compiled = CompiledNetwork(finder.network, torch.zeros(1, 1, side, side))


def _compiled_encoders(detector: EncoderDecoderEncoder) -> dict[str, nn.Module]:
    networks, settings, size = detector.modules(), detector.config, detector.view.size
    bfloat16 = "BF16" in openvino_module().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    first = torch.zeros(1, settings.features, size // 2, size // 2)
    latent = torch.zeros(1, settings.latent, 1, 1)
    decoder = nn.Sequential(networks["de"], _unchanged())
    compiled: dict[str, nn.Module] = {"de": CompiledNetwork(decoder, latent, bfloat16=bfloat16)}
    for name in ("e1", "e2"):
        encoder = networks[name]
        assert isinstance(encoder, Encoder)
        layers, head = encoder.pyramid, encoder.head
        compiled[name] = nn.Sequential(
            layers[0],
            layers[1],
            CompiledNetwork(layers[2:], first, bfloat16=bfloat16),
            CompiledNetwork(head, torch.zeros(1, head.in_channels, 4, 4)),
        )
    return compiled


class CompiledNetwork(nn.Module):
    """`network` for inputs of one shape, that of `example`: float32 tensors on the CPU come in and go out.

    It takes as many threads as torch had when it was compiled.
    """

    def __init__(self, network: nn.Module, example: Tensor, *, bfloat16: bool = False) -> None:
        super().__init__()
        self._compiled = _compiled(network, example, bfloat16=bfloat16)

    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self._compiled(x.numpy())[0])

    # Any: as torch declares it
    def state_dict(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("a compiled network has no weights to save: load the bundle with the runtime torch")


class CompiledBlocks:
    """A frozen network, compiled in float32 for each shape of image when it first comes; called as it is."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._made: dict[tuple[object, ...], Any] = {}  # Any: see `openvino_module`

    def __call__(self, x: Tensor, blocks: Sequence[int]) -> list[Tensor]:
        asked = (tuple(x.shape), tuple(blocks))
        if asked not in self._made:
            self._made[asked] = _compiled(_Blocks(self._network, blocks), x)
        found = self._made[asked](x.numpy())
        return [torch.from_numpy(found[i].copy()) for i in range(len(blocks))]


class _Blocks(nn.Module):
    def __init__(self, network: nn.Module, blocks: Sequence[int]) -> None:
        super().__init__()
        self.network, self.blocks = network, tuple(blocks)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(x, self.blocks))


def _compiled(network: nn.Module, example: Tensor, *, bfloat16: bool = False) -> Any:  # Any: see `openvino_module`
    openvino = openvino_module()
    with warnings.catch_warnings():  # sizes of padding are constants of this shape, as they should be
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        # traced here, because OpenVINO's own call of it checks the trace, which takes longer than all the rest
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
    model = openvino.convert_model(traced)
    model.reshape(list(example.shape))
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,  # pinned, two processes of one thread each take the same core
    }
    return openvino.Core().compile_model(model, "CPU", settings)


def _unchanged() -> nn.Conv2d:
    """A convolution that changes nothing. OpenVINO keeps to float32 whatever follows the last convolution, and to it
    a transposed one is none: without this a decoder would run in float32 from end to end, half as fast."""
    convolution = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(convolution.weight)
    return convolution


def openvino_module() -> Any:  # Any: OpenVINO has no types of its own
    """The module, without its telemetry: where that package cannot be imported, OpenVINO takes a stub of its own.

    Raises DeviceError where OpenVINO is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: importing it fails
    try:
        import openvino
    except ImportError as error:
        raise DeviceError('runtime openvino: not installed here. pip install "unseen[openvino]"') from error
    return openvino
