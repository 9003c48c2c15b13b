"""Installed versions for a bug report, the trained models that are installed, the research-only sentence.

The models of this package, trained on phantoms (`models/phantom-screener` and others), and those of the package
`unseen-models` (`models/pca`, `models/ensemble-five`, `models/lungs` and others) have these names everywhere. A path
that exists is used as it is; only where none exists, `models/<name>` means an installed model. In a checkout the models
are found without an installation.
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
        "could be saved": _savings(),
        "films (UNSEEN_DATA)": os.environ.get("UNSEEN_DATA") or "not set",
        "runs (UNSEEN_RUNS)": os.environ.get("UNSEEN_RUNS") or "runs",
    }


def _savings() -> str:
    """Return what of this installation is not needed here: the libraries of PyTorch's CUDA build without a GPU."""
    parts = [one for one in metadata.distributions() if one.name.startswith(("nvidia-", "triton"))]
    if not parts or Path("/dev/nvidia0").exists():
        return "nothing"
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


LIMITS = "Research use only. Not a medical device. Not for diagnosis."
"""Notice that is shown with every result: on the command line, in reports and in exported objects."""


_CHECKOUT = Path(__file__).resolve().parents[3] / "models" / "src" / "unseen_models"
_PHANTOM_MODELS = Path(__file__).resolve().parents[1] / "phantom_models"
_POLICY = ".policy.json"


def _folders() -> list[Path]:
    """Return the folders of the models: that of this package, and that of the package or the checkout of the others."""
    found = importlib.util.find_spec("unseen_models")
    places = [] if found is None else [Path(place) for place in found.submodule_search_locations or ()]
    others = next((place for place in (*places, _CHECKOUT) if place.is_dir()), None)
    return [_PHANTOM_MODELS] if others is None else [_PHANTOM_MODELS, others]


def shipped() -> list[Path]:
    """Return the names of the installed models, as they are given on the command line.

    Returns:
        Relative paths such as `models/phantom-screener`, sorted. `card_of` accepts them in every working directory.

    Example:
        >>> Path("models/phantom-screener") in shipped()
        True
    """
    return sorted(Path("models") / card.parent.name for folder in _folders() for card in folder.glob("*/card.json"))


def located(path: Path) -> Path:
    """Return the place of a model or its policy: `path`, or what is installed by that name where there is no such path.

    Args:
        path: such as `models/pca`, or `models/phantom-screener.policy.json`, the policy that is shipped with a model.

    Example:
        >>> located(Path("models/no-such-model")).as_posix()
        'models/no-such-model'
        >>> located(Path("models/phantom-screener.policy.json")).is_file()
        True
    """
    if path.exists() or path.parent != Path("models"):
        return path
    needed = path.name if path.name.endswith(_POLICY) else f"{path.name}/card.json"
    return next((folder / path.name for folder in _folders() if (folder / needed).is_file()), path)


def is_shipped(path: Path) -> bool:
    """Return whether `path` names an installed model or its policy, and no file or folder of the user's.

    Example:
        >>> is_shipped(Path("models/phantom-screener")), is_shipped(Path("models/no-such-model"))
        (True, False)
    """
    return located(path) != path
