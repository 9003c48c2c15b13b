"""Class `Registry`: names of classes of this package and of plug-ins; each package's `__init__.py` has its registries.

Keys are kebab-case, files snake_case, classes CamelCase. Each package has one table, as text, so listing names imports
nothing. A plug-in adds a method by an entry point in the registry's group.
"""

import importlib
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from unseen.artifacts.errors import UserError

_log = logging.getLogger("unseen")

T = TypeVar("T")


class UnknownName(UserError, LookupError):
    """No such key in a registry; the message names the nearest known key."""


class PluginError(UserError, RuntimeError):
    """A method of another package that cannot be used; the message names the package, the cause and the cure."""


class Registry(Mapping[str, str]):
    """Names → classes of one package, as a mapping from key to ``"module:Class"``.

    Args:
        package: the package below ``unseen`` that holds the files, such as ``"detectors"`` or ``"data.phantoms"``.
        kind: the word for what is registered, such as ``"detector"``; it stands in error messages.
        names: key → ``"file:Class"``, such as ``{"roi-sure": "roi_sure:RoiSure"}``.
        group: the entry-point group by which other packages add to it, such as ``"unseen.detectors"``; None: they
            cannot. A plug-in never replaces a key of this package: such an entry point is ignored with a warning.

    >>> registry = Registry(package="artifacts", kind="thing", names={"run-folder": "run_folder:Run"})
    >>> list(registry), registry["run-folder"]
    (['run-folder'], 'unseen.artifacts.run_folder:Run')
    >>> registry.load("run-folder").__name__
    'Run'
    >>> registry.load("run-foldr")
    Traceback (most recent call last):
        ...
    unseen.artifacts.registry.UnknownName: thing "run-foldr": unknown; did you mean run-folder?
    """

    def __init__(self, *, package: str, kind: str, names: Mapping[str, str], group: str | None = None) -> None:
        self.package, self.kind, self.group = package, kind, group
        self.own = {key: f"unseen.{package}.{place}" for key, place in names.items()}
        self.registered: dict[str, type[Any]] = {}

    def register(self, key: str, kind: type[Any]) -> None:
        """Add a class of your own for as long as this Python runs; an entry point adds it for good.

        Raises:
            ValueError: the key is taken, or is not the class's own.
        """
        if key in self and self.registered.get(key) is not kind:
            raise ValueError(f'the {self.kind} "{key}" is there already: {self[key]}. Take another key.')
        if getattr(kind, "key", key) != key:
            raise ValueError(f'{kind.__name__} has the key "{kind.key}", so it cannot be registered as "{key}".')
        self.registered[key] = kind

    @cached_property
    def plugins(self) -> dict[str, EntryPoint]:
        """The entry points of other packages, by key; found once, without importing them."""
        found: dict[str, EntryPoint] = {}
        for entry in entry_points(group=self.group) if self.group is not None else ():
            other = "unseen" if entry.name in self.own else _package(found[entry.name]) if entry.name in found else ""
            if other:
                _log.warning(
                    "%s registers the %s %r, which %s has. It is ignored; rename its entry point in the group %s",
                    _package(entry), self.kind, entry.name, other, self.group,
                )  # fmt: skip
            else:
                found[entry.name] = entry
        return found

    def __getitem__(self, key: str) -> str:
        if key in self.registered:
            return place_of(self.registered[key])
        return self.own[key] if key in self.own else self.plugins[key].value

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self.own, *self.plugins, *self.registered)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def load(self, key: str) -> type[Any]:  # Any: the registry knows no method, so it cannot name the class
        """Import the file behind ``key`` and return its class.

        Raises:
            UnknownName: no such key.
            PluginError: the package that registers it cannot be imported, or names its class otherwise.
        """
        if key in self.registered:
            return self.registered[key]
        if key in self.own:
            module, _, name = self.own[key].partition(":")
            loaded: type[Any] = getattr(importlib.import_module(module), name)
            return loaded
        if key not in self.plugins:
            raise UnknownName(f'{self.kind} "{key}": {did_you_mean(key, self)}')
        entry = self.plugins[key]
        try:
            plugin: type[Any] = entry.load()
        except Exception as error:  # whatever another package's module does on import
            raise PluginError(
                f'the {self.kind} "{key}" of {_package(entry)} cannot be loaded: {type(error).__name__}: {error} '
                f"(entry point {entry.value}). Repair or uninstall that package"
            ) from error
        if getattr(plugin, "key", key) != key:
            raise PluginError(
                f'{_package(entry)} registers {entry.value} as the {self.kind} "{key}", but its key is '
                f'"{plugin.key}". Give the entry point that name'
            )
        return plugin

    @contextmanager
    def blaming(self, method: object, subject: str) -> Iterator[None]:
        """Name the package at fault where a plug-in's method raises in the block; what our own raise stays as it is.

        Args:
            method: what the block calls.
            subject: what it is applied to, such as a film's name.

        Raises:
            PluginError: `method`, or a plug-in that it calls, raised anything but a UserError; that is the cause.
        """
        try:
            yield
        except UserError:
            raise
        except Exception as error:  # whatever another package's method does
            entry = self.plugins.get(getattr(method, "key", "")) or self._raised_in(error)
            if entry is None:
                raise
            raise PluginError(
                f'{subject}: the {self.kind} "{entry.name}" of {_package(entry)} fails on it ({_cause(error)}). {_CURE}'
            ) from error

    def _raised_in(self, error: Exception) -> EntryPoint | None:
        """Return the plug-in whose module the error went through."""
        modules = _modules(error)
        return next((entry for entry in self.plugins.values() if entry.module in modules), None)

    def key_of(self, kind: type[object]) -> str | None:
        """Return the key under which a class is registered; None where it is not."""
        for key in self:
            if self[key] == place_of(kind) or (key in self.plugins and self.load(key) is kind):
                return key
        return None


