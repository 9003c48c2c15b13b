"""`Immutable`: instances that nothing changes once they are made, whose tensors follow their input's device."""

from __future__ import annotations

from typing import NoReturn

import torch
from torch import Tensor

from unseen.physics.arguments import Recorded


class Immutable(Recorded):
    """Base of operators: `_set` keeps attributes in `__init__`, `_moved={}` among them; nobody else assigns one."""

    _moved: dict[tuple[str, torch.dtype, torch.device], Tensor]

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
        """The instance's own tensor `name` on like's device, in like's dtype or another: moved there once, and kept."""
        key = (name, dtype or like.dtype, like.device)
        moved = self._moved.get(key)
        if moved is None:
            with torch.inference_mode(False):
                moved = getattr(self, name).to(key[2], key[1])
            self._moved[key] = moved
        return moved

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_moved": {}}
