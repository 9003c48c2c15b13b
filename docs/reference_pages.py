"""MkDocs hook: one reference page per package inside `unseen` and `unseen_server`, made from its public names.

A name is found by reading the imports of `__init__.pyi`: nothing is imported, and a new name shows up by itself.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from docstring_layout import linked, split_by_name
from reference_roots import ROOTS, path_of

NOTICE = "*Research use only. Not a medical device. Not for diagnosis.*"


def subpackages() -> dict[str, str]:
    """Return the packages that have public names, each with its parent package; `cli` has `--help` instead."""
    return {
        name: root
        for root, source in ROOTS.items()
        for name in sorted(path.parent.name for path in (source / root).glob("*/__init__.py"))
        if name != "cli"
    }


def public_names(package: str) -> dict[str, str]:
    """Return public name → dotted path, as in the `__init__.pyi` of a package such as `unseen.data`."""
    stub = (path_of(package) / "__init__.pyi").read_text(encoding="utf-8")
    return {
        alias.asname or alias.name: ".".join(filter(None, (package, node.module, alias.name)))
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def page(subpackage: str) -> str:
    """Return the Markdown of one package's page."""
    package = f"{subpackages()[subpackage]}.{subpackage}"
    source = (path_of(package) / "__init__.py").read_text(encoding="utf-8")
    parts = [f"# {re.sub('^unseen[.]', 'un.', package)}", ast.get_docstring(ast.parse(source)) or "", NOTICE]
    for module, names in by_module(subpackage).items():
        note = common_note(module, names)
        parts += [f"## Module `{module.partition('.')[2]}`", note] if note else []
        parts += [entry(name, target, level=3 if note else 2) for name, target in names.items()]
    return "\n\n".join(parts) + "\n"


def listed(subpackage: str) -> dict[str, str]:
    """Public name → dotted path, with those of a package within the package, such as `phantoms.normals`."""
    found: dict[str, str] = {}
    for name, target in public_names(f"{subpackages()[subpackage]}.{subpackage}").items():
        if path_of(target).is_dir():
            inner = public_names(target)
            found |= {f"{name}.{below}": path for below, path in inner.items() if not is_file(path)}
        else:
            found[name] = target
    return found


def every_listed() -> dict[str, str]:
    """Return every listed name of every package, such as `detectors.Pca`, and its dotted path."""
    return {f"{subpackage}.{name}": path for subpackage in subpackages() for name, path in listed(subpackage).items()}


def by_module(subpackage: str) -> dict[str, dict[str, str]]:
    """Return the listed names of a package by the module that defines them, in the order of the stub."""
    found: dict[str, dict[str, str]] = {}
    for name, target in listed(subpackage).items():
        found.setdefault(target.rpartition(".")[0], {})[name] = target
    return found


def common_note(module: str, names: Mapping[str, str]) -> str:
    """Return the docstring of a module with several public names, none of which has a part of it; "" for others."""
    path = path_of(module).with_suffix(".py")
    if len(names) < 2 or not path.is_file():
        return ""
    note = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    parts = split_by_name(note, [target.rpartition(".")[2] for target in names.values()])[1]
    return "" if parts else linked(note, {})


def is_file(target: str) -> bool:
    """Report whether a public name is a module, such as `data.phantoms.lesion_ranges`: it is imported, not listed."""
    return path_of(target).with_suffix(".py").is_file()


def entry(name: str, target: str, *, level: int = 2) -> str:
    """The Markdown of one public name."""
    return (
        f'::: {target}\n    options:\n      heading: "{name}"\n      toc_label: "{name}"\n      heading_level: {level}'
    )


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for subpackage in subpackages():
        files.append(File.generated(config, f"reference/{subpackage}.md", content=page(subpackage)))
    return files
