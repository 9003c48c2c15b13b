"""MkDocs hook: the reference's lists, made from the registries, the command line and the models of files.

- `reference/glance.md`: every registered detector, operator, noise, link, group, loss, generator, prior, reconstructor
- `reference/cli.md`: every command, with its arguments and options, as `--help` has them
- `reference/recipes.md`: every recipe that comes with the package
- `reference/formats.md`: the files that the package writes and reads
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from unseen.artifacts.registry import Registry

sys.path.insert(0, str(Path(__file__).parent))

from docstring_layout import linked, split_by_name
from reference_pages import NOTICE, every_listed
from settings_tables import cell, settings_of, table, type_of

REGISTRIES = {
    "Detectors": ("unseen.detectors", "METHODS"),
    "Operators": ("unseen.physics", "OPERATORS"),
    "Noises": ("unseen.physics", "NOISES"),
    "Links": ("unseen.physics", "LINKS"),
    "Groups of transformations": ("unseen.physics", "GROUPS"),
    "Losses": ("unseen.losses", "LOSSES"),
    "Generators": ("unseen.priors", "GENERATORS"),
    "Priors": ("unseen.priors", "PRIORS"),
    "Reconstructors": ("unseen.reconstruction", "RECONSTRUCTORS"),
}
SYMBOLS = {"x": "the truth", "y": "the measurement", "A": "the operator", "f": "the network"}
FILES = {
    "Bundle": ("unseen.artifacts.card", {"`card.json`": "Card"}),
    "Recipe": (
        "unseen.artifacts.recipe",
        {"The whole file": "Recipe", "`[data]`": "RecipeData", "`[method]`": "RecipeMethod"},
    ),
    "Policy": ("unseen.screening.policy", {"The whole file": "Policy", "An entry of `sources`": "SourcePolicy"}),
    "Manifest": ("unseen.data.manifest", {}),
    "Scores": ("unseen.evaluation.exported_scores", {}),
    "Scores of an archive": ("unseen.runs.archive.plan", {"`plan.json`": "ArchivePlan"}),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, content in (("glance", glance()), ("cli", commands()), ("recipes", recipes()), ("formats", formats())):
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    return files


def rows(*lines: Sequence[str]) -> str:
    """A Markdown table; the first line is its head.

    >>> print(rows(("key", "what"), ("a", "b | c")))
    | key | what |
    | --- | --- |
    | a | b \\| c |
    """
    head, *body = [[cell(words) for words in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *body))


def glance() -> str:
    """Return every registered method of the package."""
    listed = {path: name.split(".")[0] for name, path in every_listed().items()}
    parts = [
        "# All methods at a glance",
        NOTICE,
        "The key is the name in recipes, bundles and on the command line. `Registry.register` and entry points add to "
        "these tables: see [Add a detector](../how-to/add-a-detector.md) and "
        "[Add an operator, a noise, a loss, a prior](../how-to/plug-ins.md).",
    ]
    for title, (package, name) in REGISTRIES.items():
        registry: Registry = getattr(importlib.import_module(package), name)
        lines = []
        for key, place in registry.own.items():
            module, _, kind = place.partition(":")
            thing = getattr(importlib.import_module(module), kind)
            path = f"{module}.{kind}"
            link = f"[`{kind}`]({listed[path]}.md#{path})" if path in listed else f"`{kind}`"
            lines.append(
                (f"`{key}`", link, first_sentence(thing), ", ".join(needs(thing)) or "–", source(thing) or "–")
            )
        parts += [f"## {title}", rows(("Key", "Name", "What it is", "Needs", "Source"), *lines)]
    return "\n\n".join(parts) + "\n"


def words_of(thing: Any) -> str:
    """Return the docstring of a class or function, and the part of its module's that belongs to it."""
    own = inspect.getdoc(thing) or ""
    module = sys.modules[thing.__module__]
    names = [name for name, member in vars(module).items() if getattr(member, "__module__", "") == module.__name__]
    common, parts = split_by_name(inspect.cleandoc(module.__doc__ or ""), names)
    note = parts.get(thing.__name__, [] if parts else common)
    return "\n\n".join([own, *note])


def first_sentence(thing: Any) -> str:
    """Return the first paragraph of what the module says of it, else of its docstring, up to the first full stop."""
    text = words_of(thing)
    opened = re.search(rf"^`{thing.__name__}`: (.*(?:\n\S.*)*)", text, re.MULTILINE)
    paragraph = " ".join((opened[1] if opened else text.split("\n\n")[0]).split())
    sentence = re.split(r"(?<=[^.\s]{2})\.(?:\s|$)", paragraph)[0].rstrip(".:")
    if re.match(r"(?:an? )?[a-z]{3,}[ -]|an? ", sentence):  # not a formula
        sentence = sentence[:1].upper() + sentence[1:]
    return linked(sentence.replace("*", r"\*"), {})


