"""Wheels, source archives, bills of materials, conda recipes and the wheelhouse of the three packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import unseen
from deploy.wheel_contents import LARGEST_LIBRARY, LARGEST_PHANTOM_MODELS, PHANTOM_MODELS, faults
from tests.docs.blocks import ROOT
from unseen.artifacts.installed_models import shipped

PROJECTS = {"unseen": ROOT, "unseen_server": ROOT / "server", "unseen_models": ROOT / "models"}
WEIGHTS = ROOT / "models/src/unseen_models"
MODELS = {path.name for path in shipped() if (WEIGHTS / path.name).is_dir()}


def run(*words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, env=os.environ | environment
    )


def project(package: str) -> dict[str, Any]:  # Any: of TOML
    text = (PROJECTS[package] / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def files_of(package: str) -> set[str]:
    """Return the files of a package that git tracks or would track, by their names in a wheel."""
    words = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", f"src/{package}")
    listed = run(*words, cwd=PROJECTS[package]).stdout.split("\0")
    return {name.removeprefix("src/") for name in listed if name and (PROJECTS[package] / name).is_file()}


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("package", PROJECTS)
def test_archive_and_wheel_hold_the_same_files(package: str, tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, PROJECTS[package], cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (archive,), (wheel,) = tmp_path.glob(f"{package}-*.tar.gz"), tmp_path.glob(f"{package}-*.whl")
    with tarfile.open(archive) as file:
        archived = {name.partition("/")[2] for name in file.getnames()}
    top = {name.partition("/")[0] for name in archived}
    assert {"src", "LICENSE", "README.md", "pyproject.toml"} <= top
    if package == "unseen":
        assert {"tests", "docs", "deploy", "Makefile", "constraints.txt"} <= top and not {"server", "models"} & top
    if package == "unseen_server":
        assert "tests" in top

    built = zipfile.ZipFile(wheel)
    inside = {name for name in built.namelist() if name.startswith(f"{package}/")}
    assert inside == files_of(package)
    assert {f"src/{name}" for name in inside} <= archived
    assert faults(wheel) == []
    if package == "unseen_models":
        for model in MODELS:
            name = f"{model}/weights.safetensors"
            assert built.read(f"{package}/{name}") == (WEIGHTS / name).read_bytes()
    (metadata,) = (name for name in built.namelist() if name.endswith(".dist-info/METADATA"))
    facts = Parser().parsestr(built.read(metadata).decode())
    assert facts["Version"] == unseen.__version__
    assert facts["License-Expression"] == project(package)["license"]
    assert facts.get_all("License-File") == project(package)["license-files"]


def wheel_of(folder: Path, name: str, files: dict[str, str], *requires: str) -> Path:
    """Write a wheel with these files, their texts, and a licence."""
    package = name.replace("-", "_")
    path = folder / f"{package}-1.0-py3-none-any.whl"
    about = "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{package}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n{about}")
        file.writestr(f"{package}-1.0.dist-info/licenses/LICENSE", "")
        for place, text in files.items():
            file.writestr(place, text)
    return path


LIBRARY = {"unseen/__init__.py": "import torch", "unseen/py.typed": ""}
SERVER = {
    "unseen_server/py.typed": "",
    "unseen_server/web/templates/base.html.j2": "",
    "unseen_server/web/static/base.css": "",
    "unseen_server/web/static/js/list.js": "",
    "unseen_server/worklist/migrations/versions/one.py": "import sqlalchemy",
}
MODEL = {"unseen_models/pca/card.json": "{}", "unseen_models/pca/weights.safetensors": ""}


def test_wheels_without_a_fault_are_accepted(tmp_path: Path) -> None:
    assert faults(wheel_of(tmp_path, "unseen", LIBRARY, "torch>=2", "unseen-server; extra == 'serve'")) == []
    assert faults(wheel_of(tmp_path, "unseen-server", SERVER, "fastapi>=0.1")) == []
    assert faults(wheel_of(tmp_path, "unseen-models", MODEL)) == []


@pytest.mark.parametrize(
    ("name", "files", "requires", "fault"),
    [
        ("unseen", LIBRARY | {"unseen/w.safetensors": ""}, (), "unseen/w.safetensors: weights"),
        ("unseen", LIBRARY | {"unseen/a.py": "def f():\n    import fastapi.routing"}, (), "a.py imports fastapi"),
        ("unseen", LIBRARY | {"unseen/a.py": "from sqlite3 import connect"}, (), "a.py imports sqlite3"),
        ("unseen", LIBRARY, ("SQLAlchemy>=2",), "requires sqlalchemy"),
        ("unseen", LIBRARY | {"unseen/long.txt": "x" * (LARGEST_LIBRARY + 1)}, (), "the limit is"),
        (
            "unseen",
            LIBRARY | {f"{PHANTOM_MODELS}a/weights.safetensors": "x" * (LARGEST_PHANTOM_MODELS + 1)},
            (),
            "models for phantoms",
        ),
        ("unseen", LIBRARY | {"tests/a.py": ""}, (), "tests/a.py: outside the package unseen"),
        ("unseen", {"unseen/__init__.py": ""}, (), "no file unseen/py.typed"),
        ("unseen-models", MODEL | {"unseen_models/__init__.py": "import torch"}, (), "__init__.py imports torch"),
        ("unseen-models", MODEL, ("torch",), "requires torch"),
        ("unseen-models", {"unseen_models/pca/card.json": "{}"}, (), "unseen_models/pca: a card without weights"),
        ("unseen-models", {}, (), "no model"),
        *(
            ("unseen-server", {k: v for k, v in SERVER.items() if k != one}, (), "no file unseen_server/")
            for one in SERVER
        ),
        ("other", {}, (), "other is no package of this repository"),
    ],
)
def test_a_wheel_with_a_fault_is_refused(
    name: str, files: dict[str, str], requires: tuple[str, ...], fault: str, tmp_path: Path
) -> None:
    (found,) = faults(wheel_of(tmp_path, name, files, *requires))
    assert fault in found


def test_the_licence_of_the_weights_is_the_one_of_their_cards() -> None:
    text = " ".join((ROOT / "models/LICENSE").read_text(encoding="utf-8").split())
    assert MODELS
    for model in MODELS:
        card = json.loads((WEIGHTS / model / "card.json").read_text(encoding="utf-8"))
        assert card["licence"] in text and f"models/{model}" in text
    assert "[non-commercial research](models/LICENSE)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.nightly
def test_the_bills_of_materials_name_every_pinned_package_that_each_project_needs(tmp_path: Path) -> None:
    done = run(sys.executable, ROOT / "deploy" / "sbom.py", tmp_path, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    pins = {f"pkg:pypi/{line.replace('==', '@')}" for line in (ROOT / "constraints.txt").read_text().splitlines()}
    named = {}
    for package in PROJECTS:
        (file,) = tmp_path.glob(f"{package}-*.cdx.json")
        bill = json.loads(file.read_text(encoding="utf-8"))
        assert bill["bomFormat"] == "CycloneDX"
        assert bill["metadata"]["component"]["name"] == package.replace("_", "-")
        found = {one["purl"] for one in bill.get("components", [])}
        assert found <= pins | {f"pkg:pypi/unseen@{unseen.__version__}"}
        named[package] = {one.partition("@")[0].removeprefix("pkg:pypi/") for one in found}
    assert {"torch", "lightning-fabric", "openvino"} <= named["unseen"]
    assert not {"unseen-server", "fastapi", "sqlalchemy"} & named["unseen"]
    assert {"unseen", "torch", "fastapi", "sqlalchemy", "pynetdicom", "psycopg-binary"} <= named["unseen_server"]
    assert named["unseen_models"] == set()


@pytest.mark.parametrize("package", PROJECTS)
def test_the_conda_recipe_asks_for_what_the_wheel_asks_for(package: str) -> None:
    name = package.replace("_", "-")
    path = ROOT / "deploy/conda" / name / "recipe.yaml"
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(recipe) == {"schema_version", "context", "package", "source", "build", "requirements", "tests", "about"}
    assert recipe["context"]["version"] == unseen.__version__ and recipe["build"]["noarch"] == "python"
    assert recipe["package"]["name"] == project(package)["name"] == name
    assert (path.parent / recipe["source"]["path"]).resolve() == PROJECTS[package]
    asked = {}
    for line in recipe["requirements"]["run"]:
        required, _, bounds = line.partition(" ")
        asked["torch" if required == "pytorch" else required] = set(bounds.split(","))
    assert asked.pop("python") == {project(package)["requires-python"]}
    declared = map(Requirement, project(package).get("dependencies", []))
    assert asked == {one.name: set(map(str, one.specifier)) for one in declared}
    assert recipe["about"]["license"] == project(package)["license"]
    assert recipe["about"]["license_file"] == project(package)["license-files"]


@pytest.mark.nightly
@pytest.mark.timeout(2400)
def test_a_wheelhouse_installs_without_a_network_and_refuses_a_changed_file(tmp_path: Path) -> None:
    made = run("make", "wheelhouse", "EXTRAS=", "SERVER_EXTRAS=", f"PYTHON={sys.executable}", cwd=ROOT)
    assert made.returncode == 0, made.stderr[-3000:]
    house = ROOT / "dist" / "wheelhouse"
    words = ("env", "PIP_NO_INDEX=1", "PIP_CONFIG_FILE=/dev/null", f"PYTHON={sys.executable}", house / "install.sh")
    done = run(*words, tmp_path / "unseen", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == f"unseen {unseen.__version__}\n", done.stderr[-3000:]
    film = ROOT / "tests" / "detectors" / "shipped_films" / "phantom-twin-31-0-nodule.png"
    program = tmp_path / "unseen" / "bin" / "unseen"
    scored = run(program, "score", "models/pca", film, cwd=tmp_path, PYTHONPATH="")
    assert scored.returncode == 0 and film.name in scored.stdout, scored.stderr
    served = run(program, "serve", "--help", cwd=tmp_path, PYTHONPATH="")
    assert served.returncode == 0 and "--folder" in served.stdout, served.stderr
    again = run(*words, tmp_path / "unseen", cwd=tmp_path)
    assert again.returncode == 2 and "is there already" in again.stderr
    with next(house.glob("jinja2*.whl")).open("ab") as file:
        file.write(b"x")
    changed = run(*words, tmp_path / "other", cwd=tmp_path)
    assert changed.returncode == 2 and "differs from SHA256SUMS" in changed.stderr
    assert not (tmp_path / "other").exists()
