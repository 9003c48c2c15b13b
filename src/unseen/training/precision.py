"""Precision that a device computes fastest in, and the warning of one that it emulates.

A device with instructions for bfloat16 takes about half the time of single precision; one that emulates it can take
many times as long.
"""

from __future__ import annotations

import warnings
from typing import Literal

import torch


def fastest_precision(device: str = "auto") -> Literal["fp32", "bf16"]:
    """bf16 where the device has instructions for it, else fp32.

    Args:
        device: auto, cpu, mps, cuda or cuda:1, as in `Training.device`.

    >>> fastest_precision("cpu") in ("fp32", "bf16")
    True
    """
    kind = device.partition(":")[0]
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cuda":
        return (
            "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
        )
    found = torch.cpu.get_capabilities() if kind == "cpu" else {}
    return "bf16" if any(name.endswith("bf16") and there is True for name, there in found.items()) else "fp32"


def warn_of_emulation(precision: Literal["fp32", "bf16"], device: str) -> None:
    """Warn of a training in bfloat16 on a device without instructions for it.

    Args:
        precision: of the training.
        device: as in `Training.device`.
    """
    if precision == "bf16" and fastest_precision(device) == "fp32":
        warnings.warn(
            'The training computes in bfloat16 (training.precision = "bf16"), for which this device has no '
            "instructions, so that its steps can take many times as long as in single precision. Unless a model needs "
            'bfloat16, set training.precision to "fp32".',
            UserWarning,
            stacklevel=4,
        )
