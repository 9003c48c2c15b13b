"""Griffe extension: what the reference pages show of each docstring.

- The docstring of a module stands with the class or function that the module defines: formula, source.
- Doctests, and `Example:`, become the section `Examples:`, so that they are drawn as code with their output.
- Aligned columns (`name   meaning`) become plain-text blocks, which Markdown would join into one paragraph.
- Fields of a dataclass are described by their docstrings and comments, settings by the table of `settings_tables`.
- `arXiv 1807.02011` and `doi:10.1109/…` become links, and names of the package in backquotes cross-references.
"""

from __future__ import annotations

import ast
import itertools
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))

from constructor_source import constructor_of
from reference_counts import fields, is_dataclass, parameters, problems
from reference_roots import ROOTS
from settings_tables import settings_of, table

from unseen.artifacts.registry import UnknownName, imported

_log = logging.getLogger("mkdocs.plugins.reference")
ALIGNED = re.compile(r"^\S+(?:[ ,]+\S+){0,3}?\s{2,}\S")
SECTION = re.compile(r"^(?:Args|Arguments|Returns|Yields|Raises|Attributes|Examples?|Warns|Receives):$")
ARXIV = re.compile(r"\barXiv[: ](\d{4}\.\d{4,5})\b")
DOI = re.compile(r"\bdoi:(10\.\d{4,9}/[^\s,;<>]+[^\s,;.<>)])")


class DocstringLayout(griffe.Extension):
    """Lays out every docstring of our packages before it is parsed; then warns about names that lack something."""

    def __init__(self, *, check: bool = True) -> None:
        self.check = check

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **kwargs: Any) -> None:
        if pkg.name not in ROOTS:
            return
        others = [one for name, one in loader.modules_collection.members.items() if name in ROOTS and one is not pkg]
        names = cross_references(pkg, *others)
        for module in modules(pkg):
            notes = module_notes(module)
            for obj in list(documented(module)):
                if isinstance(obj, griffe.Class):
                    set_constructor(obj)
            for obj in documented(module):
                before = obj.docstring.value if obj.docstring else ""
                text = with_note(before, notes.get(obj.name, "")) if obj.parent is module else before
                text = laid_out(text)
                if isinstance(obj, griffe.Class):
                    text = with_settings(text, obj) or with_fields(text, obj)
                    text = with_inherited(text, obj)
                text = linked(text, names)
                if obj.docstring:
                    obj.docstring.value = text
                elif text:
                    obj.docstring = griffe.Docstring(
                        text, parent=obj, parser="google", parser_options={"warnings": False}
                    )
        if self.check:
            from reference_pages import every_listed

            for problem in problems(pkg, every_listed()):
                _log.warning(problem)


def modules(module: griffe.Module) -> Iterator[griffe.Module]:
    """Yield the module and all below it, those that only re-export left out."""
    yield module
    for below in module.members.values():
        if isinstance(below, griffe.Module):
            yield from modules(below)


def documented(parent: griffe.Module | griffe.Class) -> Iterator[griffe.Object]:
    """Classes, functions and attributes of a module, and of its classes."""
    for member in list(parent.members.values()):
        if isinstance(member, griffe.Alias | griffe.Module):
            continue
        yield member
        if isinstance(member, griffe.Class):
            yield from documented(member)


def public_of(module: griffe.Module) -> list[str]:
    """Classes and functions that a module defines, without those that begin with an underscore."""
    return [
        name
        for name, member in module.members.items()
        if not name.startswith("_") and isinstance(member, griffe.Class | griffe.Function)
    ]


def listed_of(module: griffe.Module) -> list[str]:
    """Return the names of a module that its package lists as public, in the order of the module."""
    package = module.parent
    while package is not None and not _stub(package).is_file():
        package = package.parent
    text = "" if package is None else _stub(package).read_text(encoding="utf-8")
    place = module.path.removeprefix(f"{package.path}." if package is not None else "")
    names = set(re.findall(rf"from \.{re.escape(place)} import (\w+) as", text))
    return [name for name in public_of(module) if name in names]


def _stub(package: griffe.Object) -> Path:
    filepath = package.filepath
    return (filepath if isinstance(filepath, Path) else filepath[0]).with_name("__init__.pyi")


def module_notes(module: griffe.Module) -> dict[str, str]:
    """Return the part of the module's docstring that is shown with each of its public names.

    A paragraph that begins with `` `Name`: `` opens that name's part. Paragraphs before the first such one are common:
    they are shown with every name that has a part, or with the only public name. The docstring of a module with several
    public names and no such part is shown on the page, above the names (`reference_pages`).
    """
    if module.docstring is None or module.is_init_module:
        return {}
    public = listed_of(module)
    common, parts = split_by_name(module.docstring.value, public_of(module))
    if len(public) == 1:
        own = parts.get(public[0], [])
        return {public[0]: "\n\n".join(common + own)}
    return {name: "\n\n".join(common + part) for name, part in parts.items() if name in public}


