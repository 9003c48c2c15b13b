"""Requirements with hashes of the wheels in a folder, for `pip install --require-hashes --no-index`.

python deploy/hashed_requirements.py dist/wheelhouse     writes requirements.txt there

Each line has a package, its version and the SHA-256 of its wheels. pip then installs these files and no others: it
refuses a wheel that was changed, and a package that is not listed. Runs on the standard library alone.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

NAME = "requirements.txt"


def lines(folder: Path) -> list[str]:
    """Return a line for each package in a folder of wheels.

    Raises:
        ValueError: there are no wheels, a file's name is not that of a wheel, or a package has two versions.
    """
    versions: dict[str, str] = {}
    hashes: dict[str, list[str]] = {}
    for wheel in sorted(folder.glob("*.whl")):
        parts = wheel.stem.split("-")
        if len(parts) not in (5, 6) or not all(parts):
            raise ValueError(f"{wheel}: the name is not that of a wheel. Collect the wheels again.")
        name, version = parts[0].replace("_", "-").lower(), parts[1]
        if versions.setdefault(name, version) != version:
            raise ValueError(f"{folder}: {name} has two versions, {versions[name]} and {version}. Delete one of them.")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        hashes.setdefault(name, []).append(f"--hash=sha256:{digest}")
    if not versions:
        raise ValueError(f"{folder}: there are no wheels. Collect them first (make wheelhouse).")
    return [" ".join([f"{name}=={version}", *hashes[name]]) for name, version in versions.items()]


def main() -> None:
    """Write the requirements next to the wheels, whole or not at all."""
    folder = Path(sys.argv[1])
    try:
        text = "\n".join(lines(folder)) + "\n"
    except ValueError as error:
        sys.exit(str(error))
    temporary = folder / f".{NAME}.tmp"
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, folder / NAME)


if __name__ == "__main__":
    main()
