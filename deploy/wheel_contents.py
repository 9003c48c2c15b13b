"""Check of wheels: the library has no server and no weights but those of phantoms, the models are data alone, the
server has its files.

python deploy/wheel_contents.py dist/unseen-0.2.0-py3-none-any.whl dist/unseen_models-0.2.0-py3-none-any.whl
"""

from __future__ import annotations

import ast
import re
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

LARGEST_LIBRARY = 2_000_000  # bytes, without the models for phantoms
LARGEST_PHANTOM_MODELS = 3_000_000  # bytes
PHANTOM_MODELS = "unseen/phantom_models/"
WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".onnx", ".npz", ".npy", ".h5", ".bin")
SERVER_MODULES = frozenset(
    {"alembic", "argon2", "fastapi", "psycopg", "sqlalchemy", "sqlite3", "starlette", "unseen_server", "uvicorn"}
)
SERVER_PACKAGES = frozenset(
    {"alembic", "argon2-cffi", "fastapi", "psycopg", "python-multipart", "sqlalchemy", "starlette", "uvicorn"}
)
SERVER_FILES = (
    "py.typed",
    "web/templates/*.html.j2",
    "web/static/js/*.js",
    "web/static/*.css",
    "worklist/migrations/versions/*.py",
)


def faults(wheel: Path) -> list[str]:
    """Return what is wrong with a wheel of this repository, a sentence each; empty where nothing is.

    Args:
        wheel: of `unseen`, `unseen-models` or `unseen-server`.
    """
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        (described,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        about = Parser().parsestr(file.read(described).decode())
        sources = {name: file.read(name).decode() for name in names if name.endswith(".py")}
        phantom_models = sum(one.compress_size for one in file.infolist() if one.filename.startswith(PHANTOM_MODELS))
    required = {
        re.split(r"[^a-z0-9._-]", line.lower())[0]
        for line in about.get_all("Requires-Dist") or []
        if "extra ==" not in line
    }
    package = about["Name"].replace("-", "_")
    found = [
        f"{name}: outside the package {package}"
        for name in names
        if not name.startswith((f"{package}/", f"{package}-"))
    ]
    if not any("/licenses/LICENSE" in name for name in names):
        found.append("the licence is absent")
    match package:
        case "unseen":
            found += _faults_of_library(wheel.stat().st_size - phantom_models, names, required, sources)
            if phantom_models > LARGEST_PHANTOM_MODELS:
                found.append(f"models for phantoms: {phantom_models} bytes, the limit is {LARGEST_PHANTOM_MODELS}")
        case "unseen_models":
            found += _faults_of_models(names, required, sources)
        case "unseen_server":
            found += [f"no file {package}/{one}" for one in SERVER_FILES if not _any(names, f"{package}/{one}")]
        case _:
            found.append(f"{about['Name']} is no package of this repository")
    return [f"{wheel.name}: {fault}" for fault in found]


def _faults_of_library(size: int, names: list[str], required: set[str], sources: dict[str, str]) -> list[str]:
    found = [f"{size} bytes, the limit is {LARGEST_LIBRARY}"] if size > LARGEST_LIBRARY else []
    found += [f"{name}: weights" for name in names if name.endswith(WEIGHTS) and not name.startswith(PHANTOM_MODELS)]
    found += [f"requires {name}" for name in sorted(required & SERVER_PACKAGES)]
    for name, text in sources.items():
        found += [f"{name} imports {module}" for module in sorted(_imported(text) & SERVER_MODULES)]
    return found + ([] if "unseen/py.typed" in names else ["no file unseen/py.typed"])


def _faults_of_models(names: list[str], required: set[str], sources: dict[str, str]) -> list[str]:
    found = [f"requires {name}" for name in sorted(required)]
    for name, text in sources.items():
        found += [f"{name} imports {module}" for module in sorted(_imported(text))]
    cards = {name.rpartition("/")[0] for name in names if name.endswith("/card.json")}
    weights = {name.rpartition("/")[0] for name in names if name.endswith("/weights.safetensors")}
    found += [f"{name}: a card without weights, or weights without a card" for name in sorted(cards ^ weights)]
    return found + ([] if cards else ["no model"])


def _imported(text: str) -> set[str]:
    """Return the top modules that a source imports, deferred imports included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _any(names: list[str], pattern: str) -> bool:
    return any(Path(name).match(pattern) for name in names)


def main(wheels: list[Path]) -> None:
    """Print each wheel's size. End with status 1 where a wheel has a fault."""
    found = [fault for wheel in wheels for fault in faults(wheel)]
    for wheel in wheels:
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    if found:
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