def split_by_name(text: str, names: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Paragraphs common to all names, and those of each name.

    >>> split_by_name("All do.\\n\\n`A`: one.\\n\\n    a = 1\\n\\n`B`: two.", ["A", "B"])
    (['All do.'], {'A': ['`A`: one.', '    a = 1'], 'B': ['`B`: two.']})
    """
    common: list[str] = []
    parts: dict[str, list[str]] = {}
    into = common
    known = set(names)
    for paragraph in re.split(r"\n\s*\n", text):
        opened = re.match(r"`(\w+)`:", paragraph)
        if opened and opened[1] in known:
            into = parts.setdefault(opened[1], [])
        into.append(paragraph)
    return common, parts


def with_note(text: str, note: str) -> str:
    """`text` with the module's note behind its first paragraph."""
    if not note:
        return text
    summary, _, rest = text.partition("\n\n")
    return "\n\n".join(filter(None, (summary, note, rest)))


def laid_out(text: str) -> str:
    """Return `text` with aligned paragraphs fenced, and doctests in sections of their own.

    >>> print(laid_out("Say.\\n\\nimage  float32\\nbox    its part"))
    Say.
    <BLANKLINE>
    ```text
    image  float32
    box    its part
    ```
    >>> laid_out("Say.\\n\\n>>> 1 + 1\\n2").splitlines()[2:]
    ['Examples:', '    >>> 1 + 1', '    2']
    """
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    text = re.sub(r"^    (\w+(?:, \w+)+): (.*(?:\n {8,}.*)*)", each_alone, text, flags=re.MULTILINE)
    done, section = [], False
    for paragraph in re.split(r"\n\s*\n", text):
        first = paragraph.split("\n", 1)[0]
        section = bool(SECTION.match(first)) or (section and paragraph.startswith(" "))
        if paragraph.startswith(">>>"):
            done.append("Examples:\n" + _indented(paragraph))
        elif section or paragraph.startswith(" ") or not is_aligned(paragraph):
            done.append(paragraph)
        else:
            done.append(f"```text\n{paragraph}\n```")
    return "\n\n".join(done)


def each_alone(found: re.Match[str]) -> str:
    """`a, b: words` of `Args:`, one entry for each name."""
    return "\n".join(f"    {name}: {found[2]}" for name in found[1].split(", "))


def _indented(paragraph: str) -> str:
    return "\n".join(f"    {line}" for line in paragraph.split("\n"))


def is_aligned(paragraph: str) -> bool:
    """Report whether the first line is not indented and has a column gap: `name   meaning`."""
    return bool(ALIGNED.match(paragraph.splitlines()[0])) if paragraph.strip() else False


def with_settings(text: str, obj: griffe.Class) -> str:
    """`text` with the table of a class's settings before its first section; "" for a class without settings."""
    if not has_settings(obj):
        return ""
    kind = _imported(obj)
    settings = settings_of(kind)
    if settings is None:
        return ""
    described = {name: member.docstring.value for name, member in _inherited(obj) if member.docstring}
    for name in settings.model_fields if settings is kind else ("Config",):
        obj.members.pop(name, None)
    rows = table(settings, described)
    if not rows:
        return ""
    return before_sections(text, rows)


def set_constructor(obj: griffe.Class) -> None:
    """Give a class with settings the `__init__` that shows them."""
    source = constructor_of(_imported(obj)) if has_settings(obj) else None
    if source is None:
        return
    typed = obj.members.pop("__new__", None)  # the base of a family, for type checkers only
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.FunctionDef)
    family = (obj, *obj.mro()) if typed else (obj,)
    written = next((one.members["__init__"] for one in family if "__init__" in one.members), None)
    init = griffe.Function(
        "__init__",
        parameters=griffe.Parameters(
            *(
                griffe.Parameter(
                    name,
                    annotation=griffe.safe_get_expression(annotation, parent=obj, parse_strings=False),
                    kind=kind,
                    default=default
                    if isinstance(default, str)
                    else griffe.safe_get_expression(default, parent=obj, parse_strings=False),
                )
                for name, annotation, kind, default in griffe.get_parameters(node.args)
            )
        ),
        docstring=written.docstring if isinstance(written, griffe.Function) else None,
        lineno=obj.lineno,
        endlineno=obj.lineno,
    )
    obj.set_member("__init__", init)


def _imported(obj: griffe.Class) -> object:
    try:
        return imported(f"{obj.module.path}:{obj.path.removeprefix(obj.module.path + '.')}")
    except UnknownName:
        return None


def has_settings(obj: griffe.Class) -> bool:
    """Report whether the source shows a pydantic model or a class with a `Config`: such modules are imported."""
    family = [obj, *obj.mro()]
    return any("Config" in one.members or any(str(base) == "BaseModel" for base in one.bases) for one in family)