def source(thing: Any) -> str:
    """Its sources, with their links: the paragraph that begins with `Source:`, up to what differs from them."""
    pattern = re.compile(r"^Sources?: ((?:.+\n?)+)", re.MULTILINE)
    found = pattern.search(words_of(thing)) or pattern.search(sys.modules[thing.__module__].__doc__ or "")
    words = " ".join(found[1].split()) if found else ""
    return linked(re.split(r" Differs:| Differs from", words)[0], {})


def needs(thing: Any) -> Iterator[str]:
    """Yield each requirement of a method: on the data, or on the caller."""
    if isinstance(getattr(thing, "needs", None), frozenset):
        yield from (SYMBOLS[symbol] for symbol in "xyAf" if symbol in thing.needs)
    for name, words in (
        ("needs_lungs", "the lungs"),
        ("needs_power_of_two", "a size that is a power of two"),
        ("learns_from_unlabelled", "unlabelled films"),
    ):
        if getattr(thing, name, False) is True:
            yield words
    model = settings_of(thing)
    if model is not None and "backbone" in model.model_fields:
        optional = model.model_fields["backbone"].default is None
        yield "a file of weights (optional)" if optional else "a file of published weights"


def app_group() -> Any:
    """Return the whole command line, as typer makes it."""
    from unseen.cli import app

    return typer.main.get_command(app)


def commands() -> str:
    """Return the command line."""
    group = app_group()
    parts = ["# Command line", NOTICE, plain(group.help or ""), "Every command answers to `--help`."]
    parts += ["## Exit status", plain(group.epilog or "").removeprefix("Exit status: ")]
    for name, command in named(group, "unseen"):
        parts += [f"## {name}", plain(command.help or "")]
        shown = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
        if shown:
            parts.append(rows(("Argument or option", "Type", "Default", "Meaning"), *map(parameter, shown)))
    return "\n\n".join(parts) + "\n"


def named(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Each command with its whole name, those of groups too; `Any`: typer has click's classes within, unpublished."""
    for key, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from named(command, f"{name} {key}")
        else:
            yield f"{name} {key}", command


def parameter(one: Any) -> tuple[str, str, str, str]:
    """Return a row of the table of a command."""
    names = [*one.opts, *one.secondary_opts]
    shown = ", ".join(f"`{name}`" if name.startswith("-") else f"`{name.upper()}`" for name in names)
    default = one.default() if callable(one.default) else one.default
    value = (
        "required"
        if one.required
        else "–"
        if default is None or default is False or default in ((), [], "")
        else f"`{default}`"
    )
    return shown, f"`{type_of(one.type_descriptor.annotation)}`", value, plain(one.help or "")


def plain(text: str) -> str:
    """Help text without the markup of the terminal; its examples as code."""
    text = re.sub(r"\[/?(?:bold|dim|red|green|italic)\]", "", inspect.cleandoc(text))
    return re.sub(r"^ {2,}(unseen .*)$", r"    \1", text, flags=re.MULTILINE)


def recipes() -> str:
    """Return the recipes that come with the package."""
    from unseen.artifacts import recipe

    lines = []
    for name in recipe.names():
        first = recipe.source_of(name).split("\n", 1)[0]
        lines.append((f"`{name}`", first.lstrip("# ") if first.startswith("#") else "–"))
    return "\n\n".join(
        [
            "# Recipes",
            NOTICE,
            "A recipe is one TOML file that defines how a model is made. `unseen train NAME` trains one of these (a "
            "generator: `unseen prior train NAME`); "
            "`unseen recipes NAME` prints its file. [File formats](formats.md#recipe) lists the sections.",
            rows(("Name", "What it is"), *lines),
        ]
    )


def formats() -> str:
    """Return the files that the package writes and reads, from the docstrings and models of the modules that do."""
    parts = ["# File formats", NOTICE]
    for title, (module, models) in FILES.items():
        loaded = importlib.import_module(module)
        parts += [f"## {title}", inspect.cleandoc(loaded.__doc__ or "")]
        for caption, name in models.items():
            parts += [f"### {caption}", table(getattr(loaded, name), fields_of(loaded, name))]
    from unseen.evaluation.table import score_schema

    columns = [(f"`{name}`", f"{kind}") for name, kind in score_schema().items()]
    parts += ["### Columns of `scores.parquet`", rows(("Column", "Type"), *columns)]
    return "\n\n".join(parts) + "\n"


def fields_of(module: Any, name: str) -> dict[str, str]:
    """Return the docstrings below the fields of a class, which Python does not keep."""
    tree = ast.parse(inspect.getsource(module))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    found = {}
    for field, below in pairwise(body):
        words = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(words, str):
            found[field.target.id] = words
    return found
