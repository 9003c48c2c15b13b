"""Initial weights of a network from the user's file. Nothing is downloaded.

A safetensors file, or a state dict that `torch.save` wrote (`.pt`, `.pth`), which is opened as weights only: nothing in
it is executed.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from unseen.artifacts.errors import reason_of
from unseen.detectors.errors import FitError

_PICKLES = (b"PK\x03\x04", b"\x80")  # torch.save's format, and that before torch 1.6
_HEADER = 8  # bytes, the length of a safetensors file's header, which begins with a brace
_NESTED = ("state_dict", "model", "model_state_dict", "teacher")
"""Keys below which training programs keep a state dict."""
_CONVERT = (
    "Write its state dict where its package is installed: `safetensors.torch.save_file({name: tensor.contiguous() for "
    "name, tensor in model.state_dict().items()}, 'weights.safetensors')`"
)


@dataclass(frozen=True, eq=False)
class Backbone:
    """Tensors of a file by name. `sha256`, of its bytes, is a setting of each detector that begins with them."""

    weights: Mapping[str, Tensor]
    sha256: str
    file: str

    @classmethod
    def read(cls, path: Path | str) -> Backbone:
        """Read a safetensors file, or a state dict of torch.

        Raises FitError for a file that is missing, has another format or contains more than tensors.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise FitError(f"backbone: {path} cannot be read ({reason_of(error)}). Give a file of weights") from error
        pickled = content.startswith(_PICKLES) and content[_HEADER : _HEADER + 1] != b"{"
        weights = _state_dict(content, path) if pickled else _safetensors(content, path)
        if not weights:
            raise FitError(f"backbone: {path} holds no tensors. Give a file of weights")
        return cls(weights, hashlib.sha256(content).hexdigest(), str(path))


def _safetensors(content: bytes, path: Path | str) -> Mapping[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(content)
    except SafetensorError as error:
        raise FitError(
            f"backbone: {path} is no file of weights ({error}). Give a safetensors file, or a state dict that "
            "`torch.save` wrote (.pt, .pth); it may have been cut off in copying"
        ) from error


def _state_dict(content: bytes, path: Path | str) -> Mapping[str, Tensor]:
    import torch

    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FitError(
            f"backbone: {path} contains more than tensors, such as a whole model, and is not opened, because that "
            f"would execute code of the file. {_CONVERT}"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise FitError(
            f"backbone: {path} cannot be read as a file of torch ({str(error).splitlines()[0]}); it may have been cut "
            "off in copying. Copy it again"
        ) from error
    while isinstance(found, Mapping) and (key := next((one for one in _NESTED if _is_nested(found, one)), None)):
        found = found[key]
    if not isinstance(found, Mapping):
        raise FitError(f"backbone: {path} holds a {type(found).__name__}, not a state dict. {_CONVERT}")
    return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}


def _is_nested(found: Mapping[str, object], key: str) -> bool:
    return isinstance(found.get(key), Mapping)
