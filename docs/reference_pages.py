"""MkDocs hook: one reference page per room, made from the public names in the room's `__init__.py`.

A name is found by reading the `if TYPE_CHECKING:` imports: nothing is imported, and a new name shows up by itself.
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


def public_names(source: str) -> dict[str, str]:
    """Public name → dotted path of what it stands for, as the `if TYPE_CHECKING:` block of `source` says."""
    names: dict[str, str] = {}
    for block in ast.walk(ast.parse(source)):
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
            for node in block.body:
                if isinstance(node, ast.ImportFrom):
                    names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def page(room: str) -> str:
    """The Markdown of one room's page."""
    source = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    parts = [f"# un.{room}", ast.get_docstring(ast.parse(source)) or "", NOTICE]
    for name, target in public_names(source).items():
        if (PACKAGE.parent / Path(*target.split("."))).is_dir():  # a room within the room, such as data.phantoms
            inner = public_names(
                (PACKAGE.parent / Path(*target.split(".")) / "__init__.py").read_text(encoding="utf-8")
            )
            parts += [entry(f"{name}.{below}", path) for below, path in inner.items()]
        else:
            parts.append(entry(name, target))
    return "\n\n".join(parts) + "\n"


def entry(name: str, target: str) -> str:
    """The Markdown of one public name."""
    return f'::: {target}\n    options:\n      heading: "{name}"\n      toc_label: "{name}"'


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for room in rooms():
        files.append(File.generated(config, f"reference/{room}.md", content=page(room)))
    return files
