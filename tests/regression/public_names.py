"""Public names and their signatures, read from the files: a package's `__init__.pyi`, and the module that defines each.

Names stand under their subpackage without the root package (`worklist.Store`), so that a move to another project
leaves them as they are. The constructor of a class with settings is made from the class itself, which is imported.
"""

from __future__ import annotations

import ast
import importlib
import sys
from functools import cache
from pathlib import Path

from tests.regression.places import packages

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

from constructor_source import constructor_of

Description = str | dict[str, "Description"]


def public_names() -> dict[str, Description]:
    """Return each public name with its signature; of a class, those of its public members."""
    found: dict[str, Description] = {}
    for package in packages():
        for stub in sorted(package.rglob("__init__.pyi")):
            inside = ".".join(stub.parent.relative_to(package).parts)
            for node in _tree(stub).body:
                if isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        name = f"{inside}.{alias.asname or alias.name}".lstrip(".")
                        found[name] = _defined(_target(stub, node, package), alias.name)
                elif isinstance(node, ast.AnnAssign):
                    found[f"{inside}.{ast.unparse(node.target)}".lstrip(".")] = ast.unparse(node.annotation)
                elif isinstance(node, ast.Assign):
                    for target in node.targets:
                        found[f"{inside}.{ast.unparse(target)}".lstrip(".")] = "value"
    return dict(sorted(found.items()))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _statements(path: Path) -> list[ast.stmt]:
    return [inner for node in _tree(path).body for inner in _unfolded(node)]


def _target(origin: Path, node: ast.ImportFrom, package: Path) -> Path | None:
    """Return the file or folder that an import names; None outside our packages."""
    if node.level:
        base = origin.parents[node.level - 1]
        parts = (node.module or "").split(".") if node.module else []
    else:
        root, *parts = (node.module or "").split(".")
        named = [one for one in packages() if one.name == root]
        if not named:
            return None
        base = named[0]
    path = base.joinpath(*parts)
    return path if path.is_dir() else path.with_suffix(".py")


def _defined(where: Path | None, name: str, depth: int = 5) -> Description:
    """Return the description of a name in a module; an imported one is followed to where it is defined."""
    if where is None or depth == 0:
        return "imported"
    if where.is_dir():
        if (where / name).is_dir() or (where / f"{name}.py").is_file():
            return "module"
        where = where / "__init__.py"
    package = next(one for one in packages() if one in where.parents)
    nodes = _statements(where)
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return _function(node)
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _with_constructor(_class(node), where.relative_to(package.parent), name)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
            return f": {ast.unparse(node.annotation)}"
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            return f"= {ast.unparse(node.value)}" if isinstance(node.value, ast.Constant | ast.Tuple) else "value"
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _defined(_target(where, node, package), alias.name, depth - 1)
    raise LookupError(f"{where}: {name} is in a table of public names, and is not defined there")


def _unfolded(node: ast.stmt) -> list[ast.stmt]:
    """Return the statement, and those inside an `if`."""
    return [node, *node.body, *node.orelse] if isinstance(node, ast.If) else [node]


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    made = [ast.unparse(one) for one in node.decorator_list]
    shown = "".join(f"@{one} " for one in made if one in ("property", "staticmethod", "classmethod", "cached_property"))
    return f"{shown}({ast.unparse(node.args)}){returns}"


def _with_constructor(described: dict[str, Description], where: Path, name: str) -> dict[str, Description]:
    """Return the description of a class; before its methods, its constructor with each setting, if it has settings."""
    source = constructor_of(getattr(importlib.import_module(".".join(where.with_suffix("").parts)), name))
    if source is None:
        return described
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.FunctionDef)
    names = [one for one in described if one != "__init__"]
    at = next((i for i, one in enumerate(names) if one != "(bases)" and _is_function(described[one])), len(names))
    ordered = {one: described[one] for one in names[:at]}
    return ordered | {"__init__": _function(node)} | {one: described[one] for one in names[at:]}


def _is_function(description: Description) -> bool:
    return isinstance(description, str) and description.startswith(("(", "@"))


def _class(node: ast.ClassDef) -> dict[str, Description]:
    """Return bases, fields, and public methods; of overloads the last."""
    found: dict[str, Description] = {"(bases)": ", ".join(ast.unparse(one) for one in [*node.bases, *node.keywords])}
    for statement in node.body:
        for inner in _unfolded(statement):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                if not inner.name.startswith("_") or inner.name in ("__init__", "__call__"):
                    found[inner.name] = _function(inner)
            elif isinstance(inner, ast.ClassDef) and not inner.name.startswith("_"):
                found[inner.name] = _class(inner)
            elif isinstance(inner, ast.AnnAssign) and not ast.unparse(inner.target).startswith("_"):
                default = "" if inner.value is None else f" = {ast.unparse(inner.value)}"
                found[ast.unparse(inner.target)] = f"{ast.unparse(inner.annotation)}{default}"
    return found
