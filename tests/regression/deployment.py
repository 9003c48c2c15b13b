"""Deployment: environment variables, systemd units, compose file and image, files in the wheels."""

from __future__ import annotations

import re
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from tests.regression.places import ROOT, deployment, files, projects, without_package

_VARIABLE = re.compile(r"\bUNSEEN_[A-Z][A-Z0-9_]*")


def environment_variables() -> list[str]:
    """Return the environment variables that the source, the deployment and the Makefile mention."""
    found: set[str] = set()
    for path in [*files(".py", "src"), *_kept(deployment()), ROOT / "Makefile"]:
        found |= set(_VARIABLE.findall(path.read_text(encoding="utf-8")))
    return sorted(found)


def directives() -> dict[str, list[str]]:
    """Return the lines of each unit, the compose file and the image's, without comments."""
    folder = deployment()
    wanted = [*sorted((folder / "systemd").iterdir()), folder / "compose.yaml", folder / "Containerfile"]
    return {path.name: _lines(path) for path in [*wanted, folder / "pacs.toml"]}


def wheel_files() -> list[str]:
    """Return the files other than Python modules that the wheels hold, without their package's name."""
    found = [
        without_package(one.distribution_path)
        for folder in projects()
        for one in WheelBuilder(str(folder)).recurse_included_files()
    ]
    return sorted({name for name in found if not name.endswith((".py", ".pyc"))})


def _kept(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc"]


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
