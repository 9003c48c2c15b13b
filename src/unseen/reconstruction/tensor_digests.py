"""SHA-256 of tensors: of weights, and of the measurements that a reconstructor was trained on."""

import hashlib

import torch
from torch import Tensor


def digest(*tensors: Tensor) -> str:
    """Return the SHA-256 of the values of tensors, in order."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def measurement_digest(y: Tensor) -> str:
    """Return the SHA-256 of one measurement; a reconstructor keeps those of its training measurements.

    Args:
        y: of any shape. Its values in single precision decide, so that double precision does not hide a measurement.

    Example:
        >>> measurement_digest(torch.zeros(4))[:8]
        '374708ff'
    """
    return digest(y.to(torch.complex64 if y.is_complex() else torch.float32))


def with_digests(known: tuple[str, ...], tensors: Tensor) -> tuple[str, ...]:
    """Return known digests and those of further measurements or images, each once.

    >>> len(with_digests((), torch.zeros(2, 1, 4, 4))), len(with_digests(("a",), torch.zeros(2, 1, 4, 4)))
    (1, 2)
    """
    return tuple(dict.fromkeys((*known, *map(measurement_digest, tensors))))
