"""constraints.txt pins every package that the project can pull in, and what is installed here is what it says."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import unseen
from unseen.cli.console import SERVE

ROOT = Path(__file__).parents[2]
EXTRAS = (
    "train", "serve", "pacs", "oidc", "dicom-lossless", "imaging", "openvino", "onnx", "tensorboard", "plots",
    "postgres", "cluster", "dev", "docs",
)  # fmt: skip


# Taken by name, never imported here: pydicom's plugins, and what Typer prints with.
PLUGINS = {"psycopg", "pylibjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pyjpegls", "rich"}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def needed() -> set[str]:
    """Canonical names of everything that `unseen` with all extras needs on this machine, through and through."""
    names: set[str] = set()
    waiting = [Requirement(f"unseen[{','.join(EXTRAS)}]")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *sorted(wanted.extras)):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in importlib.metadata.requires(name) or []:
                further = Requirement(text)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    names.add(canonicalize_name(further.name))
                    waiting.append(further)
    return names - {"unseen"}


def test_every_package_is_pinned_to_one_version() -> None:
    pinned = pins()
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in pinned.values())
    assert all(name == canonicalize_name(name) for name in pinned)
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


def test_what_src_imports_is_declared_and_what_is_declared_is_imported() -> None:
    declared = {
        canonicalize_name(wanted.name): wanted
        for wanted in map(Requirement, importlib.metadata.requires("unseen") or [])
        if wanted.marker is None
        or any(wanted.marker.evaluate({"extra": extra}) for extra in EXTRAS if extra not in ("dev", "docs"))
    }
    distribution = distributions()
    imported = {
        canonicalize_name(distribution[top][0])
        for names in imports().values()
        for name in names
        if (top := name.split(".")[0]) not in sys.stdlib_module_names | {"unseen"}
    }
    assert imported - set(declared) == set()
    assert set(declared) - PLUGINS - imported == set()


def test_only_the_rooms_of_the_worklist_and_its_server_import_the_extra_serve() -> None:
    """Everything else works where the extra is not installed."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    brought = {canonicalize_name(Requirement(line).name) for line in project["optional-dependencies"]["serve"]}
    assert not brought & {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    distribution = distributions()
    assert {canonicalize_name(distribution[module][0]) for module in SERVE} == brought
    rooms = {
        path.relative_to(ROOT / "src" / "unseen").parts[0]
        for path, names in imports().items()
        if SERVE & {name.split(".")[0] for name in names}
    }
    assert rooms <= {"web", "worklist", "pacs"}


@functools.cache
def distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


@functools.cache
def imports() -> dict[Path, set[str]]:
    """The modules that each file of `src` imports."""
    return {
        path: {name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for name in modules_of(node)}
        for path in (ROOT / "src").rglob("*.py")
    }


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def test_one_version_everywhere() -> None:
    assert f"\nversion: {unseen.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert importlib.metadata.version("unseen") == unseen.__version__
