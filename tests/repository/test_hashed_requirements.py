"""A wheelhouse installs the wheels whose SHA-256 it lists, and no others: tiny wheels, pip and install.sh."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

SCRIPT = ROOT / "deploy/hashed_requirements.py"


def wheel(folder: Path, name: str, version: str, *, needs: str = "", says: str = "installed") -> Path:
    """Return a wheel with one module and, where it is called unseen, the command of this name."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"def main():\n    print('{says}')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if name == "unseen":
        files[f"{info}/entry_points.txt"] = "[console_scripts]\nunseen = unseen:main\n"
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}"
        for path, text in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A wheelhouse of two wheels, with requirements, sums and install.sh."""
    folder = tmp_path / "house"
    folder.mkdir()
    wheel(folder, "unseen", "1.0", needs="tiny_part")
    wheel(folder, "tiny_part", "2.0")
    shutil.copy(ROOT / "deploy/install_offline.sh", folder / "install.sh")
    listed(folder)
    return folder


def listed(folder: Path) -> None:
    subprocess.run([sys.executable, SCRIPT, folder], check=True)
    summed(folder)


def summed(folder: Path) -> None:
    """Write SHA256SUMS as of now, as somebody would who changed a wheel."""
    subprocess.run("sha256sum ./*.whl requirements.txt install.sh > SHA256SUMS", shell=True, cwd=folder, check=True)


QUICK_VENV = """\
#!/bin/sh
# python -m venv TARGET, with the pip that is here instead of an installation of pip
"{python}" -m venv --without-pip "$3"
ln -s "{pip}" "$3"/lib/python*/site-packages/
"""


@pytest.fixture
def quick_python(tmp_path: Path) -> Path:
    """Stands for `python` in `python -m venv TARGET`: the installation of pip takes three seconds."""
    program = tmp_path / "quick-python"
    program.write_text(
        QUICK_VENV.format(python=sys.executable, pip=distribution("pip").locate_file("pip")), encoding="utf-8"
    )
    program.chmod(0o755)
    return program


def install(folder: Path, target: Path, python: str | Path = sys.executable) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHONPATH"))}
    environment |= {"PYTHON": str(python), "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        ["bash", folder / "install.sh", target], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.nightly
@pytest.mark.slow
def test_the_listed_wheels_are_installed_and_an_unlisted_one_is_not(house: Path, tmp_path: Path) -> None:
    wheel(house, "tiny_part", "9.0", says="not listed")
    wheel(house, "stranger", "1.0")
    done = install(house, tmp_path / "venv")
    assert (done.returncode, done.stdout) == (0, "installed\n"), done.stderr
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    assert (site / "tiny_part-2.0.dist-info").is_dir()
    assert not list(site.glob("stranger*"))


@pytest.mark.slow
def test_a_changed_wheel_is_refused_by_name_and_nothing_is_left(
    house: Path, tmp_path: Path, quick_python: Path
) -> None:
    wheel(house, "tiny_part", "2.0", says="changed")
    done = install(house, tmp_path / "venv")
    assert done.returncode == 2 and "tiny_part-2.0-py3-none-any.whl: FAILED" in done.stdout + done.stderr
    summed(house)  # a change of the sums, too, does not help
    done = install(house, tmp_path / "venv", quick_python)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr and "tiny-part==2.0" in done.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.slow
def test_a_requirement_that_is_not_listed_is_refused_by_name(house: Path, tmp_path: Path, quick_python: Path) -> None:
    kept = [line for line in (house / "requirements.txt").read_text().splitlines() if not line.startswith("tiny-part")]
    (house / "requirements.txt").write_text("\n".join(kept) + "\n")
    summed(house)
    done = install(house, tmp_path / "venv", quick_python)
    assert done.returncode != 0 and "tiny_part" in done.stderr.replace("-", "_")
    assert not (tmp_path / "venv").exists()


def test_each_package_has_one_line_with_the_hashes_of_its_wheels(tmp_path: Path) -> None:
    one = wheel(tmp_path, "tiny_part", "2.0")
    other = tmp_path / "Tiny_Part-2.0-1-py3-none-manylinux_2_28_x86_64.whl"
    shutil.copy(one, other)
    subprocess.run([sys.executable, SCRIPT, tmp_path], check=True)
    digest = hashlib.sha256(one.read_bytes()).hexdigest()
    assert (
        tmp_path / "requirements.txt"
    ).read_text() == f"tiny-part==2.0 {' '.join([f'--hash=sha256:{digest}'] * 2)}\n"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "there are no wheels"),
        (["a-1.0-py3-none-any.whl", "A-1.1-py3-none-any.whl"], "a has two versions, 1.1 and 1.0"),
        (["wheel.whl"], "the name is not that of a wheel"),
    ],
)
def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path, names: list[str], words: str) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and words in done.stderr
    assert not (tmp_path / "requirements.txt").exists()


def test_every_installation_asks_for_hashes() -> None:
    for name in ("install_offline.sh", "Containerfile"):
        text = (ROOT / "deploy" / name).read_text(encoding="utf-8").replace("\\\n", " ")
        commands = [line for line in text.splitlines() if "pip install" in line and not line.startswith("#")]
        assert commands and all("--require-hashes" in line and "--no-index" in line for line in commands)
    for name in ("wheelhouse.sh", "Containerfile"):
        assert "hashed_requirements.py" in (ROOT / "deploy" / name).read_text(encoding="utf-8")
