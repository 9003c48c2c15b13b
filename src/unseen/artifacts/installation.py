"""What is installed: versions for a bug report, the shipped models, the research-only sentence.

The sentence that stands wherever a result is seen: on the command line, in reports, in every exported object.

The models that come with the package: `models/pca`, `models/ensemble-five`, `models/ensemble-aligned`,
`models/anatpaste-all-aligned`, `models/roi-sure`, and the lung finder `models/lungs`, by these names everywhere.

A path that is there is taken as it stands; only where it is not, `models/<name>` means the package's own.
"""

import os
import platform
from importlib import metadata
from pathlib import Path

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
        "plug-ins": ", ".join(plugins()) or "none",
        "films (UNSEEN_DATA)": os.environ.get("UNSEEN_DATA") or "not set",
        "runs (UNSEEN_RUNS)": os.environ.get("UNSEEN_RUNS") or "runs",
    }


def plugins() -> list[str]:
    """The methods that other packages register, with the package: ``mean-film (unseen-example 0.1.0)``."""
    found = metadata.entry_points()
    return sorted(
        f"{entry.name} ({entry.dist.name} {entry.dist.version})"
        for group in found.groups
        if group.startswith("unseen.")
        for entry in found.select(group=group)
        if entry.dist is not None
    )


LIMITS = "Research use only. Not a medical device. Not for diagnosis."
"""Notice that is shown with every result: on the command line, in reports and in exported objects."""


_FOLDER = Path(__file__).resolve().parent.parent / "models"


def shipped() -> list[Path]:
    """Return the names of the models that come with the package, as they are given on the command line.

    Returns:
        Relative paths such as `models/pca`, sorted. `card_of` accepts them in every working directory.

    Example:
        >>> Path("models/pca") in shipped()
        True
    """
    return sorted(Path("models") / folder.name for folder in _FOLDER.glob("*") if (folder / "card.json").is_file())


def located(path: Path) -> Path:
    """Where a model lies: `path`, or the package's own of that name where there is no such path.

    >>> located(Path("models/no-such-model")).as_posix()
    'models/no-such-model'
    """
    return path if path.exists() or path not in shipped() else _FOLDER / path.name
