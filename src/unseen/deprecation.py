"""Old public names that still work for one release: each warns once, with the new name and the release that removes it.

In a package's ``__init__.py``, after its table of contents::

    __getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
    __getattr__ = renamed(__name__, {"Served": "Response"}, removed_in="0.3", otherwise=__getattr__)

A name without a replacement of the same interface is given with its successor:

    __getattr__ = superseded(
        __name__, {"fit_line": ("unseen.old_fits:fit_line", "unseen.fits.fit")}, removed_in="0.3", otherwise=__getattr__
    )

``docs/deprecation.md`` has the policy. The old names are in neither ``__all__`` nor ``dir()``. The module of a new name
is imported when its old name is first used.
"""

import importlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Alias:
    """An old name and its replacement, both with their modules.

    Args:
        old: the old name, with its package.
        new: the replacement, with its module.
        removed_in: the release without the old name.
        same: the replacement is the same object. False: it takes other arguments.
    """

    old: str
    new: str
    removed_in: str
    same: bool = True

    def __str__(self) -> str:
        if self.same:
            return f"{self.old} is now {self.new}. The old name will be removed in unseen {self.removed_in}."
        return f"{self.old} is superseded by {self.new}. It will be removed in unseen {self.removed_in}."


ALIASES: dict[str, Alias] = {}
"""Every alias of the modules that have been imported, by old name."""

_warned: set[str] = set()


def renamed(
    module: str,
    names: Mapping[str, str],
    *,
    removed_in: str,
    otherwise: Callable[[str], object] | None = None,
) -> Callable[[str], object]:
    """Return a module's ``__getattr__`` (PEP 562) that serves old names with a DeprecationWarning.

    Args:
        module: the module's ``__name__``.
        names: old name → new name in the same module, or ``package.module:Name`` in another module.
        removed_in: the release without the old names, such as "0.3".
        otherwise: the ``__getattr__`` for every other name, such as lazy_loader's.

    Example:
        >>> import warnings
        >>> find = renamed("unseen.example", {"Squareroot": "math:sqrt"}, removed_in="0.3")
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     find("Squareroot")(9.0), find("Squareroot")(4.0)
        (3.0, 2.0)
        >>> print(*(one.message for one in caught))
        unseen.example.Squareroot is now math.sqrt. The old name will be removed in unseen 0.3.
    """
    targets = {old: new if ":" in new else f"{module}:{new}" for old, new in names.items()}
    aliases = {old: Alias(f"{module}.{old}", new.replace(":", "."), removed_in) for old, new in targets.items()}
    return _served(module, targets, aliases, otherwise)


def superseded(
    module: str,
    names: Mapping[str, tuple[str, str]],
    *,
    removed_in: str,
    otherwise: Callable[[str], object] | None = None,
) -> Callable[[str], object]:
    """Return a module's ``__getattr__`` that serves names that have a successor with another interface.

    Args:
        module: the module's ``__name__``.
        names: name → its object, ``package.module:Name``, and its successor with its package.
        removed_in: the release without the names, such as "0.3".
        otherwise: the ``__getattr__`` for every other name.

    Example:
        >>> import warnings
        >>> find = superseded("unseen.example", {"root": ("math:sqrt", "math.pow")}, removed_in="0.3")
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     find("root")(9.0)
        3.0
        >>> print(*(one.message for one in caught))
        unseen.example.root is superseded by math.pow. It will be removed in unseen 0.3.
    """
    targets = {old: target for old, (target, _) in names.items()}
    aliases = {old: Alias(f"{module}.{old}", new, removed_in, same=False) for old, (_, new) in names.items()}
    return _served(module, targets, aliases, otherwise)


def _served(
    module: str,
    targets: Mapping[str, str],
    aliases: Mapping[str, Alias],
    otherwise: Callable[[str], object] | None,
) -> Callable[[str], object]:
    """Return a ``__getattr__`` that warns once of each alias, and returns its target, ``package.module:Name``."""
    ALIASES.update({alias.old: alias for alias in aliases.values()})

    def find(name: str) -> object:
        alias = aliases.get(name)
        if alias is None:
            if otherwise is not None:
                return otherwise(name)
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if alias.old not in _warned:
            _warned.add(alias.old)
            warnings.warn(str(alias), DeprecationWarning, stacklevel=2)
        where, what = targets[name].split(":")
        return getattr(importlib.import_module(where), what)

    return find
