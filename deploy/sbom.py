"""Bills of materials (CycloneDX, JSON) of the packages, at the pinned versions.

python deploy/sbom.py dist     writes unseen-0.2.0.cdx.json, unseen_server-0.2.0.cdx.json, unseen_models-0.2.0.cdx.json

The library's has its extras, the server's has its own and the library without extras. Extras of the library that only
point to the server are left out.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECTS = {
    ".": ("train", "openvino", "onnx", "dicom-lossless", "imaging", "ismrmrd", "nufft", "features", "plots"),
    "server": ("pacs", "oidc", "postgres"),
    "models": (),
}
"""Folder of each package, and the extras of its bill."""


def required(folder: Path, extras: tuple[str, ...]) -> list[Requirement]:
    """Return what a project's pyproject.toml requires, with these extras."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project.get("optional-dependencies", {})
    lines = [*project.get("dependencies", []), *(line for extra in extras for line in optional[extra])]
    return [Requirement(line) for line in lines]


def needed(wanted: list[Requirement]) -> set[str]:
    """Return the canonical names of all packages that these requirements install here, transitive ones included."""
    seen: set[tuple[str, str]] = set()
    waiting = list(wanted)
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        for extra in ("", *one.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            further = map(Requirement, importlib.metadata.requires(name) or [])
            waiting += [more for more in further if more.marker is None or more.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def main(out: Path) -> None:
    """Write one bill of materials for each project into the folder `out`."""
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line
    ) | {"unseen": importlib.metadata.version("unseen")}  # the server requires it
    for place, extras in PROJECTS.items():
        folder = ROOT / place
        names = needed(required(folder, extras))
        if names - set(pins):
            raise SystemExit(f"constraints.txt does not pin {sorted(names - set(pins))}")
        name = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
        file = out / f"{name.replace('-', '_')}-{importlib.metadata.version(name)}.cdx.json"
        _write(file, folder, [f"{name}=={pins[name]}" for name in sorted(names)])
        print(f"{file}: {len(names)} packages")


def _write(out: Path, folder: Path, lines: list[str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        words = (sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible", "--of", "JSON")
        project = ("--pyproject", folder / "pyproject.toml", "--mc-type", "library", "-o", out, file.name)
        subprocess.run([*words, *map(str, project)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
