"""The wheel runs the README's quick start in an empty environment, no development tools; then scores without Fabric."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, script

SAVE = "\nun.detectors.save(detector, 'model')\n"
SCORE = """
import unseen as un
detector = un.detectors.load('model')
print([finding.score for finding in detector.score(un.data.phantoms.normals(2, seed=9))])
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_wheel_runs_the_quick_start_in_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("unseen-*.whl")
    inside = zipfile.ZipFile(wheel).namelist()
    assert "unseen/py.typed" in inside
    assert any(name.startswith("unseen/recipes/") and name.endswith(".toml") for name in inside)
    assert all(name.startswith(("unseen/", "unseen-")) for name in inside)

    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    install = (python, "-m", "pip", "install", "--quiet", "--no-compile", "-c", constraints)
    run(*install, "torch==2.13.0", cwd=tmp_path)
    run(*install, f"{wheel}[train]", cwd=tmp_path)
    packages = run(python, "-m", "pip", "list", "--format=freeze", cwd=tmp_path).lower()
    assert not {"pytest", "ruff", "mypy", "mkdocs", "hypothesis"} & {line.split("==")[0] for line in packages.split()}

    (tmp_path / "quick_start.py").write_text(script(ROOT / "README.md") + SAVE, encoding="utf-8")
    printed = run(python, tmp_path / "quick_start.py", cwd=tmp_path)
    assert [line.split()[0] for line in printed.splitlines()].count("abnormal") == 4
    run(tmp_path / "venv" / "bin" / "unseen", "--help", cwd=tmp_path)

    run(python, "-m", "pip", "uninstall", "--yes", "--quiet", "lightning-fabric", "lightning-utilities", cwd=tmp_path)
    run(python, "-c", SCORE, cwd=tmp_path)
