"""What is installed here: versions that a bug report needs."""

from __future__ import annotations

import os
import platform
from importlib import metadata

_NAMED = ("unseen", "torch", "lightning-fabric", "numpy", "pydicom", "polars", "imagecodecs", "openvino")


def installation() -> dict[str, str]:
    """Names and versions, in the order in which a reader wants them.

    >>> list(installation())[:2]
    ['unseen', 'torch']
    """
    found = {}
    for name in _NAMED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return {
        **found,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "films (UNSEEN_DATA)": os.environ.get("UNSEEN_DATA") or "not set",
        "runs (UNSEEN_RUNS)": os.environ.get("UNSEEN_RUNS") or "runs",
    }
