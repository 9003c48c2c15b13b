"""Public names of each package: the same for type checkers and at run time, and loaded lazily."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source_trees import imports

ROOT = Path(__file__).parents[2]
SOURCES = {"unseen": ROOT / "src", "unseen_server": ROOT / "server" / "src"}
"""Package → the folder that holds it."""
HEAVY = {
    "torch",
    "sklearn",
    "lightning_fabric",
    "matplotlib",
    "pydicom",
    "polars",
    "skimage",
    "scipy",
    "numpy",
    "pydantic",
    "openvino",
}
PACKAGES = sorted(
    ".".join(path.parent.relative_to(folder).parts)
    for folder in SOURCES.values()
    for path in folder.rglob("__init__.py")
    if "lazy_loader" in path.read_text(encoding="utf-8")
)


def place_of(dotted: str) -> Path:
    """Return the folder of a package, or the path of a module without its suffix."""
    return SOURCES[dotted.partition(".")[0]] / Path(*dotted.split("."))


def names_for_type_checkers(package: str) -> dict[str, str]:
    """Public name → dotted path of what it stands for, from `__init__.pyi`."""
    tree = ast.parse((place_of(package) / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: ".".join(filter(None, (package, node.module, alias.name)))
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def is_module(target: str) -> bool:
    place = place_of(target)
    return place.is_dir() or place.with_suffix(".py").is_file()


def names_defined_here(package: str) -> set[str]:
    """Return the names that the package's `__init__` itself defines, such as its registry."""
    tree = ast.parse((place_of(package) / "__init__.py").read_text(encoding="utf-8"))
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def submodules(package: str) -> set[str]:
    folder = place_of(package)
    return {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}


def test_all_packages_are_lazy() -> None:
    for name, folder in SOURCES.items():
        packages = {f"{name}.{path.parent.name}" for path in (folder / name).glob("*/__init__.py")}
        assert packages - set(PACKAGES) <= {"unseen_server.cli"}  # registered by entry points, has no public names


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_and_run_time_see_the_same_names(package: str) -> None:
    module = importlib.import_module(package)
    expected = set(names_for_type_checkers(package))
    lazy = set(module.__all__) - (submodules(package) - expected) - names_defined_here(package)
    assert lazy == expected


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_loads_and_is_what_the_type_checker_thinks(package: str) -> None:
    module = importlib.import_module(package)
    for name, target in names_for_type_checkers(package).items():
        where, _, what = target.rpartition(".")
        if is_module(target):
            assert getattr(module, name) is importlib.import_module(target)
        else:
            assert getattr(module, name) is getattr(importlib.import_module(where), what)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_submodule_bears_a_public_name(package: str) -> None:
    functions_and_classes = {name for name, target in names_for_type_checkers(package).items() if not is_module(target)}
    assert not functions_and_classes & submodules(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_is_for(package: str) -> None:
    assert len((importlib.import_module(package).__doc__ or "").strip()) > 40


def test_opening_all_packages_imports_nothing_heavy() -> None:
    code = f"import sys, {', '.join(PACKAGES)}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def files() -> Iterator[Path]:
    for folder in SOURCES.values():
        yield from folder.rglob("*.py")


def test_nothing_in_the_package_imports_a_study() -> None:
    for path in files():
        for node in imports(path):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "studies"], path


def test_imports_within_a_package_name_the_defining_module() -> None:
    """Imports from another package use the public names of its subpackages: see tests/repository/test_port.py."""
    for path in files():
        own = "unseen" if path.is_relative_to(SOURCES["unseen"]) else "unseen_server"
        if path.name == "__init__.py":
            continue
        for node in imports(path):
            if isinstance(node, ast.ImportFrom) and node.module in PACKAGES and node.module.partition(".")[0] == own:
                taken = {alias.name for alias in node.names} & set(names_for_type_checkers(node.module))
                taken -= submodules(node.module)
                assert not taken, (
                    f"{path.relative_to(ROOT)}:{node.lineno}: import {taken} from the module that defines it"
                )