_CURE = "Update or repair that package; with UNSEEN_TRACEBACK=1 the command prints where it fails"


def plugin_fault(error: Exception) -> str | None:
    """Return the sentence that names the package whose code raised an error.

    Returns None where it went through no plug-in's code.

    Args:
        error: one that was raised, with its traceback; the last function of a plug-in on it is taken.

    >>> plugin_fault(TypeError("of our own")) is None
    True
    """
    groups = (group for group in entry_points().groups if group.startswith("unseen."))
    packages = {entry.module.partition(".")[0]: entry for group in groups for entry in entry_points(group=group)}
    packages.pop("unseen", None)
    for module in reversed(_modules(error)):
        entry = packages.get(module.partition(".")[0])
        if entry is not None:
            return f"{_package(entry)} fails ({_cause(error)}). {_CURE}"
    return None


def with_plugin_faults(function: Callable[..., T], /, *given: object, **named: object) -> T:
    """Call a function in another process; an error comes from there without its traceback.

    Raises:
        PluginError: a plug-in's code raised what is no `UserError`.

    >>> with_plugin_faults(max, 1, 2)
    2
    """
    try:
        return function(*given, **named)
    except UserError:
        raise
    except Exception as error:
        sentence = plugin_fault(error)
        if sentence is None:
            raise
        raise PluginError(sentence) from error


def _modules(error: Exception) -> list[str]:
    """Return the modules of the functions that an error went through, that which raised it last."""
    return [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]


def _cause(error: Exception) -> str:
    return " ".join([f"{type(error).__name__}:", *str(error).split()]).removesuffix(":")


def place_of(kind: type[object]) -> str:
    """``"module:Class"``, by which a class is imported again."""
    return f"{kind.__module__}:{kind.__qualname__}"


def imported(place: str) -> Any:  # Any: whatever is there
    """Import and return the object that ``"package.module:name"`` names.

    Raises:
        UnknownName: it names nothing that can be imported here.

    >>> imported("math:sqrt")(4.0)
    2.0
    """
    module, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownName(
            f'"{place}" cannot be imported: {error}. Give "package.module:Name" of something that is installed, or '
            "that PYTHONPATH finds"
        ) from error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the second half of an error message about an unknown name: the nearest known name, or all known names.

    Args:
        name: the unknown name.
        known: the names that are known, in any order.

    Returns:
        A phrase that begins with "unknown".

    Example:
        >>> did_you_mean("sure_wieght", ["sure_weight", "size"])
        'unknown; did you mean sure_weight?'
        >>> did_you_mean("colour", ["sure_weight", "size"])
        'unknown; known: size, sure_weight'
        >>> did_you_mean("colour", [])
        'unknown; none is known here'
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"unknown; did you mean {near[0]}?"
    return f"unknown; known: {', '.join(names)}" if names else "unknown; none is known here"


def _package(entry: EntryPoint) -> str:
    return "a package" if entry.dist is None else f"the package {entry.dist.name} {entry.dist.version}"
