"""Objects that do not change and that remember how they were made."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn

import numpy as np
import torch
from torch import Tensor
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack


@contextmanager
def constants() -> Iterator[None]:
    """Leave inference mode and torch.func's transformations, so that tensors made in the block can be kept."""
    with torch.inference_mode(False), temporarily_clear_interpreter_stack():
        yield


Arguments = tuple[tuple[object, ...], dict[str, object]]


class Recorded:
    """Base of classes whose instances remember the arguments of their `__init__`: those of the class that was called,
    not those that it hands to its own base.

    >>> from unseen.physics import BeerLambert
    >>> made_from(BeerLambert(1e5))
    ((100000.0,), {})
    """

    _copies_arguments: ClassVar[bool] = True
    """True if tensors, arrays and lists among the arguments are copied, so that later changes of them are not those of
    what was recorded."""

    def __init_subclass__(cls, **keywords: Any) -> None:  # Any: what other bases take
        super().__init_subclass__(**keywords)
        if "__init__" in cls.__dict__:
            cls.__init__ = _recording(cls.__init__)  # type: ignore[method-assign]


def made_from(thing: Recorded) -> Arguments:
    """Return the positional arguments and the keywords."""
    arguments: Arguments = thing.__dict__.get("_made_from", ((), {}))
    return arguments


def functions_within(thing: object) -> Iterator[tuple[Recorded, Callable[..., object]]]:
    """Yield the functions among the arguments of a recorded object and of its parts, each with the part that has it.

    >>> from unseen.physics import FunctionOperator
    >>> double = FunctionOperator(lambda x: 2 * x, (1, 2, 2))
    >>> [part is double for part, function in functions_within(double @ double)]
    [True, True]
    """
    if not isinstance(thing, Recorded):
        return
    arguments, named = made_from(thing)
    for argument in (*arguments, *named.values()):
        for entry in argument if isinstance(argument, tuple | list) else (argument,):
            if isinstance(entry, Recorded):
                yield from functions_within(entry)
            elif callable(entry) and not isinstance(entry, type):
                yield thing, entry


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def recorded(self: object, *arguments: object, **named: object) -> None:
        if "_made_from" not in self.__dict__:
            kept: Arguments = (arguments, named)
            if getattr(self, "_copies_arguments", False):
                kept = tuple(map(_copied, arguments)), {name: _copied(value) for name, value in named.items()}
            self.__dict__["_made_from"] = kept  # past __setattr__, which an operator forbids
        init(self, *arguments, **named)

    return recorded


def _copied(argument: object) -> object:
    if isinstance(argument, Tensor):
        return argument.detach().clone()
    if isinstance(argument, np.ndarray):
        return argument.copy()
    return tuple(map(_copied, argument)) if isinstance(argument, list | tuple) else argument


class Immutable(Recorded):
    """Base of operators: `_set` keeps attributes in `__init__`, `_moved={}` among them; nobody else assigns one."""

    _moved: dict[tuple[str, torch.dtype, torch.device], Tensor]
    _copies_arguments: ClassVar[bool] = False
    """False: matrices are large, and operators of some samples are made in each step of a training. A card is compared
    with the operator before it is written."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__} never changes, but {name} was assigned. Make a new operator instead."
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__} never changes, but {name} was deleted. Make a new operator instead."
        )

    def _set(self, **attributes: object) -> None:
        """Keep attributes while the instance is being made; a class's own `__init__` alone calls this."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _on(self, name: str, like: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
        """Return the instance's own tensor `name` on like's device, in like's dtype or another: moved there once, and
        kept.
        """
        key = (name, dtype or like.dtype, like.device)
        moved = self._moved.get(key)
        if moved is None:
            with constants():
                moved = getattr(self, name).to(key[2], key[1])
            if type(moved) is Tensor:  # a fake tensor, as of torch.export, is of no use to later calls
                self._moved[key] = moved
        return moved

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_moved": {}}
