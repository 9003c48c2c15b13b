"""Cache of the lung finder's answers for tests that score the same few images hundreds of times.

A finder is asked once a process for the lungs of an image, and a copy of its answer is given after that. Finders of
equal weights share their answers; one whose weights have changed, or whose network is compiled, is asked each time.
The detector, its score and everything after it are worked out each time.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from unseen.anatomy.lung_finder import LungFinder
from unseen.data.film import Film

_Weights = tuple[int, ...]  # how often each tensor was changed, and where it lies
_found: dict[tuple[str, bytes], NDArray[np.bool_]] = {}
_digests: weakref.WeakKeyDictionary[LungFinder, tuple[_Weights, str]] = weakref.WeakKeyDictionary()
_modules: weakref.WeakKeyDictionary[torch.nn.Module, list[torch.nn.Module]] = weakref.WeakKeyDictionary()
_find = LungFinder.find


@contextmanager
def kept_lungs() -> Iterator[None]:
    """Within it, `LungFinder.find` looks once at each image."""
    LungFinder.find = _kept_or_found  # type: ignore[method-assign]
    try:
        yield
    finally:
        LungFinder.find = _find  # type: ignore[method-assign]


def _kept_or_found(self: LungFinder, film: Film) -> NDArray[np.bool_]:
    if self.compiled is not None:
        return _find(self, film)
    key = _digest(self), _image(film)
    if key not in _found:
        _found[key] = _find(self, film)
    return _found[key].copy()


def _digest(finder: LungFinder) -> str:
    if finder.network not in _modules:
        _modules[finder.network] = list(finder.network.modules())
    weights = tuple(  # `state_dict`, which names them too, takes ten times as long
        number
        for module in _modules[finder.network]
        for tensor in (*module._parameters.values(), *module._buffers.values())
        if tensor is not None
        for number in (tensor._version, tensor.data_ptr())
    )
    known = _digests.get(finder)
    if known is None or known[0] != weights:
        known = _digests[finder] = weights, f"{finder.digest} {finder.network.training}"
    return known[1]


def _image(film: Film) -> bytes:
    """Return the part of a film on which a finder's answer depends: its pixels, and if it rounds them to 8 bits."""
    told = f"{film.pixels.shape} {film.bits <= 8 and film.file_format != 'dicom'}"
    return hashlib.blake2b(film.pixels.tobytes(), key=told.encode(), digest_size=20).digest()
