"""The wheel runs the README's quick start beside the packages it names and no others; then scores without Fabric.

What it names is linked from here, which takes seconds where installing takes minutes: a package that is needed and not
named is missing all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.blocks import ROOT, script

SERVER = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "argon2")
TOOLS = ("pytest", "ruff", "mypy", "mkdocs", "hypothesis")
SAVE = "\nun.detectors.save(detector, 'model')\n"
SCORE = """
import sys
import unseen as un
from unseen.cli import main
detector = un.detectors.load('model')
print([finding.score for finding in detector.score(un.data.phantoms.normals(2, seed=9))])
sys.argv = ['unseen', 'score', 'models/pca', sys.argv[1]]
main()
"""
FILM = ROOT / "tests" / "detectors" / "shipped_films" / "phantom-twin-31-0-nodule.png"


def run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    """What the command prints on standard output; where it is to fail, on standard error, too."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert done.returncode == status, f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout if status == 0 else done.stdout + done.stderr


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_wheel_runs_the_quick_start_in_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-c", f"from hatchling.build import build_wheel; build_wheel({str(tmp_path)!r})", cwd=ROOT)
    (wheel,) = tmp_path.glob("unseen-*.whl")
    inside = zipfile.ZipFile(wheel).namelist()
    assert "unseen/py.typed" in inside
    assert any(name.startswith("unseen/recipes/") and name.endswith(".toml") for name in inside)
    assert all(name.startswith(("unseen/", "unseen-")) for name in inside)
    assert not [name for name in inside if name.startswith("unseen/recipes/") and "thesis" in name], "a study's recipe"

    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    install = ("install", "--quiet", "--no-compile", "--no-index", "--no-deps", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=tmp_path)
    (installed,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (unseen,) = metadata.distributions(name="unseen", path=[str(installed)])
    named = dict(required(unseen, {"train"}))
    assert {"torch", "numpy", "pydicom", "lightning-fabric"} <= set(named)
    assert not set(TOOLS) & set(named)
    assert not {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "argon2-cffi"} & set(named)
    for one in named.values():
        link(one, installed)
    absent = (*TOOLS, *SERVER)
    run(python, "-c", f"import sys, importlib.util as u; sys.exit(any(map(u.find_spec, {absent})))", cwd=tmp_path)

    (tmp_path / "quick_start.py").write_text(script(ROOT / "README.md") + SAVE, encoding="utf-8")
    printed = run(python, tmp_path / "quick_start.py", cwd=tmp_path)
    assert [line.split()[0] for line in printed.splitlines()].count("abnormal") == 4
    command = tmp_path / "venv" / "bin" / "unseen"
    run(command, "--help", cwd=tmp_path)
    assert run(command, "--version", cwd=tmp_path) == f"unseen {metadata.version('unseen')}\n"
    for words, extras in (
        (("serve", "--folder", "list"), "serve"),
        (("worker", "models/pca", "--folder", "list"), "serve"),
        (("demo", "--out", "demo"), "train,serve"),
    ):
        refused = run(command, *words, cwd=tmp_path, status=2)
        assert f'pip install "unseen[{extras}]"' in " ".join(refused.split()) and "Traceback" not in refused
        assert not (tmp_path / words[-1]).exists()

    for name in ("lightning-fabric", "lightning-utilities"):
        for part in parts(named[name]):
            (installed / part).unlink()
    printed = run(python, "-c", SCORE, FILM, cwd=tmp_path)
    assert FILM.name in printed


def required(of: metadata.Distribution, extras: set[str]) -> Iterator[tuple[str, metadata.Distribution]]:
    """What a package requires, and what that requires, by name, as it is installed here."""
    seen: set[tuple[str, str]] = set()
    waiting = [(of, extra) for extra in ("", *extras)]
    while waiting:
        package, extra = waiting.pop()
        for line in package.requires or ():
            need = Requirement(line)
            if need.marker is not None and not need.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(need.name)
            found = metadata.distribution(need.name)
            assert need.specifier.contains(found.version, prereleases=True), f"{package.name}: {line}"
            yield name, found
            for wanted in ("", *need.extras):
                if (name, wanted) not in seen:
                    seen.add((name, wanted))
                    waiting.append((found, wanted))


def parts(package: metadata.Distribution) -> set[str]:
    """The files and folders that a package has in site-packages."""
    return {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "__pycache__")}


def link(package: metadata.Distribution, folder: Path) -> None:
    """Let a folder have a package of this environment, unless a package that shares its folder brought it."""
    here = Path(str(package.locate_file("")))
    for part in parts(package):
        if not (folder / part).exists():
            (folder / part).symlink_to(here / part)
