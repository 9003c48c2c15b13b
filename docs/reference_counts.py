"""Counts public names whose reference entry lacks an example, or the description of a parameter.

The build of the site warns about each (and fails, as it is strict), unless `reference_exceptions.toml` names it with a
reason. Errors need neither: the functions that raise them describe them. Constants have no parameters, and their value
is their example. The example of a class may stand at one of its public methods.

    python docs/reference_counts.py [PACKAGE]   the names, and what each lacks
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import griffe

EXCEPTIONS = Path(__file__).with_name("reference_exceptions.toml")
_ROW = re.compile(r"^\| `(\w+)` \|.*\| (.*) \|$", re.MULTILINE)


def lacking(obj: griffe.Object) -> list[str]:
    """Return the missing parts of a public name: "example", and the names of parameters without a description."""
    if isinstance(obj, griffe.Attribute) or is_error(obj):
        return []
    found = [name for name in parameters(obj) if name not in described(obj)]
    return found if has_example(obj) else ["example", *found]


def is_error(obj: griffe.Object) -> bool:
    """Report whether the object is an exception class, by the names of its bases."""
    if not isinstance(obj, griffe.Class):
        return False
    return any(
        re.search(r"(Error|Exception|LookupError)$", str(base)) for one in (obj, *obj.mro()) for base in one.bases
    )


def parameters(obj: griffe.Object) -> list[str]:
    """Return the parameters of a function or a constructor, the private ones left out."""
    if isinstance(obj, griffe.Class) and "__init__" not in obj.members and is_dataclass(obj):
        return [name for name, _ in fields(obj) if not name.startswith("_")]
    if isinstance(obj, griffe.Class):
        init = next((one.members["__init__"] for one in (obj, *obj.mro()) if "__init__" in one.members), None)
        return [] if not isinstance(init, griffe.Function) else parameters(init)
    names = [parameter.name for parameter in obj.parameters] if isinstance(obj, griffe.Function) else []
    return [name for name in names if name not in ("self", "cls") and not name.startswith("_")]


def is_dataclass(obj: griffe.Class) -> bool:
    """Report whether the class or one of its bases has the decorator `dataclass`."""
    return any(
        decorator.callable_path.endswith("dataclass") for one in (obj, *obj.mro()) for decorator in one.decorators
    )


def fields(obj: griffe.Class) -> Iterator[tuple[str, griffe.Attribute]]:
    """Yield the annotated names of a class and its bases, in the order of a dataclass's parameters."""
    found: dict[str, griffe.Attribute] = {}
    for one in (*reversed(obj.mro()), obj):
        for name, member in one.members.items():
            if not isinstance(member, griffe.Attribute) or member.annotation is None or "property" in member.labels:
                continue
            if "ClassVar" not in str(member.annotation) and "init=False" not in str(member.value):
                found[name] = member
    yield from found.items()


def described(obj: griffe.Object) -> set[str]:
    """Return the parameters that `Args:` describes, of the object or its constructor, or the table of settings."""
    found: set[str] = set()
    init = obj.members.get("__init__")
    for one in (obj, init):
        if one is None or one.docstring is None:
            continue
        for section in one.docstring.parsed:
            if section.kind in (griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.other_parameters):
                found |= {parameter.name.lstrip("*") for parameter in section.value if parameter.description}
        found |= {name for name, meaning in _ROW.findall(one.docstring.value) if meaning.strip()}
    if isinstance(obj, griffe.Class):  # `Annotated[..., Field(description=...)]`, which the API's description shows too
        found |= {name for name, member in fields(obj) if "description=" in str(member.annotation)}
    return found


def has_example(obj: griffe.Object) -> bool:
    """Report whether the object, or one of its public members, has a doctest."""
    members = obj.members.values() if isinstance(obj, griffe.Class) else ()
    shown = [obj, *(m for m in members if not m.name.startswith("_") and not isinstance(m, griffe.Alias))]
    return any(one.docstring is not None and ">>>" in one.docstring.value for one in shown)


def problems(pkg: griffe.Module, listed: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each name that lacks something and is not excepted, and for each exception that is not
    needed.

    Args:
        pkg: the package, laid out.
        listed: name on the pages → dotted path; names of other packages are not checked.
    """
    excepted = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    for name, target in listed.items():
        if not target.startswith(f"{pkg.name}."):
            continue
        obj = pkg[target.removeprefix(f"{pkg.name}.")]
        without = lacking(obj.final_target if isinstance(obj, griffe.Alias) else obj)
        if without and name not in excepted:
            yield f"{name} ({target}) lacks {', '.join(without)}. Write it into the docstring"
        elif not without and name in excepted:
            yield f"{name} lacks nothing. Take it out of {EXCEPTIONS.name}"
    for name in sorted(set(excepted) - set(listed)):
        yield f"{name} is no public name. Take it out of {EXCEPTIONS.name}"


def every_problem(packages: Sequence[str] = ()) -> tuple[list[str], int]:
    """Return the sentences of `problems` on all public names, and the number of these.

    Args:
        packages: such as `losses`; none: all.
    """
    import reference_pages
    import reference_roots

    layout = griffe.load_extensions({Path(__file__).with_name("docstring_layout.py").as_posix(): {"check": False}})
    loader = griffe.GriffeLoader(
        search_paths=list(reference_roots.ROOTS.values()),
        extensions=layout,
        docstring_parser="google",
        docstring_options={"warnings": False},
    )
    loaded = []
    for name in reference_roots.ROOTS:
        package = loader.load(name)
        assert isinstance(package, griffe.Module), name
        loaded.append(package)
    every = reference_pages.every_listed()
    asked = [name for name in every if not packages or name.partition(".")[0] in packages]
    found = dict.fromkeys(problem for package in loaded for problem in problems(package, every))
    return [one for one in found if not packages or one.partition(".")[0] in packages], len(asked)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    without, number = every_problem(sys.argv[1:])
    print("\n".join(without))
    print(f"{len(without)} of {number} public names")
