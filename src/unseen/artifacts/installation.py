"""Installed versions for a bug report, the trained models that are installed, the research-only sentence.

The models of the package `unseen-models` (`models/pca`, `models/ensemble-five`, `models/lungs` and others) have these
names everywhere. A path that exists is used as it is; only where none exists, `models/<name>` means an installed model.
In a checkout the models are found without an installation.
"""

import importlib.util
import os
import platform
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
    """Names and versions, in the order in which a reader wants them.

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
        "films (UNSEEN_DATA)": os.environ.get("UNSEEN_DATA") or "not set",
        "runs (UNSEEN_RUNS)": os.environ.get("UNSEEN_RUNS") or "runs",
    }


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


LIMITS = "Research use only. Not a medical device. Not for diagnosis."
"""Notice that is shown with every result: on the command line, in reports and in exported objects."""


_CHECKOUT = Path(__file__).resolve().parents[3] / "models" / "src" / "unseen_models"


def _folder() -> Path | None:
    """Return the folder of the models: of the installed package, else of the checkout; None where there is neither."""
    found = importlib.util.find_spec("unseen_models")
    places = [] if found is None else [Path(place) for place in found.submodule_search_locations or ()]
    return next((place for place in (*places, _CHECKOUT) if place.is_dir()), None)


def shipped() -> list[Path]:
    """Return the names of the installed models, as they are given on the command line.

    Returns:
        Relative paths such as `models/pca`, sorted. `card_of` accepts them in every working directory.

    Example:
        >>> Path("models/pca") in shipped()
        True
    """
    folder = _folder()
    cards = [] if folder is None else folder.glob("*/card.json")
    return sorted(Path("models") / card.parent.name for card in cards)


def located(path: Path) -> Path:
    """Return the place of a model: `path`, or an installed model of that name where there is no such path.

    Example:
        >>> located(Path("models/no-such-model")).as_posix()
        'models/no-such-model'
    """
    folder = _folder()
    return path if folder is None or path.exists() or path not in shipped() else folder / path.name
