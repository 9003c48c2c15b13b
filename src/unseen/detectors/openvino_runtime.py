"""A detector's networks on OpenVINO: compiled for this machine's CPU, and called as torch's modules are.

OpenVINO computes in bfloat16 where the CPU has instructions for it, else in float32. Scores stay within 0.5 % of
torch's in float32, and differ by as much between the two kinds of CPU. How much faster: `make bench`.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.errors import DeviceError
from unseen.detectors.ganomaly import EncoderDecoderEncoder
from unseen.networks.dcgan import Encoder


def compile_networks(detector: Detector) -> None:
    """Put compiled networks in the place of `detector`'s own, which must lie on the CPU in eval mode.

    Each encoder's first and last convolution stay in float32: half of bfloat16's error would come from there, and a
    few hundredths of the time go there. The lung finder stays in torch: one pixel of its mask can move the crop.

    Raises DeviceError for a method without such networks, and where OpenVINO is not installed.
    """
    if not isinstance(detector, EncoderDecoderEncoder):
        keys = METHODS.keys()
        able = [key for key in keys if issubclass(METHODS.load(key), EncoderDecoderEncoder)]
        raise DeviceError(f"runtime openvino: it runs {', '.join(able)}, not {detector.key}. Take the runtime torch")
    networks, settings, size = detector.modules(), detector.config, detector.view.size
    bfloat16 = "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
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
    detector.networks = compiled


class CompiledNetwork(nn.Module):
    """`network` for inputs of one shape, that of `example`: float32 tensors on the CPU come in and go out.

    It takes as many threads as torch had when it was compiled.
    """

    def __init__(self, network: nn.Module, example: Tensor, *, bfloat16: bool = False) -> None:
        super().__init__()
        openvino = _openvino()
        # traced here, because OpenVINO's own call of it checks the trace, which takes longer than all the rest
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced)
        model.reshape(list(example.shape))
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,  # pinned, two processes of one thread each take the same core
        }
        self._compiled = openvino.Core().compile_model(model, "CPU", settings)

    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self._compiled(x.numpy())[0])

    # Any: as torch declares it
    def state_dict(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("a compiled network has no weights to save: load the bundle with the runtime torch")


def _unchanged() -> nn.Conv2d:
    """A convolution that changes nothing. OpenVINO keeps to float32 whatever follows the last convolution, and to it
    a transposed one is none: without this a decoder would run in float32 from end to end, half as fast."""
    convolution = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(convolution.weight)
    return convolution


def _openvino() -> Any:  # Any: OpenVINO has no types of its own
    """The module, without its telemetry: where that package cannot be imported, OpenVINO takes a stub of its own.

    Raises DeviceError where OpenVINO is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: importing it fails
    try:
        import openvino
    except ImportError as error:
        raise DeviceError('runtime openvino: not installed here. pip install "unseen[openvino]"') from error
    return openvino
