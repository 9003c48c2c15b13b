"""The models that come with the package: `models/pca`, `models/ensemble-aligned`,
`models/anatpaste-all-aligned`, `models/roi-sure`, and the lung finder `models/lungs`, by these names everywhere.

A path that is there is taken as it stands; only where it is not, `models/<name>` means the package's own.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent / "models"


def shipped() -> list[Path]:
    """Names of the models that come with the package, as they are given on the command line."""
    return sorted(Path("models") / folder.name for folder in _FOLDER.glob("*") if (folder / "card.json").is_file())


def located(path: Path) -> Path:
    """Where a model lies: `path`, or the package's own of that name where there is no such path.

    >>> located(Path("models/no-such-model")).as_posix()
    'models/no-such-model'
    """
    return path if path.exists() or path not in shipped() else _FOLDER / path.name
