"""The types that the page's JavaScript is checked against are those of the server, and no module evades the check."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TYPES = ROOT / "web-types"
MODULES = sorted((ROOT / "server" / "src" / "unseen_server" / "web" / "static" / "js").glob("*.js"))
EVASIONS = re.compile(r"@ts-(ignore|nocheck|expect-error)|[{<(|,:]\s*any\s*[}>)|,\[]")


def test_the_committed_types_are_those_of_the_server() -> None:
    generator = runpy.run_path(str(TYPES / "generate.py"))
    assert generator["rendered"](generator["description"]()) == (TYPES / "api.d.ts").read_text(encoding="utf-8"), (
        "the API or a template has changed: run python web-types/generate.py --write"
    )


def test_every_module_is_checked() -> None:
    assert MODULES
    for path in [*MODULES, TYPES / "page.d.ts"]:
        text = path.read_text(encoding="utf-8")
        assert path.suffix == ".ts" or text.startswith("// @ts-check\n"), path.name
        assert not EVASIONS.search(text), path.name
    settings = json.loads((TYPES / "tsconfig.json").read_text(encoding="utf-8"))
    assert settings["compilerOptions"]["strict"] and settings["compilerOptions"]["checkJs"]
    assert settings["include"] == ["../server/src/unseen_server/web/static/js/*.js", "*.d.ts"]


def test_the_compiler_is_pinned_and_no_address_is_recorded() -> None:
    wanted = json.loads((TYPES / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads((TYPES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in one and "resolved" not in one for name, one in locked.items() if name)


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_node_the_check_says_so_and_fails_on_the_build_machine_alone(
    tmp_path: Path, ci: str, status: int
) -> None:
    for name in ("bash", "dirname"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    bare = {**os.environ, "PATH": str(tmp_path), "CI": ci}
    done = subprocess.run([str(tmp_path / "bash"), str(TYPES / "check")], env=bare, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert done.stdout.startswith("JavaScript is not checked: node and npm are missing")
