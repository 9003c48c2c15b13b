"""Which class stands behind a name: keys are kebab-case, files snake_case, classes CamelCase.

One dictionary a room, as text, so that listing the names imports nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unseen.artifacts.unknown import unknown


class UnknownName(LookupError):
    """No such key in a registry; the message names the nearest known key."""


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Names → classes of one room.

    Args:
        room: the room below ``unseen`` that holds the files, such as ``"detectors"`` or ``"data.phantoms"``.
        kind: the word for what is registered, such as ``"detector"``; it stands in error messages.
        names: key → ``"file:Class"``, such as ``{"roi-sure": "roi_sure:RoiSure"}``.

    >>> registry = Registry(room="artifacts", kind="thing", names={"run-folder": "recipe:Run"})
    >>> registry.keys()
    ['run-folder']
    >>> registry.load("run-folder").__name__
    'Run'
    >>> registry.load("run-foldr")
    Traceback (most recent call last):
        ...
    unseen.artifacts.registry.UnknownName: thing "run-foldr": unknown; did you mean run-folder?
    """

    room: str
    kind: str
    names: Mapping[str, str]

    def keys(self) -> list[str]:
        """The known keys, in the order in which they were registered."""
        return list(self.names)

    def load(self, key: str) -> type[Any]:  # Any: the registry knows no method, so it cannot name the class
        """Import the file behind ``key`` and return its class.

        Raises:
            UnknownName: no such key.
        """
        if key not in self.names:
            raise UnknownName(f'{self.kind} "{key}": {unknown(key, self.names)}')
        module, _, name = self.names[key].partition(":")
        loaded: type[Any] = getattr(importlib.import_module(f"unseen.{self.room}.{module}"), name)
        return loaded
