"""Extension points: keys of the registries with their entry-point groups, console scripts, extras."""

from __future__ import annotations

import ast
from typing import Any

from tests.regression.places import files, project_settings


def extension_points() -> dict[str, Any]:  # Any: JSON
    """Return what other packages and a user's shell rely on."""
    scripts: dict[str, str] = {}
    groups: dict[str, dict[str, str]] = {}
    extras: set[str] = set()
    for settings in project_settings():
        project = settings["project"]
        scripts |= project.get("scripts", {})
        for group, entries in project.get("entry-points", {}).items():
            groups.setdefault(group, {}).update(entries)
        extras |= set(project.get("optional-dependencies", {}))
    return {
        "console scripts": scripts,
        "entry points": groups,
        "extras": sorted(extras),
        "registries": _registries(),
    }


def _registries() -> dict[str, dict[str, Any]]:
    """Return each registry's group and keys, from the calls in the source."""
    found: dict[str, dict[str, Any]] = {}
    for path in files(".py", "src"):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "Registry(" in source else ():
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Registry"):
                continue
            given = {one.arg: ast.literal_eval(one.value) for one in node.keywords if one.arg is not None}
            found[f"{given['package']}: {given['kind']}"] = {
                "group": given.get("group"),
                "names": given["names"],
            }
    return dict(sorted(found.items()))
