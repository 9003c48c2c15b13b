"""The port: the names of the library that the server uses are public, and server/port.toml lists them."""

from __future__ import annotations

import ast
import importlib
import tomllib
from pathlib import Path

from tests.source_trees import imports

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server" / "src" / "unseen_server"
PORT = ROOT / "server" / "port.toml"
LIBRARY = "unseen"


def imported(path: Path) -> list[tuple[int, str, str]]:
    """Return line, package and name of each import from the library; the name is "" for `import unseen.x`."""
    found = []
    for node in imports(path):
        if isinstance(node, ast.Import):
            found += [(node.lineno, one.name, "") for one in node.names if one.name.split(".")[0] == LIBRARY]
        elif (node.module or "").split(".")[0] == LIBRARY:
            found += [(node.lineno, node.module or "", one.name) for one in node.names]
    return found


def allowed() -> dict[str, list[str]]:
    """Return the names that the server may use, by package."""
    return {str(package): names for package, names in tomllib.loads(PORT.read_text(encoding="utf-8")).items()}


def test_the_server_imports_only_names_of_the_port() -> None:
    port = allowed()
    for path in SERVER.rglob("*.py"):
        for line, package, name in imported(path):
            assert name in port.get(package, []), (
                f"{path.relative_to(ROOT)}:{line}: {package}: {name or 'the module'} is not in server/port.toml. "
                "Import a public name of a subpackage of the library, and list it there"
            )


def test_every_name_of_the_port_is_public_and_used() -> None:
    used = {(package, name) for path in SERVER.rglob("*.py") for _, package, name in imported(path)}
    for package, names in allowed().items():
        assert names == sorted(names), f"[{package}] is not sorted"
        module = importlib.import_module(package)
        public = set(dir(module)) | {"__version__"}
        for name in names:
            assert name in public and (not name.startswith("_") or name == "__version__"), f"{package}.{name}"
            assert getattr(module, name, None) is not None, f"{package}.{name}"
            assert (package, name) in used, f"{package}.{name}: the server does not use it. Remove it from port.toml"


def test_nothing_in_the_library_imports_the_server() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        for node in imports(path):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("unseen_server")], path