def with_inherited(text: str, obj: griffe.Class) -> str:
    """`text` with the parameters that the constructor of a base describes, and neither `text` nor its own does."""
    init = obj.members.get("__init__")
    lines: dict[str, str] = {}
    for base in obj.mro():
        for above in (base.members.get("__init__"), base):
            for name, words in arguments(above.docstring.value if above and above.docstring else "").items():
                lines.setdefault(name, f"    {name}: {words}")
    own = {*arguments(text), *(arguments(init.docstring.value) if init is not None and init.docstring else ())}
    more = [line for name, line in lines.items() if name in parameters(obj) and name not in own]
    if not more:
        return text
    found = re.search(r"^Args:\n", text, re.MULTILINE)
    if found:
        return text[: found.end()] + "\n".join(more) + "\n" + text[found.end() :]
    return before_sections(text, "Args:\n" + "\n".join(more))


def arguments(text: str) -> dict[str, str]:
    """Return names and words of `Args:`.

    >>> arguments("Do.\\n\\nArgs:\\n    x: one,\\n        two.\\n    y: three.\\n\\nReturns:\\n    z: four.")
    {'x': 'one, two.', 'y': 'three.'}
    """
    block = re.search(r"^Args:\n((?:(?: {4,}.*)?\n?)+)", text, re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", block[1], re.MULTILINE) if block else []
    return {name: " ".join(words.split()) for name, words in entries}


def before_sections(text: str, block: str) -> str:
    """`text` with a block between its words and its first section (`Args:` and such)."""
    paragraphs = text.split("\n\n") if text else []
    at = next((i for i, words in enumerate(paragraphs) if SECTION.match(words.split("\n", 1)[0])), len(paragraphs))
    return "\n\n".join([*paragraphs[:at], block, *paragraphs[at:]])


def _inherited(obj: griffe.Class) -> Iterator[tuple[str, griffe.Object]]:
    for base in (*reversed(obj.mro()), obj):
        yield from ((name, m) for name, m in base.members.items() if isinstance(m, griffe.Attribute))


def with_fields(text: str, obj: griffe.Class) -> str:
    """`text` with the fields of a dataclass that it leaves out, described by their docstrings or comments."""
    if not is_dataclass(obj):
        return text
    text = re.sub(r"^Attributes:$", "Args:", text, flags=re.MULTILINE)
    lines = {}
    for name, member in fields(obj):
        if name in arguments(text) or name.startswith("_"):
            continue
        comment = _comment(member)
        if member.docstring or comment:
            lines[name] = " ".join((member.docstring.value if member.docstring else comment).split())
            if name in obj.members:
                obj.members[name].docstring = None
    if not lines:
        return text
    more = "\n".join(f"    {name}: {words}" for name, words in lines.items())
    if "Args:\n" in text:
        return re.sub(
            r"^Args:\n(?:    .*\n?)+",
            lambda found: found[0].rstrip("\n") + "\n" + more + "\n",
            text,
            count=1,
            flags=re.MULTILINE,
        )
    return before_sections(text, f"Args:\n{more}") if more else text


def _comment(member: griffe.Object) -> str:
    path = member.filepath
    if member.lineno is None or member.lineno != member.endlineno or isinstance(path, list):
        return ""
    line = member.lines_collection[path][member.lineno - 1]
    return line.partition("  # ")[2].strip()


def cross_references(*packages: griffe.Module) -> dict[str, str]:
    """Public name, alone and with its package (`losses.sure`) → its path; names of two meanings are left out alone."""
    found: dict[str, set[str]] = {}
    for module in itertools.chain.from_iterable(map(modules, packages)):
        for name in listed_of(module):
            root, subpackage = module.path.split(".")[:2]
            for word in (name, f"{subpackage}.{name}", f"un.{subpackage}.{name}", f"{root}.{subpackage}.{name}"):
                found.setdefault(word, set()).add(f"{module.path}.{name}")
    return {word: next(iter(paths)) for word, paths in found.items() if len(paths) == 1}


def linked(text: str, names: dict[str, str]) -> str:
    """`text` with papers as links and public names as cross-references; code blocks stay as they are.

    >>> linked("`Pca`, arXiv 1807.02011, doi:10.1109/5.1.", {"Pca": "unseen.detectors.pca.Pca"})
    '[`Pca`][unseen.detectors.pca.Pca], [arXiv 1807.02011](https://arxiv.org/abs/1807.02011), [doi:10.1109/5.1](https://doi.org/10.1109/5.1).'
    """

    def reference(found: re.Match[str]) -> str:
        path = names.get(found[1])
        return f"[`{found[1]}`][{path}]" if path else found[0]

    lines, fenced = [], False
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        if not fenced and not line.lstrip().startswith((">>>", "...")):
            head, cell, tail = (
                line[:-2].rpartition("| ") if line.startswith("| ") else ("", "", line)
            )  # not a table's names
            line = head + cell + re.sub(r"(?<![\[`\w])`([\w.]+)`(?![`\]])", reference, tail) + (" |" if cell else "")
            line = ARXIV.sub(r"[arXiv \1](https://arxiv.org/abs/\1)", line)
            line = DOI.sub(r"[doi:\1](https://doi.org/\1)", line)
        lines.append(line)
    return "\n".join(lines)
