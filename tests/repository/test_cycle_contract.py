"""No import cycle: the contract of pyproject.toml, which `make lint` checks, finds one that is made on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def contract() -> str:
    """Return the contract against cycles as it stands in pyproject.toml, for a package `cyclic`."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert settings["exclude_type_checking_imports"] is True
    (found,) = [one for one in settings["contracts"] if one["type"] == "acyclic_siblings"]
    assert (
        found["ancestors"] == ["unseen", "unseen_server"] and "depth" not in found and "skip_descendants" not in found
    )
    return (
        "[importlinter]\nroot_package = cyclic\nexclude_type_checking_imports = True\n"
        f"[importlinter:contract:1]\nname = {found['name']}\ntype = {found['type']}\nancestors = cyclic\n"
    )


def linted(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`lint-imports` on a package `cyclic` of these files."""
    for name, text in ({"__init__.py": ""} | files).items():
        path = folder / "cyclic" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "settings.ini").write_text(contract(), encoding="utf-8")
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", "settings.ini", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": "from cyclic.b import g\n", "b.py": "def g():\n    from cyclic.a import f\n"},
        {"a.py": "import cyclic.c.d\n", "c/__init__.py": "", "c/d.py": "", "c/e.py": "import cyclic.a\n"},
        {"c/__init__.py": "", "c/d.py": "import cyclic.c.e\n", "c/e.py": "import cyclic.c.d\n"},
    ],
    ids=["deferred", "through a folder", "within a folder"],
)
def test_a_cycle_is_found(files: dict[str, str], tmp_path: Path) -> None:
    result = linted(tmp_path, files)
    assert result.returncode == 1 and "No cycles are allowed in cyclic" in result.stdout, result.stdout


def test_imports_for_type_checkers_and_in_one_direction_make_no_cycle(tmp_path: Path) -> None:
    later = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cyclic.a import f\n"
    result = linted(tmp_path, {"a.py": "from cyclic.b import g\n", "b.py": later})
    assert result.returncode == 0, result.stdout
