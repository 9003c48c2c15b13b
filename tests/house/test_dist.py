"""The source archive holds the whole package: the wheel that is built from it has every file, models included."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import unseen
from tests.docs.blocks import ROOT
from unseen.artifacts.installation import shipped

MODELS = {path.name for path in shipped()}


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True)


def of_the_package() -> set[str]:
    """The files of `src/unseen` that git keeps or would keep, by their names in a wheel."""
    words = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "src/unseen")
    listed = run(*words, cwd=ROOT).stdout.split("\0")
    return {name.removeprefix("src/") for name in listed if name and (ROOT / name).is_file()}


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_archive_and_wheel_hold_the_same_files(tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (archive,), (wheel,) = tmp_path.glob("unseen-*.tar.gz"), tmp_path.glob("unseen-*.whl")
    with tarfile.open(archive) as file:
        inside = {name.partition("/")[2] for name in file.getnames()}
    top = {name.partition("/")[0] for name in inside}
    assert {"src", "tests", "docs", "deploy", "Makefile", "LICENSE", "constraints.txt", "README.md"} <= top
    built = zipfile.ZipFile(wheel)
    package = {name for name in built.namelist() if name.startswith("unseen/")}
    assert package == of_the_package()
    assert {f"src/{name}" for name in package} <= inside
    for model in MODELS:
        path = Path("src/unseen/models") / model / "weights.safetensors"
        assert built.read(f"unseen/models/{model}/weights.safetensors") == (ROOT / path).read_bytes()
    (metadata,) = (name for name in built.namelist() if name.endswith(".dist-info/METADATA"))
    facts = Parser().parsestr(built.read(metadata).decode())
    assert facts["Version"] == unseen.__version__
    assert facts["License-Expression"] == "Apache-2.0 AND LicenseRef-Research-NonCommercial"
    assert facts.get_all("License-File") == ["LICENSE", "src/unseen/models/LICENSE.txt"]


def test_the_licence_of_the_weights_is_the_one_of_their_cards() -> None:
    folder = ROOT / "src" / "unseen" / "models"
    text = " ".join((folder / "LICENSE.txt").read_text(encoding="utf-8").split())
    for model in MODELS:
        card = json.loads((folder / model / "card.json").read_text(encoding="utf-8"))
        assert card["licence"] in text and f"models/{model}" in text
    assert "research, non-commercial" in (ROOT / "README.md").read_text(encoding="utf-8").lower()


@pytest.mark.nightly
def test_the_bill_of_materials_names_every_pinned_package_that_a_server_needs(tmp_path: Path) -> None:
    out = tmp_path / "unseen.cdx.json"
    done = run(sys.executable, ROOT / "deploy" / "sbom.py", out, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    bill = json.loads(out.read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["name"] == "unseen"
    pins = {f"pkg:pypi/{line.replace('==', '@')}" for line in (ROOT / "constraints.txt").read_text().splitlines()}
    found = {one["purl"] for one in bill["components"]}
    assert found <= pins and {one.partition("@")[0] for one in found} >= {"pkg:pypi/torch", "pkg:pypi/pynetdicom"}


def test_the_conda_recipe_asks_for_what_the_wheel_asks_for() -> None:
    recipe = yaml.safe_load((ROOT / "deploy" / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    assert set(recipe) == {"schema_version", "context", "package", "source", "build", "requirements", "tests", "about"}
    assert recipe["context"]["version"] == unseen.__version__ and recipe["build"]["noarch"] == "python"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {}
    for line in recipe["requirements"]["run"]:
        name, _, bounds = line.partition(" ")
        asked["torch" if name == "pytorch" else name] = set(bounds.split(","))
    assert asked.pop("python") == {project["requires-python"]}
    assert asked == {one.name: set(map(str, one.specifier)) for one in map(Requirement, project["dependencies"])}
    assert recipe["about"]["license"] == project["license"]
    assert recipe["about"]["license_file"] == project["license-files"]


@pytest.mark.nightly
@pytest.mark.timeout(2400)
def test_a_wheelhouse_installs_without_a_network_and_refuses_a_changed_file(tmp_path: Path) -> None:
    made = run("make", "wheelhouse", "EXTRAS=serve", cwd=ROOT)
    assert made.returncode == 0, made.stderr[-3000:]
    house = ROOT / "dist" / "wheelhouse"
    words = ("env", "PIP_NO_INDEX=1", "PIP_CONFIG_FILE=/dev/null", f"PYTHON={sys.executable}", house / "install.sh")
    done = run(*words, tmp_path / "unseen", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == f"unseen {unseen.__version__}\n", done.stderr[-3000:]
    film = ROOT / "tests" / "detectors" / "shipped_films" / "phantom-twin-31-0-nodule.png"
    scored = run(tmp_path / "unseen" / "bin" / "unseen", "score", "models/pca", film, cwd=tmp_path)
    assert scored.returncode == 0 and film.name in scored.stdout, scored.stderr
    again = run(*words, tmp_path / "unseen", cwd=tmp_path)
    assert again.returncode == 2 and "is there already" in again.stderr
    with next(house.glob("jinja2*.whl")).open("ab") as file:
        file.write(b"x")
    changed = run(*words, tmp_path / "other", cwd=tmp_path)
    assert changed.returncode == 2 and "differs from SHA256SUMS" in changed.stderr
    assert not (tmp_path / "other").exists()
