"""A detector's networks as ONNX files, each compared with torch.

A network is a module with parameters that torch calls while a film is scored, and that no other called one holds: an
encoder, a decoder, a U-Net. What a detector keeps beside its networks (principal components, reference features, the
view and the score's arithmetic) is no network and stays in the bundle. A file takes tensors of the shape that the
film's have.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unseen.anatomy.found_lungs import FoundLungs
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts.files import replacing
from unseen.artifacts.installing import install_command
from unseen.data.film import Film
from unseen.detectors.detector import Detector
from unseen.detectors.errors import DeviceError
from unseen.detectors.openvino_runtime import openvino_module


@dataclass(frozen=True)
class Exported:
    """One network's file, and by how much its outputs differ from torch's.

    Args:
        name: such as `e1` or `finder`.
        shapes: of the inputs.
        difference: the largest absolute difference of an output, by OpenVINO in float32.
        largest: the largest absolute value among torch's outputs.
    """

    name: str
    file: Path
    shapes: tuple[tuple[int, ...], ...]
    difference: float
    largest: float


@dataclass(frozen=True, eq=False)
class _Call:
    module: nn.Module
    arguments: tuple[object, ...]


class _OfTensors(nn.Module):
    """A network as a function of its tensors alone: other arguments are fixed, and the outputs are a tuple."""

    def __init__(self, call: _Call) -> None:
        super().__init__()
        self.network, self.arguments = call.module, call.arguments

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(one for one in self.arguments if isinstance(one, Tensor))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = iter(tensors)
        made = self.network(*(next(given) if isinstance(one, Tensor) else one for one in self.arguments))
        return tuple(_flat(made))


def _flat(made: object) -> Iterator[Tensor]:
    """Yield the tensors of an output, whatever lists hold them."""
    if isinstance(made, Tensor):
        yield made
    elif isinstance(made, list | tuple):
        for one in made:
            yield from _flat(one)


def export_networks(model: Detector | LungFinder, film: Film, folder: Path | str) -> list[Exported]:
    """Write `<name>.onnx` into `folder` for each network that `model` calls for `film`, and compare each.

    Raises DeviceError where onnx or OpenVINO are not installed; ValueError for a detector that has not been trained.
    """
    openvino = _checked()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # eval: torch's exporter puts what it is given back into its own mode, its parts included
    return [_export(name, _OfTensors(call).eval(), folder, openvino) for name, call in networks_of(model, film).items()]


def networks_of(model: Detector | LungFinder, film: Film) -> dict[str, _Call]:
    """Return the networks by name, with the arguments of their first call."""
    finder = model if isinstance(model, LungFinder) else model.finder
    named = {} if isinstance(model, LungFinder) else dict(model.modules())
    if isinstance(finder, LungFinder):
        named["finder"] = finder.network
    calls: dict[str, _Call] = {}
    hooks = []
    for name, module in named.items():
        for inner, one in module.named_modules():
            if next(one.parameters(), None) is None:
                continue

            def note(module: nn.Module, arguments: tuple[object, ...], at: str = f"{name}.{inner}".rstrip(".")) -> None:
                calls.setdefault(at, _Call(module, arguments))

            hooks.append(one.register_forward_pre_hook(note))
    try:
        if isinstance(model, LungFinder):
            FoundLungs.of(film, None).by(model)
        else:
            model.score_film(film)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: call for name, call in calls.items() if not _within(name, calls)}


def _within(name: str, calls: Iterable[str]) -> bool:
    return any(name.startswith(f"{other}.") for other in calls)


def _export(name: str, network: _OfTensors, folder: Path, openvino: Any) -> Exported:  # Any: OpenVINO has no types
    tensors = tuple(one.detach().clone() for one in network.tensors)
    with torch.no_grad():
        expected = network(*tensors)
    file = folder / f"{name}.onnx"
    with replacing(file) as temporary, warnings.catch_warnings():
        # the newer exporter needs onnxscript, too, and takes five times as long; sizes are constants, as they should be
        warnings.simplefilter("ignore")
        torch.onnx.export(network, tensors, str(temporary), dynamo=False, input_names=_names("input", tensors),
                          output_names=_names("output", expected))  # fmt: skip
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(str(file)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled([one.numpy() for one in tensors])
    pairs = [(torch.from_numpy(found[i].copy()), one) for i, one in enumerate(expected)]
    return Exported(
        name,
        file,
        tuple(tuple(one.shape) for one in tensors),
        max(float((a - b).abs().max()) for a, b in pairs),
        max(float(b.abs().max()) for _, b in pairs),
    )


def _names(kind: str, tensors: Sequence[Tensor]) -> list[str]:
    return [kind] if len(tensors) == 1 else [f"{kind}-{i + 1}" for i in range(len(tensors))]


def _checked() -> Any:  # Any: see `_export`
    """OpenVINO's module, where onnx is installed, too."""
    try:
        import onnx  # noqa: F401  torch asks for it
    except ImportError as error:
        raise DeviceError(f"ONNX: not installed here. {install_command('unseen[onnx]')}") from error
    return openvino_module()
