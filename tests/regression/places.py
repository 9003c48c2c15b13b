"""Places of the repository by name, wherever its packages are: one package at the root, or several projects."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).with_name("recorded")
FROZEN = Path(__file__).with_name("store-0.2")

_PROJECTS = (ROOT, ROOT / "server", ROOT / "models")


def projects() -> list[Path]:
    """Return the folders that hold a project, that of the library first."""
    return [folder for folder in _PROJECTS if (folder / "pyproject.toml").is_file()]


def project_settings() -> list[dict[str, Any]]:  # Any: TOML
    """Return the `pyproject.toml` of each project."""
    return [tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")) for folder in projects()]


def packages() -> list[Path]:
    """Return the import packages: `src/unseen`, and those of the other projects where they exist."""
    return [path for folder in projects() for path in sorted((folder / "src").glob("unseen*")) if path.is_dir()]


def files(suffix: str, *folders: str) -> list[Path]:
    """Return the files below these folders of each project whose name ends so, each once, without built ones."""
    found = {
        path.resolve()
        for project in projects()
        for folder in folders
        for path in (project / folder).rglob(f"*{suffix}")
        if path.is_file() and "__pycache__" not in path.parts and "node_modules" not in path.parts
    }
    return sorted(found)


def deployment() -> Path:
    """Return the folder with the systemd units and the compose file."""
    return next(folder / "deploy" for folder in projects() if (folder / "deploy").is_dir())


def without_package(name: str) -> str:
    """Return a file's name in a wheel without the import package; shipped models keep `models/`.

    >>> without_package("unseen/web/static/page.css"), without_package("unseen_server/web/static/page.css")
    ('web/static/page.css', 'web/static/page.css')
    >>> without_package("unseen/models/pca/card.json"), without_package("unseen_models/pca/card.json")
    ('models/pca/card.json', 'models/pca/card.json')
    """
    package, _, rest = name.partition("/")
    return f"models/{rest}" if package == "unseen_models" else rest
