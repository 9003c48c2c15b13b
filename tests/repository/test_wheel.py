"""Wheels of the three packages, each installed with the packages that it requires and no others.

The required packages are linked from this environment, which takes seconds where an installation takes minutes: a
package that is needed and not required is missing all the same. `deploy/try_wheels.sh` installs them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.blocks import ROOT, script

SERVER = ("unseen_server", "fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "argon2")
OURS = {"unseen": ".", "unseen-server": "server", "unseen-models": "models"}
TOOLS = ("pytest", "ruff", "mypy", "mkdocs", "hypothesis")
SAVE = "\nun.detectors.save(model, 'model')\n"
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
    """Return the standard output of a command; of a command that has to fail, also its standard error."""
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
def test_each_wheel_runs_with_the_packages_that_it_requires(tmp_path: Path) -> None:
    build = f"from hatchling.build import build_wheel; build_wheel({str(tmp_path)!r})"
    for folder in OURS.values():
        run(sys.executable, "-c", build, cwd=ROOT / folder)
    venv.create(tmp_path / "venv")
    python, command = (tmp_path / "venv" / "bin" / name for name in ("python", "unseen"))
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")

    named = install("unseen", tmp_path, site, {"train"})
    assert {"torch", "numpy", "pydicom", "lightning-fabric"} <= set(named)
    assert not set(TOOLS) & set(named)
    assert not {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "argon2-cffi"} & set(named)
    assert found(python, "unseen_models", *TOOLS, *SERVER) == set()
    run(command, "--help", cwd=tmp_path)
    assert run(command, "--version", cwd=tmp_path) == f"unseen {metadata.version('unseen')}\n"
    for words, package in (
        (("serve", "--folder", "list"), "unseen-server"),
        (("worker", "models/pca", "--folder", "list"), "unseen-server"),
        (("demo", "--out", "demo"), "unseen-server"),
        (("score", "models/pca", FILM), "unseen-models"),
    ):
        refused = run(command, *words, cwd=tmp_path, status=2)
        assert f"pip install {package}" in " ".join(refused.split()) and "Traceback" not in refused
    assert not (tmp_path / "list").exists() and not (tmp_path / "demo").exists()

    assert install("unseen-models", tmp_path, site) == {}
    (tmp_path / "quick_start.py").write_text(script(ROOT / "README.md") + SAVE, encoding="utf-8")
    printed = run(python, tmp_path / "quick_start.py", cwd=tmp_path)
    assert [line.split()[0] for line in printed.splitlines()].count("abnormal") == 4
    for name in ("lightning-fabric", "lightning-utilities"):
        for part in parts(named[name]):
            (site / part).unlink()
    printed = run(python, "-c", SCORE, FILM, cwd=tmp_path)
    assert FILM.name in printed

    named = install("unseen-server", tmp_path, site)
    assert {"fastapi", "sqlalchemy", "alembic"} <= set(named) and not {*TOOLS, "pynetdicom", "authlib"} & set(named)
    for name in ("serve", "worker", "pacs", "demo", "backup"):
        assert "Usage" in run(command, name, "--help", cwd=tmp_path)
    assert '"unseen[train]"' in run(command, "demo", "--out", "demo", cwd=tmp_path, status=2)
    refused = run(command, "pacs", "--config", "none.toml", "--folder", "list", cwd=tmp_path, status=2)
    assert 'pip install "unseen-server[pacs]"' in " ".join(refused.split())
    probe = "from unseen_server.worklist.store import Store; import sys; Store.open(sys.argv[1]).close()"
    run(python, "-c", probe, tmp_path / "list", cwd=tmp_path)
    assert (tmp_path / "list" / "worklist.sqlite").exists(), "the migrations are in the wheel"


def install(name: str, wheels: Path, site: Path, extras: set[str] | None = None) -> dict[str, metadata.Distribution]:
    """Install one of our wheels and link what it requires.

    Returns:
        The linked packages by name.
    """
    (wheel,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
    python = site.parents[2] / "bin" / "python"
    words = ("install", "--quiet", "--no-compile", "--no-index", "--no-deps", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *words, cwd=wheels)
    (package,) = metadata.distributions(name=name, path=[str(site)])
    named = {other: one for other, one in required(package, extras or set()) if other not in OURS}
    for one in named.values():
        link(one, site)
    return named


def found(python: Path, *modules: str) -> set[str]:
    """Return those of the modules that an environment has."""
    code = f"import importlib.util as u; print(*filter(u.find_spec, {modules}))"
    return set(run(python, "-c", code, cwd=python.parent).split())


def required(of: metadata.Distribution, extras: set[str]) -> Iterator[tuple[str, metadata.Distribution]]:
    """Yield the installed requirements of a package and their requirements, by name."""
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
    """Return the files and folders that a package has in site-packages."""
    return {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "__pycache__")}


def link(package: metadata.Distribution, folder: Path) -> None:
    """Let a folder have a package of this environment, unless a package that shares its folder brought it."""
    here = Path(str(package.locate_file("")))
    for part in parts(package):
        if not (folder / part).exists():
            (folder / part).symlink_to(here / part)
