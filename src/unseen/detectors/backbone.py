"""Weights that a network begins with, from a file that the user gives. Nothing is ever downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from unseen.artifacts.errors import reason_of
from unseen.detectors.errors import FitError


@dataclass(frozen=True, eq=False)
class Backbone:
    """A file's tensors by name; `sha256` is of its bytes, and goes into the settings of what is learnt from it."""

    weights: Mapping[str, Tensor]
    sha256: str
    file: str

    @classmethod
    def read(cls, path: Path | str) -> Backbone:
        """A safetensors file.

        Raises FitError for a file that is not there or is of another format.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            content = Path(path).read_bytes()
            return cls(load(content), hashlib.sha256(content).hexdigest(), str(path))
        except OSError as error:
            raise FitError(f"backbone: {path} cannot be read ({reason_of(error)}). Give a file of weights") from error
        except SafetensorError as error:
            raise FitError(
                f"backbone: {path} is no safetensors file ({error}). No other format is opened; "
                "`safetensors.torch.save_file` writes one from a state dict"
            ) from error
