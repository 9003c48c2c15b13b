"""Installed versions and plug-ins, for a bug report."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

_NAMED = (
    "unseen",
    "unseen-server",
    "unseen-models",
    "torch",
    "lightning-fabric",
    "numpy",
    "pydicom",
    "polars",
    "imagecodecs",
    "openvino",
)


def installation() -> dict[str, str]:
    """Return the names and versions, in the order in which a reader wants them.

    >>> list(installation())[:3]
    ['unseen', 'unseen-server', 'unseen-models']
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
        "plug-ins": ", ".join(plugins()) or "none",
        "could be saved": _savings(),
        "films (UNSEEN_DATA)": os.environ.get("UNSEEN_DATA") or "not set",
        "runs (UNSEEN_RUNS)": os.environ.get("UNSEEN_RUNS") or "runs",
    }


def _savings() -> str:
    """Return what of this installation is not needed here: the libraries of PyTorch's CUDA build without a GPU."""
    if Path("/dev/nvidia0").exists():
        return "nothing"
    # by the folders' names: to ask each distribution for its name is to read the description of every one
    names = ("nvidia_*.dist-info", "nvidia-*.dist-info", "triton*.dist-info")
    folders = {found for entry in sys.path for name in names for found in Path(entry).glob(name)}
    if not folders:
        return "nothing"
    parts = [metadata.PathDistribution(folder) for folder in folders]
    size = sum(file.size or 0 for one in parts for file in one.files or ())
    return (
        f"{size / 1e9:.1f} GB: {len(parts)} packages of PyTorch's CUDA build, and this machine has no NVIDIA GPU. "
        "Install the CPU build in a new environment"
    )


def plugins() -> list[str]:
    """Return what other packages than the server add, with the package: ``mean-film (unseen-example 0.1.0)``."""
    found = metadata.entry_points()
    return sorted(
        f"{entry.name} ({entry.dist.name} {entry.dist.version})"
        for group in found.groups
        if group.startswith("unseen.")
        for entry in found.select(group=group)
        if entry.dist is not None and entry.dist.name != "unseen-server"
    )
