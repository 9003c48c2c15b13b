"""A detector's networks on OpenVINO: compiled for this machine's CPU, and called like torch's modules.

OpenVINO computes in bfloat16 where the CPU has instructions for it, else in float32. Scores stay within 0.5 % of
torch's in float32, and differ by as much between the two types of CPU. `make bench` measures the speed.
"""

import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts.installing import install_command
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.errors import DeviceError
from unseen.detectors.frozen_features import FrozenFeatures, FrozenNetwork
from unseen.detectors.ganomaly_family import EncoderDecoderEncoder
from unseen.networks.dcgan import DcganEncoder


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
        assert isinstance(encoder, DcganEncoder)
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
    """Return a convolution that changes nothing.

    OpenVINO keeps to float32 whatever follows the last convolution, and to it a transposed one is none: without this a
    decoder would run in float32 from end to end, half as fast.
    """
    convolution = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(convolution.weight)
    return convolution


def openvino_module() -> Any:  # Any: OpenVINO has no types of its own
    """Return the module, without its telemetry: where that package cannot be imported, OpenVINO takes a stub of its
    own.

    Raises DeviceError where OpenVINO is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: importing it fails
    try:
        import openvino
    except ImportError as error:
        raise DeviceError(f"runtime openvino: not installed here. {install_command('unseen[openvino]')}") from error
    return openvino
