"""Surfaces that users rely on, each as the text of recorded files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.regression import bundles, command_line, deployment, extension_points, frozen_store, public_names

Files = dict[str, str]
"""Name of a recorded file → its content."""


def _names() -> Files:
    return {
        "public-names.json": _text(public_names.public_names()),
        "extension-points.json": _text(extension_points.extension_points()),
    }


def _bundles() -> Files:
    return {"bundles.json": _text(bundles.bundles()), "recipes.json": _text(bundles.recipes())}


def _deployment() -> Files:
    return {
        "environment-variables.json": _text(deployment.environment_variables()),
        "deployment.json": _text(deployment.directives()),
        "wheel-files.json": _text(deployment.wheel_files()),
    }


def _commands() -> Files:
    return {"commands.json": _text(command_line.commands())}


def _mistakes() -> Files:
    return {"exit-statuses.json": _text(command_line.exit_statuses())}


def _sqlite() -> Files:
    shown, schema = frozen_store.on_sqlite()
    return _store(shown) | {"schema-sqlite.sql": schema}


def _postgresql() -> Files:
    shown, schema = frozen_store.on_postgresql()
    return _store(shown) | {"schema-postgresql.sql": schema}


def _store(shown: dict[str, Any]) -> Files:  # Any: JSON
    """Return the files of a store: the same ones, whichever database holds it."""
    return {"openapi.json": _text(shown.pop("OpenAPI")), "store-0.2.json": _text(shown)}


def _text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


SURFACES: dict[str, Callable[[], Files]] = {
    "names": _names,
    "bundles": _bundles,
    "deployment": _deployment,
    "commands": _commands,
    "mistakes": _mistakes,
    "sqlite": _sqlite,
    "postgresql": _postgresql,
}
SLOW = ("commands", "mistakes", "sqlite", "postgresql")
