"""A bill of materials (CycloneDX, JSON) of the package with the extras that a server has, at the pinned versions.

python deploy/sbom.py dist/unseen-0.2.0.cdx.json
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
EXTRAS = "train,serve,pacs,oidc,postgres,openvino,onnx,dicom-lossless,imaging,features,plots"


def needed() -> set[str]:
    """Canonical names of all packages that the wheel with `EXTRAS` requires here, through and through."""
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(f"unseen[{EXTRAS}]")]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                for text in importlib.metadata.requires(name) or []:
                    further = Requirement(text)
                    if further.marker is None or further.marker.evaluate({"extra": extra}):
                        waiting.append(further)
    return {name for name, _ in seen} - {"unseen"}


def main(out: Path) -> None:
    """Write the bill of materials to `out`."""
    names = needed()
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    lines = [pin for pin in pins if pin.partition("==")[0] in names]
    if len(lines) != len(names):
        raise SystemExit(f"constraints.txt does not pin {sorted(names - {pin.partition('==')[0] for pin in lines})}")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        words = (sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible", "--of", "JSON")
        project = ("--pyproject", ROOT / "pyproject.toml", "--mc-type", "library", "-o", out, file.name)
        subprocess.run([*words, *map(str, project)], check=True)
    print(f"{out}: {len(lines)} packages")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
