"""Installed trained models by name.

The models of this package, trained on phantoms (`models/phantom-screener` and others), and those of the package
`unseen-models` (`models/pca`, `models/ensemble-five`, `models/lungs` and others) have these names everywhere. A path
that exists is used as it is; only where none exists, `models/<name>` means an installed model. In a checkout the models
are found without an installation.
"""

import importlib.util
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[3] / "models" / "src" / "unseen_models"

_PHANTOM_MODELS = Path(__file__).resolve().parents[1] / "phantom_models"

_POLICY = ".policy.json"


def models_of_films() -> Path | None:
    """Return the folder of the models that are trained on films; None where `unseen-models` is not installed.

    Example:
        >>> models_of_films().name
        'unseen_models'
    """
    found = importlib.util.find_spec("unseen_models")
    places = [] if found is None else [Path(place) for place in found.submodule_search_locations or ()]
    return next((place for place in (*places, _CHECKOUT) if place.is_dir()), None)


def _folders() -> list[Path]:
    """Return the folders of the models: that of this package, and that of the package or the checkout of the others."""
    others = models_of_films()
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
