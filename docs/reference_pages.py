"""MkDocs hook: one reference page per room, made from the public names in the room's `__init__.py`.

A name is found by reading the imports of `__init__.pyi`: nothing is imported, and a new name shows up by itself.
"""

from __future__ import annotations

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PACKAGE = Path(__file__).parents[1] / "src" / "unseen"
NOTICE = "*Research use only. Not a medical device. Not for diagnosis.*"


def rooms() -> list[str]:
    """The rooms that have public names: every package in the house but the command line, which has `--help`."""
    return sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py") if p.parent.name != "cli")


def public_names(room: str) -> dict[str, str]:
    """Public name → dotted path of what it stands for, as the `__init__.pyi` of `room` says."""
    stub = (PACKAGE / Path(*room.split(".")) / "__init__.pyi").read_text(encoding="utf-8")
    return {
        alias.asname or alias.name: ".".join(filter(None, ("unseen", room, node.module, alias.name)))
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def page(room: str) -> str:
    """The Markdown of one room's page."""
    source = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    parts = [f"# un.{room}", ast.get_docstring(ast.parse(source)) or "", NOTICE]
    for name, target in public_names(room).items():
        if (PACKAGE.parent / Path(*target.split("."))).is_dir():  # a room within the room, such as data.phantoms
            inner = public_names(target.removeprefix("unseen."))
            parts += [entry(f"{name}.{below}", path) for below, path in inner.items() if not is_file(path)]
        else:
            parts.append(entry(name, target))
    return "\n\n".join(parts) + "\n"


def is_file(target: str) -> bool:
    """Whether a public name is a module, such as `data.phantoms.lesion_ranges`: it is imported, not listed."""
    return (PACKAGE.parent / Path(*target.split("."))).with_suffix(".py").is_file()


def entry(name: str, target: str) -> str:
    """The Markdown of one public name."""
    return f'::: {target}\n    options:\n      heading: "{name}"\n      toc_label: "{name}"'


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for room in rooms():
        files.append(File.generated(config, f"reference/{room}.md", content=page(room)))
    return files
