"""Machine on which the figures were measured, for which alone they hold."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_tile")
_BFLOAT16 = {"avx512_bf16", "amx_bf16"}


def described() -> dict[str, object]:
    """Return the processor's name, its vector instructions by the names that Linux gives them, versions."""
    lines = _cpuinfo()
    found = set(lines.get("flags", "").split())
    return {
        "cpu": lines.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "flags": [flag for flag in _FLAGS if flag in found],
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "openvino": metadata.version("openvino"),
        "unseen": metadata.version("unseen"),
    }


def computes_bfloat16() -> bool:
    """Report whether the processor has instructions for bfloat16; False if Linux does not list them."""
    return not _BFLOAT16.isdisjoint(_cpuinfo().get("flags", "").split())


def _cpuinfo() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
